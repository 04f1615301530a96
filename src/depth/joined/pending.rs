//! Changes behind the frontier, until it has passed them.

use crate::depth::slab::Change;

/// What one part left behind its last start.
#[derive(Debug)]
struct Run {
    /// Sorted by position; those before `at` are taken.
    changes: Vec<Change>,
    at: usize,
}

/// Changes that wait for the frontier, a sorted run for each part that left some.
///
/// Long reads leave tens of thousands per part, introns a few that wait for long; a run costs nothing while none of it is due.
#[derive(Debug, Default)]
pub struct Pending {
    runs: Vec<Run>,
}

impl Pending {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.runs.clear();
    }

    /// Adds a part's changes, which may come in any order.
    pub fn add(&mut self, mut changes: Vec<Change>) {
        if !changes.is_empty() {
            changes.sort_unstable_by_key(|c| c.at);
            self.runs.push(Run { changes, at: 0 });
        }
    }

    /// Takes out the changes before `frontier`, sorted by position.
    pub fn take_before(&mut self, frontier: i64) -> Vec<Change> {
        let mut due = Vec::new();
        self.runs.retain_mut(|run| {
            let rest = &run.changes[run.at..];
            let n = rest.partition_point(|c| c.at < frontier);
            due.extend_from_slice(&rest[..n]);
            run.at += n;
            run.at < run.changes.len()
        });
        due.sort_unstable_by_key(|c| c.at);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_out_once_sorted_and_not_before_their_time() {
        let changes = |list: &[(i64, i32)]| list.iter().map(|&(at, by)| Change { at, by, lane: 0 }).collect::<Vec<_>>();
        let mut pending = Pending::default();
        pending.add(changes(&[(9, 1), (3, -1), (20, 5)]));
        pending.add(vec![]);
        pending.add(changes(&[(4, 2), (9, -2)]));
        assert_eq!(pending.take_before(3), []);
        assert_eq!(pending.take_before(5), changes(&[(3, -1), (4, 2)]));
        let mut due = pending.take_before(10);
        due.sort_unstable_by_key(|c| c.by);
        assert_eq!(due, changes(&[(9, -2), (9, 1)]));
        assert_eq!(pending.take_before(i64::MAX), changes(&[(20, 5)]));
        assert_eq!(pending.take_before(i64::MAX), []);
    }
}
