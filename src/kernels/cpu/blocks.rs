//! What the allocator does with the blocks of memory that tensors leave.

/// While it lives, the allocator keeps such blocks, so that the next tensor of that size finds memory
/// in place. When it goes, what is unused goes back to the system. There is one at a time.
///
/// glibc asks the system for each larger block and gives it back when it is left; the system clears its
/// pages one by one when they are touched first. Steps of training leave and take the same blocks
/// again and again (README.md has what that costs). Other allocators are left as they are.
#[derive(Debug)]
pub(crate) struct Kept(());

impl Kept {
    /// Begins to keep blocks.
    pub(crate) fn new() -> Self {
        set(LARGEST, UNUSED);
        Self(())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        set(USUAL, USUAL);
        // What lies at the end of this thread's own heap goes back when a block before it is left.
        drop(std::hint::black_box(Vec::<u8>::with_capacity(NUDGE)));
        give_back();
    }
}

/// The largest block that is taken from the heap, in bytes; glibc allows no more.
const LARGEST: i32 = 32 << 20;

/// What may lie unused at the end of the heap before it goes back to the system, in bytes.
const UNUSED: i32 = 1 << 30;

/// Both as they are at first.
const USUAL: i32 = 128 << 10;

/// A block that is taken from the heap, and large enough for its end to be looked at, in bytes.
const NUDGE: usize = 100 << 10;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn set(largest: i32, unused: i32) {
    // SAFETY: each writes a number that is read when a block is asked for or left, whichever value other
    // threads see then; blocks that exist are not touched. Where one is refused, all stays as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, largest);
        libc::mallopt(libc::M_TRIM_THRESHOLD, unused);
    }
}

/// Gives back to the system what was kept and is not used.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    // SAFETY: it takes pages from unused blocks alone, under the locks of the allocator.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn set(_: i32, _: i32) {}

/// Gives back to the system what was kept and is not used.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn give_back() {}
