//! Copies of the process that `fork` makes. Threads are not copied, so what waits for one of them would wait for ever.

use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};

static FORKS: AtomicUsize = AtomicUsize::new(0);

/// How many forks lie between the process that first asked and this one. Whoever starts a thread keeps the number, and
/// starts it anew where the number is another.
pub fn forks() -> usize {
    extern "C" fn note() {
        FORKS.fetch_add(1, Ordering::Relaxed);
    }
    static NOTED: Once = Once::new();
    // SAFETY: in the copy it only changes a number. Where there is no memory for the few words that it needs, forks go
    // unnoticed.
    NOTED.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(note));
    });
    FORKS.load(Ordering::Relaxed)
}
