//! How many threads compute: libtorch's within one operation, and this library's own for slices.

use super::libtorch;
use crate::error::{Error, Result};
use once_cell::sync::OnceCell;
use rayon::ThreadPool;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const MOST_THREADS: i32 = 4096;

/// Sets the number of threads that one operation on the CPU may use. Process-wide, and shared with any
/// other user of libtorch in the process.
pub fn set_threads(count: i32) -> Result<()> {
    if !(1..=MOST_THREADS).contains(&count) {
        return Err(Error::InvalidArgument(format!("thread count is {count}; expected 1 to {MOST_THREADS}")));
    }
    libtorch::start()?;
    tch::set_num_threads(count);
    Ok(())
}

/// The number of threads that one operation on the CPU may use.
pub fn threads() -> Result<i32> {
    libtorch::start()?;
    Ok(tch::get_num_threads())
}

/// Threads for work on slices beside libtorch's own; as many as [`threads`] says.
pub fn slice_pool() -> Result<Arc<ThreadPool>> {
    static POOL: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);
    let count = threads()?.unsigned_abs() as usize;
    let mut pool = POOL.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(pool) = pool.as_ref().filter(|pool| pool.current_num_threads() == count) {
        return Ok(pool.clone());
    }
    let new = rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(|index| format!("coopseg-slices-{index}"))
        .build()
        .map_err(|error| Error::Internal(format!("cannot start threads: {error}")))?;
    Ok(pool.insert(Arc::new(new)).clone())
}

/// Calls that compute at this moment.
static LANES: AtomicUsize = AtomicUsize::new(0);

/// A host thread's share of the processor while it computes. Operations that each use all threads slow each other
/// down manyfold when several host threads compute at once, because they wait for each other at every barrier; so
/// the threads are divided among the host threads that compute.
#[derive(Debug)]
pub struct Lane {
    all: i32,
    current: i32,
}

impl Lane {
    /// Begins to compute on this thread.
    pub fn enter() -> Result<Self> {
        let all = threads()?;
        LANES.fetch_add(1, Ordering::Relaxed);
        Ok(Lane { all, current: all })
    }

    /// Takes the share that is due now; called between parts of the work, on the thread that entered.
    pub fn take_share(&mut self) {
        let lanes = i32::try_from(LANES.load(Ordering::Relaxed)).unwrap_or(i32::MAX).max(1);
        self.take((self.all / lanes).max(1));
    }

    fn take(&mut self, count: i32) {
        if count != self.current {
            set_threads_of_this_thread(count);
            self.current = count;
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        LANES.fetch_sub(1, Ordering::Relaxed);
        self.take(self.all);
    }
}

/// Sets the number of OpenMP threads of operations that this thread starts. libtorch's own function changes it for
/// the whole process.
fn set_threads_of_this_thread(count: i32) {
    type Setter = unsafe extern "C" fn(i32);
    static SETTER: OnceCell<Option<Setter>> = OnceCell::new();
    let setter = SETTER.get_or_init(|| {
        // SAFETY: the OpenMP that libtorch itself uses is found among its dependencies; the library is loaded
        // already and stays so. The function has this type in every OpenMP.
        unsafe {
            let libtorch = libc::dlopen(c"libtorch_cpu.so".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
            if libtorch.is_null() {
                return None;
            }
            let symbol = libc::dlsym(libtorch, c"omp_set_num_threads".as_ptr());
            (!symbol.is_null()).then(|| std::mem::transmute::<*mut libc::c_void, Setter>(symbol))
        }
    });
    if let Some(setter) = setter {
        // SAFETY: takes a positive number.
        unsafe { setter(count) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_divide_the_threads_and_give_them_back() {
        std::thread::spawn(|| {
            let all = threads().unwrap();
            let mut lane = Lane::enter().unwrap();
            let others: Vec<Lane> = (0..all).map(|_| Lane::enter().unwrap()).collect();
            lane.take_share();
            assert_eq!(tch::get_num_threads(), 1);
            drop(others);
            drop(lane);
            assert_eq!(tch::get_num_threads(), all);
        })
        .join()
        .unwrap();
    }
}
