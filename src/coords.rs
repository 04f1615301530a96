//! Intervals and regions: the only place where 1-based and 0-based meet.
//!
//! Inside the crate every interval is 0-based and half-open. What a user types in a region string is 1-based and inclusive, as in
//! samtools; BED is 0-based and half-open because the format says so.

#![cfg_attr(
    not(test),
    warn(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::cast_precision_loss)
)]

use crate::error::{Error, Kind, Result, escape};

/// Positions `start..end` on one contig, 0-based, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Interval {
    /// First position.
    pub start: i64,
    /// One past the last position.
    pub end: i64,
}

impl Interval {
    /// `start..end`; callers keep `start <= end`.
    pub const fn new(start: i64, end: i64) -> Self {
        Self { start, end }
    }

    /// Number of positions.
    pub const fn len(self) -> i64 {
        self.end - self.start
    }

    /// Whether there is no position in it.
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }

    /// The same with so many positions more in front of it, as far as there are any.
    #[must_use]
    pub fn reaching_back(self, positions: i64) -> Self {
        Self { start: self.start.saturating_sub(positions).max(0), ..self }
    }

    /// What both have in common; empty when they do not touch.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        let start = self.start.max(other.start);
        Self { start, end: self.end.min(other.end).max(start) }
    }

    /// Adds this one to the disjoint intervals of a union, none of which starts behind it.
    pub fn join(self, union: &mut Vec<Self>) {
        match union.last_mut() {
            Some(last) if self.start <= last.end => last.end = last.end.max(self.end),
            _ => union.push(self),
        }
    }

    /// From 1-based inclusive numbers as a user gives them.
    ///
    /// # Errors
    ///
    /// [`Kind::Region`] when `start` is below 1 or above `end`.
    pub fn from_one_based(start: i64, end: i64) -> Result<Self> {
        if start < 1 {
            return Err(Error::new(Kind::Region, format!("start {start} is below 1")).hint("positions are 1-based, the first is 1"));
        }
        if start > end {
            return Err(
                Error::new(Kind::Region, format!("start {start} is after end {end}")).hint("give start <= end, both 1-based and inclusive")
            );
        }
        Ok(Self { start: start - 1, end })
    }

    /// First and last position, 1-based inclusive, for messages.
    pub const fn one_based(self) -> (i64, i64) {
        (self.start + 1, self.end)
    }
}

/// Positions on one contig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Index of the contig in the header.
    pub contig: usize,
    /// The positions.
    pub interval: Interval,
}

/// What a region string says, before the header is asked: a name, and the positions after its last colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegionText<'a> {
    /// The contig's name.
    pub name: &'a str,
    /// The positions; `None` for the whole contig, and an end of `None` for "to the end".
    pub range: Option<(i64, Option<i64>)>,
}

impl<'a> RegionText<'a> {
    /// Reads `name`, `name:start`, `name:start-`, `name:-end` or `name:start-end` (1-based, inclusive, commas allowed; `{name}` where
    /// the name itself holds a colon). `is_contig` decides between a contig whose name looks like a region and a region.
    ///
    /// # Errors
    ///
    /// [`Kind::Region`] when the text cannot be read, or reads as two different things.
    pub fn parse(text: &'a str, is_contig: impl Fn(&str) -> bool) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(Kind::Region, format!("region '{}' {what}", escape(text.as_bytes())))
                .hint("write 'contig', 'contig:start-end' (1-based, inclusive) or the tuple (contig, start, end)")
        };
        if text.is_empty() {
            return Err(wrong("is empty"));
        }
        if let Some(rest) = text.strip_prefix('{') {
            let (name, tail) = rest.split_once('}').ok_or_else(|| wrong("has '{' without '}'"))?;
            return match tail.strip_prefix(':') {
                Some(range) => Ok(Self { name, range: Some(parse_range(range).ok_or_else(|| wrong("has no valid positions"))?) }),
                None if tail.is_empty() => Ok(Self { name, range: None }),
                None => Err(wrong("has text after '}'")),
            };
        }
        let whole = is_contig(text);
        let split = text.rsplit_once(':');
        if let Some((name, range)) = split
            && is_contig(name)
        {
            if whole {
                let (text, name) = (escape(text.as_bytes()), escape(name.as_bytes()));
                let what = format!("region '{text}' is both a contig and positions of contig '{name}'");
                return Err(Error::new(Kind::Region, what)
                    .hint(format!("write '{{{text}}}' for the contig, or '{{{name}}}{}' for the positions", &text[name.len()..])));
            }
            let range = parse_range(range).ok_or_else(|| wrong("has no valid positions"))?;
            return Ok(Self { name, range: Some(range) });
        }
        if whole {
            return Ok(Self { name: text, range: None });
        }
        // No such contig either way: name the part that was meant as the contig.
        match split.and_then(|(name, range)| parse_range(range).map(|r| (name, r))) {
            Some((name, range)) => Ok(Self { name, range: Some(range) }),
            None if split.is_some_and(|(name, _)| name.is_empty()) => Err(wrong("has no contig before its colon")),
            None => Ok(Self { name: text, range: None }),
        }
    }

    /// The interval on a contig of `len` bases, and whether its end had to be cut to that length.
    ///
    /// # Errors
    ///
    /// [`Kind::Region`] when it starts past the contig's end, or start is below 1 or after end.
    pub fn resolve(self, len: i64) -> Result<(Interval, bool)> {
        let Some((start, end)) = self.range else {
            return Ok((Interval::new(0, len), false));
        };
        clip_to_contig(self.name.as_bytes(), start, end.unwrap_or(len.max(start)), len)
    }
}

/// `start..=end` (1-based, inclusive) cut to a contig of `len` bases, and whether it was cut.
///
/// # Errors
///
/// [`Kind::Region`] when it starts past the contig's end, or start is below 1 or after end.
pub fn clip_to_contig(name: &[u8], start: i64, end: i64, len: i64) -> Result<(Interval, bool)> {
    let region = || format!("{}:{start}-{end}", escape(name));
    let interval =
        Interval::from_one_based(start, end).map_err(|e| Error::new(Kind::Region, format!("region '{}': {e}", region())).contig(name))?;
    if len == 0 {
        let what = format!("contig '{}' has length 0: it has no position to count", escape(name));
        return Err(Error::new(Kind::Region, what).contig(name).hint("leave it out"));
    }
    if interval.start >= len {
        return Err(Error::new(Kind::Region, format!("region '{}' starts past the end of the contig, which has {len} bases", region()))
            .contig(name)
            .hint(format!("give a start between 1 and {len}")));
    }
    Ok((Interval::new(interval.start, interval.end.min(len)), interval.end > len))
}

fn parse_range(text: &str) -> Option<(i64, Option<i64>)> {
    let number = |t: &str| -> Option<i64> {
        let digits: String = t.chars().filter(|&c| c != ',').collect();
        (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
    };
    match text.split_once('-') {
        None => Some((number(text)?, None)),
        Some(("", end)) => Some((1, Some(number(end)?))),
        Some((start, "")) => Some((number(start)?, None)),
        Some((start, end)) => Some((number(start)?, Some(number(end)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RegionText<'_>> {
        RegionText::parse(text, |name| ["chr1", "HLA-A*01:01", "ctg", "ctg:2"].contains(&name))
    }

    #[test]
    fn forms_of_a_region() {
        let region = |name, range| RegionText { name, range };
        assert_eq!(parse("chr1").unwrap(), region("chr1", None));
        assert_eq!(parse("chr1:5").unwrap(), region("chr1", Some((5, None))));
        assert_eq!(parse("chr1:5-").unwrap(), region("chr1", Some((5, None))));
        assert_eq!(parse("chr1:-9").unwrap(), region("chr1", Some((1, Some(9)))));
        assert_eq!(parse("chr1:1,001-2,000").unwrap(), region("chr1", Some((1001, Some(2000)))));
        assert_eq!(parse("HLA-A*01:01").unwrap(), region("HLA-A*01:01", None));
        assert_eq!(parse("HLA-A*01:01:3-4").unwrap(), region("HLA-A*01:01", Some((3, Some(4)))));
        assert_eq!(parse("{ctg:2}:5-10").unwrap(), region("ctg:2", Some((5, Some(10)))));
        assert_eq!(parse("nope:1-10").unwrap(), region("nope", Some((1, Some(10)))));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for text in ["", ":", ":5-x", "ctg:2", "chr1:", "chr1:abc", "chr1:1-x", "chr1:1e3", "chr1:99999999999999999999", "{ctg", "{ctg}x"] {
            assert_eq!(parse(text).unwrap_err().kind(), Kind::Region, "{text}");
        }
    }

    #[test]
    fn a_name_that_can_be_read_in_two_ways_is_written_with_braces() {
        let both = |text| RegionText::parse(text, |name| ["chr1", "chr1:1-10"].contains(&name));
        assert_eq!(
            both("chr1:1-10").unwrap_err().to_string(),
            "region 'chr1:1-10' is both a contig and positions of contig 'chr1': write '{chr1:1-10}' for the contig, or '{chr1}:1-10' for \
             the positions"
        );
        assert_eq!(both("{chr1:1-10}").unwrap(), RegionText { name: "chr1:1-10", range: None });
        assert_eq!(both("{chr1}:1-10").unwrap(), RegionText { name: "chr1", range: Some((1, Some(10))) });
    }

    #[test]
    fn a_contig_of_length_0_has_no_start_to_give() {
        let error = clip_to_contig(b"none", 1, 1, 0).unwrap_err();
        assert_eq!(error.to_string(), "contig 'none' has length 0: it has no position to count: leave it out");
    }

    #[test]
    fn regions_are_cut_to_the_contig() {
        let resolve = |text: &'static str| parse(text).unwrap().resolve(100);
        assert_eq!(resolve("chr1").unwrap(), (Interval::new(0, 100), false));
        assert_eq!(resolve("chr1:5").unwrap(), (Interval::new(4, 100), false));
        assert_eq!(resolve("chr1:91-200").unwrap(), (Interval::new(90, 100), true));
        for text in ["chr1:101-200", "chr1:0-10", "chr1:10-5"] {
            assert_eq!(resolve(text).unwrap_err().kind(), Kind::Region, "{text}");
        }
    }
}
