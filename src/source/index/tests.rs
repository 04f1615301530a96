use std::io::{Read, Write};

use noodles_bam::bai;
use noodles_core::Position;
use noodles_csi as csi;
use noodles_csi::binning_index::Indexer;
use noodles_csi::binning_index::index::reference_sequence::index::BinnedIndex;
use noodles_csi::binning_index::index::reference_sequence::{self, Bin, Metadata, ReferenceSequence, bin};
use proptest::prelude::*;

use super::*;
use crate::source::header::Contig;

const BAM_LEN: u64 = 1 << 30;

fn header(lens: &[i64]) -> Header {
    let contigs = lens.iter().enumerate().map(|(i, &len)| Contig { name: format!("c{i}").into_bytes(), len });
    let mut header = Header::default();
    header.contigs.extend(contigs);
    header
}

fn read_bytes(bytes: &[u8], lens: &[i64]) -> Result<Index> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    Index::read(file.path(), &header(lens), BAM_LEN)
}

/// A record of a sorted file: positions, and virtual offsets.
#[derive(Clone, Copy, Debug)]
struct Rec {
    start: i64,
    end: i64,
    at: Chunk,
}

/// How a writer fills the places of an index that the formats leave to it. noodles writes the bytes of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// BAI; windows without a record hold 0.
    BaiZeros,
    /// BAI; windows without a record hold what the next one holds.
    BaiFilled,
    /// BAI as noodles' indexer makes it.
    BaiNoodles,
    /// CSI; a bin's loffset is what BAI holds for its first window.
    Csi(Binning),
    /// CSI as noodles' indexer makes it: a bin's loffset is the first record in the bin or below it.
    CsiNoodles(Binning),
}

impl Writer {
    fn binning(self) -> Binning {
        match self {
            Self::BaiZeros | Self::BaiFilled | Self::BaiNoodles => Binning::BAI,
            Self::Csi(binning) | Self::CsiNoodles(binning) => binning,
        }
    }

    /// The smallest bin that holds the record whole.
    fn bin(self, rec: &Rec) -> u32 {
        let Binning { min_shift, depth } = self.binning();
        let (first, last) = ((rec.start >> min_shift) as u32, ((rec.end - 1) >> min_shift) as u32);
        let above = (0..=depth).find(|a| first >> (3 * a) == last >> (3 * a)).unwrap();
        Binning::first_bin(depth - above) + (first >> (3 * above))
    }

    /// An index that knows of seven records without a contig; CSI inflated.
    fn write(self, contigs: &[Vec<Rec>]) -> Vec<u8> {
        match self {
            Self::BaiZeros | Self::BaiFilled => {
                let sequences = contigs.iter().map(|records| self.sequence(records, |_, linear| linear.to_vec())).collect();
                bai_bytes(&bai::Index::builder().set_reference_sequences(sequences).set_unplaced_unmapped_record_count(7).build())
            }
            Self::Csi(binning) => {
                let loffset = |bin: u32, linear: &[VirtualPosition]| (bin as usize, linear[binning.place(bin).1 as usize]);
                let loffsets =
                    |bins: &[u32], linear: &[VirtualPosition]| bins.iter().map(|&bin| loffset(bin, linear)).collect::<BinnedIndex>();
                let sequences = contigs.iter().map(|records| self.sequence(records, loffsets)).collect();
                let index = csi::Index::builder().set_min_shift(binning.min_shift as u8).set_depth(binning.depth as u8);
                csi_bytes(&index.set_reference_sequences(sequences).set_unplaced_unmapped_record_count(7).build())
            }
            Self::BaiNoodles => bai_bytes(&self.indexed(contigs)),
            Self::CsiNoodles(_) => csi_bytes(&self.indexed(contigs)),
        }
    }

    /// What noodles' indexer makes of them.
    fn indexed<I: reference_sequence::Index + Default>(self, contigs: &[Vec<Rec>]) -> csi::binning_index::Index<I> {
        let Binning { min_shift, depth } = self.binning();
        let mut indexer = Indexer::new(min_shift as u8, depth as u8).unwrap();
        let position = |pos: i64| Position::try_from(pos as usize).unwrap();
        for (id, rec) in contigs.iter().enumerate().flat_map(|(id, records)| records.iter().map(move |rec| (id, rec))) {
            indexer.add_record(Some((id, position(rec.start + 1), position(rec.end), true)), rec.at.into()).unwrap();
        }
        for _ in 0..7 {
            indexer.add_record(None, chunk(0, 0).into()).unwrap();
        }
        indexer.build(contigs.len())
    }

    /// A contig with what `offsets` makes of its bins and its offsets per window.
    fn sequence<I: reference_sequence::Index>(
        self,
        records: &[Rec],
        offsets: impl Fn(&[u32], &[VirtualPosition]) -> I,
    ) -> ReferenceSequence<I> {
        let mut bins: Vec<(u32, Vec<Chunk>)> = Vec::new();
        let mut last_bin = None;
        for rec in records {
            let id = self.bin(rec);
            let i = bins.iter().position(|b| b.0 == id).unwrap_or_else(|| {
                bins.push((id, Vec::new()));
                bins.len() - 1
            });
            match bins[i].1.last_mut() {
                Some(chunk) if last_bin == Some(id) => chunk.end = rec.at.end,
                _ => bins[i].1.push(rec.at),
            }
            last_bin = Some(id);
        }
        let linear = self.linear(records);
        let index = offsets(&bins.iter().map(|b| b.0).collect::<Vec<_>>(), &linear);
        let counts = Metadata::new(1.into(), 2.into(), records.len() as u64, 3);
        let bins = bins.into_iter().map(|(id, chunks)| (id as usize, Bin::new(chunks.into_iter().map(Into::into).collect())));
        ReferenceSequence::new(bins.collect(), index, Some(counts))
    }

    fn linear(self, records: &[Rec]) -> Vec<VirtualPosition> {
        let shift = self.binning().min_shift;
        let n = records.iter().map(|r| ((r.end - 1) >> shift) + 1).max().unwrap_or(0);
        let mut linear = vec![VirtualPosition::MIN; n as usize];
        for rec in records.iter().rev() {
            linear[(rec.start >> shift) as usize..=((rec.end - 1) >> shift) as usize].fill(rec.at.start);
        }
        if self != Self::BaiZeros {
            for i in (1..linear.len()).rev() {
                if linear[i - 1] == VirtualPosition::MIN {
                    linear[i - 1] = linear[i];
                }
            }
        }
        linear
    }
}

fn chunk(start: u64, end: u64) -> Chunk {
    Chunk { start: start.into(), end: end.into() }
}

impl From<Chunk> for bin::Chunk {
    fn from(chunk: Chunk) -> Self {
        Self::new(chunk.start, chunk.end)
    }
}

fn bai_bytes(index: &bai::Index) -> Vec<u8> {
    let mut out = Vec::new();
    bai::io::Writer::new(&mut out).write_index(index).unwrap();
    out
}

fn csi_bytes(index: &csi::Index) -> Vec<u8> {
    let mut writer = csi::io::Writer::new(Vec::new());
    writer.write_index(index).unwrap();
    let frames = writer.into_inner().finish().unwrap();
    let mut out = Vec::new();
    noodles_bgzf::io::Reader::new(frames.as_slice()).read_to_end(&mut out).unwrap();
    out
}

fn put(out: &mut Vec<u8>, numbers: &[u32]) {
    out.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
}

fn put_chunks(out: &mut Vec<u8>, chunks: &[Chunk]) {
    put(out, &[chunks.len() as u32]);
    out.extend(chunks.iter().flat_map(|c| [c.start, c.end]).flat_map(|at| u64::from(at).to_le_bytes()));
}

/// Sorted records of `(gap to the last start, length, bytes)`, placed one after the other in the file.
fn records(shape: &[(i64, i64, u64)], len: i64) -> Vec<Rec> {
    let (mut start, mut at) = (0, (5 << 16) + 700);
    let mut out = Vec::new();
    for &(gap, length, bytes) in shape {
        start += gap;
        if start >= len {
            break;
        }
        out.push(Rec { start, end: (start + length).min(len), at: chunk(at, at + bytes) });
        at += bytes;
    }
    out
}

fn shapes() -> impl Strategy<Value = Vec<(i64, i64, u64)>> {
    let gap = prop_oneof![4 => 0i64..300, 3 => 0i64..40_000, 1 => 0i64..3_000_000];
    let length = prop_oneof![6 => 1i64..400, 2 => 1i64..40_000, 1 => 1i64..2_000_000];
    let bytes = prop_oneof![3 => 40u64..400, 1 => 40u64..(5 << 16)];
    prop::collection::vec((gap, length, bytes), 0..80)
}

fn writers() -> impl Strategy<Value = Writer> {
    let binning = (10u32..16, 3u32..6).prop_map(|(min_shift, depth)| Binning { min_shift: min_shift.max(25 - 3 * depth), depth });
    prop_oneof![
        Just(Writer::BaiZeros),
        Just(Writer::BaiFilled),
        Just(Writer::BaiNoodles),
        binning.clone().prop_map(Writer::Csi),
        binning.prop_map(Writer::CsiNoodles),
    ]
}

const LEN: i64 = 20_000_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_hold_every_record_of_an_interval(
        shape in shapes(),
        writer in writers(),
        pick in prop::collection::vec((0usize..80, -20_000i64..20_000, 1i64..100_000), 1..20),
    ) {
        let records = records(&shape, LEN);
        let index = read_bytes(&writer.write(&[Vec::new(), records.clone()]), &[10, LEN]).unwrap();
        prop_assert!(index.contigs[0].is_empty() && index.chunks(0, Interval::new(0, 10)).is_empty());
        prop_assert_eq!(index.unplaced, Some(7));
        // noodles counts no records on a contig without any.
        prop_assert_eq!(index.counts(1).map_or(0, |counts| counts.mapped), records.len() as u64);
        for (near, shift, len) in pick {
            // Intervals beside records find more than random ones.
            let start = (records.get(near).map_or(0, |r| r.end) + shift).max(0);
            let interval = Interval::new(start, start + len);
            let chunks = index.chunks(1, interval);
            prop_assert!(chunks.windows(2).all(|c| c[0].end.compressed() < c[1].start.compressed()));
            for rec in records.iter().filter(|r| r.start < interval.end && r.end > interval.start) {
                prop_assert!(chunks.iter().any(|c| c.start <= rec.at.start && rec.at.end <= c.end), "{rec:?} {interval:?} {chunks:?}");
            }
            for chunk in &chunks {
                prop_assert!(records.iter().any(|r| r.at.start == chunk.start));
                prop_assert!(records.iter().any(|r| r.at.end == chunk.end));
            }
        }
        let starts = index.record_starts(1);
        prop_assert!(starts.iter().all(|s| records.iter().any(|r| r.at.start == *s)));
        prop_assert!(starts.windows(2).all(|s| s[0] < s[1]));
        let extent = records.first().map(|first| Chunk { start: first.at.start, end: records[records.len() - 1].at.end });
        prop_assert_eq!(index.extent(), extent);
    }

    #[test]
    fn damaged_bytes_are_an_error_or_an_index(
        shape in shapes(),
        writer in writers(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = writer.write(&[Vec::new(), records(&shape, LEN)]);
        let cut = cut.index(bytes.len());
        prop_assert!(read_bytes(&bytes[..cut], &[10, LEN]).is_err() || cut + 8 == bytes.len());
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(index) = read_bytes(&bytes, &[10, LEN]) {
            index.chunks(1, Interval::new(0, LEN));
            index.record_starts(1);
        }
    }
}

/// Records far apart: what is before and behind the interval is not read.
#[test]
fn chunks_are_cut_on_both_sides() {
    // A record of 100 bases every 10,000; each takes a frame.
    let shape = vec![(10_000, 100, 1 << 16); 1000];
    let records = records(&shape, LEN);
    for writer in [Writer::BaiZeros, Writer::BaiFilled, Writer::Csi(Binning { min_shift: 14, depth: 5 })] {
        let index = read_bytes(&writer.write(std::slice::from_ref(&records)), &[LEN]).unwrap();
        let chunks = index.chunks(0, Interval::new(5_000_000, 5_000_100));
        let frames: u64 = chunks.iter().map(|c| c.end.compressed() - c.start.compressed()).sum();
        assert!((1..=4).contains(&frames), "{writer:?} {chunks:?}");
    }
}

#[test]
fn bounds_of_an_interval() {
    let records = records(&[(100, 50, 60)], LEN);
    let index = read_bytes(&Writer::BaiFilled.write(&[records]), &[LEN]).unwrap();
    assert_eq!(index.chunks(0, Interval::new(-5, i64::MAX)).len(), 1);
    for (contig, start, end) in [(0, 5, 5), (0, 9, 2), (0, i64::MAX - 1, i64::MAX), (0, i64::MIN, 0), (1, 0, 9)] {
        assert!(index.chunks(contig, Interval::new(start, end)).is_empty());
    }
    assert!(index.record_starts(1).is_empty() && index.counts(1).is_none());
}

/// One contig with one bin and one linear offset.
fn bai(id: u32, chunk: Chunk, linear: u64) -> Vec<u8> {
    bai_of(&[(&[(id, chunk)], &[linear])])
}

/// Bins of one chunk, and linear offsets.
type BaiContig<'a> = (&'a [(u32, Chunk)], &'a [u64]);

fn bai_of(contigs: &[BaiContig]) -> Vec<u8> {
    let mut out = b"BAI\x01".to_vec();
    put(&mut out, &[contigs.len() as u32]);
    for (bins, linear) in contigs {
        put(&mut out, &[bins.len() as u32]);
        for (id, chunk) in *bins {
            put(&mut out, &[*id]);
            put_chunks(&mut out, &[*chunk]);
        }
        put(&mut out, &[linear.len() as u32]);
        out.extend(linear.iter().flat_map(|offset| offset.to_le_bytes()));
    }
    out
}

fn csi(min_shift: i32, depth: i32) -> Vec<u8> {
    let mut out = b"CSI\x01".to_vec();
    put(&mut out, &[min_shift as u32, depth as u32, 0, 1, 0]);
    out
}

fn kind(bytes: &[u8]) -> Kind {
    read_bytes(bytes, &[10_000]).unwrap_err().kind()
}

#[test]
fn offsets_that_cannot_be() {
    let end = BAM_LEN << 16;
    assert!(read_bytes(&bai(4681, chunk(99, end), 99), &[10_000]).is_ok());
    assert_eq!(kind(&bai(4681, chunk(99, end + 1), 99)), Kind::IndexMismatch);
    assert_eq!(kind(&bai(4681, chunk(u64::MAX, u64::MAX), 99)), Kind::CorruptIndex);
    assert_eq!(kind(&bai(4681, chunk(99, 100), u64::MAX)), Kind::CorruptIndex);
    assert_eq!(kind(&bai(4681, chunk(100, 99), 99)), Kind::CorruptIndex);
    assert_eq!(kind(&bai(4681, chunk(0, 99), 99)), Kind::CorruptIndex);
    assert_eq!(kind(&bai(4681, chunk(99, 100), 0)), Kind::CorruptIndex);
    // Damage comes before a mismatch.
    assert_eq!(kind(&bai(4681, chunk(1 << 50, 1 << 51), 0)), Kind::CorruptIndex);
    assert_eq!(kind(&bai(37449, chunk(99, 100), 99)), Kind::CorruptIndex);
    assert_eq!(kind(&bai(37450, chunk(99, 100), 99)), Kind::CorruptIndex);
}

#[test]
fn an_index_that_contradicts_itself() {
    let read = |bins: &[(u32, Chunk)], linear: &[u64]| read_bytes(&bai_of(&[(bins, linear)]), &[40_000]);
    let (left, right) = ((4681, chunk(99, 200)), (4682, chunk(200, 300)));
    for linear in [&[99, 200][..], &[99, 0], &[99, 99], &[0, 200]] {
        let index = read(&[left, right], linear).unwrap();
        assert_eq!((index.gaps(), index.suspects), (vec![], vec![]));
    }
    // The chunks of two bins have changed places, or one has gone.
    let swapped = read(&[(4681, right.1), (4682, left.1)], &[99, 99]).unwrap_err();
    assert!(swapped.to_string().contains("bin 4682 begin at 0x63, before a bin to its left ends"), "{swapped}");
    let lost = read(&[left], &[99, 200]).unwrap_err();
    assert!(lost.to_string().contains("positions 16385 to 32768, which begins at 0xc8"), "{lost}");
    assert_eq!((swapped.kind(), lost.kind()), (Kind::CorruptIndex, Kind::CorruptIndex));
    // The bin of records without a position is no bin of the contig.
    assert!(read(&[(4680, chunk(50, 99)), (584, chunk(40, 50)), (583, chunk(99, 100)), left], &[99]).is_ok());
}

#[test]
fn bins_that_may_hold_other_records() {
    let (first, last) = (chunk(99, 200), chunk(300, 400));
    let contigs: [BaiContig; 3] =
        [(&[(4681, first), (4682, last)], &[99, 300]), (&[], &[]), (&[(4681, chunk(400, 500)), (0, chunk(450, 600))], &[])];
    let index = read_bytes(&bai_of(&contigs), &[40_000; 3]).unwrap();
    assert_eq!(index.gaps(), [chunk(200, 300)]);
    let suspect = |contig, end, at: u64| SuspectBin { contig, positions: Interval::new(0, end), at: at.into() };
    assert_eq!(index.suspects, [suspect(2, 1 << 29, 450), suspect(2, 1 << 14, 400)]);
    let without_first = read_bytes(&bai_of(&[contigs[0], (&[(4681, chunk(410, 500))], &[410])]), &[40_000; 2]).unwrap();
    assert_eq!((without_first.gaps(), without_first.suspects), (vec![chunk(200, 300), chunk(400, 410)], vec![]));
}

#[test]
fn counts_that_cannot_be() {
    let good = bai(4681, chunk(99, 100), 99);
    for at in [8, 16, 36] {
        for value in [3u32, 20_000_000, i32::MAX as u32, u32::MAX] {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            assert_eq!(kind(&bytes), Kind::CorruptIndex, "{at} {value}");
        }
    }
    let references = |n: u32| {
        let mut bytes = good.clone();
        bytes[4..8].copy_from_slice(&n.to_le_bytes());
        kind(&bytes)
    };
    assert_eq!((references(0), references(2)), (Kind::IndexMismatch, Kind::IndexMismatch));
    assert_eq!((references(50_000_000), references(u32::MAX)), (Kind::CorruptIndex, Kind::CorruptIndex));
    for tail in [1, 7, 9, 100] {
        assert_eq!(kind(&[&good[..], &vec![b'x'; tail]].concat()), Kind::CorruptIndex);
    }
    assert_eq!(read_bytes(&good, &[10_000]).unwrap().unplaced, None);
    let mut twice = b"BAI\x01".to_vec();
    put(&mut twice, &[1, 2, 4681, 0, 4681, 0, 0]);
    assert_eq!(kind(&twice), Kind::CorruptIndex);
    for bytes in [&b""[..], b"BAI", b"BAI\x01\x00", b"BAI\x02\x00\x00\x00\x00", b"\x1f\x8bjunk", b"a text, not an index"] {
        assert_eq!(kind(bytes), Kind::CorruptIndex);
    }
}

#[test]
fn shapes_that_do_not_reach() {
    for (min_shift, depth) in [(0, 5), (48, 5), (63, 5), (200, 5), (i32::MAX, 5), (-1, 5), (14, -1), (14, 10), (14, 200), (2, 3)] {
        assert_eq!(kind(&csi(min_shift, depth)), Kind::CorruptIndex, "{min_shift} {depth}");
    }
    for (min_shift, depth) in [(14, 0), (14, 5), (32, 6), (35, 9), (1, 9)] {
        assert!(read_bytes(&csi(min_shift, depth), &[10_000]).is_ok(), "{min_shift} {depth}");
    }
    let mut empty = b"BAI\x01".to_vec();
    put(&mut empty, &[1, 0, 0]);
    let error = read_bytes(&empty, &[(1 << 29) + 1]).unwrap_err();
    assert_eq!(error.kind(), Kind::IndexMismatch);
    assert!(error.to_string().contains("2^29") && error.to_string().contains("csi"), "{error}");
}

#[test]
fn compressed_indexes() {
    let mut frames = noodles_bgzf::io::Writer::new(Vec::new());
    frames.write_all(&csi(14, 5)).unwrap();
    let mut bytes = frames.finish().unwrap();
    assert!(read_bytes(&bytes, &[10_000]).is_ok());
    bytes[20] ^= 1;
    assert_eq!(kind(&bytes), Kind::CorruptIndex);
    // 100 MB of zeros in 100 kB.
    let mut frames = noodles_bgzf::io::Writer::new(csi(14, 5));
    for _ in 0..1600 {
        frames.write_all(&vec![0; 65_280]).unwrap();
    }
    let bomb = frames.finish().unwrap().split_off(24);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bomb).unwrap();
    let error = Index::read(file.path(), &header(&[10_000]), 1000).unwrap_err();
    assert!(error.kind() == Kind::CorruptIndex && error.to_string().contains("too many for a BAM"), "{error}");
}

#[test]
fn many_contigs_take_linear_time() {
    let one = records(&[(100, 50, 60), (10, 50, 60)], LEN);
    let contigs: Vec<Vec<Rec>> = (0..100_000).map(|i| if i % 2 == 0 { Vec::new() } else { one.clone() }).collect();
    let bytes = Writer::BaiFilled.write(&contigs);
    let started = std::time::Instant::now();
    let index = read_bytes(&bytes, &vec![LEN; 100_000]).unwrap();
    assert!(started.elapsed().as_secs() < 5);
    assert_eq!(index.chunks(99_999, Interval::new(0, LEN)).len(), 1);
}

#[test]
fn where_an_index_is_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let bam = at("x.bam");
    let touch = |name: &str| fs::write(at(name), b"").unwrap();
    touch("x.bam");
    let error = Index::find(&bam, None, 0).unwrap_err();
    assert_eq!(error.kind(), Kind::IndexMissing);
    let message = error.to_string();
    assert!(message.ends_with("no index found; tried x.bam.bai, x.bai, x.bam.csi, x.csi: run 'samtools index'"), "{message}");
    for name in ["x.csi", "x.bam.csi", "x.bai", "x.bam.bai"] {
        touch(name);
        assert_eq!(Index::find(&bam, None, 0).unwrap(), at(name));
    }
    let error = Index::find(&bam, Some(&at("other.bai")), 0).unwrap_err();
    assert!(error.to_string().contains("tried other.bai:"), "{error}");
    assert_eq!(Index::find(&bam, Some(&at("x.csi")), 0).unwrap(), at("x.csi"));
}

#[cfg(unix)]
#[test]
fn an_index_beside_the_target_of_a_link_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap().join("real.bam");
    let link = dir.path().join("link.bam");
    fs::write(&real, b"").unwrap();
    std::os::unix::fs::symlink("real.bam", &link).unwrap();
    let error = Index::find(&link, None, 0).unwrap_err().to_string();
    assert!(error.contains("tried link.bam.bai") && error.contains("real.bai"), "{error}");
    let index = real.with_extension("bai");
    fs::write(&index, b"").unwrap();
    assert_eq!(Index::find(&link, None, 0).unwrap(), index);
}
