//! Where the results of one image go: the caller's memory, on the host or on the device.

use super::on_device::{DeviceImage, DeviceMaps, DeviceOutput, on_host};
use super::slice_result::{SliceResult, Wanted};
use crate::error::{Error, Result};
use crate::runtime::device_name;
use crate::volume::{ImageViewMut, MapFormat};
use ndarray::{Ix2, Ix3};
use std::ops::Range;
use tch::{Device, Kind, Tensor};

/// Memory for one map.
#[derive(Debug)]
pub enum Output<'a> {
    /// In the host's memory.
    Host(ImageViewMut<'a>),
    /// In a device's.
    Device(DeviceOutput),
}

/// Memory for each map that is wanted. All have the image's shape along x, y, z.
#[derive(Debug, Default)]
pub struct Outputs<'a> {
    /// Class of the highest final probability.
    pub labels: Option<Output<'a>>,
    /// The same of the fast-thinking network alone.
    pub fast_labels: Option<Output<'a>>,
    /// Final probabilities, with the class as fourth axis.
    pub probabilities: Option<Output<'a>>,
    /// Entropy of the final probabilities.
    pub entropy: Option<Output<'a>>,
    /// Disagreement of the two stages.
    pub disagreement: Option<Output<'a>>,
}

/// What a map holds.
#[derive(Clone, Copy)]
enum Content {
    Labels,
    /// A number for each voxel.
    PerVoxel,
    /// A number for each voxel and class.
    PerClass,
}

impl Output<'_> {
    fn format(&self) -> MapFormat {
        match self {
            Output::Host(view) => view.format(),
            Output::Device(output) => output.format(),
        }
    }

    fn device(&self) -> Device {
        match self {
            Output::Host(_) => Device::Cpu,
            Output::Device(output) => output.device(),
        }
    }
}

impl Outputs<'_> {
    fn all(&self) -> [(Option<&Output<'_>>, Content, &'static str); 5] {
        [
            (self.labels.as_ref(), Content::Labels, "outputs->labels"),
            (self.fast_labels.as_ref(), Content::Labels, "outputs->fast_labels"),
            (self.probabilities.as_ref(), Content::PerClass, "outputs->probabilities"),
            (self.entropy.as_ref(), Content::PerVoxel, "outputs->entropy"),
            (self.disagreement.as_ref(), Content::PerVoxel, "outputs->disagreement"),
        ]
    }

    /// What there is memory for.
    pub fn wanted(&self) -> Wanted {
        Wanted {
            probabilities: self.probabilities.is_some(),
            fast_labels: self.fast_labels.is_some(),
            entropy: self.entropy.is_some(),
            disagreement: self.disagreement.is_some(),
        }
    }

    /// Refuses maps that do not fit an image of `shape` (x, y, z) on the host.
    ///
    /// # Errors
    /// `InvalidShape`; `InvalidArgument` for types and for maps on a device.
    pub fn check(&self, shape: [usize; 3], classes: usize) -> Result<()> {
        self.check_beside(shape, classes, Device::Cpu)
    }

    /// Refuses maps that do not fit an image on a device. They may lie there or on the host.
    ///
    /// # Errors
    /// `InvalidShape`; `InvalidArgument` for types and for maps on another device.
    pub fn check_on_device(&self, image: &DeviceImage, classes: usize) -> Result<()> {
        self.check_beside(image.shape(), classes, image.device())
    }

    fn check_beside(&self, [x, y, z]: [usize; 3], classes: usize, device: Device) -> Result<()> {
        for (output, content, parameter) in self.all() {
            let Some(output) = output else { continue };
            let format = output.format();
            match content {
                Content::Labels => format.expect_labels([x, y, z], classes),
                Content::PerVoxel => format.expect_map([x, y, z, 1]),
                Content::PerClass => format.expect_map([x, y, z, classes]),
            }
            .map_err(|error| error.in_parameter(parameter))?;
            let own = output.device();
            if own != Device::Cpu && own != device {
                return Err(Error::InvalidArgument(format!(
                    "`{parameter}` lies in the memory of {} and the image in that of {}; expected the image's or the host's",
                    device_name(own),
                    device_name(device)
                )));
            }
        }
        Ok(())
    }

    /// Writes the results of slice `z`, which lie on the host like all outputs.
    ///
    /// # Errors
    /// `InvalidShape` and `InvalidArgument` for what [`Outputs::check`] would have refused.
    pub fn write(&mut self, z: usize, result: &SliceResult) -> Result<()> {
        let labels =
            [(&mut self.labels, Some(&result.labels)), (&mut self.fast_labels, result.fast_labels.as_ref())];
        for (output, labels) in labels {
            if let (Some(Output::Host(view)), Some(labels)) = (output, labels) {
                view.write_labels(z, labels.view())?;
            }
        }
        let maps = [(&mut self.entropy, &result.entropy), (&mut self.disagreement, &result.disagreement)];
        for (output, map) in maps {
            if let (Some(Output::Host(view)), Some(map)) = (output, map) {
                view.write_map(z, 0, map.view())?;
            }
        }
        if let (Some(Output::Host(view)), Some(all)) = (&mut self.probabilities, &result.probabilities) {
            for (class, map) in all.outer_iter().enumerate() {
                view.write_map(z, class, map)?;
            }
        }
        Ok(())
    }

    /// Writes the results of some slices, which lie on a device, and waits until they are there.
    ///
    /// # Errors
    /// As [`Outputs::write`]; `OutOfMemory`.
    pub fn write_on_device(&mut self, slices: Range<usize>, maps: &DeviceMaps) -> Result<()> {
        let all = [
            (&mut self.labels, Some(&maps.labels)),
            (&mut self.fast_labels, maps.fast_labels.as_ref()),
            (&mut self.probabilities, maps.probabilities.as_ref()),
            (&mut self.entropy, maps.entropy.as_ref()),
            (&mut self.disagreement, maps.disagreement.as_ref()),
        ];
        for (output, map) in all {
            match (output, map) {
                (Some(Output::Device(output)), Some(map)) => output.write(slices.clone(), map)?,
                (Some(Output::Host(view)), Some(map)) => write_to_host(view, slices.clone(), map)?,
                _ => {}
            }
        }
        maps.wait()
    }
}

/// Brings one map of some slices from a device.
fn write_to_host(view: &mut ImageViewMut, slices: Range<usize>, map: &Tensor) -> Result<()> {
    let map = &map.f_to_device(Device::Cpu)?;
    for (index, z) in slices.enumerate() {
        match (map.dim(), map.kind()) {
            (4, _) => {
                for (class, map) in on_host::<f32, Ix3>(map, index)?.outer_iter().enumerate() {
                    view.write_map(z, class, map)?;
                }
            }
            (_, Kind::Uint8) => view.write_labels(z, on_host::<u8, Ix2>(map, index)?.view())?,
            _ => view.write_map(z, 0, on_host::<f32, Ix2>(map, index)?.view())?,
        }
    }
    Ok(())
}
