//! A region string, read with contigs whose names look like regions.
#![no_main]

use fastcov::coords::{Interval, RegionText};
use fastcov_fuzz::{refused, take};

const NAMES: [&str; 8] = ["c", "chr1", "c:1", "c:1-2", "HLA-A*01:01", "{c}", "a,b", "-"];

fn check(mut data: &[u8]) {
    let [shift] = take(&mut data);
    let len = (1_i64 << (shift % 63)) - 1;
    let Ok(text) = std::str::from_utf8(data) else { return };
    let region = match RegionText::parse(text, |name| NAMES.contains(&name)) {
        Ok(region) => region,
        Err(error) => return refused(&error),
    };
    assert!(text.contains(region.name));
    match region.resolve(len) {
        Ok((interval, clipped)) => {
            assert!(0 <= interval.start && interval.end <= len && (interval.start < interval.end || len == 0), "{interval:?} of {len}");
            let Some((start, end)) = region.range else { return assert_eq!((interval, clipped), (Interval::new(0, len), false)) };
            assert_eq!(interval.one_based().0, start);
            assert_eq!(clipped, end.is_some_and(|end| end > len));
            // Written out again it is the same region.
            let name = if region.name.contains('}') { return } else { region.name };
            let again = format!("{{{name}}}:{}-{}", interval.one_based().0, interval.one_based().1);
            let again = RegionText::parse(&again, |name| NAMES.contains(&name)).expect("it can be read");
            assert_eq!((again.name, again.resolve(len).expect("it fits").0), (name, interval));
        }
        Err(error) => refused(&error),
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
