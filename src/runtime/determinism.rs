//! Algorithms on CUDA that give the same numbers each time.

use super::libtorch;
use crate::error::Result;
use std::ffi::c_void;

unsafe extern "C" {
    /// `at::Context& at::globalContext()`
    #[link_name = "_ZN2at13globalContextEv"]
    fn global_context() -> *mut c_void;
    /// `void at::Context::setDeterministicCuDNN(bool)`
    #[link_name = "_ZN2at7Context21setDeterministicCuDNNEb"]
    fn set_deterministic_cudnn(context: *mut c_void, on: bool);
}

/// From now on cuDNN only uses algorithms that add in a fixed order, in the whole process. Slower.
pub fn use_deterministic_algorithms() -> Result<()> {
    libtorch::start()?;
    tch::Cuda::cudnn_set_benchmark(false);
    // SAFETY: both are exported by the libtorch version that `start` has checked; the context lives as long as
    // the process.
    unsafe { set_deterministic_cudnn(global_context(), true) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        /// `bool at::Context::deterministicCuDNN() const`
        #[link_name = "_ZNK2at7Context18deterministicCuDNNEv"]
        fn is_deterministic_cudnn(context: *const c_void) -> bool;
    }

    #[test]
    fn libtorch_takes_the_switch() {
        use_deterministic_algorithms().unwrap();
        // SAFETY: as above.
        assert!(unsafe { is_deterministic_cudnn(global_context()) });
    }
}
