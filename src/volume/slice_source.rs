//! Images as a sequence of slices, wherever their voxels lie.

use super::{Dtype, Geometry, ImageView, IntensityWindow, Volume};
use crate::error::Result;
use crate::memory;
use ndarray::{Array2, Axis};

/// Slices of an image, one at a time, so that a big image is never copied whole.
pub trait SliceSource: Sync {
    /// Number of slices.
    fn slices(&self) -> usize;
    /// Columns and rows.
    fn size(&self) -> [usize; 2];
    /// Spacing, origin and direction.
    fn geometry(&self) -> &Geometry;
    /// In-plane spacing along x and y, in mm.
    fn spacing(&self) -> [f64; 2] {
        let [x, y, _] = self.geometry().spacing;
        [x, y]
    }
    /// The intensities of slice `z`, indexed `[y, x]`; `OutOfMemory`.
    fn slice(&self, z: usize) -> Result<Array2<f32>>;
    /// All voxels in their own type, in the order z, y, x with x fastest, where they lie so in memory.
    fn dense(&self) -> Option<(Dtype, &[u8])>;
    /// The intensity window of the whole image.
    fn window(&self, percentiles: [f64; 2]) -> Result<IntensityWindow>;
}

impl SliceSource for ImageView<'_> {
    fn slices(&self) -> usize {
        self.shape()[2]
    }

    fn size(&self) -> [usize; 2] {
        let [x, y, _] = self.shape();
        [x, y]
    }

    fn geometry(&self) -> &Geometry {
        ImageView::geometry(self)
    }

    fn slice(&self, z: usize) -> Result<Array2<f32>> {
        self.slice_f32(z)
    }

    fn dense(&self) -> Option<(Dtype, &[u8])> {
        Some((self.dtype(), self.dense_bytes()?))
    }

    fn window(&self, percentiles: [f64; 2]) -> Result<IntensityWindow> {
        IntensityWindow::of_slices(self.slices(), |z| self.slice_f32(z), percentiles)
    }
}

impl SliceSource for Volume<f32> {
    fn slices(&self) -> usize {
        self.voxels.len_of(Axis(0))
    }

    fn size(&self) -> [usize; 2] {
        let (_, y, x) = self.voxels.dim();
        [x, y]
    }

    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn slice(&self, z: usize) -> Result<Array2<f32>> {
        memory::copy(&self.voxels.index_axis(Axis(0), z), "a slice")
    }

    fn dense(&self) -> Option<(Dtype, &[u8])> {
        let values = self.voxels.as_slice()?;
        // SAFETY: the bytes of the values, borrowed as long; every byte may be read as one.
        let bytes =
            unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), std::mem::size_of_val(values)) };
        Some((Dtype::F32, bytes))
    }

    fn window(&self, percentiles: [f64; 2]) -> Result<IntensityWindow> {
        IntensityWindow::of_volume(self, percentiles)
    }
}
