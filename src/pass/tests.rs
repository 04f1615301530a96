//! Passes over files and over memory: every record once, in the order of the file, however parts are cut and taken again.
#![allow(clippy::unwrap_used, reason = "an error where there should be none is the failing test")]

use super::{Both, Consumer, Flow, PartStart, Reads, Watch, run};
use crate::error::{Error, Kind, Result};
use crate::plan::{Plan, Section};
use crate::source::alignments::Alignments;
use crate::source::records::Batch;

use crate::support::bam::{self, FileShape, IndexKind};
use crate::support::generate::{self, Rng};

/// Lists the names of all records. Parts whose number of records is divisible by `screened` are wanted again when they are screened, those
/// divisible by `joined` when they are joined, 0 for none.
#[derive(Clone, Copy)]
struct Lister {
    reads: Reads,
    screened: usize,
    joined: usize,
    most: usize,
}

const PLAIN: Lister =
    Lister { reads: Reads { whole_parts: true, one_contig: false, edits: false }, screened: 0, joined: 0, most: usize::MAX };

#[derive(Default)]
struct Listed {
    names: Vec<Vec<u8>>,
    contigs: Vec<i32>,
    times: usize,
}

impl Consumer for Lister {
    type Worker<'w> = Listed;
    type Part = Listed;
    type Joined = Listed;
    type Ready = usize;
    type Again = usize;

    fn reads(&self) -> Reads {
        self.reads
    }

    fn worker(&self) -> Listed {
        Listed::default()
    }

    fn begin(&self, worker: &mut Listed, _: PartStart, again: Option<usize>) {
        *worker = Listed { times: again.map_or(1, |times| times + 1), ..Listed::default() };
    }

    fn take(&self, worker: &mut Listed, batch: &mut Batch<'_>) -> Result<Flow> {
        for i in 0..batch.records.len() {
            if worker.names.len() == self.most {
                return Ok(Flow::Enough);
            }
            worker.names.push(batch.record(i).name().to_vec());
            worker.contigs.push(batch.record(i).contig_id());
        }
        Ok(Flow::More)
    }

    fn finish(&self, worker: &mut Listed, batch: &mut Batch<'_>) -> Result<Listed> {
        assert!(!self.reads.whole_parts || self.most < usize::MAX || batch.records.len() == worker.names.len());
        if self.reads.one_contig {
            assert!(worker.contigs.iter().all(|c| *c == worker.contigs[0]));
        }
        Ok(std::mem::take(worker))
    }

    fn screen(&self, _: &mut Listed, part: &Listed) -> Result<Option<usize>> {
        Ok((self.screened > 0 && part.names.len().is_multiple_of(self.screened)).then_some(part.times))
    }

    fn join(&self, joined: &mut Listed, part: &mut Listed, ready: &mut Vec<usize>) -> Result<Option<usize>> {
        if self.joined > 0 && part.names.len().is_multiple_of(self.joined) && part.times < 3 {
            return Ok(Some(part.times));
        }
        joined.times = joined.times.max(part.times);
        ready.push(part.names.len());
        joined.names.append(&mut part.names);
        joined.contigs.append(&mut part.contigs);
        Ok(None)
    }

    fn settle(&self, _: &mut Listed, _: usize) -> Result<()> {
        Ok(())
    }
}

fn names(alignments: &Alignments, lister: &Lister, rng: &mut Rng) -> Vec<Vec<u8>> {
    let plan = Plan::of_file(alignments, rng.choose(&[1, 700, 5_000, 1 << 20])).unwrap();
    assert!(plan.spans.iter().all(|span| span.section == Section::File));
    let sizes = (rng.choose(&[1, 2, 5]), rng.choose(&[1, 300, 4_000, 1 << 20]));
    run(alignments, &plan, lister, Listed::default(), sizes, &Watch::unattended()).unwrap().names
}

#[test]
fn every_record_comes_once_and_in_order_whatever_is_taken_again() {
    let mut rng = Rng::new(11);
    for seed in 0..60 {
        let folder = tempfile::tempdir().unwrap();
        let sample = generate::sample(seed, false);
        let files = bam::write(&sample, folder.path(), &FileShape { index: IndexKind::None, ..generate::shape(seed) });
        let wanted: Vec<Vec<u8>> = sample.reads.iter().map(|read| read.name.clone()).collect();
        let file = Alignments::open(&files.bam, false).unwrap();
        let header = bam::header(&sample);
        let memory = Alignments::in_memory(&header, sample.reads.iter().map(bam::encode)).unwrap();
        for alignments in [&file, &memory] {
            for _ in 0..4 {
                let lister = Lister {
                    reads: Reads { whole_parts: rng.chance(50), one_contig: rng.chance(50), edits: rng.chance(30) },
                    screened: rng.choose(&[0, 0, 1, 2, 3]),
                    joined: rng.choose(&[0, 0, 1, 2, 5]),
                    most: usize::MAX,
                };
                assert_eq!(names(alignments, &lister, &mut rng), wanted, "seed {seed}");
            }
        }
    }
}

#[test]
fn two_consumers_in_one_pass_get_what_each_gets_alone() {
    let mut rng = Rng::new(5);
    for seed in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let sample = generate::sample(seed, false);
        let files = bam::write(&sample, folder.path(), &generate::shape(seed));
        let alignments = Alignments::open(&files.bam, false).unwrap();
        let plan = Plan::of_file(&alignments, rng.choose(&[1, 2_000, 1 << 20])).unwrap();
        let wanted = names(&alignments, &PLAIN, &mut rng);
        let mut lister = |edits| Lister {
            reads: Reads { whole_parts: rng.chance(50), one_contig: rng.chance(50), edits },
            screened: rng.choose(&[0, 1, 2]),
            joined: rng.choose(&[0, 2, 3]),
            most: usize::MAX,
        };
        let both = Both(lister(false), lister(true));
        let parts = if seed % 2 == 0 { 200 } else { 1 << 20 };
        let joined = run(&alignments, &plan, &both, Default::default(), (3, parts), &Watch::unattended()).unwrap();
        assert!(joined.0.names == wanted && joined.1.names == wanted, "seed {seed}");
    }
}

#[test]
fn a_consumer_that_has_enough_ends_the_pass() {
    let sample = generate::sample(3, false);
    let memory = Alignments::in_memory(&bam::header(&sample), sample.reads.iter().map(bam::encode)).unwrap();
    let plan = Plan::of_file(&memory, 1).unwrap();
    let lister = Lister { most: 2, ..PLAIN };
    let joined = run(&memory, &plan, &lister, Listed::default(), (2, 1 << 20), &Watch::unattended()).unwrap();
    let wanted: Vec<_> = sample.reads.iter().take(2).map(|read| read.name.clone()).collect();
    assert_eq!(joined.names, wanted);
}

/// Fails at the record of this number.
struct Failing(usize);

impl Consumer for Failing {
    type Worker<'w> = ();
    type Part = usize;
    type Joined = usize;
    type Ready = ();
    type Again = ();

    fn worker(&self) {}

    fn begin(&self, (): &mut (), _: PartStart, _: Option<()>) {}

    fn take(&self, (): &mut (), batch: &mut Batch<'_>) -> Result<Flow> {
        let wanted = format!("r{}", self.0);
        match (0..batch.records.len()).find(|&i| batch.record(i).name() == wanted.as_bytes()) {
            Some(i) => Err(batch.at_record(Error::new(Kind::CorruptFile, "refused"), i)),
            None => Ok(Flow::More),
        }
    }

    fn finish(&self, (): &mut (), _: &mut Batch<'_>) -> Result<usize> {
        Ok(0)
    }

    fn join(&self, _: &mut usize, _: &mut usize, _: &mut Vec<()>) -> Result<Option<()>> {
        Ok(None)
    }

    fn settle(&self, (): &mut (), (): ()) -> Result<()> {
        Ok(())
    }
}

#[test]
fn an_error_of_a_consumer_names_file_record_and_number_however_the_file_is_cut() {
    let mut rng = Rng::new(3);
    let mut sample = crate::support::model::Sample::new().contig("c", &[b'A'; 50]);
    sample.reads = (0..300).map(|i| crate::support::model::Read::new(&format!("r{i}")).at(0, i / 10).cigar("5M").seq("ACGTA")).collect();
    let folder = tempfile::tempdir().unwrap();
    let files = bam::write(&sample, folder.path(), &FileShape { frame_payload: 500, ..FileShape::default() });
    let alignments = Alignments::open(&files.bam, false).unwrap();
    for _ in 0..20 {
        let number = rng.below(300) as usize;
        let plan = Plan::of_file(&alignments, rng.choose(&[1, 600, 1 << 20])).unwrap();
        let sizes = (rng.choose(&[1, 4]), rng.choose(&[1, 200, 1 << 20]));
        let error = run(&alignments, &plan, &Failing(number), 0, sizes, &Watch::unattended()).unwrap_err();
        assert_eq!(error.at_record(), Some(number as u64 + 1), "{error}");
        assert!(error.to_string().contains(&format!("\"r{number}\"")) && error.file() == Some(&*files.bam), "{error}");
    }
}
