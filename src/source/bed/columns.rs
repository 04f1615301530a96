//! Names of columns: the head of a BED file and frames of other libraries are read by the same list.

use crate::error::{Error, Kind, Result, escape};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Chrom,
    Start,
    End,
    Name,
    /// The name, where no column is called that.
    Gene,
    /// The contig where positions are 1-based: GFF, GTF and frames made of `GRanges`.
    OneBasedChrom,
}

/// Spellings, without regard to case, underscores and a leading `#`: bedtools, bioframe, `PyRanges`, UCSC, pybedtools, GTF, R.
const SPELLINGS: [(&str, Role); 14] = [
    ("chrom", Role::Chrom),
    ("chr", Role::Chrom),
    ("chromosome", Role::Chrom),
    ("start", Role::Start),
    ("chromstart", Role::Start),
    ("end", Role::End),
    ("chromend", Role::End),
    ("stop", Role::End),
    ("name", Role::Name),
    ("gene", Role::Gene),
    ("genename", Role::Gene),
    ("seqid", Role::OneBasedChrom),
    ("seqname", Role::OneBasedChrom),
    ("seqnames", Role::OneBasedChrom),
];

fn role(name: &str) -> Option<Role> {
    let plain: String = name.trim().trim_start_matches('#').chars().filter(|&c| c != '_').flat_map(char::to_lowercase).collect();
    SPELLINGS.iter().find(|(spelling, _)| *spelling == plain).map(|&(_, role)| role)
}

/// What the first line of a file is that holds no interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Names of BED's columns, in BED's order.
    Bed,
    /// Names of columns with 1-based positions.
    OneBased,
    /// No names of columns.
    Other,
}

/// Tells what the fields of a line are.
pub(super) fn head(fields: &[&[u8]]) -> Head {
    let mut roles = fields.iter().map(|field| str::from_utf8(field).ok().and_then(role));
    match [roles.next().flatten(), roles.next().flatten(), roles.next().flatten()] {
        [Some(Role::Chrom), Some(Role::Start), Some(Role::End)] => Head::Bed,
        [Some(Role::OneBasedChrom), ..] => Head::OneBased,
        _ => Head::Other,
    }
}

/// Which columns of a frame hold the intervals, as indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Names of contigs.
    pub chrom: usize,
    /// Starts, 0-based.
    pub start: usize,
    /// Ends, not included.
    pub end: usize,
    /// Names of the intervals.
    pub name: Option<usize>,
}

impl Columns {
    /// Finds them by the names of all columns.
    ///
    /// # Errors
    ///
    /// [`Kind::InvalidArgument`] when one is missing, two could be meant, or the names are those of a table with 1-based positions.
    pub fn find(names: &[String]) -> Result<Self> {
        let chrom = match one(names, Role::Chrom, "chrom")? {
            None if names.iter().any(|name| role(name) == Some(Role::OneBasedChrom)) => return Err(one_based(names)),
            found => found,
        };
        let wanted = |found: Option<usize>, which| found.ok_or_else(|| missing(names, which));
        let name = match one(names, Role::Name, "name")? {
            None => one(names, Role::Gene, "name")?,
            found => found,
        };
        Ok(Self {
            chrom: wanted(chrom, "chrom")?,
            start: wanted(one(names, Role::Start, "start")?, "start")?,
            end: wanted(one(names, Role::End, "end")?, "end")?,
            name,
        })
    }
}

fn one(names: &[String], wanted: Role, plain: &str) -> Result<Option<usize>> {
    let mut found = names.iter().enumerate().filter(|(_, name)| role(name) == Some(wanted));
    match (found.next(), found.next()) {
        (Some((_, first)), Some((_, second))) => {
            let what = format!("bed has the columns '{}' and '{}', which could both be {plain}", shown(first), shown(second));
            Err(Error::new(Kind::InvalidArgument, what).hint("drop or rename one of them"))
        }
        (found, _) => Ok(found.map(|(i, _)| i)),
    }
}

fn shown(name: &str) -> String {
    escape(name.as_bytes())
}

fn missing(names: &[String], which: &str) -> Error {
    const MOST: usize = 20;
    let mut listed: Vec<_> = names.iter().take(MOST).map(|name| shown(name)).collect();
    if names.len() > MOST {
        listed.push("…".into());
    }
    let error = Error::new(Kind::InvalidArgument, format!("bed has no column '{which}'; its columns are {}", listed.join(", ")));
    let is_position = |name: &String| matches!(name.to_lowercase().as_str(), "pos" | "position");
    if which != "chrom" && names.iter().any(is_position) {
        return error.hint(
            "a table of positions holds no intervals: give chrom, start (0-based) and end (not included), or a table of runs (runs=True)",
        );
    }
    error.hint("give the columns chrom, start (0-based), end (not included) and, if you like, name")
}

fn one_based(names: &[String]) -> Error {
    let which = names.iter().find(|name| role(name) == Some(Role::OneBasedChrom)).map_or_else(String::new, |name| shown(name));
    let what = format!("bed has a column '{which}', a name of GFF and GRanges, whose positions are 1-based with the end included");
    Error::new(Kind::InvalidArgument, what)
        .hint(format!("subtract 1 from start and rename '{which}' to 'chrom', or give the rows as regions=, which are 1-based"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(names: &str) -> Result<[Option<usize>; 4]> {
        let names: Vec<_> = names.split(' ').map(str::to_owned).collect();
        Columns::find(&names).map(|c| [Some(c.chrom), Some(c.start), Some(c.end), c.name])
    }

    #[test]
    fn columns_of_other_tools_are_found() {
        for (names, wanted) in [
            ("chrom start end", [Some(0), Some(1), Some(2), None]),
            ("Chromosome Start End Strand Name", [Some(0), Some(1), Some(2), Some(4)]),
            ("#chrom chromStart chromEnd name score", [Some(0), Some(1), Some(2), Some(3)]),
            ("index chr_ chrom_start STOP", [Some(1), Some(2), Some(3), None]),
            ("chrom start end gene name", [Some(0), Some(1), Some(2), Some(4)]),
            ("chrom start end gene_name", [Some(0), Some(1), Some(2), Some(3)]),
            ("chrom start end chrom_2 start2", [Some(0), Some(1), Some(2), None]),
            ("seqid chrom start end", [Some(1), Some(2), Some(3), None]),
        ] {
            assert_eq!(find(names).unwrap(), wanted, "{names}");
        }
    }

    #[test]
    fn columns_that_are_missing_or_mean_two_things_are_named() {
        for (names, words) in [
            ("a b", "bed has no column 'chrom'; its columns are a, b"),
            ("chrom start stop2", "no column 'end'"),
            ("chrom pos depth", "a table of positions holds no intervals"),
            ("chrom Start chromStart end", "bed has the columns 'Start' and 'chromStart', which could both be start"),
            ("chrom start Start end", "'start' and 'Start', which could both"),
            ("chrom start start end", "'start' and 'start', which could both"),
            ("chrom start end gene gene_name", "'gene' and 'gene_name', which could both be name"),
            ("seqid source type start end", "bed has a column 'seqid', a name of GFF and GRanges, whose positions are 1-based"),
            ("seqnames start end width", "subtract 1 from start and rename 'seqnames' to 'chrom', or give the rows as regions="),
        ] {
            let error = find(names).unwrap_err();
            assert_eq!(error.kind(), Kind::InvalidArgument);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
