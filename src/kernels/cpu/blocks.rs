//! What the allocator does with the blocks of memory that tensors leave.

/// What may lie unused at the end of the heap before it goes back to the system, in bytes.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const UNUSED: libc::c_int = 1 << 30;

/// The largest block that is taken from the heap, in bytes; glibc allows no more.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const LARGEST: libc::c_int = 32 << 20;

/// Lets the allocator keep blocks, so that the next tensor of that size finds memory in place.
///
/// glibc asks the system for each larger block and gives it back when it is left. Its pages are
/// cleared one by one when they are touched first, which took 43 % of the processor's time in steps of
/// training at 128 tokens. Other systems' allocators are left as they are.
pub(crate) fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: both change how blocks are found later, and nothing of those that exist.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGEST);
        libc::mallopt(libc::M_TRIM_THRESHOLD, UNUSED);
    }
}

/// Gives back to the system what was kept and is not used, after something large has ended.
pub(crate) fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it takes pages from unused blocks alone.
    unsafe {
        libc::malloc_trim(0);
    }
}
