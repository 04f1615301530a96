//! Clusters of events across the edge, and files for genome browsers.

use std::path::PathBuf;

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use pyo3_arrow::PyTable;

use super::arguments::guarded;
use super::columns::{Numbered, category_names, numbers, texts};
use super::table::ArrowTable;
use crate::call::{self, EventNames};
use crate::error::{Error, Kind, Result};
use crate::evidence::clusters::{ClusterEvent, ClusterKey, ClusterQuery};
use crate::evidence::events::{EventType, Side};
use crate::write::bedpe::{self, End, Row};

/// Events of several reads at one place.
#[pyfunction]
pub(super) fn sv_clusters(
    py: Python<'_>,
    evidence: PyTable,
    max_distance: i64,
    max_size_ratio: f64,
    min_support: usize,
) -> PyResult<ArrowTable> {
    let (batches, _) = evidence.into_inner();
    let query = ClusterQuery { max_distance, max_size_ratio, min_support };
    guarded(py, || find(&batches, &query)).map(ArrowTable::of)
}

fn find(batches: &[RecordBatch], query: &ClusterQuery) -> Result<RecordBatch> {
    let contigs = batches.first().map(|batch| category_names(batch, "chrom")).unwrap_or_default();
    let (mut kinds, mut contigs, mut sides) = (Numbered::of(EventType::NAMES), Numbered::of(contigs), Numbered::of(Side::NAMES));
    let mut events = Vec::new();
    for batch in batches {
        let [kind, chrom, mate_chrom, strand, mate_strand, name] =
            ["type", "chrom", "mate_chrom", "strand", "mate_strand", "read_name"].map(|name| texts(batch, name));
        let [start, end, size, mate_pos, mapq] = ["start", "end", "size", "mate_pos", "mapq"].map(|name| numbers(batch, name));
        let (kind, chrom, mate_chrom, strand, mate_strand, name) = (kind?, chrom?, mate_chrom?, strand?, mate_strand?, name?);
        let (start, end, size, mate_pos, mapq) = (start?, end?, size?, mate_pos?, mapq?);
        for i in 0..batch.num_rows() {
            let missing = |column: &str| Error::new(Kind::InvalidArgument, format!("the column '{column}' has no value in row {i}"));
            let key = ClusterKey {
                contig: contigs.number(chrom[i].ok_or_else(|| missing("chrom"))?),
                kind: kinds.number(kind[i].ok_or_else(|| missing("type"))?),
                mate_contig: mate_chrom[i].map(|chrom| contigs.number(chrom)),
                side: sides.number(strand[i].ok_or_else(|| missing("strand"))?),
                mate_side: mate_strand[i].map(|side| sides.number(side)),
            };
            events.push(ClusterEvent {
                key,
                start: start[i].ok_or_else(|| missing("start"))?,
                end: end[i].ok_or_else(|| missing("end"))?,
                size: size[i].ok_or_else(|| missing("size"))?,
                mate_pos: mate_pos[i],
                mapq: mapq[i].and_then(|mapq| u8::try_from(mapq).ok()),
                name: name[i].ok_or_else(|| missing("read_name"))?,
            });
        }
    }
    let names = EventNames { kinds: kinds.into_names(), contigs: contigs.into_names(), sides: sides.into_names() };
    call::sv_clusters(events, &names, query)
}

/// Writes events, or clusters of them, as BEDPE.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "Python hands it over")]
pub(super) fn write_bedpe(py: Python<'_>, evidence: PyTable, path: PathBuf, overwrite: bool) -> PyResult<()> {
    let (batches, _) = evidence.into_inner();
    guarded(py, || bedpe::write(&path, overwrite, |out| batches.iter().try_for_each(|batch| give(batch, out))))
}

fn give(batch: &RecordBatch, out: &mut bedpe::Writer<'_, '_>) -> Result<()> {
    let (kind, chrom, mate_chrom) = (texts(batch, "type")?, texts(batch, "chrom")?, texts(batch, "mate_chrom")?);
    let (strand, mate_strand) = (texts(batch, "strand")?, texts(batch, "mate_strand")?);
    let (start, mate_pos, size) = (numbers(batch, "start")?, numbers(batch, "mate_pos")?, numbers(batch, "size")?);
    let is_clusters = batch.column_by_name("support").is_some();
    let score = numbers(batch, if is_clusters { "support" } else { "mapq" })?;
    let name = if is_clusters { Vec::new() } else { texts(batch, "read_name")? };
    for i in 0..batch.num_rows() {
        let end = |chrom: Option<&'_ str>, pos: Option<i64>, strand: Option<&'_ str>| {
            Some(End { chrom: chrom?.to_owned(), pos: pos?, is_before: strand? == Side::NAMES[0] })
        };
        out.row(&Row {
            first: end(chrom[i], start[i], strand[i]),
            second: end(mate_chrom[i], mate_pos[i], mate_strand[i]),
            name: name.get(i).copied().flatten(),
            score: score[i],
            kind: kind[i].unwrap_or_default(),
            size: size[i].unwrap_or_default(),
        })?;
    }
    Ok(())
}
