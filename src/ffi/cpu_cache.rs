//! The cache of libtorch's memory on the CPU.

use super::guard::{guard, guard_libtorch};
use super::status::coopseg_status;
use super::text::{require, write_json};
use crate::runtime::cpu_cache;
use std::ffi::c_char;

/// Limits the memory that is kept for libtorch's next tensors on the CPU, or switches that off.
///
/// libtorch gives large blocks back to the system as soon as a tensor dies and asks for them again a moment
/// later, which takes about half of a training step. This library therefore makes libtorch, in the whole process,
/// allocate through a cache that keeps such blocks (256 KiB and more). What is kept and what is in use together
/// exceed the most that was in use at once by no more than a quarter and 64 MiB, and when the last trainer and
/// segmenter are freed everything is given back. A host that sets an allocator of its own in libtorch first keeps it.
///
/// @param bytes  Most bytes kept; 0 switches the cache off, and called before everything else leaves libtorch's
///               allocator untouched. Default: half of the machine's memory.
/// @return `COOPSEG_OK`; `COOPSEG_LIBTORCH_MISMATCH` (not with 0).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_cpu_cache_set_limit(bytes: u64) -> coopseg_status {
    guard(|| cpu_cache::set_limit(bytes))
}

/// Gives the memory that is kept unused back to the system now.
///
/// @return `COOPSEG_OK`.
/// Threads: any number of calls at once, also while others compute.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_cpu_cache_release() -> coopseg_status {
    guard(|| {
        cpu_cache::release();
        Ok(())
    })
}

/// Describes the cache of libtorch's memory on the CPU.
///
/// @param out_json  Receives a JSON object: "installed" (whether libtorch allocates through it), "limit_bytes",
///                  "kept_bytes" (unused), "used_bytes" (in tensors), "hits" and "misses" (requests that a kept block
///                  served, and others). Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_cpu_cache_info(out_json: *mut *mut c_char) -> coopseg_status {
    guard_libtorch(|| {
        require(out_json, "out_json")?;
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &cpu_cache::state()) }
    })
}
