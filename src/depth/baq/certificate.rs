//! Proves for most reads, without running the model, that BAQ lowers none of their qualities below [`SETTLED_QUALITY`].
//!
//! Extended BAQ lets a base keep what the surest base to its left and the surest to its right allow. So it is enough to know of a
//! read's first and of its last base that the aligned place has nearly all of the probability. A path of the model that leaves the
//! alignment has to pay for every row in which its own diagonal does not fit, and in a sequence without repeats that is most rows:
//! [`bound`] has the arithmetic, [`landmarks`] says for every reference position on which diagonals it does not fit its
//! surroundings, and here both ends of a read are walked inwards until what a path can still weigh is negligible.
//!
//! The proof, with everything it takes for granted, is `docs/design/002-baq-certificate.md`.

mod bound;
mod landmarks;
#[cfg(test)]
mod tests;

use self::bound::{Bounds, End, WIDEST};
use self::landmarks::{ALL_SHIFTS, Landmarks, SHIFTS_DOWN, SHIFTS_UP};
use super::Window;
use super::need::Need;
use super::params::Shape;
use super::quality::Tables;
use crate::coords::Interval;
use crate::source::record::{OpKind, Record};

/// What extended BAQ allows every base of a settled read, at least.
pub const SETTLED_QUALITY: u8 = 17;
/// Reads above this length have rarer gaps, for which nothing is proved.
const LONGEST: usize = 1000;
/// Half-width of the band in all that is proved.
const BAND: usize = 7;
/// The window reaches this far beyond an alignment without gaps and clips, on either side.
const OVERHANG: i64 = 3;
/// Below, matches get too unlikely for the bounds; above, mismatches come near the limits of a double.
const QUALITIES: std::ops::RangeInclusive<u8> = 2..=93;
/// A row counts as one where a diagonal does not fit only from this quality on.
const TELLING: u8 = 13;
/// Rows of a window where windows are not fitted to the reference.
const EVEN: usize = 8;
/// [`TELLING`] for those.
const CLEAR: u8 = 20;
/// With more differing bases than this a read is left to the model.
const MOST_DIFFERENCES: usize = 24;
/// The differing bases of a settled read are no less likely than this, taken together.
const MOST_BOOST: f64 = 1e100;

/// A row in which the read is not the reference.
#[derive(Clone, Copy)]
struct Difference {
    row: usize,
    /// By how much it favours every path that is not the alignment.
    boost: f64,
}

/// A read as both walks see it.
struct Rows<'a> {
    quality: &'a [u8],
    /// Per row, the diagonals that do not fit where the read is the reference.
    unlike: &'a [u16],
    differences: &'a [Difference],
    /// All boosts, multiplied.
    boost: f64,
}

/// One per worker: the bounds, and what is known of the reference.
#[derive(Default)]
pub(super) struct Certificate {
    bounds: Bounds,
    landmarks: Landmarks,
    differences: Vec<Difference>,
}

impl Certificate {
    pub(super) fn size(&self) -> usize {
        self.landmarks.size()
    }

    /// To be called before the first read of another stretch of reference.
    pub(super) fn begin(&mut self) {
        self.landmarks.clear();
    }

    /// What has to be asked of the model so that every quality is known or at [`SETTLED_QUALITY`] and above; `None`: nothing.
    pub(super) fn need(&mut self, record: Record<'_>, shape: &Shape, window: &Window<'_>, tables: &Tables) -> Option<Need> {
        let sure = self.sure_ends(record, shape, window, tables);
        sure.map_or(Some(Need::Every), |(left, right)| Need::unless(left, right))
    }

    /// Whether BAQ allows the first base of this read, and its last one, [`SETTLED_QUALITY`] or more; `None` for reads of which nothing can
    /// be proved.
    fn sure_ends(&mut self, record: Record<'_>, shape: &Shape, window: &Window<'_>, tables: &Tables) -> Option<(bool, bool)> {
        let (quality, len) = (record.qual(), shape.len);
        let pos = i64::from(record.pos());
        let whole = Interval::new(pos - OVERHANG, pos + len as i64 + OVERHANG);
        if len > LONGEST || shape.band != BAND || shape.window != whole || !is_one_block(record, len) {
            return None;
        }
        let from = usize::try_from(whole.start - window.start).ok()?;
        self.landmarks.cover(window.bases, from..from + whole.len() as usize)?;
        let first = from + OVERHANG as usize;
        let differences = &mut self.differences;
        differences.clear();
        let mut boost = 1.0;
        let sound = self.landmarks.differences(record.seq(), len, first, |row| {
            // A base other than A, C, G, T matches every reference letter equally.
            let is_letter = record.base(row).is_power_of_two();
            let boosted = if is_letter { 1.0 / tables.miss[usize::from(quality[row])] } else { 1.0 };
            boost *= boosted;
            differences.push(Difference { row, boost: boosted });
            differences.len() <= MOST_DIFFERENCES
        });
        if !sound || boost > MOST_BOOST || !qualities_are_sound(record) {
            return None;
        }
        let rows = Rows { quality, unlike: self.landmarks.unlike(first, len), differences, boost };
        let bounds = &self.bounds;
        let left = bounds.settle_evenly::<true>(&rows) || bounds.settle::<true>(&rows);
        let right = bounds.settle_evenly::<false>(&rows) || bounds.settle::<false>(&rows);
        Some((left, right))
    }
}

/// Whether all bases are aligned in one block.
fn is_one_block(record: Record<'_>, len: usize) -> bool {
    let mut aligned = 0;
    let cigar = record.cigar();
    let last = cigar.len().saturating_sub(1);
    for (i, op) in cigar.iter().enumerate() {
        if op.is_aligned() {
            aligned += op.len as usize;
        } else if op.kind != OpKind::HardClip || (i != 0 && i != last) {
            return false;
        }
    }
    aligned == len
}

/// Whether every base that is a letter has one of [`QUALITIES`].
fn qualities_are_sound(record: Record<'_>) -> bool {
    let (lowest, range) = (*QUALITIES.start(), QUALITIES.end() - QUALITIES.start());
    let quality = record.qual();
    quality.iter().fold(true, |all, q| all & (q.wrapping_sub(lowest) <= range))
        || quality.iter().enumerate().all(|(i, q)| QUALITIES.contains(q) || !record.base(i).is_power_of_two())
}

impl Bounds {
    /// The walk of [`Bounds::settle`] with windows of eight rows, as far as it gets before the first difference. Enough for most
    /// reads, and quick, since there is nothing to decide from row to row.
    fn settle_evenly<const LEFT: bool>(&self, rows: &Rows<'_>) -> bool {
        let len = rows.quality.len();
        let usable = match (LEFT, rows.differences) {
            (_, []) => rows.unlike.len(),
            (true, [first, ..]) => first.row,
            (false, [.., last]) => len - 1 - last.row,
        };
        if rows.unlike.len() < len {
            return false;
        }
        let mut end = End::new::<LEFT>();
        let mut absent = Self::absent::<LEFT>(0);
        for j in (EVEN..=usable).step_by(EVEN) {
            let from = if LEFT { j - EVEN } else { len - j };
            let pairs = rows.unlike[from..from + EVEN].iter().zip(&rows.quality[from..from + EVEN]);
            let seen = pairs.fold(absent, |seen, (unlike, &q)| seen | if q >= CLEAR { *unlike } else { 0 });
            if seen != ALL_SHIFTS {
                return false;
            }
            absent = 0;
            end.advance::<LEFT>(self, EVEN, self.unlikely(CLEAR));
            if end.is_settled::<LEFT>(self, rows.boost, len) {
                return true;
            }
        }
        false
    }

    /// Walks from the left or the right end of a read inwards, window by window, until the chance that the end's base is elsewhere
    /// is known to be small. False when it does not get small.
    fn settle<const LEFT: bool>(&self, rows: &Rows<'_>) -> bool {
        let len = rows.quality.len();
        let row_at = |j: usize| if LEFT { j } else { len - 1 - j };
        let difference = |n: usize| {
            let n = if LEFT { Some(n) } else { rows.differences.len().checked_sub(n + 1) };
            n.and_then(|n| rows.differences.get(n)).copied()
        };
        let mut end = End::new::<LEFT>();
        let mut ahead = rows.boost;
        let (mut crossed, mut next) = (0, difference(0));
        let mut window = OpenWindow::new(Self::absent::<LEFT>(0));
        for j in 0..len {
            let row = row_at(j);
            if let Some(at) = next
                && at.row == row
            {
                // The window so far ends without having shown anything.
                end.advance::<LEFT>(self, window.len, 1.0);
                end.cross::<LEFT>(self, at.boost);
                if !end.is_hopeful() {
                    return false;
                }
                ahead /= at.boost;
                crossed += 1;
                next = difference(crossed);
                window = OpenWindow::new(Self::absent::<LEFT>(j + 1));
                continue;
            }
            window.push(rows.quality[row], rows.unlike.get(row).copied().unwrap_or(0));
            let full = window.seen == ALL_SHIFTS;
            if full || window.len == WIDEST {
                end.advance::<LEFT>(self, window.len, if full { self.unlikely(window.lowest) } else { 1.0 });
                if end.is_settled::<LEFT>(self, ahead, len) {
                    return true;
                }
                if !end.is_hopeful() {
                    return false;
                }
                window = OpenWindow::new(Self::absent::<LEFT>(j + 1));
            }
        }
        false
    }

    /// Diagonals that do not have a column at all in row `j` from the end.
    fn absent<const LEFT: bool>(j: usize) -> u16 {
        let mut absent = 0;
        if LEFT {
            // Row j + 1 has columns from 1 on, and the alignment is in column j + 4.
            for shift in j + OVERHANG as usize + 1..=SHIFTS_DOWN {
                absent |= landmarks::bit_down(shift);
            }
        } else if j == 0 {
            // The last row's alignment is three columns from the window's end.
            absent = landmarks::bit_up(SHIFTS_UP);
        }
        absent
    }
}

/// Rows walked since the last window was closed.
struct OpenWindow {
    len: usize,
    /// Diagonals that did not fit in at least one row.
    seen: u16,
    /// The lowest quality that was relied on.
    lowest: u8,
}

impl OpenWindow {
    fn new(absent: u16) -> Self {
        Self { len: 0, seen: absent, lowest: *QUALITIES.end() }
    }

    #[inline]
    fn push(&mut self, quality: u8, unlike: u16) {
        self.len += 1;
        if quality >= TELLING {
            self.seen |= unlike;
            self.lowest = self.lowest.min(quality);
        }
    }
}
