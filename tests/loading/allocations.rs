//! Counts what the current thread allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[derive(Clone, Copy)]
struct Count {
    /// Bytes allocated and not yet freed on this thread.
    live: isize,
    /// The most that `live` has been.
    peak: isize,
}

thread_local! {
    static COUNT: Cell<Count> = const { Cell::new(Count { live: 0, peak: 0 }) };
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    // At the end of a thread the cell is gone before the last allocations are freed.
    let _ = COUNT.try_with(|cell| {
        let Count { live, peak } = cell.get();
        let live = live + bytes;
        cell.set(Count {
            live,
            peak: peak.max(live),
        });
    });
}

// SAFETY: every call is passed on to the system's allocator as it came; counting neither allocates
// nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What `work` returns, and by how many bytes at most memory grew meanwhile.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = COUNT.with(|cell| {
        let Count { live, .. } = cell.get();
        cell.set(Count { live, peak: live });
        live
    });
    let result = work();
    let after = COUNT.with(Cell::get);
    (result, (after.peak - before) as usize)
}

#[test]
fn a_large_allocation_is_noticed() {
    let (_, bytes) = peak(|| {
        drop(vec![1_u8; 1 << 20]);
        vec![1_u8; 10]
    });
    assert!((1 << 20..(1 << 20) + 1000).contains(&bytes), "{bytes}");
}
