//! Intensities of an image brought to [0, 1].

use super::Volume;
use super::order_statistics::Counted;
use crate::error::{Error, Result};
use crate::memory;
use ndarray::{Array, Array2, ArrayBase, Axis, DataMut, Dimension};

/// The intensities that become 0 and 1: percentiles of a whole image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntensityWindow {
    low: f64,
    high: f64,
}

impl IntensityWindow {
    /// The window between two percentiles (0 to 100, the lower first) of all voxels of an image that is
    /// given slice by slice; every slice is asked for three times.
    ///
    /// Percentiles are exact and interpolated linearly between order statistics (NumPy's "linear").
    /// Memory does not grow with the image. Where the two percentiles coincide though the image is not
    /// constant (a small object on a constant background), the window spans the whole range instead.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an image that is constant or has voxels that are not finite (with
    /// their number and the first position); [`Error::InvalidShape`] for no voxels; what `slice` reports.
    pub fn of_slices(
        count: usize,
        slice: impl Fn(usize) -> Result<Array2<f32>> + Sync,
        percentiles: [f64; 2],
    ) -> Result<Self> {
        let counted = Counted::new(count, &slice)?;
        let ranks = Ranks::new(percentiles, counted.last());
        ranks.window(counted.find(ranks.all())?.map(f64::from))
    }

    /// The window between two percentiles of a volume; see [`IntensityWindow::of_slices`].
    pub fn of_volume(volume: &Volume<f32>, percentiles: [f64; 2]) -> Result<Self> {
        let slice = |z| memory::copy(&volume.voxels.index_axis(Axis(0), z), "a slice");
        Self::of_slices(volume.voxels.len_of(Axis(0)), slice, percentiles)
    }

    /// The intensities that become 0 and 1.
    pub fn bounds(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// Clips to the window and scales it to [0, 1].
    pub fn apply<S: DataMut<Elem = f32>, D: Dimension>(&self, voxels: &mut ArrayBase<S, D>) {
        let range = self.high - self.low;
        voxels.mapv_inplace(|value| ((f64::from(value) - self.low) / range).clamp(0.0, 1.0) as f32);
    }
}

/// Clips a volume to two of its percentiles and scales it to [0, 1] (METHOD §5).
///
/// # Errors
/// As [`IntensityWindow::of_slices`]; the volume is then unchanged.
pub fn normalise(volume: &mut Volume<f32>, percentiles: [f64; 2]) -> Result<()> {
    IntensityWindow::of_volume(volume, percentiles)?.apply(&mut volume.voxels);
    Ok(())
}

/// Scales a slice or volume from its least and greatest intensity to [0, 1]; a constant one becomes 0.
pub fn min_max<D: Dimension>(voxels: &mut Array<f32, D>) {
    let (low, high) = voxels
        .iter()
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    let (low, range) = (f64::from(low), f64::from(high) - f64::from(low));
    voxels.mapv_inplace(|value| {
        if range > 0.0 { ((f64::from(value) - low) / range).clamp(0.0, 1.0) as f32 } else { 0.0 }
    });
}

/// The order statistics that a window is made of.
#[derive(Debug)]
pub struct Ranks {
    percentiles: [Rank; 2],
    last: u64,
}

impl Ranks {
    /// For two percentiles of intensities whose greatest has the rank `last`, from 0.
    pub fn new(percentiles: [f64; 2], last: u64) -> Self {
        Ranks { percentiles: percentiles.map(|percentile| Rank::new(percentile, last)), last }
    }

    /// Which ranks are asked for.
    pub fn all(&self) -> [u64; 6] {
        let [low, high] = &self.percentiles;
        [low.below, low.above(self.last), high.below, high.above(self.last), 0, self.last]
    }

    /// The window, from the intensities of those ranks; see [`IntensityWindow::of_slices`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an image that is constant.
    pub fn window(&self, [a, b, c, d, least, greatest]: [f64; 6]) -> Result<IntensityWindow> {
        if least == greatest {
            return Err(Error::InvalidArgument(format!(
                "image is constant (value {least}): there is no contrast to scale to [0, 1]"
            )));
        }
        let [low, high] = &self.percentiles;
        let (low, high) = (low.between(a, b), high.between(c, d));
        Ok(if low < high {
            IntensityWindow { low, high }
        } else {
            IntensityWindow { low: least, high: greatest }
        })
    }
}

/// A percentile as a place between two order statistics.
#[derive(Debug)]
struct Rank {
    below: u64,
    fraction: f64,
}

impl Rank {
    fn new(percentile: f64, last: u64) -> Self {
        let position = (percentile.clamp(0.0, 100.0) / 100.0) * last as f64;
        let below = (position.floor() as u64).min(last);
        Rank { below, fraction: position - below as f64 }
    }

    fn above(&self, last: u64) -> u64 {
        (self.below + 1).min(last)
    }

    fn between(&self, below: f64, above: f64) -> f64 {
        below + (above - below) * self.fraction
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Geometry;
    use ndarray::{Array3, array};
    use proptest::prelude::*;

    fn volume(voxels: Array3<f32>) -> Volume<f32> {
        Volume { voxels, geometry: Geometry::aligned([1.0; 3]) }
    }

    fn line(values: &[f32]) -> Volume<f32> {
        volume(Array3::from_shape_vec((1, 1, values.len()), values.to_vec()).unwrap())
    }

    /// The definition, by sorting.
    fn percentile(values: &[f32], percentile: f64) -> f64 {
        let mut sorted: Vec<f64> = values.iter().map(|&v| f64::from(v)).collect();
        sorted.sort_by(f64::total_cmp);
        let position = percentile / 100.0 * (sorted.len() - 1) as f64;
        let (below, above) = (position.floor() as usize, position.ceil() as usize);
        sorted[below] + (sorted[above] - sorted[below]) * (position - below as f64)
    }

    #[test]
    fn percentiles_are_interpolated_linearly() {
        let window = IntensityWindow::of_volume(&line(&[4.0, 1.0, 3.0, 2.0, 5.0]), [10.0, 75.0]).unwrap();
        assert_eq!(window.bounds(), [1.4, 4.0]);
    }

    #[test]
    fn a_volume_is_clipped_and_scaled() {
        let mut image = line(&[-10.0, 0.0, 1.0, 2.0, 3.0, 4.0, 100.0]);
        normalise(&mut image, [100.0 / 6.0, 500.0 / 6.0]).unwrap();
        let expected = [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0];
        for (value, expected) in image.voxels.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value} {expected}");
        }
    }

    #[test]
    fn voxels_that_are_not_finite_are_counted() {
        let mut voxels = Array3::<f32>::from_shape_fn((2, 3, 4), |(z, y, x)| (z + y + x) as f32);
        voxels[[1, 2, 0]] = f32::NAN;
        voxels[[1, 2, 3]] = f32::NEG_INFINITY;
        let text = normalise(&mut volume(voxels), [2.0, 98.0]).unwrap_err().to_string();
        assert!(text.contains("2 voxel(s)") && text.contains("NaN at x 0, y 2, z 1"), "{text}");
    }

    #[test]
    fn images_without_contrast_are_refused() {
        for value in [3.0, 0.0, f32::MAX] {
            let error = normalise(&mut volume(Array3::from_elem((2, 3, 4), value)), [2.0, 98.0]).unwrap_err();
            let start = format!("image is constant (value {}): ", f64::from(value));
            assert!(matches!(&error, Error::InvalidArgument(text) if text.starts_with(&start)), "{error}");
        }
        let empty = normalise(&mut volume(Array3::zeros((0, 2, 2))), [2.0, 98.0]);
        assert!(matches!(empty, Err(Error::InvalidShape(_))));
    }

    #[test]
    fn a_small_object_on_a_constant_background_spans_its_own_range() {
        let mut sparse = Array3::zeros((10, 10, 10));
        sparse[[5, 5, 5]] = 7.0;
        let window = IntensityWindow::of_volume(&volume(sparse), [2.0, 98.0]).unwrap();
        assert_eq!(window.bounds(), [0.0, 7.0]);
    }

    #[test]
    fn the_whole_range_of_floats_is_scaled() {
        let mut image = line(&[-f32::MAX, 0.0, f32::MAX]);
        normalise(&mut image, [0.0, 100.0]).unwrap();
        assert!(image.voxels.iter().eq(&[0.0, 0.5, 1.0]));
    }

    #[test]
    fn slices_are_scaled_to_their_own_range() {
        let mut slice = array![[2.0f32, 4.0], [3.0, 6.0]];
        min_max(&mut slice);
        assert_eq!(slice, array![[0.0, 0.5], [0.25, 1.0]]);
        let mut constant = Array2::from_elem((2, 2), 5.0f32);
        min_max(&mut constant);
        assert_eq!(constant, Array2::<f32>::zeros((2, 2)));
    }

    proptest! {
        #[test]
        fn percentiles_agree_with_their_definition(
            values in prop::collection::vec(
                prop_oneof![-5f32..5.0, -1e6f32..1e6, Just(0.0f32), Just(-1.0f32)],
                2..300,
            ),
            low in 0f64..50.0,
            high in 50f64..100.0,
        ) {
            let window = IntensityWindow::of_volume(&line(&values), [low, high]);
            let [mut expected_low, mut expected_high] = [percentile(&values, low), percentile(&values, high)];
            if expected_low >= expected_high {
                [expected_low, expected_high] = [percentile(&values, 0.0), percentile(&values, 100.0)];
            }
            if expected_low == expected_high {
                prop_assert!(window.is_err());
            } else {
                let [low, high] = window.unwrap().bounds();
                for (found, expected) in [(low, expected_low), (high, expected_high)] {
                    prop_assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1e-3));
                }
            }
        }
    }
}
