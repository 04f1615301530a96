//! BAQ for the survivors of a part: which reads get it, and how exact it has to be.
//!
//! Where only "at least 13 or not" is asked, most reads are settled by a certificate and keep their old qualities (see
//! `docs/design/002-baq-certificate.md`). Their qualities are then not samtools', only on the same side of the threshold. Two places need
//! the numbers themselves and ask for them: mates of which one has a deletion or a skip (it borrows the quality of one base, and which mate
//! is the better one there decides), and copies that are carried over a seam, of which it is not yet known whom they meet.

use std::ops::Range;

use super::Job;
use super::baq::{Baq, Exactness, SETTLED_QUALITY, Window};
use super::walk::Survivor;
use crate::coords::Interval;
use crate::error::{Error, Result};
use crate::rules::Once;
use crate::source::fasta::Reference;
use crate::source::record::Record;

/// Reference letters fetched at once.
const STRETCH: i64 = 1 << 22;

/// One worker's tools for BAQ.
pub struct Realigner<'a> {
    job: &'a Job<'a>,
    exactness: Exactness,
    baq: Baq,
    letters: Vec<u8>,
    ranges: Vec<Range<usize>>,
    /// For each survivor of the part whether its qualities are settled, not exact.
    settled: Vec<bool>,
    some_settled: bool,
    scratch: Vec<bool>,
    contig: usize,
}

impl<'a> Realigner<'a> {
    /// Tools for `job`; without a reference for BAQ they do nothing. `letters`: whether it matters which of two mates counts.
    pub fn new(job: &'a Job<'a>, letters: bool) -> Self {
        // Of two different letters the better one counts with four fifths of its quality: 17 is the least that leaves 13.
        let counts = (0.8 * f64::from(SETTLED_QUALITY)) as u8 >= job.rules.min_baseq;
        // Of two different letters that of the better quality counts.
        let enough = counts && !(letters && job.rules.once() == Once::Edit);
        Self {
            job,
            exactness: if enough { Exactness::AtLeast17 } else { Exactness::Every },
            baq: Baq::default(),
            letters: Vec::new(),
            ranges: Vec::new(),
            settled: Vec::new(),
            some_settled: false,
            scratch: Vec::new(),
            contig: 0,
        }
    }

    /// Begins a part.
    pub fn begin(&mut self) {
        self.settled.clear();
        self.some_settled = false;
    }

    /// Replaces the base qualities of the survivors from number `first` on by BAQ, in the buffer, or settles them.
    ///
    /// # Errors
    ///
    /// What reading the reference gives; [`crate::error::Kind::Cancelled`].
    pub fn realign(&mut self, buffer: &mut [u8], survivors: &[Survivor], first: usize, contig: usize) -> Result<()> {
        let Some(reference) = self.job.baq_reference else { return Ok(()) };
        let len = self.job.bam.header.contigs[contig].len;
        self.contig = contig;
        let mut next = first;
        while next < survivors.len() {
            let mut ranges = std::mem::take(&mut self.ranges);
            ranges.clear();
            let mut stretch: Option<Interval> = None;
            while let Some(s) = survivors.get(next) {
                if let Some(window) = Baq::window(s.record(buffer), len) {
                    let both = stretch.map_or(window, |w| Interval::new(w.start.min(window.start), w.end.max(window.end)));
                    if stretch.is_some() && both.len() > STRETCH {
                        break;
                    }
                    stretch = Some(both);
                }
                // A record without a window may still carry a tag that says what its qualities are.
                ranges.push(s.at as usize..(s.at + s.len) as usize);
                next += 1;
            }
            self.adjust(reference, buffer, &ranges, stretch.unwrap_or_default(), self.exactness)?;
            self.ranges = ranges;
            self.some_settled |= self.scratch.contains(&true);
            self.settled.append(&mut self.scratch);
        }
        Ok(())
    }

    fn adjust(
        &mut self,
        reference: &Reference,
        buffer: &mut [u8],
        records: &[Range<usize>],
        stretch: Interval,
        exactness: Exactness,
    ) -> Result<()> {
        let contig = &self.job.bam.header.contigs[self.contig];
        self.letters.clear();
        if !stretch.is_empty() {
            reference.fetch(&contig.name, stretch, &mut self.letters)?;
        }
        let window = Window { start: stretch.start, bases: &self.letters, contig_len: contig.len };
        if self.baq.adjust(buffer, records, &window, exactness, &mut self.scratch, self.job.cancelled) {
            Ok(())
        } else {
            Err(Error::cancelled())
        }
    }

    /// Whether any survivor of the part is settled.
    pub fn has_settled(&self) -> bool {
        self.some_settled
    }

    /// A copy of survivor `index` with exact qualities; `None` where its own are exact, or no index is given.
    ///
    /// # Errors
    ///
    /// What reading the reference gives; [`crate::error::Kind::Cancelled`].
    pub fn exact(&mut self, record: Record<'_>, index: Option<u32>) -> Result<Option<Box<[u8]>>> {
        let settled = index.is_some_and(|i| self.settled.get(i as usize).copied().unwrap_or(false));
        let Some(reference) = self.job.baq_reference.filter(|_| settled) else { return Ok(None) };
        let mut copy: Box<[u8]> = record.bytes().into();
        let window = Baq::window(record, self.job.bam.header.contigs[self.contig].len).unwrap_or_default();
        let whole = 0..copy.len();
        self.adjust(reference, &mut copy, std::slice::from_ref(&whole), window, Exactness::Every)?;
        Ok(Some(copy))
    }
}
