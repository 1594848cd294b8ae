//! What libtorch warns of: it goes to the log, not to stderr.

use super::{log, native};
use std::cell::RefCell;
use std::ffi::{c_char, c_void};
use std::marker::PhantomData;

thread_local! {
    /// What this thread was last warned of.
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The time during which the calling thread's warnings go to the log.
#[derive(Debug)]
pub struct HeardWarnings {
    before: *mut c_void,
    /// It ends on the thread that it began on.
    _of_this_thread: PhantomData<*const ()>,
}

impl HeardWarnings {
    /// From now on.
    pub fn begin() -> Self {
        // SAFETY: the listener lives as long as the library, which is never unloaded.
        let before = unsafe { native::coopseg_native_hear_warnings(listener) };
        HeardWarnings { before, _of_this_thread: PhantomData }
    }
}

impl Drop for HeardWarnings {
    fn drop(&mut self) {
        // SAFETY: what the C++ part gave when this began, on the same thread.
        unsafe { native::coopseg_native_unhear_warnings(self.before) };
    }
}

/// What `body` gives, and the last warning that it caused on this thread; empty where there was none.
pub fn with_last_warning<T>(body: impl FnOnce() -> T) -> (T, String) {
    let _heard = HeardWarnings::begin();
    let _ = LAST.try_with(|last| last.borrow_mut().clear());
    let result = body();
    (result, LAST.try_with(|last| last.take()).unwrap_or_default())
}

unsafe extern "C" fn listener(text: *const c_char, length: usize) {
    // SAFETY: libtorch's text of this length.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) };
    let text = String::from_utf8_lossy(bytes).into_owned();
    log::warning(&format!("libtorch: {text}"));
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = text;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn warnings_are_heard_and_not_printed() {
        let tensor = Tensor::zeros([2, 2, 2], (Kind::Float, Device::Cpu));
        // libtorch says once in a process that this is deprecated for tensors of three axes.
        let (_, warning) = with_last_warning(|| tensor.f_numpy_t().unwrap());
        assert!(warning.contains("deprecated"), "{warning}");
        let (sum, silence) = with_last_warning(|| tensor.f_sum(Kind::Float).unwrap());
        assert_eq!((f64::try_from(sum).unwrap(), silence.as_str()), (0.0, ""));
    }
}
