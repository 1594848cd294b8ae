//! Images in the memory of a device.

use super::array::{self, DeviceMemory};
use crate::error::Result;
use crate::memory;
use crate::runtime::ScalarOperators;
use crate::volume::{Dtype, Geometry, IntensityWindow, Layout, Ranks, SliceSource, not_finite};
use std::ops::Range;
use tch::{Device, Kind, Tensor};

/// A borrowed image on a device: voxels of any scalar type with byte strides.
#[derive(Debug)]
pub struct DeviceImage {
    /// `[z, y, x]`, of the size of the voxels' type.
    voxels: Tensor,
    dtype: Dtype,
    shape: [usize; 3],
    geometry: Geometry,
}

// SAFETY: the tensor is only read and libtorch's reference counts are atomic.
unsafe impl Sync for DeviceImage {}

impl DeviceImage {
    /// Checks a description as it comes from C; see [`ImageView::new`](crate::volume::ImageView::new). Strides are
    /// multiples of the voxels' size.
    ///
    /// # Errors
    /// `InvalidShape`, `InvalidGeometry`, `DeviceUnavailable`; `Libtorch` where the memory is not the device's.
    ///
    /// # Safety
    /// The memory holds what is said and stays unchanged while the image lives.
    pub unsafe fn new(
        memory: DeviceMemory,
        dtype: Dtype,
        ndim: i32,
        shape: [i64; 3],
        strides: [i64; 3],
        geometry: Geometry,
    ) -> Result<Self> {
        let layout = Layout::new(dtype, ndim, shape, strides, memory.size)?;
        geometry.validate()?;
        // SAFETY: checked against the size of the memory, which stays by contract.
        let voxels = unsafe { array::tensor(memory, dtype, &layout) }?;
        Ok(DeviceImage { voxels, dtype, shape: layout.shape, geometry })
    }

    /// A copy of an image of the host on `device`.
    ///
    /// # Errors
    /// `OutOfMemory`; what reading the slices reports.
    pub fn upload(source: &dyn SliceSource, device: Device) -> Result<Self> {
        let [width, height] = source.size();
        let shape = [width, height, source.slices()];
        let gathered: Vec<f32>;
        let (dtype, bytes) = match source.dense() {
            Some(dense) => dense,
            None => {
                let mut values =
                    memory::reserve(shape.iter().product(), "an image on its way to the device")?;
                for z in 0..source.slices() {
                    values.extend(source.slice(z)?.iter());
                }
                gathered = values;
                // SAFETY: the bytes of the values; every byte may be read as one.
                let bytes = unsafe {
                    std::slice::from_raw_parts(gathered.as_ptr().cast(), std::mem::size_of_val(&gathered[..]))
                };
                (Dtype::F32, bytes)
            }
        };
        // SAFETY: read as bytes while they are borrowed; the copy owns its memory.
        let bytes = unsafe {
            Tensor::f_from_blob(bytes.as_ptr(), &[bytes.len() as i64], &[1], Kind::Uint8, Device::Cpu)?
        };
        let mut copy = Tensor::f_empty(bytes.size(), (Kind::Uint8, device))?;
        copy.f_copy_(&bytes)?;
        let [x, y, z] = shape.map(|size| size as i64);
        let voxels = copy.f_view_dtype(array::same_bits(dtype))?.f_reshape([z, y, x])?;
        Ok(DeviceImage { voxels, dtype, shape, geometry: *source.geometry() })
    }

    /// Where it lies.
    pub fn device(&self) -> Device {
        self.voxels.device()
    }

    /// Number of voxels along x, y, z.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Where the voxels lie in space.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The intensities of some slices as float32, `[slice, y, x]`.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn slices(&self, slices: Range<usize>) -> Result<Tensor> {
        array::to_f32(&self.voxels.f_narrow(0, slices.start as i64, slices.len() as i64)?, self.dtype)
    }

    /// The window between two percentiles of all voxels; see
    /// [`IntensityWindow::of_slices`](crate::volume::IntensityWindow::of_slices), whose numbers it gives.
    ///
    /// # Errors
    /// `InvalidArgument` for an image that is constant or has voxels that are not finite; `OutOfMemory`.
    pub fn window(&self, percentiles: [f64; 2]) -> Result<IntensityWindow> {
        let [width, height, slices] = self.shape;
        let values = self.slices(0..slices)?.f_reshape([-1])?;
        let broken = values.f_isfinite()?.f_logical_not()?;
        let count = broken.f_sum(Kind::Int64)?.f_int64_value(&[])?;
        if count > 0 {
            let first = broken.f_to_kind(Kind::Uint8)?.f_argmax(0, false)?.f_int64_value(&[])?;
            let index = first.unsigned_abs() as usize;
            let position = [index % width, index / width % height, index / width / height];
            return Err(not_finite(count.unsigned_abs(), values.f_double_value(&[first])? as f32, position));
        }
        let ranks = Ranks::new(percentiles, values.numel() as u64 - 1);
        let wanted =
            Tensor::f_from_slice(&ranks.all().map(|rank| rank as i64))?.f_to_device(self.device())?;
        // Sorted, because kthvalue is refused on CUDA where the host asks PyTorch for deterministic algorithms.
        let statistics = values.f_sort(0, false)?.0.f_index_select(0, &wanted)?;
        let mut found = [0.0; 6];
        statistics.f_to_kind(Kind::Double)?.f_to_device(Device::Cpu)?.f_copy_data(&mut found, 6)?;
        ranks.window(found)
    }
}

/// Intensities clipped to a window and scaled to [0, 1]; see [`IntensityWindow::apply`].
pub fn windowed(intensities: &Tensor, window: &IntensityWindow) -> Result<Tensor> {
    let [low, high] = window.bounds();
    let scaled = intensities.f_to_kind(Kind::Double)?.try_sub_scalar(low)?.try_div_scalar(high - low)?;
    Ok(scaled.try_clamp(0.0, 1.0)?.f_to_kind(Kind::Float)?)
}
