//! Events of several reads that lie at one place, as a table.

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::evidence::clusters::{ClusterEvent, ClusterQuery, clusters};
use crate::table::{Columns, categories};

/// What the numbers in the keys of events stand for.
#[derive(Debug, Default)]
pub struct EventNames {
    /// Types.
    pub kinds: Vec<String>,
    /// Contigs.
    pub contigs: Vec<String>,
    /// Sides.
    pub sides: Vec<String>,
}

/// The columns `type, chrom, start, end, mate_chrom, mate_pos, strand, mate_strand, size, support, mean_mapq, reads`.
///
/// # Errors
///
/// [`crate::error::Kind::Internal`] when Arrow refuses the columns.
pub fn sv_clusters(events: Vec<ClusterEvent<'_>>, names: &EventNames, query: &ClusterQuery) -> Result<RecordBatch> {
    let found = clusters(events, query);
    let (contigs, sides) = (categories(&names.contigs), categories(&names.sides));
    let rows = || found.iter();
    let mut columns = Columns::default();
    columns.names("type", &categories(&names.kinds), rows().map(|row| row.key.kind))?;
    columns.names("chrom", &contigs, rows().map(|row| row.key.contig))?;
    columns.int64("start", rows().map(|row| row.start));
    columns.int64("end", rows().map(|row| row.end));
    columns.optional_names("mate_chrom", &contigs, rows().map(|row| row.key.mate_contig))?;
    columns.optional_int64("mate_pos", rows().map(|row| row.mate_pos));
    columns.names("strand", &sides, rows().map(|row| row.key.side))?;
    columns.optional_names("mate_strand", &sides, rows().map(|row| row.key.mate_side))?;
    columns.int64("size", rows().map(|row| row.size));
    columns.int64("support", rows().map(|row| row.reads.len() as i64));
    columns.optional_float64("mean_mapq", rows().map(|row| row.mean_mapq));
    columns.lists("reads", rows().map(|row| &row.reads));
    columns.into_batch()
}
