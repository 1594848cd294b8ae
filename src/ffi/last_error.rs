//! The sentence that belongs to the last failed call of a thread.

use super::status::{COOPSEG_NULL_ARGUMENT, COOPSEG_OK, coopseg_status};
use std::cell::RefCell;
use std::ffi::c_char;

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

pub(super) fn set(message: String) {
    // A thread that is about to end may have lost its message already.
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = message;
        }
    });
}

/// Copies the message of the last call on this thread that did not return `COOPSEG_OK`: what was wrong,
/// with which value, what was expected, in which file. UTF-8. Calls that succeed leave it as it is.
///
/// @param buffer      Receives at most capacity bytes, always ended by a zero byte. May be NULL if capacity is 0.
/// @param capacity    Size of the buffer in bytes.
/// @param out_length  Receives the length of the whole message without the zero byte. May be NULL.
/// @return `COOPSEG_OK`, also when the message was cut to fit; `COOPSEG_NULL_ARGUMENT`.
/// Threads: any number of calls at once; every thread has its own message.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_last_error(
    buffer: *mut c_char,
    capacity: usize,
    out_length: *mut usize,
) -> coopseg_status {
    if buffer.is_null() && capacity > 0 {
        return COOPSEG_NULL_ARGUMENT;
    }
    let give = |last: &str| {
        if capacity > 0 {
            let mut length = last.len().min(capacity - 1);
            while !last.is_char_boundary(length) {
                length -= 1;
            }
            // SAFETY: the caller says that `buffer` has `capacity` bytes; at most capacity - 1 are copied,
            // and the message is not in the caller's memory.
            unsafe {
                std::ptr::copy_nonoverlapping(last.as_ptr().cast::<c_char>(), buffer, length);
                buffer.add(length).write(0);
            }
        }
        if !out_length.is_null() {
            // SAFETY: not NULL, and the caller says that it points to a size_t.
            unsafe { out_length.write(last.len()) };
        }
    };
    // No message where a thread is about to end and has lost it already.
    if LAST.try_with(|last| last.try_borrow().map_or_else(|_| give(""), |last| give(&last))).is_err() {
        give("");
    }
    COOPSEG_OK
}
