//! A chain of BGZF frames: raw bytes, or deflate data in a frame whose length, CRC and stated size are right but for what the input says.
#![no_main]

use std::cell::RefCell;

use fastcov::source::bgzf::{FrameReader, MAX_INFLATED, is_frame};
use fastcov::source::file::InputFile;
use fastcov_fuzz::scratch::Scratch;
use fastcov_fuzz::{refused, take};
use libdeflater::{Decompressor, crc32};

thread_local! {
    static FILE: RefCell<Scratch> = RefCell::new(Scratch::new(".frames"));
    static INFLATED: RefCell<Vec<u8>> = RefCell::new(vec![0; 2 * MAX_INFLATED]);
}

/// `data` as deflate data in a frame; what is stated is off by `off`.
fn wrap(data: &[u8], off: [u8; 3]) -> Vec<u8> {
    let data = &data[..data.len().min(60_000)];
    let (n, crc) = INFLATED.with_borrow_mut(|out| {
        let n = Decompressor::new().deflate_decompress(data, out).unwrap_or(0);
        (n, crc32(&out[..n]))
    });
    let mut frame = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0];
    frame.extend(((data.len() + 25) as u16).wrapping_add(u16::from(off[0])).to_le_bytes());
    frame.extend(data);
    frame.extend((crc ^ u32::from(off[1])).to_le_bytes());
    frame.extend((n as u32).wrapping_add(u32::from(off[2])).to_le_bytes());
    frame
}

fn check(mut data: &[u8]) {
    let [mode, a, b, c] = take(&mut data);
    let bytes = match mode % 4 {
        0 => data.to_vec(),
        1 => wrap(data, [0; 3]),
        2 => wrap(data, [a, b, c]),
        _ => {
            let (first, second) = data.split_at(data.len().min(usize::from(a)));
            [wrap(first, [0; 3]), wrap(second, [0; 3])].concat()
        }
    };
    let path = FILE.with_borrow_mut(|file| {
        file.write(&bytes);
        file.path().to_path_buf()
    });
    let file = InputFile::open(&path).expect("it is there");
    let mut reader = FrameReader::new(&file);
    let (mut out, mut filled) = (Vec::new(), 0);
    let starts_well = is_frame(&bytes);
    loop {
        let at = reader.next_offset();
        match reader.read(&mut out, filled) {
            Ok(None) => break assert_eq!(at, bytes.len() as u64),
            Ok(Some(n)) => {
                assert!(n <= MAX_INFLATED && reader.next_offset() > at && (at > 0 || starts_well));
                let end = reader.next_offset() as usize;
                let word = |from: usize| bytes[from..].first_chunk().map(|&b| u32::from_le_bytes(b));
                assert_eq!((Some(crc32(&out[filled..filled + n])), Some(n as u32)), (word(end - 8), word(end - 4)));
                filled += n;
            }
            Err(error) => break refused(&error),
        }
    }
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| check(data));
