//! From anatomy to a scanner's images: slices of finite thickness, blur, shading, noise, units.

use super::anatomy::Anatomy;
use super::render::{Raster, Slice};
use super::scanner::{Protocol, Scanner};
use super::texture::Texture;
use super::tissue::TISSUES;
use crate::artefact::bias_field;
use crate::error::Result;
use crate::memory;
use crate::parallel::in_parallel;
use crate::random::{self, Purpose};
use ndarray::{Array2, Array3, Axis};
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use rayon::prelude::*;

/// Planes that are averaged over the thickness of a slice.
const PLANES: usize = 3;
/// Where the chest coil lies, from the middle of the slice, in mm.
const COIL: [f64; 2] = [-100.0, -100.0];

/// The grid that a scanner images on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) raster: Raster,
    pub(super) slices: usize,
    /// Distance between slices in mm.
    pub(super) distance: f64,
}

impl Grid {
    /// Height of a slice's middle above that of the volume, towards the base, in mm.
    fn height(&self, slice: usize) -> f64 {
        (slice as f64 - (self.slices as f64 - 1.0) / 2.0) * self.distance
    }

    fn allocate<T: Clone + Default>(&self) -> Result<Array3<T>> {
        let [width, height] = self.raster.size;
        memory::filled((self.slices, height, width), T::default(), "a synthetic volume")
    }
}

/// The class of every voxel, taken at its centre.
pub(super) fn label(anatomy: &Anatomy, grid: &Grid) -> Result<Array3<u8>> {
    let mut classes = grid.allocate::<u8>()?;
    for (slice, mut plane) in classes.outer_iter_mut().enumerate() {
        let section = anatomy.heart.section(grid.height(slice));
        for ((y, x), class) in plane.indexed_iter_mut() {
            *class = section.class(grid.raster.point(x, y));
        }
    }
    Ok(classes)
}

/// The image as this scanner stores it; `seed` and `index` name the acquisition.
pub(super) fn image(
    anatomy: &Anatomy,
    grid: &Grid,
    scanner: Scanner,
    seed: u64,
    index: u64,
) -> Result<Array3<f32>> {
    let protocol = scanner.protocol();
    let stream = |part: u64| random::stream(seed, Purpose::Acquisition, [index, scanner as u64, part]);
    let mut rng = stream(0);
    let signal: [f32; TISSUES] =
        std::array::from_fn(|tissue| (protocol.signal[tissue] * rng.random_range(0.94..1.06)) as f32);
    let unit = protocol.unit * rng.random_range(0.85..1.15);
    let shading = bias_field::Params::draw_within(&mut rng, 3, protocol.shading);

    let mut voxels = grid.allocate::<f32>()?;
    let slices: Vec<_> = voxels.axis_iter_mut(Axis(0)).collect();
    in_parallel(|| {
        slices.into_par_iter().enumerate().try_for_each(|(slice, mut target)| -> Result<()> {
            let texture = Texture::draw(&mut stream(1 + 2 * slice as u64), &grid.raster)?;
            let middle = grid.height(slice);
            let thickness = protocol.slab * grid.distance;
            let scene = Slice::draw(anatomy, middle, &grid.raster, &signal, texture)?;
            let mut drawn = memory::filled(target.raw_dim(), 0f32, "a synthetic slice")?;
            for part in 0..PLANES {
                let offset = ((part as f64 + 0.5) / PLANES as f64 - 0.5) * thickness;
                drawn += &scene.plane(anatomy, middle + offset)?;
            }
            drawn.mapv_inplace(|value| value / PLANES as f32);
            for (axis, spacing) in [(Axis(1), grid.raster.spacing[0]), (Axis(0), grid.raster.spacing[1])] {
                blur(&mut drawn, axis, protocol.blur / spacing);
            }
            receive(&mut drawn, &grid.raster, protocol.falloff);
            target.assign(&drawn);
            Ok(())
        })
    })??;
    bias_field::apply(&mut voxels, &shading)?;

    let slices: Vec<_> = voxels.axis_iter_mut(Axis(0)).collect();
    in_parallel(|| {
        slices.into_par_iter().enumerate().for_each(|(slice, mut target)| {
            let mut rng = stream(2 + 2 * slice as u64);
            target.mapv_inplace(|value| store(value, &protocol, unit, &mut rng));
        });
    })?;
    Ok(voxels)
}

/// Gaussian point spread along one axis; `sigma` in pixels.
fn blur(slice: &mut Array2<f32>, axis: Axis, sigma: f64) {
    let radius = (3.0 * sigma).ceil() as usize;
    let mut kernel: Vec<f32> = (0..=2 * radius)
        .map(|i| (-0.5 * ((i as f64 - radius as f64) / sigma).powi(2)).exp() as f32)
        .collect();
    let sum: f32 = kernel.iter().sum();
    kernel.iter_mut().for_each(|weight| *weight /= sum);
    let length = slice.len_of(axis);
    let mut padded = vec![0.0f32; length + 2 * radius];
    for mut lane in slice.lanes_mut(axis) {
        for (index, slot) in padded.iter_mut().enumerate() {
            *slot = lane[index.saturating_sub(radius).min(length - 1)];
        }
        for (value, window) in lane.iter_mut().zip(padded.windows(kernel.len())) {
            *value = window.iter().zip(&kernel).map(|(a, b)| a * b).sum();
        }
    }
}

/// The chest coil sees less of what is far from it; the middle of the slice keeps its brightness.
fn receive(slice: &mut Array2<f32>, raster: &Raster, falloff: f64) {
    let distance = |[x, y]: [f64; 2]| (x - COIL[0]).hypot(y - COIL[1]) / 100.0;
    let reference = distance([0.0, 0.0]);
    for ((y, x), value) in slice.indexed_iter_mut() {
        *value *= (falloff * (reference - distance(raster.point(x, y)))).exp() as f32;
    }
}

/// Magnitude of the signal with noise in both channels (Rician), display curve, whole numbers.
fn store(value: f32, protocol: &Protocol, unit: f64, rng: &mut impl Rng) -> f32 {
    let mut noise = || protocol.noise * f64::from(rng.sample::<f32, _>(StandardNormal));
    let magnitude = (f64::from(value) + noise()).hypot(noise());
    (unit * magnitude.powf(protocol.gamma)).round().clamp(0.0, protocol.maximum) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_the_sum_and_spreads_as_its_sigma() {
        let mut slice = Array2::<f32>::zeros((41, 41));
        slice[(20, 20)] = 1.0;
        blur(&mut slice, Axis(0), 2.0);
        blur(&mut slice, Axis(1), 1.0);
        assert!((slice.sum() - 1.0).abs() < 1e-5);
        let variance = |along: fn((usize, usize)) -> usize| -> f32 {
            slice.indexed_iter().map(|(at, v)| v * (along(at) as f32 - 20.0).powi(2)).sum()
        };
        assert!((variance(|(y, _)| y) - 4.0).abs() < 0.15);
        assert!((variance(|(_, x)| x) - 1.0).abs() < 0.05);
    }

    #[test]
    fn noise_in_air_is_rayleigh_distributed() {
        let protocol = Protocol { gamma: 1.0, noise: 0.06, ..Scanner::A.protocol() };
        let mut rng = random::stream(1, Purpose::Acquisition, [0; 3]);
        let count = 20_000;
        let mean: f64 = (0..count).map(|_| f64::from(store(0.0, &protocol, 1000.0, &mut rng))).sum::<f64>()
            / f64::from(count);
        // 0.06 · 1000 · sqrt(π/2)
        assert!((mean - 75.2).abs() < 1.5, "{mean}");
    }
}
