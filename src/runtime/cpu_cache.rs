//! The caching allocator for libtorch's CPU tensors (`native/cpu_cache.cpp`).
//!
//! libtorch returns large blocks to the system as soon as a tensor dies and asks for them again a moment later,
//! and the kernel zeroes every page anew: about half of a training step. The cache keeps freed blocks for the next
//! request of about their size. What is kept and what is in use together never exceed the most
//! that was in use at once by more than a quarter and 64 MiB, and what is kept never exceeds the limit.

use super::{libtorch, native};
use crate::error::Result;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The limit that a host has set, if any, and whether libtorch allocates through the cache.
struct Settings {
    limit: Option<usize>,
    installed: bool,
}

static SETTINGS: Mutex<Settings> = Mutex::new(Settings { limit: None, installed: false });
static USERS: AtomicUsize = AtomicUsize::new(0);

/// Makes libtorch allocate through the cache, unless the host has switched it off or brings an allocator of its
/// own. Called once libtorch's version is known to fit.
pub(super) fn install() {
    let mut settings = SETTINGS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let limit = settings.limit.unwrap_or_else(default_limit);
    if limit > 0 && !settings.installed {
        // SAFETY: libtorch has been checked; both functions lock what they change.
        settings.installed = unsafe {
            native::coopseg_native_cpu_cache_set_limit(limit);
            native::coopseg_native_cpu_cache_install() != 0
        };
    }
}

/// Sets the most bytes that are kept unused, for the whole process; 0 switches the cache off.
///
/// # Errors
/// `TorchMismatch`, where the cache is switched on.
pub fn set_limit(bytes: u64) -> Result<()> {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    {
        let mut settings = SETTINGS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        settings.limit = Some(bytes);
        // SAFETY: locks what it changes, and touches libtorch only to free what the cache holds.
        unsafe { native::coopseg_native_cpu_cache_set_limit(bytes) };
    }
    if bytes > 0 {
        libtorch::start()?;
        install();
    }
    Ok(())
}

/// Gives back to the system everything that is kept unused.
pub fn release() {
    // SAFETY: as in `set_limit`.
    unsafe { native::coopseg_native_cpu_cache_clear() };
}

/// Whether libtorch allocates through the cache, its limit, what it holds, and how often it served a request.
pub fn state() -> Value {
    let settings = SETTINGS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // SAFETY: reads under the cache's own lock.
    let state = unsafe { native::coopseg_native_cpu_cache_state() };
    json!({
        "installed": settings.installed,
        "limit_bytes": state.limit,
        "kept_bytes": state.kept,
        "used_bytes": state.used,
        "hits": state.hits,
        "misses": state.misses,
    })
}

/// Something that computes again and again. When the last one is gone, what the cache keeps is given back.
#[derive(Debug)]
pub struct CacheUser(());

impl CacheUser {
    /// One more.
    pub fn enter() -> Self {
        USERS.fetch_add(1, Ordering::Relaxed);
        CacheUser(())
    }
}

impl Drop for CacheUser {
    fn drop(&mut self) {
        if USERS.fetch_sub(1, Ordering::Relaxed) == 1 {
            release();
        }
    }
}

/// Half of the machine's memory.
fn default_limit() -> usize {
    // SAFETY: only asks.
    let (pages, size) = unsafe { (libc::sysconf(libc::_SC_PHYS_PAGES), libc::sysconf(libc::_SC_PAGESIZE)) };
    usize::try_from(pages).unwrap_or(0).saturating_mul(usize::try_from(size).unwrap_or(0)) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    const MIB: i64 = 1 << 20;

    fn number(key: &str) -> u64 {
        state()[key].as_u64().unwrap()
    }

    fn tensor(mebibytes: i64) -> Tensor {
        Tensor::ones([mebibytes * MIB / 4], (Kind::Float, Device::Cpu))
    }

    // One test: the cache belongs to the process, and other tests use it at the same time.
    #[test]
    fn blocks_are_kept_within_the_limit_and_reused() {
        crate::runtime::start().unwrap();
        assert_eq!(state()["installed"], true);
        assert!(number("limit_bytes") > 1 << 30);

        let first = tensor(333);
        let address = first.data_ptr();
        drop(first);
        // Nobody else asks for blocks of this size.
        let again = tensor(330);
        assert_eq!(again.data_ptr(), address, "the block was not reused");
        assert_eq!(again.sum(Kind::Double).double_value(&[]), (330 * MIB / 4) as f64);
        drop(again);

        set_limit(8 << 20).unwrap();
        assert!(number("kept_bytes") <= 8 << 20);
        drop(tensor(333));
        assert!(number("kept_bytes") <= 8 << 20);
        set_limit(0).unwrap();
        assert_eq!(number("kept_bytes"), 0);
        let (hits, misses) = (number("hits"), number("misses"));
        drop(tensor(333));
        assert_eq!((number("hits"), number("misses")), (hits, misses));
        set_limit(1 << 32).unwrap();
    }
}
