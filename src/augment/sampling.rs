//! Values between the pixels of a slice.
//!
//! Positions are in pixels, with the centre of the first pixel at (0, 0). Outside the frame lies a
//! constant: the slice's minimum for images, as in the padding around the slice, so that no transform
//! draws a visible frame; class 0 for labels.

use crate::error::Result;
use crate::memory::reserve;
use ndarray::Array2;

/// Pixels of a slice with the value that surrounds them.
pub(super) struct Pixels<T> {
    values: Vec<T>,
    height: usize,
    width: usize,
    outside: T,
}

impl<T: Copy> Pixels<T> {
    /// `OutOfMemory`.
    pub(super) fn new(array: &Array2<T>, outside: T) -> Result<Self> {
        let (height, width) = array.dim();
        let mut values = reserve(array.len(), "pixels of a slice")?;
        values.extend(array);
        Ok(Pixels { values, height, width, outside })
    }

    #[inline]
    fn at(&self, y: i32, x: i32) -> T {
        if (0..self.height as i32).contains(&y) && (0..self.width as i32).contains(&x) {
            self.values[y as usize * self.width + x as usize]
        } else {
            self.outside
        }
    }

    /// The upper left of the four pixels around a position, and the position's distance from it.
    #[inline]
    fn cell(&self, [y, x]: [f32; 2]) -> ([i32; 2], [f32; 2]) {
        let (y, fy) = split(y, self.height);
        let (x, fx) = split(x, self.width);
        ([y, x], [fy, fx])
    }

    /// Whether a position lies in the area of a pixel.
    #[inline]
    pub(super) fn contains(&self, [y, x]: [f32; 2]) -> bool {
        y >= -0.5 && y < self.height as f32 - 0.5 && x >= -0.5 && x < self.width as f32 - 0.5
    }
}

/// Floor and fraction of a coordinate. Far outside, where every neighbour is outside too, coordinates are
/// drawn near, so that the integer arithmetic cannot overflow.
#[inline]
fn split(coordinate: f32, size: usize) -> (i32, f32) {
    let near = coordinate.max(-2.0).min(size as f32 + 1.0);
    // `floor` is a library call on the x86-64 baseline; truncation is one instruction.
    let truncated = near as i32;
    let floor = truncated - i32::from(truncated as f32 > near);
    (floor, near - floor as f32)
}

impl Pixels<f32> {
    /// Linear interpolation; exact where both neighbours are equal.
    #[inline]
    pub(super) fn linear(&self, position: [f32; 2]) -> f32 {
        let ([y, x], [fy, fx]) = self.cell(position);
        let between = |a: f32, b: f32, fraction: f32| a + (b - a) * fraction;
        let upper = between(self.at(y, x), self.at(y, x + 1), fx);
        let lower = between(self.at(y + 1, x), self.at(y + 1, x + 1), fx);
        between(upper, lower, fy)
    }
}

impl Pixels<u8> {
    /// The class of the nearest pixel.
    #[inline]
    pub(super) fn nearest(&self, [y, x]: [f32; 2]) -> u8 {
        let ([y, x], _) = self.cell([y + 0.5, x + 0.5]);
        self.at(y, x)
    }

    /// The class whose indicator (1 where a pixel has the class, 0 elsewhere), linearly interpolated,
    /// reaches one half; 0 where none does. Of two that reach it, the higher class.
    ///
    /// `weights` has an entry per class; classes beyond it count as 0.
    #[inline]
    pub(super) fn linear_per_class(&self, position: [f32; 2], weights: &mut [f32]) -> u8 {
        let ([y, x], [fy, fx]) = self.cell(position);
        let corners = [self.at(y, x), self.at(y, x + 1), self.at(y + 1, x), self.at(y + 1, x + 1)];
        let shares = [(1.0 - fy) * (1.0 - fx), (1.0 - fy) * fx, fy * (1.0 - fx), fy * fx];
        if corners == [0; 4] {
            return 0;
        }
        weights.fill(0.0);
        for (class, share) in corners.into_iter().zip(shares) {
            if let Some(weight) = weights.get_mut(usize::from(class)) {
                *weight += share;
            }
        }
        let reached = weights.iter().rposition(|&weight| weight >= 0.5);
        reached.and_then(|class| u8::try_from(class).ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn linear_values_by_hand() {
        let pixels = Pixels::new(&array![[0.0, 1.0, 2.0], [4.0, 5.0, 6.0]], -1.0).unwrap();
        assert_eq!(pixels.linear([0.0, 0.0]), 0.0);
        assert_eq!(pixels.linear([1.0, 2.0]), 6.0);
        assert_eq!(pixels.linear([0.5, 0.25]), 2.25);
        assert_eq!(pixels.linear([0.0, -0.5]), -0.5);
        assert_eq!(pixels.linear([-1.0, 1.0]), -1.0);
        assert_eq!(pixels.linear([1.25, 0.0]), 2.75);
        for far in [1e30, -1e30, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(pixels.linear([far, 0.0]), -1.0);
            assert_eq!(pixels.linear([0.0, far]), -1.0);
        }
    }

    #[test]
    fn nearest_class_by_hand() {
        let pixels = Pixels::new(&array![[1, 2], [3, 4]], 0).unwrap();
        assert_eq!(pixels.nearest([0.4, 0.4]), 1);
        assert_eq!(pixels.nearest([0.4, 0.6]), 2);
        assert_eq!(pixels.nearest([1.4, -0.4]), 3);
        assert_eq!(pixels.nearest([-0.4, 1.4]), 2);
        assert_eq!(pixels.nearest([1.6, 1.0]), 0);
        assert_eq!(pixels.nearest([-0.6, 1.0]), 0);
        assert!(
            pixels.contains([-0.5, 1.4]) && !pixels.contains([1.5, 0.0]) && !pixels.contains([0.0, -0.6])
        );
    }

    #[test]
    fn a_class_needs_half_of_the_weight() {
        let pixels = Pixels::new(&array![[0, 3], [0, 3]], 0).unwrap();
        let mut weights = [0.0; 4];
        assert_eq!(pixels.linear_per_class([0.3, 0.49], &mut weights), 0);
        assert_eq!(pixels.linear_per_class([0.3, 0.5], &mut weights), 3);
        assert_eq!(pixels.linear_per_class([0.3, 1.49], &mut weights), 3);
        assert_eq!(pixels.linear_per_class([0.3, 1.51], &mut weights), 0);
        // Between classes 1 and 3 there is never a 2.
        let pixels = Pixels::new(&array![[1, 3], [1, 3]], 0).unwrap();
        assert_eq!(pixels.linear_per_class([0.5, 0.4], &mut weights), 1);
        assert_eq!(pixels.linear_per_class([0.5, 0.6], &mut weights), 3);
        assert_eq!(pixels.linear_per_class([0.5, 0.5], &mut weights), 3);
        // Where four classes meet none has half.
        let pixels = Pixels::new(&array![[1, 2], [3, 0]], 0).unwrap();
        assert_eq!(pixels.linear_per_class([0.5, 0.5], &mut weights), 0);
    }
}
