//! The depth of several files, a column each.

use std::collections::HashSet;

use arrow_array::RecordBatch;

use super::axis::{Letters, RowMap, axis, row_bytes};
use super::pages::zeros;
use super::region::Region;
use super::report::{Answer, Report};
use super::request::{Request, Settings};
use crate::coords::Target;
use crate::depth::walk::Tally;
use crate::error::{Error, Kind, Result, escape};
use crate::pass::Watch;
use crate::source::alignments::Alignments;
use crate::source::header::Contig;
use crate::table::{self, Matrix};

/// Columns that are there besides those of the files.
const TAKEN: [&str; 3] = ["chrom", "pos", "base"];
/// Names of contigs in a warning.
const MOST_SHOWN: usize = 3;

/// A column of depth for each file.
#[derive(Debug)]
pub struct MatrixTable {
    /// The columns.
    pub columns: RecordBatch,
    /// The records of each file by what became of them, with the name of its column.
    pub tallies: Vec<(String, Tally)>,
}

/// How much the headers of the files have to agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// Contigs are matched by name: those of the regions, or those that every file has, must have one length.
    Common,
    /// All files have the same contigs with the same lengths in the same order.
    Strict,
}

/// Depth at every position of `regions`, or of every contig, in one file after the other, each with all workers: the columns `chrom, pos`,
/// `base` where a reference is given, and one for each file. `names` are the names of the files' columns, their samples or file names where
/// not given. Contigs come in the order of the first file.
///
/// # Errors
///
/// As for [`super::coverage()`]; [`Kind::HeaderMismatch`]; [`Kind::InvalidArgument`] for names that clash.
pub fn coverage_matrix(
    settings: Vec<Settings>,
    regions: Option<&[Region]>,
    names: Option<Vec<String>>,
    headers: Headers,
    watch: &Watch<'_>,
) -> Result<Answer<MatrixTable>> {
    // The index is needed: without one a file would be read whole for every region.
    let open = |settings| Request::with_access(settings, super::request::Access::Index);
    let requests = settings.into_iter().map(open).collect::<Result<Vec<_>>>()?;
    let (requests, left_out) = with_shared_targets(requests, regions, headers)?;
    let (matrix, reports) = matrix_of(&requests, names, watch)?;
    let tallies = matrix.names.iter().cloned().zip(reports.iter().map(|report| report.tally)).collect();
    let of_files = matrix
        .names
        .iter()
        .zip(&reports)
        .flat_map(|(name, report)| report.warnings.iter().map(move |warning| format!("{name}: {warning}")));
    let report = Report { warnings: left_out.into_iter().chain(of_files).collect(), ..reports[0].clone() };
    let columns = matrix.into_batch(&table::names(&requests[0].header().contigs))?;
    watch.finish()?;
    Ok(Answer { value: MatrixTable { columns, tallies }, report })
}

fn matrix_of(requests: &[Request], names: Option<Vec<String>>, watch: &Watch<'_>) -> Result<(Matrix, Vec<Report>)> {
    let first = &requests[0];
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

/// The requests with the same positions in each file, and a warning about the contigs that not every file has.
fn with_shared_targets(requests: Vec<Request>, regions: Option<&[Region]>, headers: Headers) -> Result<(Vec<Request>, Option<String>)> {
    let mut requests = requests.into_iter();
    let no_file = || Error::new(Kind::InvalidArgument, "there is no file to count").hint("give one or more BAM files");
    let (first, others) = (requests.next().ok_or_else(no_file)?, requests.collect::<Vec<_>>());
    if headers == Headers::Strict {
        others.iter().try_for_each(|other| same_contigs(first.alignments(), other.alignments()))?;
    }
    let (first, left_out) = if regions.is_some() {
        (first.with_regions(regions)?, None)
    } else {
        let shared = shared_contigs(&first, &others)?;
        let left_out = left_out(&first, &others, &shared);
        let targets = first.resolver().whole(shared)?;
        (first.with_targets(targets), left_out)
    };
    let targets_of = |other: &Request| -> Result<Vec<Target>> {
        let find = |target: &Target| Ok(Target { contig: contig_in(&first, target.contig, other)?, ..*target });
        first.targets().iter().map(find).collect()
    };
    let targets = others.iter().map(targets_of).collect::<Result<Vec<_>>>()?;
    let others = others.into_iter().zip(targets).map(|(other, targets)| other.with_targets(targets));
    let others: Vec<_> = others.collect();
    Ok((std::iter::once(first).chain(others).collect(), left_out))
}

/// The contigs of the first file that all others have too, in its order.
fn shared_contigs(first: &Request, others: &[Request]) -> Result<Vec<usize>> {
    let contigs = &first.header().contigs;
    let mut shared: Vec<usize> = (0..contigs.len()).collect();
    for other in others {
        shared.retain(|&id| other.header().contig_id(&contigs[id].name).is_some());
        shared.iter().try_for_each(|&id| contig_in(first, id, other).map(drop))?;
        let theirs = &other.header().contigs;
        if shared.is_empty() && !(contigs.is_empty() && theirs.is_empty()) {
            let name = |contigs: &[Contig]| contigs.first().map_or("nothing".into(), |contig| format!("'{}'", escape(&contig.name)));
            let (ours, theirs, file) = (name(contigs), name(theirs), first.alignments().path().display());
            let what = format!("has no contig in common with the files before it; its first is {theirs}, that of {file} is {ours}");
            return Err(Error::new(Kind::HeaderMismatch, what)
                .path(other.alignments().path())
                .hint("count together only files that were aligned to one reference"));
        }
    }
    Ok(shared)
}

/// The contig of `other` that has the name and length of contig number `id` of `first`.
fn contig_in(first: &Request, id: usize, other: &Request) -> Result<usize> {
    let (contig, theirs) = (&first.header().contigs[id], other.header());
    let file = first.alignments().path().display();
    let what = match theirs.contig_id(&contig.name) {
        Some(there) if theirs.contigs[there].len == contig.len => return Ok(there),
        Some(there) => format!("has {} bases here and {} in {file}", theirs.contigs[there].len, contig.len),
        None => format!("is missing, {file} has it"),
    };
    Err(mismatch(&contig.name, &what, other.alignments()))
}

/// A warning that counts the contigs that not every file has, with the names of some.
fn left_out(first: &Request, others: &[Request], shared: &[usize]) -> Option<String> {
    let shared: HashSet<&[u8]> = shared.iter().map(|&id| &first.header().contigs[id].name[..]).collect();
    let names = std::iter::once(first).chain(others).flat_map(|request| request.header().contigs.iter().map(|contig| &contig.name[..]));
    let mut seen = HashSet::new();
    let left: Vec<&[u8]> = names.filter(|&name| !shared.contains(name) && seen.insert(name)).collect();
    let shown = left.iter().take(MOST_SHOWN).map(|name| format!("'{}'", escape(name))).collect::<Vec<_>>().join(", ");
    let more = left.len().saturating_sub(MOST_SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let contigs = if left.len() == 1 { "1 contig is" } else { &format!("{} contigs are", left.len()) };
    (!left.is_empty()).then(|| format!("{contigs} not in every file and left out: {shown}{more}"))
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
    Err(mismatch(&contig.name, &what, other))
}

fn mismatch(contig: &[u8], what: &str, file: &Alignments) -> Error {
    Error::new(Kind::HeaderMismatch, format!("contig '{}' {what}", escape(contig)))
        .path(file.path())
        .contig(contig)
        .hint("count together only files that were aligned to one reference")
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
