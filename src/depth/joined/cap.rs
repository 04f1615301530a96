//! Which records of each part the depth cap drops.

use std::collections::BTreeMap;

use crate::depth::cap::{Dropped, PileupCap, window_of};
use crate::depth::worker::Part;

/// The pileup engine's buffer behind the last part of a target, and how many records touch each window of positions.
#[derive(Debug)]
pub(super) struct Cap {
    max_depth: u32,
    engine: PileupCap,
    /// Changes of the number of records that touch a window, at its number.
    windows: BTreeMap<i64, i64>,
    now: i64,
}

impl Cap {
    pub(super) fn new(max_depth: u32) -> Self {
        Self { max_depth, engine: PileupCap::new(max_depth, 0), windows: BTreeMap::new(), now: 0 }
    }

    /// Begins a target.
    pub(super) fn begin(&mut self, contig: usize) {
        self.engine = PileupCap::new(self.max_depth, contig);
        self.windows.clear();
        self.now = 0;
    }

    /// The numbers of the records that are dropped, among those kept of the part.
    pub(super) fn drops<const L: usize>(&mut self, part: &Part<L>, dropped: &mut Dropped) -> Vec<u32> {
        if self.max_depth == 0 {
            return Vec::new();
        }
        if part.starts.is_none_or(|starts| !self.may_act(&part.active, window_of(starts.end))) {
            self.engine.take(&part.extents);
            return Vec::new();
        }
        let drops = self.engine.drops(&part.extents);
        for &number in &drops {
            dropped.add(part.extents[number as usize]);
        }
        drops
    }

    /// Adds the records of a part to the windows they touch. Whether they are more than the cap in a window up to `last`, by the records
    /// so far.
    fn may_act(&mut self, changes: &[(i64, i32)], last: i64) -> bool {
        for &(window, by) in changes {
            *self.windows.entry(window).or_default() += i64::from(by);
        }
        let mut most = self.now;
        while let Some(entry) = self.windows.first_entry()
            && *entry.key() < last
        {
            self.now += entry.remove();
            most = most.max(self.now);
        }
        let here = self.windows.get(&last).copied().unwrap_or(0);
        most.max(self.now + here) > i64::from(self.max_depth)
    }
}
