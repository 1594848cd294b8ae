//! The values of tensors, without a copy.

use crate::error::{Error, Result};
use tch::{Device, Kind, Tensor};

/// The values of a dense float32 tensor on the CPU, in the order of its axes.
pub fn values(tensor: &Tensor) -> Result<&[f32]> {
    if tensor.kind() != Kind::Float || tensor.device() != Device::Cpu || !tensor.is_contiguous() {
        return Err(Error::Internal(format!("{tensor:?} is not dense float32 on the CPU")));
    }
    // SAFETY: a dense tensor of that many values, which lives as long as the slice.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<f32>(), tensor.numel()) })
}
