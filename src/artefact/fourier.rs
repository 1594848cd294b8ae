//! Discrete Fourier transforms of volumes along chosen axes.

use crate::error::Result;
use crate::memory;
use ndarray::{Array3, Axis};
use rustfft::{FftPlanner, num_complex::Complex32};

/// The unnormalised forward transform along `axes` of `[z, y, x]`.
///
/// # Errors
/// `OutOfMemory`, also of [`inverse`].
pub(super) fn forward(voxels: &Array3<f32>, axes: &[Axis]) -> Result<Array3<Complex32>> {
    let mut spectrum = converted(voxels, "a spectrum", |value| Complex32::new(value, 0.0))?;
    let mut planner = FftPlanner::new();
    for &axis in axes {
        let plan = planner.plan_fft_forward(spectrum.len_of(axis));
        along(&mut spectrum, axis, plan.as_ref());
    }
    Ok(spectrum)
}

/// The real part of the normalised inverse transform along `axes`.
pub(super) fn inverse(mut spectrum: Array3<Complex32>, axes: &[Axis]) -> Result<Array3<f32>> {
    let mut planner = FftPlanner::new();
    let mut count = 1.0;
    for &axis in axes {
        let plan = planner.plan_fft_inverse(spectrum.len_of(axis));
        along(&mut spectrum, axis, plan.as_ref());
        count *= spectrum.len_of(axis) as f32;
    }
    converted(&spectrum, "an image", |value| value.re / count)
}

fn converted<T: Copy, U>(array: &Array3<T>, what: &str, convert: impl Fn(T) -> U) -> Result<Array3<U>> {
    memory::collect(array.dim(), array.iter().map(|&value| convert(value)), what)
}

/// Where the frequency at `index` of a centred spectrum (zero frequency at `length / 2`) is stored.
pub(super) fn stored_index(index: usize, length: usize) -> usize {
    (index + length.div_ceil(2)) % length
}

fn along(spectrum: &mut Array3<Complex32>, axis: Axis, plan: &dyn rustfft::Fft<f32>) {
    let zero = Complex32::new(0.0, 0.0);
    let mut line = vec![zero; spectrum.len_of(axis)];
    let mut scratch = vec![zero; plan.get_inplace_scratch_len()];
    for mut lane in spectrum.lanes_mut(axis) {
        for (slot, &value) in line.iter_mut().zip(lane.iter()) {
            *slot = value;
        }
        plan.process_with_scratch(&mut line, &mut scratch);
        for (slot, &value) in lane.iter_mut().zip(line.iter()) {
            *slot = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_for_odd_even_and_single_lengths() {
        for shape in [(1, 4, 6), (3, 5, 7), (2, 9, 16)] {
            let voxels =
                Array3::from_shape_fn(shape, |(z, y, x)| ((z * 31 + y * 7 + x * 3) % 11) as f32 - 4.0);
            let axes = [Axis(0), Axis(1), Axis(2)];
            let back = inverse(forward(&voxels, &axes).unwrap(), &axes).unwrap();
            for (a, b) in voxels.iter().zip(&back) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
    }

    #[test]
    fn forward_is_the_defining_sum() {
        let voxels = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| (z * 12 + y * 5 + x * x) as f32);
        let spectrum = forward(&voxels, &[Axis(0), Axis(1), Axis(2)]).unwrap();
        for ((w, v, u), &found) in spectrum.indexed_iter() {
            let mut sum = rustfft::num_complex::Complex64::new(0.0, 0.0);
            for ((z, y, x), &value) in voxels.indexed_iter() {
                let turns = (w * z) as f64 / 2.0 + (v * y) as f64 / 3.0 + (u * x) as f64 / 4.0;
                sum += rustfft::num_complex::Complex64::from_polar(
                    f64::from(value),
                    -std::f64::consts::TAU * turns,
                );
            }
            assert!((f64::from(found.re) - sum.re).abs() < 1e-3);
            assert!((f64::from(found.im) - sum.im).abs() < 1e-3);
        }
    }

    #[test]
    fn centred_index_of_the_zero_frequency_is_stored_first() {
        for length in 1..12 {
            assert_eq!(stored_index(length / 2, length), 0);
            let all: std::collections::BTreeSet<_> = (0..length).map(|i| stored_index(i, length)).collect();
            assert_eq!(all.len(), length);
        }
    }
}
