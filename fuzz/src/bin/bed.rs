//! A BED file, plain or compressed, that arrives in pieces of any size: what is read is what a plain reading of its lines gives.
#![no_main]

use std::io::Read;
use std::path::Path;

use fastcov::error::{Kind, Result};
use fastcov::source::bed::{Bed, Names, read_from};
use fastcov_fuzz::{refused, stored_frame, take};

const MOST: u64 = 1 << 62;
type Row = (Vec<u8>, i64, i64, Option<Vec<u8>>);

/// Gives some bytes at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(out.len());
        self.0.read(&mut out[..n])
    }
}

fn read(bytes: &[u8], step: usize) -> Result<Bed> {
    read_from(Path::new("fuzz.bed"), Slow(bytes, step))
}

fn rows(bed: &Bed) -> Vec<Row> {
    let texts = |names: &Names| {
        let distinct: Vec<_> = names.iter().collect();
        names.rows().iter().map(|&id| distinct[id as usize].to_vec()).collect::<Vec<_>>()
    };
    let names = bed.names().map(texts);
    let name = |i: usize| names.as_ref().map(|names| names[i].clone());
    texts(bed.contigs()).into_iter().enumerate().map(|(i, contig)| (contig, bed.start()[i], bed.end()[i], name(i))).collect()
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13 | 0x1c..=0x1f)
}

fn trim(mut field: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = field
        && is_white(*first)
    {
        field = rest;
    }
    while let [rest @ .., last] = field
        && is_white(*last)
    {
        field = rest;
    }
    field
}

/// Lines that end in LF, CR LF or CR.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    let (mut lines, mut start, mut at) = (Vec::new(), 0, 0);
    while at < text.len() {
        if matches!(text[at], b'\n' | b'\r') {
            lines.push(&text[start..at]);
            at += usize::from(text[at..].starts_with(b"\r\n"));
            start = at + 1;
        }
        at += 1;
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

fn number(field: &[u8]) -> Option<u64> {
    let digits = str::from_utf8(trim(field)).ok()?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Whether a field was meant as a number.
fn is_meant(field: &[u8]) -> bool {
    match trim(field) {
        [b'+' | b'-', first, ..] | [first, ..] => first.is_ascii_digit(),
        [] => false,
    }
}

/// Whether fields are the names of columns.
fn is_head(fields: &[&[u8]]) -> bool {
    let plain = |field: &[u8]| Some(str::from_utf8(field).ok()?.trim().trim_start_matches('#').replace('_', "").to_lowercase());
    let words: Vec<_> = fields.iter().take(3).map(|field| plain(field).unwrap_or_default()).collect();
    words.len() == 3
        && ["chrom", "chr", "chromosome"].contains(&&*words[0])
        && ["start", "chromstart"].contains(&&*words[1])
        && ["end", "chromend", "stop"].contains(&&*words[2])
}

/// The rows and the number of lines that are none; or the number of the first line that is neither.
fn plainly(text: &[u8]) -> std::result::Result<(Vec<Row>, u64), u64> {
    let (mut rows, mut skipped, mut head) = (Vec::<Row>::new(), 0, false);
    for (i, line) in lines(text).into_iter().enumerate() {
        let words: Vec<_> = line.split(|&b| is_white(b)).filter(|word| !word.is_empty()).collect();
        let fields = if line.contains(&b'\t') { line.split(|&b| b == b'\t').collect() } else { words.clone() };
        let is_interval = fields.len() > 2 && is_meant(fields[1]) && is_meant(fields[2]);
        let Some(first) = words.first() else {
            skipped += 1;
            continue;
        };
        if first.starts_with(b"#") || !is_interval && [&b"track"[..], b"browser"].contains(first) {
            skipped += 1;
            continue;
        }
        let bounds = (fields.len() > 2).then(|| number(fields[1]).zip(number(fields[2]))).flatten();
        match bounds {
            Some((start, end)) if start <= end && end <= MOST => {
                rows.push((fields[0].to_vec(), start as i64, end as i64, fields.get(3).map(|name| name.to_vec())));
            }
            _ if rows.is_empty() && !head && is_head(&fields) => {
                head = true;
                skipped += 1;
            }
            _ => return Err(i as u64 + 1),
        }
    }
    if rows.iter().any(|row| row.3.is_some()) {
        rows.iter_mut().for_each(|row| row.3 = Some(row.3.take().unwrap_or_default()));
    }
    Ok((rows, skipped))
}

/// Whether the input may be gzip data that breaks off or is broken.
fn is_damaged(packed: &[u8], mode: u8) -> bool {
    mode % 4 == 3 || mode.is_multiple_of(4) && packed.starts_with(b"\x1f\x8b")
}

fn check(mut data: &[u8]) {
    let [mode, step] = take(&mut data);
    let packed = match mode % 4 {
        // Whatever the input is; it may be gzip that is broken.
        0 => data.to_vec(),
        1 => [stored_frame(data), stored_frame(b"")].concat(),
        2 => {
            let (first, second) = data.split_at(data.len() / 2);
            [stored_frame(first), stored_frame(second), stored_frame(b"")].concat()
        }
        _ => stored_frame(data).split_off(usize::from(step) % 20),
    };
    let found = read(&packed, usize::from(step) + 1);
    let again = read(&packed, usize::MAX);
    match (&found, &again) {
        (Ok(a), Ok(b)) => assert_eq!((rows(a), a.skipped()), (rows(b), b.skipped())),
        // Of damaged data more may be inflated in small pieces before the damage is met, and a faulty line in it comes first.
        (Err(a), Err(b)) => assert!(is_damaged(&packed, mode) || a.to_string() == b.to_string(), "{a} | {b}"),
        _ => panic!("{found:?} in pieces, {again:?} at once"),
    }
    if let Err(error) = &found {
        refused(error);
        assert!(error.to_string().starts_with("fuzz.bed: "), "{error}");
    }
    if is_damaged(&packed, mode) {
        return;
    }
    match found {
        Ok(bed) => assert_eq!(Ok((rows(&bed), bed.skipped().lines())), plainly(data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data))),
        Err(error) if error.kind() == Kind::CorruptFile => {
            assert_eq!(error.at_line(), plainly(data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data)).err());
        }
        Err(error) => assert_eq!(error.kind(), Kind::UnsupportedFormat),
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
