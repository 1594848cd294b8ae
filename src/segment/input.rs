//! An image on its way to the networks.

use super::on_device::{DeviceGrid, DeviceImage};
use crate::error::Result;
use crate::memory;
use crate::volume::{Geometry, IntensityWindow, NetworkGrid, SliceSource};
use std::ops::Range;
use tch::Tensor;

/// An image on the host.
pub struct Input<'a> {
    pub channels: &'a [&'a dyn SliceSource],
    pub windows: Vec<IntensityWindow>,
    pub grid: NetworkGrid,
}

/// An image in the memory of a device.
pub struct DeviceInput<'a> {
    pub channels: &'a [DeviceImage],
    pub windows: Vec<IntensityWindow>,
    pub grid: DeviceGrid,
}

/// The grid of one channel.
#[derive(Clone, Copy)]
pub struct Channel<'a> {
    /// Voxels along x, y, z.
    pub shape: [usize; 3],
    pub geometry: &'a Geometry,
}

impl<'a> Channel<'a> {
    pub fn of(source: &'a dyn SliceSource) -> Self {
        let [x, y] = source.size();
        Channel { shape: [x, y, source.slices()], geometry: source.geometry() }
    }

    pub fn on_device(image: &'a DeviceImage) -> Self {
        Channel { shape: image.shape(), geometry: image.geometry() }
    }

    pub fn size(&self) -> [usize; 2] {
        let [x, y, _] = self.shape;
        [x, y]
    }

    pub fn slices(&self) -> usize {
        self.shape[2]
    }

    /// In-plane, along x and y.
    pub fn spacing(&self) -> [f64; 2] {
        let [x, y, _] = self.geometry.spacing;
        [x, y]
    }
}

impl DeviceInput<'_> {
    /// What the networks see of some slices, N×channels×h×w.
    pub fn batch(&self, slices: Range<usize>) -> Result<Tensor> {
        let channels: Vec<Tensor> = self
            .channels
            .iter()
            .zip(&self.windows)
            .map(|(channel, window)| self.grid.images_to_network(&channel.slices(slices.clone())?, window))
            .collect::<Result<_>>()?;
        Ok(Tensor::f_stack(&channels, 1)?)
    }
}

impl Input<'_> {
    /// What the networks see of some slices, N×channels×h×w.
    pub fn batch(&self, slices: Range<usize>) -> Result<Tensor> {
        let [width, height] = self.grid.size();
        let (channels, pixels) = (self.channels.len(), width * height);
        let shape = [slices.len() as i64, channels as i64, height as i64, width as i64];
        let mut values: Vec<f32> =
            memory::reserve(slices.len() * channels * pixels, "slices on the networks' grid")?;
        for z in slices {
            for (channel, window) in self.channels.iter().zip(&self.windows) {
                let mut slice = channel.slice(z)?;
                window.apply(&mut slice);
                values.extend(self.grid.image_to_network(slice.view())?.iter());
            }
        }
        Ok(Tensor::f_from_slice(&values)?.f_reshape(shape)?)
    }
}
