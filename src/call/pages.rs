//! Memory for columns.
#![allow(unsafe_code)] // Advice to the kernel about a range of addresses is a raw call.

/// Columns from this size on are advised: what a large page of the usual processors holds, twice.
const LARGE: usize = 4 << 20;

/// A column of zeros. They come from the system as they are; a page takes memory when it is first written.
///
/// Writing a new column of hundreds of megabytes in pages of 4 KiB costs a fault for each of them, a good part of the time it takes to fill
/// it. So large columns request large pages; without them, or off Linux, nothing changes. NumPy does
/// the same for its arrays.
pub fn zeros<T: Clone + Default>(len: usize) -> Vec<T> {
    let column = vec![T::default(); len];
    advise_large_pages(&column);
    column
}

#[cfg(target_os = "linux")]
fn advise_large_pages<T>(column: &[T]) {
    const PAGE: usize = 4096;
    let bytes = size_of_val(column);
    if bytes < LARGE {
        return;
    }
    let start = column.as_ptr() as usize;
    let inside = start.next_multiple_of(PAGE)..(start + bytes) / PAGE * PAGE;
    // SAFETY: the range lies inside memory that `column` borrows, and MADV_HUGEPAGE changes neither its content nor its access rights. On a
    // kernel that does not know it, or with pages of another size, the call fails and nothing happens.
    unsafe {
        libc::madvise(inside.start as *mut libc::c_void, inside.len(), libc::MADV_HUGEPAGE);
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_large_pages<T>(_: &[T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_every_size_are_zeros_and_can_be_written() {
        for len in [0, 1, LARGE / 8 - 1, LARGE / 8, LARGE / 4 + 12_345] {
            let mut column: Vec<i64> = zeros(len);
            assert!(column.len() == len && column.iter().all(|&x| x == 0));
            column.fill(7);
            assert_eq!(column.iter().sum::<i64>(), 7 * len as i64);
        }
    }
}
