//! What a call says besides its numbers.

use std::path::PathBuf;

use super::request::Request;
use crate::coords::Target;
use crate::depth::walk::Tally;
use crate::error::Result;
use crate::rules::Rules;

/// A result and its report.
#[derive(Debug)]
pub struct Answer<T> {
    /// The result.
    pub value: T,
    /// What was counted, and warnings.
    pub report: Report,
}

impl<T> Answer<T> {
    /// The same report with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: f(self.value), report: self.report }
    }

    /// The same report with another value, where that can be made.
    ///
    /// # Errors
    ///
    /// What `f` gives.
    pub fn try_map<U>(self, f: impl FnOnce(T) -> Result<U>) -> Result<Answer<U>> {
        Ok(Answer { value: f(self.value)?, report: self.report })
    }
}

/// What was counted, from which records, and what the caller should know although the call succeeded.
#[derive(Clone, Debug)]
pub struct Report {
    /// The alignments.
    pub file: PathBuf,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// What counted.
    pub rules: Rules,
    /// The read groups that counted; `None`: all.
    pub read_groups: Option<Vec<String>>,
    /// Whether BAQ was computed.
    pub baq: bool,
    /// Records by what became of them.
    pub tally: Tally,
    /// Contig, first and last position (1-based, inclusive) of what was counted.
    pub regions: Vec<(String, i64, i64)>,
}

impl Report {
    /// The report of a call on `request`: `tally` and `warnings` come from its passes.
    pub(super) fn of(request: &Request, tally: Tally, warnings: Vec<String>) -> Self {
        let groups = request.read_groups().map(|groups| groups.iter().map(|g| String::from_utf8_lossy(g).into_owned()).collect());
        Self {
            file: request.alignments().path().to_path_buf(),
            warnings: request.warnings().iter().cloned().chain(warnings).collect(),
            rules: *request.rules(),
            read_groups: groups,
            baq: request.uses_baq(),
            tally,
            regions: request.targets().iter().map(|target| named(request, target)).collect(),
        }
    }
}

/// A target in the words of the caller.
pub(super) fn named(request: &Request, target: &Target) -> (String, i64, i64) {
    let (start, end) = target.interval.one_based();
    (request.header().contigs[target.contig].text().into_owned(), start, end)
}
