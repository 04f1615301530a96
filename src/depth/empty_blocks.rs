//! bedtools genomecov books a record that begins with an empty block at the contig's first position on the whole contig.

use super::bases::BaseFilter;
use super::walk::{KeptRecord, Tally, Walker};
use crate::coords::{Interval, Target};
use crate::error::Result;
use crate::rules::Rules;
use crate::source::alignments::Alignments;
use crate::source::record::Record;

/// Depth that every position of `target` has from such records which end in front of it: they are not read with the target.
///
/// # Errors
///
/// What reading the records gives.
pub fn empty_blocks_before(alignments: &Alignments, rules: &Rules, read_groups: Option<&[Vec<u8>]>, target: Target) -> Result<i64> {
    if !rules.preset.traits().empty_block || target.interval.start == 0 {
        return Ok(0);
    }
    let walker = Walker::new(alignments.header(), *rules, read_groups, target, false);
    let filter = BaseFilter::new(rules);
    let mut reader = alignments.reader();
    let mut blocks = 0;
    for stretch in alignments.stretches(target.contig, Interval::new(0, 1)) {
        reader.go_to(stretch.start, stretch.end)?;
        while let Some(found) = reader.next_record()? {
            let record = Record::trusted(&reader.buffer()[found.range()]);
            if record.contig_id() != target.contig as i32 || record.pos() > 0 {
                break;
            }
            let end = i64::from(record.pos()) + found.shape().reference_len;
            let mut kept = KeptRecord { at: 0, len: 0, start: 0, end, single: false };
            let tally = &mut Tally::default();
            if end.max(1) <= target.interval.start && walker.passes(record, tally) && walker.is_selected(record, &mut kept, tally)? {
                blocks += i64::from(filter.empty_blocks(record));
            }
            reader.release();
        }
    }
    Ok(blocks)
}
