//! Headers and records of a [`Sample`] as noodles holds and writes them.

use std::num::NonZero;

use noodles_bam as bam;
use noodles_core::Position;
use noodles_sam::alignment::io::Write as _;
use noodles_sam::alignment::record::cigar::{Op, op::Kind};
use noodles_sam::alignment::record::{Flags, MappingQuality};
use noodles_sam::alignment::record_buf::{Data, data::field::Value};
use noodles_sam::alignment::{RecordBuf, record::data::field::Tag};
use noodles_sam::header;
use noodles_sam::header::record::value::Map;
use noodles_sam::header::record::value::map::header::{sort_order::COORDINATE, tag::SORT_ORDER};
use noodles_sam::header::record::value::map::{self, ReferenceSequence};

use super::model::{Read, Sample, TagValue};

/// The header, uncompressed: contigs, sorted by coordinate.
pub fn header(sample: &Sample) -> Vec<u8> {
    let first_line = Map::<map::Header>::builder().insert(SORT_ORDER, COORDINATE).build().unwrap();
    let contigs = sample.contigs.iter().map(|(name, letters)| (name.as_str().into(), contig(letters.len()))).collect();
    let header = header::Builder::default().set_header(first_line).set_reference_sequences(contigs).build();
    let mut writer = bam::io::Writer::from(Vec::new());
    writer.write_header(&header).unwrap();
    writer.into_inner()
}

fn contig(len: usize) -> Map<ReferenceSequence> {
    Map::<ReferenceSequence>::new(NonZero::new(len).unwrap())
}

/// A record, its length in front.
pub fn encode(read: &Read) -> Vec<u8> {
    // noodles takes a contig's id only where the header has so many.
    let contigs = (0..=read.contig.max(read.mate_contig)).map(|id| (id.to_string().into(), contig(1))).collect();
    let header = header::Builder::default().set_reference_sequences(contigs).build();
    let mut writer = bam::io::Writer::from(Vec::new());
    writer.write_alignment_record(&header, &record(read)).unwrap();
    let mut out = writer.into_inner();
    append_repeated_tags(&mut out, read);
    out
}

/// The record without repeated tags.
fn record(read: &Read) -> RecordBuf {
    let position = |pos: i64| usize::try_from(pos + 1).ok().and_then(Position::new);
    let mut record = RecordBuf::default();
    // A name that is missing is written `*`.
    *record.name_mut() = (read.name != b"*").then(|| read.name.as_slice().into());
    *record.flags_mut() = Flags::from(read.flags);
    *record.reference_sequence_id_mut() = usize::try_from(read.contig).ok();
    *record.alignment_start_mut() = position(read.pos);
    *record.mapping_quality_mut() = MappingQuality::new(read.mapq);
    *record.cigar_mut() = read.cigar.iter().map(|&(op, len)| Op::new(kind(op), len as usize)).collect();
    *record.mate_reference_sequence_id_mut() = usize::try_from(read.mate_contig).ok();
    *record.mate_alignment_start_mut() = position(read.mate_pos);
    *record.template_length_mut() = read.tlen as i32;
    *record.sequence_mut() = read.seq.as_slice().into();
    *record.quality_scores_mut() = read.qual.clone().unwrap_or_default().into();
    let is_first = |i: &usize| !read.tags[..*i].iter().any(|(name, _)| *name == read.tags[*i].0);
    *record.data_mut() = (0..read.tags.len()).filter(is_first).map(|i| field(&read.tags[i])).collect::<Data>();
    record
}

fn kind(op: char) -> Kind {
    const KINDS: [Kind; 9] = [
        Kind::Match,
        Kind::Insertion,
        Kind::Deletion,
        Kind::Skip,
        Kind::SoftClip,
        Kind::HardClip,
        Kind::Pad,
        Kind::SequenceMatch,
        Kind::SequenceMismatch,
    ];
    KINDS["MIDNSHP=X".find(op).expect("a CIGAR letter")]
}

fn field((name, value): &([u8; 2], TagValue)) -> (Tag, Value) {
    let value = match value {
        TagValue::Text(text) => Value::String(text.as_slice().into()),
        TagValue::Int(number) => Value::Int32(*number),
    };
    (Tag::from(*name), value)
}

/// Appends the tags that noodles leaves out: it writes each tag once, as the format asks. Readers must take the first one.
fn append_repeated_tags(out: &mut Vec<u8>, read: &Read) {
    for (i, (name, value)) in read.tags.iter().enumerate() {
        if !read.tags[..i].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        let TagValue::Text(text) = value else { panic!("only texts are repeated") };
        out.extend([&name[..], b"Z", text, b"\0"].concat());
    }
    let len = out.len() as u32 - 4;
    out[..4].copy_from_slice(&len.to_le_bytes());
}
