//! The way of slices on a device to the networks' grid and back.

use super::image::windowed;
use crate::error::Result;
use crate::runtime::ScalarOperators;
use crate::volume::{IntensityWindow, Interpolation, NetworkGrid, Seen};
use tch::{Device, Kind, Tensor};

/// A [`NetworkGrid`] on a device.
#[derive(Debug)]
pub struct DeviceGrid {
    /// Along x, y.
    forward: [Option<Taps>; 2],
    backward: [Option<Taps>; 2],
    resampled: [usize; 2],
    seen: [Seen; 2],
    size: [usize; 2],
}

// SAFETY: the tensors are only read and libtorch's reference counts are atomic.
unsafe impl Sync for DeviceGrid {}

/// Which pixels linear interpolation mixes along one axis.
#[derive(Debug)]
struct Taps {
    low: Tensor,
    high: Tensor,
    low_weights: Tensor,
    high_weights: Tensor,
}

impl DeviceGrid {
    /// The same map for slices on `device`.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn new(grid: &NetworkGrid, device: Device) -> Result<Self> {
        let taps = |interpolations: [Option<Interpolation>; 2]| -> Result<[Option<Taps>; 2]> {
            let [x, y] = interpolations;
            let along = |axis: Option<Interpolation>, shape: &[i64]| {
                axis.map(|axis| Taps::new(&axis, shape, device)).transpose()
            };
            Ok([along(x, &[-1])?, along(y, &[-1, 1])?])
        };
        Ok(DeviceGrid {
            forward: taps(grid.forward().interpolations())?,
            backward: taps(grid.backward().interpolations())?,
            resampled: grid.resampled_size(),
            seen: grid.seen(),
            size: grid.size(),
        })
    }

    /// What the networks see of slices `[slice, y, x]`: windowed, resampled, padded with their minimum, cropped and scaled
    /// to [0, 1] each.
    pub fn images_to_network(&self, slices: &Tensor, window: &IntensityWindow) -> Result<Tensor> {
        let resampled = interpolate(windowed(slices, window)?, &self.forward)?;
        let [width, height] = self.size.map(|side| side as i64);
        let minimum = resampled.f_amin([-2, -1], true)?;
        let canvas = minimum.f_expand([minimum.size3()?.0, height, width], false)?.f_contiguous()?;
        let mut seen = self.on_network(&canvas)?;
        seen.f_copy_(&self.on_resampled(&resampled)?)?;
        min_max(&canvas)
    }

    /// Class probabilities on the networks' grid, `[slice, class, y, x]`, on the slices' own. Beyond what the networks saw
    /// class 0 has probability 1.
    pub fn probabilities_to_image(&self, probabilities: &Tensor) -> Result<Tensor> {
        let (slices, classes, _, _) = probabilities.size4()?;
        let [width, height] = self.resampled.map(|side| side as i64);
        let canvas = probabilities
            .f_new_zeros([slices, classes, height, width], (Kind::Float, probabilities.device()))?;
        let _ = canvas.f_narrow(1, 0, 1)?.try_fill_(1.0)?;
        let mut seen = self.on_resampled(&canvas)?;
        seen.f_copy_(&self.on_network(probabilities)?)?;
        interpolate(canvas, &self.backward)
    }

    /// The part of resampled slices that the networks see.
    fn on_resampled(&self, slices: &Tensor) -> Result<Tensor> {
        let [x, y] = self.seen;
        part(slices, [x.in_resampled, y.in_resampled], [x.length, y.length])
    }

    /// The part of the networks' grid that slices fill.
    fn on_network(&self, slices: &Tensor) -> Result<Tensor> {
        let [x, y] = self.seen;
        part(slices, [x.in_network, y.in_network], [x.length, y.length])
    }
}

/// A part of slices along x and y, their last two axes; nothing is copied.
fn part(slices: &Tensor, start: [usize; 2], length: [usize; 2]) -> Result<Tensor> {
    let ([x, y], [width, height]) = (start.map(|n| n as i64), length.map(|n| n as i64));
    Ok(slices.f_narrow(-1, x, width)?.f_narrow(-2, y, height)?)
}

/// Linear interpolation along x, then y: the last two axes.
fn interpolate(mut slices: Tensor, [x, y]: &[Option<Taps>; 2]) -> Result<Tensor> {
    for (taps, axis) in [(x, -1), (y, -2)] {
        if let Some(taps) = taps {
            let high = slices.f_index_select(axis, &taps.high)?.f_mul_(&taps.high_weights)?;
            slices = slices.f_index_select(axis, &taps.low)?.f_mul_(&taps.low_weights)?.f_add_(&high)?;
        }
    }
    Ok(slices)
}

/// Every slice from its least and greatest value to [0, 1]; constant ones become 0.
fn min_max(slices: &Tensor) -> Result<Tensor> {
    let slices = slices.f_to_kind(Kind::Double)?;
    let [low, high] = [slices.f_amin([-2, -1], true)?, slices.f_amax([-2, -1], true)?];
    let range = high.f_sub(&low)?;
    let scaled = slices.f_sub(&low)?.f_div(&range)?.try_clamp(0.0, 1.0)?;
    let scaled = scaled.try_masked_fill(&range.try_eq(0.0)?, 0.0)?;
    Ok(scaled.f_to_kind(Kind::Float)?)
}

impl Taps {
    /// `shape` says along which axis the weights lie.
    fn new(axis: &Interpolation, shape: &[i64], device: Device) -> Result<Self> {
        let indices = |all: &[usize]| -> Result<Tensor> {
            let all: Vec<i64> = all.iter().map(|&index| index as i64).collect();
            Ok(Tensor::f_from_slice(&all)?.f_to_device(device)?)
        };
        let weights = |all: &[f32]| -> Result<Tensor> {
            Ok(Tensor::f_from_slice(all)?.f_reshape(shape)?.f_to_device(device)?)
        };
        Ok(Taps {
            low: indices(&axis.low)?,
            high: indices(&axis.high)?,
            low_weights: weights(&axis.low_weights)?,
            high_weights: weights(&axis.high_weights)?,
        })
    }
}
