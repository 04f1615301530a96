//! Which of the records that a tool counts are asked about, and what of each: filters no tool's defaults have.

use super::{Preset, Rules};
use crate::error::{Error, Kind, Result};
use crate::source::record::{LAST, MATE_REVERSE, PAIRED, REVERSE, Record};

/// A strand of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strand {
    /// `"+"`.
    Forward,
    /// `"-"`.
    Reverse,
}

/// How the reads of a library lie on the transcripts they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Library {
    /// `"forward"`: READ1 has the strand of the transcript.
    Forward,
    /// `"reverse"`: READ2 has it (dUTP).
    Reverse,
}

/// What a record counts at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CountUnit {
    /// The positions of its tool.
    #[default]
    Read,
    /// A proper pair once, from the leftmost to the rightmost base of both reads; any other record as a read.
    Fragment,
    /// The position of its first base, in the direction it was read.
    FivePrime,
    /// That of its last one.
    ThreePrime,
}

/// Filters that are asked after those of the tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Select {
    /// Only this strand.
    pub strand: Option<Strand>,
    /// The strand is that of the transcript, which the library leads to; none: that of the read, or of a fragment's READ1.
    pub library: Option<Library>,
    /// Fewest bases of a read.
    pub min_length: u32,
    /// Most bases of a read.
    pub max_length: Option<u32>,
    /// Shortest fragment: of a pair counted as a fragment, its positions; of a read, the absolute TLEN.
    pub min_fragment: u32,
    /// Longest fragment.
    pub max_fragment: Option<u32>,
    /// What is counted.
    pub what: CountUnit,
}

impl Strand {
    /// `"+"` or `"-"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "+",
            Self::Reverse => "-",
        }
    }

    /// The value of that name.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] for any other text.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "+" => Ok(Self::Forward),
            "-" => Ok(Self::Reverse),
            _ => Err(Error::new(Kind::InvalidArgument, format!("strand={name:?} is not a choice")).hint("give '+' or '-'")),
        }
    }
}

impl Library {
    /// `"forward"` or `"reverse"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Reverse => "reverse",
        }
    }

    /// The value of that name.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] for any other text.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "forward" => Ok(Self::Forward),
            "reverse" => Ok(Self::Reverse),
            _ => Err(Error::new(Kind::InvalidArgument, format!("library={name:?} is not a choice"))
                .hint("give 'forward' (READ1 has the strand of the transcript), 'reverse' (READ2 has it) or None")),
        }
    }
}

impl CountUnit {
    /// From `unit` (`"read"`, `"fragment"`) and `ends` (`"5prime"`, `"3prime"`).
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] for any other text, and for ends of fragments.
    pub fn from_names(unit: &str, ends: Option<&str>) -> Result<Self> {
        let refuse = |what: String, hint: &str| Err(Error::new(Kind::InvalidArgument, what).hint(hint));
        match (unit, ends) {
            ("read", None) => Ok(Self::Read),
            ("fragment", None) => Ok(Self::Fragment),
            ("read", Some("5prime")) => Ok(Self::FivePrime),
            ("read", Some("3prime")) => Ok(Self::ThreePrime),
            ("fragment", Some("5prime" | "3prime")) => {
                refuse("ends with unit='fragment'".into(), "the ends of reads are counted: leave unit out")
            }
            ("read" | "fragment", Some(ends)) => refuse(format!("ends={ends:?} is not a choice"), "give '5prime', '3prime' or None"),
            _ => refuse(format!("unit={unit:?} is not a choice"), "give 'read' or 'fragment'"),
        }
    }

    /// The names of [`CountUnit::from_names`].
    pub const fn names(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Read => ("read", None),
            Self::Fragment => ("fragment", None),
            Self::FivePrime => ("read", Some("5prime")),
            Self::ThreePrime => ("read", Some("3prime")),
        }
    }
}

impl Select {
    /// Whether no filter is set and reads are counted.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// How far in front of a position a record can start that counts there without reaching it.
    pub fn reach(&self) -> i64 {
        match self.what {
            CountUnit::Fragment => self.max_fragment.map_or(i64::MAX, i64::from),
            _ => 0,
        }
    }

    /// Whether `record` is on the requested strand. `in_pair`: it is counted as a fragment, whose strand is that of its READ1.
    pub fn on_strand(&self, record: Record<'_>, in_pair: bool) -> bool {
        let flags = record.flags();
        let second = flags & PAIRED != 0 && flags & LAST != 0;
        let of_mate = in_pair && second;
        let own = flags & if of_mate { MATE_REVERSE } else { REVERSE } != 0;
        let reverse = match self.library {
            None => own,
            Some(library) => own ^ (second && !of_mate) ^ (library == Library::Reverse),
        };
        self.strand.is_none_or(|strand| (strand == Strand::Reverse) == reverse)
    }

    /// Whether the number of bases is in the requested range.
    pub fn has_length(&self, record: Record<'_>) -> bool {
        let in_cigar = || record.cigar().iter().filter(|op| op.kind.consumes_read()).map(|op| u64::from(op.len)).sum();
        let bases = if record.seq_len() > 0 { record.seq_len() as u64 } else { in_cigar() };
        bases >= u64::from(self.min_length) && self.max_length.is_none_or(|most| bases <= u64::from(most))
    }

    /// Whether a fragment of `len` positions is as long as asked for.
    pub fn has_fragment(&self, len: i64) -> bool {
        len >= i64::from(self.min_fragment) && self.max_fragment.is_none_or(|most| len <= i64::from(most))
    }

    /// Refuses what cannot be, or what the rule has no way to count.
    pub(super) fn validate(&self, rules: &Rules) -> Result<()> {
        let refuse = |what: String, hint: &str| Err(Error::new(Kind::InvalidArgument, what).hint(hint));
        let limits = [("length", self.min_length, self.max_length), ("fragment", self.min_fragment, self.max_fragment)];
        for (name, min, max) in limits {
            if max.is_some_and(|max| max < min) {
                return refuse(format!("min_{name} is above max_{name}: no record could count"), "give the smaller one first");
            }
        }
        if self.library.is_some() && self.strand.is_none() {
            return refuse("library without strand".into(), "library says what strand means: give strand='+' or '-', or leave library out");
        }
        let what = match self.what.names() {
            (_, Some(ends)) => format!("ends={ends:?}"),
            (unit, None) => format!("unit={unit:?}"),
        };
        let traits = rules.preset.traits();
        if self.what != CountUnit::Read && (traits.pileup || rules.preset == Preset::CountCoverage) {
            return refuse(format!("{what} with rules={:?}", traits.name), "use 'bases', 'depth', 'genomecov' or 'mosdepth'");
        }
        if self.what != CountUnit::Read && rules.min_baseq > 0 {
            return refuse(
                format!("{what} with min_baseq"),
                "whole fragments and ends of reads have no base quality; leave min_baseq at 0",
            );
        }
        Ok(())
    }
}
