//! Threads that share work which is not libtorch's: reading, preprocessing, artefacts.
//!
//! Rayon's own pool is not used: where the system refuses it a thread, nothing can use it ever after.

use crate::error::{Error, Result};
use crate::fork::forks;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// How many threads a host has asked for; 0 for as many as there are processors.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);

/// Sets how many threads share the work of [`in_parallel`] from now on.
pub fn set_threads(count: usize) {
    CHOSEN.store(count, Ordering::Relaxed);
}

/// How many processors this process may use at once, by its affinity and the limit of its container.
pub fn processors() -> usize {
    // Asking reads files of the system's.
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn threads() -> usize {
    match CHOSEN.load(Ordering::Relaxed) {
        0 => processors(),
        count => count,
    }
}

/// Does work that rayon may divide: on the pool of this thread where it belongs to one, else on one that the whole
/// process shares.
///
/// # Errors
/// `OutOfMemory` where the threads cannot be started; then nothing is done, and a later call tries again.
pub fn in_parallel<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    static POOL: SharedPool = SharedPool::new("work");
    if rayon::current_thread_index().is_some() {
        return Ok(work());
    }
    Ok(POOL.of(threads())?.install(work))
}

/// Starts `count` threads, which are named `coopseg-<name>-<index>` and end with the pool.
///
/// # Errors
/// `OutOfMemory`.
pub fn start(count: usize, name: &'static str) -> Result<ThreadPool> {
    ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(move |index| format!("coopseg-{name}-{index}"))
        .build()
        .map_err(|error| Error::OutOfMemory(format!("cannot start {count} threads: {error}")))
}

/// A pool that is started when it is first needed, and anew for another number of threads and in a process that was forked.
pub struct SharedPool {
    name: &'static str,
    /// With the [`forks`] at its start.
    pool: Mutex<Option<(usize, Arc<ThreadPool>)>>,
}

impl SharedPool {
    /// None yet.
    pub const fn new(name: &'static str) -> Self {
        SharedPool { name, pool: Mutex::new(None) }
    }

    /// The pool of so many threads. Another one that is still at work ends after that.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn of(&self, count: usize) -> Result<Arc<ThreadPool>> {
        let mut pool = self.pool.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let forks = forks();
        match pool.take() {
            // Its threads are not here, and nothing of theirs is to be touched.
            Some((before, stale)) if before != forks => std::mem::forget(stale),
            usable => *pool = usable,
        }
        match pool.as_ref() {
            Some((_, pool)) if pool.current_num_threads() == count => Ok(pool.clone()),
            _ => Ok(pool.insert((forks, Arc::new(start(count, self.name)?))).1.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::prelude::*;

    #[test]
    fn work_stays_on_the_pool_of_its_thread() {
        let outer = start(3, "test").unwrap();
        let threads = outer.install(|| in_parallel(rayon::current_num_threads).unwrap());
        assert_eq!(threads, 3);
        let sum: usize = in_parallel(|| (0..100usize).into_par_iter().sum()).unwrap();
        assert_eq!(sum, 4950);
    }

    #[test]
    fn a_shared_pool_follows_the_number_of_threads() {
        static POOL: SharedPool = SharedPool::new("test");
        let two = POOL.of(2).unwrap();
        assert!(Arc::ptr_eq(&two, &POOL.of(2).unwrap()));
        assert_eq!(POOL.of(3).unwrap().current_num_threads(), 3);
        assert_eq!(two.install(rayon::current_num_threads), 2);
    }
}
