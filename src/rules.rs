//! What counts: a tool's rule as plain data.
//!
//! A rule is a row of [`Rules`]: every filter is a field with a value one can see. A preset carries a tool's name and that tool's own
//! defaults, and a few traits that make the tool what it is ([`Preset::traits`]); `docs/semantics.md` says what each number means. Adding
//! a rule is adding a preset here and its tests; the loops in `count` ask for traits, never for a name.

mod select;

use crate::error::{Error, Kind, Result};
pub use select::{CountUnit, Library, Select, Strand};

/// UNMAP, SECONDARY, QCFAIL, DUP: what samtools leaves out by default.
pub const DEFAULT_EXCLUDE_FLAGS: u16 = 0x704;

/// The tool whose numbers are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// `samtools mpileup` 1.24, fourth column.
    Mpileup,
    /// `samtools depth -a` 1.24.
    Depth,
    /// `mosdepth`, per-base output.
    Mosdepth,
    /// `mosdepth --fast-mode`.
    MosdepthFast,
    /// `bedtools genomecov -d` 2.30.
    Genomecov,
    /// `bedtools genomecov -d -split` 2.30.
    GenomecovSplit,
    /// `pysam.AlignmentFile.count_coverage`, the four bases together.
    CountCoverage,
    /// `pysam.AlignmentFile.pileup`, `nsegments`.
    Pileup,
    /// `megadepth --coverage`.
    Megadepth,
    /// deepTools `bamCoverage -bs 1`.
    BamCoverage,
    /// `perbase only-depth`.
    Perbase,
    /// `perbase base-depth`.
    PerbaseBaseDepth,
    /// fastcov's own: every usable base once.
    Bases,
}

/// What a tool does that no option of it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact about a tool")]
pub struct Traits {
    /// The name users give.
    pub name: &'static str,
    /// The tool and version whose numbers these are.
    pub tool: &'static str,
    /// It stands on htslib's pileup engine: a walk that goes on by one operation per position, and a depth cap.
    pub pileup: bool,
    /// Flags that are always excluded.
    pub always_exclude: u16,
    /// When it counts from the first to the last position of a record, one at least, and looks at nothing in between.
    pub spans: Spans,
    /// Only the letters A, C, G and T count, and a record without qualities counts nothing under a quality filter.
    pub only_acgt: bool,
    /// A deletion with no base behind it passes any quality.
    pub trailing_deletion: bool,
    /// An empty first block at position 1 is booked on the whole contig (bedtools genomecov).
    pub empty_block: bool,
    /// It always reads whole contigs: records that end before a region may matter.
    pub whole_contig: bool,
    /// It knows base qualities.
    pub has_baseq: bool,
    /// How it counts mates once.
    pub once: MateOverlap,
}

/// When a tool counts whole records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spans {
    /// Never.
    Never,
    /// Where deletions and skips are to count: perbase, whose `--fast-mode` that is.
    WithAllOperations,
    /// Always.
    Always,
}

/// How a tool counts overlapping mates once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MateOverlap {
    /// It cannot.
    Never,
    /// By editing base qualities: htslib's pileup engine.
    Edit,
    /// By counting the later record only behind the earlier one's end: `samtools depth -s`.
    Clip,
    /// By subtraction, in mosdepth's way.
    Mosdepth,
    /// By subtraction, in megadepth's way.
    Megadepth,
    /// By subtraction for READ1 and READ2 of a template: fastcov's `bases`.
    Template,
    /// As one fragment from the leftmost to the rightmost base of both: `unit="fragment"`.
    Fragment,
    /// As one record that counts where any of a name's does: `perbase only-depth -m`.
    Union,
    /// By the best of a name's records at each position: `perbase base-depth -m`.
    Best,
}

impl Preset {
    /// Every preset there is.
    pub const ALL: [Self; 13] = [
        Self::Mpileup,
        Self::Depth,
        Self::Mosdepth,
        Self::MosdepthFast,
        Self::Genomecov,
        Self::GenomecovSplit,
        Self::CountCoverage,
        Self::Pileup,
        Self::Megadepth,
        Self::BamCoverage,
        Self::Perbase,
        Self::PerbaseBaseDepth,
        Self::Bases,
    ];

    /// What the tool is.
    pub const fn traits(self) -> Traits {
        let plain = Traits {
            name: "",
            tool: "",
            pileup: false,
            always_exclude: 0,
            spans: Spans::Never,
            only_acgt: false,
            trailing_deletion: false,
            empty_block: false,
            whole_contig: false,
            has_baseq: false,
            once: MateOverlap::Never,
        };
        let pileup = Traits { pileup: true, always_exclude: 0x4, has_baseq: true, once: MateOverlap::Edit, ..plain };
        match self {
            Self::Mpileup => Traits { name: "mpileup", tool: "samtools mpileup 1.24", ..pileup },
            Self::Depth => {
                let once = MateOverlap::Clip;
                Traits { name: "depth", tool: "samtools depth -a 1.24", trailing_deletion: true, has_baseq: true, once, ..plain }
            }
            Self::Mosdepth => Traits { name: "mosdepth", tool: "mosdepth 0.3.3", whole_contig: true, once: MateOverlap::Mosdepth, ..plain },
            Self::MosdepthFast => {
                Traits { name: "mosdepth-fast", tool: "mosdepth 0.3.3 --fast-mode", spans: Spans::Always, whole_contig: true, ..plain }
            }
            Self::Genomecov => {
                let tool = "bedtools genomecov -d 2.30.0";
                Traits { name: "genomecov", tool, always_exclude: 0x4, empty_block: true, whole_contig: true, ..plain }
            }
            Self::GenomecovSplit => {
                let tool = "bedtools genomecov -d -split 2.30.0";
                Traits { name: "genomecov-split", tool, always_exclude: 0x4, empty_block: true, whole_contig: true, ..plain }
            }
            Self::CountCoverage => {
                let tool = "pysam 0.24.1 count_coverage";
                Traits { name: "count_coverage", tool, only_acgt: true, has_baseq: true, ..plain }
            }
            Self::Pileup => Traits { name: "pileup", tool: "pysam 0.24.1 pileup, nsegments", ..pileup },
            Self::Megadepth => {
                Traits { name: "megadepth", tool: "megadepth 1.2.0 --coverage", whole_contig: true, once: MateOverlap::Megadepth, ..plain }
            }
            Self::BamCoverage => {
                Traits { name: "bamcoverage", tool: "deepTools 3.5 bamCoverage -bs 1", always_exclude: 0x4, whole_contig: true, ..plain }
            }
            Self::Perbase => {
                let (spans, once) = (Spans::WithAllOperations, MateOverlap::Union);
                Traits { name: "perbase", tool: "perbase 1.4.0 only-depth", spans, whole_contig: true, once, ..plain }
            }
            Self::PerbaseBaseDepth => {
                let tool = "perbase 1.4.0 base-depth";
                Traits { name: "perbase-base-depth", tool, whole_contig: true, has_baseq: false, once: MateOverlap::Best, ..pileup }
            }
            Self::Bases => Traits { name: "bases", tool: "fastcov", has_baseq: true, once: MateOverlap::Template, ..plain },
        }
    }

    /// The name users give.
    pub const fn name(self) -> &'static str {
        self.traits().name
    }

    /// The preset of that name.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] naming the presets there are.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|p| format!("'{}'", p.name())).collect();
            Error::new(Kind::InvalidArgument, format!("rules={name:?} is not a rule")).hint(format!("give one of {}", names.join(", ")))
        })
    }
}

/// How often a template counts where its two mates overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mates {
    /// Once, in the way of the tool.
    Once,
    /// Both mates count.
    Both,
}

impl Mates {
    /// `"once"` or `"both"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Both => "both",
        }
    }

    /// The value of that name.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] for any other text.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "once" => Ok(Self::Once),
            "both" => Ok(Self::Both),
            _ => Err(Error::new(Kind::InvalidArgument, format!("mates={name:?} is not a choice")).hint("give 'once' or 'both'")),
        }
    }
}

/// Which records, which bases and which positions count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// The tool meant.
    pub preset: Preset,
    /// Records with a lower mapping quality are left out.
    pub min_mapq: u8,
    /// Bases with a lower quality are left out.
    pub min_baseq: u8,
    /// Records with any of these flag bits are left out.
    pub exclude_flags: u16,
    /// Records without all of these flag bits are left out.
    pub require_flags: u16,
    /// Base alignment quality; `None`: on when a reference is given.
    pub baq: Option<bool>,
    /// Whether paired records without the proper-pair flag count.
    pub orphans: bool,
    /// How often overlapping mates count.
    pub mates: Mates,
    /// Whether D positions count.
    pub deletions: bool,
    /// Whether N positions count.
    pub skips: bool,
    /// Depth cap of the pileup engine; 0 = none.
    pub max_depth: u32,
    /// Filters no tool's defaults have.
    pub select: Select,
}

impl Rules {
    /// The tool's own defaults.
    ///
    /// ```
    /// use fastcov::rules::{Mates, Preset, Rules};
    ///
    /// let rules = Rules { min_mapq: 20, ..Rules::new(Preset::Bases) };
    /// assert_eq!((rules.exclude_flags, rules.mates), (0x704, Mates::Once));
    /// assert!(rules.validate().is_ok());
    /// // mosdepth has no limit of base quality.
    /// assert!(Rules { min_baseq: 13, ..Rules::new(Preset::Mosdepth) }.validate().is_err());
    /// ```
    pub const fn new(preset: Preset) -> Self {
        let plain = Self {
            preset,
            min_mapq: 0,
            min_baseq: 0,
            exclude_flags: DEFAULT_EXCLUDE_FLAGS,
            require_flags: 0,
            baq: Some(false),
            orphans: true,
            mates: Mates::Both,
            deletions: false,
            skips: false,
            max_depth: 0,
            select: Select {
                strand: None,
                library: None,
                min_length: 0,
                max_length: None,
                min_fragment: 0,
                max_fragment: None,
                what: CountUnit::Read,
            },
        };
        let pileup = Self { orphans: false, deletions: true, skips: true, max_depth: 8000, ..plain };
        match preset {
            Preset::Mpileup => Self { min_baseq: 13, baq: None, mates: Mates::Once, ..pileup },
            Preset::Pileup => pileup,
            Preset::Depth => plain,
            Preset::Mosdepth | Preset::Bases => Self { mates: Mates::Once, ..plain },
            // What lies inside a record is not looked at, so its deletions and skips count with it.
            Preset::MosdepthFast => Self { deletions: true, skips: true, ..plain },
            Preset::Genomecov => Self { exclude_flags: 0x4, skips: true, ..plain },
            Preset::GenomecovSplit | Preset::BamCoverage => Self { exclude_flags: 0x4, ..plain },
            Preset::CountCoverage => Self { min_baseq: 15, ..plain },
            Preset::Megadepth => Self { exclude_flags: 0x104, mates: Mates::Once, ..plain },
            Preset::Perbase => Self { exclude_flags: 0, deletions: true, ..plain },
            Preset::PerbaseBaseDepth => Self { exclude_flags: 0x4, deletions: true, max_depth: 100_000, ..plain },
        }
    }

    /// Refuses combinations that no definition stands behind.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let traits = self.preset.traits();
        let name = traits.name;
        let refuse = |what: String, hint: &str| Err(Error::new(Kind::InvalidArgument, what).hint(hint));
        let both = self.exclude_flags & self.require_flags;
        if both != 0 {
            let what = format!("exclude_flags and require_flags share the bits {both:#x}: no record could count");
            return refuse(what, "give each bit to one of them");
        }
        if self.exclude_flags >= 0x1000 || self.require_flags >= 0x1000 {
            return refuse("exclude_flags or require_flags is above 0xfff".into(), "SAM has twelve flag bits, 0x1 to 0x800");
        }
        if self.baq == Some(true) && !(traits.pileup && traits.has_baseq) {
            return refuse(format!("baq=True with rules={name:?}"), "this tool has no BAQ; use rules='mpileup'");
        }
        if self.max_depth != 0 && !traits.pileup {
            return refuse(format!("max_depth with rules={name:?}"), "this tool has no cap; leave it at 0 or use rules='mpileup'");
        }
        if self.min_baseq != 0 && !traits.has_baseq {
            return refuse(
                format!("min_baseq with rules={name:?}"),
                "this tool knows no base qualities; use 'bases', 'depth' or 'mpileup'",
            );
        }
        if self.mates == Mates::Once && traits.once == MateOverlap::Never {
            return refuse(
                format!("mates='once' with rules={name:?}"),
                "this tool counts both mates; use 'bases', 'mosdepth' or 'mpileup'",
            );
        }
        let subtracts = matches!(self.once(), MateOverlap::Mosdepth | MateOverlap::Megadepth | MateOverlap::Template);
        if subtracts && (self.deletions || self.skips) {
            let what = format!("deletions or skips with mates='once' and rules={name:?}");
            return refuse(what, "pass mates='both', or use rules='mpileup'");
        }
        if traits.spans == Spans::Always && !(self.deletions && self.skips) {
            return refuse(format!("deletions=False or skips=False with rules={name:?}"), "this tool counts whole records; use 'mosdepth'");
        }
        self.select.validate(self)
    }

    /// Refuses rules that do not say whose letter counts at a position.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] naming the rule.
    pub fn validate_letters(&self) -> Result<()> {
        let traits = self.preset.traits();
        let refuse = |why: &str, hint: &str| {
            Err(Error::new(Kind::InvalidArgument, format!("letters cannot be counted with rules={:?}: {why}", traits.name)).hint(hint))
        };
        if self.select.what != CountUnit::Read {
            return refuse("fragments and ends of reads have no letters", "leave unit and ends out");
        }
        if self.spans() {
            return refuse("it does not look inside a record", "use 'mosdepth' with mates='both', or 'bases'");
        }
        if traits.empty_block {
            return refuse("it counts empty blocks, which have no letter", "use 'bases' with mates='both' and exclude_flags=0x4");
        }
        if matches!(self.once(), MateOverlap::Mosdepth | MateOverlap::Megadepth | MateOverlap::Union | MateOverlap::Best) {
            return refuse("it takes overlapping mates off the depth, not off a letter", "pass mates='both', or use 'bases' or 'mpileup'");
        }
        Ok(())
    }

    /// Whether BAQ is computed when `has_reference` says whether a reference was given.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] when BAQ is requested without a reference.
    pub fn uses_baq(&self, has_reference: bool) -> Result<bool> {
        match (self.baq, has_reference) {
            (Some(true), false) => Err(Error::new(Kind::InvalidArgument, "baq=True without a reference")
                .hint("give ref=, or leave baq out: it is on when a reference is given")),
            (Some(on), _) => Ok(on),
            (None, has_reference) => Ok(has_reference),
        }
    }

    /// How overlapping mates are counted once, [`MateOverlap::Never`] when both count.
    pub const fn once(&self) -> MateOverlap {
        match self.mates {
            _ if matches!(self.select.what, CountUnit::Fragment) => MateOverlap::Fragment,
            // Ends of reads do not overlap.
            _ if !matches!(self.select.what, CountUnit::Read) => MateOverlap::Never,
            Mates::Both => MateOverlap::Never,
            Mates::Once => self.preset.traits().once,
        }
    }

    /// Whether records count from their first to their last position.
    pub const fn spans(&self) -> bool {
        match self.preset.traits().spans {
            Spans::Never => false,
            Spans::WithAllOperations => self.deletions && self.skips,
            Spans::Always => true,
        }
    }

    /// Flags no record that counts may have.
    pub const fn excluded(&self) -> u16 {
        self.exclude_flags | self.preset.traits().always_exclude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_found_by_their_names_and_valid() {
        for preset in Preset::ALL {
            assert_eq!(Preset::from_name(preset.name()).unwrap(), preset);
            Rules::new(preset).validate().unwrap();
        }
        assert_eq!(Preset::from_name("pileup!").unwrap_err().kind(), Kind::InvalidArgument);
    }

    #[test]
    fn impossible_combinations_are_refused() {
        let rules = Rules::new;
        for rules in [
            Rules { baq: Some(true), ..rules(Preset::Depth) },
            Rules { max_depth: 8000, ..rules(Preset::Depth) },
            Rules { require_flags: 0x400, ..rules(Preset::Mpileup) },
            Rules { exclude_flags: 0x1000, ..rules(Preset::Mpileup) },
            Rules { min_baseq: 20, ..rules(Preset::Mosdepth) },
            Rules { mates: Mates::Once, ..rules(Preset::Genomecov) },
            Rules { deletions: true, ..rules(Preset::Mosdepth) },
            Rules { skips: false, ..rules(Preset::MosdepthFast) },
        ] {
            assert_eq!(rules.validate().unwrap_err().kind(), Kind::InvalidArgument, "{rules:?}");
        }
        let mpileup = rules(Preset::Mpileup);
        assert!(Rules { baq: Some(true), ..mpileup }.uses_baq(false).is_err());
        assert!(mpileup.uses_baq(true).unwrap());
        assert!(!mpileup.uses_baq(false).unwrap());
    }
}
