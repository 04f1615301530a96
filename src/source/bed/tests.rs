use std::io::Write;

use noodles_bed as noodles;
use proptest::prelude::*;

use super::*;

fn bed(text: &[u8]) -> Result<Bed> {
    read_from(Path::new("x.bed"), text)
}

type Rows = Vec<(String, i64, i64, Option<String>)>;

fn rows(bed: &Bed) -> Rows {
    let text = |names: &Names, i: usize| String::from_utf8_lossy(names.iter().nth(names.rows()[i] as usize).unwrap()).into_owned();
    let row = |i| (text(&bed.contigs, i), bed.start[i], bed.end[i], bed.names.as_ref().map(|names| text(names, i)));
    (0..bed.len()).map(row).collect()
}

fn row(contig: &str, start: i64, end: i64, name: Option<&str>) -> (String, i64, i64, Option<String>) {
    (contig.into(), start, end, name.map(Into::into))
}

#[test]
fn every_line_is_an_interval_or_counted() {
    let text = b"\n# c\nbrowser position\ntrack name=x\nChromosome Start End Name\nchr1\t0\t10\nchr2 5 6 x y\n  #\nchr1\t7\t7\t\n";
    let found = bed(text).unwrap();
    assert_eq!(rows(&found), [row("chr1", 0, 10, Some("")), row("chr2", 5, 6, Some("x")), row("chr1", 7, 7, Some(""))]);
    assert_eq!(found.skipped, Skipped { blank: 1, comments: 2, track: 1, browser: 1, headers: 1 });
    assert_eq!(found.contigs.len(), 2);
}

#[test]
fn an_empty_file_has_no_interval() {
    for text in [&b""[..], b"\n", b"\xef\xbb\xbf", b"#\r\r"] {
        assert!(bed(text).unwrap().is_empty());
    }
}

#[test]
fn a_head_is_skipped_in_front_of_all_intervals_and_once() {
    for head in ["chrom\tstart\tend", "#chrom\tstart\tend", "Chromosome Start End", "chr start end name", "chrom\tchromStart\tchromEnd\tx"]
    {
        assert_eq!(bed(format!("# x\n{head}\nc\t0\t1\n").as_bytes()).unwrap().len(), 1, "{head}");
    }
    for (text, line) in
        [("c\t0\t1\nchrom\tstart\tend\n", 2), ("chr start end\nchr start end\n", 2), ("start chrom end\n", 1), ("a b c\n", 1)]
    {
        let error = bed(text.as_bytes()).unwrap_err();
        assert_eq!((error.kind(), error.at_line()), (Kind::CorruptFile, Some(line)), "{text}");
    }
    let error = bed(b"seqnames start end width strand\nchr1 1 10 10 *\n").unwrap_err();
    assert_eq!(error.kind(), Kind::UnsupportedFormat);
    assert_eq!(
        error.to_string(),
        "x.bed: line 1: 'seqnames' is a column of GFF and GRanges, whose positions are 1-based with the end included: write chrom, start - 1, end"
    );
}

#[test]
fn lines_are_numbered_whichever_way_they_end() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["c\t0\t10", "# x", "", "c\t9\t5", "c\t0\t1"].join(end);
        let error = bed(text.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("x.bed: line 4: it ends at 5, before its start 9: a line of BED"), "{error}");
    }
}

#[test]
fn other_formats_are_named_compressed_or_not() {
    let bam = [b"BAM\x01", &[0; 60][..]].concat();
    for bytes in [bam.clone(), bgzip(&bam)] {
        let error = bed(&bytes).unwrap_err();
        assert_eq!((error.kind(), error.to_string().contains("x.bed: this is a BAM file, not BED")), (Kind::UnsupportedFormat, true));
    }
    assert!(bed(&bgzip(&bgzip(b"c\t0\t1\n"))).unwrap_err().to_string().contains("gzip within gzip"));
}

#[test]
fn rows_of_a_list_are_checked_and_named() {
    let row = |contig, start, end, name| Row { contig, start, end, name };
    let mut bed = Bed::default();
    bed.push(row(b"c", 0, 5, None)).unwrap();
    bed.push(row(b"d", 3, 3, Some(b"x"))).unwrap();
    assert_eq!((rows(&bed).len(), rows(&bed)[0].3.as_deref()), (2, Some("")));
    for (start, end) in [(-1, 5), (5, 4), (0, (1 << 62) + 1)] {
        let error = bed.push(row(b"c", start, end, None)).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
        assert!(error.to_string().starts_with(&format!("row 2 of bed, c:{start}-{end}, is no interval: give 0 <= start")), "{error}");
    }
    assert_eq!(bed.contig_error(Kind::UnknownContig, 1, "no").to_string(), "row 1 of bed: no");
    let file = super::tests::bed(b"#\nc\t0\t1\nd\t0\t1\n").unwrap();
    assert_eq!(file.contig_error(Kind::UnknownContig, 1, "no").to_string(), "x.bed: line 3: no");
}

#[test]
fn names_that_are_no_utf8_stay_apart() {
    let found = bed(b"\xff\t0\t1\n\xfe\t0\t1\n\xff\t0\t1\n").unwrap();
    assert_eq!(found.contigs.iter().collect::<Vec<_>>(), [b"\xff", b"\xfe"]);
    assert_eq!(found.contigs.rows(), [0, 1, 0]);
}

#[test]
fn a_poll_that_fails_ends_the_reading() {
    struct Cancelled;
    impl Read for Cancelled {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other(Error::cancelled()))
        }
    }
    for before in [&b""[..], b"c\t0\t1\n", b"\x1f\x8b\x08\0\0\0\0"] {
        assert_eq!(read_from(Path::new("x"), before.chain(Cancelled)).unwrap_err().kind(), Kind::Cancelled);
    }
}

fn bgzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// What noodles reads of a file that is in its narrower idea of BED.
fn by_noodles(text: &[u8]) -> Rows {
    let mut reader = noodles::io::Reader::<3, _>::new(text);
    let mut record = noodles::Record::default();
    let mut out = Rows::new();
    while reader.read_record(&mut record).unwrap() > 0 {
        let start = usize::from(record.feature_start().unwrap()) as i64 - 1;
        let end = record.feature_end().map_or(0, |end| usize::from(end.unwrap()) as i64);
        let name = record.other_fields().get(0).map(ToString::to_string);
        out.push((record.reference_sequence_name().to_string(), start, end, name));
    }
    out
}

/// What a text holds.
#[derive(Debug, Default, PartialEq)]
struct Plain {
    rows: Rows,
    skipped: u64,
    /// The line in which each distinct contig stands first.
    first: Vec<u64>,
}

/// A reading of a text that is slow and short: all of it at once, line by line. An error is its line.
fn plainly(text: &str) -> std::result::Result<Plain, u64> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
    let white = |c: char| c.is_ascii_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c) || c == '\u{b}';
    let (mut found, mut heads) = (Plain::default(), 0);
    for (i, line) in text.strip_suffix('\n').unwrap_or(&text).split('\n').enumerate().filter(|_| !text.is_empty()) {
        let words: Vec<_> = line.split(white).filter(|word| !word.is_empty()).collect();
        let fields: Vec<_> = if line.contains('\t') { line.split('\t').collect() } else { words.clone() };
        let meant = |field: &&str| field.trim_matches(white).trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit());
        let interval = fields.len() > 2 && fields[1..3].iter().all(meant);
        if words.is_empty() || words[0].starts_with('#') || !interval && ["track", "browser"].contains(&words[0]) {
            found.skipped += 1;
            continue;
        }
        let number = |field: &str| {
            let digits = field.trim_matches(white);
            (!digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())).then(|| digits.parse().unwrap_or(u64::MAX))
        };
        if let [contig, start, end, ..] = fields[..]
            && let (Some(start), Some(end)) = (number(start), number(end))
            && start <= end
            && end <= 1 << 62
        {
            if found.rows.iter().all(|row| row.0 != contig) {
                found.first.push(i as u64 + 1);
            }
            found.rows.push((contig.into(), start as i64, end as i64, fields.get(3).map(|&name| name.to_owned())));
        } else if found.rows.is_empty() && heads == 0 && fields.len() > 2 && fields[..3] == ["chrom", "start", "end"] {
            heads += 1;
        } else {
            return Err(i as u64 + 1);
        }
    }
    if found.rows.iter().any(|(.., name)| name.is_some()) {
        found.rows.iter_mut().for_each(|(.., name)| *name = Some(name.take().unwrap_or_default()));
    }
    found.skipped += heads;
    Ok(found)
}

fn field() -> impl Strategy<Value = String> {
    const ODD: &[&str] =
        &["", " 7", "007", "1_0", "-3", "\u{1c}1", "٣", "99999999999999999", "9999999999999999999", "track", "#x", "a b", "chr1", "\u{b}"];
    prop_oneof![3 => (0..50).prop_map(|n: i32| n.to_string()), 1 => prop::sample::select(ODD).prop_map(str::to_owned)]
}

fn any_line() -> impl Strategy<Value = String> {
    const OTHER: &[&str] = &[
        "track name=x",
        "browser position",
        "# c",
        "",
        "chr1 5 6",
        "c\t9\t5",
        "chrom\tstart\tend",
        "\t",
        " ",
        "chr1\t5\t6\t",
        "\u{feff}a",
    ];
    prop_oneof![
        6 => (0..9, 9..20).prop_map(|(start, end)| format!("chr1\t{start}\t{end}")),
        2 => prop::sample::select(OTHER).prop_map(str::to_owned),
        1 => prop::collection::vec(field(), 0..6).prop_map(|fields| fields.join("\t")),
        1 => prop::collection::vec(field(), 3..5).prop_map(|fields| fields.join(" ")),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    let end = prop::sample::select(&["\n", "\r\n", "\r", "\n\r", "\r\r\n", ""][..]);
    let lines = prop::collection::vec((any_line(), end), 0..8);
    (any::<bool>(), lines).prop_map(|(mark, lines)| {
        lines.into_iter().fold(if mark { "\u{feff}".to_owned() } else { String::new() }, |text, (line, end)| text + &line + end)
    })
}

/// Gives a few bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(out.len());
        self.0.read(&mut out[..n])
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_as_it_is_plainly(text in any_text(), step in 1_usize..40, compressed in prop::bool::weighted(0.1)) {
        let bytes = if compressed { bgzip(text.as_bytes()) } else { text.clone().into_bytes() };
        match (read_from(Path::new("x.bed"), Slow(&bytes, step)), plainly(&text)) {
            (Ok(found), wanted) => {
                let read = Plain { rows: rows(&found), skipped: found.skipped.lines(), first: found.first.clone() };
                prop_assert_eq!(Ok(read), wanted);
            }
            (Err(error), wanted) => prop_assert_eq!(Err(error.at_line().unwrap_or_default()), wanted),
        }
    }

    #[test]
    fn noodles_reads_the_same(lines in prop::collection::vec(("[a-z]{1,3}", 0_i64..99, 1_i64..99, "[x-z ]{1,3}"), 0..9), crlf: bool) {
        let end = if crlf { "\r\n" } else { "\n" };
        let line = |(contig, start, len, name): &(String, i64, i64, String)| format!("{contig}\t{start}\t{}\t{name}{end}", start + len);
        let text = lines.iter().map(line).collect::<Vec<_>>().concat();
        prop_assert_eq!(rows(&bed(text.as_bytes()).unwrap()), by_noodles(text.as_bytes()));
    }
}
