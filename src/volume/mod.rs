//! Images in memory: where their voxels lie in space, how their bytes are laid out, NIfTI files,
//! and the way from an image's own grid to the networks' grid and back. No libtorch here.
//!
//! Axes are x, y, z with x fastest in memory; an `ndarray` of voxels is therefore indexed
//! `[z, y, x]`. World coordinates are LPS (x to the patient's left, y to posterior, z to superior)
//! in millimetres, as in DICOM and ITK.

mod crop;
mod dtype;
mod geometry;
mod intensity;
mod layout;
mod map_format;
mod network_grid;
pub mod nifti_file;
mod order_statistics;
mod preprocess;
mod resample;
mod same_grid;
mod slice_source;
mod view;
mod view_mut;

pub use crop::{centre_crop, pad};
pub use dtype::Dtype;
pub use geometry::Geometry;
pub use intensity::{IntensityWindow, Ranks, min_max, normalise};
pub(crate) use layout::Layout;
pub use map_format::MapFormat;
pub use network_grid::{NetworkGrid, Seen};
pub use order_statistics::not_finite;
pub use preprocess::Preprocess;
pub use resample::Interpolation;
pub use same_grid::check_same_grid;
pub use slice_source::SliceSource;
pub use view::ImageView;
pub use view_mut::ImageViewMut;

use crate::error::Result;
use crate::memory;
use ndarray::Array3;

/// An image or label map in memory with its place in space.
#[derive(Clone, Debug)]
pub struct Volume<T> {
    /// Voxels, indexed `[z, y, x]`, in standard layout (x fastest).
    pub voxels: Array3<T>,
    /// Spacing, origin and direction.
    pub geometry: Geometry,
}

impl<T> Volume<T> {
    /// Voxels along x, y, z.
    pub fn shape(&self) -> [usize; 3] {
        let (z, y, x) = self.voxels.dim();
        [x, y, z]
    }
}

impl<T: Copy> Volume<T> {
    /// Another one of the same voxels and geometry.
    ///
    /// # Errors
    /// `OutOfMemory`, where `clone` would end the process.
    pub fn try_clone(&self) -> Result<Self> {
        Ok(Volume { voxels: memory::copy(&self.voxels, "a copy of an image")?, geometry: self.geometry })
    }
}
