//! What an index that was accepted promises.

use std::path::Path;

use fastcov::coords::Interval;
use fastcov::source::header::Header;
use fastcov::source::index::Index;

/// Lengths of contigs, short and long; the longest is beyond what BAI can hold.
const LENGTHS: [u32; 4] = [1000, 70_000, 1 << 27, (1 << 29) + 1];

/// A header of contigs of these lengths.
fn header(lengths: &[u32]) -> Header {
    let mut bytes = b"BAM\x01\0\0\0\0".to_vec();
    bytes.extend((lengths.len() as u32).to_le_bytes());
    for (i, len) in lengths.iter().enumerate() {
        bytes.extend([3, 0, 0, 0, b'c', b'0' + i as u8, 0]);
        bytes.extend(len.to_le_bytes());
    }
    Header::parse(&bytes, 0).expect("it is a header").expect("it is whole").0
}

/// Reads `data` as the index of a BAM that its first two bytes describe, and asks everything of it.
///
/// # Panics
///
/// When an answer is not what the rest of the crate relies on.
pub fn check(magic: [u8; 4], mut data: &[u8]) {
    let [shape, size] = crate::take(&mut data);
    // Four contigs only now and then: the last one is for CSI.
    let n = usize::from(shape % 8);
    let header = header(&LENGTHS[..if n == 7 { 4 } else { n % 4 }]);
    let bam_len = 1 << (size % 48);
    let bytes = [&magic, data].concat();
    let index = match Index::parse(&bytes, Path::new("index"), &header, bam_len) {
        Ok(index) => index,
        Err(error) => return crate::refused(&error),
    };
    assert_eq!(index.contigs.len(), header.contigs.len());
    for (id, contig) in header.contigs.iter().enumerate() {
        for interval in [(0, contig.len), (0, 1), (contig.len / 2, contig.len / 2 + 1), (contig.len - 1, contig.len), (17, 16_500)] {
            let chunks = index.chunks(id, Interval::new(interval.0, interval.1));
            assert!(chunks.iter().all(|c| c.start < c.end && c.end.compressed() <= bam_len), "{chunks:?}");
            assert!(chunks.windows(2).all(|c| c[0].end < c[1].start), "{chunks:?}");
        }
        let starts = index.record_starts(id);
        assert!(starts.windows(2).all(|s| s[0] < s[1]), "{starts:?}");
        let _ = index.counts(id);
    }
    assert!(index.extent().is_none_or(|e| e.end.compressed() <= bam_len));
    assert!(index.chunks(header.contigs.len(), Interval::new(0, 1)).is_empty());
}
