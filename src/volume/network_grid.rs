//! The way of a slice from its own grid to the networks' grid and back.

use super::crop::{centre_crop, margin_before, pad};
use super::intensity::min_max;
use super::resample::Resampling;
use super::{Preprocess, Volume};
use crate::error::Result;
use crate::memory;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, s};
use std::ops::Range;

/// In-plane resampling, padding and cropping of slices of one shape and spacing, and their inverses.
#[derive(Clone, Debug)]
pub struct NetworkGrid {
    forward: Resampling,
    backward: Resampling,
    pad: [usize; 2],
    crop: [usize; 2],
}

/// Pixels along one axis that resampled slices and the networks' grid share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first of them in resampled slices.
    pub in_resampled: usize,
    /// The first of them on the networks' grid.
    pub in_network: usize,
    /// Their number.
    pub length: usize,
}

impl Seen {
    /// For slices of `size` pixels, padded to `pad` at least and cropped to `crop` (METHOD §5).
    fn new(size: usize, pad: usize, crop: usize) -> Self {
        let (padded, cut) = (margin_before(size, pad), margin_before(crop, size.max(pad)));
        let (in_resampled, in_network) = (cut.saturating_sub(padded), padded.saturating_sub(cut));
        let length = size.saturating_sub(in_resampled).min(crop.saturating_sub(in_network));
        Seen { in_resampled, in_network, length }
    }

    fn resampled(&self) -> Range<usize> {
        self.in_resampled..self.in_resampled + self.length
    }

    fn network(&self) -> Range<usize> {
        self.in_network..self.in_network + self.length
    }
}

impl NetworkGrid {
    /// The map for slices of `shape` pixels and `spacing` mm, both along x and y.
    ///
    /// # Errors
    /// [`InvalidConfig`](crate::error::Error::InvalidConfig) naming the key;
    /// [`InvalidShape`](crate::error::Error::InvalidShape) for empty slices;
    /// [`InvalidGeometry`](crate::error::Error::InvalidGeometry) for spacings that are none or that would blow
    /// slices up beyond 16384 pixels.
    pub fn new(shape: [usize; 2], spacing: [f64; 2], preprocess: &Preprocess) -> Result<Self> {
        preprocess.validate()?;
        let forward = Resampling::to_spacing(shape, spacing, preprocess.spacing.unwrap_or(spacing))?;
        let backward = forward.inverse();
        Ok(NetworkGrid { forward, backward, pad: preprocess.pad, crop: preprocess.crop })
    }

    /// The map for the slices of a volume; see [`NetworkGrid::new`].
    pub fn of_volume<T>(volume: &Volume<T>, preprocess: &Preprocess) -> Result<Self> {
        let (_, height, width) = volume.voxels.dim();
        let [x, y, _] = volume.geometry.spacing;
        NetworkGrid::new([width, height], [x, y], preprocess)
    }

    /// Width and height of the networks' grid.
    pub fn size(&self) -> [usize; 2] {
        self.crop
    }

    /// Resamples a slice of intensities, indexed `[y, x]`, linearly; no padding, no cropping.
    ///
    /// # Errors
    /// `OutOfMemory`, as for all that follows.
    pub fn resample_image(&self, slice: ArrayView2<f32>) -> Result<Array2<f32>> {
        self.forward.linear(slice)
    }

    /// Resamples a slice of class indices, indexed `[y, x]`, to the nearest; no padding, no cropping.
    pub fn resample_labels(&self, slice: ArrayView2<u8>) -> Result<Array2<u8>> {
        self.forward.nearest(slice)
    }

    /// What the networks see of a slice of intensities: resampled, padded with its minimum, cropped, scaled
    /// from its least and greatest value to [0, 1].
    pub fn image_to_network(&self, slice: ArrayView2<f32>) -> Result<Array2<f32>> {
        let resampled = self.resample_image(slice)?;
        let minimum = resampled.iter().copied().fold(f32::INFINITY, f32::min);
        let mut seen = centre_crop(pad(resampled.view(), self.pad, minimum)?.view(), self.crop)?;
        min_max(&mut seen);
        Ok(seen)
    }

    /// The classes where [`image_to_network`](Self::image_to_network) shows the intensities; padded with 0.
    pub fn labels_to_network(&self, slice: ArrayView2<u8>) -> Result<Array2<u8>> {
        centre_crop(pad(self.resample_labels(slice)?.view(), self.pad, 0)?.view(), self.crop)
    }

    /// Class probabilities of the networks' grid, `[class, y, x]`, on the slice's own grid.
    ///
    /// Beyond what the networks saw class 0 has probability 1. The classes still sum to 1.
    pub fn probabilities_to_image(&self, probabilities: ArrayView3<f32>) -> Result<Array3<f32>> {
        let [width, height] = self.image_size();
        let shape = (probabilities.len_of(Axis(0)), height, width);
        let mut result = memory::filled(shape, 0.0, "probabilities of a slice")?;
        for (class, mut output) in result.outer_iter_mut().enumerate() {
            output.assign(&self.probability_to_image(probabilities, class)?);
        }
        Ok(result)
    }

    /// One class of [`probabilities_to_image`](Self::probabilities_to_image), which must be there.
    pub fn probability_to_image(&self, probabilities: ArrayView3<f32>, class: usize) -> Result<Array2<f32>> {
        self.map_to_image(probabilities.index_axis(Axis(0), class), if class == 0 { 1.0 } else { 0.0 })
    }

    /// Interpolation from the slice's grid to the networks' spacing.
    pub fn forward(&self) -> &Resampling {
        &self.forward
    }

    /// The way back.
    pub fn backward(&self) -> &Resampling {
        &self.backward
    }

    /// Width and height of slices of the networks' spacing, before padding and cropping.
    pub fn resampled_size(&self) -> [usize; 2] {
        self.forward.output_shape()
    }

    /// Which part of resampled slices the networks see, along x and y.
    pub fn seen(&self) -> [Seen; 2] {
        let [width, height] = self.resampled_size();
        let ([pad_x, pad_y], [crop_x, crop_y]) = (self.pad, self.crop);
        [Seen::new(width, pad_x, crop_x), Seen::new(height, pad_y, crop_y)]
    }

    /// Width and height of the slices.
    pub fn image_size(&self) -> [usize; 2] {
        self.backward.output_shape()
    }

    /// A map of the networks' grid, `[y, x]`, on the slice's own grid: inverse crop and padding, then linear
    /// interpolation. `outside` stands where the networks saw nothing.
    pub fn map_to_image(&self, map: ArrayView2<f32>, outside: f32) -> Result<Array2<f32>> {
        let [width, height] = self.resampled_size();
        let [x, y] = self.seen();
        let mut uncropped = memory::filled((height, width), outside, "a map of a slice")?;
        uncropped
            .slice_mut(s![y.resampled(), x.resampled()])
            .assign(&map.slice(s![y.network(), x.network()]));
        if self.backward.is_identity() { Ok(uncropped) } else { self.backward.linear(uncropped.view()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use proptest::prelude::*;

    fn settings(spacing: Option<[f64; 2]>, pad: [usize; 2], crop: [usize; 2]) -> Preprocess {
        Preprocess { spacing, pad, crop, ..Preprocess::default() }
    }

    fn disc(shape: [usize; 2], value: u8) -> Array2<u8> {
        let [width, height] = shape;
        Array2::from_shape_fn((height, width), |(y, x)| {
            let (dx, dy) = (x as f64 / width as f64 - 0.55, y as f64 / height as f64 - 0.45);
            if dx * dx + dy * dy < 0.04 { value } else { 0 }
        })
    }

    fn one_hot(labels: &Array2<u8>, classes: usize) -> Array3<f32> {
        let (height, width) = labels.dim();
        Array3::from_shape_fn((classes, height, width), |(class, y, x)| {
            f32::from(u8::from(usize::from(labels[[y, x]]) == class))
        })
    }

    #[test]
    fn without_resampling_there_and_back_is_exact_inside_the_crop() {
        for shape in [[40, 50], [33, 31], [16, 70], [61, 17]] {
            let grid = NetworkGrid::new(shape, [1.5, 2.0], &settings(None, [64, 48], [32, 48])).unwrap();
            let [width, height] = shape;
            let labels = Array2::from_shape_fn((height, width), |(y, x)| 1 + ((x + 3 * y) % 3) as u8);
            let seen = grid.labels_to_network(labels.view()).unwrap();
            assert_eq!(seen.dim(), (48, 32));
            let back = grid.probabilities_to_image(one_hot(&seen, 4).view()).unwrap();
            assert_eq!(back.dim(), (4, height, width));
            let mut inside = 0;
            for ((y, x), &class) in labels.indexed_iter() {
                let column = back.slice(ndarray::s![.., y, x]);
                assert_eq!(column.sum(), 1.0);
                if column[0] == 0.0 {
                    assert_eq!(column[usize::from(class)], 1.0);
                    inside += 1;
                }
            }
            assert_eq!(inside, width.min(32) * height.min(48));
        }
    }

    #[test]
    fn image_and_labels_meet_and_the_image_fills_its_range() {
        let shape = [90, 70];
        let grid =
            NetworkGrid::new(shape, [1.0, 1.2], &settings(Some([1.3, 1.3]), [96, 96], [64, 64])).unwrap();
        let labels = disc(shape, 2);
        let seen = grid.image_to_network(labels.map(|&label| 3.0 + f32::from(label)).view()).unwrap();
        assert_eq!(seen.dim(), (64, 64));
        assert_eq!(seen.iter().copied().fold(f32::INFINITY, f32::min), 0.0);
        assert_eq!(seen.iter().copied().fold(f32::NEG_INFINITY, f32::max), 1.0);
        let labels = grid.labels_to_network(labels.view()).unwrap();
        let agree = seen.iter().zip(&labels).filter(|&(value, label)| (*value > 0.5) == (*label > 0)).count();
        assert!(agree >= 64 * 64 - 20, "{agree}");
    }

    #[test]
    fn a_resampled_structure_returns_to_its_place() {
        let shape = [216, 256];
        let grid = NetworkGrid::new(shape, [1.5625, 1.5625], &Preprocess::default()).unwrap();
        let labels = disc(shape, 1);
        let back = grid
            .probabilities_to_image(one_hot(&grid.labels_to_network(labels.view()).unwrap(), 2).view())
            .unwrap();
        let found = back.index_axis(Axis(0), 1).map(|&p| u8::from(p > 0.5));
        let different = found.iter().zip(&labels).filter(|(a, b)| a != b).count();
        let size = labels.iter().filter(|&&label| label > 0).count();
        assert!(different * 50 < size, "{different} of {size}");
    }

    #[test]
    fn outside_of_the_crop_stands_what_is_asked_for() {
        let grid = NetworkGrid::new([100, 20], [1.0, 1.0], &settings(None, [32, 32], [32, 32])).unwrap();
        let map = grid.map_to_image(Array2::from_elem((32, 32), 0.25).view(), -1.0).unwrap();
        assert_eq!(map.dim(), (20, 100));
        assert_eq!(map.iter().filter(|&&value| value == 0.25).count(), 20 * 32);
        assert_eq!(map.iter().filter(|&&value| value == -1.0).count(), 20 * 68);
        assert!((34..66).all(|x| map[[7, x]] == 0.25));
    }

    #[test]
    fn constant_slices_become_zero() {
        let grid = NetworkGrid::new([50, 40], [1.0, 1.0], &Preprocess::default()).unwrap();
        assert!(
            grid.image_to_network(Array2::from_elem((40, 50), 4.0).view()).unwrap().iter().all(|&v| v == 0.0)
        );
    }

    #[test]
    fn settings_are_checked() {
        let made = NetworkGrid::new([50, 40], [1.0, 1.0], &settings(None, [64, 64], [60, 64]));
        assert!(matches!(made, Err(Error::InvalidConfig(text)) if text.contains("preprocess.crop")));
    }

    proptest! {
        #[test]
        fn every_shape_goes_there_and_back_with_sums_of_one(
            shape in prop::array::uniform2(1usize..60),
            spacing in prop::array::uniform2(0.4f64..3.0),
        ) {
            let grid = NetworkGrid::new(shape, spacing, &settings(Some([1.0, 1.2]), [40, 32], [32, 16])).unwrap();
            let [width, height] = shape;
            let image = Array2::from_shape_fn((height, width), |(y, x)| ((x * 7 + y * 3) % 5) as f32);
            prop_assert_eq!(grid.image_to_network(image.view()).unwrap().dim(), (16, 32));
            let share = |x: usize, y: usize| ((x * 5 + y) % 7) as f32 / 10.0;
            let map = Array3::from_shape_fn((3, 16, 32), |(class, y, x)| match class {
                0 => 0.25,
                1 => share(x, y),
                _ => 0.75 - share(x, y),
            });
            let back = grid.probabilities_to_image(map.view()).unwrap();
            prop_assert_eq!(back.dim(), (3, height, width));
            for sum in back.sum_axis(Axis(0)) {
                prop_assert!((sum - 1.0).abs() < 1e-5);
            }
        }

        #[test]
        fn mirrored_images_are_seen_mirrored_where_sizes_are_even(
            half in prop::array::uniform2(1usize..40),
            spacing in prop::array::uniform2(0.4f64..3.0),
        ) {
            let [width, height] = [2 * half[0], 2 * half[1]];
            let grid = NetworkGrid::new([width, height], spacing, &settings(None, [64, 64], [48, 32])).unwrap();
            let image = Array2::from_shape_fn((height, width), |(y, x)| ((x * 7 + y * 13) % 11) as f32);
            let mirrored = grid.image_to_network(image.slice(ndarray::s![..;-1, ..;-1])).unwrap();
            prop_assert_eq!(mirrored.slice(ndarray::s![..;-1, ..;-1]), grid.image_to_network(image.view()).unwrap());
        }
    }
}
