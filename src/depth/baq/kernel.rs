//! The pair model, `N` reads at a time: forward, backward, and the error of every base at the expected state.
//!
//! A cell (i, k) pairs base i of the read with column k of its window, both from 1. Rows are stored by the distance from the
//! diagonal, slot `j = k - i + band`: the cell (i-1, k-1) then has the same slot in the row above, (i-1, k) the next and (i, k-1) the
//! previous one, in every lane, whatever its window. Reads of one batch have the same band; their lengths may differ.
//!
//! Columns outside a window carry the code [`OUTSIDE`], whose emission is 0. All cells there are kept at exactly 0, and adding 0 or
//! multiplying by it leaves the inner cells with the bits they would have without any outer ones. Only rows that touch an outer
//! column or a letter other than A, C, G, T ("edge rows") pay for that; the others run without a mask.
//!
//! The order of every operation is fixed by the reference implementation. Do not rearrange.
#![allow(clippy::inline_always)] // Code that is not inlined into `simd` is not compiled for its instructions.
#![allow(clippy::many_single_char_names)] // i, j, m and v are the model's own names.

use super::SETTLED_QUALITY;
use super::apply::Block;
use super::lanes::{Lanes, Room};
use super::likelihood::Likelihood;
use super::need::Need;
use super::params::{DD, DM, INSERTION_EMISSION, Transitions};
use super::posterior::{Expected, Row};
use super::quality::largest_error;

/// Code of a letter other than A, C, G, T (0 to 3). It pairs with everything at no cost.
pub(super) const AMBIGUOUS: f64 = 4.0;
/// Code of a column outside the window.
pub(super) const OUTSIDE: f64 = 5.0;

/// The reads of one batch as the kernel sees them.
pub(super) struct Batch<'a, const N: usize> {
    pub(super) band: usize,
    /// Bases of each read; the first row a lane is done after.
    pub(super) len: [usize; N],
    /// Columns of each window.
    pub(super) columns: [usize; N],
    pub(super) transitions: [Transitions; N],
    /// Code of column `c` of the window at `c - 1 + band`, with [`OUTSIDE`] around.
    pub(super) reference: &'a [[f64; N]],
    /// Per base of the read: its code, its emission where equal, its emission where different.
    pub(super) read: &'a [[[f64; N]; 3]],
    /// Per base of the read: whether it is an edge row.
    pub(super) edge: &'a [bool],
    /// Which rows' errors are needed. With anything but [`Need::Every`] each read is one block.
    pub(super) need: Need,
    /// The aligned blocks of each read, in order; `reference` counts from the window's start.
    pub(super) blocks: [&'a [Block]; N],
}

/// Scratch of the kernel, and its result.
#[derive(Default)]
pub(super) struct Work {
    /// Match and insertion rows of the forward pass.
    rows: Room,
    /// Rows at which the forward pass can be taken up again.
    saved: Room,
    /// The current deletion row; the current backward rows.
    current: Room,
    scale: Room,
    inverse: Room,
    /// Per base the error of the expected state, 1 where another state is better.
    pub(super) error: Room,
}

impl Work {
    pub(super) fn size(&self) -> usize {
        [&self.rows, &self.saved, &self.current, &self.scale, &self.inverse, &self.error].iter().map(|room| room.size()).sum()
    }
}

/// Rows at the left end that are weighed where that end is in doubt. Nearly always a sure one is among them; if not, all rows are weighed.
const LEFT_ROWS: usize = 48;
/// A row with no larger error than this is sure.
const SURE: f64 = largest_error(SETTLED_QUALITY);

/// Forward rows are all kept up to this size. Beyond, only every so many-th is, and the rows between are computed a second time.
const KEEP_ALL: usize = 4 << 20;

/// Rows computed in one go, so that what is kept stays small.
fn stride(lanes: usize, rows: usize, width: usize) -> usize {
    if rows * (width + 1) * 2 * lanes * size_of::<f64>() <= KEEP_ALL { rows } else { (rows.isqrt() + 1).max(8) }
}

/// Bytes the kernel needs for rows of a batch; saturates.
pub(super) fn footprint(lanes: usize, rows: usize, band: usize) -> usize {
    let width = 2 * band + 1;
    let stride = stride(lanes, rows, width);
    let cells = (2 * (stride + 1) + 3 * (rows / stride + 1)).saturating_mul(width + 2);
    cells.saturating_mul(lanes * size_of::<f64>())
}

/// Runs the model. Afterwards `work.error` holds one vector per row, of rows that are not needed anything; returned is which lanes have a finite likelihood, the others
/// have no result.
#[inline(always)]
pub(super) fn run<const N: usize>(batch: &Batch<'_, N>, work: &mut Work) -> [bool; N] {
    let rows = batch.read.len();
    let width = 2 * batch.band + 1;
    let stride = stride(N, rows, width);
    let mut model = Model::new(batch, work, stride);
    let mut likelihood = Likelihood::new();
    let blocks = rows.div_ceil(stride);
    for block in 0..blocks {
        model.forward(block, Some(&mut likelihood));
    }
    let mut need = batch.need;
    let mut rows_of = blocks - 1;
    loop {
        model.backward_start(need);
        for block in (0..blocks).rev() {
            if block != rows_of {
                model.forward(block, None);
                rows_of = block;
            }
            if !model.backward(block) {
                break;
            }
        }
        if model.is_answered() {
            return likelihood.finite;
        }
        need = Need::Every;
    }
}

/// The transitions of all lanes.
struct Steps<const N: usize> {
    mm: Lanes<N>,
    mi: Lanes<N>,
    im: Lanes<N>,
    ii: Lanes<N>,
}

impl<const N: usize> Steps<N> {
    fn new(of: &[Transitions; N]) -> Self {
        Self { mm: Lanes(of.map(|t| t.mm)), mi: Lanes(of.map(|t| t.mi)), im: Lanes(of.map(|t| t.im)), ii: Lanes(of.map(|t| t.ii)) }
    }
}

/// A batch with the rows it is computed in.
struct Model<'a, const N: usize> {
    batch: &'a Batch<'a, N>,
    steps: Steps<N>,
    shortest: usize,
    /// Columns of the widest window.
    columns: usize,
    width: usize,
    stride: usize,
    /// Row `r` of the block at hand: matches at `2 * r * (width + 1)`, insertions one width and a cell further. Row 0 is the last of
    /// the block before. The extra cell is always 0.
    rows: &'a mut [[f64; N]],
    saved: &'a mut [[f64; N]],
    deletion: &'a mut [[f64; N]],
    /// Backward: matches.
    after_m: &'a mut [[f64; N]],
    /// Backward: insertions, slot `j` at `j + 1`; the cell before slot 0 is always 0.
    after_i: &'a mut [[f64; N]],
    /// Sum of row `i` at `i - 1`; 1 beyond a read's end.
    scale: &'a mut [[f64; N]],
    /// One over `scale`: divisions are slow enough to be worth keeping.
    inverse: &'a mut [[f64; N]],
    /// What leaves the model after the last row.
    last_scale: [f64; N],
    error: &'a mut [[f64; N]],
    expected: Expected<'a, N>,
    /// What is weighed, and what came of it so far.
    need: Need,
    sure_right: [bool; N],
    sure_left: [bool; N],
    /// Some row was not weighed.
    skipped: bool,
}

/// Emission of a column against a base of the read: its code, and what it emits where equal and where different.
#[inline(always)]
fn emission<const N: usize, const EDGE: bool>(column: Lanes<N>, [code, hit, miss]: [Lanes<N>; 3]) -> Lanes<N> {
    let plain = column.if_equal(code, hit, miss);
    if EDGE {
        let open = column.if_above(3.0, Lanes::ONE, code.if_above(3.0, Lanes::ONE, plain));
        inside(column, open)
    } else {
        plain
    }
}

/// `value`, or 0 where the column is outside the window.
#[inline(always)]
fn inside<const N: usize>(column: Lanes<N>, value: Lanes<N>) -> Lanes<N> {
    column.if_above(AMBIGUOUS, Lanes::ZERO, value)
}

impl<'a, const N: usize> Model<'a, N> {
    fn new(batch: &'a Batch<'a, N>, work: &'a mut Work, stride: usize) -> Self {
        let count = batch.read.len();
        let width = 2 * batch.band + 1;
        let (deletion, after) = work.current.take(3 * width + 2).split_at_mut(width + 1);
        deletion.fill([0.0; N]);
        after.fill([0.0; N]);
        let (after_m, after_i) = after.split_at_mut(width);
        Self {
            batch,
            steps: Steps::new(&batch.transitions),
            shortest: batch.len.iter().copied().min().unwrap_or(0),
            columns: batch.columns.iter().copied().max().unwrap_or(0),
            width,
            stride,
            rows: work.rows.take((stride + 1) * 2 * (width + 1)),
            saved: work.saved.take((count.div_ceil(stride) - 1) * 3 * (width + 1)),
            deletion,
            after_m,
            after_i,
            scale: work.scale.take(count),
            inverse: work.inverse.take(count),
            last_scale: [1.0; N],
            error: work.error.take(count),
            expected: Expected::new(batch),
            need: batch.need,
            sure_right: [false; N],
            sure_left: [false; N],
            skipped: false,
        }
    }

    /// Slots of row `i` that lie in any lane's window.
    #[inline(always)]
    fn slots(&self, i: usize) -> (usize, usize) {
        let band = self.batch.band;
        ((band + 1).saturating_sub(i), (band + 1 + self.columns).saturating_sub(i).min(self.width))
    }

    /// Cells in a row of matches and insertions.
    fn pitch(&self) -> usize {
        2 * (self.width + 1)
    }

    /// Computes the rows of a block. With a likelihood it is the first time, and the rows' sums and where to take up are recorded.
    #[inline(always)]
    fn forward(&mut self, block: usize, mut likelihood: Option<&mut Likelihood<N>>) {
        let first = block * self.stride + 1;
        let last = (first - 1 + self.stride).min(self.batch.read.len());
        self.take_up(block, likelihood.is_some());
        for i in first..=last {
            let r = i - first + 1;
            let mut sum = match (i, self.batch.edge[i - 1]) {
                (1, _) => self.first_row(),
                (_, true) => self.forward_row::<true>(i, r),
                (_, false) => self.forward_row::<false>(i, r),
            };
            if let Some(likelihood) = likelihood.as_deref_mut() {
                for lane in 0..N {
                    if i > self.batch.len[lane] {
                        sum.0[lane] = 1.0;
                    }
                }
                self.scale[i - 1] = sum.0;
                self.inverse[i - 1] = (Lanes::ONE / sum).0;
                likelihood.push(sum);
                if i >= self.shortest {
                    self.finish(i, r, likelihood);
                }
            }
        }
    }

    /// Puts the row before a block in place: the one just computed the first time, a saved one later.
    fn take_up(&mut self, block: usize, fresh: bool) {
        let (pitch, cells) = (self.pitch(), self.width + 1);
        let Some(before) = block.checked_sub(1) else {
            self.deletion.fill([0.0; N]);
            return;
        };
        let saved = &mut self.saved[before * 3 * cells..][..3 * cells];
        if fresh {
            let end = self.stride * pitch;
            self.rows.copy_within(end..end + pitch, 0);
            saved[..pitch].copy_from_slice(&self.rows[..pitch]);
            saved[pitch..].copy_from_slice(self.deletion);
        } else {
            self.rows[..pitch].copy_from_slice(&saved[..pitch]);
            self.deletion.copy_from_slice(&saved[pitch..]);
        }
    }

    /// Row 1: the model is entered in any column, matching or inserting.
    #[inline(always)]
    fn first_row(&mut self) -> Lanes<N> {
        let enter_m = Lanes(self.batch.transitions.map(|t| t.enter_m));
        let enter_i = Lanes(self.batch.transitions.map(|t| t.enter_i));
        let (lo, hi) = self.slots(1);
        let pitch = self.pitch();
        let (m, ins) = self.rows[pitch..2 * pitch].split_at_mut(self.width + 1);
        clear_outer(m, lo);
        clear_outer(ins, lo);
        let mut sum = Lanes::ZERO;
        for j in lo..hi {
            let column = Lanes(self.batch.reference[j]);
            let match_ = emission::<N, true>(column, self.batch.read[0].map(Lanes)) * enter_m;
            let insertion = inside(column, Lanes::all(INSERTION_EMISSION) * enter_i);
            (m[j], ins[j]) = (match_.0, insertion.0);
            sum = sum + (match_ + insertion);
        }
        sum
    }

    /// Row `i >= 2`, which is row `r` of its block, from the one above; gives its sum.
    #[inline(always)]
    fn forward_row<const EDGE: bool>(&mut self, i: usize, r: usize) -> Lanes<N> {
        let (lo, hi) = if EDGE { self.slots(i) } else { (0, self.width) };
        let pitch = self.pitch();
        let (above, here) = self.rows[(r - 1) * pitch..(r + 1) * pitch].split_at_mut(pitch);
        let (above_m, above_i) = above.split_at(self.width + 1);
        let (m, ins) = here.split_at_mut(self.width + 1);
        clear_outer(m, lo);
        clear_outer(ins, lo);
        let n = hi - lo;
        let (above_m, above_i) = (&above_m[lo..=hi], &above_i[lo..=hi]);
        let (m, ins, deletion) = (&mut m[lo..hi], &mut ins[lo..hi], &mut self.deletion[lo..hi]);
        let reference = &self.batch.reference[i - 1 + lo..i - 1 + hi];
        let read = self.batch.read[i - 1].map(Lanes);

        let mi = self.steps.mi;
        let v = Lanes(self.inverse[i - 2]);
        let quarter = Lanes::all(INSERTION_EMISSION) * v;
        let (to_m, to_i) = ([v * self.steps.mm, v * self.steps.im, v * Lanes::all(DM)], [quarter * mi, quarter * self.steps.ii]);
        let mut next_d = Lanes::ZERO;
        let mut sum = Lanes::ZERO;
        for j in 0..n {
            let column = Lanes(reference[j]);
            let e = emission::<N, EDGE>(column, read);
            let match_ = e * ((to_m[0] * Lanes(above_m[j]) + to_m[1] * Lanes(above_i[j])) + to_m[2] * Lanes(deletion[j]));
            let insertion = to_i[0] * Lanes(above_m[j + 1]) + to_i[1] * Lanes(above_i[j + 1]);
            let gap = if EDGE { inside(column, next_d) } else { next_d };
            sum = sum + ((match_ + insertion) + gap);
            (m[j], ins[j], deletion[j]) = (match_.0, insertion.0, gap.0);
            next_d = mi * match_ + Lanes::all(DD) * gap;
        }
        sum
    }

    /// Ends the lanes whose last row is `i`.
    #[cold]
    #[inline(never)]
    fn finish(&mut self, i: usize, r: usize, likelihood: &mut Likelihood<N>) {
        let pitch = self.pitch();
        let (m, ins) = self.rows[r * pitch..(r + 1) * pitch].split_at(self.width + 1);
        let (lo, hi) = self.slots(i);
        for lane in 0..N {
            if self.batch.len[lane] == i {
                let v = self.inverse[i - 1][lane];
                let end = self.batch.transitions[lane].end;
                let mut sum = 0.0;
                for j in lo..hi {
                    sum += v * m[j][lane] * end + v * ins[j][lane] * end;
                }
                self.last_scale[lane] = sum;
                likelihood.finish(lane, sum, i, self.batch.columns[lane]);
            }
        }
    }

    /// The backward pass begins below the last row, with nothing.
    fn backward_start(&mut self, need: Need) {
        self.after_m.fill([0.0; N]);
        self.after_i.fill([0.0; N]);
        self.expected = Expected::new(self.batch);
        (self.need, self.sure_right, self.sure_left, self.skipped) = (need, [false; N], [false; N], false);
    }

    /// Whether row `i` must be evaluated, once all rows below it are done.
    #[inline(always)]
    fn is_needed(&self, i: usize) -> bool {
        match self.need {
            Need::Every | Need::RightEnd => true,
            Need::LeftEnd => i <= LEFT_ROWS,
            Need::BothEnds => i <= LEFT_ROWS || self.sure_right != [true; N],
        }
    }

    /// Whether every row that is needed has been weighed.
    fn is_answered(&self) -> bool {
        !self.skipped || !self.need.left() || self.sure_left == [true; N]
    }

    /// Goes up through the rows of a block, from state weights to errors; false when none above is needed.
    #[inline(always)]
    fn backward(&mut self, block: usize) -> bool {
        let first = block * self.stride + 1;
        let count = self.batch.read.len();
        let last = (first - 1 + self.stride).min(count);
        for i in (first..=last).rev() {
            if i < count {
                if self.batch.edge[i - 1] || self.batch.edge[i] {
                    self.backward_row::<true>(i);
                } else {
                    self.backward_row::<false>(i);
                }
            }
            if i >= self.shortest {
                self.begin(i);
            }
            if self.is_needed(i) {
                self.posterior(i, i - first + 1);
            } else {
                self.skipped = true;
            }
            if self.need == Need::RightEnd && self.sure_right == [true; N] {
                return false;
            }
        }
        true
    }

    /// Enters the lanes whose last row is `i`.
    #[cold]
    #[inline(never)]
    fn begin(&mut self, i: usize) {
        let band = self.batch.band;
        for lane in 0..N {
            if self.batch.len[lane] == i {
                let value = self.batch.transitions[lane].end / self.scale[i - 1][lane] / self.last_scale[lane];
                let hi = (band + 1 + self.batch.columns[lane]).saturating_sub(i).min(self.width);
                for j in (band + 1).saturating_sub(i)..hi {
                    self.after_m[j][lane] = value;
                    self.after_i[j + 1][lane] = value;
                }
            }
        }
    }

    /// Replaces the backward row `i + 1` by row `i`.
    #[inline(always)]
    fn backward_row<const EDGE: bool>(&mut self, i: usize) {
        let (lo, hi) = if EDGE { self.slots(i) } else { (0, self.width) };
        let n = hi - lo;
        let below = &self.batch.reference[i + lo..i + hi];
        let here = &self.batch.reference[i - 1 + lo..i - 1 + hi];
        let (m, ins) = (&mut self.after_m[lo..hi], &mut self.after_i[lo..=hi]);
        let read = self.batch.read[i].map(Lanes);
        let Steps { mm, mi, im, ii } = self.steps;
        let v = Lanes(self.inverse[i - 1]);
        let quarter = Lanes::all(INSERTION_EMISSION);
        let (mi_out, ii_out) = (quarter * mi, quarter * ii);
        // Nothing leads into row 1 from a deletion.
        let open = Lanes::all(if i > 1 { 1.0 } else { 0.0 });
        let mut gap = Lanes::ZERO;
        for j in (0..n).rev() {
            let e = emission::<N, EDGE>(Lanes(below[j]), read) * Lanes(m[j]);
            let inserted = Lanes(ins[j]);
            let insertion = (e * im + ii_out * inserted) * v;
            let match_ = ((e * mm + mi_out * inserted) + mi * gap) * v;
            gap = e * Lanes::all(DM) + Lanes::all(DD) * gap;
            if EDGE {
                let column = Lanes(here[j]);
                gap = inside(column, gap * open);
                (m[j], ins[j + 1]) = (inside(column, match_).0, inside(column, insertion).0);
            } else {
                (m[j], ins[j + 1]) = (match_.0, insertion.0);
            }
        }
    }

    /// Weighs the states of row `i`, row `r` of its block.
    #[inline(always)]
    fn posterior(&mut self, i: usize, r: usize) {
        let (lo, hi) = self.slots(i);
        let pitch = self.pitch();
        let (before_m, before_i) = self.rows[r * pitch..(r + 1) * pitch].split_at(self.width + 1);
        let row = Row {
            v: Lanes(self.inverse[i - 1]),
            before_m: &before_m[lo..hi],
            before_i: &before_i[lo..hi],
            after_m: &self.after_m[lo..hi],
            after_i: &self.after_i[lo + 1..=hi],
        };
        let (best, total) = row.weigh();
        let share = best / total;
        let mut error = Lanes::ONE - share;
        self.expected.go_to(i);
        if !row.all_best(self.expected.common.wrapping_sub(lo), best, share) {
            for lane in 0..N {
                if !row.is_best(lane, self.expected.slots[lane].wrapping_sub(lo), best.0[lane], share.0[lane]) {
                    error.0[lane] = 1.0;
                }
            }
        }
        self.error[i - 1] = error.0;
        if self.need != Need::Every {
            for lane in 0..N {
                let sure = error.0[lane] > 0.0 && error.0[lane] <= SURE;
                self.sure_right[lane] |= sure;
                self.sure_left[lane] |= sure && i <= LEFT_ROWS;
            }
        }
    }
}

/// Zeroes the cells the next row reads beside `lo..`: the one before, and the extra one at the end.
#[inline(always)]
fn clear_outer<const N: usize>(row: &mut [[f64; N]], lo: usize) {
    if let Some(before) = lo.checked_sub(1) {
        row[before] = [0.0; N];
    }
    if let Some(last) = row.last_mut() {
        *last = [0.0; N];
    }
}
