//! NIfTI-1 files: `.nii` and `.nii.gz`, 2-D or 3-D when read, 4-D for class probabilities when written.
//!
//! NIfTI's world is RAS; a [`Geometry`](super::Geometry) is in LPS.

mod affine;
mod grid;
mod gzip;
mod header;
mod raw_header;
mod read;
mod source;
#[cfg(test)]
mod tests;
mod write;

pub use grid::Grid;
pub use read::{read_frame_count, read_grid, read_image, read_image_frame, read_labels, read_labels_frame};
pub use write::{check_name, write_channels, write_image, write_labels};
