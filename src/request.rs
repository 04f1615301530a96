//! A call, checked: everything that can be wrong before work begins is found here.

use std::path::PathBuf;
use std::sync::Arc;

use crate::coords::{Interval, RegionText, clip_to_contig};
use crate::depth::Job;
use crate::depth::bases::{BaseFilter, LANES};
use crate::depth::merge::{Lanes, Totals};
use crate::depth::walk::{KeptRecord, Tally, Walker};
use crate::error::{Error, Kind, Result, escape};
use crate::memory;
use crate::pass::{self, Control, Poll};
use crate::plan::{Plan, Span, Target};
use crate::rules::{MateOverlap, Rules};
use crate::source::bam::Bam;
use crate::source::bgzf::{MAX_FRAME, VirtualOffset};
use crate::source::fasta::Reference;
use crate::source::index::{self, Index};
use crate::source::record::Record;
use crate::source::records::RecordReader;
use crate::summary::{NoSummary, Summary};

mod belongs;
mod kept;
#[cfg(all(test, unix))]
mod tests;

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
    /// Count what there is of a file that is cut short.
    pub allow_truncated: bool,
    /// Bytes the result may take.
    pub max_memory: Option<u64>,
    /// Sizes of the units of work.
    pub tuning: Tuning,
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

/// Open files that fit each other, and a rule that fits them.
#[derive(Debug)]
pub struct Request {
    /// The alignments.
    pub bam: Bam,
    /// Their index.
    pub index: Arc<Index>,
    /// The reference.
    pub reference: Option<Reference>,
    /// What counts.
    pub rules: Rules,
    /// Whether BAQ is computed.
    pub baq: bool,
    /// How many workers.
    pub workers: usize,
    /// What the caller should be told although the call succeeds.
    pub warnings: Vec<String>,
    /// Sorted.
    read_groups: Option<Vec<Vec<u8>>>,
    settings: Settings,
}

/// Positions a caller asks for, before the header is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A region string: `contig`, `contig:start-end` (1-based, inclusive).
    Text(String),
    /// A contig and its first and last position, 1-based, inclusive.
    Range(String, i64, i64),
}

/// What counting gave besides the depths.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records by what became of them.
    pub tally: Tally,
    /// What the caller should be told although the call succeeds.
    pub warnings: Vec<String>,
}

impl Request {
    /// Opens the files and checks that they belong together.
    ///
    /// # Errors
    ///
    /// Every class of [`Kind`] that an input can earn.
    pub fn open(settings: Settings) -> Result<Self> {
        Self::open_with(settings, belongs::indexed)
    }

    /// The same for a call that reads the whole file: without an index the file is gone through once more, before it is counted.
    ///
    /// # Errors
    ///
    /// As for [`Request::open`], and what `poll` gives, which is told the file offset.
    pub fn open_whole(settings: Settings, poll: Poll<'_>) -> Result<Self> {
        Self::open_with(settings, |settings, bam| match belongs::indexed(settings, bam) {
            Err(e) if e.kind() == Kind::IndexMissing && settings.index.is_none() => {
                let swept = index::sweep(bam, settings.tuning.span_bytes, poll);
                Ok((Arc::new(swept.or_else(|e| bam.file.check_unchanged().and(Err(e)))?), None))
            }
            found => found,
        })
    }

    fn open_with(settings: Settings, index_of: impl FnOnce(&Settings, &Bam) -> Result<(Arc<Index>, Option<String>)>) -> Result<Self> {
        settings.rules.validate()?;
        let baq = settings.rules.uses_baq(settings.reference.is_some())?;
        let workers = pass::workers(settings.n_cores)?;
        memory::reserve(workers).map_err(|e| e.path(&settings.bam))?;
        let bam = Bam::open(&settings.bam, settings.allow_truncated)?;
        let mut warnings = Vec::new();
        if bam.truncated {
            warnings.push(format!(
                "{}: the file is cut short; what is there was counted because of allow_truncated=True",
                settings.bam.display()
            ));
        }
        let reference = settings.reference.as_deref().map(Reference::open).transpose()?;
        let (index, warning) = index_of(&settings, &bam)?;
        warnings.extend(warning);
        let rules = settings.rules;
        let read_groups = settings.read_groups.as_deref().map(|groups| known_groups(groups, &bam)).transpose()?;
        Ok(Self { bam, index, reference, rules, baq, workers, warnings, read_groups, settings })
    }

    /// The read groups asked for, sorted.
    pub fn read_groups(&self) -> Option<&[Vec<u8>]> {
        self.read_groups.as_deref()
    }

    /// The target of 1-based inclusive positions on a contig. An end past the contig's end is cut, with a warning.
    ///
    /// # Errors
    ///
    /// [`Kind::UnknownContig`], [`Kind::Region`]; [`Kind::ReferenceMissing`] or [`Kind::ReferenceMismatch`] when the reference does not
    /// have this contig with this length.
    pub fn target(&mut self, contig: &str, start: i64, end: i64) -> Result<Target> {
        self.target_on(self.contig(contig)?, start, end)
    }

    /// The targets of `places`, in their order; without them every contig of the header.
    ///
    /// # Errors
    ///
    /// As for [`Request::target`].
    pub fn targets(&mut self, places: Option<&[Place]>) -> Result<Vec<Target>> {
        let Some(places) = places else {
            let lengths: Vec<_> = self.bam.header.contigs.iter().map(|c| c.len).enumerate().filter(|c| c.1 > 0).collect();
            return lengths.into_iter().map(|(id, len)| self.target_on(id, 1, len)).collect();
        };
        places.iter().map(|place| self.target_at(place)).collect()
    }

    fn target_at(&mut self, place: &Place) -> Result<Target> {
        match place {
            Place::Range(contig, start, end) => self.target(contig, *start, *end),
            Place::Text(text) => {
                let header = &self.bam.header;
                let region =
                    RegionText::parse(text, |name| header.contig_of_text(name).is_some()).map_err(|e| e.path(self.bam.file.path()))?;
                let id = self.contig(region.name)?;
                let len = self.bam.header.contigs[id].len;
                let (start, end) = region.range.unwrap_or((1, None));
                self.target_on(id, start, end.unwrap_or(len.max(start)))
            }
        }
    }

    /// The number of a contig that is to be counted.
    ///
    /// # Errors
    ///
    /// [`Kind::UnknownContig`]; [`Kind::ReferenceMissing`] or [`Kind::ReferenceMismatch`] when the reference does not have this contig with
    /// this length.
    pub fn known_contig(&self, name: &str) -> Result<usize> {
        let id = self.contig(name)?;
        let contig = &self.bam.header.contigs[id];
        self.reference.as_ref().map_or(Ok(()), |reference| reference.check_contig(&contig.name, contig.len))?;
        Ok(id)
    }

    fn contig(&self, name: &str) -> Result<usize> {
        let header = &self.bam.header;
        header.contig_of_text(name).ok_or_else(|| header.unknown_contig(name.as_bytes()).path(self.bam.file.path()))
    }

    fn target_on(&mut self, id: usize, start: i64, end: i64) -> Result<Target> {
        let contig = &self.bam.header.contigs[id];
        let (name, len) = (&contig.name, contig.len);
        let (interval, clipped) = clip_to_contig(name, start, end, len).map_err(|e| e.path(self.bam.file.path()))?;
        if clipped {
            let region = format!("{}:{start}-{end}", escape(name));
            self.warnings.push(format!("region {region} ends past the contig, which has {len} bases; it was cut there"));
        }
        if let Some(reference) = &self.reference {
            reference.check_contig(name, len)?;
        }
        Ok(Target { contig: id, interval })
    }

    /// Refuses a result of `bytes` that is larger than the caller allows or than the machine has.
    ///
    /// # Errors
    ///
    /// [`Kind::ResourceLimit`] with the bytes needed.
    pub fn check_memory(&self, bytes: u64) -> Result<()> {
        let refused = |why: String| {
            Error::new(Kind::ResourceLimit, format!("the result takes {bytes} bytes, {why}"))
                .path(self.bam.file.path())
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

    /// Counts the depth at every position of `targets`, in their order, into `out`, which holds one zero per position.
    ///
    /// # Errors
    ///
    /// What reading the records gives, what `poll` gives, [`Kind::FileChanged`].
    pub fn count(&self, targets: &[Target], out: &mut [i32], control: &Control, poll: Poll<'_>) -> Result<Outcome> {
        self.count_lanes(targets, [out], control, poll)
    }

    /// Counts letters, insertions, deletions and skips by strand at every position of `targets`, in their order, into the columns of `out`
    /// (see [`crate::depth::bases::Lane`]), which hold one zero per position.
    ///
    /// # Errors
    ///
    /// As for [`Request::count`]; [`Kind::InvalidArgument`] where the rule does not say whose letter counts.
    pub fn count_letters(&self, targets: &[Target], out: Lanes<'_, LANES>, control: &Control, poll: Poll<'_>) -> Result<Outcome> {
        self.rules.validate_letters()?;
        self.count_lanes(targets, out, control, poll)
    }

    fn count_lanes<const L: usize>(&self, targets: &[Target], mut out: Lanes<'_, L>, control: &Control, poll: Poll<'_>) -> Result<Outcome> {
        let mut again = false;
        self.passes(targets, control, poll, |job, spans, poll| {
            if std::mem::replace(&mut again, true) {
                for lane in &mut out {
                    lane.fill(0);
                }
            }
            let out = out.each_mut().map(|lane| &mut **lane);
            pass::count(job, spans, self.workers, out, control, poll)
        })
    }

    /// Counts the depth at every position of `targets` and keeps only what `summary` makes of it.
    ///
    /// # Errors
    ///
    /// As for [`Request::count`].
    pub fn summarize<S: Summary>(&self, targets: &[Target], summary: &S, control: &Control, poll: Poll<'_>) -> Result<(S::Whole, Outcome)> {
        let mut whole = S::Whole::default();
        let outcome = self.passes(targets, control, poll, |job, spans, poll| {
            let (totals, made) = pass::summarize(job, spans, self.workers, summary, control, poll)?;
            whole = made;
            Ok(totals)
        })?;
        Ok((whole, outcome))
    }

    /// Counts the depth at every position of `targets` and gives it to `summary`, never anything that turns out to be void: where the rule
    /// can make a pass find that it had to know more in advance, that is found out first.
    ///
    /// # Errors
    ///
    /// As for [`Request::count`].
    pub fn stream<S: Summary>(&self, targets: &[Target], summary: &S, control: &Control) -> Result<(S::Whole, Outcome)> {
        self.unless_changed(self.stream_over(targets, summary, control))
    }

    fn stream_over<S: Summary>(&self, targets: &[Target], summary: &S, control: &Control) -> Result<(S::Whole, Outcome)> {
        let plan = Plan::new(&self.bam, &self.index, targets.to_vec(), self.rules.select.reach(), self.settings.tuning.span_bytes)?;
        let initial = targets.iter().map(|&t| self.empty_blocks_before(t)).collect::<Result<Vec<_>>>()?;
        let cancelled = || control.stopped();
        let job = self.job(&plan, &initial, &cancelled);
        let workers = self.workers;
        let mut outcome = Outcome::default();
        // What was given away cannot be taken back: however often the cap acts, the pass goes on.
        let job = Job { recount_bytes: u64::MAX, ..job };
        let late = match self.rules.once() {
            MateOverlap::Mosdepth => pass::summarize(&job, &plan.spans, workers, &NoSummary, control, &mut |_| Ok(()))?.0.late,
            _ => Vec::new(),
        };
        let job = Job { patches: &late, ..job };
        let (totals, whole) = pass::summarize(&job, &plan.spans, workers, summary, control, &mut |_| Ok(()))?;
        outcome.warnings.extend(self.cap_warning(targets, &totals));
        self.complete(targets, &totals, &mut outcome)?;
        Ok((whole, outcome))
    }

    /// How often [`Request::stream`] goes through the records.
    pub fn stream_passes(&self) -> u64 {
        1 + u64::from(self.rules.once() == MateOverlap::Mosdepth)
    }

    /// The result, if the files stayed as they were: one that is written to while it is read looks damaged, or whole.
    fn unless_changed<T>(&self, result: Result<T>) -> Result<T> {
        let looks_damaged = |e: &Error| matches!(e.kind(), Kind::CorruptFile | Kind::TruncatedFile | Kind::IndexMismatch | Kind::Internal);
        if result.as_ref().err().is_none_or(looks_damaged) {
            self.bam.file.check_unchanged()?;
            self.reference.as_ref().map_or(Ok(()), Reference::check_unchanged)?;
        }
        result
    }

    fn passes(
        &self,
        targets: &[Target],
        control: &Control,
        poll: Poll<'_>,
        pass: impl FnMut(&Job<'_>, &[Span], Poll<'_>) -> Result<Totals>,
    ) -> Result<Outcome> {
        self.unless_changed(self.passes_over(targets, control, poll, pass))
    }

    /// Makes one pass over the records of `targets`, and another where the first one finds that it has to know more in advance.
    fn passes_over(
        &self,
        targets: &[Target],
        control: &Control,
        poll: Poll<'_>,
        mut pass: impl FnMut(&Job<'_>, &[Span], Poll<'_>) -> Result<Totals>,
    ) -> Result<Outcome> {
        // A signal that waits, or a time that is over already, ends the call before work begins.
        poll(0)?;
        let plan = Plan::new(&self.bam, &self.index, targets.to_vec(), self.rules.select.reach(), self.settings.tuning.span_bytes)?;
        let initial = targets.iter().map(|&t| self.empty_blocks_before(t)).collect::<Result<Vec<_>>>()?;
        let cancelled = || control.stopped();
        let job = self.job(&plan, &initial, &cancelled);
        let mut totals = pass(&job, &plan.spans, &mut *poll)?;
        let mut outcome = Outcome::default();
        if totals.crowded {
            let survey = pass::survey(&Job { survey: true, ..job }, &plan.spans, self.workers, control, &mut *poll)?;
            totals = pass(&Job { drops: Some(&survey.drops), ..job }, &plan.spans, &mut *poll)?;
            totals.dropped = survey.dropped;
        }
        outcome.warnings.extend(self.cap_warning(targets, &totals));
        if !totals.late.is_empty() {
            let patches = std::mem::take(&mut totals.late);
            totals = pass(&Job { patches: &patches, ..job }, &plan.spans, &mut *poll)?;
        }
        self.complete(targets, &totals, &mut outcome)?;
        Ok(outcome)
    }

    /// What there is to check and to say after the last pass.
    fn complete(&self, targets: &[Target], totals: &Totals, outcome: &mut Outcome) -> Result<()> {
        outcome.warnings.extend(belongs::count_records(self, targets, totals)?);
        if totals.tally.past_end > 0 {
            outcome.warnings.push(format!("{} records reach past the end of their contig; they were cut there", totals.tally.past_end));
        }
        outcome.tally = totals.tally;
        Ok(())
    }

    /// Compressed bytes of the file.
    pub fn file_bytes(&self) -> u64 {
        self.bam.file.len()
    }

    /// Compressed bytes that counting `targets` reads, for progress; about, where a chunk ends inside a frame.
    pub fn bytes(&self, targets: &[Target]) -> u64 {
        let reach = self.rules.select.reach();
        let chunks = targets.iter().flat_map(|t| self.index.chunks(t.contig, t.interval.reaching_back(reach)));
        let bytes = chunks.map(|c| {
            let (start, end) = (VirtualOffset(c.start), VirtualOffset(c.end));
            // Where the end lies inside a frame that frame is read, too; how long it is nobody knows yet.
            let last = if end.inside() > 0 { (MAX_FRAME as u64).min(self.bam.file.len().saturating_sub(end.frame())) } else { 0 };
            end.frame().saturating_sub(start.frame()) + last
        });
        bytes.sum()
    }

    /// What a first pass over `plan` counts by.
    fn job<'j>(&'j self, plan: &'j Plan, initial: &'j [i64], cancelled: &'j (dyn Fn() -> bool + Sync)) -> Job<'j> {
        Job {
            bam: &self.bam,
            baq_reference: self.reference.as_ref().filter(|_| self.baq),
            rules: self.rules,
            read_groups: self.read_groups(),
            targets: &plan.targets,
            initial,
            // The lanes of BAQ want many reads, and every seam has copies whose qualities must be exact.
            part_bytes: self.settings.tuning.part_bytes << u32::from(self.baq),
            allow_truncated: self.settings.allow_truncated,
            drops: None,
            patches: &[],
            survey: false,
            // The merge works alone. All workers together go through the file twice more in that time.
            recount_bytes: 2 * plan.bytes() / self.workers as u64,
            cancelled,
        }
    }

    /// bedtools genomecov books records that begin with an empty block at the contig's first position on the whole contig. Those that end
    /// in front of the target are not read with it, so they are looked for here.
    fn empty_blocks_before(&self, target: Target) -> Result<i64> {
        if !self.rules.preset.traits().empty_block || target.interval.start == 0 {
            return Ok(0);
        }
        let walker = Walker::new(&self.bam, self.rules, self.read_groups(), target, false);
        let counting = BaseFilter::new(&self.rules);
        let mut reader = RecordReader::new(&self.bam, self.settings.allow_truncated);
        let mut blocks = 0;
        for chunk in self.index.chunks(target.contig, Interval::new(0, 1)) {
            reader.seek(VirtualOffset(chunk.start), VirtualOffset(chunk.end))?;
            while let Some(found) = reader.next_record()? {
                let record = Record::trusted(&reader.buffer()[found.range]);
                if record.contig_id() != target.contig as i32 || record.pos() > 0 {
                    break;
                }
                let end = i64::from(record.pos()) + found.shape.reference_len;
                let mut survivor = KeptRecord { at: 0, len: 0, start: 0, end, single: false };
                let tally = &mut Tally::default();
                if end.max(1) <= target.interval.start
                    && walker.passes(record, tally)
                    && walker.is_selected(record, &mut survivor, tally)?
                {
                    blocks += i64::from(counting.empty_blocks(record));
                }
                reader.begin_part();
            }
        }
        Ok(blocks)
    }

    fn cap_warning(&self, targets: &[Target], totals: &Totals) -> Option<String> {
        let reads: u64 = totals.dropped.iter().map(|dropped| dropped.reads).sum();
        let positions: u64 = targets.iter().zip(&totals.dropped).map(|(target, dropped)| dropped.positions(target.interval)).sum();
        (reads > 0).then(|| {
            format!(
                "the depth cap of {} dropped {reads} reads and touched {positions} positions, as samtools mpileup does; pass max_depth=0 \
                 to lift it",
                self.rules.max_depth
            )
        })
    }
}

/// The read groups of that name, sorted.
fn known_groups(groups: &[String], bam: &Bam) -> Result<Vec<Vec<u8>>> {
    let mut known: Vec<Vec<u8>> = groups.iter().map(|group| group.clone().into_bytes()).collect();
    known.sort();
    known.dedup();
    match known.iter().find(|group| !bam.header.read_groups.contains(group)) {
        Some(unknown) => Err(bam.header.unknown_read_group(unknown).path(bam.file.path())),
        None if known.is_empty() => {
            Err(Error::new(Kind::InvalidArgument, "read_groups is empty: no record could count").hint("name one, or leave it out"))
        }
        None => Ok(known),
    }
}
