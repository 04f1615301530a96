//! States by hand: which records of a name meet.

use super::*;
use crate::source::record::{FIRST, LAST, PAIRED, PROPER_PAIR};

/// A record of 20 bases without name, SEQ or tags.
fn record(flags: u16, pos: i32, mate_pos: i32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let bin_and_name = 1u32;
    for word in [0, pos.cast_unsigned(), bin_and_name, u32::from(flags) << 16 | 1, 0, if mate_pos < 0 { u32::MAX } else { 0 }] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(mate_pos.to_le_bytes());
    bytes.extend(0u32.to_le_bytes());
    bytes.push(0);
    bytes.extend((20u32 << 4).to_le_bytes());
    bytes
}

/// What becomes of records of one name that come one after the other; each has 20 positions, and `clock` is that of the engine.
fn outcomes<M: MateRule>(records: &[Vec<u8>]) -> Vec<Outcome> {
    let mut state = State::default();
    let of = |handle: u32| Record::trusted(&records[handle as usize]);
    let mut before = None;
    let arrive = |(i, bytes): (usize, &Vec<u8>)| {
        let record = Record::trusted(bytes);
        let clock = before.map_or(i64::MIN, |before: i64| before - 1);
        before = Some(i64::from(record.pos()));
        let arrival = M::arrival(record, i64::from(record.pos()) + 20, clock);
        arrival.map_or(Outcome::Alone, |arrival| M::arrive(&mut state, arrival, i as u32, of))
    };
    records.iter().enumerate().map(arrive).collect()
}

const READ1: u16 = PAIRED | PROPER_PAIR | FIRST;
const READ2: u16 = PAIRED | PROPER_PAIR | LAST;

#[test]
fn a_mate_in_the_buffer_is_met_once() {
    let records = [record(READ1, 0, 10), record(READ2, 10, 12), record(READ1, 12, 15), record(READ2, 15, 12)];
    assert_eq!(outcomes::<Edit>(&records), [Outcome::Alone, Outcome::Meets(0), Outcome::Alone, Outcome::Meets(2)]);
}

#[test]
fn any_record_that_leaves_takes_the_name_with_it() {
    // The first one, which waits for no mate, has left when the third one comes.
    let records = [record(READ1 | 0x8, 0, 5), record(READ1, 15, 25), record(READ2, 25, 15), record(READ1, 26, 15)];
    assert_eq!(outcomes::<Edit>(&records), [Outcome::Alone, Outcome::Alone, Outcome::Meets(1), Outcome::Alone]);
}

#[test]
fn depth_clips_the_later_record() {
    let records = [record(READ1, 0, 10), record(READ2, 10, 0), record(READ1, 12, 15)];
    assert_eq!(outcomes::<Clip>(&records), [Outcome::Alone, Outcome::CountsFrom(20), Outcome::Alone]);
}

#[test]
fn mates_of_a_template_name_each_other() {
    let records = [record(READ1, 0, 10), record(READ1, 5, 15), record(READ2, 10, 0), record(READ2, 12, 5), record(READ2, 15, 5)];
    assert_eq!(outcomes::<Template>(&records), [Outcome::Alone, Outcome::Alone, Outcome::Meets(0), Outcome::Alone, Outcome::Meets(1)]);
}

#[test]
fn lost_mate_fields_name_any_record_that_overlaps() {
    let lost = [record(READ1, 0, -1), record(READ2, 19, -1), record(READ1, 38, -1), record(READ2, 58, -1)];
    assert_eq!(outcomes::<Template>(&lost), [Outcome::Alone, Outcome::Meets(0), Outcome::Alone, Outcome::Alone]);
    // A record that names this position comes before one that has lost its mate fields.
    let both = [record(READ1, 0, -1), record(READ1, 5, 10), record(READ2, 10, -1)];
    assert_eq!(outcomes::<Template>(&both), [Outcome::Alone, Outcome::Alone, Outcome::Meets(1)]);
}

#[test]
fn a_fragment_waits_for_a_mate_that_does_not_overlap() {
    let records = [record(READ1, 0, 500), record(READ2, 500, 0)];
    assert_eq!(outcomes::<Template>(&records), [Outcome::Alone, Outcome::Alone]);
    assert_eq!(outcomes::<Fragment>(&records), [Outcome::Alone, Outcome::Meets(0)]);
}

#[test]
fn records_of_a_name_join_those_that_reach_over_their_start() {
    let records: Vec<_> = [0, 5, 19, 22, 60].map(|pos| record(READ1, pos, pos)).into();
    assert_eq!(
        outcomes::<Union>(&records),
        [Outcome::Alone, Outcome::Joins(vec![0]), Outcome::Joins(vec![0, 1]), Outcome::Joins(vec![1, 2]), Outcome::Alone]
    );
}
