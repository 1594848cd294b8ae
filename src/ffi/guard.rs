//! Keeps panics and errors on this side of the boundary.

use super::last_error;
use super::status::{self, COOPSEG_INTERNAL, COOPSEG_OK, coopseg_status};
use crate::error::Result;
use crate::exit::{self, AtWork};
use crate::runtime::{self, HeardWarnings, PlainModes, log};
use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// The text of the last panic on this thread.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs the body of a C function that does not touch libtorch.
pub fn guard(body: impl FnOnce() -> Result<()>) -> coopseg_status {
    guard_always(|| {
        exit::unless_ending()?;
        body()
    })
}

/// The same for one that is to work while another thread ends the process: what frees, cancels or silences.
pub fn guard_always(body: impl FnOnce() -> Result<()>) -> coopseg_status {
    silence_panics();
    let _at_work = AtWork::begin();
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => COOPSEG_OK,
        Ok(Err(error)) => {
            last_error::set(error.to_string());
            status::of(&error)
        }
        Err(payload) => {
            // The hook ran on this thread, or on another one, from which the panic was handed on.
            let text = PANIC.try_with(|panic| panic.borrow_mut().take()).ok().flatten();
            last_error::set(format!("internal error: {}", text.unwrap_or_else(|| said(&*payload))));
            COOPSEG_INTERNAL
        }
    }
}

/// Runs a callback of the host, after which it is asked whether to go on. Where the end of the process did not wait for
/// it, the call is cancelled; but where there is a GPU the thread rests, since what the call holds there cannot be
/// freed any more.
pub fn in_callback<T>(callback: impl FnOnce() -> T) -> T {
    if runtime::cuda_is_used() { exit::in_message(callback) } else { exit::in_callback(callback) }
}

/// Runs the body of a C function that uses libtorch, which is checked first.
pub fn guard_libtorch(body: impl FnOnce() -> Result<()>) -> coopseg_status {
    guard(|| {
        let _at_work = AtWork::begin_with_libtorch()?;
        runtime::start()?;
        exit::watch();
        let _heard = HeardWarnings::begin();
        let _modes = PlainModes::begin()?;
        let outcome = body();
        exit::watch_after_call();
        outcome
    })
}

/// What a panic was raised with.
fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without a text").to_owned()
}

/// Sends the text of panics to the log instead of stderr. The hook belongs to this library's own copy of
/// the Rust runtime and does not touch the host's.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if cfg!(test) {
                previous(info);
            }
            let text = info.to_string();
            log::error(&format!("internal error: {text}"));
            let _ = PANIC.try_with(|panic| {
                if let Ok(mut slot) = panic.try_borrow_mut() {
                    *slot = Some(text);
                }
            });
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_panic_becomes_a_status_and_a_message() {
        let status = guard(|| panic!("the sky is falling"));
        assert_eq!(status, COOPSEG_INTERNAL);
        assert!(last_message().contains("the sky is falling"));
        assert_eq!(guard(|| Ok(())), COOPSEG_OK);
    }

    #[test]
    fn a_panic_of_another_thread_keeps_its_text() {
        let status = guard(|| {
            let ended = std::thread::spawn(|| panic!("the {} is falling", "moon")).join();
            std::panic::resume_unwind(ended.unwrap_err())
        });
        assert_eq!(status, COOPSEG_INTERNAL);
        assert!(last_message().contains("the moon is falling"));
    }

    #[test]
    fn an_error_becomes_its_status_and_its_sentence() {
        let status = guard(|| Err(Error::InvalidLabel("label 9 is no class".to_owned())));
        assert_eq!(status, super::super::COOPSEG_INVALID_LABEL);
        assert_eq!(last_message(), "label 9 is no class");
    }

    fn last_message() -> String {
        let mut buffer = [0u8; 512];
        let mut length = 0;
        // SAFETY: the buffer has the length that is given.
        unsafe { last_error::coopseg_last_error(buffer.as_mut_ptr().cast(), buffer.len(), &mut length) };
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}
