//! A disc that shows in image and label alike, for tests that follow it through a transform.

use super::Slice;
use ndarray::Array2;

/// The class of the disc.
pub(super) const CLASS: u8 = 2;

/// A bright disc around `centre` (y, x) on a background of 0.1.
pub(super) fn disc(size: (usize, usize), centre: [f64; 2], radius: f64) -> Slice {
    let distance = |y: usize, x: usize| (y as f64 - centre[0]).hypot(x as f64 - centre[1]);
    Slice {
        image: Array2::from_shape_fn(size, |(y, x)| {
            0.1 + 0.8 * (radius + 0.5 - distance(y, x)).clamp(0.0, 1.0) as f32
        }),
        label: Array2::from_shape_fn(size, |(y, x)| if distance(y, x) <= radius { CLASS } else { 0 }),
    }
}

/// Where the disc is in the image and in the label.
pub(super) fn centroids(slice: &Slice) -> [[f64; 2]; 2] {
    let darkest = slice.image.iter().copied().fold(f32::INFINITY, f32::min);
    let mean = |weight: &dyn Fn((usize, usize)) -> f64| {
        let (mut total, mut y_sum, mut x_sum) = (0.0, 0.0, 0.0);
        for y in 0..slice.image.nrows() {
            for x in 0..slice.image.ncols() {
                let weight = weight((y, x));
                total += weight;
                y_sum += weight * y as f64;
                x_sum += weight * x as f64;
            }
        }
        assert!(total > 20.0, "the disc is gone");
        [y_sum / total, x_sum / total]
    };
    [
        mean(&|at| f64::from(slice.image[at] - darkest)),
        mean(&|at| if slice.label[at] == CLASS { 1.0 } else { 0.0 }),
    ]
}

/// How far apart image and label show the disc, in pixels.
pub(super) fn separation(slice: &Slice) -> f64 {
    let [image, label] = centroids(slice);
    (image[0] - label[0]).hypot(image[1] - label[1])
}

/// Fails unless image and label both show the disc within `tolerance` pixels of `expected` (y, x).
pub(super) fn assert_at(slice: &Slice, expected: [f64; 2], tolerance: f64) {
    for found in centroids(slice) {
        let distance = (found[0] - expected[0]).hypot(found[1] - expected[1]);
        assert!(distance < tolerance, "found {found:?}, expected {expected:?}");
    }
}
