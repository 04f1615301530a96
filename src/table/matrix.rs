//! The depth of several files, a column each.

use super::dense::{Axis, Layout, Letters, axis};
use super::pages::zeros;
use crate::error::{Error, Kind, Result, escape};
use crate::pass::{Control, Poll};
use crate::plan::Target;
use crate::request::{Outcome, Request};
use crate::source::bam::Bam;

/// Depth, row by row, of each file.
#[derive(Debug)]
pub struct Matrix {
    /// Where.
    pub axis: Axis,
    /// Names of the files' columns.
    pub names: Vec<String>,
    /// Their depths.
    pub depths: Vec<Vec<i32>>,
    /// What else there is to say of each file.
    pub outcomes: Vec<Outcome>,
}

/// Columns that are there besides those of the files.
const TAKEN: [&str; 3] = ["chrom", "pos", "base"];

/// Counts the targets in one file after the other, each with all workers. The contigs of all files are the same, in the same order; `names`
/// are the names of their columns, their samples or file names where not given.
///
/// # Errors
///
/// What counting gives; [`Kind::HeaderMismatch`]; [`Kind::InvalidArgument`] for names that clash; [`Kind::ResourceLimit`] before any memory
/// is asked for.
pub fn matrix(requests: &[Request], targets: &[Target], names: Option<Vec<String>>, control: &Control, poll: Poll<'_>) -> Result<Matrix> {
    let Some((first, others)) = requests.split_first() else {
        return Err(Error::new(Kind::InvalidArgument, "there is no file to count").hint("give one or more BAM files"));
    };
    others.iter().try_for_each(|other| same_contigs(&first.bam, &other.bam))?;
    let names = column_names(requests, names)?;
    let layout = Layout::new(targets);
    first.check_memory(layout.rows as u64 * (Axis::row_bytes(first, Letters::WithReference) + 4 * requests.len() as u64))?;
    let (mut depths, mut outcomes) = (Vec::new(), Vec::new());
    for request in requests {
        let mut depth = zeros(layout.rows);
        outcomes.push(request.count(targets, &mut depth, control, &mut *poll)?);
        depths.push(depth);
    }
    Ok(Matrix { axis: axis(first, &layout, Letters::WithReference, control, poll)?, names, depths, outcomes })
}

/// Refuses a file whose contigs are not those of the first one.
fn same_contigs(first: &Bam, other: &Bam) -> Result<()> {
    let (ours, theirs) = (&first.header.contigs, &other.header.contigs);
    let Some(i) = (0..ours.len().max(theirs.len())).find(|&i| ours.get(i) != theirs.get(i)) else { return Ok(()) };
    let file = first.file.path().display();
    let (contig, what) = match (ours.get(i), theirs.get(i)) {
        (_, Some(contig)) if first.header.contig_id(&contig.name).is_none() => (contig, format!("is not in the header of {file}")),
        (Some(contig), _) if other.header.contig_id(&contig.name).is_none() => (contig, format!("is missing, {file} has it")),
        (Some(here), Some(contig)) if here.name == contig.name => {
            (contig, format!("has {} bases here and {} in {file}", contig.len, here.len))
        }
        (_, Some(contig)) | (Some(contig), None) => {
            let number = |bam: &Bam| bam.header.contig_id(&contig.name).map_or(0, |id| id + 1);
            (contig, format!("is number {} in the header here and number {} in {file}", number(other), number(first)))
        }
        (None, None) => return Ok(()),
    };
    Err(Error::new(Kind::HeaderMismatch, format!("contig '{}' {what}", escape(&contig.name)))
        .path(other.file.path())
        .contig(&contig.name)
        .hint("count together only files that were aligned to one reference"))
}

/// The columns' names: those given, else each file's only sample, else its file name without the ending.
fn column_names(requests: &[Request], given: Option<Vec<String>>) -> Result<Vec<String>> {
    let names = given.unwrap_or_else(|| requests.iter().map(|request| name_of(&request.bam)).collect());
    let refuse = |what: String| Err(Error::new(Kind::InvalidArgument, what).hint("give names=, one for each file, all different"));
    if names.len() != requests.len() {
        return refuse(format!("there are {} names and {} files", names.len(), requests.len()));
    }
    for (i, name) in names.iter().enumerate() {
        if name.is_empty() || TAKEN.contains(&name.as_str()) {
            return refuse(format!("{name:?} cannot be the name of a sample's column"));
        }
        if let Some(same) = names[..i].iter().position(|other| other == name) {
            let [one, other] = [same, i].map(|i| requests[i].bam.file.path().display());
            return refuse(format!("{one} and {other} are both named {name:?}"));
        }
    }
    Ok(names)
}

fn name_of(bam: &Bam) -> String {
    match &bam.header.samples[..] {
        [sample] if !sample.is_empty() => String::from_utf8_lossy(sample).into_owned(),
        _ => bam.file.path().file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned()),
    }
}
