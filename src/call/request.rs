//! A call, checked: what can be wrong before work begins is found here.

use std::path::PathBuf;

use super::region::{Region, Resolver};
use crate::coords::{Interval, Target};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::pass;
use crate::plan::Plan;
use crate::rules::Rules;
use crate::source::alignments::Alignments;
use crate::source::fasta::Reference;
use crate::source::header::Header;

/// What a caller says about the files and the rule.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The alignments.
    pub bam: PathBuf,
    /// Their index; looked for beside the file when not given.
    pub index: Option<PathBuf>,
    /// The reference the alignments were made to.
    pub reference: Option<PathBuf>,
    /// What counts.
    pub rules: Rules,
    /// Only records of these read groups (`ID` in the header, `RG` in the record).
    pub read_groups: Option<Vec<String>>,
    /// Workers; all this process may use when not given.
    pub n_cores: Option<usize>,
    /// Count the remaining part of a truncated file.
    pub allow_truncated: bool,
    /// Bytes the result may take.
    pub max_memory: Option<u64>,
    /// Sizes of the units of work.
    pub tuning: Tuning,
}

impl Settings {
    /// The settings of a call on `bam` by `rules`, everything else by default.
    ///
    /// ```
    /// use fastcov::call::{Settings, coverage};
    /// use fastcov::pass::Watch;
    /// use fastcov::rules::{Preset, Rules};
    ///
    /// let settings = Settings::new("missing.bam", Rules::new(Preset::Depth));
    /// let error = coverage(settings, None, false, &Watch::unattended()).unwrap_err();
    /// assert!(error.to_string().starts_with("missing.bam: "));
    /// ```
    pub fn new(bam: impl Into<PathBuf>, rules: Rules) -> Self {
        Self {
            bam: bam.into(),
            index: None,
            reference: None,
            rules,
            read_groups: None,
            n_cores: None,
            allow_truncated: false,
            max_memory: None,
            tuning: Tuning::default(),
        }
    }
}

/// Sizes of the units of work. The numbers that come out do not depend on them.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Compressed bytes per span.
    pub span_bytes: u64,
    /// Inflated bytes per part of a span.
    pub part_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        // A span has to be worth a lock, a part to stay in the second-level cache's neighbourhood.
        Self { span_bytes: 512 << 10, part_bytes: 2 << 20 }
    }
}

/// Of a file without contigs: depth would be an empty table.
const NOT_ALIGNED: &str = "the file has no contigs: it is not aligned";
/// Places in a part are numbers of 32 bits.
const MAX_PART: usize = 1 << 30;

/// How the records are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// By the index, which has to be there.
    Index,
    /// By the index if there is one, else from the first record to the last.
    IndexOrFile,
    /// From the first record to the last.
    File,
}

/// Open files that fit each other, a rule that fits them, and the positions wanted.
#[derive(Debug)]
pub struct Request {
    alignments: Alignments,
    reference: Option<Reference>,
    baq: bool,
    workers: usize,
    warnings: Vec<String>,
    /// Sorted.
    read_groups: Option<Vec<Vec<u8>>>,
    targets: Vec<Target>,
    settings: Settings,
}

impl Request {
    /// Opens the files, checks that they belong together, and finds the targets of `regions`: without them every contig. Then no index is
    /// needed: where there is none, records are read from the first to the last.
    ///
    /// # Errors
    ///
    /// Every class of [`Kind`] that an input can earn.
    pub fn open(settings: Settings, regions: Option<&[Region]>) -> Result<Self> {
        let access = if regions.is_some() { Access::Index } else { Access::IndexOrFile };
        Self::with_access(settings, access)?.with_regions(regions)
    }

    /// The same without targets.
    pub(super) fn with_access(settings: Settings, access: Access) -> Result<Self> {
        let checked = Checked::of(&settings)?;
        let mut alignments = Alignments::open(&settings.bam, settings.allow_truncated)?;
        let mut warnings = Vec::new();
        if alignments.is_truncated() {
            let path = settings.bam.display();
            warnings.push(format!("{path}: the file is cut short; what is there was counted because of allow_truncated=True"));
        }
        // Whole files are read, as samtools reads them, with a warning: their records may be damaged.
        if access == Access::Index && alignments.header().contigs.is_empty() {
            let hint = "align its reads to a reference first, or use flag_summary, which counts reads without a place";
            return Err(Error::new(Kind::UnsupportedFormat, NOT_ALIGNED).path(&settings.bam).hint(hint));
        }
        let reference = settings.reference.as_deref().map(Reference::open).transpose()?;
        if access != Access::File {
            match alignments.find_index(settings.index.as_deref()) {
                Err(e) if access == Access::IndexOrFile && e.kind() == Kind::IndexMissing && settings.index.is_none() => {}
                found => warnings.extend(found?),
            }
        }
        Self::of(settings, checked, alignments, reference, warnings)
    }

    /// A call on alignments that are open, for every contig; `settings` say nothing of their file.
    ///
    /// # Errors
    ///
    /// As for [`Request::open`].
    pub fn over(alignments: Alignments, settings: Settings) -> Result<Self> {
        let checked = Checked::of(&settings)?;
        let reference = settings.reference.as_deref().map(Reference::open).transpose()?;
        Self::of(settings, checked, alignments, reference, Vec::new())?.with_regions(None)
    }

    fn of(
        settings: Settings,
        Checked { baq, workers }: Checked,
        alignments: Alignments,
        reference: Option<Reference>,
        warnings: Vec<String>,
    ) -> Result<Self> {
        let read_groups = settings.read_groups.as_deref().map(|groups| known_groups(groups, &alignments)).transpose()?;
        Ok(Self { alignments, reference, baq, workers, warnings, read_groups, targets: Vec::new(), settings })
    }

    /// The same for the targets of `regions`.
    pub(super) fn with_regions(self, regions: Option<&[Region]>) -> Result<Self> {
        let mut resolver = self.resolver();
        let targets = resolver.targets(regions)?;
        let warnings = resolver.warnings;
        Ok(Self { targets, warnings: self.warnings.into_iter().chain(warnings).collect(), ..self }.warn_if_unaligned())
    }

    /// The same with a warning where a question about places has nothing but empty answers.
    #[must_use]
    pub(super) fn warn_if_unaligned(mut self) -> Self {
        if self.header().contigs.is_empty() {
            self.warnings.push(format!("{}: {NOT_ALIGNED}", self.alignments.path().display()));
        }
        self
    }

    /// The same for other targets.
    #[must_use]
    pub fn with_targets(self, targets: Vec<Target>) -> Self {
        Self { targets, ..self }
    }

    /// What regions and names of contigs are resolved against.
    pub(super) fn resolver(&self) -> Resolver<'_> {
        Resolver { header: self.header(), path: self.alignments.path(), reference: self.reference.as_ref(), warnings: Vec::new() }
    }

    /// The alignments.
    pub fn alignments(&self) -> &Alignments {
        &self.alignments
    }

    /// The header of the alignments.
    pub fn header(&self) -> &Header {
        self.alignments.header()
    }

    /// The reference, if one was given.
    pub fn reference(&self) -> Option<&Reference> {
        self.reference.as_ref()
    }

    /// What counts.
    pub fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// Whether BAQ is computed.
    pub fn uses_baq(&self) -> bool {
        self.baq
    }

    /// The read groups that count, sorted.
    pub fn read_groups(&self) -> Option<&[Vec<u8>]> {
        self.read_groups.as_deref()
    }

    /// How many workers.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// The positions wanted.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// What the caller should know although the call succeeds.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Inflated bytes of a part.
    pub(super) fn part_bytes(&self) -> usize {
        // The lanes of BAQ want many reads, and every seam has copies whose qualities must be exact.
        self.settings.tuning.part_bytes.min(MAX_PART) << u32::from(self.baq)
    }

    /// Whether records are read from the first of the file to the last.
    pub(super) fn reads_whole_file(&self) -> bool {
        self.alignments.index().is_none()
    }

    /// The spans to be read.
    ///
    /// # Errors
    ///
    /// What reading the file gives, where it is searched for boundaries.
    pub(super) fn plan(&self) -> Result<Plan> {
        let span_bytes = self.settings.tuning.span_bytes;
        if self.reads_whole_file() {
            return Plan::of_file(&self.alignments, span_bytes);
        }
        Plan::of_targets(&self.alignments, &self.targets, self.rules().select.reach(), span_bytes)
    }

    /// The spans to be read for other targets, which come sorted.
    ///
    /// # Errors
    ///
    /// As for [`Request::plan`].
    pub(super) fn plan_of(&self, targets: &[Target]) -> Result<Plan> {
        Plan::of_targets(&self.alignments, targets, 0, self.settings.tuning.span_bytes)
    }

    /// Bytes a result may take that grows while the file is read.
    pub(super) fn most_bytes(&self) -> u64 {
        self.settings.max_memory.or_else(memory::available).unwrap_or(u64::MAX)
    }

    /// Compressed bytes that one pass reads, for progress.
    pub(super) fn bytes(&self) -> u64 {
        if self.reads_whole_file() {
            return self.alignments.len();
        }
        let reach = self.rules().select.reach();
        let stretches = self.targets.iter().flat_map(|t| self.alignments.stretches(t.contig, t.interval.reaching_back(reach)));
        stretches.map(|stretch| self.alignments.bytes_of(stretch)).sum()
    }

    /// Refuses a result of `bytes` that is larger than the caller allows or than the machine has.
    ///
    /// # Errors
    ///
    /// [`Kind::ResourceLimit`] with the bytes needed.
    pub(super) fn check_memory(&self, bytes: u64) -> Result<()> {
        let refused = |why: String| {
            Error::new(Kind::ResourceLimit, format!("the result takes {bytes} bytes, {why}"))
                .path(self.alignments.path())
                .hint("ask for a smaller region, for runs of equal depth (runs=True), or for statistics")
        };
        let limit = match (self.settings.max_memory, memory::available()) {
            (Some(max), _) => Some((max, "max_memory allows")),
            (None, free) => free.map(|free| (free, "this machine has free")),
        };
        match limit {
            Some((most, whose)) if bytes > most => Err(refused(format!("{whose} {most}"))),
            _ if !memory::is_given(bytes, self.workers) => Err(refused("which the system refuses to this process".into())),
            _ => Ok(()),
        }
    }

    /// The result, if the files stayed as they were: one that is written to while it is read looks damaged, or whole.
    pub(super) fn unless_changed<T>(&self, result: Result<T>) -> Result<T> {
        let looks_damaged = |e: &Error| matches!(e.kind(), Kind::CorruptFile | Kind::TruncatedFile | Kind::IndexMismatch | Kind::Internal);
        if result.as_ref().err().is_none_or(looks_damaged) {
            self.alignments.check_unchanged()?;
            self.reference.as_ref().map_or(Ok(()), Reference::check_unchanged)?;
        }
        result
    }

    /// Compares the records read of each contig that was read whole with the counts of the index; gives warnings.
    ///
    /// # Errors
    ///
    /// [`Kind::IndexMismatch`] when the index counts more records than the file has.
    pub(super) fn check_counts(&self, records: &[u64]) -> Result<Vec<String>> {
        self.check_counts_of(&self.targets, records)
    }

    /// The same for other targets.
    ///
    /// # Errors
    ///
    /// As for [`Request::check_counts`].
    pub(super) fn check_counts_of(&self, targets: &[Target], records: &[u64]) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        for (target, &read) in targets.iter().zip(records) {
            let contig = &self.header().contigs[target.contig];
            let counts = self.alignments.index().and_then(|index| index.counts(target.contig));
            let Some(counts) = counts.filter(|_| target.interval == Interval::new(0, contig.len)) else { continue };
            let expected = counts.mapped + counts.unmapped;
            if read == expected || self.alignments.is_truncated() {
                continue;
            }
            let what = format!("the index counts {expected} records on this contig, the file has {read}");
            let error = Error::new(Kind::IndexMismatch, what)
                .path(self.alignments.path())
                .contig(&contig.name)
                .hint("the index is of another file or older: run 'samtools index'");
            if read == 0 || read < expected {
                return Err(error);
            }
            warnings.push(error.to_string());
        }
        Ok(warnings)
    }
}

/// What settings come to before a file is opened.
struct Checked {
    baq: bool,
    workers: usize,
}

impl Checked {
    fn of(settings: &Settings) -> Result<Self> {
        settings.rules.validate()?;
        let baq = settings.rules.uses_baq(settings.reference.is_some())?;
        let workers = pass::workers(settings.n_cores)?;
        memory::reserve(workers).map_err(|e| e.path(&settings.bam))?;
        Ok(Self { baq, workers })
    }
}

/// The read groups of that name, sorted.
fn known_groups(groups: &[String], alignments: &Alignments) -> Result<Vec<Vec<u8>>> {
    let mut known: Vec<Vec<u8>> = groups.iter().map(|group| group.clone().into_bytes()).collect();
    known.sort();
    known.dedup();
    let header = alignments.header();
    match known.iter().find(|group| !header.read_groups.iter().any(|known| known.id == **group)) {
        Some(unknown) => Err(header.unknown_read_group(unknown).path(alignments.path())),
        None if known.is_empty() => {
            Err(Error::new(Kind::InvalidArgument, "read_groups is empty: no record could count").hint("name one, or leave it out"))
        }
        None => Ok(known),
    }
}
