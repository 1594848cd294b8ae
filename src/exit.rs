//! The end of the process. `exit` destroys libtorch's objects while other threads still compute, and these would then crash.
//! So the end waits for the calls of other threads, which stop at their next step.

use crate::error::{Error, Result};
use crate::fork::forks;
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// How long the end waits for threads that are at work in this library: a step ends sooner, a network drive may never answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it waits for callbacks of the host, which may themselves wait for the thread that ends the process.
const PATIENCE_WITH_CALLBACKS: Duration = Duration::from_secs(1);

/// Threads at work in this library, and threads that are in a callback of the host meanwhile.
static INSIDE: Count = Count::new();
static CALLBACKS: Count = Count::new();

/// The end has begun; it waits no longer.
static BEGUN: AtomicBool = AtomicBool::new(false);
static CLOSED: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is at work in this library, in how many callbacks it is, and whether it ends the process.
    static AT_WORK: Cell<bool> = const { Cell::new(false) };
    static IN_CALLBACKS: Cell<u32> = const { Cell::new(0) };
    static ENDS: Cell<bool> = const { Cell::new(false) };
    /// Whether what it keeps for itself is being destroyed, and how many calls with libtorch it has ended.
    static THREAD_ENDS: Cell<bool> = const { Cell::new(false) };
    static CALLS_WITH_LIBTORCH: Cell<u64> = const { Cell::new(0) };
    static KNOWN: Cell<bool> = const { Cell::new(false) };
}

unsafe extern "C" {
    /// Of the C library, which thread-local objects of C++ and Rust use: what was registered last is called first.
    fn __cxa_thread_atexit_impl(
        function: extern "C" fn(*mut c_void),
        object: *mut c_void,
        library: *const c_void,
    ) -> libc::c_int;
    /// Names this library.
    static __dso_handle: u8;
}

/// Has this thread note when what it keeps for itself begins to be destroyed, such as oneDNN's kernels, without which
/// no call can compute. That happens when it ends, and in the thread that calls `exit` before everything else. The
/// first thread ends with the process, which is so noticed at once; `exit` in other threads, and in programs whose
/// first thread has no use for this library, is noticed later.
fn watch_this_thread() {
    extern "C" fn ends(_: *mut c_void) {
        THREAD_ENDS.set(true);
        if is_first_thread() {
            wait_for_others();
        }
    }
    // SAFETY: a function of this library, which is never unloaded and needs no object. Where there is no memory for it, the
    // end goes unnoticed.
    unsafe { __cxa_thread_atexit_impl(ends, std::ptr::null_mut(), (&raw const __dso_handle).cast()) };
}

/// To be called at the end of each call that has used libtorch: what libtorch has made for this thread meanwhile is
/// destroyed after what is registered now. Later calls register ever more rarely.
pub fn watch_after_call() {
    let calls = CALLS_WITH_LIBTORCH.get() + 1;
    CALLS_WITH_LIBTORCH.set(calls);
    if calls.is_power_of_two() {
        watch_this_thread();
    }
    watch();
}

/// Whether this is the process's first thread.
fn is_first_thread() -> bool {
    // SAFETY: they only ask.
    unsafe { libc::gettid() == libc::getpid() }
}

/// A number of threads of this process: in a copy that `fork` makes the others are not there.
struct Count(AtomicU64);

impl Count {
    const fn new() -> Self {
        Count(AtomicU64::new(0))
    }

    fn change(&self, change: impl Fn(u32) -> u32) {
        let _ = self.0.fetch_update(SeqCst, SeqCst, |word| {
            Some(u64::from(change(Self::of(word))) | u64::from(Self::mark()) << 32)
        });
    }

    fn get(&self) -> u32 {
        Self::of(self.0.load(SeqCst))
    }

    fn of(word: u64) -> u32 {
        if (word >> 32) as u32 == Self::mark() { word as u32 } else { 0 }
    }

    fn mark() -> u32 {
        forks() as u32
    }

    fn add(&self) {
        self.change(|count| count + 1);
    }

    fn remove(&self) {
        self.change(|count| count.saturating_sub(1));
    }
}

/// A thread at work in this library, which the end of the process waits for.
#[derive(Debug)]
pub struct AtWork {
    already: bool,
}

impl AtWork {
    /// Work that is done whatever happens.
    pub fn begin() -> Self {
        let already = AT_WORK.replace(true);
        if !already {
            INSIDE.add();
        }
        if !KNOWN.replace(true) {
            watch_this_thread();
        }
        AtWork { already }
    }

    /// Work that uses libtorch.
    ///
    /// # Errors
    /// `Cancelled` on other threads than the one that ends the process; `InvalidState` on that one, and on a thread that
    /// ends.
    pub fn begin_with_libtorch() -> Result<Self> {
        let at_work = Self::begin();
        unless_ending()?;
        if BEGUN.load(SeqCst) || THREAD_ENDS.get() {
            return Err(Error::InvalidState(
                "the process or this thread is ending, and what libtorch needs may be gone already; expected this call \
                 before main returns, exit is called or the thread's function returns"
                    .to_owned(),
            ));
        }
        Ok(at_work)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if !self.already {
            AT_WORK.set(false);
            INSIDE.remove();
        }
    }
}

/// For work that takes long, between its steps.
///
/// # Errors
/// `Cancelled` where another thread ends the process.
pub fn go_on() -> Result<()> {
    watch();
    unless_ending()
}

/// For calls that need nothing which the end takes away.
///
/// # Errors
/// `Cancelled` where another thread ends the process.
pub fn unless_ending() -> Result<()> {
    if BEGUN.load(SeqCst) && !ENDS.get() { Err(Error::Cancelled) } else { Ok(()) }
}

/// Why other threads no longer do what this one waits for: the process ends, or what is said here.
pub fn stopped(otherwise: &str) -> Error {
    if BEGUN.load(SeqCst) { Error::Cancelled } else { Error::Internal(otherwise.to_owned()) }
}

/// Whether another thread ends the process and waits no longer: what uses libtorch is left undone.
pub fn is_too_late() -> bool {
    CLOSED.load(SeqCst) && !ENDS.get()
}

/// Runs a callback of the host that may come at any moment, as messages do. Where the end did not wait for it, the thread
/// rests for ever: what it would go on with needs what is being destroyed.
pub fn in_message<T>(callback: impl FnOnce() -> T) -> T {
    let answer = in_callback(callback);
    if is_too_late() && AT_WORK.replace(false) {
        INSIDE.remove();
        loop {
            std::thread::park();
        }
    }
    answer
}

/// Runs a callback of the host, after which it is asked whether to [`go_on`].
pub fn in_callback<T>(callback: impl FnOnce() -> T) -> T {
    let from_work = AT_WORK.replace(false);
    if from_work {
        IN_CALLBACKS.set(IN_CALLBACKS.get() + 1);
        CALLBACKS.add();
        INSIDE.remove();
    }
    let answer = callback();
    if from_work {
        INSIDE.add();
        CALLBACKS.remove();
        IN_CALLBACKS.set(IN_CALLBACKS.get() - 1);
        AT_WORK.set(true);
    }
    answer
}

/// Has the end of the process wait where its first thread does not notice it. To be called again after work: what is registered last comes first at the end, and
/// libtorch makes much of what it destroys when it is first needed. Later calls register ever more rarely.
pub fn watch() {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    // In milliseconds after the first.
    static LAST: AtomicU64 = AtomicU64::new(0);
    extern "C" fn wait() {
        wait_for_others();
    }
    let register = || {
        // SAFETY: a function of this library, which is never unloaded. Where there is no memory for it, nobody waits.
        unsafe { libc::atexit(wait) };
    };
    let first = FIRST.get_or_init(|| {
        register();
        Instant::now()
    });
    let now = u64::try_from(first.elapsed().as_millis()).unwrap_or(u64::MAX);
    let last = LAST.load(SeqCst);
    if now > last + last / 32 && LAST.compare_exchange(last, now, SeqCst, SeqCst).is_ok() {
        register();
    }
}

fn wait_for_others() {
    ENDS.set(true);
    if BEGUN.swap(true, SeqCst) {
        return;
    }
    let own_work = u32::from(AT_WORK.get());
    let others_at_work = || INSIDE.get().saturating_sub(own_work);
    let others_in_callbacks = || CALLBACKS.get().saturating_sub(IN_CALLBACKS.get());
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if others_at_work() == 0
            && (others_in_callbacks() == 0 || started.elapsed() > PATIENCE_WITH_CALLBACKS)
        {
            CLOSED.store(true, SeqCst);
            // A callback may have returned in between.
            if others_at_work() == 0 {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    CLOSED.store(true, SeqCst);
}
