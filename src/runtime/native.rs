//! The functions of this crate's own C++ (`native/`): what libtorch has and its Rust bindings do not reach.

use crate::error::{Error, Result};
use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;
use torch_sys::C_tensor;

/// Where a function leaves the reason of its failure.
#[repr(C)]
pub struct Message {
    text: [u8; 2048],
}

/// How a convolution is computed; see `native/operators.h`.
#[repr(C)]
pub struct ConvolutionSettings {
    pub stride: i64,
    pub padding: i64,
    pub activation: i32,
    pub slope: f64,
}

/// How a trained convolution is computed; see `native/convolution.h`.
#[repr(C)]
pub struct KernelSettings {
    pub stride: i64,
    pub padding: i64,
    pub transposed: i32,
}

/// How a batch is normalised; see `native/normalisation.h`.
#[repr(C)]
pub struct NormalisationSettings {
    pub momentum: f64,
    pub epsilon: f64,
    pub slope: f64,
}

/// How Winograd's convolution is computed; see `native/winograd.h`.
#[repr(C)]
pub struct WinogradSettings {
    pub outputs: i64,
    pub doubles: i32,
    pub activation: i32,
    pub slope: f64,
}

/// Settings of an update; see `native/operators.h`.
#[repr(C)]
pub struct AdamSettings {
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
    pub decoupled: i32,
}

/// State of the caching allocator; see `native/cpu_cache.h`.
#[repr(C)]
pub struct CpuCacheState {
    pub limit: usize,
    pub kept: usize,
    pub used: usize,
    pub hits: u64,
    pub misses: u64,
}

/// Hears of warnings; see `native/warnings.h`.
pub type WarningListener = unsafe extern "C" fn(text: *const c_char, length: usize);

/// What `native/cuda.h` declares without saying what is in it, with the function that frees it.
pub trait Opaque {
    /// # Safety
    /// `raw` was made by the C++ part and is not used afterwards.
    unsafe fn free(raw: *mut Self);
}

macro_rules! opaque {
    ($($(#[$about:meta])* $name:ident freed by $free:ident;)*) => {$(
        $(#[$about])*
        #[repr(C)]
        #[derive(Debug)]
        pub struct $name {
            _opaque: [u8; 0],
        }

        impl Opaque for $name {
            unsafe fn free(raw: *mut Self) {
                // SAFETY: as the caller promises.
                unsafe { $free(raw) }
            }
        }
    )*};
}

opaque! {
    /// A stream of a device.
    CudaStream freed by coopseg_native_cuda_stream_free;
    /// Memory of recorded work.
    CudaPool freed by coopseg_native_cuda_pool_free;
    /// Recorded work.
    CudaGraph freed by coopseg_native_cuda_graph_free;
}

/// The time during which a thread's work goes to a stream.
#[repr(C)]
#[derive(Debug)]
pub struct CudaVisit {
    _opaque: [u8; 0],
}

/// The time during which a thread has libtorch's usual modes; see `native/modes.h`.
#[repr(C)]
#[derive(Debug)]
pub struct PlainModes {
    _opaque: [u8; 0],
}

/// An object of the C++ part, freed with its owner.
#[derive(Debug)]
pub struct Raw<T: Opaque>(NonNull<T>);

// SAFETY: CUDA's objects belong to the process; the owner uses them from one thread at a time.
unsafe impl<T: Opaque> Send for Raw<T> {}

impl<T: Opaque> Raw<T> {
    /// The object that a function makes.
    pub fn made(call: impl FnOnce(*mut *mut T, *mut Message) -> i32) -> Result<Self> {
        let mut raw = std::ptr::null_mut();
        checked(|message| call(&mut raw, message))?;
        NonNull::new(raw).map(Raw).ok_or_else(|| Error::Internal("the C++ part made nothing".to_owned()))
    }

    /// For calls of the C++ part.
    pub fn as_ptr(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T: Opaque> Drop for Raw<T> {
    fn drop(&mut self) {
        // SAFETY: made by the C++ part and freed once.
        unsafe { T::free(self.0.as_ptr()) }
    }
}

// A `C_tensor` is an `at::Tensor` to both sides.
unsafe extern "C" {
    pub fn coopseg_native_leaky_relu(x: *mut C_tensor, slope: f64, message: *mut Message) -> i32;
    pub fn coopseg_native_has_onednn(bfloat16: i32) -> i32;
    pub fn coopseg_native_pack_weight(
        weight: *const C_tensor,
        transposed: i32,
        how: *const ConvolutionSettings,
        input_size: *const i64,
        out_packed: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_convolve(
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        transposed: i32,
        how: *const ConvolutionSettings,
        out_result: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_convolve_onto(
        sum: *mut C_tensor,
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        how: *const ConvolutionSettings,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_trained_convolution(
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        how: *const KernelSettings,
        out_result: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_winograd_trains(x: *const C_tensor, weight: *const C_tensor) -> i32;
    pub fn coopseg_native_trained_winograd(
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        doubles: i32,
        out_result: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_normalises(x: *const C_tensor) -> i32;
    pub fn coopseg_native_normalise(
        x: *const C_tensor,
        summand: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        running_mean: *mut C_tensor,
        running_var: *mut C_tensor,
        how: *const NormalisationSettings,
        out_result: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_winograd_pays(weight: *const C_tensor) -> i32;
    pub fn coopseg_native_winograd_weight(
        weight: *const C_tensor,
        doubles: i32,
        out_packed: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_winograd_convolve(
        x: *const C_tensor,
        weight: *const C_tensor,
        bias: *const C_tensor,
        sum: *mut C_tensor,
        doubled_sum: *const C_tensor,
        how: *const WinogradSettings,
        out_result: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    #[cfg(test)]
    pub fn coopseg_native_has_weight_gradient() -> i32;
    #[cfg(test)]
    pub fn coopseg_native_weight_gradient(
        x: *const C_tensor,
        gradient: *const C_tensor,
        size: i64,
        how: *const KernelSettings,
        out_gradient: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_adam_update(
        weights: *const *const C_tensor,
        gradients: *const *const C_tensor,
        means: *const *const C_tensor,
        variances: *const *const C_tensor,
        count: usize,
        update: *const C_tensor,
        how: *const AdamSettings,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_zero(tensors: *const *mut C_tensor, count: usize, message: *mut Message) -> i32;
    pub fn coopseg_native_cuda_stream_new(
        device: i32,
        out_stream: *mut *mut CudaStream,
        message: *mut Message,
    ) -> i32;
    fn coopseg_native_cuda_stream_free(stream: *mut CudaStream);
    pub fn coopseg_native_cuda_enter(
        stream: *const CudaStream,
        out_visit: *mut *mut CudaVisit,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_cuda_leave(visit: *mut CudaVisit, message: *mut Message) -> i32;
    pub fn coopseg_native_cuda_pool_new(out_pool: *mut *mut CudaPool, message: *mut Message) -> i32;
    fn coopseg_native_cuda_pool_free(pool: *mut CudaPool);
    pub fn coopseg_native_cuda_record(
        pool: *const CudaPool,
        out_graph: *mut *mut CudaGraph,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_cuda_recorded(graph: *mut CudaGraph, message: *mut Message) -> i32;
    pub fn coopseg_native_cuda_replay(graph: *mut CudaGraph, message: *mut Message) -> i32;
    fn coopseg_native_cuda_graph_free(graph: *mut CudaGraph);
    pub fn coopseg_native_cuda_upload(
        source: *const C_tensor,
        device: i32,
        out_copy: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_cuda_page_locked(
        source: *const C_tensor,
        out_copy: *mut *mut C_tensor,
        message: *mut Message,
    ) -> i32;
    pub fn coopseg_native_cuda_empty_cache(message: *mut Message) -> i32;
    pub fn coopseg_native_plain_modes_begin() -> *mut PlainModes;
    pub fn coopseg_native_plain_modes_end(modes: *mut PlainModes);
    pub fn coopseg_native_hear_warnings(listener: WarningListener) -> *mut c_void;
    pub fn coopseg_native_unhear_warnings(before: *mut c_void);
    pub fn coopseg_native_cpu_cache_install() -> i32;
    pub fn coopseg_native_cpu_cache_set_limit(bytes: usize);
    pub fn coopseg_native_cpu_cache_clear();
    pub fn coopseg_native_cpu_cache_state() -> CpuCacheState;
}

/// Runs a function that reports its failure in a message.
pub fn checked(call: impl FnOnce(*mut Message) -> i32) -> Result<()> {
    let mut message = Message { text: [0; 2048] };
    if call(&mut message) == 0 {
        return Ok(());
    }
    let text = CStr::from_bytes_until_nul(&message.text).unwrap_or_default().to_string_lossy().into_owned();
    Err(Error::from(tch::TchError::Torch(text)))
}
