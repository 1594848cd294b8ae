//! In-plane resampling of slices.
//!
//! The centres of both grids coincide, so that mirroring a slice mirrors the result exactly.

use crate::error::{Error, Result};
use crate::memory;
use ndarray::{Array2, ArrayView2};

/// Longest side of a resampled slice, in pixels.
const LONGEST_SIDE: usize = 16_384;
/// Spacings that differ by less, relatively, are the same.
const SAME_SPACING: f64 = 1e-6;
/// Distances from a pixel's centre, or from the middle between two, that count as none; in pixels.
const ON_THE_SPOT: f64 = 1e-6;
/// What memory is for.
const RESAMPLED: &str = "a resampled slice";

/// The map of slices from one in-plane grid to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Resampling {
    x: Axis,
    y: Axis,
}

impl Resampling {
    /// From a grid of `shape` pixels and `spacing` mm (both x, y) to one with the spacing `target`, of as
    /// many pixels as come nearest to the same extent, at least one.
    ///
    /// Where the spacings agree to 1e-6 the slice is left as it is.
    ///
    /// # Errors
    /// [`Error::InvalidShape`] for an empty grid; [`Error::InvalidGeometry`] for spacings that are not
    /// positive and finite, or would make a side longer than 16384 pixels.
    pub fn to_spacing(shape: [usize; 2], spacing: [f64; 2], target: [f64; 2]) -> Result<Self> {
        Ok(Resampling {
            x: Axis::to_spacing("x", shape[0], spacing[0], target[0])?,
            y: Axis::to_spacing("y", shape[1], spacing[1], target[1])?,
        })
    }

    /// The way back, onto exactly the grid that this one starts from.
    pub fn inverse(&self) -> Self {
        Resampling { x: self.x.inverse(), y: self.y.inverse() }
    }

    /// Whether nothing is to be done.
    pub fn is_identity(&self) -> bool {
        self.x.taps.is_none() && self.y.taps.is_none()
    }

    /// What linear interpolation along x and y mixes, first x, for those who do it elsewhere; none along an axis on which
    /// nothing is to be done.
    pub fn interpolations(&self) -> [Option<Interpolation>; 2] {
        [&self.x, &self.y].map(|axis| {
            let taps = axis.taps.as_ref()?;
            Some(Interpolation {
                low: taps.iter().map(|tap| tap.low).collect(),
                high: taps.iter().map(|tap| tap.high).collect(),
                low_weights: taps.iter().map(|tap| tap.low_weight).collect(),
                high_weights: taps.iter().map(|tap| tap.high_weight).collect(),
            })
        })
    }

    /// Size of the results, x and y.
    pub fn output_shape(&self) -> [usize; 2] {
        [self.x.output, self.y.output]
    }

    /// Linear interpolation of a slice indexed `[y, x]`; beyond the outermost centres the edge goes on.
    ///
    /// The slice has the shape that this map was made for.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn linear(&self, slice: ArrayView2<f32>) -> Result<Array2<f32>> {
        self.apply(slice, |tap, low, high| low * tap.low_weight + high * tap.high_weight)
    }

    /// The nearest label of a slice indexed `[y, x]`. In the very middle between two the larger one wins.
    ///
    /// The slice has the shape that this map was made for.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn nearest(&self, slice: ArrayView2<u8>) -> Result<Array2<u8>> {
        self.apply(slice, |tap, low, high| match tap.nearest {
            Nearest::Low => low,
            Nearest::High => high,
            Nearest::Both => low.max(high),
        })
    }

    fn apply<T: Copy + Default>(
        &self,
        slice: ArrayView2<T>,
        mix: impl Fn(&Tap, T, T) -> T,
    ) -> Result<Array2<T>> {
        match (&self.x.taps, &self.y.taps) {
            (None, None) => memory::copy(&slice, RESAMPLED),
            (Some(x), None) => along_x(slice, x, mix),
            (None, Some(y)) => along_y(slice, y, mix),
            (Some(x), Some(y)) => along_y(along_x(slice, x, &mix)?.view(), y, mix),
        }
    }
}

/// Linear interpolation along one axis: output i is `low_weights[i]`·input(`low[i]`) + `high_weights[i]`·input(`high[i]`).
#[derive(Clone, Debug, PartialEq)]
pub struct Interpolation {
    /// The pixel before each output pixel.
    pub low: Vec<usize>,
    /// The pixel after it, or the same.
    pub high: Vec<usize>,
    /// The share of the one before.
    pub low_weights: Vec<f32>,
    /// The share of the one after.
    pub high_weights: Vec<f32>,
}

fn along_x<T: Copy + Default>(
    slice: ArrayView2<T>,
    taps: &[Tap],
    mix: impl Fn(&Tap, T, T) -> T,
) -> Result<Array2<T>> {
    let mut result = memory::filled((slice.nrows(), taps.len()), T::default(), RESAMPLED)?;
    for (row, mut output) in slice.rows().into_iter().zip(result.rows_mut()) {
        let at = |index: usize| row.get(index).copied().unwrap_or_default();
        for (tap, value) in taps.iter().zip(&mut output) {
            *value = mix(tap, at(tap.low), at(tap.high));
        }
    }
    Ok(result)
}

fn along_y<T: Copy + Default>(
    slice: ArrayView2<T>,
    taps: &[Tap],
    mix: impl Fn(&Tap, T, T) -> T,
) -> Result<Array2<T>> {
    let mut result = memory::filled((taps.len(), slice.ncols()), T::default(), RESAMPLED)?;
    let Some(last) = slice.nrows().checked_sub(1) else { return Ok(result) };
    for (tap, mut output) in taps.iter().zip(result.rows_mut()) {
        let (low, high) = (slice.row(tap.low.min(last)), slice.row(tap.high.min(last)));
        for ((&low, &high), value) in low.iter().zip(high).zip(&mut output) {
            *value = mix(tap, low, high);
        }
    }
    Ok(result)
}

/// The map along one axis.
#[derive(Clone, Debug, PartialEq)]
struct Axis {
    input: usize,
    input_spacing: f64,
    output: usize,
    output_spacing: f64,
    /// One per output pixel; none where nothing is to be done.
    taps: Option<Vec<Tap>>,
}

/// What one output pixel is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tap {
    low: usize,
    high: usize,
    low_weight: f32,
    high_weight: f32,
    nearest: Nearest,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Nearest {
    Low,
    High,
    Both,
}

impl Axis {
    fn to_spacing(name: &str, count: usize, from: f64, to: f64) -> Result<Self> {
        if let Some(spacing) = [from, to].into_iter().find(|mm| !(mm.is_finite() && *mm > 0.0)) {
            return Err(Error::InvalidGeometry(format!(
                "spacing along {name} is {spacing}; expected a positive, finite number of millimetres"
            )));
        }
        if count == 0 {
            return Err(Error::InvalidShape(format!("size along {name} is 0; expected at least 1")));
        }
        if (from - to).abs() <= SAME_SPACING * to {
            return Ok(Axis {
                input: count,
                input_spacing: to,
                output: count,
                output_spacing: to,
                taps: None,
            });
        }
        let output = (count as f64 * (from / to)).round().max(1.0);
        // A wrong spacing (metres, say) would otherwise ask for terabytes.
        if output > LONGEST_SIDE as f64 {
            return Err(Error::InvalidGeometry(format!(
                "resampling {count} pixels along {name} from {from} mm to {to} mm gives {output}; expected at \
                 most {LONGEST_SIDE}: is the spacing right?"
            )));
        }
        Ok(Axis::new(count, from, output as usize, to))
    }

    fn new(input: usize, input_spacing: f64, output: usize, output_spacing: f64) -> Self {
        let last = input.saturating_sub(1);
        let step = output_spacing / input_spacing;
        let mut taps: Vec<Tap> = Vec::with_capacity(output);
        for index in 0..output {
            // Twice the distance from the centre, which is a whole number.
            let from_centre = 2.0 * index as f64 - output.saturating_sub(1) as f64;
            let opposite = taps.get(output - 1 - index).map(|tap| tap.mirrored(last));
            taps.push(opposite.unwrap_or_else(|| Tap::at((last as f64 + from_centre * step) / 2.0, last)));
        }
        Axis { input, input_spacing, output, output_spacing, taps: Some(taps) }
    }

    fn inverse(&self) -> Self {
        match self.taps {
            None => self.clone(),
            Some(_) => Axis::new(self.output, self.output_spacing, self.input, self.input_spacing),
        }
    }
}

impl Tap {
    /// The pixels around a position on an axis whose last index is `last`.
    fn at(position: f64, last: usize) -> Self {
        let position = position.clamp(0.0, last as f64);
        let whole = position.round();
        let (low, fraction) = if (position - whole).abs() < ON_THE_SPOT {
            (whole as usize, 0.0)
        } else {
            (position.floor() as usize, position - position.floor())
        };
        let high = if fraction == 0.0 { low } else { (low + 1).min(last) };
        let high_weight = fraction as f32;
        let nearest = if (fraction - 0.5).abs() < ON_THE_SPOT {
            Nearest::Both
        } else if fraction < 0.5 {
            Nearest::Low
        } else {
            Nearest::High
        };
        Tap { low, high, low_weight: 1.0 - high_weight, high_weight, nearest }
    }

    /// The same at the mirrored position.
    fn mirrored(self, last: usize) -> Self {
        Tap {
            low: last.saturating_sub(self.high),
            high: last.saturating_sub(self.low),
            low_weight: self.high_weight,
            high_weight: self.low_weight,
            nearest: match self.nearest {
                Nearest::Low => Nearest::High,
                Nearest::High => Nearest::Low,
                Nearest::Both => Nearest::Both,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};
    use proptest::prelude::*;

    /// Figures of SimpleITK 2.5's `Resample`, linear, onto a grid with the same centre.
    #[test]
    fn as_simple_itk() {
        let image = Array2::from_shape_fn((9, 11), |(y, x)| {
            let (y, x) = (y as f64, x as f64);
            ((x * 0.9).sin() * 3.0 + (y * 0.7).cos() * 2.0 + x * y * 0.1) as f32
        });
        let resampling = Resampling::to_spacing([11, 9], [1.5, 1.25], [1.1, 1.7]).unwrap();
        let found = resampling.linear(image.view()).unwrap();
        assert_eq!(found.dim(), (7, 15));
        let rows = [
            (
                0,
                [
                    2.0, 3.409988, 4.540502, 4.81225, 3.61002, 1.890299, 0.244431, -0.93259, -0.482106,
                    0.787116, 2.516554, 4.225633, 4.733448, 4.240344, 3.236356,
                ],
            ),
            (
                6,
                [
                    1.551132, 3.44112, 5.1583, 6.016715, 5.401152, 4.268097, 3.208896, 2.618541, 3.655693,
                    5.511581, 7.827686, 10.123431, 11.217913, 11.311476, 10.787487,
                ],
            ),
        ];
        for (y, expected) in rows {
            for (found, expected) in found.row(y).iter().zip(expected) {
                assert!((found - expected as f32).abs() < 2e-6 * 16.0, "{y}: {found} {expected}");
            }
        }
    }

    #[test]
    fn halving_the_spacing_interpolates_around_the_centre() {
        let half = Resampling::to_spacing([2, 1], [2.0, 1.0], [1.0, 1.0]).unwrap();
        assert_eq!(half.output_shape(), [4, 1]);
        assert_eq!(half.linear(array![[0.0, 4.0]].view()).unwrap(), array![[0.0, 1.0, 3.0, 4.0]]);
        assert_eq!(half.nearest(array![[1, 2]].view()).unwrap(), array![[1, 1, 2, 2]]);
        let double = Resampling::to_spacing([1, 4], [1.0, 1.0], [1.0, 2.0]).unwrap();
        assert_eq!(double.linear(array![[0.0], [1.0], [2.0], [5.0]].view()).unwrap(), array![[0.5], [3.5]]);
        assert_eq!(double.nearest(array![[3], [1], [0], [2]].view()).unwrap(), array![[3], [2]]);
    }

    #[test]
    fn extent_is_kept_to_the_nearest_pixel() {
        let size = |count, from, to| {
            Resampling::to_spacing([count, 1], [from, 1.0], [to, 1.0]).unwrap().output_shape()[0]
        };
        assert_eq!(size(216, 1.5625, 1.36719), 247);
        assert_eq!(size(3, 0.1, 1.0), 1);
        assert_eq!(size(1, 1.0, 0.25), 4);
    }

    #[test]
    fn agreeing_spacings_change_nothing() {
        let slice = Array2::from_shape_fn((5, 7), |(y, x)| (y * 7 + x) as f32 * 0.37);
        let same = Resampling::to_spacing([7, 5], [f64::from(1.36719f32), 1.0], [1.36719, 1.0]).unwrap();
        assert_eq!(same.linear(slice.view()).unwrap(), slice);
        assert_eq!(same.inverse().linear(slice.view()).unwrap(), slice);
    }

    #[test]
    fn what_cannot_be_a_grid_is_refused() {
        let make = |count, from, to| Resampling::to_spacing([count, 4], [from, 1.0], [to, 1.0]);
        assert!(matches!(make(0, 1.0, 1.0), Err(Error::InvalidShape(_))));
        assert!(matches!(make(4, 0.0, 1.0), Err(Error::InvalidGeometry(_))));
        assert!(matches!(make(4, 1.0, f64::NAN), Err(Error::InvalidGeometry(_))));
        let text = make(400, 1000.0, 1.0).unwrap_err().to_string();
        assert!(text.contains("400000") && text.contains("16384") && text.contains("spacing"), "{text}");
        assert!(make(4, 1e300, 1e-300).is_err());
    }

    #[test]
    fn a_slice_of_another_shape_does_no_harm() {
        let map = Resampling::to_spacing([8, 8], [1.0, 1.0], [0.7, 0.7]).unwrap();
        for shape in [(0, 0), (0, 3), (3, 0), (1, 1), (20, 2)] {
            assert_eq!(map.linear(Array2::zeros(shape).view()).unwrap().dim(), (11, 11));
            assert_eq!(map.nearest(Array2::zeros(shape).view()).unwrap().dim(), (11, 11));
        }
    }

    proptest! {
        #[test]
        fn mirrored_slices_give_mirrored_results(
            shape in prop::array::uniform2(1usize..24),
            spacing in prop::array::uniform2(0.3f64..3.0),
        ) {
            let map = Resampling::to_spacing(shape, spacing, [1.0, 1.0]).unwrap();
            for map in [map.clone(), map.inverse()] {
                let size = (map.y.input, map.x.input);
                let value = |(y, x): (usize, usize)| (y * 31 + x * 17 + x * y * 7) % 23;
                let image = Array2::from_shape_fn(size, |at| value(at) as f32 * 0.137 - 1.0);
                let labels = Array2::from_shape_fn(size, |at| (value(at) % 4) as u8);
                let mirrored = map.linear(image.slice(s![..;-1, ..;-1])).unwrap();
                prop_assert_eq!(mirrored.slice(s![..;-1, ..;-1]), map.linear(image.view()).unwrap());
                let mirrored = map.nearest(labels.slice(s![..;-1, ..;-1])).unwrap();
                prop_assert_eq!(mirrored.slice(s![..;-1, ..;-1]), map.nearest(labels.view()).unwrap());
            }
        }

        #[test]
        fn linear_functions_stay_where_they_are(count in 4usize..40, spacing in 0.4f64..2.5) {
            let map = Resampling::to_spacing([count, 1], [spacing, 1.0], [1.0, 1.0]).unwrap();
            let result = map.linear(Array2::from_shape_fn((1, count), |(_, x)| x as f32 * 0.5).view()).unwrap();
            for (index, &value) in result.iter().enumerate() {
                let centre = (count - 1) as f64 / 2.0;
                let position = centre + (index as f64 - (result.len() - 1) as f64 / 2.0) / spacing;
                let expected = position.clamp(0.0, (count - 1) as f64) * 0.5;
                prop_assert!((f64::from(value) - expected).abs() < 1e-4, "{} {}", value, expected);
            }
        }

        #[test]
        fn the_inverse_returns_to_the_grid(
            shape in prop::array::uniform2(1usize..40),
            spacing in prop::array::uniform2(0.3f64..3.0),
        ) {
            let map = Resampling::to_spacing(shape, spacing, [1.0, 1.3]).unwrap();
            prop_assert_eq!(map.inverse().output_shape(), shape);
            let constant = Array2::from_elem((map.y.output, map.x.output), 0.7f32);
            prop_assert!(map.inverse().linear(constant.view()).unwrap().iter().all(|v| (v - 0.7).abs() < 1e-6));
        }
    }
}
