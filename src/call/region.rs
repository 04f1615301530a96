//! Regions as a caller gives them, and the targets they stand for.

use std::path::Path;

use crate::coords::{RegionText, Target, clip_to_contig};
use crate::error::{Error, Kind, Result, escape};
use crate::source::fasta::Reference;
use crate::source::header::Header;

/// Positions a caller asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Region {
    /// A region string: `contig`, `contig:start-end` (1-based, inclusive).
    Text(String),
    /// A contig and its first and last position, 1-based, inclusive.
    Range(String, i64, i64),
}

/// What regions are resolved against.
pub(super) struct Resolver<'a> {
    pub(super) header: &'a Header,
    pub(super) path: &'a Path,
    pub(super) reference: Option<&'a Reference>,
    /// What the caller should know.
    pub(super) warnings: Vec<String>,
}

impl Resolver<'_> {
    /// The targets of `regions`, in their order; without them every contig that has a position. An end past the contig's end is cut, with a
    /// warning.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::UnknownContig`], [`crate::error::Kind::Region`]; [`crate::error::Kind::ReferenceMissing`] or
    /// [`crate::error::Kind::ReferenceMismatch`] when the reference does not have a contig with this length.
    pub(super) fn targets(&mut self, regions: Option<&[Region]>) -> Result<Vec<Target>> {
        let Some(regions) = regions else {
            return self.whole(0..self.header.contigs.len());
        };
        regions.iter().map(|region| self.target_of(region)).collect()
    }

    /// The targets that cover the contigs `ids`, in their order, without those of length 0.
    ///
    /// # Errors
    ///
    /// Those of [`Resolver::targets`] about the reference.
    pub(super) fn whole(&mut self, ids: impl IntoIterator<Item = usize>) -> Result<Vec<Target>> {
        let contigs = ids.into_iter().map(|id| (id, self.header.contigs[id].len)).filter(|c| c.1 > 0);
        contigs.map(|(id, len)| self.target(id, 1, len)).collect()
    }

    fn target_of(&mut self, region: &Region) -> Result<Target> {
        match region {
            Region::Range(contig, start, end) => self.target(self.contig(contig)?, *start, *end),
            Region::Text(text) => {
                let header = self.header;
                let region = RegionText::parse(text, |name| header.contig_of_text(name).is_some()).map_err(|e| e.path(self.path))?;
                let id = self.contig(region.name)?;
                let (start, end) = region.range.unwrap_or((1, None));
                self.target(id, start, end.unwrap_or(header.contigs[id].len.max(start)))
            }
        }
    }

    fn contig(&self, name: &str) -> Result<usize> {
        self.header.contig_of_text(name).ok_or_else(|| {
            if is_like_a_file(name) {
                let what = format!("'{}' is not a contig of the header; it looks like a file of intervals", escape(name.as_bytes()));
                let hint = "regions are like 'chr1:1000-2000'; a BED file is for bed, as in target_stats(bam, bed)";
                return Error::new(Kind::UnknownContig, what).contig(name.as_bytes()).path(self.path).hint(hint);
            }
            self.header.unknown_contig(name.as_bytes()).path(self.path)
        })
    }

    /// Refuses a contig that the reference does not have with this length.
    ///
    /// # Errors
    ///
    /// Those of [`Resolver::targets`] about the reference.
    pub(super) fn check_reference(&self, id: usize) -> Result<()> {
        let contig = &self.header.contigs[id];
        self.reference.map_or(Ok(()), |reference| reference.check_contig(&contig.name, contig.len))
    }

    fn target(&mut self, id: usize, start: i64, end: i64) -> Result<Target> {
        let contig = &self.header.contigs[id];
        let (interval, clipped) = clip_to_contig(&contig.name, start, end, contig.len).map_err(|e| e.path(self.path))?;
        if clipped {
            let (region, len) = (format!("{}:{start}-{end}", escape(&contig.name)), contig.len);
            self.warnings.push(format!("region {region} ends past the contig, which has {len} bases; it was cut there"));
        }
        self.check_reference(id)?;
        Ok(Target { contig: id, interval })
    }
}

/// Whether a name of a contig that is not known is that of a file.
fn is_like_a_file(name: &str) -> bool {
    const ENDINGS: [&str; 6] = [".bed", ".bed.gz", ".bed.bgz", ".interval_list", ".gff", ".gtf"];
    let lower = name.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| lower.ends_with(ending))
}
