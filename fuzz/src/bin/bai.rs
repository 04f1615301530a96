//! A BAI index: its bytes behind the magic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fastcov_fuzz::index::check(*b"BAI\x01", data));
