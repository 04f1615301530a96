//! What counts: a tool's rule as plain data.
//!
//! A rule is a row of [`Rules`]: every filter is a field with a value one can see. A preset carries a tool's name and that tool's own
//! defaults; `docs/semantics.md` says what each number means. Adding a rule is adding a preset here and its tests.

use crate::error::{Error, Kind, Result};

/// UNMAP, SECONDARY, QCFAIL, DUP: what samtools leaves out by default.
pub const DEFAULT_EXCLUDE_FLAGS: u16 = 0x704;

/// The tool whose numbers are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// `samtools mpileup` 1.24, fourth column.
    Mpileup,
    /// `samtools depth -a` 1.24.
    Depth,
}

impl Preset {
    /// Every preset there is.
    pub const ALL: [Self; 2] = [Self::Mpileup, Self::Depth];

    /// The name users give.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mpileup => "mpileup",
            Self::Depth => "depth",
        }
    }

    /// The tool and version whose numbers these are.
    pub const fn tool(self) -> &'static str {
        match self {
            Self::Mpileup => "samtools mpileup 1.24",
            Self::Depth => "samtools depth -a 1.24",
        }
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
}

impl Rules {
    /// The tool's own defaults.
    pub const fn new(preset: Preset) -> Self {
        match preset {
            Preset::Mpileup => Self {
                preset,
                min_mapq: 0,
                min_baseq: 13,
                exclude_flags: DEFAULT_EXCLUDE_FLAGS,
                require_flags: 0,
                baq: None,
                orphans: false,
                mates: Mates::Once,
                deletions: true,
                skips: true,
                max_depth: 8000,
            },
            Preset::Depth => Self {
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
            },
        }
    }

    /// Refuses combinations that no definition stands behind.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] naming the field.
    pub fn validate(&self) -> Result<()> {
        let refuse = |what: &str, hint: &str| Err(Error::new(Kind::InvalidArgument, what).hint(hint));
        let both = self.exclude_flags & self.require_flags;
        if both != 0 {
            return refuse(
                &format!("exclude_flags and require_flags share the bits {both:#x}: no record could count"),
                "give each bit to one of them",
            );
        }
        if self.exclude_flags >= 0x1000 || self.require_flags >= 0x1000 {
            return refuse("exclude_flags or require_flags is above 0xfff", "SAM has twelve flag bits, 0x1 to 0x800");
        }
        if self.preset == Preset::Depth {
            if self.baq == Some(true) {
                return refuse("baq=True with rules='depth'", "samtools depth has no BAQ; use rules='mpileup'");
            }
            if self.max_depth != 0 {
                return refuse("max_depth with rules='depth'", "samtools depth has no cap; leave it at 0 or use rules='mpileup'");
            }
        }
        Ok(())
    }

    /// Whether BAQ is computed when `has_reference` says whether a reference was given.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] when BAQ is asked for without a reference.
    pub fn uses_baq(&self, has_reference: bool) -> Result<bool> {
        match (self.baq, has_reference) {
            (Some(true), false) => Err(Error::new(Kind::InvalidArgument, "baq=True without a reference")
                .hint("give ref=, or leave baq out: it is on when a reference is given")),
            (Some(on), _) => Ok(on),
            (None, has_reference) => Ok(has_reference),
        }
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
        let depth = Rules::new(Preset::Depth);
        let mpileup = Rules::new(Preset::Mpileup);
        for rules in [
            Rules { baq: Some(true), ..depth },
            Rules { max_depth: 8000, ..depth },
            Rules { require_flags: 0x400, ..mpileup },
            Rules { exclude_flags: 0x1000, ..mpileup },
        ] {
            assert_eq!(rules.validate().unwrap_err().kind(), Kind::InvalidArgument, "{rules:?}");
        }
        assert!(Rules { baq: Some(true), ..mpileup }.uses_baq(false).is_err());
        assert!(mpileup.uses_baq(true).unwrap());
        assert!(!mpileup.uses_baq(false).unwrap());
    }
}
