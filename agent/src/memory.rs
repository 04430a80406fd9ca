//! Keeps the memory of a long-running process small.
//!
//! glibc's allocator has an arena per thread, and keeps the memory of the largest piece of work in each: 40 MB after a
//! plan of 2,500 objects, although nothing is in use. One arena that is trimmed after work keeps 5 MB. Other allocators
//! return memory by themselves.

/// Uses one arena for all threads; must be called before other threads are started.
pub fn limit_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::one_arena();
}

/// Returns unused memory to the system.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::trim();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "the allocator has no other interface, and no crate wraps it"
)]
mod glibc {
    pub(super) fn one_arena() {
        // SAFETY: mallopt(3) takes two numbers, and is called before threads are started, as it requires. A failure
        // has no effect.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }

    pub(super) fn trim() {
        // SAFETY: malloc_trim(3) takes no pointer, may be called in any thread at any time (MT-Safe), and only releases
        // pages without an allocation.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
