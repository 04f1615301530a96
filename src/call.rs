//! The verbs: one function for each question, which opens what it needs, decides which passes it takes, and gives an [`Answer`].
//!
//! `py` and the command line are shells around this room: they hand over [`Settings`] and take tables back.

mod axis;
mod bases;
mod blocks;
mod clusters;
mod coverage;
mod depth;
mod events;
mod evidence;
mod matrix;
mod pages;
mod pairs;
mod qc;
mod region;
mod report;
mod request;
mod runs;
mod stats;
mod stream;
mod targets;
#[cfg(all(test, unix))]
mod tests;

pub use bases::base_counts;
pub use blocks::{Blocks, ContigRow, blocks, contigs};
pub use clusters::{EventNames, sv_clusters};
pub use coverage::{coverage, region_depth};
pub use events::{EventTable, sv_evidence};
pub use evidence::{flag_summary, insert_sizes};
pub use matrix::{Headers, MatrixTable, coverage_matrix};
pub use pairs::{PairTable, discordant_pairs};
pub use qc::{Qc, QcQuery, qc};
pub use region::Region;
pub use report::{Answer, Report};
pub use request::{Request, Settings, Tuning};
pub use runs::{Binned, Histograms, binned_runs, depth_histograms};
pub use stats::{StatTables, target_stats, window_stats};
pub use stream::{Batch, DepthStream, StreamEnd, stream_coverage};
pub use targets::{By, Targets};
