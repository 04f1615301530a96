//! The positions a table of evidence is about, and which records of a pass lie in them.

use crate::coords::{Interval, Target};
use crate::error::{Error, Kind, Result};
use crate::pass::PartStart;
use crate::plan::{Origin, Section};
use crate::source::header::Header;
use crate::source::record::Record;
use crate::source::records::unsorted;

/// Positions, as intervals that do not touch, sorted; or all of them.
#[derive(Clone, Debug)]
pub struct Area {
    targets: Vec<Target>,
    /// The intervals of each contig; `None`: every position of every contig.
    by_contig: Option<Vec<Vec<Interval>>>,
}

impl Area {
    /// Every position, and records without one.
    pub const fn everywhere() -> Self {
        Self { targets: Vec::new(), by_contig: None }
    }

    /// The positions of `targets`, which may overlap and come in any order.
    pub fn of(targets: &[Target], contigs: usize) -> Self {
        let mut by_contig = vec![Vec::new(); contigs];
        let mut sorted = targets.to_vec();
        sorted.sort_by_key(|target| (target.contig, target.interval.start));
        for target in sorted {
            target.interval.join(&mut by_contig[target.contig]);
        }
        let on = |(contig, intervals): (usize, &Vec<Interval>)| -> Vec<Target> {
            intervals.iter().map(|&interval| Target { contig, interval }).collect()
        };
        Self { targets: by_contig.iter().enumerate().flat_map(on).collect(), by_contig: Some(by_contig) }
    }

    /// The intervals, sorted by contig and start; a pass that reads by the index has one section for each.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Whether one of the positions `interval` of a contig lies in the area.
    pub fn overlaps(&self, contig: usize, interval: Interval) -> bool {
        let Some(by_contig) = &self.by_contig else { return true };
        let intervals = by_contig.get(contig).map_or(&[][..], Vec::as_slice);
        let next = intervals.partition_point(|i| i.end <= interval.start);
        intervals.get(next).is_some_and(|i| i.start < interval.end)
    }
}

/// What becomes of a record because of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// It belongs to the section.
    Inside,
    /// It has no position, lies outside the section, or was met with an earlier one.
    Elsewhere,
    /// It lies behind the section, and so does every record that follows.
    Behind,
}

/// Follows the records of one part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    part: PartStart,
    last: i32,
    /// Records met on the section's contig.
    pub records: u64,
}

impl Follower {
    pub const fn new(part: PartStart) -> Self {
        Self { part, last: -1, records: 0 }
    }

    /// The target the part belongs to.
    pub const fn target(&self) -> Option<usize> {
        match self.part.section {
            Section::Target(id) => Some(id),
            Section::File => None,
        }
    }

    /// Where the next record lies. A record that overlaps two sections belongs to the first. Records of the whole file may come in any order.
    ///
    /// # Errors
    ///
    /// [`Kind::CorruptFile`] for a record that is out of order or outside its contig, [`Kind::IndexMismatch`] where the index leads to
    /// another contig.
    #[inline]
    pub fn locate(&mut self, record: Record<'_>, reference_len: i64, header: &Header, area: &Area) -> Result<Location> {
        let Section::Target(id) = self.part.section else { return Ok(Location::Inside) };
        let Some(target) = area.targets.get(id) else { return Ok(Location::Elsewhere) };
        header.check_place(record)?;
        let (contig, pos) = (record.contig_id(), record.pos());
        if contig != target.contig as i32 {
            return self.on_another_contig(contig, target.contig, header);
        }
        self.records += 1;
        if pos < 0 {
            return Ok(Location::Elsewhere);
        }
        if pos < self.last {
            return Err(unsorted());
        }
        self.last = pos;
        let start = i64::from(pos);
        if start >= target.interval.end {
            return Ok(Location::Behind);
        }
        let before = id.checked_sub(1).map(|before| area.targets[before]);
        let was_met = before.is_some_and(|before| before.contig == target.contig && before.interval.end > start);
        let is_inside = start + reference_len.max(1) > target.interval.start && !was_met;
        Ok(if is_inside { Location::Inside } else { Location::Elsewhere })
    }

    fn on_another_contig(&self, contig: i32, wanted: usize, header: &Header) -> Result<Location> {
        if self.records == 0 && self.part.origin == Origin::Stretch {
            return Err(Error::new(Kind::IndexMismatch, "the index points at a record of another contig")
                .contig(&header.contigs[wanted].name)
                .hint("the index is of another file or older: run 'samtools index'"));
        }
        if contig == -1 || contig > wanted as i32 { Ok(Location::Behind) } else { Err(unsorted()) }
    }
}
