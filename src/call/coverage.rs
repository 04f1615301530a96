//! Depth at every position, or runs of equal depth.

use arrow_array::RecordBatch;

use super::axis::{Letters, RowMap, axis, row_bytes};
use super::pages::zeros;
use super::region::Region;
use super::report::{Answer, Report};
use super::request::{Request, Settings};
use crate::error::Result;
use crate::pass::Watch;
use crate::summary::runs::RunsOf;
use crate::table::{self, Codes, Dense, Runs};

/// Depth at every position of `regions`, or of every contig: the columns `chrom, pos, depth`, and `base` where a reference is given; with
/// `runs` the longest runs of equal depth, zeros included: `chrom, start, end, depth`.
///
/// # Errors
///
/// Every class of [`crate::error::Kind`] that an input can earn.
pub fn coverage(settings: Settings, regions: Option<&[Region]>, runs: bool, watch: &Watch<'_>) -> Result<Answer<RecordBatch>> {
    let request = Request::open(settings, regions)?;
    let names = table::names(&request.header().contigs);
    let answer = if runs {
        let Answer { value, report } = runs_of(&request, watch)?;
        Answer { value: value.into_batch(&names)?, report }
    } else {
        let Answer { value, report } = dense(&request, Letters::WithReference, watch)?;
        Answer { value: value.into_batch(&names)?, report }
    };
    watch.finish()?;
    Ok(answer)
}

/// Depth at every position of one region, 1-based and inclusive, with the reference's letters (N without one); and the names of all contigs.
///
/// # Errors
///
/// As for [`coverage`].
pub fn region_depth(settings: Settings, contig: &str, start: i64, end: i64, watch: &Watch<'_>) -> Result<Answer<(Dense, Vec<String>)>> {
    let request = Request::open(settings, Some(&[Region::Range(contig.to_owned(), start, end)]))?;
    let answer = dense(&request, Letters::Always, watch)?;
    watch.finish()?;
    let contigs = request.header().contigs.iter().map(|contig| contig.text().into_owned()).collect();
    Ok(answer.map(|dense| (dense, contigs)))
}

/// Counts the targets and builds their table.
fn dense(request: &Request, letters: Letters, watch: &Watch<'_>) -> Result<Answer<Dense>> {
    let map = RowMap::new(request.targets());
    request.check_memory(map.rows as u64 * (row_bytes(request, letters) + 4))?;
    let mut depth = zeros(map.rows);
    let report: Report = request.count(&mut depth, watch)?;
    Ok(Answer { value: Dense { axis: axis(request, &map, letters, watch)?, depth }, report })
}

/// Counts the targets and builds their runs. Depth is never held for every position: memory follows the number of runs.
fn runs_of(request: &Request, watch: &Watch<'_>) -> Result<Answer<Runs>> {
    let contigs = request.header().contigs.len();
    let Answer { value, report } = request.summarize(&RunsOf::new(Some), watch)?;
    request.check_memory(value.len() as u64 * (8 + 8 + 4 + Codes::width(contigs)))?;
    Ok(Answer { value: Runs::of(&value, request.targets(), contigs), report })
}
