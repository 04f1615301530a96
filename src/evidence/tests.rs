//! Each rule on records made for it, and all of them against the slow twin on random records.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::inserts::InsertRow;
use super::naive::Tables;
use super::*;
use crate::source::record::{OpKind, Record};

/// A record of ten bases on the first contig, its mate to the right of it.
#[derive(Clone, Debug)]
struct Read {
    flags: u16,
    contig: i32,
    pos: i32,
    mapq: u8,
    cigar: Vec<(u32, OpKind)>,
    mate_contig: i32,
    mate_pos: i32,
    template_len: i32,
    qualities: Vec<u8>,
}

fn read(flags: u16) -> Read {
    Read {
        flags,
        contig: 0,
        pos: 100,
        mapq: 60,
        cigar: vec![(10, OpKind::Match)],
        mate_contig: 0,
        mate_pos: 200,
        template_len: 110,
        qualities: vec![30; 10],
    }
}

impl Read {
    fn flags(&self, flags: u16) -> Self {
        Self { flags, ..self.clone() }
    }

    fn mapq(&self, mapq: u8) -> Self {
        Self { mapq, ..self.clone() }
    }

    fn cigar(&self, cigar: &[(u32, OpKind)]) -> Self {
        Self { cigar: cigar.to_vec(), ..self.clone() }
    }

    fn qualities(&self, qualities: &[u8]) -> Self {
        Self { qualities: qualities.to_vec(), ..self.clone() }
    }

    fn without_seq(&self) -> Self {
        self.qualities(&[])
    }

    fn without_place(&self) -> Self {
        Self { contig: -1, pos: -1, ..self.clone() }
    }

    fn mate(&self, mate_contig: i32, mate_pos: i32, template_len: i32) -> Self {
        Self { mate_contig, mate_pos, template_len, ..self.clone() }
    }

    /// The bytes of the record without `block_size`; SEQ is all `=`.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.contig.to_le_bytes());
        out.extend(self.pos.to_le_bytes());
        out.extend([2, self.mapq, 0, 0]);
        out.extend((self.cigar.len() as u16).to_le_bytes());
        out.extend(self.flags.to_le_bytes());
        out.extend((self.qualities.len() as u32).to_le_bytes());
        out.extend(self.mate_contig.to_le_bytes());
        out.extend(self.mate_pos.to_le_bytes());
        out.extend(self.template_len.to_le_bytes());
        out.extend(b"r\0");
        out.extend(words(&self.cigar));
        out.resize(out.len() + self.qualities.len().div_ceil(2), 0);
        out.extend(&self.qualities);
        out
    }
}

/// A CIGAR as BAM has it.
fn words(cigar: &[(u32, OpKind)]) -> Vec<u8> {
    cigar.iter().flat_map(|&(len, kind)| (len << 4 | kind as u32).to_le_bytes()).collect()
}

/// Folds `reads` as one part.
fn fold<'a, F: Default>(reads: impl IntoIterator<Item = &'a Read>, add: impl Fn(&mut F, Record<'_>)) -> F {
    let mut fold = F::default();
    for read in reads {
        add(&mut fold, Record::check(&read.encode()).unwrap().0);
    }
    fold
}

/// Categories that count a record, with `true` for failed.
fn categories(read: &Read) -> Vec<(&'static str, bool)> {
    let rows = fold([read], FlagSummary::add).rows();
    let counted = |count: u64, category, failed| {
        assert!(count <= 1);
        (count == 1).then_some((category, failed))
    };
    rows.iter().flat_map(|row| [counted(row.passed, row.category, false), counted(row.failed, row.category, true)]).flatten().collect()
}

fn passed(categories: &[&'static str]) -> Vec<(&'static str, bool)> {
    categories.iter().map(|&category| (category, false)).collect()
}

#[test]
fn an_unpaired_read_is_in_total_primary_and_mapped() {
    let every = ["in total", "primary", "mapped", "primary mapped"];
    assert_eq!(categories(&read(0)), passed(&every));
    // Flags about a pair mean nothing without 0x1, and bits that SAM does not define mean nothing at all.
    assert_eq!(categories(&read(0x2 | 0x8 | 0x40 | 0x80 | 0xf000).mate(1, 5, 0)), passed(&every));
}

#[test]
fn secondary_wins_over_supplementary() {
    assert_eq!(categories(&read(0x1 | 0x2 | 0x40 | 0x100)), passed(&["in total", "secondary", "mapped"]));
    assert_eq!(categories(&read(0x100 | 0x800 | 0x4 | 0x400)), passed(&["in total", "secondary", "duplicates"]));
    assert_eq!(categories(&read(0x1 | 0x800 | 0x400)), passed(&["in total", "supplementary", "duplicates", "mapped"]));
}

#[test]
fn failed_reads_are_counted_in_the_second_column() {
    let failed: Vec<_> = categories(&read(0x200 | 0x400));
    let every = ["in total", "primary", "duplicates", "primary duplicates", "mapped", "primary mapped"];
    assert_eq!(failed, every.map(|category| (category, true)));
    let failed = categories(&read(0x201).mate(1, 5, 0).mapq(5));
    assert!(failed.iter().all(|&(_, failed)| failed) && failed.len() == 8);
}

#[test]
fn pairs_are_counted_from_primary_records() {
    let common = ["in total", "primary", "mapped", "primary mapped", "paired in sequencing"];
    let with = |more: &[&'static str]| passed(&[&common[..], more].concat());
    let both = "with itself and mate mapped";
    assert_eq!(categories(&read(0x1)), with(&[both]));
    assert_eq!(categories(&read(0x1 | 0x2 | 0x40)), with(&["read1", "properly paired", both]));
    assert_eq!(categories(&read(0x1 | 0x40 | 0x80)), with(&["read1", "read2", both]));
    assert_eq!(categories(&read(0x1 | 0x8 | 0x80)), with(&["read2", "singletons"]));
    // An unmapped read is not properly paired, and not a singleton.
    let unmapped = ["in total", "primary", "paired in sequencing", "read1"];
    assert_eq!(categories(&read(0x1 | 0x2 | 0x4 | 0x8 | 0x40)), passed(&unmapped));
}

#[test]
fn a_mate_elsewhere_is_one_on_any_other_contig_id() {
    let categories_of = |contig, mapq| categories(&read(0x1).mate(contig, 5, 0).mapq(mapq)).split_off(6);
    let (any, confident) = ("with mate mapped to a different chr", "with mate mapped to a different chr (mapQ>=5)");
    assert_eq!(categories_of(0, 60), []);
    assert_eq!(categories_of(1, 4), passed(&[any]));
    assert_eq!(categories_of(1, 5), passed(&[any, confident]));
    // 0x8 alone says whether the mate is mapped.
    assert_eq!(categories_of(-1, 255), passed(&[any, confident]));
}

#[test]
fn the_categories_come_in_flagstats_order() {
    let rows = FlagSummary::default().rows();
    assert!(rows.iter().all(|row| row.passed == 0 && row.failed == 0));
    let words: Vec<_> = rows.iter().map(|row| row.category).collect();
    assert_eq!(
        words.join("\n"),
        "in total\nprimary\nsecondary\nsupplementary\nduplicates\nprimary duplicates\nmapped\nprimary mapped\npaired in sequencing\n\
         read1\nread2\nproperly paired\nwith itself and mate mapped\nsingletons\nwith mate mapped to a different chr\n\
         with mate mapped to a different chr (mapQ>=5)"
    );
}

/// Insert size, inward, outward and other of pairs of which both reads are `read`.
fn inserts(read: &Read, max_insert: u32) -> Vec<(u64, [u64; 3])> {
    let mut inserts = InsertSizes::new(max_insert);
    let bytes = read.encode();
    for _ in 0..2 {
        inserts.add(Record::trusted(&bytes));
    }
    inserts.rows().iter().map(|row| (row.insert_size, [row.inward, row.outward, row.other])).collect()
}

#[test]
fn orientation_follows_strands_and_starts() {
    const INWARD: [u64; 3] = [1, 0, 0];
    const OUTWARD: [u64; 3] = [0, 1, 0];
    const OTHER: [u64; 3] = [0, 0, 1];
    let of = |flags, mate_pos| inserts(&read(flags).mate(0, mate_pos, -150), 8000);
    for read1_or_2 in [0x40, 0x80, 0xc0, 0] {
        let flags = 0x1 | read1_or_2;
        // This read starts at 100.  ==>  <==
        assert_eq!(of(flags | 0x20, 200), [(150, INWARD)]);
        assert_eq!(of(flags | 0x10, 50), [(150, INWARD)]);
        //                           <==  ==>
        assert_eq!(of(flags | 0x10, 200), [(150, OUTWARD)]);
        assert_eq!(of(flags | 0x20, 50), [(150, OUTWARD)]);
        // Both start at 100.
        assert_eq!(of(flags | 0x10, 100), [(150, INWARD)]);
        assert_eq!(of(flags | 0x20, 100), [(150, INWARD)]);
        for strands in [0, 0x30] {
            assert_eq!(of(flags | strands, 200), [(150, OTHER)]);
            assert_eq!(of(flags | strands, 100), [(150, OTHER)]);
        }
    }
}

#[test]
fn insert_sizes_need_both_mates_mapped_and_a_size_or_one_contig() {
    let pair = read(0x1 | 0x20);
    assert_eq!(inserts(&pair, 8000).len(), 1);
    // QC-failed reads and duplicates count.
    assert_eq!(inserts(&pair.flags(0x621), 8000).len(), 1);
    for flags in [0x20, 0x1 | 0x4, 0x1 | 0x8, 0x1 | 0x100, 0x1 | 0x800] {
        assert_eq!(inserts(&pair.flags(flags), 8000), [], "{flags:#x}");
    }
    assert_eq!(inserts(&pair.cigar(&[]).without_seq(), 8000), []);
    // TLEN 0 counts on one contig, and without any contig.
    assert_eq!(inserts(&pair.mate(0, 200, 0), 8000), [(0, [1, 0, 0])]);
    assert_eq!(inserts(&pair.without_place().mate(-1, -1, 0), 8000), [(0, [1, 0, 0])]);
    assert_eq!(inserts(&pair.mate(1, 200, 0), 8000), []);
    assert_eq!(inserts(&pair.mate(1, 200, 7), 8000), [(7, [1, 0, 0])]);
}

#[test]
fn large_insert_sizes_count_as_the_limit() {
    let of = |tlen, max_insert| inserts(&read(0x21).mate(0, 200, tlen), max_insert)[0].0;
    assert_eq!([of(-7999, 8000), of(8000, 8000), of(-8001, 8000), of(i32::MIN, 8000)], [7999, 8000, 8000, 8000]);
    // samtools makes no positive number of -2^31, so such a pair counts on one contig only.
    assert_eq!(inserts(&read(0x21).mate(1, 200, i32::MIN), 8000), []);
    assert_eq!([of(5, 1), of(9000, 10_000), of(123_456, u32::MAX)], [1, 9000, 123_456]);
    // 0 sets no limit.
    assert_eq!([of(8001, 0), of(i32::MIN, 0)], [8001, 1 << 31]);
}

#[test]
fn a_read_without_its_mate_is_not_a_pair() {
    let (inward, other) = (read(0x21), read(0x1));
    assert_eq!(fold(&[inward.clone(), other.clone()], InsertSizes::add).rows(), []);
    let rows = fold(&[inward.clone(), inward.clone(), inward, other], InsertSizes::add).rows();
    assert_eq!(rows, [InsertRow { insert_size: 110, pairs: 1, inward: 1, outward: 0, other: 0 }]);
}

#[test]
fn a_read_length_holds_hard_clipped_bases() {
    use OpKind::{Deletion as D, HardClip as H, Match as M, Skip as N, SoftClip as S};
    let lengths = |read: Read| fold([&read], ReadLengths::add).rows().first().map(|row| row.read_length);
    assert_eq!(lengths(read(0)), Some(10));
    assert_eq!(lengths(read(0).cigar(&[(5000, H), (4, M), (2, D), (4, M), (3, N), (2, S), (2, H)])), Some(5012));
    assert_eq!(lengths(read(0x4 | 0x200 | 0x400).without_place().cigar(&[])), Some(10));
    assert_eq!(lengths(read(0x100)), None);
    assert_eq!(lengths(read(0x800).cigar(&[(3, H), (10, M)])), None);
    assert_eq!(lengths(read(0).without_seq()), None);
}

#[test]
fn a_long_cigar_is_taken_from_its_tag_where_the_record_has_a_place() {
    use OpKind::{HardClip as H, Match as M, Skip as N, SoftClip as S};
    let placeholder = read(0).cigar(&[(10, S), (10, N)]);
    let tag = [&b"CGBI\x03\0\0\0"[..], &words(&[(5, H), (10, M), (7, H)])].concat();
    for (read, length) in [(placeholder.clone(), 22), (placeholder.without_place(), 10), (Read { pos: -1, ..placeholder }, 10)] {
        let mut lengths = ReadLengths::default();
        lengths.add(Record::check(&[read.encode(), tag.clone()].concat()).unwrap().0);
        assert_eq!(lengths.rows()[0].read_length, length);
    }
}

#[test]
fn mapping_qualities_are_those_of_good_primary_reads() {
    let mapq = |read: Read| fold([&read], MappingQualities::add).rows().first().map(|row| row.mapq);
    assert_eq!(mapq(read(0).mapq(0)), Some(0));
    assert_eq!(mapq(read(0x1 | 0x8).mapq(255)), Some(255));
    for flags in [0x4, 0x100, 0x200, 0x400, 0x800] {
        assert_eq!(mapq(read(flags)), None, "{flags:#x}");
    }
    assert_eq!(mapq(read(0).without_seq()), None);
}

#[test]
fn base_qualities_are_those_of_reads_with_an_order() {
    let bases = |read: &Read| fold([read], BaseQualities::add).rows().iter().map(|row| (row.quality, row.bases)).collect::<Vec<_>>();
    for flags in [0, 0x40 | 0x80, 0x1 | 0x40, 0x1 | 0x80, 0x4 | 0x200 | 0x400 | 0x10] {
        assert_eq!(bases(&read(flags)), [(30, 10)], "{flags:#x}");
    }
    for flags in [0x1, 0x1 | 0x40 | 0x80, 0x100, 0x800] {
        assert_eq!(bases(&read(flags)), [], "{flags:#x}");
    }
    // Clipped bases of SEQ count.
    assert_eq!(bases(&read(0).cigar(&[(10, OpKind::SoftClip)])), [(30, 10)]);
    assert_eq!(bases(&read(0).qualities(&[255; 10])), [(255, 10)]);
    assert_eq!(bases(&read(0).without_seq()), []);
}

#[test]
fn every_base_quality_is_counted_at_every_place() {
    // Nine bases a read: a word and one more, in all turns, so that each quality meets each of its neighbours.
    let qualities: Vec<u8> = (0..=u8::MAX).collect();
    let turned = |by| [&qualities[by..], &qualities[..by]].concat();
    let reads: Vec<_> =
        (0..9).flat_map(|by| turned(by).chunks(9).map(|nine| read(0).qualities(nine).cigar(&[])).collect::<Vec<_>>()).collect();
    let rows = fold(&reads, BaseQualities::add).rows();
    assert!(rows.len() == 256 && rows.iter().all(|row| row.bases == 9));
}

/// The tables of `stats` as the twin has them.
fn tables(stats: &RecordStats) -> Tables {
    let (flags, inserts) = (stats.flags.rows(), stats.inserts.rows());
    assert!(inserts.iter().all(|row| row.pairs == row.inward + row.outward + row.other));
    assert!(inserts.is_sorted_by(|a, b| a.insert_size < b.insert_size));
    assert!(stats.lengths.rows().is_sorted_by(|a, b| a.read_length < b.read_length));
    Tables {
        flags: flags.iter().map(|row| (row.category, [row.passed, row.failed])).filter(|row| row.1 != [0, 0]).collect(),
        inserts: inserts.iter().map(|row| (row.insert_size, [row.inward, row.outward, row.other])).collect(),
        lengths: stats.lengths.rows().iter().map(|row| (row.read_length, row.reads)).collect(),
        mapq: stats.mapq.rows().iter().map(|row| (row.mapq, row.reads)).collect(),
        base_quality: stats.base_quality.rows().iter().map(|row| (row.quality, row.bases)).collect(),
    }
}

fn any_cigar() -> impl Strategy<Value = Vec<(u32, OpKind)>> {
    let hard_clip = || prop_oneof![Just(vec![]), (0..5000u32).prop_map(|len| vec![(len, OpKind::HardClip)])];
    // The read bases are filled in by `any_read`.
    (hard_clip(), hard_clip(), hard_clip()).prop_map(|(left, inner, right)| [left, vec![(7, OpKind::Skip)], inner, right].concat())
}

prop_compose! {
    /// Few values for what two reads must share to meet in a row, and the odd ones at the edges.
    fn any_read()(
        flags in any::<u16>(),
        contigs in [select(vec![-1, 0, 1]), select(vec![-1, 0, 1])],
        places in [select(vec![-1, 100, 101, i32::MAX]), select(vec![-1, 100, 101, i32::MAX])],
        template_len in prop_oneof![-3..3i32, select(vec![7999, 8000, -8001, i32::MIN, i32::MAX]), any::<i32>()],
        mapq in select(vec![0, 4, 5, 60, 255]),
        mut cigar in any_cigar(),
        qualities in prop_oneof![vec(0..45u8, 0..20), vec(any::<u8>(), 0..20), vec(Just(u8::MAX), 0..20)],
    ) -> Read {
        cigar.insert(cigar.len() / 2, (qualities.len() as u32, OpKind::Match));
        let [contig, mate_contig] = contigs;
        let [pos, mate_pos] = places;
        Read { flags, contig, pos, mapq, cigar, mate_contig, mate_pos, template_len, qualities }
    }
}

proptest! {
    /// Records go to parts in any way, not only in runs, and parts are merged in any order.
    #[test]
    fn any_cut_into_parts_gives_the_tables_of_the_twin(
        reads in vec((any_read(), any::<Index>()), 0..60),
        order in Just((0..4usize).collect::<Vec<_>>()).prop_shuffle(),
        max_insert in select(vec![0, 1, 2, 8000, u32::MAX]),
    ) {
        let bytes: Vec<_> = reads.iter().map(|(read, _)| read.encode()).collect();
        let records: Vec<_> = bytes.iter().map(|bytes| Record::check(bytes).unwrap().0).collect();
        let twin = Tables::of(records.iter().copied(), u64::from(max_insert));

        let mut parts = vec![RecordStats::new(max_insert); order.len()];
        for (record, (_, part)) in records.iter().zip(&reads) {
            parts[part.index(order.len())].add(*record);
        }
        let mut whole = RecordStats::new(max_insert);
        for &part in &order {
            whole.merge(&parts[part]);
        }
        prop_assert_eq!(&tables(&whole), &twin);

        let mut apart = RecordStats::new(max_insert);
        for record in records {
            apart.flags.add(record);
            apart.inserts.add(record);
            apart.lengths.add(record);
            apart.mapq.add(record);
            apart.base_quality.add(record);
        }
        prop_assert_eq!(&tables(&apart), &twin);
    }
}
