//! What the targets share: files made of their input, and a bound on what the code under test may allocate.

pub mod index;
pub mod scratch;

use std::alloc::{GlobalAlloc, Layout, System};

use fastcov::error::{Error, Kind};
use libdeflater::crc32;

/// The most a target may ask for at once. No input of a target is longer than a few hundred kilobytes.
const MAX_ALLOCATION: usize = 64 << 20;

/// The system's allocator, which ends the process with a message where a size out of an input was believed.
struct Bounded;

fn check(size: usize) {
    if size > MAX_ALLOCATION {
        eprintln!("FIND: {size} bytes were asked for at once");
        std::process::abort();
    }
}

// SAFETY: every call goes on to the system's allocator as it came.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;

/// An input may be refused, but only on purpose and with a message of one line.
///
/// # Panics
///
/// When it is not.
pub fn refused(error: &Error) {
    assert!(!matches!(error.kind(), Kind::Internal | Kind::Os | Kind::FileChanged | Kind::Cancelled), "{error}");
    let text = error.to_string();
    assert!(!text.is_empty() && text.len() < 5000 && !text.contains(['\n', '\r', '\0']), "{text:?}");
}

/// Takes the first bytes of an input, for what it decides besides the bytes under test; zeros where there are none left.
pub fn take<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let n = N.min(data.len());
    out[..n].copy_from_slice(&data[..n]);
    *data = &data[n..];
    out
}

/// `payload`, which is shorter than 64 KiB, as a BGZF frame that is not compressed.
pub fn stored_frame(payload: &[u8]) -> Vec<u8> {
    let len = payload.len() as u16;
    let mut frame = vec![0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0];
    frame.extend((len + 30).to_le_bytes());
    frame.push(1);
    frame.extend(len.to_le_bytes());
    frame.extend((!len).to_le_bytes());
    frame.extend(payload);
    frame.extend(crc32(payload).to_le_bytes());
    frame.extend(u32::from(len).to_le_bytes());
    frame
}
