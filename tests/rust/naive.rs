//! The slow twin against hand-made cases. samtools 1.24 confirms every depth without an extension, except where a case says it differs.
//!
//! Drawings: one line per read, `=` a base, `-` a deletion, `~` a skip; the ruler above counts from the position named first. Reads
//! follow the reference and have quality 40 unless a case says otherwise; positions are 1-based, as in samtools' output.
#![allow(clippy::unwrap_used, reason = "a wrong test must fail")]

#[path = "../support/mod.rs"]
mod support;

use support::model::{Read, Sample};
use support::naive::{self, Options};
use support::{naive_baq, naive_mates};

/// 200 bases, always the same.
fn reference() -> Vec<u8> {
    let mut x = 7u32;
    let mut next = || {
        x = x.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        b"ACGT"[(x >> 16) as usize & 3]
    };
    (0..200).map(|_| next()).collect()
}

fn read(name: &str, flags: u16, pos: i64, cigar: &str) -> Read {
    Read::new(name).flags(flags).at(0, pos - 1).cigar(cigar).seq_of(&reference()).quality(40)
}

/// A proper pair whose mate fields are right.
fn pair(name: &str, left: (i64, &str), right: (i64, &str)) -> Vec<Read> {
    let (a, b) = (read(name, 99, left.0, left.1), read(name, 147, right.0, right.1));
    let tlen = a.end().max(b.end()) - a.pos.min(b.pos);
    let (pos_a, pos_b) = (a.pos, b.pos);
    vec![a.mate(0, pos_b, tlen), b.mate(0, pos_a, -tlen)]
}

fn sample(reads: &[Read]) -> Sample {
    let start = Sample::new().contig("chrT", &reference()).contig("chrU", &reference()[..80]);
    reads.iter().cloned().fold(start, Sample::read).sort()
}

/// `21-30 31-40=2`: depth 1 at 21 to 30, 2 at 31 to 40, 0 elsewhere.
fn depths(text: &str) -> Vec<i64> {
    let mut depths = vec![0; 200];
    for run in text.split_whitespace() {
        let (span, depth) = run.split_once('=').unwrap_or((run, "1"));
        let (start, end) = span.split_once('-').unwrap_or((span, span));
        let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
        depths[start - 1..end].fill(depth.parse().unwrap());
    }
    depths
}

#[track_caller]
fn check(reads: &[Read], options: &Options, expected: &str) {
    let found = naive::depth(&sample(reads), 0, 0, 200, true, options);
    assert_eq!(found, depths(expected));
}

/// The same for a region; outside of it `expected` must say nothing.
#[track_caller]
fn check_region(reads: &[Read], (start, end): (i64, i64), options: &Options, expected: &str) {
    let found = naive::depth(&sample(reads), 0, start - 1, end, true, options);
    assert_eq!(found, depths(expected)[start as usize - 1..end as usize]);
}

fn raw() -> Options {
    Options { baq: false, ..Options::mpileup() }
}

fn capped(max_depth: u32) -> Options {
    Options { max_depth, ..raw() }
}

fn depth_s() -> Options {
    Options { mates_once: true, ..Options::depth() }
}

fn depth_j() -> Options {
    Options { deletions: true, ..Options::depth() }
}

#[test]
fn flags_that_drop_a_read() {
    // 21 ====  each with one flag: unmapped, secondary, QC-fail, duplicate are gone; supplementary and reverse stay
    // 31 ====  paired without proper pair: an orphan, which only depth counts
    let flags = [0x4, 0x100, 0x200, 0x400, 0x800, 0x10];
    let mut reads: Vec<_> = flags.iter().map(|&flags| read("a", flags, 21, "4M")).collect();
    reads.push(read("b", 0x1, 31, "4M"));
    check(&reads, &raw(), "21-24=2");
    check(&reads, &Options::depth(), "21-24=2 31-34");
    check(&reads, &Options { orphans: true, ..raw() }, "21-24=2 31-34");
}

#[test]
fn mapping_quality_is_at_least() {
    // 21 ====  31 ====  41 ====
    //     9        10       255
    let reads = [read("a", 0, 21, "4M").mapq(9), read("b", 0, 31, "4M").mapq(10), read("c", 0, 41, "4M").mapq(255)];
    check(&reads, &Options { min_mapq: 10, ..raw() }, "31-34 41-44");
}

#[test]
fn base_quality_is_at_least() {
    // 11 ==========
    // q  0 1 2 12 13 14 15 16 93 12: only 13 and better count
    let reads = [read("a", 0, 11, "10M").qualities(&[0, 1, 2, 12, 13, 14, 15, 16, 93, 12])];
    check(&reads, &raw(), "15-19");
    check(&reads, &Options { min_baseq: 0, ..raw() }, "11-20");
    check(&reads, &Options { min_baseq: 14, ..Options::depth() }, "16-19");
}

#[test]
fn missing_qualities_pass_and_missing_bases_do_not() {
    // 11 ==========  QUAL *: counts
    // 31 ==========  SEQ *: quality 0 in a pileup; depth does not look
    let bare = |name, pos| Read { qual: None, ..read(name, 0, pos, "10M") };
    let reads = [bare("a", 11), bare("b", 31).seq("")];
    check(&reads, &raw(), "11-20");
    check(&reads, &Options { min_baseq: 0, ..raw() }, "11-20 31-40");
    check(&reads, &Options::depth(), "11-20 31-40");
}

#[test]
fn deletion_borrows_the_next_base() {
    // 21 ==========---==========  base before the deletion is bad: the deletion counts
    // 61 ==========---==========  base after it is bad: the deletion does not
    let before: Vec<_> = (0..20).map(|i| if i == 9 { 2 } else { 40 }).collect();
    let after: Vec<_> = (0..20).map(|i| if i == 10 { 2 } else { 40 }).collect();
    let reads = [read("A", 0, 21, "10M3D10M").qualities(&before), read("B", 0, 61, "10M3D10M").qualities(&after)];
    check(&reads, &raw(), "21-29 31-43 61-70 75-83");
    check(&reads, &depth_j(), "21-43 61-83");
    check(&reads, &Options::depth(), "21-30 34-43 61-70 74-83");
    check(&reads, &Options { deletions: false, ..raw() }, "21-29 34-43 61-70 75-83");
}

#[test]
fn deletion_borrows_an_inserted_or_clipped_base() {
    // 21 =====---(ii)=====  the inserted bases are bad, so the deletion is
    // 61 ==========---(sssss)  and here the clipped ones
    let reads = [
        read("A", 0, 21, "5M3D2I5M").qualities(&[40, 40, 40, 40, 40, 2, 2, 40, 40, 40, 40, 40]),
        read("B", 0, 61, "10M3D5S").qualities(&[40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 2, 2, 2, 2, 2]),
    ];
    check(&reads, &raw(), "21-25 29-33 61-70");
}

#[test]
fn deletion_at_the_end_of_a_read() {
    // 21 ==========---  no next base: quality 0 in a pileup, free passage in depth -J
    let reads = [read("A", 0, 21, "10M3D")];
    check(&reads, &raw(), "21-30");
    check(&reads, &Options { min_baseq: 0, ..raw() }, "21-33");
    check(&reads, &Options { min_baseq: 30, ..depth_j() }, "21-33");
}

#[test]
fn skips_count_in_a_pileup_only() {
    // 21 ==========~~~~~==========
    let reads = [read("a", 0, 21, "10M5N10M")];
    check(&reads, &Options::mpileup(), "21-45");
    check(&reads, &depth_j(), "21-30 36-45");
    check(&reads, &Options { skips: false, ..raw() }, "21-30 36-45");
}

#[test]
fn empty_operations_make_the_pileup_lag() {
    // 21 =====(0D 0D)=====  the walker is at the first 0D for 26, at the second for 27: both show base 6, which is bad
    let reads = [read("a", 0, 21, "5M0D0D5M").qualities(&[40, 40, 40, 40, 40, 2, 40, 40, 40, 40])];
    check(&reads, &raw(), "21-25 28-30");
    // 21 (0M)==========  counts once in either rule; samtools depth 1.21 to 1.24 says 2
    check(&[read("a", 0, 21, "0M10M")], &raw(), "21-30");
    check(&[read("a", 0, 21, "0M10M")], &Options::depth(), "21-30");
}

#[test]
fn mates_count_once_where_they_overlap() {
    // 21 ====================
    // 31           ====================
    let reads = pair("x", (21, "20M"), (31, "20M"));
    check(&reads, &Options::mpileup(), "21-50");
    check(&reads, &Options { mates_once: false, ..raw() }, "21-30 31-40=2 41-50");
    check(&reads, &Options::depth(), "21-30 31-40=2 41-50");
    check(&reads, &depth_s(), "21-50");
    check_region(&reads, (35, 45), &raw(), "35-45");
}

#[test]
fn equal_bases_add_their_qualities() {
    // 21 77777777777777777777
    // 31           77777777777777777777   7 + 7 = 14 passes 13
    let reads: Vec<_> = pair("x", (21, "20M"), (31, "20M")).into_iter().map(|r| r.quality(7)).collect();
    check(&reads, &raw(), "31-40");
}

#[test]
fn different_bases_keep_four_fifths_of_the_better() {
    // 21 ==============?=====
    // 31           ====?===============   at 35 the bases differ
    let with = |a: u8, b: u8| {
        let mut reads = pair("x", (21, "20M"), (31, "20M"));
        let other = if reference()[34] == b'A' { b'C' } else { b'A' };
        reads[1] = reads[1].clone().base(4, other);
        reads[0].qual.as_mut().unwrap()[14] = a;
        reads[1].qual.as_mut().unwrap()[4] = b;
        reads
    };
    // 16 becomes 12, 17 becomes 13; equal ones too.
    check(&with(16, 10), &raw(), "21-34 36-50");
    check(&with(17, 10), &raw(), "21-50");
    check(&with(10, 17), &raw(), "21-50");
    check(&with(16, 16), &raw(), "21-34 36-50");
    check(&with(17, 17), &raw(), "21-50");
}

#[test]
fn the_name_decides_who_keeps_the_quality() {
    assert!(naive_mates::earlier_keeps(b"x"));
    assert!(!naive_mates::earlier_keeps(b"y"));
    // 21 ==========----==========   the deletion borrows base 35, which the mate zeroes for y and not for x
    // 35               ====================
    check(&pair("x", (21, "10M4D10M"), (35, "20M")), &raw(), "21-54");
    check(&pair("y", (21, "10M4D10M"), (35, "20M")), &raw(), "21-30 35-54");
    // A region that ends before 35 does not fetch the mate.
    check_region(&pair("y", (21, "10M4D10M"), (35, "20M")), (25, 33), &raw(), "25-33");
}

#[test]
fn deletion_of_one_mate_inside_the_other() {
    // 21 ==============----======
    // 31           ====================   x or y: once everywhere
    check(&pair("x", (21, "14M4D6M"), (31, "20M")), &raw(), "21-50");
    check(&pair("y", (21, "14M4D6M"), (31, "20M")), &raw(), "21-50");
    check(&pair("x", (21, "14M4D6M"), (31, "20M")), &depth_s(), "21-34 39-50");
    // Quality 15: the covered bases fall to 12.
    let bad = |name| pair(name, (21, "30M"), (31, "5M4D15M")).into_iter().map(|r| r.quality(15)).collect::<Vec<_>>();
    check(&bad("x"), &raw(), "21-35 40-54");
}

#[test]
fn first_base_after_a_skip_counts_twice() {
    // 21 ==========~~~~~~~~~~~~~~~~~~~~==========
    // 36                ====================   51 is the first base they share, and it is passed over
    check(&pair("x", (21, "10M20N10M"), (36, "20M")), &raw(), "21-35 36-51=2 52-60");
    // 21 ========================================
    // 31           =====~~~~~~===============   36-41 lie in the skip, 42 is passed over
    check(&pair("x", (21, "40M"), (31, "5M6N15M")), &raw(), "21-35 36-42=2 43-60");
}

#[test]
fn contained_and_equal_starts() {
    // 21 ========================================
    // 31           ==========
    check(&pair("x", (21, "40M"), (31, "10M")), &raw(), "21-60");
    check(&pair("x", (21, "40M"), (21, "10M")), &raw(), "21-60");
    check(&pair("x", (21, "20M"), (40, "20M")), &raw(), "21-59");
}

#[test]
fn pairs_that_are_left_alone() {
    // 21 ====================
    // 31           ====================   both count
    let twice = "21-30 31-40=2 41-50";
    let with = |flags: [u16; 2], mates: [(i32, i64, i64); 2]| {
        [(21, 0), (31, 1)].map(|(pos, i): (i64, usize)| {
            let (contig, mate, tlen) = mates[i];
            read("x", flags[i], pos, "20M").mate(contig, mate - 1, tlen)
        })
    };
    let right = [(0, 31, 30), (0, 21, -30)];
    check(&with([97, 145], right), &Options { orphans: true, ..raw() }, twice);
    check(&with([107, 155], right), &raw(), twice);
    check(&with([0, 0], right), &raw(), twice);
    // Mates said to lie left of both, or at the left one's end with TLEN of two reads.
    check(&with([99, 147], [(0, 1, 30), (0, 1, -30)]), &raw(), twice);
    check(&with([99, 147], [(0, 41, 40), (0, 21, -40)]), &raw(), twice);
    check(&with([99, 147], [(1, 31, 30), (0, 21, -30)]), &raw(), twice);
    // But an unknown mate position pairs, and so does a far TLEN with a near mate.
    check(&with([99, 147], [(-1, 0, 0), (-1, 0, 0)]), &raw(), "21-50");
    check(&with([99, 147], [(0, 31, 1000), (0, 21, -1000)]), &raw(), "21-50");
}

#[test]
fn third_record_of_a_name() {
    // 21 ====================
    // 31           ====================
    // 36                ====================   supplementary, comes when the pair is done
    let mut reads = pair("x", (21, "20M"), (31, "20M"));
    reads.push(read("x", 2147, 36, "20M").mate(0, 30, 30));
    check(&reads, &raw(), "21-35 36-50=2 51-55");
    // Now it lies first, and is paired with read 1; read 2 starts over.
    let mut reads = vec![read("x", 2147, 21, "30M").mate(0, 35, 30)];
    reads.extend(pair("x", (26, "20M"), (36, "20M")));
    check(&reads, &raw(), "21-35 36-50=2 51-55");
}

#[test]
fn a_leaving_read_takes_its_name_along() {
    // 21 ==========                         named x too, its mate far away
    // 25     ====================           x/1
    // 33             =====                  w brings the columns past 30
    // 35               ====================   x/2 finds no entry
    let far = read("x", 99, 21, "10M").mate(0, 149, 200);
    let rest = [pair("x", (25, "20M"), (35, "20M")), vec![read("w", 0, 33, "5M")]].concat();
    check(&[vec![far], rest.clone()].concat(), &raw(), "21-24 25-30=2 31-32 33-34=2 35-37=3 38-44=2 45-54");
    // An improper read of that name takes nothing along.
    check(&[vec![read("x", 0, 21, "10M")], rest].concat(), &raw(), "21-24 25-30=2 31-32 33-37=2 38-54");
}

#[test]
fn a_pair_without_bases_is_left_alone() {
    // 21 ====================
    // 31           ....................   SEQ *: quality 0; samtools stops here, the twin does not
    let mut reads = pair("x", (21, "20M"), (31, "20M"));
    reads[1] = Read { qual: None, ..reads[1].clone().seq("") };
    check(&reads, &raw(), "21-40");
    check(&reads, &Options { min_baseq: 0, ..raw() }, "21-30 31-40=2 41-50");
}

#[test]
fn cap_lets_the_first_read_of_a_start_in() {
    // 21 ==========   twenty of them, five get in
    // 22  ==========  … 26: one each, all get in
    let mut reads: Vec<_> = (0..20).map(|_| read("s", 0, 21, "10M")).collect();
    reads.extend((22..=26).map(|pos| read("t", 0, pos, "10M")));
    check(&reads, &capped(5), "21=5 22=6 23=7 24=8 25=9 26-30=10 31=5 32=4 33=3 34=2 35");
}

#[test]
fn cap_sees_reads_that_ended_just_before() {
    // 21 ==========          six, five get in
    // 31           ==========   three: the five are still in the buffer for all but the first
    let stack = |n, pos| (0..n).map(move |_| read("s", 0, pos, "10M"));
    check(&stack(6, 21).chain(stack(3, 31)).collect::<Vec<_>>(), &capped(5), "21-30=5 31-40");
    // 32: one position further on they are gone.
    check(&stack(6, 21).chain(stack(3, 32)).collect::<Vec<_>>(), &capped(5), "21-30=5 32-41=3");
    // 1: column 0 of the first contig is there from the start, so no read is the first.
    check(&stack(6, 1).collect::<Vec<_>>(), &capped(3), "1-10=3");
}

#[test]
fn reads_without_length_at_the_very_start() {
    //  1 (no CIGAR), then == three times, two of all may be in the buffer: on the first contig the engine is at column 0 already and
    // does not take in a read that ends there; on the second it does, and the read takes a place.
    let reads = |contig| {
        let on = |cigar| Read::new("a").at(contig, 0).cigar(cigar).seq_of(&reference()).quality(40);
        sample(&[on("*"), on("2M"), on("2M"), on("2M")])
    };
    assert_eq!(naive::depth(&reads(0), 0, 0, 3, true, &capped(2)), [2, 2, 0]);
    assert_eq!(naive::depth(&reads(1), 1, 0, 3, true, &capped(2)), [1, 1, 0]);
}

#[test]
fn cap_counts_fetched_reads_only() {
    // 21 =====                  six
    // 21 ====================   four; a region from 30 on fetches just these
    let mut reads: Vec<_> = (0..6).map(|_| read("s", 0, 21, "5M")).collect();
    reads.extend((0..4).map(|_| read("t", 0, 21, "20M")));
    check_region(&reads, (30, 40), &capped(5), "30-40=4");
    check(&reads, &capped(5), "21-25=5");
}

#[test]
fn a_dropped_read_takes_its_name_along_if_proper() {
    // 21 ====================    x/1
    // 31           ==========    five others, four get in; then one named x, dropped
    // 32            ====================   x/2
    let reads = |flags| {
        let mut reads = vec![read("x", 99, 21, "20M").mate(0, 31, 31)];
        reads.extend((0..5).map(|_| read("s", 0, 31, "10M")));
        reads.push(read("x", flags, 31, "10M").mate(0, 20, -31));
        reads.push(read("x", 147, 32, "20M").mate(0, 20, -31));
        reads
    };
    check(&reads(0), &capped(5), "21-30 31-40=5 41-51");
    check(&reads(147), &capped(5), "21-30 31=5 32-40=6 41-51");
}

#[test]
fn depth_s_leaves_holes() {
    // 21 ==========~~~~~~~~~~~~~~~~~~~~==========   the later mate is cut to 60, whatever the earlier one has there
    // 36                ====================
    check(&pair("x", (21, "10M20N10M"), (36, "20M")), &depth_s(), "21-30 51-60");
    // An improper pair is a pair to it, a pair with 0x8 is not.
    let flags = |a, b| {
        let mut reads = pair("x", (21, "20M"), (31, "20M"));
        (reads[0].flags, reads[1].flags) = (a, b);
        reads
    };
    check(&flags(97, 145), &depth_s(), "21-50");
    check(&flags(107, 155), &depth_s(), "21-30 31-40=2 41-50");
}

#[test]
fn baq_hides_ends_next_to_mismatches() {
    // 21 ==================xx
    let mut read = read("a", 0, 21, "20M");
    read.seq[18..].copy_from_slice(b"CC");
    check(&[read.clone()], &Options::mpileup(), "21-38");
    check(&[read], &raw(), "21-40");
}

#[test]
fn baq_heeds_the_tags_of_earlier_runs() {
    let plain = read("a", 0, 21, "4M");
    let after = |tag, text: &[u8]| naive_baq::adjusted(&plain.clone().tag(tag, text), &reference());
    // BQ is subtracted, `@` being nothing, and never below 0; ZQ says that was done already.
    assert_eq!(after(*b"BQ", b"@Bh~"), Some(vec![40, 38, 0, 0]));
    assert_eq!(after(*b"ZQ", b"@Bh~"), None);
    // Of another length: BQ is nothing, ZQ is a reason to keep away.
    assert_eq!(after(*b"BQ", b"@"), naive_baq::adjusted(&plain, &reference()));
    assert_eq!(after(*b"ZQ", b"@"), None);
    // A read with a skip keeps its qualities, unless a BQ says otherwise.
    let spliced = read("a", 0, 21, "2M9N2M");
    assert_eq!(naive_baq::adjusted(&spliced, &reference()), None);
    assert_eq!(naive_baq::adjusted(&spliced.tag(*b"BQ", b"@@@B"), &reference()), Some(vec![40, 40, 40, 38]));
}

#[test]
fn samples_are_the_same_for_the_same_seed() {
    use support::generate;
    for seed in 0..40 {
        let sample = generate::sample(seed, true);
        assert_eq!(sample, generate::sample(seed, true));
        for read in &sample.reads {
            let whole = read.seq.is_empty() || read.cigar.is_empty() || read.read_len() == read.seq.len() as i64;
            assert!(whole, "seed {seed}: {read:?}");
            assert!(read.qual.as_ref().is_none_or(|q| q.len() == read.seq.len()), "seed {seed}: {read:?}");
            assert!(read.contig < 0 || read.end() <= sample.contig_len(read.contig as usize), "seed {seed}: {read:?}");
        }
    }
}
