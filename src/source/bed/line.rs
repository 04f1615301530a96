//! One line of a BED file.

use super::Row;
use crate::error::{Error, Kind, escape};

/// More than any contig has.
pub(super) const MOST: i64 = 1 << 62;
/// Characters of a faulty number that are shown.
const SHOWN: usize = 20;
/// What a line should be.
const REMEDY: &str = "a line of BED is chrom, start, end (0-based, end not included), separated by tabs or spaces";

/// What a line holds.
#[derive(Debug)]
pub(super) enum Line<'a> {
    Blank,
    Comment,
    Track,
    Browser,
    Row(Row<'a>),
    /// None of these.
    Other(Fields<'a>),
}

/// The first fields of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    first: [&'a [u8]; 4],
    /// How many of them there are.
    n: usize,
}

impl<'a> Fields<'a> {
    /// Tabs separate if there are any; names may hold blanks then.
    fn of(line: &'a [u8]) -> Self {
        let mut fields = Self::default();
        if line.contains(&b'\t') {
            fields.take(line.split(|&b| b == b'\t'));
        } else {
            fields.take(line.split(|&b| is_blank(b)).filter(|field| !field.is_empty()));
        }
        fields
    }

    fn take(&mut self, all: impl Iterator<Item = &'a [u8]>) {
        for (field, value) in self.first.iter_mut().zip(all) {
            *field = value;
            self.n += 1;
        }
    }

    pub(super) fn as_slice(&self) -> &[&'a [u8]] {
        self.first.get(..self.n).unwrap_or_default()
    }

    fn row(&self) -> Option<Row<'a>> {
        let [contig, start, end, name] = self.first;
        if self.n < 3 {
            return None;
        }
        let (start, end) = (i64::try_from(number(start)?).ok()?, i64::try_from(number(end)?).ok()?);
        let name = (self.n > 3).then_some(name);
        (start <= end && end <= MOST).then_some(Row { contig, start, end, name })
    }

    /// Whether a start and an end stand where those of an interval do, whatever they are.
    fn has_numbers(&self) -> bool {
        self.n > 2 && [self.first[1], self.first[2]].iter().all(|field| is_like_a_number(field))
    }

    /// What is wrong with them, where they are no interval.
    pub(super) fn error(&self, line: &[u8]) -> Error {
        let corrupt = |what: String| Error::new(Kind::CorruptFile, what);
        let [_, first, last, _] = self.first;
        let error = match (self.n, number(first), number(last)) {
            (1, ..) => corrupt("1 column, at least 3 are needed".into()),
            (n @ ..3, ..) => corrupt(format!("{n} columns, at least 3 are needed")),
            (_, None, _) => corrupt(no_number("start", first)),
            (_, _, None) => corrupt(no_number("end", last)),
            (_, Some(start), Some(end)) if end < start => corrupt(format!("it ends at {}, before its start {}", shown(last), shown(first))),
            _ => corrupt(format!("its end {} is past every contig there can be", shown(last))),
        };
        error.hint(remedy(line))
    }
}

/// Reads a line, which holds no end of a line.
pub(super) fn parse(line: &[u8]) -> Line<'_> {
    let text = trim_start(line);
    match text.first() {
        None => return Line::Blank,
        Some(b'#') => return Line::Comment,
        Some(_) => {}
    }
    let fields = Fields::of(line);
    if let Some(row) = fields.row() {
        return Line::Row(row);
    }
    // A contig may have the word as its name: then two numbers follow.
    match first_word(text) {
        b"track" if !fields.has_numbers() => Line::Track,
        b"browser" if !fields.has_numbers() => Line::Browser,
        _ => Line::Other(fields),
    }
}

/// White space of ASCII, its four separators included.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0x1c..=0x1f)
}

fn trim_start(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|&&b| is_blank(b)).count();
    text.get(blanks..).unwrap_or_default()
}

fn trim(text: &[u8]) -> &[u8] {
    let text = trim_start(text);
    let blanks = text.iter().rev().take_while(|&&b| is_blank(b)).count();
    text.get(..text.len() - blanks).unwrap_or_default()
}

fn first_word(text: &[u8]) -> &[u8] {
    text.split(|&b| is_blank(b)).next().unwrap_or_default()
}

/// A whole number of 0 or more, blanks around it left out; `u64::MAX` stands for all that are larger.
fn number(field: &[u8]) -> Option<u64> {
    let text = trim(field);
    let mut value = 0_u64;
    for &byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value.saturating_mul(10).saturating_add(u64::from(digit));
    }
    (!text.is_empty()).then_some(value)
}

/// Whether a field was meant as a number: it begins with a digit, behind a sign or not.
fn is_like_a_number(field: &[u8]) -> bool {
    let text = trim(field);
    let digits = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    digits.first().is_some_and(u8::is_ascii_digit)
}

fn no_number(which: &str, field: &[u8]) -> String {
    format!("{which} '{}' is not a whole number of 0 or more", shown(field))
}

fn shown(field: &[u8]) -> String {
    let text = escape(field);
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// What to do about a line that is no interval: some are lines of other formats.
fn remedy(line: &[u8]) -> String {
    if line.contains(&0) {
        return "it holds NUL bytes: the file is no text, or text in UTF-16: save it as UTF-8".into();
    }
    let fields: Vec<_> = line.split(|&b| b == b'\t').collect();
    let is_number = |i: usize| fields.get(i).is_some_and(|field| number(field).is_some());
    if fields.len() > 7 && is_number(3) && is_number(4) && !is_number(1) {
        return "this looks like GFF or GTF, whose positions are 1-based: write chrom, start - 1, end".into();
    }
    if let [_, position] = fields[..]
        && number(position).is_some()
    {
        return format!("{REMEDY}; samtools takes two columns for a contig and a 1-based position: write chrom, position - 1, position");
    }
    if fields.get(1..3).is_some_and(|bounds| bounds.iter().any(|field| is_scientific(trim(field)))) {
        return format!("{REMEDY}; R writes whole numbers with options(scipen = 100)");
    }
    if fields.len() == 1 && is_region(trim(line)) {
        return format!("{REMEDY}; 'chr1:101-200' is chr1, 100, 200");
    }
    if fields.len() == 1 && line.split(|&b| b == b',').count() > 2 {
        return format!("{REMEDY}, not by commas");
    }
    REMEDY.into()
}

/// Whether a text is like `1e+05`, as R writes 100000.
fn is_scientific(text: &[u8]) -> bool {
    let mut parts = text.splitn(2, |&b| b == b'e' || b == b'E');
    let (Some(head), Some(exponent)) = (parts.next(), parts.next()) else { return false };
    let exponent = exponent.strip_prefix(b"+").unwrap_or(exponent);
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(|&b| b.is_ascii_digit() || b == b'.');
    digits(head) && digits(exponent)
}

/// Whether a text is like `chr1:101-200`.
pub(super) fn is_region(text: &[u8]) -> bool {
    let Some(colon) = text.iter().rposition(|&b| b == b':') else { return false };
    let range = text.get(colon + 1..).unwrap_or_default();
    range.contains(&b'-') && range.iter().all(|&b| b.is_ascii_digit() || matches!(b, b'-' | b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Option<(&str, i64, i64, Option<&str>)> {
        let text = |bytes| str::from_utf8(bytes).unwrap();
        match parse(line.as_bytes()) {
            Line::Row(row) => Some((text(row.contig), row.start, row.end, row.name.map(text))),
            _ => None,
        }
    }

    fn words(line: &str) -> String {
        match parse(line.as_bytes()) {
            Line::Other(fields) => fields.error(line.as_bytes()).to_string(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn tabs_or_blanks_separate() {
        assert_eq!(row("chr1\t0\t10"), Some(("chr1", 0, 10, None)));
        assert_eq!(row("chr1\t5\t5\ttwo words\t0\t+"), Some(("chr1", 5, 5, Some("two words"))));
        assert_eq!(row("  chr1  5 6 \u{b} x y"), Some(("chr1", 5, 6, Some("x"))));
        assert_eq!(row("chr1\t0\t10\t"), Some(("chr1", 0, 10, Some(""))));
        assert_eq!(row("chr1\t 7 \t\u{1c}9"), Some(("chr1", 7, 9, None)));
        assert_eq!(row("\t0\t1"), Some(("", 0, 1, None)));
    }

    #[test]
    fn numbers_of_any_length_are_read_or_named() {
        let zeros = "0".repeat(5000);
        assert_eq!(row(&format!("c\t{zeros}\t{zeros}10")), Some(("c", 0, 10, None)));
        assert_eq!(row(&format!("c\t0\t{}", 1_u64 << 62)), Some(("c", 0, 1 << 62, None)));
        let nines = "9".repeat(5000);
        let past = "its end 99999999999999999999… is past every contig there can be";
        assert!(words(&format!("c\t{nines}\t{nines}")).starts_with(past));
        assert!(words("c\t1e+05\t200000").ends_with("R writes whole numbers with options(scipen = 100)"));
        assert!(words(&format!("c\t{nines}\t5")).starts_with("it ends at 5, before its start 99999999999999999999…:"));
        for (field, shown) in [
            ("x", "'x'"),
            ("-1", "'-1'"),
            ("1_0", "'1_0'"),
            ("1,000", "'1,000'"),
            ("", "''"),
            ("+4", "'+4'"),
            ("1.0", "'1.0'"),
            ("٣", "'٣'"),
            ("1e5", "'1e5'"),
            ("1 2", "'1 2'"),
        ] {
            assert!(words(&format!("c\t{field}\t9")).starts_with(&format!("start {shown} is not a whole number of 0 or more: a line")));
            assert!(words(&format!("c\t1\t{field}")).starts_with(&format!("end {shown} is not a whole number")));
        }
    }

    #[test]
    fn lines_that_hold_nothing_are_told_apart() {
        for line in ["", "  ", "\t\t", "\u{c}\u{1f}"] {
            assert!(matches!(parse(line.as_bytes()), Line::Blank), "{line:?}");
        }
        assert!(matches!(parse(b" #x"), Line::Comment));
        assert!(matches!(parse(b"track"), Line::Track));
        assert!(matches!(parse(b"browser\tposition"), Line::Browser));
        assert!(matches!(parse(b"track type=bedGraph"), Line::Track));
        assert!(matches!(parse(b"track\t5"), Line::Track));
        assert!(matches!(parse(b"browser hide all"), Line::Browser));
    }

    #[test]
    fn a_contig_may_be_called_like_a_word_of_browsers() {
        for contig in ["track1", "browserX", "track", "browser"] {
            assert_eq!(row(&format!("{contig}\t0\t5")), Some((contig, 0, 5, None)));
            assert_eq!(row(&format!("{contig} 0 5 x")), Some((contig, 0, 5, Some("x"))));
            assert!(words(&format!("{contig}\t5\t3")).starts_with("it ends at 3, before its start 5"));
            assert!(words(&format!("{contig}\t-5\t3")).starts_with("start '-5'"));
        }
    }

    #[test]
    fn lines_of_other_formats_are_named() {
        assert!(
            words("chr1\tHAVANA\tgene\t1\t9\t.\t+\t.\tid")
                .contains("start 'HAVANA' is not a whole number of 0 or more: this looks like GFF")
        );
        assert!(words("chr1,0,10").contains("1 column, at least 3 are needed: a line of BED is"));
        assert!(words("chr1,0,10").ends_with("not by commas"));
        assert!(words("chr1:1,001-2,000").ends_with("'chr1:101-200' is chr1, 100, 200"));
        assert!(words("chr1\t5").starts_with("2 columns, at least 3"));
        assert!(words("c\0\t\x005\0\t9").contains("it holds NUL bytes"));
        assert!(words("chr1\t5").ends_with("write chrom, position - 1, position"));
    }
}
