//! Pairs that do not fit.

use std::collections::{HashMap, HashSet};

use arrow_array::RecordBatch;

use super::region::Region;
use super::report::{Answer, Report};
use super::request::{Access, Request, Settings};
use crate::depth::walk::Tally;
use crate::error::Result;
use crate::evidence::Area;
use crate::evidence::pairs::{Collected, Orientation, PairKind, PairQuery, PairRow, Pairs, Usual};
use crate::pass::{self, Watch};
use crate::plan::Plan;
use crate::source::header::text;
use crate::table::{self, Columns, categories};

/// Pairs that do not fit, and what was held to fit.
#[derive(Debug)]
pub struct PairTable {
    /// The columns `read_name, chrom, pos, mate_chrom, mate_pos, insert_size, orientation, kind, mapq, mate_mapq, read_group`.
    pub rows: RecordBatch,
    /// What is usual in each read group; `None` stands for reads of no group, or for all of them where there are no several groups.
    pub usual: Vec<(Option<String>, Usual)>,
    /// Reads left out because of the place of their mate.
    pub skipped: u64,
}

/// Pairs with an odd insert size or orientation, or with mates on two contigs. Without regions no index is needed, nor any order of the
/// records; with regions and without a limit the whole file is read, too, for the limit.
///
/// # Errors
///
/// As for [`super::coverage()`].
pub fn discordant_pairs(settings: Settings, regions: Option<&[Region]>, query: &PairQuery, watch: &Watch<'_>) -> Result<Answer<PairTable>> {
    let by_index = regions.is_some() && query.max_insert.is_some();
    let request = Request::with_access(settings, if by_index { Access::Index } else { Access::File })?.with_regions(regions)?;
    let header = request.header();
    let area = regions.map_or_else(Area::everywhere, |_| Area::of(request.targets(), header.contigs.len()));
    let most = request.most_bytes();
    let found = find(&request, &area, by_index, query, most, watch);
    let (collected, usual, names) = request.unless_changed(found)?;
    let mut warnings = Vec::new();
    if by_index {
        warnings.extend(request.check_counts_of(area.targets(), &collected.records)?);
    }
    if query.max_insert.is_none() && usual.iter().all(|usual| usual.limit.is_none()) && query.kinds[PairKind::Insert as usize] {
        let path = request.alignments().path().display();
        warnings.push(format!("{path}: no pair is flagged as proper, so that no insert size is too large; give max_insert as a number"));
    }
    let rows = pair_table(&request, &collected.rows(query, &usual))?;
    watch.finish()?;
    let value = PairTable { rows, usual: names.into_iter().zip(usual).collect(), skipped: collected.skipped };
    Ok(Answer { value, report: Report::of(&request, Tally::default(), warnings) })
}

/// As many passes as it takes: one, unless what was guessed in it is wrong.
fn find(
    request: &Request,
    area: &Area,
    by_index: bool,
    query: &PairQuery,
    most: u64,
    watch: &Watch<'_>,
) -> Result<(Collected, Vec<Usual>, Vec<Option<String>>)> {
    watch.expect(request.bytes());
    watch.poll()?;
    let plan = if by_index { request.plan_of(area.targets())? } else { request.plan()? };
    let pairs = || Pairs::new(request.header(), area, query, request.read_groups(), most);
    let mut collected = pass(request, &plan, &pairs(), watch)?;
    let usual = collected.usual(query);
    if collected.misses(&usual) {
        collected = pass(request, &plan, &pairs().knowing(usual.clone(), HashSet::new()), watch)?;
    }
    let in_doubt = collected.in_doubt(query, &usual);
    if !in_doubt.is_empty() {
        collected = pass(request, &plan, &pairs().knowing(usual.clone(), in_doubt), watch)?;
    }
    let names = pairs().group_names().iter().map(|name| Some(text(name).into_owned())).chain([None]).collect();
    Ok((collected, usual, names))
}

fn pass(request: &Request, plan: &Plan, pairs: &Pairs<'_>, watch: &Watch<'_>) -> Result<Collected> {
    pass::run(request.alignments(), plan, pairs, pairs.nothing(), (request.workers(), request.part_bytes()), watch)
}

fn pair_table(request: &Request, rows: &[PairRow<'_>]) -> Result<RecordBatch> {
    let contigs = table::names(&request.header().contigs);
    let (groups, group_of) = read_groups(request, rows.iter().map(|row| row.read_group));
    let mut columns = Columns::default();
    columns.text("read_name", rows.iter().map(|row| text(row.name)));
    columns.names("chrom", &contigs, rows.iter().map(|row| row.place.0))?;
    columns.int64("pos", rows.iter().map(|row| row.place.1 + 1));
    columns.names("mate_chrom", &contigs, rows.iter().map(|row| row.mate_place.0))?;
    columns.int64("mate_pos", rows.iter().map(|row| row.mate_place.1 + 1));
    columns.int64("insert_size", rows.iter().map(|row| row.insert_size));
    columns.names("orientation", &categories(Orientation::NAMES), rows.iter().map(|row| row.orientation as usize))?;
    columns.names("kind", &categories(PairKind::NAMES), rows.iter().map(|row| row.kind as usize))?;
    columns.mapq("mapq", rows.iter().map(|row| row.mapq));
    columns.mapq("mate_mapq", rows.iter().map(|row| row.mate_mapq));
    let group = |row: &PairRow<'_>| row.read_group.map(|group| group_of[group]);
    columns.optional_names("read_group", &categories(groups), rows.iter().map(group))?;
    columns.into_batch()
}

/// The read groups of the header and behind them those that only records name, and the number of each.
fn read_groups<'r>(request: &'r Request, of_rows: impl Iterator<Item = Option<&'r [u8]>>) -> (Vec<String>, HashMap<&'r [u8], usize>) {
    let (mut names, mut numbers) = (Vec::new(), HashMap::new());
    for group in request.header().read_groups.iter().map(|group| group.id.as_slice()).chain(of_rows.flatten()) {
        numbers.entry(group).or_insert_with(|| {
            names.push(text(group).into_owned());
            names.len() - 1
        });
    }
    (names, numbers)
}
