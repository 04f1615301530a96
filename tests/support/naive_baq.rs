//! BAQ, `docs/semantics.md` 11: how sure a read's bases are of their place, by a pair HMM over the reference around it.
//!
//! Scalar and slow; every number is rounded where htslib rounds it, so sums and products keep their order.
#![allow(clippy::many_single_char_names, reason = "the letters are those of the semantics page")]

use super::model::{Read, TagValue, is_match, takes_read, takes_reference};

/// The qualities BAQ leaves; `None` where it leaves them alone.
pub fn adjusted(read: &Read, reference: &[u8]) -> Option<Vec<u8>> {
    let qual = read.qual.as_ref()?;
    if read.flags & 4 != 0 || read.seq.is_empty() || qual[0] == 255 {
        return None;
    }
    match tags(read) {
        Tags::Apply(offsets) => {
            let applied = |(&q, &bq): (&u8, &u8)| (i32::from(q) - (i32::from(bq) - 64)).max(0) as u8;
            return Some(qual.iter().zip(offsets).map(applied).collect());
        }
        Tags::Done => return None,
        Tags::None => {}
    }
    if read.cigar.iter().any(|op| op.0 == 'N') {
        return None;
    }
    let window = Window::around(read, reference.len() as i64)?;
    let states = Hmm::new(read, qual, &reference[window.start as usize..window.end as usize], window.band).run()?;
    Some(smoothed(read, qual, &states, window.start))
}

enum Tags<'a> {
    /// BQ holds the result of an earlier run.
    Apply(&'a [u8]),
    /// ZQ says the qualities are adjusted already, or cannot be trusted.
    Done,
    None,
}

fn fitting<'a>(value: &'a TagValue, read: &Read) -> Option<&'a [u8]> {
    match value {
        TagValue::Text(text) if text.len() == read.seq.len() => Some(text),
        _ => None,
    }
}

/// `docs/semantics.md` 11.2. A tag of another type or length than SEQ's does not fit.
fn tags(read: &Read) -> Tags<'_> {
    let bq = read.tag_value(*b"BQ");
    let zq = read.tag_value(*b"ZQ");
    match (bq, zq) {
        (_, Some(zq)) if fitting(zq, read).is_none() => Tags::Done,
        (None, Some(_)) => Tags::Done,
        (None, None) => Tags::None,
        (Some(bq), _) => fitting(bq, read).map_or(Tags::None, Tags::Apply),
    }
}

/// The part of the reference that is looked at, and how far from the diagonal (`docs/semantics.md` 11.3).
struct Window {
    start: i64,
    end: i64,
    band: i64,
}

impl Window {
    fn around(read: &Read, reference_len: i64) -> Option<Self> {
        let (mut x, mut y) = (read.pos, 0);
        let mut begin = None;
        let (mut xe, mut ye) = (0, 0);
        for &(op, len) in &read.cigar {
            if is_match(op) && begin.is_none() {
                begin = Some((x, y));
            }
            x += if takes_reference(op) { i64::from(len) } else { 0 };
            y += if takes_read(op) { i64::from(len) } else { 0 };
            if is_match(op) {
                (xe, ye) = (x, y);
            }
        }
        let (xb, yb) = begin?;
        let len = read.seq.len() as i64;
        let net = ((xe - xb) - (ye - yb)).abs();
        let band = if net > 7 { net + 3 } else { 7 };
        let mut start = (xb - yb - band / 2).max(0);
        let mut end = xe + (len - ye) + band / 2;
        if end - start - len > band {
            start += (end - start - len - band) / 2;
            end -= (end - start - len - band) / 2;
        }
        end = end.min(reference_len);
        (end > start).then_some(Self { start, end, band })
    }
}

/// Unscaled probabilities of one cell: match, insertion, deletion.
#[derive(Clone, Copy, Default)]
struct Cell {
    m: f64,
    i: f64,
    d: f64,
}

/// The cells of one read base, columns `first..`; everything else is zero.
#[derive(Clone, Default)]
struct Row {
    first: usize,
    cells: Vec<Cell>,
}

impl Row {
    fn get(&self, k: usize) -> Cell {
        k.checked_sub(self.first).and_then(|at| self.cells.get(at)).copied().unwrap_or_default()
    }
}

/// What the HMM says of one read base.
#[derive(Clone, Copy)]
struct State {
    /// The window column it most likely belongs to, 0-based; `None` when it is more likely inserted, or nothing is likely.
    column: Option<usize>,
    quality: u8,
}

/// `docs/semantics.md` 11.4. Rows and columns count from 1, as there.
struct Hmm {
    read: Vec<u8>,
    /// Error probabilities, rounded to single precision.
    wrong: Vec<f64>,
    window: Vec<u8>,
    band: usize,
    open: f64,
    extend: f64,
}

fn code(letter: u8) -> u8 {
    match letter.to_ascii_uppercase() {
        b'A' => 0,
        b'C' => 1,
        b'G' => 2,
        b'T' | b'U' => 3,
        _ => 4,
    }
}

impl Hmm {
    fn new(read: &Read, qual: &[u8], window: &[u8], bandwidth: i64) -> Self {
        let (r, l) = (window.len() as i64, read.seq.len() as i64);
        let band = r.max(l).min(bandwidth).max((r - l).abs());
        Self {
            read: read.seq.iter().map(|&letter| code(letter)).collect(),
            wrong: qual.iter().map(|&q| f64::from(10f64.powf(-f64::from(q) / 10.0) as f32)).collect(),
            window: window.iter().map(|&letter| code(letter)).collect(),
            band: band as usize,
            open: if l > 1000 { 1e-7 } else { 0.001 },
            extend: 0.1,
        }
    }

    fn columns(&self, i: usize) -> std::ops::RangeInclusive<usize> {
        i.saturating_sub(self.band).max(1)..=self.window.len().min(i + self.band)
    }

    /// Probability of read base `i` at window column `k`.
    fn emission(&self, k: usize, i: usize) -> f64 {
        let (base, letter, wrong) = (self.read[i - 1], self.window[k - 1], self.wrong[i - 1]);
        if base > 3 || letter > 3 {
            1.0
        } else if base == letter {
            1.0 - wrong
        } else {
            wrong * 0.333_333_333_33
        }
    }

    /// The likeliest state of each read base; `None` when the likelihood is not a number (`docs/semantics.md` 11.5).
    fn run(&self) -> Option<Vec<State>> {
        let (l, r) = (self.read.len(), self.window.len());
        let (d, e) = (self.open, self.extend);
        let s = 1.0 / (2 * l + 2) as f64;
        let mm = (1.0 - d - d) * (1.0 - s);
        let mi = d * (1.0 - s);
        let md = mi;
        let im = (1.0 - e) * (1.0 - s);
        let ii = e * (1.0 - s);
        let dm = 1.0 - e;
        let dd = e;

        // Forward; `c` are the sums the next row is divided by.
        let mut forward = vec![Row::default(); l + 1];
        let mut c = vec![0.0; l + 2];
        c[0] = 1.0;
        for i in 1..=l {
            let mut row = Row { first: *self.columns(i).start(), cells: Vec::new() };
            let above = &forward[i - 1];
            let v = 1.0 / c[i - 1];
            let (a0, a1, a2, a3, a4) = (v * mm, v * im, v * dm, 0.25 * v * mi, 0.25 * v * ii);
            let mut left = Cell::default();
            for k in self.columns(i) {
                let cell = if i == 1 {
                    Cell { m: self.emission(k, i) * ((1.0 - d) / r as f64), i: 0.25 * (d / r as f64), d: 0.0 }
                } else {
                    let (diagonal, up) = (above.get(k - 1), above.get(k));
                    Cell {
                        m: self.emission(k, i) * (a0 * diagonal.m + a1 * diagonal.i + a2 * diagonal.d),
                        i: a3 * up.m + a4 * up.i,
                        d: md * left.m + dd * left.d,
                    }
                };
                c[i] += cell.m + cell.i + cell.d;
                row.cells.push(cell);
                left = cell;
            }
            forward[i] = row;
        }
        let v = 1.0 / c[l];
        for cell in &forward[l].cells {
            c[l + 1] += v * cell.m * s + v * cell.i * s;
        }
        likely(&c, r, l).then_some(())?;

        // Backward, from the last base; `best` is filled from the end.
        let mut states = vec![State { column: None, quality: 0 }; l];
        let mut below = Row::default();
        for i in (1..=l).rev() {
            let columns = self.columns(i);
            let mut row = Row { first: *columns.start(), cells: vec![Cell::default(); columns.clone().count()] };
            let n = 1.0 / c[i];
            let g = if i == 1 { 0.0 } else { 1.0 };
            let mut right = 0.0;
            for k in columns.rev() {
                let at = k - row.first;
                row.cells[at] = if i == l {
                    let end = s / c[l] / c[l + 1];
                    Cell { m: end, i: end, d: 0.0 }
                } else {
                    let next = if k >= r { 0.0 } else { self.emission(k + 1, i + 1) * below.get(k + 1).m };
                    let up = below.get(k).i;
                    let deleted = (next * dm + dd * right) * g;
                    let cell =
                        Cell { m: (next * mm + 0.25 * mi * up + md * right) * n, i: (next * im + 0.25 * ii * up) * n, d: deleted * n };
                    right = deleted;
                    cell
                };
            }
            states[i - 1] = likeliest(&forward[i], &row, 1.0 / c[i]);
            below = row;
        }
        Some(states)
    }
}

fn likely(c: &[f64], r: usize, l: usize) -> bool {
    let (mut product, mut sum) = (1.0, 0.0);
    for &factor in c {
        product *= factor;
        if product < 1e-100 {
            sum += -4.343 * f64::ln(product);
            product = 1.0;
        }
    }
    sum += -4.343 * f64::ln(product * r as f64 * l as f64);
    let score = sum + 0.499;
    score.is_finite() && score < 2_147_483_648.0 && score > -2_147_483_649.0
}

/// `docs/semantics.md` 11.6, first part.
fn likeliest(forward: &Row, backward: &Row, v: f64) -> State {
    let (mut best, mut total, mut column) = (0.0, 0.0, None);
    for (at, (f, b)) in forward.cells.iter().zip(&backward.cells).enumerate() {
        let matched = v * f.m * b.m;
        let inserted = v * f.i * b.i;
        let more = if inserted > matched { inserted } else { matched };
        if more > best {
            best = more;
            column = (inserted <= matched || inserted.is_nan()).then_some(forward.first + at - 1);
        }
        total += matched + inserted;
    }
    let phred = -4.343 * f64::ln(1.0 - best / total) + 0.499;
    // A certainty of exactly one makes the logarithm infinite, and x86-64 turns that into 0.
    let quality = if !phred.is_finite() {
        0
    } else if phred as i32 > 100 {
        99
    } else {
        phred as u8
    };
    State { column, quality }
}

/// `docs/semantics.md` 11.6, last part: no base may exceed the best agreeing base on either side of it in its block.
fn smoothed(read: &Read, qual: &[u8], states: &[State], window_start: i64) -> Vec<u8> {
    let mut result = qual.to_vec();
    let mut block: Vec<(usize, u8)> = Vec::new();
    let (mut x, mut y) = (read.pos, 0);
    for &(op, len) in &read.cigar {
        if is_match(op) {
            for i in 0..len as usize {
                let state = states[y + i];
                let agrees = state.column.is_some_and(|k| k as i64 + window_start == x + i as i64);
                block.push((y + i, if agrees { state.quality } else { 0 }));
            }
        } else {
            apply_block(&block, &mut result);
            block.clear();
        }
        x += if takes_reference(op) { i64::from(len) } else { 0 };
        y += if takes_read(op) { len as usize } else { 0 };
    }
    apply_block(&block, &mut result);
    result
}

fn apply_block(block: &[(usize, u8)], result: &mut [u8]) {
    for (at, &(base, _)) in block.iter().enumerate() {
        let best = |part: &[(usize, u8)]| part.iter().map(|b| b.1).max().unwrap_or(0);
        let cap = best(&block[..=at]).min(best(&block[at..]));
        result[base] = result[base].min(cap);
    }
}
