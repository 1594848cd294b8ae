//! How many threads compute: libtorch's within one operation, and this library's own for slices.

use super::warnings::HeardWarnings;
use super::{libtorch, log};
use crate::error::{Error, Result};
use crate::fork::forks;
use crate::parallel::{self, SharedPool};
use once_cell::sync::OnceCell;
use rayon::ThreadPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MOST_THREADS: i32 = 4096;

/// Sets the number of threads that one operation on the CPU may use, and of those that read, preprocess and simulate
/// artefacts. Process-wide; the first is shared with any other user of libtorch in the process.
pub fn set_threads(count: i32) -> Result<()> {
    if !(1..=MOST_THREADS).contains(&count) {
        return Err(Error::InvalidArgument(format!("thread count is {count}; expected 1 to {MOST_THREADS}")));
    }
    libtorch::start()?;
    if count > 1 && is_a_copy() {
        return Err(Error::InvalidState(format!(
            "thread count is {count}; expected 1: this process was forked from one that had started libtorch, whose \
             threads were not copied"
        )));
    }
    tch::set_num_threads(count);
    parallel::set_threads(count.unsigned_abs() as usize);
    Ok(())
}

/// The forks at the start of libtorch, and those for which [`keep_to_this_process`] has done its work.
static STARTED_AFTER: OnceCell<usize> = OnceCell::new();
static KEPT_AFTER: AtomicUsize = AtomicUsize::new(0);

fn is_a_copy() -> bool {
    forks() != *STARTED_AFTER.get_or_init(forks)
}

/// In a process that was forked after libtorch had started, lets it compute with one thread: OpenMP would wait for those
/// that were not copied.
pub fn keep_to_this_process() {
    if is_a_copy() && KEPT_AFTER.swap(forks(), Ordering::Relaxed) != forks() {
        tch::set_num_threads(1);
        LANES.store(0, Ordering::Relaxed);
    }
}

/// Gives libtorch no more threads than there are processors for the process. It looks at the whole machine, and in a
/// container that may use a part of it its threads would wait for each other most of the time.
pub fn fit_to_processors() {
    let chosen = |name| std::env::var_os(name).is_some_and(|count| !count.is_empty());
    let (own, most) = (tch::get_num_threads(), i32::try_from(parallel::processors()).unwrap_or(i32::MAX));
    if own > most && !chosen("OMP_NUM_THREADS") && !chosen("MKL_NUM_THREADS") {
        log::info(&format!(
            "libtorch computes with {most} thread(s) instead of {own}: more may not run at once here"
        ));
        tch::set_num_threads(most);
    }
}

/// The number of threads that one operation on the CPU may use.
pub fn threads() -> Result<i32> {
    libtorch::start()?;
    Ok(tch::get_num_threads())
}

/// Threads that each compute slices of their own; as many as [`threads`] says, shared by the whole process.
pub fn slice_pool() -> Result<Arc<ThreadPool>> {
    static POOL: SharedPool = SharedPool::new("slices");
    POOL.of(threads()?.unsigned_abs() as usize)
}

/// Lanes that compute at this moment.
static LANES: AtomicUsize = AtomicUsize::new(0);

/// One thread's share of the processor while it computes beside others. Operations that each use all threads slow
/// each other down manyfold, because their threads wait for each other at every barrier; so the threads are divided.
/// With a thread for every lane nobody waits at all.
#[derive(Debug)]
pub struct Lane {
    before: i32,
    _heard: HeardWarnings,
}

impl Lane {
    /// Begins to compute on this thread, as one of `planned` at least; `all` is the number of threads to divide.
    pub fn enter(all: usize, planned: usize) -> Self {
        // Asking makes libtorch set this thread's number first, if it has not done so.
        let before = tch::get_num_threads();
        let lanes = (LANES.fetch_add(1, Ordering::Relaxed) + 1).max(planned);
        set_threads_of_this_thread(i32::try_from((all / lanes).max(1)).unwrap_or(1));
        Lane { before, _heard: HeardWarnings::begin() }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        LANES.fetch_sub(1, Ordering::Relaxed);
        set_threads_of_this_thread(self.before);
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
            let before = threads().unwrap();
            let lane = Lane::enter(12, 4);
            // Other tests may have entered too.
            assert!((1..=3).contains(&tch::get_num_threads()));
            drop(lane);
            let many = Lane::enter(12, 24);
            assert_eq!(tch::get_num_threads(), 1);
            drop(many);
            assert_eq!(tch::get_num_threads(), before);
        })
        .join()
        .unwrap();
    }
}
