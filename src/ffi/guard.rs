//! Keeps panics and errors on this side of the boundary.

use super::last_error;
use super::status::{self, COOPSEG_INTERNAL, COOPSEG_OK, coopseg_status};
use crate::error::Result;
use crate::runtime::{self, log};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// The text of the last panic on this thread.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the body of a C function that does not touch libtorch.
pub fn guard(body: impl FnOnce() -> Result<()>) -> coopseg_status {
    silence_panics();
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => COOPSEG_OK,
        Ok(Err(error)) => {
            last_error::set(error.to_string());
            status::of(&error)
        }
        Err(_) => {
            let text = PANIC.with(|panic| panic.borrow_mut().take()).unwrap_or_default();
            last_error::set(format!("internal error: {text}"));
            COOPSEG_INTERNAL
        }
    }
}

/// Runs the body of a C function that uses libtorch, which is checked first.
pub fn guard_libtorch(body: impl FnOnce() -> Result<()>) -> coopseg_status {
    guard(|| {
        runtime::start()?;
        body()
    })
}

/// Sends the text of panics to the log instead of stderr. The hook belongs to this library's own copy of
/// the Rust runtime and does not touch the host's.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let text = info.to_string();
            log::error(&format!("internal error: {text}"));
            PANIC.with(|panic| {
                if let Ok(mut slot) = panic.try_borrow_mut() {
                    *slot = Some(text);
                }
            });
        }));
    });
}
