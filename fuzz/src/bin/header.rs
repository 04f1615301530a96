//! The head of a BAM, whole or arriving in pieces.
#![no_main]

use fastcov::source::header::Header;
use fastcov_fuzz::{refused, take};

fn check(mut data: &[u8]) {
    let [cut, left] = take(&mut data);
    let more = (1u64 << (left % 40)) - 1;
    let whole = match Header::parse(data, more) {
        Ok(None) => {
            // What is there is good so far, so it can only be too short when nothing more comes.
            match Header::parse(data, 0) {
                Ok(_) => assert!(more > 0),
                Err(error) => refused(&error),
            }
            return;
        }
        Ok(Some(whole)) => whole,
        Err(error) => return refused(&error),
    };
    let (header, used) = whole;
    assert!(used <= data.len());
    for (id, contig) in header.contigs.iter().enumerate() {
        assert!(contig.len >= 0 && header.contig_id(&contig.name) == Some(id));
    }
    // Fewer bytes than it took are too few; with all of them the rest does not matter.
    let part = used * usize::from(cut) / 256;
    assert!(matches!(Header::parse(&data[..part], (data.len() - part) as u64), Ok(None)));
    let again = Header::parse(&data[..used], 0).expect("it was good").expect("it is whole").0;
    let facts = |header: &Header| (header.contigs.clone(), header.sort_order, header.samples.clone(), header.read_groups.clone());
    assert_eq!(facts(&again), facts(&header));
    let wanted = &data[data.len().saturating_sub(8)..];
    if header.contig_id(wanted).is_none() {
        refused(&header.unknown_contig(wanted));
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
