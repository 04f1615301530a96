//! What booking records takes besides the records.

use crate::coords::Interval;
use crate::depth::bases::BaseFilter;
use crate::depth::slab::Slab;
use crate::rules::{Rules, Select};
use crate::source::record::Record;

/// The rule of a call, as far as it says what is booked, and scratch memory.
pub struct Booking<'s> {
    /// What counts at a position.
    pub filter: BaseFilter,
    /// What is counted of a record or fragment.
    pub select: Select,
    /// Whether the introns of a fragment's reads count.
    pub skips: bool,
    /// Scratch for the edited qualities of two mates.
    pub qualities: &'s mut (Vec<u8>, Vec<u8>),
    /// Records whose fragment turned out to be too short or too long, less those taken for such before their mate was read.
    pub left_out: i64,
}

impl<'s> Booking<'s> {
    /// Booking by `rules`.
    pub fn new(rules: &Rules, qualities: &'s mut (Vec<u8>, Vec<u8>)) -> Self {
        Self { filter: BaseFilter::new(rules), select: rules.select, skips: rules.skips, qualities, left_out: 0 }
    }

    /// Adds `weight` at every position of `extent`, the record's, that it counts at.
    #[inline]
    pub fn count<const L: usize>(&self, record: Record<'_>, extent: Interval, weight: i32, slab: &mut Slab<L>) {
        self.filter.count(record, record.qual(), extent, weight, slab);
    }
}
