//! How much all paths together can weigh that are not on the alignment's diagonal, relative to the alignment itself.
//!
//! Two numbers are carried along, the most any diagonal can weigh in a match (`m`) and in an insertion (`i`). One row multiplies them
//! by a fixed matrix; a window in which every diagonal fails to fit at least once by a smaller one. What comes back to the alignment
//! on the way (left end), or has left it (right end), is summed up. The letters are those of the design note.

use super::super::params::{INSERTION_EMISSION, Transitions};
use super::super::quality::Tables;
use super::{LONGEST, QUALITIES};

/// The error up to which a base has [`super::SETTLED_QUALITY`] is 0.022383; the rest is for rounding, here and in the model.
pub(super) const BUDGET: f64 = 0.0223;
/// Rows of the widest window.
pub(super) const WIDEST: usize = 16;
/// A row's growth of all that is off the alignment, what comes back included.
pub(super) const GROWTH: f64 = 1.0017;
/// Diagonals beside the alignment's, and all of them.
const BESIDE: f64 = 14.0;
const DIAGONALS: f64 = 15.0;
/// Columns the first row may start in.
pub(super) const STARTS: f64 = 8.0;

/// Steps relative to the alignment's own from one match to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// All deletions from a match.
    pub(super) delta: f64,
    /// From an insertion to a match.
    pub(super) phi: f64,
    /// From a match to an insertion, where the alignment's emission is as low as it gets.
    pub(super) gamma: f64,
    /// From an insertion to the next one, likewise.
    pub(super) eta: f64,
}

impl Steps {
    pub(super) fn new(lowest_emission: f64) -> Self {
        // What hangs on the read's and the window's length cancels out.
        let t = Transitions::new(LONGEST, LONGEST);
        Self {
            delta: t.mi / t.mm,
            phi: t.im / t.mm,
            gamma: INSERTION_EMISSION * t.mi / t.mm / lowest_emission,
            eta: INSERTION_EMISSION * t.ii / t.mm / lowest_emission,
        }
    }
}

/// So many rows at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Advance {
    /// From (m, i) to (m, i), without the two paths that stay in or go straight to their diagonal and remain there.
    pub(super) wandering: [[f64; 2]; 2],
    /// What comes back to the alignment meanwhile.
    pub(super) back: [f64; 2],
    /// What leaves the alignment meanwhile; for the walk from the right.
    pub(super) leaves: [f64; 2],
}

/// All that does not hang on the read.
pub(super) struct Bounds {
    pub(super) steps: Steps,
    /// Insertions per match in the long run.
    pub(super) kappa: f64,
    advances: [Advance; WIDEST + 1],
    /// By quality, the most a diagonal that does not fit can weigh in one row.
    unlikely: [f64; 256],
    /// By length of the read.
    growth: Vec<f64>,
}

impl Default for Bounds {
    fn default() -> Self {
        let tables = Tables::default();
        let steps = Steps::new(tables.hit[usize::from(*QUALITIES.start())]);
        let mut unlikely = [1.0; 256];
        for quality in QUALITIES.map(usize::from) {
            unlikely[quality] = tables.miss[quality] / tables.hit[quality];
        }
        let mut growth = vec![1.0; LONGEST + 1];
        for n in 1..growth.len() {
            growth[n] = growth[n - 1] * GROWTH;
        }
        Self { steps, kappa: steps.gamma / (1.0 - steps.eta), advances: advances(steps), unlikely, growth }
    }
}

impl Bounds {
    #[inline]
    pub(super) fn unlikely(&self, quality: u8) -> f64 {
        self.unlikely[usize::from(quality)]
    }
}

/// Powers of the matrix of one row, and the sums over the rows between.
fn advances(steps: Steps) -> [Advance; WIDEST + 1] {
    let Steps { delta, phi, gamma, eta } = steps;
    let mut out = [Advance::default(); WIDEST + 1];
    // The power without its straight part.
    let mut power = [[1.0, 0.0], [0.0, 1.0]];
    let (mut back, mut leaves) = ([0.0; 2], [0.0; 2]);
    for advance in &mut out[1..] {
        for c in 0..2 {
            back[c] += delta * power[0][c] + phi * power[1][c];
            leaves[c] += delta * power[c][0] + gamma * power[c][1];
        }
        let row = [[1.0 + delta, phi], [gamma, eta]];
        power = std::array::from_fn(|r| std::array::from_fn(|c| row[r][0] * power[0][c] + row[r][1] * power[1][c]));
        *advance = Advance { wandering: power, back, leaves };
        advance.wandering[0][0] -= 1.0;
        advance.wandering[0][1] -= phi;
    }
    out
}

/// One end of a read, as far as it has been walked inwards.
///
/// From the left, `m` and `i` bound the weight of all paths that have not been on the alignment yet and are in a match or an
/// insertion of some diagonal. From the right, they bound the weight of all ways on from there that avoid the alignment.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) m: f64,
    pub(super) i: f64,
    /// The chance found so far that the base at the end is elsewhere.
    pub(super) sum: f64,
}

impl End {
    pub(super) fn new<const LEFT: bool>() -> Self {
        // On the left a row in front of the first one, which gives no less than the true start: see the note.
        Self { m: 1.0, i: if LEFT { 0.0 } else { 1.0 }, sum: 0.0 }
    }

    /// Goes over rows that are the reference. `unlikely` is the most a path can weigh that stays on its diagonal.
    #[inline]
    pub(super) fn advance<const LEFT: bool>(&mut self, bounds: &Bounds, rows: usize, unlikely: f64) {
        if rows == 0 {
            return;
        }
        let Advance { wandering: [[mm, im], [mi, ii]], back, leaves } = bounds.advances[rows];
        let phi = bounds.steps.phi;
        let Self { m, i, .. } = *self;
        if LEFT {
            self.sum += back[0] * m + back[1] * i;
            self.m = mm * m + im * i + unlikely * (m + phi * i);
            self.i = mi * m + ii * i;
        } else {
            self.sum += leaves[0] * m + leaves[1] * i;
            self.m = mm * m + mi * i + unlikely * m;
            self.i = im * m + ii * i + unlikely * phi * m;
        }
    }

    /// Goes over a row that is not the reference.
    pub(super) fn cross<const LEFT: bool>(&mut self, bounds: &Bounds, boost: f64) {
        let before = self.sum;
        self.advance::<LEFT>(bounds, 1, 1.0);
        self.m *= boost;
        self.i *= boost;
        // What comes back does so into the row as it is; what has left is favoured like the rest.
        if !LEFT {
            self.sum = before + (self.sum - before) * boost;
        }
    }

    pub(super) fn is_hopeful(&self) -> bool {
        self.sum < BUDGET
    }

    /// Whether even the worst that can follow stays within the budget. `ahead` are the boosts of all rows not yet walked.
    #[inline]
    pub(super) fn is_settled<const LEFT: bool>(&self, bounds: &Bounds, ahead: f64, len: usize) -> bool {
        let rest = if LEFT {
            BESIDE * self.m + DIAGONALS * self.i
        } else {
            let Steps { delta, phi, .. } = bounds.steps;
            let kappa = bounds.kappa;
            (STARTS + len as f64 * (delta + kappa * phi)) * (self.m + kappa * self.i) + kappa * self.i
        };
        self.sum + rest * ahead * bounds.growth[len] <= BUDGET
    }
}
