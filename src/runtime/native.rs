//! The functions of this crate's own C++ (`native/`): what libtorch has and its Rust bindings do not reach.

use crate::error::{Error, Result};
use std::ffi::CStr;
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
