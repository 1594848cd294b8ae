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
        Device::Cuda(index) if may_be_page_locked(tensor) => {
            let uploaded = made(|out, message| {
                // SAFETY: the tensor lives during the call; `out` may be written.
                unsafe { native::coopseg_native_cuda_upload(tensor.as_ptr(), index as i32, out, message) }
            });
            // The system may refuse page-locked memory.
            uploaded.or_else(|_| Ok(tensor.f_to_device(device)?))
        }
        _ => Ok(tensor.f_to_device(device)?),
    }
}

fn may_be_page_locked(tensor: &Tensor) -> bool {
    (1..=MOST_PAGE_LOCKED / tensor.kind().elt_size_in_bytes()).contains(&tensor.numel())
}

/// The same values in memory from which [`upload`] to a GPU is fastest, where there is such memory.
pub fn page_locked(tensor: Tensor) -> Tensor {
    if !may_be_page_locked(&tensor) {
        return tensor;
    }
    made(|out, message| {
        // SAFETY: the tensor lives during the call; `out` may be written.
        unsafe { native::coopseg_native_cuda_page_locked(tensor.as_ptr(), out, message) }
    })
    .unwrap_or(tensor)
}
