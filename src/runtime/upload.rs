//! Tensors from the host's memory to where they are used.

use super::native;
use super::operators::made;
use crate::error::Result;
use tch::{Device, Tensor};

/// libtorch keeps page-locked memory for good, so more bytes than this go the ordinary way.
const MOST_PAGE_LOCKED: usize = 64 << 20;

/// A tensor of the host on `device`. Where that is a GPU the host does not wait for the copy, and what is asked of the
/// GPU next finds it done.
///
/// # Errors
/// `OutOfMemory`; what CUDA reports.
pub fn upload(tensor: &Tensor, device: Device) -> Result<Tensor> {
    match device {
        Device::Cuda(index)
            if (1..=MOST_PAGE_LOCKED / tensor.kind().elt_size_in_bytes()).contains(&tensor.numel()) =>
        {
            made(|out, message| {
                // SAFETY: the tensor lives during the call; `out` may be written.
                unsafe { native::coopseg_native_cuda_upload(tensor.as_ptr(), index as i32, out, message) }
            })
        }
        _ => Ok(tensor.f_to_device(device)?),
    }
}

/// The same values in memory from which [`upload`] to a GPU is fastest.
///
/// # Errors
/// `OutOfMemory`; what CUDA reports.
pub fn page_locked(tensor: &Tensor) -> Result<Tensor> {
    made(|out, message| {
        // SAFETY: the tensor lives during the call; `out` may be written.
        unsafe { native::coopseg_native_cuda_page_locked(tensor.as_ptr(), out, message) }
    })
}
