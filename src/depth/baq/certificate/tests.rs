//! Hostile reads against the full model, and the constants against a recursion over all states.

use std::ops::Range;

use super::super::params::{INSERTION_EMISSION, Transitions};
use super::super::tests::{Random, Read, ReplaceU};
use super::super::{Baq, Exactness, SETTLED_QUALITY, Standing, Standings, Window, simd};
use super::bound::{BUDGET, End, GROWTH, STARTS, Steps, WIDEST};
use super::*;

/// What a run over many reads has found.
#[derive(Debug, Default)]
struct Found {
    reads: usize,
    settled: usize,
    /// Reads of which one end or both had to be modelled, and nothing between.
    lowered: usize,
    /// Settled reads that have a base the model sees below [`SETTLED_QUALITY`], and bases whose quality a caller must not be given.
    wrong: usize,
    /// The largest error of a settled read's first or last base.
    worst: f64,
}

/// A reference of one of seven kinds.
fn reference(random: &mut Random, kind: usize, len: usize) -> Vec<u8> {
    let letters: &[u8] = match kind {
        1 => b"GGGGCCCCAT",
        5 => b"AT",
        _ => b"ACGT",
    };
    let mut out: Vec<u8> = Vec::with_capacity(len);
    while out.len() < len {
        match kind {
            // Homopolymers.
            2 => {
                let base = random.base(letters);
                out.extend(std::iter::repeat_n(base, 1 + random.below(14)));
            }
            // Tandem repeats, exact and imperfect; islands of repeats.
            3 | 4 | 6 => {
                let unit: Vec<u8> = (0..=random.below(13)).map(|_| random.base(letters)).collect();
                let wrong = if kind == 3 { usize::MAX } else { 8 + random.below(40) };
                for i in 0..20 + random.below(120) {
                    out.push(if random.below(wrong) == 1 { random.base(letters) } else { unit[i % unit.len()] });
                }
                let plain = if kind == 6 { random.below(300) } else { random.below(20) };
                out.extend((0..plain).map(|_| random.base(letters)));
            }
            // 5: two letters, now and then something else; 0 and 1: plain and skewed.
            _ => out.push(if kind == 5 && random.one_in(150) { random.base(b"GCN") } else { random.base(letters) }),
        }
    }
    out.truncate(len);
    if random.one_in(3) && kind > 0 {
        let at = random.below(len);
        let end = (at + 1 + random.below(3)).min(len);
        out[at..end].fill(b'N');
    }
    out
}

/// A read of the reference with errors in up to one of ten bases; sometimes it comes from a shifted place, or has a gap the CIGAR
/// does not know of.
fn hostile(random: &mut Random, contig: &[u8], len: usize) -> Read {
    let len = len.min(contig.len());
    let pos = random.below(contig.len() - len + 1);
    let mut seq = contig[pos..pos + len].to_vec();
    let error = [usize::MAX, 200, 100, 50, 25, 10][random.below(6)];
    for base in &mut seq {
        if random.below(error) == 1 {
            *base = random.base(b"ACGTACGTACGTACGTN=RY");
        }
    }
    if random.one_in(4) {
        // The rest as if some bases were deleted or inserted.
        let (at, by) = (random.below(len), 1 + random.below(10));
        if random.one_in(2) {
            seq.drain(at..(at + by).min(len));
            seq.resize_with(len, || random.base(b"ACGT"));
        } else {
            let inserted: Vec<u8> = (0..by).map(|_| random.base(b"ACGT")).collect();
            seq.splice(at..at, inserted);
            seq.truncate(len);
        }
    }
    let mut read = Read::new(pos as i32, &format!("{len}M"), &seq, 0);
    let kind = random.below(8);
    let ends = random.below(25);
    for (i, q) in read.qual.iter_mut().enumerate() {
        *q = match kind {
            0 => 37,
            1 => 2 + random.below(92) as u8,
            2 => [2, 11, 25, 37][random.below(4)],
            3 => 93,
            4 => 20 + random.below(22) as u8,
            5 => [2, 13, 14, 20][random.below(4)],
            6 => 30 + random.below(12) as u8,
            _ if i < ends || i + ends > len => 2 + random.below(12) as u8,
            _ => 25 + random.below(69) as u8,
        };
    }
    if random.one_in(20) {
        let at = random.below(len);
        read.qual[at] = random.below(256) as u8;
    }
    read
}

/// Runs the certificate over reads of one reference, the model over what it settles.
fn check(baq: &mut Baq, reads: &[Read], contig: &[u8], found: &mut Found) {
    let (mut buffer, mut ranges) = (Vec::new(), Vec::new());
    for read in reads {
        let start = buffer.len();
        buffer.extend(read.bytes());
        ranges.push(start..buffer.len());
    }
    let window = Window { start: 0, bases: contig, contig_len: contig.len() as i64 };
    let mut standings = Standings::default();
    baq.plan(&mut buffer, &ranges, &window, Exactness::AtLeast17, &mut standings);
    let kept = |(index, range): (usize, &Range<usize>)| standings.is_kept(index).then(|| range.clone());
    let mut claimed: Vec<_> = ranges.iter().enumerate().filter_map(kept).collect();
    claimed.sort_by_key(std::iter::ExactSizeIterator::len);
    found.reads += reads.len();
    found.settled += claimed.len();
    for batch in claimed.chunks(8) {
        let records: Vec<_> = batch.iter().map(|range| Record::trusted(&buffer[range.clone()])).collect();
        let read = |lane: usize| {
            let record = records[lane.min(records.len() - 1)];
            let interval = Baq::window(record, window.contig_len).unwrap();
            (record, Shape { len: record.seq_len(), window: interval, band: BAND })
        };
        let batch = baq.input.batch::<8>(&std::array::from_fn(read), &window, &baq.tables).unwrap();
        assert_eq!(simd::run8(&batch, &mut baq.work), [true; 8]);
        let error = baq.work.error.take::<8>(batch.read.len());
        for (lane, record) in records.iter().enumerate() {
            let last = record.seq_len() - 1;
            let quality = |i: usize| baq.tables.quality(error[i][lane]);
            // The surest base on either side of any base is at least as sure as the one at the end.
            found.wrong += usize::from(quality(0) < SETTLED_QUALITY || quality(last) < SETTLED_QUALITY);
            found.worst = found.worst.max(error[0][lane]).max(error[last][lane]);
        }
    }
    check_qualities(baq, &buffer, &ranges, &window, found);
}

/// What a caller gets that needs no quality from [`SETTLED_QUALITY`] on, against the model in full.
fn check_qualities(baq: &mut Baq, reads: &[u8], ranges: &[Range<usize>], window: &Window<'_>, found: &mut Found) {
    let mut adjust = |exactness| {
        let (mut buffer, mut standings) = (reads.to_vec(), Standings::default());
        assert!(baq.adjust(&mut buffer, ranges, window, exactness, &mut standings, &|| false));
        (buffer, standings)
    };
    let (exact, _) = adjust(Exactness::Every);
    let (settled, standings) = adjust(Exactness::AtLeast17);
    for (index, range) in ranges.iter().enumerate() {
        let [old, exact, settled] = [reads, &exact, &settled].map(|buffer| Record::trusted(&buffer[range.clone()]).qual());
        let standing = standings.all[index];
        found.lowered += usize::from(matches!(standing, Standing::Lowered(_)));
        for ((&old, &exact), &settled) in old.iter().zip(exact).zip(settled) {
            let will_do = settled == exact || (settled == old && exact >= SETTLED_QUALITY && standing != Standing::Exact);
            found.wrong += usize::from(!will_do);
        }
        if let Some(original) = standings.original(index, old.len()) {
            assert_eq!(original, old);
        }
    }
}

/// `reads` hostile reads, or plain ones; the seed makes them the same every time.
fn run(seed: u64, reads: usize, plain: bool) -> Found {
    const PER_CONTIG: usize = 100;
    let mut random = Random(seed);
    let mut baq = Baq::default();
    let mut found = Found::default();
    while found.reads < reads {
        let kind = if plain { 0 } else { random.below(7) };
        let contig = reference(&mut random, kind, 1500);
        let batch: Vec<Read> = (0..PER_CONTIG)
            .map(|_| {
                if plain {
                    let pos = 3 + random.below(1300);
                    let mut seq = contig[pos..pos + 150].to_vec();
                    if random.one_in(2) {
                        seq[random.below(150)] = random.base(b"ACGT");
                    }
                    Read::new(pos as i32, "150M", &seq, 25 + random.below(15) as u8)
                } else {
                    let len = 1 + if random.one_in(3) { 149 } else { random.below(437) };
                    hostile(&mut random, &contig, len)
                }
            })
            .collect();
        check(&mut baq, &batch, &contig, &mut found);
    }
    found
}

#[test]
fn hostile_reads_are_never_settled_wrongly() {
    // The model is slow where it is not optimised.
    let found = run(0x1eaf_0001, if cfg!(debug_assertions) { 3_000 } else { 200_000 }, false);
    assert_eq!(found.wrong, 0, "{found:?}");
    assert!(found.settled * 5 > found.reads && found.lowered * 5 > found.reads, "{found:?}");
    assert!(found.worst < BUDGET, "{found:?}");
}

#[test]
fn plain_reads_are_mostly_settled() {
    let found = run(0x1eaf_0002, if cfg!(debug_assertions) { 1_000 } else { 10_000 }, true);
    assert_eq!(found.wrong, 0, "{found:?}");
    assert!(found.settled * 10 > found.reads * 6, "{found:?}");
}

#[test]
#[ignore = "minutes; FASTCOV_HOSTILE_READS says how many, FASTCOV_HOSTILE_SEED which"]
fn many_more_hostile_reads() {
    let number = |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (reads, mut seed) = (number("FASTCOV_HOSTILE_READS", 5_000_000), number("FASTCOV_HOSTILE_SEED", 1));
    let mut left = reads;
    while left > 0 {
        let found = run(0xfeed_0000_0000_0000 | seed, left.min(1_000_000) as usize, false);
        println!("seed {seed}: {found:?}");
        assert_eq!(found.wrong, 0);
        left = left.saturating_sub(1_000_000);
        seed += 1;
    }
}

#[test]
fn what_is_not_proved_is_left_to_the_model() {
    let mut random = Random(0x77);
    let contig: Vec<u8> = (0..2000).map(|_| random.base(b"ACGT")).collect();
    let settled = |read: &Read, contig: &[u8]| {
        let mut found = Found::default();
        check(&mut Baq::default(), std::slice::from_ref(read), contig, &mut found);
        assert_eq!(found.wrong, 0);
        found.settled == 1
    };
    let plain = Read::new(500, "150M", &contig[500..650], 37);
    assert!(settled(&plain, &contig));
    assert!(settled(&Read::new(500, "20H50=20X80M5H", &contig[500..650], 37), &contig));
    assert!(settled(&Read::new(3, "150M", &contig[3..153], 37), &contig));
    assert!(settled(&Read::new(1847, "150M", &contig[1847..1997], 37), &contig));
    assert!(settled(&Read::new(500, "1000M", &contig[500..1500], 37), &contig));
    // Cut windows, clips and gaps, long reads.
    assert!(!settled(&Read::new(2, "150M", &contig[2..152], 37), &contig));
    assert!(!settled(&Read::new(1848, "150M", &contig[1848..1998], 37), &contig));
    for text in ["1S149M", "100M1D50M", "100M1I49M", "100M0I50M", "100M1P50M"] {
        assert!(!settled(&Read::new(500, text, &contig[500..650], 37), &contig), "{text}");
    }
    assert!(!settled(&Read::new(500, "1001M", &contig[500..1501], 37), &contig));
    // Letters of the reference, in the window and beside it.
    for (at, expected) in [(496, true), (497, false), (575, false), (652, false), (653, true)] {
        let mut contig = contig.clone();
        contig[at] = b'N';
        let mut read = plain.clone();
        if (500..650).contains(&at) {
            read.seq[at - 500] = b'N';
        }
        assert_eq!(settled(&read, &contig), expected, "{at}");
    }
    // Qualities, of a letter and of none.
    for (quality, expected) in [(0, false), (1, false), (2, true), (93, true), (94, false), (255, false)] {
        let mut read = plain.clone();
        read.qual[70] = quality;
        assert_eq!(settled(&read, &contig), expected, "{quality}");
        read.seq[70] = b'N';
        assert!(settled(&read, &contig), "{quality}");
    }
    for (at, expected) in [(75, true), (148, false), (1, false)] {
        let mut read = plain.clone();
        read.seq[at] = if read.seq[at] == b'A' { b'C' } else { b'A' };
        assert_eq!(settled(&read, &contig), expected, "{at}");
    }
    let mut offsets = [b'@'; 151];
    offsets[150] = 0;
    assert!(!settled(&plain.clone().tag(*b"ZQ", b'Z', &offsets), &contig));
    assert!(!settled(&plain.clone().tag(*b"BQ", b'Z', &offsets), &contig));
}

#[test]
fn reads_in_any_order_and_windows_that_start_anywhere() {
    let mut random = Random(0x99);
    let contig: Vec<u8> = (0..9000).map(|_| random.base(b"ACGT")).collect();
    for pos in [5000, 200, 8000, 201, 5100, 7999, 203, 4] {
        let read = Read::new(pos, "100M", &contig[pos as usize..pos as usize + 100], 37);
        let mut baq = Baq::default();
        for back in [3, 4, 9, 30] {
            let start = (pos as usize).saturating_sub(back);
            let window = Window { start: start as i64, bases: &contig[start..pos as usize + 103], contig_len: 9000 };
            let mut buffer = read.bytes();
            let whole = 0..buffer.len();
            let ranges = std::slice::from_ref(&whole);
            let mut standings = Standings::default();
            assert!(baq.adjust(&mut buffer, ranges, &window, Exactness::AtLeast17, &mut standings, &|| false));
            assert_eq!(standings.all, [Standing::Kept]);
            assert_eq!(Record::trusted(&buffer).qual(), read.qual);
            standings.clear();
            assert!(baq.adjust(&mut buffer, ranges, &window, Exactness::Every, &mut standings, &|| false));
            assert_eq!(standings.all, [Standing::Exact]);
            assert_ne!(Record::trusted(&buffer).qual(), read.qual);
        }
    }
}

#[test]
fn landmarks_are_what_they_say() {
    let mut random = Random(0x1234);
    let letters: Vec<u8> = (0..5000).map(|_| random.base(b"ACGTacgtUu")).collect();
    let mut landmarks = Landmarks::default();
    let mut at = 0;
    while at + 200 < letters.len() {
        landmarks.cover(&letters, at..at + 200).unwrap();
        let first = at + 15;
        for (i, &unlike) in landmarks.unlike(first, 150).iter().enumerate() {
            let same = |a: u8, b: u8| a.to_ascii_uppercase().replace_u() == b.to_ascii_uppercase().replace_u();
            for shift in 1..=SHIFTS_UP {
                let equal = same(letters[first + i], letters[first + i + shift]);
                assert_eq!(unlike & landmarks::bit_up(shift) == 0, equal);
            }
            for shift in 1..=SHIFTS_DOWN {
                let equal = same(letters[first + i], letters[first + i - shift]);
                assert_eq!(unlike & landmarks::bit_down(shift) == 0, equal);
            }
        }
        at += [1, 40, 333, 1200][random.below(4)];
    }
}

/// All states of a row beside the alignment: shifts -10 to 4, match and insertion; the alignment's own match stays 0.
type States = [[f64; 2]; 15];
const MAIN: usize = 10;

/// One row from left to right, with the emission of each diagonal relative to the alignment's; and what comes back.
fn forward(steps: Steps, before: &States, relative: &[f64; 15]) -> (States, f64) {
    let mut after = [[0.0; 2]; 15];
    for to in 0..15 {
        let mut deleted = 0.0;
        for (from, state) in before[..to].iter().enumerate() {
            deleted += steps.delta * 0.9 * 0.1f64.powi((to - from - 1) as i32) * state[0];
        }
        after[to][0] = relative[to] * (before[to][0] + deleted + steps.phi * before[to][1]);
        if to + 1 < 15 {
            after[to][1] = steps.gamma * before[to + 1][0] + steps.eta * before[to + 1][1];
        }
    }
    let back = after[MAIN][0];
    after[MAIN][0] = 0.0;
    (after, back)
}

/// One row from right to left; and what leaves the alignment there.
fn backward(steps: Steps, after: &States, relative: &[f64; 15]) -> (States, f64) {
    let mut before = [[0.0; 2]; 15];
    for from in 0..15 {
        let mut deleted = 0.0;
        for to in from + 1..15 {
            deleted += steps.delta * 0.9 * 0.1f64.powi((to - from - 1) as i32) * relative[to] * after[to][0];
        }
        let inserted = if from > 0 { after[from - 1][1] } else { 0.0 };
        before[from][0] = relative[from] * after[from][0] + deleted + steps.gamma * inserted;
        before[from][1] = steps.phi * relative[from] * after[from][0] + steps.eta * inserted;
    }
    let leaves = before[MAIN][0];
    before[MAIN][0] = 0.0;
    (before, leaves)
}

fn most(states: &States, kind: usize) -> f64 {
    states.iter().map(|state| state[kind]).fold(0.0, f64::max)
}

#[test]
fn constants_are_those_of_the_model() {
    let tables = Tables::default();
    let lowest = tables.hit[2];
    assert!(tables.hit[2..=93].iter().all(|&hit| hit >= lowest));
    assert!((0.3690..0.3691).contains(&lowest));
    for len in [1, 50, 150, 1000] {
        // Steps hang on no length, up to the last digits.
        let t = Transitions::new(len, len + 6);
        let steps = Steps::new(lowest);
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-12;
        assert!(close(steps.delta, t.mi / t.mm) && close(steps.phi, t.im / t.mm));
        assert!(close(steps.gamma * lowest, INSERTION_EMISSION * t.mi / t.mm));
        assert!(close(steps.eta * lowest, INSERTION_EMISSION * t.ii / t.mm));
        // A start in an insertion is less likely than a step from a match into one, and that is how it is counted.
        assert!(INSERTION_EMISSION * t.enter_i / t.enter_m / lowest < steps.gamma);
    }
    let Steps { delta, phi, gamma, eta } = Steps::new(lowest);
    assert!((1.0020e-3..1.0021e-3).contains(&delta) && (0.9018..0.9019).contains(&phi));
    assert!((6.78e-4..6.79e-4).contains(&gamma) && (0.0678..0.0679).contains(&eta));
    // All ways out of a state, the way back included.
    assert!(1.0 + delta + gamma < GROWTH && phi + eta < 1.0);
    // (1, kappa) is not multiplied by more than that in a row.
    let kappa = Bounds::default().kappa;
    assert!(1.0 + delta + phi * kappa < GROWTH && gamma + eta * kappa <= GROWTH * kappa);
    assert!(STARTS * gamma < STARTS * kappa);
    // No diagonal is more likely than the alignment where the read is the reference, nor by more than the boost where it is not.
    for quality in QUALITIES.map(usize::from) {
        let (hit, miss) = (tables.hit[quality], tables.miss[quality]);
        assert!(miss <= hit && hit / miss <= 1.0 / miss && Bounds::default().unlikely(quality as u8) < 0.6);
    }
    // The budget is below the largest error with the settled quality, with room for rounding.
    assert_eq!(tables.quality(BUDGET + 8e-5), SETTLED_QUALITY);
    assert_eq!(tables.quality(0.0224), SETTLED_QUALITY - 1);
}

#[test]
fn windows_bound_what_all_states_do() {
    let bounds = Bounds::default();
    let mut random = Random(0x5eed);
    let (mut nearest, mut worst_sum) = (f64::INFINITY, 0.0f64);
    for round in 0..4000 {
        // Windows of one read: each diagonal does not fit in one row at least. Where that hurts least is tried first.
        let unlikely = bounds.unlikely([13, 20, 37][random.below(3)]);
        let mut windows: Vec<Vec<[f64; 15]>> = Vec::new();
        let width = 1 + random.below(WIDEST);
        for _ in 0..4 {
            let width = if round % 2 == 0 { width } else { 1 + random.below(WIDEST) };
            let mut window = vec![[1.0; 15]; width];
            for shift in (0..15).filter(|&shift| shift != MAIN) {
                let row = match round % 4 {
                    0 => 0,
                    1 => width - 1,
                    _ => random.below(width),
                };
                window[row][shift] = unlikely;
            }
            windows.push(window);
        }
        let mut left = End::new::<true>();
        let mut states = [[0.0; 2]; 15];
        let (mut first, mut sum) = (true, 0.0);
        for window in &windows {
            for row in window {
                if first {
                    // The true start: eight columns, match or insertion.
                    for shift in 7..15 {
                        states[shift] = [if shift == MAIN { 0.0 } else { row[shift] }, bounds.steps.gamma];
                    }
                    first = false;
                    continue;
                }
                let (after, back) = forward(bounds.steps, &states, row);
                (states, sum) = (after, sum + back);
            }
            left.advance::<true>(&bounds, window.len(), unlikely);
            assert!(left.m >= most(&states, 0) && left.i >= most(&states, 1) && left.sum >= sum);
            nearest = nearest.min(left.sum / sum.max(1e-300));
        }
        worst_sum = worst_sum.max(sum);
        let mut right = End::new::<false>();
        let mut states = [[1.0; 2]; 15];
        states[MAIN][0] = 0.0;
        let mut sum = 0.0;
        for window in &windows {
            for row in window {
                let (before, leaves) = backward(bounds.steps, &states, row);
                (states, sum) = (before, sum + leaves);
            }
            right.advance::<false>(&bounds, window.len(), unlikely);
            assert!(right.m >= most(&states, 0) && right.i >= most(&states, 1) && right.sum >= sum);
            nearest = nearest.min(right.sum / sum.max(1e-300));
        }
        worst_sum = worst_sum.max(sum);
    }
    // The bounds are above, but not far above.
    assert!((1.0..1.5).contains(&nearest), "{nearest} {worst_sum}");
}

#[test]
fn eight_rows_do_what_the_note_says() {
    let bounds = Bounds::default();
    let mut left = End::new::<true>();
    left.advance::<true>(&bounds, EVEN, bounds.unlikely(20));
    assert!((0.0125..0.0135).contains(&left.sum) && (0.0155..0.0165).contains(&left.m), "{left:?}");
    let first = left.m;
    left.advance::<true>(&bounds, EVEN, bounds.unlikely(20));
    assert!((0.0190..0.0205).contains(&(left.m / first)), "{left:?}");
    let mut right = End::new::<false>();
    right.advance::<false>(&bounds, EVEN, bounds.unlikely(20));
    assert!((0.0130..0.0140).contains(&right.sum), "{right:?}");
}

#[test]
fn tails_bound_the_rest() {
    let bounds = Bounds::default();
    let mut random = Random(0xabc);
    for _ in 0..300 {
        let len = 1 + random.below(LONGEST);
        // Rows with nothing against any diagonal, some of them boosted.
        let boosts: Vec<f64> = (0..len).map(|_| if random.one_in(200) { 5e3 } else { 1.0 }).collect();
        let ahead: f64 = boosts.iter().product();
        let mut states = [[0.0; 2]; 15];
        for (shift, state) in states.iter_mut().enumerate() {
            let m = if shift == MAIN { 0.0 } else { random.below(100) as f64 };
            *state = [m, random.below(50) as f64];
        }
        let start = End { m: most(&states, 0), i: most(&states, 1), sum: 0.0 };
        let boosted = |by: f64| {
            let mut steps = bounds.steps;
            (steps.gamma, steps.eta) = (steps.gamma * by, steps.eta * by);
            let mut relative = [by; 15];
            relative[MAIN] = 1.0;
            (steps, relative)
        };
        let (mut now, mut total) = (states, 0.0);
        for &by in &boosts {
            let (steps, relative) = boosted(by);
            let (after, back) = forward(steps, &now, &relative);
            (now, total) = (after, total + back);
        }
        total += now.iter().flatten().sum::<f64>();
        // The tail is linear: scaled so that the bound is within the budget, the truth has to be.
        let fits = |scale: f64, left: bool| {
            let end = End { m: start.m * scale, i: start.i * scale, sum: 0.0 };
            if left { end.is_settled::<true>(&bounds, ahead, len) } else { end.is_settled::<false>(&bounds, ahead, len) }
        };
        assert!(!fits(BUDGET / total * 1.000_001, true));
        let (mut now, mut total) = (states, 0.0);
        for &by in &boosts {
            let (steps, relative) = boosted(by);
            let (before, leaves) = backward(steps, &now, &relative);
            (now, total) = (before, total + leaves);
        }
        total += (7..15).map(|shift| now[shift][0] + bounds.steps.gamma * now[shift][1]).sum::<f64>();
        assert!(!fits(BUDGET / total * 1.000_001, false));
    }
}
