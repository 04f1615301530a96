//! A BAM file as plain values: contigs with their letters, reads in file order.

/// A tag's value; only what depth can depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagValue {
    /// Type Z.
    Text(Vec<u8>),
    /// Type i.
    Int(i32),
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// QNAME, without NUL.
    pub name: Vec<u8>,
    /// FLAG.
    pub flags: u16,
    /// Index into [`Sample::contigs`], -1 for none.
    pub contig: i32,
    /// First aligned position, 0-based; -1 for none.
    pub pos: i64,
    /// MAPQ.
    pub mapq: u8,
    /// Operation letters with lengths; empty = `*`.
    pub cigar: Vec<(char, u32)>,
    /// Contig of the mate, -1 for none.
    pub mate_contig: i32,
    /// Position of the mate, 0-based; -1 for none.
    pub mate_pos: i64,
    /// TLEN.
    pub tlen: i64,
    /// Letters of `=ACMGRSVTWYHKDBN`; empty = `*`.
    pub seq: Vec<u8>,
    /// Base qualities, as many as letters; `None` = `*`.
    pub qual: Option<Vec<u8>>,
    /// Tags in order.
    pub tags: Vec<([u8; 2], TagValue)>,
}

impl Read {
    /// An unpaired read of that name: placed nowhere yet, MAPQ 60, no CIGAR, no SEQ.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.as_bytes().to_vec(),
            flags: 0,
            contig: -1,
            pos: -1,
            mapq: 60,
            cigar: Vec::new(),
            mate_contig: -1,
            mate_pos: -1,
            tlen: 0,
            seq: Vec::new(),
            qual: None,
            tags: Vec::new(),
        }
    }

    /// Where it is aligned, 0-based.
    #[must_use]
    pub fn at(mut self, contig: i32, pos: i64) -> Self {
        (self.contig, self.pos) = (contig, pos);
        self
    }

    /// FLAG.
    #[must_use]
    pub fn flags(mut self, flags: u16) -> Self {
        self.flags = flags;
        self
    }

    /// MAPQ.
    #[must_use]
    pub fn mapq(mut self, mapq: u8) -> Self {
        self.mapq = mapq;
        self
    }

    /// CIGAR as text, `*` for none.
    #[must_use]
    pub fn cigar(mut self, text: &str) -> Self {
        self.cigar.clear();
        let mut len = 0;
        for c in text.chars().filter(|&c| c != '*') {
            match c.to_digit(10) {
                Some(digit) => len = 10 * len + digit,
                None => self.cigar.push((c, std::mem::take(&mut len))),
            }
        }
        self
    }

    /// Where the mate is said to be, 0-based, and TLEN.
    #[must_use]
    pub fn mate(mut self, contig: i32, pos: i64, tlen: i64) -> Self {
        (self.mate_contig, self.mate_pos, self.tlen) = (contig, pos, tlen);
        self
    }

    /// SEQ as letters.
    #[must_use]
    pub fn seq(mut self, letters: &str) -> Self {
        self.seq = letters.as_bytes().to_vec();
        self
    }

    /// SEQ as the reference has it under the CIGAR (N becomes A), `GATC…` where it is inserted or clipped.
    #[must_use]
    pub fn seq_of(mut self, reference: &[u8]) -> Self {
        let mut x = self.pos as usize;
        self.seq.clear();
        for &(op, len) in &self.cigar {
            for i in 0..len as usize {
                if is_match(op) {
                    let letter = reference.get(x + i).map_or(b'A', u8::to_ascii_uppercase);
                    self.seq.push(if letter == b'N' { b'A' } else { letter });
                } else if takes_read(op) {
                    self.seq.push(b"GATC"[i % 4]);
                }
            }
            if takes_reference(op) {
                x += len as usize;
            }
        }
        self
    }

    /// The same quality for every base of SEQ.
    #[must_use]
    pub fn quality(mut self, quality: u8) -> Self {
        self.qual = Some(vec![quality; self.seq.len()]);
        self
    }

    /// A quality for each base of SEQ.
    #[must_use]
    pub fn qualities(mut self, qualities: &[u8]) -> Self {
        assert_eq!(qualities.len(), self.seq.len());
        self.qual = Some(qualities.to_vec());
        self
    }

    /// One base of SEQ replaced.
    #[must_use]
    pub fn base(mut self, index: usize, letter: u8) -> Self {
        self.seq[index] = letter;
        self
    }

    /// A text tag appended.
    #[must_use]
    pub fn tag(mut self, name: [u8; 2], text: &[u8]) -> Self {
        self.tags.push((name, TagValue::Text(text.to_vec())));
        self
    }

    /// Reference bases from first to last, D and N included.
    pub fn reference_len(&self) -> i64 {
        self.cigar.iter().filter(|op| takes_reference(op.0)).map(|op| i64::from(op.1)).sum()
    }

    /// Read bases the CIGAR takes.
    pub fn read_len(&self) -> i64 {
        self.cigar.iter().filter(|op| takes_read(op.0)).map(|op| i64::from(op.1)).sum()
    }

    /// One past the last position, 0-based; equal to `pos` where the CIGAR takes no reference base.
    pub fn end(&self) -> i64 {
        self.pos + self.reference_len()
    }

    /// As the index sees it: unmapped reads and those without reference bases lie on one base.
    pub fn indexed_end(&self) -> i64 {
        if self.flags & 4 != 0 { self.pos + 1 } else { self.end().max(self.pos + 1) }
    }

    /// The first tag of that name.
    pub fn tag_value(&self, name: [u8; 2]) -> Option<&TagValue> {
        self.tags.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }
}

/// M, = or X.
pub fn is_match(op: char) -> bool {
    matches!(op, 'M' | '=' | 'X')
}

/// M, D, N, = or X.
pub fn takes_reference(op: char) -> bool {
    is_match(op) || matches!(op, 'D' | 'N')
}

/// M, I, S, = or X.
pub fn takes_read(op: char) -> bool {
    is_match(op) || matches!(op, 'I' | 'S')
}

/// A BAM file and its reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Names with reference letters.
    pub contigs: Vec<(String, Vec<u8>)>,
    /// Reads in file order.
    pub reads: Vec<Read>,
}

impl Sample {
    /// No contigs, no reads.
    pub fn new() -> Self {
        Self::default()
    }

    /// A contig appended.
    #[must_use]
    pub fn contig(mut self, name: &str, letters: &[u8]) -> Self {
        self.contigs.push((name.to_owned(), letters.to_vec()));
        self
    }

    /// A read appended; [`Sample::sort`] puts it in its place.
    #[must_use]
    pub fn read(mut self, read: Read) -> Self {
        self.reads.push(read);
        self
    }

    /// Sorts by coordinate, unplaced reads last; equal starts keep their order.
    #[must_use]
    pub fn sort(mut self) -> Self {
        self.reads.sort_by_key(|r| (r.contig.cast_unsigned(), r.pos));
        self
    }

    /// Length of a contig.
    pub fn contig_len(&self, contig: usize) -> i64 {
        self.contigs[contig].1.len() as i64
    }
}
