//! Images in memory: where their voxels lie in space, how their bytes are laid out, NIfTI files,
//! and the way from an image's own grid to the networks' grid and back. No libtorch here.
//!
//! Axes are x, y, z with x fastest in memory; an `ndarray` of voxels is therefore indexed
//! `[z, y, x]`. World coordinates are LPS (x to the patient's left, y to posterior, z to superior)
//! in millimetres, as in DICOM and ITK.

mod geometry;

pub use geometry::Geometry;

use ndarray::Array3;

/// An image or label map in memory with its place in space.
#[derive(Clone, Debug)]
pub struct Volume<T> {
    /// Voxels, indexed `[z, y, x]`, in standard layout (x fastest).
    pub voxels: Array3<T>,
    /// Spacing, origin and direction.
    pub geometry: Geometry,
}
