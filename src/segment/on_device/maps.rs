//! What becomes of slices on a device, and where the caller wants it.

use super::array::{self, DeviceMemory};
use super::grid::DeviceGrid;
use crate::error::{Error, Result};
use crate::memory;
use crate::runtime::ScalarOperators;
use crate::segment::slice_result::{SliceResult, Wanted};
use crate::volume::{Dtype, Layout, MapFormat};
use ndarray::{Array, Dimension};
use std::ops::Range;
use tch::kind::Element;
use tch::{Device, Kind, Tensor};

/// The results for some slices, on the image's own grid: what [`SliceResult`](crate::segment::SliceResult) has for one.
#[derive(Debug)]
pub struct DeviceMaps {
    /// uint8, `[slice, y, x]`.
    pub labels: Tensor,
    /// float32, `[slice, class, y, x]`.
    pub probabilities: Option<Tensor>,
    /// uint8, `[slice, y, x]`.
    pub fast_labels: Option<Tensor>,
    /// float32, `[slice, y, x]`.
    pub entropy: Option<Tensor>,
    /// float32, `[slice, y, x]`.
    pub disagreement: Option<Tensor>,
}

impl DeviceMaps {
    /// From the probabilities of both stages, `[slice, class, y, x]` on the networks' grid.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn new(grid: &DeviceGrid, refined: &Tensor, fast: Option<&Tensor>, wanted: Wanted) -> Result<Self> {
        let labels = |probabilities: &Tensor| probabilities.f_argmax(1, false)?.f_to_kind(Kind::Uint8);
        let refined = grid.probabilities_to_image(refined)?;
        let fast = fast.map(|fast| grid.probabilities_to_image(fast)).transpose()?;
        let entropy =
            || refined.f_special_entr()?.f_sum_dim_intlist(1, false, None::<Kind>)?.try_clamp_min(0.0);
        let variation = |fast: &Tensor| {
            fast.f_sub(&refined)?.f_abs()?.f_sum_dim_intlist(1, false, None::<Kind>)?.try_mul_scalar(0.5)
        };
        Ok(DeviceMaps {
            labels: labels(&refined)?,
            fast_labels: fast.as_ref().filter(|_| wanted.fast_labels).map(labels).transpose()?,
            entropy: wanted.entropy.then(entropy).transpose()?,
            disagreement: fast.as_ref().filter(|_| wanted.disagreement).map(variation).transpose()?,
            probabilities: wanted.probabilities.then_some(refined),
        })
    }

    /// The maps in the host's memory, of each slice.
    ///
    /// # Errors
    /// What went wrong on the device.
    pub fn into_slice_results(self) -> Result<Vec<SliceResult>> {
        let to_host = |map: Option<Tensor>| map.map(|map| map.f_to_device(Device::Cpu)).transpose();
        let (fast_labels, probabilities) = (to_host(self.fast_labels)?, to_host(self.probabilities)?);
        let (entropy, disagreement) = (to_host(self.entropy)?, to_host(self.disagreement)?);
        let labels = self.labels.f_to_device(Device::Cpu)?;
        (0..labels.size3()?.0.unsigned_abs() as usize)
            .map(|index| {
                Ok(SliceResult {
                    labels: on_host(&labels, index)?,
                    probabilities: probabilities.as_ref().map(|map| on_host(map, index)).transpose()?,
                    fast_labels: fast_labels.as_ref().map(|map| on_host(map, index)).transpose()?,
                    entropy: entropy.as_ref().map(|map| on_host(map, index)).transpose()?,
                    disagreement: disagreement.as_ref().map(|map| on_host(map, index)).transpose()?,
                })
            })
            .collect()
    }

    /// Waits until everything that was asked of the device so far is done.
    ///
    /// # Errors
    /// What went wrong meanwhile.
    pub fn wait(&self) -> Result<()> {
        // A value can only be read when what was asked for before it is done.
        self.labels.f_reshape([-1])?.f_double_value(&[0])?;
        Ok(())
    }
}

/// A borrowed output on a device, of up to four axes x, y, z and class, with byte strides.
#[derive(Debug)]
pub struct DeviceOutput {
    /// `[class, z, y, x]`.
    elements: Tensor,
    format: MapFormat,
}

impl DeviceOutput {
    /// Checks a description as it comes from C; see [`ImageViewMut::new`](crate::volume::ImageViewMut::new). Strides are
    /// multiples of the elements' size.
    ///
    /// # Errors
    /// `InvalidShape`, `DeviceUnavailable`; `Libtorch` where the memory is not the device's.
    ///
    /// # Safety
    /// The memory may be written, and nothing else reads or writes it while the output lives.
    pub unsafe fn new(
        memory: DeviceMemory,
        dtype: Dtype,
        ndim: i32,
        shape: [i64; 4],
        strides: [i64; 4],
    ) -> Result<Self> {
        let layout = Layout::new(dtype, ndim, shape, strides, memory.size)?;
        layout.refuse_overlap(dtype)?;
        // SAFETY: checked against the size of the memory, which stays by contract.
        let elements = unsafe { array::tensor(memory, dtype, &layout) }?;
        Ok(DeviceOutput { elements, format: MapFormat { dtype, shape: layout.shape } })
    }

    /// Type and shape.
    pub fn format(&self) -> MapFormat {
        self.format
    }

    /// Where it lies.
    pub fn device(&self) -> Device {
        self.elements.device()
    }

    /// Writes one map of some slices, `[slice, y, x]` or `[slice, class, y, x]`. Classes fit every type, because those that
    /// hold fewer were refused.
    ///
    /// # Errors
    /// `Libtorch` when slices and output differ.
    pub fn write(&mut self, slices: Range<usize>, map: &Tensor) -> Result<()> {
        let map = if map.dim() == 3 { map.f_unsqueeze(1)? } else { map.shallow_clone() };
        let mut own = self.elements.f_narrow(1, slices.start as i64, slices.len() as i64)?;
        own.f_copy_(&map.f_transpose(0, 1)?)?;
        Ok(())
    }
}

/// What memory is for.
const MAP: &str = "a map of a device";

/// The values of slice `index` of a map on the host.
///
/// # Errors
/// `OutOfMemory`; `Internal` for a map of another type or number of axes than `T` and `D` say.
pub fn on_host<T: Element + Copy + Default, D: Dimension>(map: &Tensor, index: usize) -> Result<Array<T, D>> {
    let values = map.f_select(0, index as i64)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let shape: Vec<usize> = values.size().iter().map(|&size| size.unsigned_abs() as usize).collect();
    let mut copy = memory::filled(shape, T::default(), MAP)?;
    values.f_copy_data(copy.as_slice_mut().unwrap_or_default(), values.numel())?;
    copy.into_dimensionality().map_err(|error| Error::Internal(format!("{MAP}: {error}")))
}
