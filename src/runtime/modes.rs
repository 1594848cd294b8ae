//! What the caller's thread may have switched in libtorch for itself (no gradients, inference mode, autocast) does not
//! hold for this library's work on it.

use super::native;
use crate::error::{Error, Result};
use std::marker::PhantomData;
use std::ptr::NonNull;

/// The time during which the calling thread has libtorch's usual modes.
#[derive(Debug)]
pub struct PlainModes {
    modes: NonNull<native::PlainModes>,
    /// It ends on the thread that it began on.
    _of_this_thread: PhantomData<*const ()>,
}

impl PlainModes {
    /// From now on.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn begin() -> Result<Self> {
        // SAFETY: ended on this thread, in the reverse order, when this is dropped.
        let modes = NonNull::new(unsafe { native::coopseg_native_plain_modes_begin() });
        let modes = modes.ok_or_else(|| Error::OutOfMemory("for libtorch's modes".to_owned()))?;
        Ok(PlainModes { modes, _of_this_thread: PhantomData })
    }
}

impl Drop for PlainModes {
    fn drop(&mut self) {
        // SAFETY: begun on this thread and ended once.
        unsafe { native::coopseg_native_plain_modes_end(self.modes.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, Tensor};

    #[test]
    fn gradients_are_there_whatever_the_thread_has_switched_off() {
        let leads_to_gradients = || {
            let weight = Tensor::ones([2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
            (weight * 2.0).requires_grad()
        };
        let _none = tch::no_grad_guard();
        assert!(!leads_to_gradients());
        {
            let _plain = PlainModes::begin().unwrap();
            assert!(leads_to_gradients());
        }
        assert!(!leads_to_gradients());
    }
}
