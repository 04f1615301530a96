//! Puts a [`Sample`] on disk: BAM, BAI, CSI, FASTA and `.fai`. noodles writes all but the frames, whose ends this module chooses.

use std::fs;
use std::io::Write as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};

use libdeflater::{CompressionLvl, Compressor, crc32};
use noodles_fasta as fasta;

use super::index;
use super::model::Sample;
pub use super::record::{encode, header};

/// Which indexes are written beside the BAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexKind {
    /// None.
    None,
    /// `.bam.bai`.
    Bai,
    /// `.bam.csi`, of this `min_shift` and `depth`.
    Csi {
        /// Bits of the smallest bin.
        min_shift: u32,
        /// Levels below the root.
        depth: u32,
    },
    /// Both; the CSI of samtools' default shape.
    Both,
}

/// How the files are laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileShape {
    /// Bytes in a frame before compression, at most 65,280.
    pub frame_payload: usize,
    /// A record that does not fit what is left of a frame begins the next one, as htslib does it; else frames cut records anywhere.
    pub aligned: bool,
    /// An empty frame after every so many frames; 0 = none.
    pub empty_every: usize,
    /// Compression level, 0 = stored.
    pub level: i32,
    /// The empty frame at the end that says the file is whole.
    pub eof: bool,
    /// Which indexes.
    pub index: IndexKind,
    /// Letters in a line of the FASTA.
    pub fasta_width: usize,
}

impl Default for FileShape {
    fn default() -> Self {
        Self { frame_payload: 65_280, aligned: true, empty_every: 0, level: 6, eof: true, index: IndexKind::Bai, fasta_width: 60 }
    }
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Files {
    /// `<stem>.bam`.
    pub bam: PathBuf,
    /// `<stem>.bam.bai`, if requested.
    pub bai: Option<PathBuf>,
    /// `<stem>.bam.csi`, if requested.
    pub csi: Option<PathBuf>,
    /// `<stem>.fa`, with `<stem>.fa.fai` beside it.
    pub fasta: PathBuf,
}

/// Writes `sample.bam`, its index and `sample.fa` into `dir`.
pub fn write(sample: &Sample, dir: &Path, shape: &FileShape) -> Files {
    write_as(sample, dir, "sample", shape)
}

/// The same under another name.
pub fn write_as(sample: &Sample, dir: &Path, stem: &str, shape: &FileShape) -> Files {
    let beside = |suffix: &str| dir.join(format!("{stem}{suffix}"));
    let layout = layout(sample, shape);
    let bam = beside(".bam");
    fs::write(&bam, &layout.bytes).unwrap();

    let bai = matches!(shape.index, IndexKind::Bai | IndexKind::Both).then(|| beside(".bam.bai"));
    if let Some(path) = &bai {
        fs::write(path, index::bai(sample, &layout.spans)).unwrap();
    }
    let csi_shape = match shape.index {
        IndexKind::Csi { min_shift, depth } => Some((min_shift, depth)),
        IndexKind::Both => Some((14, 5)),
        IndexKind::None | IndexKind::Bai => None,
    };
    let csi = csi_shape.map(|(min_shift, depth)| {
        let path = beside(".bam.csi");
        fs::write(&path, index::csi(sample, &layout.spans, min_shift, depth)).unwrap();
        path
    });

    Files { bam, bai, csi, fasta: write_fasta(sample, &beside(".fa"), shape.fasta_width) }
}

/// Writes the same files with noodles alone: its frames cut records, and its indexer makes the BAI.
pub fn write_by_noodles(sample: &Sample, dir: &Path) -> Files {
    let bam = dir.join("sample.bam");
    let mut writer = noodles_bgzf::io::Writer::new(fs::File::create(&bam).unwrap());
    writer.write_all(&header(sample)).unwrap();
    for read in &sample.reads {
        writer.write_all(&encode(read)).unwrap();
    }
    writer.finish().unwrap();
    let bai = dir.join("sample.bam.bai");
    let noodles_bam::Index::Bai(index) = noodles_bam::fs::index(&bam).unwrap() else { panic!("contigs too long for a BAI") };
    noodles_bam::bai::fs::write(&bai, &index).unwrap();
    let fasta = write_fasta(sample, &dir.join("sample.fa"), 60);
    Files { bam, bai: Some(bai), csi: None, fasta }
}

/// A BAM's bytes, and for each record the virtual offsets of its first byte and of what follows it.
pub struct Layout {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// Virtual offsets per record, in file order.
    pub spans: Vec<(u64, u64)>,
}

/// Cuts header and records into frames and compresses them.
pub fn layout(sample: &Sample, shape: &FileShape) -> Layout {
    let mut plain = header(sample);
    let mut frames = Vec::new();
    let mut frame_start = 0;
    // htslib ends the header with a frame of its own.
    if shape.aligned {
        cut(&mut frames, &mut frame_start, plain.len(), shape.frame_payload, true);
    }
    let mut records = Vec::new();
    for read in &sample.reads {
        let record = encode(read);
        if shape.aligned && plain.len() - frame_start + record.len() > shape.frame_payload {
            cut(&mut frames, &mut frame_start, plain.len(), shape.frame_payload, true);
        }
        let start = plain.len();
        plain.extend(record);
        records.push((start, plain.len()));
        cut(&mut frames, &mut frame_start, plain.len(), shape.frame_payload, false);
    }
    cut(&mut frames, &mut frame_start, plain.len(), shape.frame_payload, true);

    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for (number, &(start, end)) in frames.iter().enumerate() {
        offsets.push(bytes.len() as u64);
        bytes.extend(frame(&plain[start..end], shape.level));
        if shape.empty_every > 0 && (number + 1) % shape.empty_every == 0 {
            bytes.extend(frame(&[], shape.level));
        }
    }
    let data_end = bytes.len() as u64;
    if shape.eof {
        bytes.extend(EOF);
    }
    // A place between two frames is the head of the later one.
    let virtual_offset = |at: usize| {
        let after = frames.partition_point(|&(_, end)| end <= at);
        frames.get(after).map_or(data_end << 16, |&(start, _)| (offsets[after] << 16) | (at - start) as u64)
    };
    let spans = records.iter().map(|&(start, end)| (virtual_offset(start), virtual_offset(end))).collect();
    Layout { bytes, spans }
}

/// Closes the frames that are full up to `end`; with `all` also the last, shorter one.
fn cut(frames: &mut Vec<(usize, usize)>, start: &mut usize, end: usize, payload: usize, all: bool) {
    while end - *start >= payload || (all && end > *start) {
        let stop = end.min(*start + payload);
        frames.push((*start, stop));
        *start = stop;
    }
}

/// The empty frame every BAM should end with.
pub const EOF: [u8; 28] = *b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0";

/// One BGZF frame.
pub fn frame(payload: &[u8], level: i32) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
    let mut deflated = vec![0; compressor.deflate_compress_bound(payload.len())];
    let len = compressor.deflate_compress(payload, &mut deflated).unwrap();
    let mut out = EOF[..16].to_vec();
    out.extend(u16::try_from(len + 25).unwrap().to_le_bytes());
    out.extend(&deflated[..len]);
    out.extend(crc32(payload).to_le_bytes());
    out.extend((payload.len() as u32).to_le_bytes());
    out
}

/// Writes the letters of all contigs in lines of `width`, and their index.
fn write_fasta(sample: &Sample, path: &Path, width: usize) -> PathBuf {
    let mut writer = fasta::io::writer::Builder::default().set_line_base_count(NonZero::new(width).unwrap()).build_from_writer(Vec::new());
    for (name, letters) in &sample.contigs {
        let definition = fasta::record::Definition::new(name.as_str(), None);
        writer.write_record(&fasta::Record::new(definition, letters.clone().into())).unwrap();
    }
    let text = writer.into_inner();
    let mut indexer = fasta::io::Indexer::new(text.as_slice());
    let contigs: Vec<_> = std::iter::from_fn(|| indexer.index_record().unwrap()).collect();
    fasta::fai::fs::write(path.with_added_extension("fai"), &contigs.into()).unwrap();
    fs::write(path, text).unwrap();
    path.to_path_buf()
}
