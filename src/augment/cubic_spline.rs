//! Interpolation with cubic B-splines (Unser 1999, "Splines: a perfect fit for signal and image
//! processing").

use crate::error::Result;
use crate::memory;
use ndarray::{Array2, Axis};

/// The pole of the filter that turns pixels into spline coefficients: √3 − 2.
const POLE: f32 = -0.267_949_2;
/// Steps after which the filter's response is below the precision of f32.
const MEMORY: usize = 14;
/// What memory is for.
const SPLINE: &str = "the spline through a slice";

/// The spline through the pixels of an image, which is mirrored about the centres of its outer pixels.
pub(super) struct CubicSpline {
    coefficients: Vec<f32>,
    height: usize,
    width: usize,
}

impl CubicSpline {
    /// `OutOfMemory`.
    pub(super) fn through(image: &Array2<f32>) -> Result<Self> {
        let (height, width) = image.dim();
        let mut coefficients = memory::copy(image, SPLINE)?;
        for axis in [Axis(0), Axis(1)] {
            filter(&mut coefficients, axis)?;
        }
        Ok(CubicSpline { coefficients: coefficients.into_raw_vec_and_offset().0, height, width })
    }

    /// The value at a position (y, x) between the centres of the outer pixels; none outside.
    #[inline]
    pub(super) fn value(&self, [y, x]: [f32; 2]) -> Option<f32> {
        let (last_y, last_x) = (self.height as f32 - 1.0, self.width as f32 - 1.0);
        if !(y >= 0.0 && y <= last_y && x >= 0.0 && x <= last_x) {
            return None;
        }
        // Positions are not negative: truncation is floor.
        let (y0, x0) = (y as usize, x as usize);
        let (wy, wx) = (weights(y - y0 as f32), weights(x - x0 as f32));
        let mut sum = 0.0;
        if y0 >= 1 && y0 + 2 < self.height && x0 >= 1 && x0 + 2 < self.width {
            for (dy, wy) in wy.into_iter().enumerate() {
                let start = (y0 + dy - 1) * self.width + x0 - 1;
                let row = &self.coefficients[start..start + 4];
                sum += wy * (row[0] * wx[0] + row[1] * wx[1] + row[2] * wx[2] + row[3] * wx[3]);
            }
        } else {
            for (dy, wy) in wy.into_iter().enumerate() {
                let row = mirror(y0 as i64 + dy as i64 - 1, self.height) * self.width;
                for (dx, wx) in wx.into_iter().enumerate() {
                    sum += wy * wx * self.coefficients[row + mirror(x0 as i64 + dx as i64 - 1, self.width)];
                }
            }
        }
        Some(sum)
    }
}

/// The cubic B-spline's weights of the four coefficients around a position, `t` beyond the second.
#[inline]
pub(crate) fn weights(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    let near = |d: f32| 2.0 / 3.0 - d * d * (1.0 - 0.5 * d);
    [s * s * s / 6.0, near(t), near(s), t * t * t / 6.0]
}

/// The pixel that stands at `index` when the image is mirrored about its outer pixels.
fn mirror(index: i64, size: usize) -> usize {
    let period = (2 * size as i64 - 2).max(1);
    let folded = index.rem_euclid(period);
    folded.min(period - folded) as usize
}

/// Pixels to coefficients along one axis: the recursive filter, forwards and backwards.
fn filter(image: &mut Array2<f32>, axis: Axis) -> Result<()> {
    let size = image.len_of(axis);
    if size < 2 {
        return Ok(());
    }
    // With the axis in front, all lanes are filtered side by side and whole rows are added at once.
    let mut lanes = image.view_mut();
    lanes.swap_axes(0, axis.index());
    let mut work = memory::copy(&lanes, SPLINE)?;
    // Gain of the filter: (1 − z)(1 − 1/z) = 6.
    work *= 6.0;
    let mut start = memory::copy(&work.row(0), SPLINE)?;
    let mut power = POLE;
    for index in 1..=MEMORY {
        start.scaled_add(power, &work.row(mirror(index as i64, size)));
        power *= POLE;
    }
    work.row_mut(0).assign(&start);
    for index in 1..size {
        let (done, mut todo) = work.view_mut().split_at(Axis(0), index);
        todo.row_mut(0).scaled_add(POLE, &done.row(index - 1));
    }
    let factor = POLE / (POLE * POLE - 1.0);
    let (before, mut last) = work.view_mut().split_at(Axis(0), size - 1);
    last.row_mut(0).zip_mut_with(&before.row(size - 2), |last, &before| {
        *last = factor * (*last + POLE * before);
    });
    for index in (0..size - 1).rev() {
        let (mut todo, done) = work.view_mut().split_at(Axis(0), index + 1);
        todo.row_mut(index).zip_mut_with(&done.row(0), |value, &next| *value = POLE * (next - *value));
    }
    lanes.assign(&work);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{array, s};

    fn image() -> Array2<f32> {
        array![
            [0.0, 1.0, 4.0, 2.0, 0.0],
            [3.0, 5.0, 1.0, 0.0, 2.0],
            [1.0, 0.0, 2.0, 6.0, 1.0],
            [2.0, 2.0, 7.0, 1.0, 0.0]
        ]
    }

    fn assert_values(image: &Array2<f32>, expected: &[([f32; 2], f32)]) {
        let spline = CubicSpline::through(image).unwrap();
        for &(position, expected) in expected {
            let found = spline.value(position).unwrap();
            assert!((found - expected).abs() < 1e-5, "{position:?}: {found}, expected {expected}");
        }
    }

    #[test]
    fn agrees_with_scipy() {
        // scipy.ndimage.map_coordinates(image, positions, order=3, mode="mirror")
        assert_values(
            &image(),
            &[
                ([0.0, 0.5], 0.151_785_71),
                ([0.25, 0.75], 1.101_748_2),
                ([1.5, 1.5], 1.364_676_3),
                ([2.9, 3.3], 0.145_471_65),
                ([1.2, 3.99], 2.107_056),
                ([2.5, 0.1], 1.337_200_9),
            ],
        );
        assert_values(
            &image().slice(s![..1, ..]).to_owned(),
            &[([0.0, 0.5], 0.151_785_71), ([0.0, 3.2], 1.380_571_4)],
        );
        assert_values(
            &image().slice(s![.., ..2]).to_owned(),
            &[([0.5, 0.5], 2.2), ([1.2, 0.7], 4.185_075_2)],
        );
    }

    #[test]
    fn the_spline_goes_through_the_pixels() {
        for image in [image(), array![[3.0]], array![[1.0], [2.0]]] {
            let pixels: Vec<_> =
                image.indexed_iter().map(|((y, x), &value)| ([y as f32, x as f32], value)).collect();
            assert_values(&image, &pixels);
        }
    }

    #[test]
    fn there_is_no_value_outside() {
        let spline = CubicSpline::through(&image()).unwrap();
        for position in [[-0.01, 1.0], [3.01, 1.0], [1.0, -0.01], [1.0, 4.01], [f32::NAN, 0.0]] {
            assert_eq!(spline.value(position), None);
        }
        assert_eq!(CubicSpline::through(&Array2::zeros((0, 3))).unwrap().value([0.0, 0.0]), None);
    }
}
