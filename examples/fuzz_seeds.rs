//! Writes the inputs every target in `fuzz/` begins with: small good files of the tests' generator, and broken ones made of them.
//!
//! `fuzz_seeds FOLDER` writes into FOLDER/frame, FOLDER/header and so on. The same files on every run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a disk that cannot be written to must stop this, loudly")]

use std::io::Read as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use noodles_bgzf as bgzf;
use noodles_fasta::{self as fasta, record::Definition};

#[path = "../tests/support/mod.rs"]
mod support;

use support::bam::{self, FileShape};
use support::generate;
use support::index;
use support::model::Sample;

/// How many samples are taken from the generator.
const SAMPLES: u64 = 24;
/// Bytes of a record in front of its name.
const FIXED: usize = 32;
const REGIONS: [&str; 24] = [
    "c",
    "chr1",
    "chr1:1-10",
    "chr1:1,001-2,000",
    "c:1",
    "c:1-2",
    "{c:1}:2-3",
    "{c",
    "{c}x",
    "HLA-A*01:01:3-4",
    "a,b:7-",
    "chr1:-9",
    ":",
    "",
    "chr1:0-10",
    "chr1:10-5",
    "chr1:1e3",
    "chr1:99999999999999999999",
    "chr1:9223372036854775807-9223372036854775807",
    "nope:1-2",
    "-:1-1",
    "chr1:--5",
    "chr1:1-2-3",
    "chr\u{202e}1:5-6",
];

const BEDS: [&str; 12] = [
    "chr1\t0\t10\nchr1\t20\t30\tname\n",
    "\u{feff}chr1\t0\t10\tx\t0\t+\rchr2\t5\t6\r",
    "track name=x\nbrowser position\n# comment\n\nchr1 5 6\n",
    "Chromosome Start End\r\nchr1\t1\t2\r\n",
    "track\t0\t5\ntrack1 0 5\nbrowser\t-5\t3\n",
    "chr1\t10\t5\n",
    "chr1\t-1\t5\nchr1\t1\n",
    "chr1\t1e3\t2000\nchr1\t99999999999999999999\t99999999999999999999\n",
    "seqnames start end\nchr1 1 5\n",
    "##gff-version 3\n",
    "c\0\t\u{1c}1\t2 \n\u{662}\t1\t3\n",
    "chr1\tHAVANA\tgene\t1\t9\t.\t+\t.\tgene_id\n",
];

struct Seeds {
    folder: PathBuf,
    written: usize,
}

impl Seeds {
    fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        Self { folder: folder.to_path_buf(), written: 0 }
    }

    fn put(&mut self, bytes: &[u8]) {
        fs::write(self.folder.join(format!("seed-{:04}", self.written)), bytes).unwrap();
        self.written += 1;
    }

    /// Puts `bytes`, and what they become when they are cut or when a number behind the first `choices` bytes lies.
    fn put_with_broken(&mut self, choices: usize, bytes: &[u8], fields: &[usize]) {
        self.put(bytes);
        for cut in [3, 2] {
            self.put(&bytes[..bytes.len() - bytes.len() / cut]);
        }
        for field in fields.iter().map(|field| choices + field).filter(|&field| field + 4 <= bytes.len()) {
            let old = u32::from_le_bytes(bytes[field..field + 4].try_into().unwrap());
            for number in [0, old.wrapping_add(1), old.wrapping_sub(1), 1 << 31, i32::MAX as u32, u32::MAX] {
                let mut broken = bytes.to_vec();
                broken[field..field + 4].copy_from_slice(&number.to_le_bytes());
                self.put(&broken);
            }
        }
    }
}

/// Records as the target reads them with lengths of its own: length, step to its start, bytes.
fn stepped(sample: &Sample) -> Vec<u8> {
    let mut out = Vec::new();
    let mut before = 0;
    for read in sample.reads.iter().filter(|read| read.contig == 0) {
        let record = bam::encode(read)[4..].to_vec();
        let Ok(len) = u8::try_from(record.len() - FIXED) else { continue };
        out.extend([len, (read.pos - before).clamp(0, 31) as u8]);
        out.extend(record);
        before = read.pos;
    }
    out
}

fn records(seeds: &mut Seeds, sample: &Sample, seed: u64) {
    for preset in 0..13 {
        let choices = [0x59 | (seed as u8 & 3) << 1, 0, 0, 0, 2, preset, seed as u8, 13, 1];
        seeds.put(&[&choices[..], &stepped(sample)].concat());
    }
    let near = sample.reads.iter().filter(|read| read.contig == 0 && read.pos < 200);
    let first: Vec<u8> = near.take(4).flat_map(bam::encode).collect();
    // Its length, contig, place, lengths of name and CIGAR, of SEQ, the mate's contig, its CIGAR.
    let name = 36 + usize::from(*first.get(12).unwrap_or(&0));
    seeds.put_with_broken(9, &[&[24, 0, 0, 0, 0, 1, 128, 0, 0][..], &first].concat(), &[0, 4, 8, 12, 16, 20, 24, name]);
}

fn indexes(bai: &mut Seeds, csi: &mut Seeds, sample: &Sample) {
    let spans = bam::layout(sample, &FileShape::default()).spans;
    let n = sample.contigs.len() as u8;
    if n > 3 {
        return;
    }
    let fields: Vec<usize> = (0..24).map(|word| 4 * word).collect();
    bai.put_with_broken(2, &[&[n, 24][..], &index::bai(sample, &spans)[4..]].concat(), &fields);
    for (min_shift, depth) in [(14, 5), (4, 2), (12, 9)] {
        // The target reads inflated bytes.
        let mut plain = Vec::new();
        bgzf::io::Reader::new(&index::csi(sample, &spans, min_shift, depth)[..]).read_to_end(&mut plain).unwrap();
        csi.put_with_broken(2, &[&[n, 24][..], &plain[4..]].concat(), &fields);
    }
}

/// A FASTA with its `.fai` and, cut into frames of 16 bytes times `frame`, its `.gzi`.
fn reference(seeds: &mut Seeds, sample: &Sample, seed: u64) {
    let (width, frame) = (7 + seed as usize % 50, 1 + seed as u8 % 9);
    let mut writer = fasta::io::writer::Builder::default().set_line_base_count(NonZero::new(width).unwrap()).build_from_writer(Vec::new());
    for (name, letters) in &sample.contigs {
        let definition = Definition::new(name.as_str(), Some("some words".into()));
        writer.write_record(&fasta::Record::new(definition, letters[..letters.len().min(200)].to_vec().into())).unwrap();
    }
    let text = writer.into_inner();
    let mut indexer = fasta::io::Indexer::new(text.as_slice());
    let contigs: Vec<_> = iter::from_fn(|| indexer.index_record().unwrap()).collect();
    let (mut fai, mut gzi) = (Vec::new(), Vec::new());
    fasta::fai::io::Writer::new(&mut fai).write_index(&contigs.into()).unwrap();
    let step = usize::from(frame) * 16;
    let starts = (step..text.len()).step_by(step).map(|at| at as u64);
    // A stored frame takes 31 bytes more than it holds.
    let frames: Vec<_> = starts.zip(1..).map(|(start, i)| (i * (step as u64 + 31), start)).collect();
    bgzf::gzi::io::Writer::new(&mut gzi).write_index(&frames.into()).unwrap();
    for mode in 0..8 {
        let mut bytes = vec![mode, frame, 3, 9];
        for part in [&fai, &gzi] {
            bytes.extend((part.len() as u16).to_le_bytes());
            bytes.extend(part);
        }
        bytes.extend(&text);
        let gzi_at = 4 + fai.len();
        seeds.put_with_broken(4, &bytes, &[10, 20, gzi_at, gzi_at + 4, gzi_at + 12, gzi_at + 20]);
    }
}

fn frames(seeds: &mut Seeds, sample: &Sample, seed: u64) {
    let shape = FileShape { frame_payload: 300, level: seed as i32 % 10, ..FileShape::default() };
    let bytes = bam::layout(sample, &shape).bytes;
    seeds.put_with_broken(4, &[&[0; 4][..], &bytes[..bytes.len().min(4000)]].concat(), &[0, 8, 10, 12, 14, 16, 18]);
    let frame = bam::frame(&bam::header(sample), shape.level);
    for mode in 1..4 {
        seeds.put(&[&[mode, 1, 1, 1][..], &frame[18..frame.len() - 8]].concat());
    }
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("usage: fuzz_seeds FOLDER"));
    let mut all = ["frame", "header", "record", "bai", "csi", "fai", "region", "bed"].map(|name| Seeds::new(&folder.join(name)));
    let [frame, head, record, bai, csi, fai, region, bed] = &mut all;
    for seed in 0..SAMPLES {
        let sample = generate::sample(seed, false);
        frames(frame, &sample, seed);
        let fields: Vec<usize> = (0..20).map(|word| 4 * word).collect();
        let bytes = bam::header(&sample);
        head.put_with_broken(2, &[&[100, seed as u8][..], &bytes].concat(), &fields);
        records(record, &sample, seed);
        indexes(bai, csi, &sample);
        reference(fai, &sample, seed);
    }
    for text in REGIONS {
        for shift in [10, 40] {
            region.put(&[&[shift], text.as_bytes()].concat());
        }
    }
    for text in BEDS {
        for mode in 0..4 {
            bed.put(&[&[mode, 3], text.as_bytes()].concat());
        }
    }
    for compressed in [bam::frame(BEDS[0].as_bytes(), 6), bam::frame(BEDS[0].as_bytes(), 0)] {
        bed.put_with_broken(2, &[&[0, 9][..], &compressed].concat(), &[0, 10, 14, 16, 18]);
    }
}
