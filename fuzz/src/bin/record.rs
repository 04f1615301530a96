//! Records of a span: parsed, counted in parts and put together; the depth may not depend on how they are cut, and is compared with a
//! plain count where the rule is plain.
#![no_main]

use std::cell::RefCell;

use fastcov::coords::Interval;
use fastcov::depth::merge::Merge;
use fastcov::depth::slab::Slab;
use fastcov::depth::{Counter, Job};
use fastcov::error::Result;
use fastcov::plan::{Origin, Span, Target};
use fastcov::rules::{Mates, Preset, Rules};
use fastcov::source::bam::Bam;
use fastcov::source::bgzf::{EOF_FRAME, VirtualOffset};
use fastcov::source::fasta::Reference;
use fastcov::source::file::InputFile;
use fastcov::source::header::Header;
use fastcov_fuzz::scratch::Scratch;
use fastcov_fuzz::{refused, stored_frame, take};

const LENGTHS: [usize; 2] = [300, 50];
/// How long frames and parts are.
const FRAMES: [usize; 4] = [60_000, 1, 37, 500];
const PARTS: [usize; 4] = [1, 100, 1000, 60_000];

struct Files {
    bam: Scratch,
    header: Header,
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
        let header = Header::parse(&head, 0).expect("it is a header").expect("it is whole").0;
        Self { bam: Scratch::new(".records"), header, reference }
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
        rules.mates = if rules.mates == Mates::MateOverlap { Mates::Both } else { Mates::MateOverlap };
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

/// Depth of the job's one target; `None` where the cap acts, which takes another pass.
fn count(job: &Job<'_>, spans: &[Span]) -> Result<Option<Vec<i32>>> {
    let mut out = vec![0; job.targets[0].interval.len() as usize];
    let mut merge = Merge::new(job, spans, Some([&mut out[..]]));
    let (mut counter, mut ready) = (Counter::new(job), Vec::new());
    for (id, &span) in spans.iter().enumerate() {
        let mut sought = counter.seek(id, span, 0);
        for index in 0.. {
            let part = sought.and_then(|()| counter.next_part(Slab::<1>::default(), None));
            let more = part.as_ref().is_ok_and(|part| !part.last);
            merge.deposit((id, index), part, &mut ready)?;
            ready.drain(..).try_for_each(|piece| piece.write().map(drop))?;
            if merge.totals.crowded {
                return Ok(None);
            }
            if !more {
                break;
            }
            sought = Ok(());
        }
    }
    merge.finish(&mut ready);
    ready.drain(..).try_for_each(|piece| piece.write().map(drop))?;
    for late in std::mem::take(&mut merge.totals.late) {
        let first = (late.positions.start - job.targets[0].interval.start) as usize;
        out[first..first + late.positions.len() as usize].iter_mut().for_each(|depth| *depth += late.by);
    }
    Ok(Some(out))
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
            // Nobody looks at what comes behind the target.
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
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        for payload in stream.chunks(FRAMES[usize::from(layout >> 1) % 4].max(stream.len() / 200)).filter(|c| c.len() <= 60_000) {
            starts.push(bytes.len() as u64);
            bytes.extend(stored_frame(payload));
        }
        let end_of_records = bytes.len() as u64;
        bytes.extend(EOF_FRAME);
        files.bam.write(&bytes);
        let file = InputFile::open(files.bam.path()).expect("it is there");
        let bam = Bam { file, header: files.header.clone(), first_record: VirtualOffset(0), truncated: false };
        let targets = [Target { contig, interval: Interval::new(start, end) }];
        let with_baq = rules.preset.traits().pileup && layout & 64 > 0 && rules.baq != Some(false);
        let job = Job {
            bam: &bam,
            baq_reference: with_baq.then_some(&files.reference),
            rules,
            read_groups: None,
            targets: &targets,
            part_bytes: 1 << 20,
            allow_truncated: layout & 128 > 0,
            initial: &[0],
            drops: None,
            patches: &[],
            survey: false,
            recount_bytes: 0,
            cancelled: &|| false,
        };
        let whole = Span { target: 0, start: VirtualOffset(0), end: VirtualOffset(end_of_records << 16), origin: Origin::Chunk };
        let once = count(&job, &[whole]);
        // A boundary that nobody promised.
        let cut = starts.get(usize::from(second)).map_or(whole.end, |&at| VirtualOffset(at << 16));
        let mut spans = vec![whole];
        if cut > whole.start && cut < whole.end {
            spans = vec![Span { end: cut, ..whole }, Span { start: cut, origin: Origin::Guess, ..whole }];
        }
        let parts = count(&Job { part_bytes: PARTS[usize::from(layout >> 3) % 4], ..job }, &spans);
        match (once, parts) {
            (Ok(once), Ok(parts)) => {
                if let (Some(once), Some(parts)) = (&once, &parts) {
                    assert_eq!(once, parts, "{rules:?} {spans:?}");
                    let is_plain = rules.preset == Preset::Depth
                        && rules.min_baseq == 0
                        && rules.mates == Mates::Both
                        && !rules.deletions
                        && !rules.skips;
                    if is_plain && let Some(plain) = plain(&stream, &rules, targets[0]) {
                        assert_eq!(*once, plain, "{rules:?}");
                    }
                }
            }
            (Err(once), Err(parts)) => {
                refused(&once);
                refused(&parts);
                // Of a record out of order that begins a part and a fault behind it in the same part, the merge is told the fault.
                let out_of_order = [&once, &parts].iter().any(|error| error.to_string().contains("not sorted"));
                assert!(out_of_order || (once.kind(), once.at_offset()) == (parts.kind(), parts.at_offset()), "{once}\n{parts}");
            }
            // A pass that finds the cap at work ends there, in small parts before the fault; the pass that follows it reads on.
            (Ok(None), Err(error)) | (Err(error), Ok(None)) => refused(&error),
            (once, parts) => panic!("{rules:?} {spans:?}: {once:?}, in parts {parts:?}"),
        }
    });
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
