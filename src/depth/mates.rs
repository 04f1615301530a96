//! Records of one template that count together: which records meet, in the order of the file, and what is booked then.
//!
//! Every rule that counts overlapping mates once is a [`MateRule`] in a file of its own. For each read name there is a [`State`]: the
//! records of that name that later ones can still meet. Within a part the states live in a [`Table`]. Between parts only the states that
//! are still open are handed on, with a copy of each record that waits. A state's future depends on the state and on later records
//! alone, so it does not matter where a part ends.
//!
//! A part can be counted before the parts in front of it are known. Its names are then taken to be new. When it is joined, a name that was
//! carried over the seam is found by its hash. Where that name has one record in the part, and a copy of it was kept, the two are put
//! together. Anything else (a third record of a name) makes the part be counted again with the carried names known. See
//! `docs/design/001-spans-and-seams.md`.

mod booking;
mod carry;
mod clip;
mod edit;
mod fragment;
mod group;
mod megadepth;
mod mosdepth;
mod state;
mod table;
mod template;
#[cfg(test)]
mod tests;

pub use booking::Booking;
pub use carry::{Arena, Carried, Carry};
pub use clip::Clip;
pub use edit::{Edit, MAX_SUM, fraction, sum};
pub use fragment::{Fragment, expected as expected_fragment};
pub use group::{Best, Union};
pub use megadepth::Megadepth;
pub use mosdepth::Mosdepth;
pub use state::State;
pub use table::{Entry, Held, KeptRecords, Seam, Table, Texts, hash_name};
pub use template::Template;

use super::slab::Slab;
use crate::coords::Interval;
use crate::source::record::{Record, Tag};

/// How a tool puts records of one name together.
pub trait MateRule {
    /// What the rule needs to know of a record that takes part.
    type Arrival: Copy;

    /// Whether records wait in htslib's pileup buffer, which the depth cap and records that cover nothing act on.
    const BUFFERED: bool = false;
    /// The tag that copies of records must keep.
    const TAG: Option<Tag> = None;

    /// How `record` takes part, `None` when it does not. `end` is one past its last position; `clock` is that of the pileup engine, one
    /// below the start of the record before.
    fn arrival(record: Record<'_>, end: i64, clock: i64) -> Option<Self::Arrival>;

    /// Whether the record looks for an earlier one of its name.
    fn looks(arrival: Self::Arrival) -> bool;

    /// Moves the state of a name on by one record, whose handle is `me`. `record_of` gives the record of a handle, `me` too.
    fn arrive<'r>(state: &mut State, arrival: Self::Arrival, me: u32, record_of: impl Fn(u32) -> Record<'r>) -> Outcome;

    /// Whether a later record can depend on this state, when the last record so far starts at `start`.
    fn is_open(state: &mut State, start: i64) -> bool;

    /// Books a record that meets no other; `extent` are its positions.
    #[inline]
    fn alone<const L: usize>(booking: &mut Booking<'_>, record: Record<'_>, extent: Interval, slab: &mut Slab<L>) {
        booking.count(record, extent, 1, slab);
    }

    /// Books two records that met. `a` was booked alone when it came, and so was `b` when `b_is_booked`.
    fn meet<const L: usize>(booking: &mut Booking<'_>, pair: Met<'_>, slab: &mut Slab<L>) {
        if !pair.b_is_booked {
            booking.count(pair.b, pair.b.extent(), 1, slab);
        }
        booking.filter.subtract_common(pair.a, pair.b, slab);
    }

    /// Books `last`, which joins `earlier` records of its name in the order of the file. They are booked; `last` is when `is_booked`.
    fn join<const L: usize>(_: &mut Booking<'_>, _earlier: &[Record<'_>], _last: Record<'_>, _is_booked: bool, _: &mut Slab<L>) {}
}

/// Two records of one template.
#[derive(Clone, Copy)]
pub struct Met<'r> {
    /// The one that came first.
    pub a: Record<'r>,
    /// The other one.
    pub b: Record<'r>,
    /// The pileup engine's clock when `b` came.
    pub clock: i64,
    /// `b` was booked alone.
    pub b_is_booked: bool,
}

/// What becomes of a record that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It meets no earlier record.
    Alone,
    /// It meets the earlier record of this handle.
    Meets(u32),
    /// It counts only from this position on.
    CountsFrom(i64),
    /// It joins the earlier records of these handles, in the order of the file.
    Joins(Vec<u32>),
}

/// Runs `$body` with `$Rule` as the [`MateRule`] of a [`crate::rules::MateOverlap`], or `$never` where mates are not put together.
macro_rules! with_mate_rule {
    ($overlap:expr, $Rule:ident => $body:expr, never => $never:expr) => {{
        use $crate::depth::mates;
        use $crate::rules::MateOverlap;
        macro_rules! run {
            ($rule:ty) => {{
                type $Rule = $rule;
                $body
            }};
        }
        match $overlap {
            MateOverlap::Never => $never,
            MateOverlap::Edit => run!(mates::Edit),
            MateOverlap::Clip => run!(mates::Clip),
            MateOverlap::Mosdepth => run!(mates::Mosdepth),
            MateOverlap::Megadepth => run!(mates::Megadepth),
            MateOverlap::Template => run!(mates::Template),
            MateOverlap::Fragment => run!(mates::Fragment),
            MateOverlap::Union => run!(mates::Union),
            MateOverlap::Best => run!(mates::Best),
        }
    }};
}
pub(super) use with_mate_rule;
