//! Gaussian smoothing with a wide kernel.

use crate::error::Result;
use crate::memory;
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2};

/// Where the kernel ends, in standard deviations.
const TRUNCATE: f64 = 4.0;
/// What memory is for.
const SMOOTHED: &str = "a smoothed slice";

/// Smooths along both axes; `sigma` in pixels. The border is reflected about the outer edge of its pixels
/// (`c b a | a b c d | d c b`).
///
/// Along each axis the smoothing is a matrix product. With kernels about as wide as the image, as elastic
/// deformation needs them, this is exact and faster than a convolution loop.
///
/// # Errors
/// `OutOfMemory`.
pub(super) fn smooth(field: ArrayView2<f32>, sigma: f64) -> Result<Array2<f32>> {
    let (height, width) = field.dim();
    let mut along_y = memory::filled(field.dim(), 0.0, SMOOTHED)?;
    general_mat_mul(1.0, &smoothing_matrix(height, sigma)?, &field, 0.0, &mut along_y);
    let mut smoothed = memory::filled(field.dim(), 0.0, SMOOTHED)?;
    general_mat_mul(1.0, &along_y, &smoothing_matrix(width, sigma)?.t(), 0.0, &mut smoothed);
    Ok(smoothed)
}

/// Row i holds the weights of the input pixels in output pixel i.
fn smoothing_matrix(size: usize, sigma: f64) -> Result<Array2<f32>> {
    // Beyond one period of the reflected border the weights only repeat themselves.
    let radius = ((TRUNCATE * sigma + 0.5).max(0.0) as usize).min(2 * size);
    let weights: Vec<f64> = (0..=radius).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect();
    let sum = weights.iter().sum::<f64>() * 2.0 - 1.0;
    let mut matrix = memory::filled((size, size), 0f32, SMOOTHED)?;
    for (i, mut row) in matrix.outer_iter_mut().enumerate() {
        for (distance, weight) in weights.iter().enumerate() {
            let share = (weight / sum) as f32;
            if let Some(entry) = row.get_mut(reflect(i as i64 + distance as i64, size)) {
                *entry += share;
            }
            if distance > 0
                && let Some(entry) = row.get_mut(reflect(i as i64 - distance as i64, size))
            {
                *entry += share;
            }
        }
    }
    Ok(matrix)
}

/// The pixel that stands at `index` when the border is reflected.
fn reflect(index: i64, size: usize) -> usize {
    let period = 2 * size as i64;
    let folded = index.rem_euclid(period);
    folded.min(period - 1 - folded) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Axis, array};

    #[test]
    fn the_border_is_reflected_however_far_the_kernel_reaches() {
        let found: Vec<_> = (-7..8).map(|index| reflect(index, 3)).collect();
        assert_eq!(found, [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]);
        assert_eq!(reflect(-5, 1), 0);
    }

    #[test]
    fn a_constant_field_stays_and_the_mean_is_kept() {
        for (height, width, sigma) in [(5, 9, 1.3), (16, 16, 40.0), (1, 4, 2.0)] {
            let smoothed = smooth(Array2::from_elem((height, width), 3.0).view(), sigma).unwrap();
            assert!(smoothed.iter().all(|value| (value - 3.0).abs() < 1e-5), "{smoothed}");
            let ramp = Array2::from_shape_fn((height, width), |(y, x)| (y * 7 + x) as f32);
            let difference = smooth(ramp.view(), sigma).unwrap().mean().unwrap() - ramp.mean().unwrap();
            assert!(difference.abs() < 1e-4, "{difference}");
        }
    }

    #[test]
    fn agrees_with_scipy() {
        // scipy.ndimage.gaussian_filter1d([0, 1, 4, 2, 0, 0, 3], 1.5, mode="reflect", truncate=4.0)
        let expected: [f64; 7] =
            [0.99110196, 1.40830932, 1.74052504, 1.62530014, 1.33556834, 1.33959653, 1.55959867];
        let row = array![[0.0, 1.0, 4.0, 2.0, 0.0, 0.0, 3.0]];
        for field in [smooth(row.view(), 1.5).unwrap(), smooth(row.t(), 1.5).unwrap()] {
            assert_eq!(field.len(), 7);
            for (found, expected) in field.iter().zip(expected) {
                assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
            }
        }
        // A second axis of one pixel is not changed by smoothing along it.
        assert_eq!(smooth(row.view(), 1.5).unwrap().len_of(Axis(0)), 1);
    }
}
