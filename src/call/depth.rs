//! The passes that a question about depth takes.

use super::report::{Answer, Report};
use super::request::Request;
use crate::coords::Target;
use crate::depth::bases::LANES;
use crate::depth::{Correction, Depth, Folded, Joined, Lanes, Query, Totals, Written, empty_blocks_before};
use crate::error::Result;
use crate::pass::{self, Consumer, Watch};
use crate::plan::Plan;
use crate::rules::MateOverlap;
use crate::source::fasta::Reference;
use crate::summary::{NoSummary, Summary};

/// What is counted and where the records are.
pub(super) struct Counting<'r, 'w, 'p> {
    request: &'r Request,
    plan: Plan,
    initial: Vec<i64>,
    watch: &'w Watch<'p>,
}

impl Request {
    /// Counts the depth at every position of the targets, in their order, into `out`, which holds one zero per position.
    ///
    /// # Errors
    ///
    /// What reading the records gives, that of the watch, [`crate::error::Kind::FileChanged`].
    pub fn count(&self, out: &mut [i32], watch: &Watch<'_>) -> Result<Report> {
        self.count_lanes([out], watch)
    }

    /// Counts letters, insertions, deletions and skips by strand at every position of the targets, in their order, into the columns of `out`
    /// (see [`crate::depth::bases::Lane`]), which hold one zero per position.
    ///
    /// # Errors
    ///
    /// As for [`Request::count`]; [`crate::error::Kind::InvalidArgument`] where the rule does not say whose letter counts.
    pub fn count_letters(&self, out: Lanes<'_, LANES>, watch: &Watch<'_>) -> Result<Report> {
        self.rules().validate_letters()?;
        self.count_lanes(out, watch)
    }

    fn count_lanes<const L: usize>(&self, mut out: Lanes<'_, L>, watch: &Watch<'_>) -> Result<Report> {
        self.unless_changed(Counting::begin(self, watch).and_then(|counting| {
            let totals = counting.pass(&[], |query| {
                let out = out.each_mut().map(|lane| &mut **lane);
                (Depth::new(query, Written), Joined::into_columns(query, out))
            })?;
            correct(&mut out, self.targets(), &totals.corrections);
            counting.complete(&totals)
        }))
    }

    /// Counts the depth at every position of the targets and keeps only what `summary` makes of it.
    ///
    /// # Errors
    ///
    /// As for [`Request::count`].
    pub fn summarize<S: Summary>(&self, summary: &S, watch: &Watch<'_>) -> Result<Answer<S::Total>> {
        self.unless_changed(Counting::begin(self, watch).and_then(|counting| {
            let (mut totals, mut total) = counting.fold(&[], summary)?;
            if !totals.corrections.is_empty() {
                // Depths that the summary saw have changed since: they are counted anew with the changes known.
                let corrections = std::mem::take(&mut totals.corrections);
                (totals, total) = counting.fold(&corrections, summary)?;
            }
            Ok(Answer { value: total, report: counting.complete(&totals)? })
        }))
    }

    /// Counts the depth at every position of the targets and gives it to `summary`; depths that were given never change. Rules that can
    /// change a depth later get a preliminary pass.
    ///
    /// # Errors
    ///
    /// As for [`Request::count`].
    pub fn stream<S: Summary>(&self, summary: &S, watch: &Watch<'_>) -> Result<Answer<S::Total>> {
        self.unless_changed(Counting::begin(self, watch).and_then(|counting| {
            let corrections = if self.stream_passes() > 1 { counting.fold(&[], &NoSummary)?.0.corrections } else { Vec::new() };
            let (totals, total) = counting.fold(&corrections, summary)?;
            Ok(Answer { value: total, report: counting.complete(&totals)? })
        }))
    }

    /// How many passes [`Request::stream`] makes over the records.
    pub fn stream_passes(&self) -> u64 {
        1 + u64::from(matches!(self.rules().once(), MateOverlap::Mosdepth | MateOverlap::Fragment))
    }

    /// The reference, where BAQ needs it.
    pub(super) fn baq_reference(&self) -> Option<&Reference> {
        self.reference().filter(|_| self.uses_baq())
    }
}

impl<'r, 'w, 'p> Counting<'r, 'w, 'p> {
    /// Finds the records of the targets.
    pub(super) fn begin(request: &'r Request, watch: &'w Watch<'p>) -> Result<Self> {
        watch.expect(request.bytes());
        // A signal that waits, or a time that is over already, ends the call before work begins.
        watch.poll()?;
        let plan = request.plan()?;
        let (alignments, groups) = (request.alignments(), request.read_groups());
        let initial = request.targets().iter().map(|&target| empty_blocks_before(alignments, request.rules(), groups, target));
        let initial = initial.collect::<Result<Vec<_>>>()?;
        Ok(Self { request, plan, initial, watch })
    }

    /// Makes a pass over the records, with what `make` makes of the query.
    fn pass<'o, S, const L: usize>(
        &self,
        corrections: &[Correction],
        make: impl for<'q> FnOnce(&'q Query<'q>) -> (Depth<'q, 'o, S, L>, Joined<'q, 'o, L>),
    ) -> Result<Totals>
    where
        S: crate::depth::Sink<'o, L>,
    {
        self.with_query(corrections, |query| {
            let (depth, joined) = make(query);
            Ok(self.run(&depth, joined)?.into_totals())
        })
    }

    /// Makes a pass whose depths go to `summary`.
    pub(super) fn fold<S: Summary>(&self, corrections: &[Correction], summary: &S) -> Result<(Totals, S::Total)> {
        self.with_query(corrections, |query| {
            let depth = Depth::new(query, Folded::new(summary));
            let joined = self.run(&depth, Joined::passing(query))?;
            Ok((joined.into_totals(), depth.into_sink().into_total()))
        })
    }

    /// What the passes count.
    pub(super) fn with_query<R>(&self, corrections: &[Correction], f: impl FnOnce(&Query<'_>) -> Result<R>) -> Result<R> {
        let request = self.request;
        let control = self.watch.control();
        let cancelled = || control.stopped();
        f(&Query {
            header: request.header(),
            baq_reference: request.baq_reference(),
            rules: *request.rules(),
            read_groups: request.read_groups(),
            targets: request.targets(),
            initial: &self.initial,
            corrections,
            cancelled: &cancelled,
        })
    }

    /// Runs a consumer over the records of the plan.
    pub(super) fn run<C: Consumer>(&self, consumer: &C, joined: C::Joined) -> Result<C::Joined> {
        let request = self.request;
        let sizes = (request.workers(), request.part_bytes());
        pass::run(request.alignments(), &self.plan, consumer, joined, sizes, self.watch)
    }

    /// Checks and reports what a last pass found.
    pub(super) fn complete(&self, totals: &Totals) -> Result<Report> {
        let request = self.request;
        let mut warnings: Vec<String> = self.cap_warning(totals).into_iter().collect();
        warnings.extend(request.check_counts(&totals.records)?);
        if totals.tally.past_end > 0 {
            warnings.push(format!("{} records reach past the end of their contig; they were cut there", totals.tally.past_end));
        }
        Ok(Report::of(request, totals.tally, warnings))
    }

    fn cap_warning(&self, totals: &Totals) -> Option<String> {
        let reads: u64 = totals.dropped.iter().map(|dropped| dropped.reads).sum();
        let targets = self.request.targets().iter();
        let positions: u64 = targets.zip(&totals.dropped).map(|(target, dropped)| dropped.positions(target.interval)).sum();
        (reads > 0).then(|| {
            format!(
                "the depth cap of {} dropped {reads} reads and touched {positions} positions, as samtools mpileup does; pass max_depth=0 \
                 to lift it",
                self.request.rules().max_depth
            )
        })
    }
}

/// Changes counts that had been written.
fn correct<const L: usize>(out: &mut Lanes<'_, L>, targets: &[Target], corrections: &[Correction]) {
    for correction in corrections {
        let before: i64 = targets[..correction.target].iter().map(|t| t.interval.len()).sum();
        let first = before + correction.positions.start - targets[correction.target].interval.start;
        for count in &mut out[correction.lane as usize][first as usize..(first + correction.positions.len()) as usize] {
            *count += correction.by;
        }
    }
}
