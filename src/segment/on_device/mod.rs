//! Images and results in a GPU's memory. From the caller's voxels to the caller's maps everything is done there; only
//! what may lie on the host anyway goes there: an intensity window, messages, maps that the caller wants there.
//!
//! The same functions as those of `volume` and of [`SliceResult`](super::SliceResult), on tensors. They run on any of
//! libtorch's devices, so that tests compare them on the CPU.

mod array;
mod grid;
mod image;
mod maps;
#[cfg(test)]
mod tests;

pub use array::DeviceMemory;
pub use grid::DeviceGrid;
pub use image::DeviceImage;
pub use maps::{DeviceMaps, DeviceOutput, on_host};
