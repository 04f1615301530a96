//! Records of a span: parsed, counted in parts and put together; the depth may not depend on how they are cut, and is compared with a
//! plain count where the rule is plain.
#![no_main]

use std::cell::RefCell;

use fastcov::coords::{Interval, Target};
use fastcov::depth::{Depth, Joined, Query, Written};
use fastcov::error::Result;
use fastcov::pass::{self, Watch};
use fastcov::plan::{Origin, Plan, Section, Span};
use fastcov::rules::{Mates, Preset, Rules};
use fastcov::source::alignments::{Alignments, Place};
use fastcov::source::bgzf::{self, EOF_FRAME};
use fastcov::source::fasta::Reference;
use fastcov_fuzz::scratch::Scratch;
use fastcov_fuzz::{refused, stored_frame, take};

const LENGTHS: [usize; 2] = [300, 50];
/// How long frames and parts are.
const FRAMES: [usize; 4] = [60_000, 1, 37, 500];
const PARTS: [usize; 4] = [1, 100, 1000, 60_000];

struct Files {
    bam: Scratch,
    /// The bytes of a BAM in front of its first record.
    head: Vec<u8>,
    reference: Reference,
}

impl Files {
    fn new() -> Self {
        let mut head = b"BAM\x01\0\0\0\0\x02\0\0\0".to_vec();
        let mut fasta = Vec::new();
        for (i, len) in LENGTHS.iter().enumerate() {
            head.extend([2, 0, 0, 0, b'a' + i as u8, 0]);
            head.extend((*len as u32).to_le_bytes());
            fasta.extend([b'>', b'a' + i as u8, b'\n']);
            fasta.extend(b"ACGTTGCAACNGATTACA".iter().cycle().take(*len));
            fasta.push(b'\n');
        }
        let mut file = Scratch::new(".fa");
        file.write(&fasta);
        let reference = Reference::open(file.path()).expect("it is a FASTA");
        Self { bam: Scratch::new(".records"), head, reference }
    }
}

thread_local! {
    static FILES: RefCell<Files> = RefCell::new(Files::new());
}

/// The bytes of records out of an input: as they stand there, or each with the length it has and a start behind the one before.
fn records(mut data: &[u8], framed: bool) -> Vec<u8> {
    if !framed {
        return data.to_vec();
    }
    let (mut out, mut start) = (Vec::new(), 0_i32);
    while !data.is_empty() {
        let [len, step] = take(&mut data);
        let (body, rest) = data.split_at(data.len().min(32 + usize::from(len)));
        data = rest;
        out.extend((body.len() as u32).to_le_bytes());
        let at = out.len();
        out.extend(body);
        if body.len() >= 32 {
            start += i32::from(step % 32);
            out[at..at + 4].copy_from_slice(&i32::from(body[0] == 1).to_le_bytes());
            out[at + 4..at + 8].copy_from_slice(&start.to_le_bytes());
        }
    }
    out
}

fn rules([preset, bits, quality, mapq]: [u8; 4]) -> Rules {
    let mut rules = Rules::new(Preset::ALL[usize::from(preset) % Preset::ALL.len()]);
    if bits & 1 > 0 {
        rules.mates = if rules.mates == Mates::Once { Mates::Both } else { Mates::Once };
    }
    rules.min_baseq = if bits & 2 > 0 { quality % 64 } else { rules.min_baseq };
    rules.min_mapq = if bits & 4 > 0 { mapq } else { rules.min_mapq };
    rules.orphans ^= bits & 8 > 0;
    rules.deletions ^= bits & 16 > 0;
    rules.skips ^= bits & 32 > 0;
    rules.max_depth = if bits & 64 > 0 { 2 } else { rules.max_depth };
    rules.exclude_flags = if bits & 128 > 0 { 0 } else { rules.exclude_flags };
    rules
}

/// Depth of the query's one target.
fn count(alignments: &Alignments, query: &Query<'_>, spans: &[Span], part_bytes: usize) -> Result<Vec<i32>> {
    let mut out = vec![0; query.targets[0].interval.len() as usize];
    let plan = Plan { spans: spans.to_vec() };
    let joined = Joined::into_columns(query, [&mut out[..]]);
    let joined = pass::run(alignments, &plan, &Depth::new(query, Written), joined, (1, part_bytes), &Watch::unattended())?;
    for correction in joined.into_totals().corrections {
        let first = (correction.positions.start - query.targets[0].interval.start) as usize;
        out[first..first + correction.positions.len() as usize].iter_mut().for_each(|depth| *depth += correction.by);
    }
    Ok(out)
}

/// Depth by M, = and X alone; `None` where a CIGAR may be in a tag.
fn plain(stream: &[u8], rules: &Rules, target: Target) -> Option<Vec<i32>> {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let mut out = vec![0; target.interval.len() as usize];
    let mut rest = stream;
    // What is cut short in the end was allowed to be.
    while let Some((record, tail)) = rest.get(4..).and_then(|records| records.split_at_checked(word(rest, 0) as usize)) {
        rest = tail;
        let mut at = i64::from(word(record, 4) as i32);
        if word(record, 0) as usize != target.contig || at >= target.interval.end {
            // Records behind the target are not read.
            break;
        }
        let flags = word(record, 12) >> 16;
        let (name, ops) = (usize::from(record[8]), (word(record, 12) & 0xffff) as usize);
        if ops == 2 && word(record, 32 + name) & 15 == 4 {
            return None;
        }
        if flags & u32::from(rules.exclude_flags) > 0 || record[9] < rules.min_mapq || at < 0 {
            continue;
        }
        for op in 0..ops {
            let op = word(record, 32 + name + 4 * op);
            let (kind, end) = (op & 15, at + i64::from(op >> 4));
            if matches!(kind, 0 | 7 | 8) {
                let inside = Interval::new(at, end).intersect(target.interval);
                for position in inside.start..inside.end {
                    out[(position - target.interval.start) as usize] += 1;
                }
            }
            at = if matches!(kind, 0 | 2 | 3 | 7 | 8) { end } else { at };
        }
    }
    Some(out)
}

fn check(mut data: &[u8]) {
    let [layout, contig, start, len, second, a, b, c, d] = take(&mut data);
    let rules = rules([a, b, c, d]);
    if rules.validate().is_err() {
        return;
    }
    let stream = records(data, layout & 1 > 0);
    let contig = usize::from(contig % 2);
    let start = i64::from(start) % LENGTHS[contig] as i64;
    let end = if len == 0 { LENGTHS[contig] as i64 } else { (start + i64::from(len)).min(LENGTHS[contig] as i64) };
    FILES.with_borrow_mut(|files| {
        let mut bytes = stored_frame(&files.head);
        let mut starts = Vec::new();
        for payload in stream.chunks(FRAMES[usize::from(layout >> 1) % 4].max(stream.len() / 200)).filter(|c| c.len() <= 60_000) {
            starts.push(bytes.len() as u64);
            bytes.extend(stored_frame(payload));
        }
        let place = |offset| Place::from(bgzf::position(offset, 0));
        let end_of_records = place(bytes.len() as u64);
        bytes.extend(EOF_FRAME);
        files.bam.write(&bytes);
        let alignments = Alignments::open(files.bam.path(), layout & 128 > 0).expect("it is a BAM");
        let targets = [Target { contig, interval: Interval::new(start, end) }];
        let with_baq = rules.preset.traits().pileup && layout & 64 > 0 && rules.baq != Some(false);
        let query = Query {
            header: alignments.header(),
            baq_reference: with_baq.then_some(&files.reference),
            rules,
            read_groups: None,
            targets: &targets,
            initial: &[0],
            corrections: &[],
            cancelled: &|| false,
        };
        let whole = Span { section: Section::Target(0), start: alignments.first_record(), end: end_of_records, origin: Origin::Stretch };
        let once = count(&alignments, &query, &[whole], 1 << 20);
        // A boundary that may be none.
        let cut = starts.get(usize::from(second)).map_or(whole.end, |&at| place(at));
        let mut spans = vec![whole];
        if cut > whole.start && cut < whole.end {
            spans = vec![Span { end: cut, ..whole }, Span { start: cut, origin: Origin::Guess, ..whole }];
        }
        let parts = count(&alignments, &query, &spans, PARTS[usize::from(layout >> 3) % 4]);
        match (once, parts) {
            (Ok(once), Ok(parts)) => {
                assert_eq!(once, parts, "{rules:?} {spans:?}");
                let is_plain =
                    rules.preset == Preset::Depth && rules.min_baseq == 0 && rules.mates == Mates::Both && !rules.deletions && !rules.skips;
                if is_plain && let Some(plain) = plain(&stream, &rules, targets[0]) {
                    assert_eq!(once, plain, "{rules:?}");
                }
            }
            (Err(once), Err(parts)) => {
                refused(&once);
                refused(&parts);
                // Of a record out of order that begins a part and a fault behind it in the same part, the fault is given.
                let out_of_order = [&once, &parts].iter().any(|error| error.to_string().contains("not sorted"));
                assert!(out_of_order || (once.kind(), once.at_offset()) == (parts.kind(), parts.at_offset()), "{once}\n{parts}");
            }
            (once, parts) => panic!("{rules:?} {spans:?}: {once:?}, in parts {parts:?}"),
        }
    });
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
