//! What single reads say about structure.

use arrow_array::RecordBatch;

use super::region::Region;
use super::report::{Answer, Report};
use super::request::{Access, Request, Settings};
use crate::depth::walk::Tally;
use crate::error::Result;
use crate::evidence::Area;
use crate::evidence::events::{EventQuery, EventRow, EventType, Events, FindEvents, Side, Source};
use crate::pass::{self, Watch};
use crate::source::header::text;
use crate::table::{self, Columns, categories};

/// Events, and what was left out.
#[derive(Debug)]
pub struct EventTable {
    /// The columns `type, chrom, start, end, size, mate_chrom, mate_pos, mate_strand, read_name, mapq, strand, source, sequence`.
    pub rows: RecordBatch,
    /// Records whose SA tag cannot be read.
    pub bad_tags: u64,
    /// Records left out because they have no position, or reach past the end of their contig.
    pub skipped: u64,
}

/// Insertions, deletions, splits and clips. Without regions no index is needed, nor any order of the records.
///
/// # Errors
///
/// As for [`super::coverage()`].
pub fn sv_evidence(settings: Settings, regions: Option<&[Region]>, query: &EventQuery, watch: &Watch<'_>) -> Result<Answer<EventTable>> {
    let access = if regions.is_some() { Access::Index } else { Access::File };
    let request = Request::with_access(settings, access)?.with_regions(regions)?;
    let area = regions.map_or_else(Area::everywhere, |_| Area::of(request.targets(), request.header().contigs.len()));
    let found = request.unless_changed(find(&request, &area, query, watch))?;
    let warnings = request.check_counts_of(area.targets(), &found.records)?;
    let rows = event_table(&request, &found)?;
    watch.finish()?;
    let value = EventTable { rows, bad_tags: found.bad_tags, skipped: found.skipped };
    Ok(Answer { value, report: Report::of(&request, Tally::default(), warnings) })
}

fn find(request: &Request, area: &Area, query: &EventQuery, watch: &Watch<'_>) -> Result<Events> {
    watch.expect(request.bytes());
    watch.poll()?;
    let plan = if area.targets().is_empty() { request.plan()? } else { request.plan_of(area.targets())? };
    let find = FindEvents::new(request.header(), area, query, request.read_groups(), request.most_bytes());
    pass::run(request.alignments(), &plan, &find, find.nothing(), (request.workers(), request.part_bytes()), watch)
}

fn event_table(request: &Request, events: &Events) -> Result<RecordBatch> {
    let contigs = table::names(&request.header().contigs);
    let sides = categories(Side::NAMES);
    let rows = || events.rows();
    let second = |row: EventRow<'_>| row.second;
    let mut columns = Columns::default();
    columns.names("type", &categories(EventType::NAMES), rows().map(|row| row.kind as usize))?;
    columns.names("chrom", &contigs, rows().map(|row| row.first.contig))?;
    columns.int64("start", rows().map(|row| row.first.pos));
    columns.int64("end", rows().map(|row| row.end));
    columns.int64("size", rows().map(|row| row.size));
    columns.optional_names("mate_chrom", &contigs, rows().map(|row| second(row).map(|at| at.contig)))?;
    columns.optional_int64("mate_pos", rows().map(|row| second(row).map(|at| at.pos)));
    columns.optional_names("mate_strand", &sides, rows().map(|row| second(row).map(|at| at.side as usize)))?;
    columns.text("read_name", rows().map(|row| text(row.name)));
    columns.mapq("mapq", rows().map(|row| row.mapq));
    columns.names("strand", &sides, rows().map(|row| row.first.side as usize))?;
    columns.names("source", &categories(Source::NAMES), rows().map(|row| row.source as usize))?;
    columns.optional_text("sequence", rows().map(|row| row.sequence.map(text)));
    columns.into_batch()
}
