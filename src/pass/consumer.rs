//! What a pass feeds with records.

use crate::error::Result;
use crate::plan::{Origin, Section};
use crate::source::records::Batch;

/// Whether a consumer needs more records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The records that follow matter.
    More,
    /// No further record of the section matters.
    Enough,
}

/// How a consumer wants its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The bytes of a part stay in place until the part is finished; else each batch overwrites the one before.
    pub whole_parts: bool,
    /// The records of a part are all of one contig.
    pub one_contig: bool,
    /// The consumer edits base qualities in place, so that a part is read anew when it is taken again.
    pub edits: bool,
}

impl Reads {
    /// What serves two consumers.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            whole_parts: self.whole_parts | other.whole_parts,
            one_contig: self.one_contig | other.one_contig,
            edits: self.edits | other.edits,
        }
    }
}

/// Where a part begins.
#[derive(Clone, Copy, Debug)]
pub struct PartStart {
    /// What its records are read for.
    pub section: Section,
    /// How it is known that a record starts there; [`Origin::Index`] for every part but the first of a span.
    pub origin: Origin,
}

/// Takes all records of a pass, whatever they are: filters are its own affair, and so are records without a place.
///
/// Every record is in one part, and parts are joined in the order of the file, so that a result does not depend on the number of workers,
/// nor on where the file is cut, if what is joined does not.
///
/// # Examples
///
/// Reads on the reverse strand, counted over records in memory:
///
/// ```
/// use fastcov::error::Result;
/// use fastcov::pass::{self, Consumer, Flow, PartStart, Watch};
/// use fastcov::plan::Plan;
/// use fastcov::source::alignments::Alignments;
/// use fastcov::source::record::REVERSE;
/// use fastcov::source::records::Batch;
/// use noodles_sam::alignment::io::Write;
///
/// struct Reverse;
///
/// impl Consumer for Reverse {
///     type Worker<'w> = u64;
///     type Part = u64;
///     type Joined = u64;
///     type Ready = ();
///     type Again = ();
///
///     fn worker(&self) -> u64 {
///         0
///     }
///
///     fn begin(&self, count: &mut u64, _: PartStart, _: Option<()>) {
///         *count = 0;
///     }
///
///     fn take(&self, count: &mut u64, batch: &mut Batch<'_>) -> Result<Flow> {
///         *count += (0..batch.records.len()).filter(|&i| batch.record(i).flags() & REVERSE != 0).count() as u64;
///         Ok(Flow::More)
///     }
///
///     fn finish(&self, count: &mut u64, _: &mut Batch<'_>) -> Result<u64> {
///         Ok(*count)
///     }
///
///     fn join(&self, total: &mut u64, part: &mut u64, _: &mut Vec<()>) -> Result<Option<()>> {
///         *total += *part;
///         Ok(None)
///     }
///
///     fn settle(&self, _: &mut u64, (): ()) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// # fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
/// let sam = b"@SQ\tSN:chr1\tLN:20\na\t0\tchr1\t5\t60\t4M\t*\t0\t0\tACGT\t*\nb\t16\tchr1\t7\t60\t4M\t*\t0\t0\tACGT\t*\n";
/// let mut reader = noodles_sam::io::Reader::new(&sam[..]);
/// let header = reader.read_header()?;
/// let mut head = noodles_bam::io::Writer::from(Vec::new());
/// head.write_header(&header)?;
/// let mut records = Vec::new();
/// for record in reader.records() {
///     let mut writer = noodles_bam::io::Writer::from(Vec::new());
///     writer.write_alignment_record(&header, &record?)?;
///     records.push(writer.into_inner());
/// }
///
/// let alignments = Alignments::in_memory(head.get_ref(), records)?;
/// let plan = Plan::of_file(&alignments, 1 << 19)?;
/// let (workers, part_bytes) = (2, 1 << 20);
/// let reverse = pass::run(&alignments, &plan, &Reverse, 0, (workers, part_bytes), &Watch::unattended())?;
/// assert_eq!(reverse, 1);
/// # Ok(())
/// # }
/// ```
pub trait Consumer: Sync {
    /// The buffers of one worker.
    type Worker<'w>
    where
        Self: 'w;
    /// The result of one part.
    type Part: Send;
    /// The result of all parts so far.
    type Joined: Send;
    /// Work that a join leaves to be done outside the lock.
    type Ready: Send;
    /// What a part has to know when it is taken again.
    type Again: Send;

    /// How records are to come.
    fn reads(&self) -> Reads {
        Reads::default()
    }

    /// The buffers of a worker.
    fn worker(&self) -> Self::Worker<'_>;

    /// Begins a part; `again` where it was taken before.
    fn begin(&self, worker: &mut Self::Worker<'_>, part: PartStart, again: Option<Self::Again>);

    /// Takes the next records of the part.
    ///
    /// # Errors
    ///
    /// For a record that is refused.
    fn take(&self, worker: &mut Self::Worker<'_>, batch: &mut Batch<'_>) -> Result<Flow>;

    /// Ends the part. `batch` has all of its records where [`Reads::whole_parts`] asks for them, else those of the last batch.
    ///
    /// # Errors
    ///
    /// What making the result gives.
    fn finish(&self, worker: &mut Self::Worker<'_>, batch: &mut Batch<'_>) -> Result<Self::Part>;

    /// Looks at a part once all parts before it have been looked at, which may be long before they are joined. It can ask for the part to
    /// be taken again, with others at the same time.
    ///
    /// # Errors
    ///
    /// For a part that cannot follow those before it.
    fn screen(&self, joined: &mut Self::Joined, part: &Self::Part) -> Result<Option<Self::Again>> {
        let _ = (joined, part);
        Ok(None)
    }

    /// Joins a part to all parts before it, and empties it; or asks for it to be taken again, which holds up all parts behind it.
    ///
    /// # Errors
    ///
    /// What joining gives.
    fn join(&self, joined: &mut Self::Joined, part: &mut Self::Part, ready: &mut Vec<Self::Ready>) -> Result<Option<Self::Again>>;

    /// Puts a part that was taken again in the place of the one before.
    fn replace(&self, old: &mut Self::Part, new: Self::Part) {
        *old = new;
    }

    /// Ends the pass, behind the last part.
    ///
    /// # Errors
    ///
    /// What joining gives.
    fn end(&self, joined: &mut Self::Joined, ready: &mut Vec<Self::Ready>) -> Result<()> {
        let _ = (joined, ready);
        Ok(())
    }

    /// Does what a join left to be done; several at a time, in any order.
    ///
    /// # Errors
    ///
    /// What the work gives.
    fn settle(&self, worker: &mut Self::Worker<'_>, ready: Self::Ready) -> Result<()>;
}
