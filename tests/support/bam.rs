//! Puts a [`Sample`] on disk: BAM, BAI, CSI, FASTA and `.fai`, written by hand so that every byte and frame border can be chosen.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use libdeflater::{CompressionLvl, Compressor, crc32};

use super::index;
use super::model::{Read, Sample, TagValue};

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
    /// `<stem>.bam.bai`, when asked for.
    pub bai: Option<PathBuf>,
    /// `<stem>.bam.csi`, when asked for.
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
        let plain = index::csi(sample, &layout.spans, min_shift, depth);
        fs::write(&path, bgzf(&plain, shape.level)).unwrap();
        path
    });

    let fasta = beside(".fa");
    let (letters, fai) = fasta_and_fai(sample, shape.fasta_width);
    fs::write(&fasta, letters).unwrap();
    fs::write(beside(".fa.fai"), fai).unwrap();
    Files { bam, bai, csi, fasta }
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

/// Any bytes as BGZF with its EOF frame.
pub fn bgzf(plain: &[u8], level: i32) -> Vec<u8> {
    let mut out: Vec<u8> = plain.chunks(65_000).flat_map(|chunk| frame(chunk, level)).collect();
    out.extend(EOF);
    out
}

/// The header, uncompressed.
pub fn header(sample: &Sample) -> Vec<u8> {
    let mut text = String::from("@HD\tVN:1.6\tSO:coordinate\n");
    for (name, letters) in &sample.contigs {
        writeln!(text, "@SQ\tSN:{name}\tLN:{}", letters.len()).unwrap();
    }
    let mut out = b"BAM\x01".to_vec();
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
    out.extend((sample.contigs.len() as u32).to_le_bytes());
    for (name, letters) in &sample.contigs {
        out.extend((name.len() as u32 + 1).to_le_bytes());
        out.extend(name.as_bytes());
        out.push(0);
        out.extend((letters.len() as u32).to_le_bytes());
    }
    out
}

/// A record, its length in front.
pub fn encode(read: &Read) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.extend(read.contig.to_le_bytes());
    out.extend((read.pos as i32).to_le_bytes());
    out.push(read.name.len() as u8 + 1);
    out.push(read.mapq);
    let bin = if read.pos < 0 { 4680 } else { index::bin_of(read.pos, read.indexed_end(), 14, 5) };
    out.extend((bin as u16).to_le_bytes());
    out.extend((read.cigar.len() as u16).to_le_bytes());
    out.extend(read.flags.to_le_bytes());
    out.extend((read.seq.len() as u32).to_le_bytes());
    out.extend(read.mate_contig.to_le_bytes());
    out.extend((read.mate_pos as i32).to_le_bytes());
    out.extend((read.tlen as i32).to_le_bytes());
    out.extend(&read.name);
    out.push(0);
    for &(op, len) in &read.cigar {
        let code = "MIDNSHP=X".find(op).expect("a CIGAR letter") as u32;
        out.extend((len << 4 | code).to_le_bytes());
    }
    for pair in read.seq.chunks(2) {
        out.push(base_code(pair[0]) << 4 | pair.get(1).map_or(0, |&letter| base_code(letter)));
    }
    match &read.qual {
        Some(qual) => out.extend(qual),
        None => out.resize(out.len() + read.seq.len(), 255),
    }
    for (name, value) in &read.tags {
        out.extend(name);
        match value {
            TagValue::Text(text) => {
                out.push(b'Z');
                out.extend(text);
                out.push(0);
            }
            TagValue::Int(number) => {
                out.push(b'i');
                out.extend(number.to_le_bytes());
            }
        }
    }
    let len = out.len() as u32 - 4;
    out[..4].copy_from_slice(&len.to_le_bytes());
    out
}

fn base_code(letter: u8) -> u8 {
    b"=ACMGRSVTWYHKDBN".iter().position(|&l| l == letter).expect("a SEQ letter") as u8
}

fn fasta_and_fai(sample: &Sample, width: usize) -> (Vec<u8>, String) {
    let mut out = Vec::new();
    let mut fai = String::new();
    for (name, letters) in &sample.contigs {
        out.extend(format!(">{name}\n").bytes());
        writeln!(fai, "{name}\t{}\t{}\t{width}\t{}", letters.len(), out.len(), width + 1).unwrap();
        for line in letters.chunks(width) {
            out.extend(line);
            out.push(b'\n');
        }
    }
    (out, fai)
}
