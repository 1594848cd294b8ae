//! The grid of a file, kept so that results can be written on it.

use super::raw_header::{FileType, RawHeader};
use crate::error::{Error, Result};
use crate::volume::Geometry;

/// What it takes to write a result on the grid of a file that was read: its header with affine, codes, units
/// and description, and its number of axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    pub(super) header: RawHeader,
    pub(super) shape: [usize; 3],
    /// Whether the file says that it is 2-D.
    pub(super) flat: bool,
    pub(super) geometry: Geometry,
}

impl Grid {
    /// Number of voxels along x, y, z.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Spacing, origin and direction in LPS mm.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The header of a result of this shape (x, y, z) and, if there are any, channels.
    pub(super) fn header_for(
        &self,
        shape: [usize; 3],
        channels: Option<usize>,
        file_type: FileType,
    ) -> Result<RawHeader> {
        if shape != self.shape {
            let text = |shape: [usize; 3]| shape.map(|size| size.to_string()).join("×");
            return Err(Error::InvalidShape(format!(
                "the result has shape {}, the grid that it is to be written on {}; expected the same",
                text(shape),
                text(self.shape)
            )));
        }
        let axes = if self.flat && channels.is_none() { 2 } else { 3 };
        Ok(self.header.with_voxels(&sizes(shape.iter().take(axes).copied().chain(channels))?, file_type))
    }
}

/// Sizes as a header holds them.
pub(super) fn sizes(sizes: impl Iterator<Item = usize>) -> Result<Vec<u16>> {
    sizes
        .map(|size| match u16::try_from(size) {
            Ok(size) if (1..=i16::MAX as u16).contains(&size) => Ok(size),
            _ => Err(Error::InvalidShape(format!("a side of {size} voxels; NIfTI-1 files hold 1 to 32767"))),
        })
        .collect()
}
