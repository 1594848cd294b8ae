//! The seed of runs whose configuration names none.

use std::sync::atomic::{AtomicU64, Ordering};

static SEED: AtomicU64 = AtomicU64::new(0);

/// The seed used where a configuration's `seed` is null. 0 until it is set.
pub fn default_seed() -> u64 {
    SEED.load(Ordering::Relaxed)
}

/// Sets the seed used where a configuration's `seed` is null.
pub fn set_default_seed(seed: u64) {
    SEED.store(seed, Ordering::Relaxed);
}
