//! The slow twin: extended BAQ of one read, cell by cell in plain loops, from the definition and without anything of the fast code.
#![allow(clippy::many_single_char_names)] // The names of the definition.

use crate::source::record::{OpKind, Record};

/// A cell's match, insertion and deletion.
type Cell = [f64; 3];

/// The read's new qualities.
pub(super) fn baq(record: Record<'_>, contig: &[u8]) -> Vec<u8> {
    adjusted(record, contig).unwrap_or_else(|| record.qual().to_vec())
}

struct Model {
    len: i64,
    columns: i64,
    band: i64,
    read: Vec<u8>,
    reference: Vec<u8>,
    error: Vec<f64>,
    // d, e and s of the definition.
    open: f64,
    extend: f64,
    end: f64,
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

fn adjusted(record: Record<'_>, contig: &[u8]) -> Option<Vec<u8>> {
    if record.flags() & 4 != 0 || record.seq_len() == 0 || record.qual()[0] == 255 {
        return None;
    }
    let ops: Vec<_> = record.cigar().iter().map(|op| (op.kind, i64::from(op.len))).collect();
    let (mut x, mut y) = (i64::from(record.pos()), 0);
    let (mut begin, mut end) = (None, (0, 0));
    for &(kind, n) in &ops {
        let (dx, dy) = match kind {
            OpKind::Skip => return None,
            OpKind::Match | OpKind::Equal | OpKind::Mismatch => (n, n),
            OpKind::Insertion | OpKind::SoftClip => (0, n),
            OpKind::Deletion => (n, 0),
            OpKind::HardClip | OpKind::Padding => (0, 0),
        };
        if kind.is_aligned() {
            begin.get_or_insert((x, y));
            end = (x + dx, y + dy);
        }
        (x, y) = (x + dx, y + dy);
    }
    let len = record.seq_len() as i64;
    let (mut xb, yb) = begin?;
    let (mut xe, ye) = end;
    let mut bw = 7;
    if ((xe - xb) - (ye - yb)).abs() > 7 {
        bw = ((xe - xb) - (ye - yb)).abs() + 3;
    }
    xb = (xb - yb - bw / 2).max(0);
    xe += len - ye + bw / 2;
    if xe - xb - len > bw {
        xb += (xe - xb - len - bw) / 2;
        xe -= (xe - xb - len - bw) / 2;
    }
    xe = xe.min(contig.len() as i64);
    if xe <= xb {
        return None;
    }
    let columns = xe - xb;
    let model = Model {
        len,
        columns,
        band: columns.max(len).min(bw).max((columns - len).abs()),
        read: (0..record.seq_len()).map(|i| code(b"=ACMGRSVTWYHKDBN"[usize::from(record.base(i))])).collect(),
        reference: contig[xb as usize..xe as usize].iter().map(|&l| code(l)).collect(),
        error: record.qual().iter().map(|&q| f64::from(10f64.powf(-f64::from(q) / 10.0) as f32)).collect(),
        open: if len > 1000 { 1e-7 } else { 0.001 },
        extend: 0.1,
        end: 1.0 / (2.0 * len as f64 + 2.0),
    };
    let states = model.states()?;
    Some(smoothed(record, &ops, xb, &states))
}

fn smoothed(record: Record<'_>, ops: &[(OpKind, i64)], xb: i64, states: &[(Option<i64>, u8)]) -> Vec<u8> {
    let mut quality = record.qual().to_vec();
    let (mut x, mut y) = (i64::from(record.pos()), 0i64);
    let mut at = 0;
    while at < ops.len() {
        let (kind, mut n) = ops[at];
        if kind.is_aligned() {
            while at + 1 < ops.len() && ops[at + 1].0.is_aligned() {
                at += 1;
                n += ops[at].1;
            }
            let r: Vec<u8> = (y..y + n)
                .map(|i| match states[i as usize] {
                    (Some(column), q) if column + xb == x + (i - y) => q,
                    _ => 0,
                })
                .collect();
            for i in 0..r.len() {
                let left = *r[..=i].iter().max().unwrap();
                let right = *r[i..].iter().max().unwrap();
                let q = &mut quality[y as usize + i];
                *q = (*q).min(left.min(right));
            }
            (x, y) = (x + n, y + n);
        } else if kind == OpKind::Deletion {
            x += n;
        } else if kind.consumes_read() {
            y += n;
        }
        at += 1;
    }
    quality
}

impl Model {
    fn beg(&self, i: i64) -> i64 {
        (i - self.band).max(1)
    }

    fn end(&self, i: i64) -> i64 {
        (i + self.band).min(self.columns)
    }

    fn emission(&self, k: i64, i: i64) -> f64 {
        let (column, base) = (self.reference[k as usize - 1], self.read[i as usize - 1]);
        let p = self.error[i as usize - 1];
        if column > 3 || base > 3 {
            1.0
        } else if column == base {
            1.0 - p
        } else {
            p * 0.333_333_333_33
        }
    }

    /// A cell of a row that begins at column 0 of the window; 0 outside.
    fn cell(&self, row: &[Cell], i: i64, k: i64) -> Cell {
        if i >= 1 && k >= self.beg(i) && k <= self.end(i) { row[(k - self.beg(i)) as usize] } else { [0.0; 3] }
    }

    /// Per base: the column (from 0) it is matched to in the best state, `None` for an insertion, and the quality of that.
    fn states(&self) -> Option<Vec<(Option<i64>, u8)>> {
        let (forward, c) = self.forward();
        if !likely(&c, self.columns, self.len) {
            return None;
        }
        let backward = self.backward(&c);
        Some((1..=self.len).map(|i| self.state(i, 1.0 / c[i as usize], &forward[i as usize], &backward[i as usize])).collect())
    }

    fn state(&self, i: i64, v: f64, forward: &[Cell], backward: &[Cell]) -> (Option<i64>, u8) {
        let (mut best, mut state, mut total) = (0.0, None, 0.0);
        for k in self.beg(i)..=self.end(i) {
            let (f, b) = (self.cell(forward, i, k), self.cell(backward, i, k));
            let (z1, z2) = (v * f[0] * b[0], v * f[1] * b[1]);
            let inserted = z2 > z1;
            let z = if inserted { z2 } else { z1 };
            if z > best {
                best = z;
                state = if inserted { None } else { Some(k - 1) };
            }
            total += z1 + z2;
        }
        let q = -4.343 * (1.0 - best / total).ln() + 0.499;
        // The C conversion of a number that does not fit ends up as 0 in a byte.
        let q = if q.is_finite() { q as i32 } else { 0 };
        (state, if q > 100 { 99 } else { q as u8 })
    }

    fn forward(&self) -> (Vec<Vec<Cell>>, Vec<f64>) {
        let (d, e, s) = (self.open, self.extend, self.end);
        let (mm, mi, md) = ((1.0 - d - d) * (1.0 - s), d * (1.0 - s), d * (1.0 - s));
        let (im, ii, dm, dd) = ((1.0 - e) * (1.0 - s), e * (1.0 - s), 1.0 - e, e);
        let columns = self.columns as f64;
        let mut c = vec![1.0];
        let mut rows: Vec<Vec<Cell>> = vec![Vec::new()];
        for i in 1..=self.len {
            let mut row: Vec<Cell> = Vec::new();
            let mut sum = 0.0;
            let v = 1.0 / c[i as usize - 1];
            for k in self.beg(i)..=self.end(i) {
                let cell = if i == 1 {
                    [self.emission(k, i) * ((1.0 - d) / columns), 0.25 * (d / columns), 0.0]
                } else {
                    let above = self.cell(&rows[i as usize - 1], i - 1, k - 1);
                    let over = self.cell(&rows[i as usize - 1], i - 1, k);
                    let left = row.last().copied().unwrap_or([0.0; 3]);
                    [
                        self.emission(k, i) * ((v * mm) * above[0] + (v * im) * above[1] + (v * dm) * above[2]),
                        (0.25 * v * mi) * over[0] + (0.25 * v * ii) * over[1],
                        md * left[0] + dd * left[2],
                    ]
                };
                sum += if i == 1 { cell[0] + cell[1] } else { cell[0] + cell[1] + cell[2] };
                row.push(cell);
            }
            c.push(sum);
            rows.push(row);
        }
        let v = 1.0 / c[self.len as usize];
        let mut sum = 0.0;
        for cell in &rows[self.len as usize] {
            sum += v * cell[0] * s + v * cell[1] * s;
        }
        c.push(sum);
        (rows, c)
    }

    fn backward(&self, c: &[f64]) -> Vec<Vec<Cell>> {
        let (d, e, s) = (self.open, self.extend, self.end);
        let (mm, mi, md) = ((1.0 - d - d) * (1.0 - s), d * (1.0 - s), d * (1.0 - s));
        let (im, ii, dm, dd) = ((1.0 - e) * (1.0 - s), e * (1.0 - s), 1.0 - e, e);
        let last = self.len as usize;
        let start = s / c[last] / c[last + 1];
        let mut rows = vec![Vec::new(); last + 1];
        rows[last] = (self.beg(self.len)..=self.end(self.len)).map(|_| [start, start, 0.0]).collect();
        for i in (1..self.len).rev() {
            let n = 1.0 / c[i as usize];
            let g = if i == 1 { 0.0 } else { 1.0 };
            let mut row: Vec<Cell> = Vec::new();
            let mut right = 0.0;
            for k in (self.beg(i)..=self.end(i)).rev() {
                let below = &rows[i as usize + 1];
                let diagonal = if k >= self.columns { 0.0 } else { self.emission(k + 1, i + 1) * self.cell(below, i + 1, k + 1)[0] };
                let inserted = self.cell(below, i + 1, k)[1];
                let match_ = (diagonal * mm + 0.25 * mi * inserted + md * right) * n;
                let insertion = (diagonal * im + 0.25 * ii * inserted) * n;
                right = (diagonal * dm + dd * right) * g;
                row.push([match_, insertion, right * n]);
            }
            row.reverse();
            rows[i as usize] = row;
        }
        rows
    }
}

fn likely(c: &[f64], columns: i64, len: i64) -> bool {
    let (mut p, mut score) = (1.0f64, 0.0);
    for c in c {
        p *= c;
        if p < 1e-100 {
            score += -4.343 * p.ln();
            p = 1.0;
        }
    }
    score += -4.343 * (p * columns as f64 * len as f64).ln();
    let score: f64 = score + 0.499;
    score.is_finite() && score.abs() < 2_147_483_648.0
}
