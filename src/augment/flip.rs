//! Mirroring of image and label together.

use super::Slice;
use super::config::Flip;
use super::draw::chance;
use crate::error::Result;
use crate::memory;
use ndarray::{Array2, Axis};
use rand::Rng;

impl Flip {
    /// Whether this slice is mirrored; one draw.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> bool {
        chance(self.probability, rng)
    }
}

/// Left to right: column x becomes column W − 1 − x.
pub(super) fn horizontal(slice: &mut Slice) -> Result<()> {
    reverse(slice, Axis(1))
}

/// Top to bottom: row y becomes row H − 1 − y.
pub(super) fn vertical(slice: &mut Slice) -> Result<()> {
    reverse(slice, Axis(0))
}

fn reverse(slice: &mut Slice, axis: Axis) -> Result<()> {
    fn reversed<T: Copy>(array: &Array2<T>, axis: Axis) -> Result<Array2<T>> {
        let mut view = array.view();
        view.invert_axis(axis);
        memory::copy(&view, "a mirrored slice")
    }
    slice.image = reversed(&slice.image, axis)?;
    slice.label = reversed(&slice.label, axis)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::marker;
    use crate::random::{self, Purpose};
    use ndarray::array;

    fn slice() -> Slice {
        Slice { image: array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], label: array![[0, 1, 2], [3, 2, 1]] }
    }

    #[test]
    fn columns_and_rows_change_places() {
        let mut flipped = slice();
        horizontal(&mut flipped).unwrap();
        assert_eq!(flipped.image, array![[3.0, 2.0, 1.0], [6.0, 5.0, 4.0]]);
        assert_eq!(flipped.label, array![[2, 1, 0], [1, 2, 3]]);
        assert!(flipped.image.is_standard_layout());

        let mut flipped = slice();
        vertical(&mut flipped).unwrap();
        assert_eq!(flipped.image, array![[4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]);
        assert_eq!(flipped.label, array![[3, 2, 1], [0, 1, 2]]);
    }

    #[test]
    fn image_and_label_move_together() {
        let mut flipped = marker::disc((40, 50), [10.0, 15.0], 6.0);
        horizontal(&mut flipped).unwrap();
        marker::assert_at(&flipped, [10.0, 34.0], 0.01);
        vertical(&mut flipped).unwrap();
        marker::assert_at(&flipped, [29.0, 34.0], 0.01);
    }

    #[test]
    fn the_probability_is_honoured() {
        let mut rng = random::stream(2, Purpose::Augmentation, [0; 3]);
        for (probability, low, high) in [(0.2, 1800, 2200), (0.0, 0, 0), (1.0, 10_000, 10_000)] {
            let count = (0..10_000).filter(|_| Flip { probability }.draw(&mut rng)).count();
            assert!((low..=high).contains(&count), "{probability}: {count} of 10000");
        }
    }

    #[test]
    fn mirroring_twice_changes_nothing() {
        let mut flipped = slice();
        for _ in 0..2 {
            horizontal(&mut flipped).unwrap();
            vertical(&mut flipped).unwrap();
        }
        assert_eq!(flipped, slice());
    }
}
