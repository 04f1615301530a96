//! Changes of depth behind the frontier, until it has passed them.

/// What one part left behind its last start.
#[derive(Debug)]
struct Run {
    /// Position and change, sorted; those before `at` are taken.
    changes: Vec<(i64, i32)>,
    at: usize,
}

/// Changes of depth that wait for the frontier, a sorted run for each part that left some.
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
    pub fn add(&mut self, mut changes: Vec<(i64, i32)>) {
        if !changes.is_empty() {
            changes.sort_unstable_by_key(|c| c.0);
            self.runs.push(Run { changes, at: 0 });
        }
    }

    /// Takes out the changes before `frontier`, sorted by position.
    pub fn take_before(&mut self, frontier: i64) -> Vec<(i64, i32)> {
        let mut due = Vec::new();
        self.runs.retain_mut(|run| {
            let rest = &run.changes[run.at..];
            let n = rest.partition_point(|c| c.0 < frontier);
            due.extend_from_slice(&rest[..n]);
            run.at += n;
            run.at < run.changes.len()
        });
        due.sort_unstable_by_key(|c| c.0);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_out_once_sorted_and_not_before_their_time() {
        let mut pending = Pending::default();
        pending.add(vec![(9, 1), (3, -1), (20, 5)]);
        pending.add(vec![]);
        pending.add(vec![(4, 2), (9, -2)]);
        assert_eq!(pending.take_before(3), []);
        assert_eq!(pending.take_before(5), [(3, -1), (4, 2)]);
        let mut due = pending.take_before(10);
        due.sort_unstable();
        assert_eq!(due, [(9, -2), (9, 1)]);
        assert_eq!(pending.take_before(i64::MAX), [(20, 5)]);
        assert_eq!(pending.take_before(i64::MAX), []);
    }
}
