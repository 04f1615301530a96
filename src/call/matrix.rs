//! The depth of several files, a column each.

use arrow_array::RecordBatch;

use super::axis::{Letters, RowMap, axis, row_bytes};
use super::pages::zeros;
use super::region::Region;
use super::report::{Answer, Report};
use super::request::{Request, Settings};
use crate::depth::walk::Tally;
use crate::error::{Error, Kind, Result, escape};
use crate::pass::Watch;
use crate::source::alignments::Alignments;
use crate::table::{self, Matrix};

/// Columns that are there besides those of the files.
const TAKEN: [&str; 3] = ["chrom", "pos", "base"];

/// A column of depth for each file.
#[derive(Debug)]
pub struct MatrixTable {
    /// The columns.
    pub columns: RecordBatch,
    /// The records of each file by what became of them, with the name of its column.
    pub tallies: Vec<(String, Tally)>,
}

/// Depth at every position of `regions`, or of every contig, in one file after the other, each with all workers: the columns `chrom, pos`,
/// `base` where a reference is given, and one for each file. The contigs of all files are the same, in the same order; `names` are the names
/// of the files' columns, their samples or file names where not given.
///
/// # Errors
///
/// As for [`super::coverage()`]; [`Kind::HeaderMismatch`]; [`Kind::InvalidArgument`] for names that clash.
pub fn coverage_matrix(
    settings: Vec<Settings>,
    regions: Option<&[Region]>,
    names: Option<Vec<String>>,
    watch: &Watch<'_>,
) -> Result<Answer<MatrixTable>> {
    // The index is needed: without one a file would be read whole for every region.
    let open = |settings| Request::with_access(settings, super::request::Access::Index);
    let mut requests = settings.into_iter().map(open).collect::<Result<Vec<_>>>()?.into_iter();
    let first =
        requests.next().ok_or_else(|| Error::new(Kind::InvalidArgument, "there is no file to count").hint("give one or more BAM files"))?;
    let first = first.with_regions(regions)?;
    let targets = first.targets().to_vec();
    let requests: Vec<_> = std::iter::once(first).chain(requests.map(|request| request.with_targets(targets.clone()))).collect();
    let (matrix, reports) = matrix_of(&requests, names, watch)?;
    let tallies = matrix.names.iter().cloned().zip(reports.iter().map(|report| report.tally)).collect();
    let warnings = matrix
        .names
        .iter()
        .zip(&reports)
        .flat_map(|(name, report)| report.warnings.iter().map(move |warning| format!("{name}: {warning}")));
    let report = Report { warnings: warnings.collect(), ..reports[0].clone() };
    let columns = matrix.into_batch(&table::names(&requests[0].header().contigs))?;
    watch.finish()?;
    Ok(Answer { value: MatrixTable { columns, tallies }, report })
}

fn matrix_of(requests: &[Request], names: Option<Vec<String>>, watch: &Watch<'_>) -> Result<(Matrix, Vec<Report>)> {
    let first = &requests[0];
    requests[1..].iter().try_for_each(|other| same_contigs(first.alignments(), other.alignments()))?;
    let names = column_names(requests, names)?;
    let map = RowMap::new(first.targets());
    first.check_memory(map.rows as u64 * (row_bytes(first, Letters::WithReference) + 4 * requests.len() as u64))?;
    watch.expect(requests.iter().map(Request::bytes).sum());
    let (mut depths, mut reports) = (Vec::new(), Vec::new());
    for request in requests {
        let mut depth = zeros(map.rows);
        reports.push(request.count(&mut depth, watch)?);
        depths.push(depth);
    }
    Ok((Matrix { axis: axis(first, &map, Letters::WithReference, watch)?, names, depths }, reports))
}

/// Refuses a file whose contigs are not those of the first one.
fn same_contigs(first: &Alignments, other: &Alignments) -> Result<()> {
    let (ours, theirs) = (&first.header().contigs, &other.header().contigs);
    let Some(i) = (0..ours.len().max(theirs.len())).find(|&i| ours.get(i) != theirs.get(i)) else { return Ok(()) };
    let file = first.path().display();
    let (contig, what) = match (ours.get(i), theirs.get(i)) {
        (_, Some(contig)) if first.header().contig_id(&contig.name).is_none() => (contig, format!("is not in the header of {file}")),
        (Some(contig), _) if other.header().contig_id(&contig.name).is_none() => (contig, format!("is missing, {file} has it")),
        (Some(here), Some(contig)) if here.name == contig.name => {
            (contig, format!("has {} bases here and {} in {file}", contig.len, here.len))
        }
        (_, Some(contig)) | (Some(contig), None) => {
            let number = |file: &Alignments| file.header().contig_id(&contig.name).map_or(0, |id| id + 1);
            (contig, format!("is number {} in the header here and number {} in {file}", number(other), number(first)))
        }
        (None, None) => return Ok(()),
    };
    Err(Error::new(Kind::HeaderMismatch, format!("contig '{}' {what}", escape(&contig.name)))
        .path(other.path())
        .contig(&contig.name)
        .hint("count together only files that were aligned to one reference"))
}

/// The columns' names: those given, else each file's only sample, else its file name without the ending.
fn column_names(requests: &[Request], given: Option<Vec<String>>) -> Result<Vec<String>> {
    let names = given.unwrap_or_else(|| requests.iter().map(|request| name_of(request.alignments())).collect());
    let refuse = |what: String| Err(Error::new(Kind::InvalidArgument, what).hint("give names=, one for each file, all different"));
    if names.len() != requests.len() {
        return refuse(format!("there are {} names and {} files", names.len(), requests.len()));
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() || TAKEN.contains(&name.as_str()) {
            return refuse(format!("{name:?} cannot be the name of a sample's column"));
        }
        if let Some(same) = names[..i].iter().position(|other| other == name) {
            let [one, other] = [same, i].map(|i| requests[i].alignments().path().display());
            return refuse(format!("{one} and {other} are both named {name:?}"));
        }
    }
    Ok(names)
}

fn name_of(alignments: &Alignments) -> String {
    match &alignments.header().samples[..] {
        [sample] if !sample.is_empty() => String::from_utf8_lossy(sample).into_owned(),
        _ => alignments.path().file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
    }
}
