//! The slow twin: depth as `docs/semantics.md` says, one position, one read, one rule at a time.
//!
//! It means samtools 1.24, and each number is that of a run with `-r contig:start-end`: only the reads such a run would be handed exist.

use std::collections::HashMap;

use super::model::{Read, Sample, is_match, takes_read, takes_reference};
use super::{naive_baq, naive_mates, naive_templates};

const PAIRED: u16 = 0x1;
const PROPER: u16 = 0x2;
const UNMAPPED: u16 = 0x4;
const MATE_UNMAPPED: u16 = 0x8;

/// Whose numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `samtools mpileup`.
    Mpileup,
    /// `samtools depth`.
    Depth,
    /// fastcov's own.
    Bases,
}

/// What of a read counts, where it is not what the rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountUnit {
    /// What the rule says.
    Read,
    /// A proper pair from end to end. Not with [`Rule::Mpileup`].
    Fragment,
    /// The position of the base that was read first.
    FivePrime,
    /// The position of the base that was read last.
    ThreePrime,
}

/// What counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own on the tools' command lines")]
pub struct Options {
    /// Whose numbers.
    pub rule: Rule,
    /// Reads below it are dropped.
    pub min_mapq: u8,
    /// Bases below it are not counted.
    pub min_baseq: u8,
    /// Reads with any of these bits are dropped.
    pub exclude_flags: u16,
    /// Reads without all of these bits are dropped.
    pub require_flags: u16,
    /// Qualities are lowered near indels and mismatches; takes a reference. Not with [`Rule::Depth`].
    pub baq: bool,
    /// Paired reads that are not proper stay.
    pub orphans: bool,
    /// Overlapping mates count once, each rule in its own way.
    pub mates_once: bool,
    /// Deleted positions count.
    pub deletions: bool,
    /// Skipped positions count.
    pub skips: bool,
    /// Reads in the buffer at one start; 0 = no limit. Not with [`Rule::Depth`].
    pub max_depth: u32,
    /// `'+'` or `'-'`: only reads of that strand.
    pub strand: Option<char>,
    /// The strand is that of the transcript: `Some(true)` where READ1 has it, `Some(false)` where READ2 has.
    pub forward_library: Option<bool>,
    /// Fewest and most bases of a read.
    pub length: (i64, i64),
    /// Shortest and longest template.
    pub template: (i64, i64),
    /// Not with [`Rule::Mpileup`].
    pub what: CountUnit,
}

const ANY: (i64, i64) = (0, i64::MAX);

impl Options {
    /// The defaults of `samtools mpileup`.
    pub fn mpileup() -> Self {
        Self {
            rule: Rule::Mpileup,
            min_mapq: 0,
            min_baseq: 13,
            exclude_flags: 0x704,
            require_flags: 0,
            baq: true,
            orphans: false,
            mates_once: true,
            deletions: true,
            skips: true,
            max_depth: 8000,
            strand: None,
            forward_library: None,
            length: ANY,
            template: ANY,
            what: CountUnit::Read,
        }
    }

    /// What fastcov does by itself.
    pub fn bases() -> Self {
        Self { rule: Rule::Bases, mates_once: true, ..Self::depth() }
    }

    /// The defaults of `samtools depth`.
    pub fn depth() -> Self {
        Self {
            rule: Rule::Depth,
            min_mapq: 0,
            min_baseq: 0,
            exclude_flags: 0x704,
            require_flags: 0,
            baq: false,
            orphans: true,
            mates_once: false,
            deletions: false,
            skips: false,
            max_depth: 0,
            strand: None,
            forward_library: None,
            length: ANY,
            template: ANY,
            what: CountUnit::Read,
        }
    }
}

/// Depth at each position of `start..end` (0-based) of a contig.
pub fn depth(sample: &Sample, contig: usize, start: i64, end: i64, with_reference: bool, options: &Options) -> Vec<i64> {
    let mut counts = Counts { start, depth: vec![0; (end - start) as usize] };
    if options.what != CountUnit::Read {
        // Records behind the region are not read; those in front of it are, as far as a fragment can be long.
        let longest = if options.what == CountUnit::Fragment { options.template.1 } else { 0 };
        let before = |read: &Read| {
            let pair = naive_templates::takes_part(read, naive_templates::Templates::Fragments);
            options.what != CountUnit::Fragment || !pair || read.pos >= start.saturating_sub(longest)
        };
        let there = |read: &&Read| read.contig == contig as i32 && read.pos >= 0 && read.pos < end && before(read);
        let reads: Vec<_> = sample.reads.iter().filter(there).filter(|read| passes_flags(read, options)).collect();
        count_other(&reads, (start, end), options, &mut counts);
        return counts.depth;
    }
    let reads = fetched(sample, contig, start, end).filter(|read| passes_flags(read, options));
    match options.rule {
        Rule::Depth => count_depth(reads, options, &mut counts),
        Rule::Bases => {
            let reads: Vec<_> = reads.collect();
            naive_templates::bases(&reads, (start, end), options.mates_once, options.min_baseq, |position| counts.add(position));
        }
        Rule::Mpileup => {
            let reference = with_reference.then(|| sample.contigs[contig].1.as_slice());
            count_mpileup(reads, contig == 0, reference, options, &mut counts);
        }
    }
    counts.depth
}

/// The reads the region iterator returns, in file order (`docs/semantics.md` 9).
pub fn fetched(sample: &Sample, contig: usize, start: i64, end: i64) -> impl Iterator<Item = &Read> {
    sample.reads.iter().filter(move |read| read.contig == contig as i32 && read.pos >= 0 && read.pos < end && read.indexed_end() > start)
}

/// `docs/semantics.md` 3, the part about flags, MAPQ and orphans. In mpileup BAQ comes between, which changes no read's fate.
fn passes_flags(read: &Read, options: &Options) -> bool {
    let always = if options.rule == Rule::Mpileup { UNMAPPED } else { 0 };
    let orphan = read.flags & PAIRED != 0 && read.flags & PROPER == 0;
    read.flags & (options.exclude_flags | always) == 0
        && read.flags & options.require_flags == options.require_flags
        && read.mapq >= options.min_mapq
        && (options.orphans || !orphan)
        && options.strand.is_none_or(|strand| strand == strand_of(read, options))
        && options.length.0 <= bases_of(read)
        && bases_of(read) <= options.length.1
        && (is_in_fragment(read, options.what) || (options.template.0 <= read.tlen.abs() && read.tlen.abs() <= options.template.1))
}

/// Whether a read is counted as one of a pair.
fn is_in_fragment(read: &Read, what: CountUnit) -> bool {
    what == CountUnit::Fragment && naive_templates::takes_part(read, naive_templates::Templates::Fragments)
}

/// `docs/semantics.md` 14, the length of a read: that of SEQ, where there is one.
fn bases_of(read: &Read) -> i64 {
    if read.seq.is_empty() { read.read_len() } else { read.seq.len() as i64 }
}

/// The strand of a read, `docs/semantics.md` 14.1. A pair that is counted as a fragment has that of its READ1.
fn strand_of(read: &Read, options: &Options) -> char {
    let second = read.flags & 0x1 != 0 && read.flags & 0x80 != 0;
    let mut reverse = read.flags & 0x10 != 0;
    if is_in_fragment(read, options.what) && second {
        reverse = read.flags & 0x20 != 0;
    } else if options.forward_library.is_some() && second {
        reverse = !reverse;
    }
    if options.forward_library == Some(false) {
        reverse = !reverse;
    }
    if reverse { '-' } else { '+' }
}

/// Fragments, and ends of reads: `docs/semantics.md` 14.
fn count_other(reads: &[&Read], positions: (i64, i64), options: &Options, counts: &mut Counts) {
    if options.what == CountUnit::Fragment {
        let alone = Options { mates_once: false, rule: Rule::Depth, ..options.clone() };
        let how = naive_templates::Fragments { length: options.template, skips: options.skips };
        let mut singles = Vec::new();
        naive_templates::fragments(reads, positions, how, |read| singles.push(read.clone()), |position| counts.add(position));
        return count_depth(singles.iter(), &alone, counts);
    }
    for read in reads {
        let len = spanned(read).len() as i64;
        let reverse = read.flags & 0x10 != 0;
        if len > 0 {
            let last = (options.what == CountUnit::FivePrime) == reverse;
            counts.add(if last { read.pos + len - 1 } else { read.pos });
        }
    }
}

struct Counts {
    start: i64,
    depth: Vec<i64>,
}

impl Counts {
    fn add(&mut self, position: i64) {
        if position >= self.start
            && let Some(count) = self.depth.get_mut((position - self.start) as usize)
        {
            *count += 1;
        }
    }
}

/// Every position a read spans, with the operation's letter and how many read bases came before it.
fn spanned(read: &Read) -> Vec<(char, usize)> {
    let mut y = 0;
    let mut positions = Vec::new();
    for &(op, len) in &read.cigar {
        for i in 0..len as usize {
            if takes_reference(op) {
                positions.push((op, y + if is_match(op) { i } else { 0 }));
            }
        }
        y += if takes_read(op) { len as usize } else { 0 };
    }
    positions
}

/// The operation the pileup engine sees at each spanned position and the base whose quality stands for it (`docs/semantics.md` 4): its
/// own, or the next base's in a deletion or skip. The engine moves to the next operation at most once per position, so that runs of empty
/// operations make it lag.
fn seen(read: &Read) -> Vec<(char, usize)> {
    let mut y = 0;
    let mut steps = Vec::new();
    for &(op, len) in &read.cigar {
        if takes_reference(op) {
            steps.push((op, i64::from(len), y));
        }
        y += if takes_read(op) { i64::from(len) } else { 0 };
    }
    let (mut step, mut x) = (0, 0);
    (0..read.reference_len())
        .map(|position| {
            if position > 0 && position - x >= steps[step].1 {
                x += steps[step].1;
                step += 1;
            }
            let (op, _, y) = steps[step];
            (op, (if is_match(op) { y + position - x } else { y }) as usize)
        })
        .collect()
}

fn op_counts(op: char, options: &Options) -> bool {
    match op {
        'D' => options.deletions,
        'N' => options.skips,
        _ => true,
    }
}

/// A read inside the pileup buffer.
struct Buffered<'a> {
    read: &'a Read,
    /// Qualities as edited so far; 255 where the file has none.
    quality: Vec<u8>,
    seen: Vec<(char, usize)>,
}

impl<'a> Buffered<'a> {
    fn new(read: &'a Read, reference: Option<&[u8]>, baq: bool) -> Self {
        let mut quality = read.qual.clone().unwrap_or_else(|| vec![255; read.seq.len()]);
        if let Some(reference) = reference.filter(|_| baq) {
            quality = naive_baq::adjusted(read, reference).unwrap_or(quality);
        }
        Self { read, quality, seen: seen(read) }
    }

    /// Whether the read counts in a column it spans, going by the qualities of this moment.
    fn counts(&self, column: i64, options: &Options) -> bool {
        let (op, base) = self.seen[(column - self.read.pos) as usize];
        let quality = self.quality.get(base).copied().unwrap_or(0);
        op_counts(op, options) && quality >= options.min_baseq
    }
}

/// The pileup engine's buffer (`docs/semantics.md` 4, 5.1, 6).
struct Pileup<'a, 'o> {
    options: &'o Options,
    /// Every read that ever entered.
    entered: Vec<Buffered<'a>>,
    /// Those still in the buffer, in the order they came.
    live: Vec<usize>,
    /// Names waiting for their mate.
    waiting: HashMap<&'a [u8], usize>,
    /// The column to be produced next.
    column: i64,
}

fn count_mpileup<'a>(
    reads: impl Iterator<Item = &'a Read>,
    first_contig: bool,
    reference: Option<&[u8]>,
    options: &Options,
    counts: &mut Counts,
) {
    // The engine begins at column 0 of the first contig; on any other it has yet to come there.
    let column = if first_contig { 0 } else { -1 };
    let mut pileup = Pileup { options, entered: Vec::new(), live: Vec::new(), waiting: HashMap::new(), column };
    for read in reads {
        if reference.is_some_and(|letters| read.pos >= letters.len() as i64) {
            continue;
        }
        pileup.push(read, reference);
        while pileup.column < read.pos {
            pileup.produce(counts);
        }
    }
    while !pileup.live.is_empty() {
        pileup.produce(counts);
    }
}

impl<'a> Pileup<'a, '_> {
    fn push(&mut self, read: &'a Read, reference: Option<&[u8]>) {
        let full = self.options.max_depth > 0 && self.live.len() >= self.options.max_depth as usize;
        if read.pos == self.column && full {
            self.forget(read);
        } else if read.end() > self.column {
            self.entered.push(Buffered::new(read, reference, self.options.baq));
            self.live.push(self.entered.len() - 1);
            if self.options.mates_once {
                self.meet_mate();
            }
        }
    }

    /// Deletes the entry of a read's name.
    fn forget(&mut self, read: &Read) {
        if read.flags & PROPER != 0 && read.flags & UNMAPPED == 0 {
            self.waiting.remove(read.name.as_slice());
        }
    }

    /// Edits the read that just entered together with the one waiting under its name, or lets it wait.
    fn meet_mate(&mut self) {
        let new = self.entered.len() - 1;
        let read = self.entered[new].read;
        let elsewhere = read.mate_contig >= 0 && read.mate_contig != read.contig;
        let apart = read.tlen.abs() >= 2 * read.seq.len() as i64 && read.mate_pos >= read.end();
        if read.flags & MATE_UNMAPPED != 0 || read.flags & PROPER == 0 || elsewhere || apart {
            return;
        }
        if let Some(earlier) = self.waiting.remove(read.name.as_slice()) {
            let (head, tail) = self.entered.split_at_mut(new);
            let (a, b) = (&mut head[earlier], &mut tail[0]);
            naive_mates::edit(a.read, &mut a.quality, b.read, &mut b.quality);
        } else if read.mate_pos >= read.pos || (read.flags & PAIRED != 0 && read.mate_pos == -1) {
            self.waiting.insert(&read.name, new);
        }
    }

    /// Lets go of the reads that ended before the column, counts the others, and moves on.
    fn produce(&mut self, counts: &mut Counts) {
        let column = self.column;
        let (gone, live): (Vec<usize>, Vec<usize>) = self.live.iter().partition(|&&i| self.entered[i].read.end() <= column);
        for i in gone {
            self.forget(self.entered[i].read);
        }
        self.live = live;
        for buffered in self.live.iter().map(|&i| &self.entered[i]) {
            if buffered.read.pos <= column && buffered.counts(column, self.options) {
                counts.add(column);
            }
        }
        let first = self.live.first().map_or(column, |&i| self.entered[i].read.pos);
        self.column = first.max(column + 1);
    }
}

/// `samtools depth` (`docs/semantics.md` 4, last paragraph, and 5.2).
fn count_depth<'a>(reads: impl Iterator<Item = &'a Read>, options: &Options, counts: &mut Counts) {
    let mut ends: HashMap<&[u8], i64> = HashMap::new();
    for read in reads {
        let mut clip = read.pos;
        if options.mates_once && read.flags & PAIRED != 0 && read.flags & MATE_UNMAPPED == 0 {
            let end = read.end().max(read.pos + 1);
            if let Some(earlier) = ends.remove(read.name.as_slice()) {
                clip = earlier;
            } else if read.mate_pos == -1 || (read.mate_contig == read.contig && read.mate_pos <= end) {
                ends.insert(&read.name, end);
            }
        }
        for (i, (op, base)) in spanned(read).into_iter().enumerate() {
            let position = read.pos + i as i64;
            if position >= clip && op_counts(op, options) && depth_quality(read, op, base) >= u32::from(options.min_baseq) {
                counts.add(position);
            }
        }
    }
}

/// The quality `samtools depth` looks at. A deletion at the end of SEQ has none to look at and passes; so does a read without
/// qualities. A base of a read without SEQ is read from beyond the record there; here it has quality 0.
fn depth_quality(read: &Read, op: char, base: usize) -> u32 {
    match (&read.qual, base < read.seq.len()) {
        (_, false) => {
            if is_match(op) {
                0
            } else {
                u32::MAX
            }
        }
        (Some(qual), true) => u32::from(qual[base]),
        (None, true) => 255,
    }
}
