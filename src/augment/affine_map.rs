//! Affine maps of the plane and resampling through them.

use super::sampling::Pixels;
use super::{Slice, intensity_range};
use crate::error::Result;
use crate::memory;

/// From a pixel of the output to the position in the input that its value comes from; (y, x) in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AffineMap {
    matrix: [[f32; 2]; 2],
    offset: [f32; 2],
}

impl AffineMap {
    /// Turns the content of a slice by `degrees` about its centre (counter-clockwise with row 0 on top),
    /// shrinks it by `zoom` and moves it by `shift` pixels (y, x).
    pub(super) fn about_centre(size: (usize, usize), degrees: f64, zoom: f64, shift: [f64; 2]) -> Self {
        let (sin, cos) = sin_cos(degrees);
        let matrix = [[zoom * cos, zoom * sin], [-zoom * sin, zoom * cos]];
        let centre = [(size.0 as f64 - 1.0) / 2.0, (size.1 as f64 - 1.0) / 2.0];
        let from = [centre[0] + shift[0], centre[1] + shift[1]];
        let offset = [0, 1].map(|row| centre[row] - matrix[row][0] * from[0] - matrix[row][1] * from[1]);
        AffineMap {
            matrix: matrix.map(|row| row.map(|value| value as f32)),
            offset: offset.map(|value| value as f32),
        }
    }

    #[inline]
    fn apply(&self, [y, x]: [f32; 2]) -> [f32; 2] {
        let [[yy, yx], [xy, xx]] = self.matrix;
        [yy * y + yx * x + self.offset[0], xy * y + xx * x + self.offset[1]]
    }
}

/// Sine and cosine, exact for quarter turns, which therefore only move pixels.
fn sin_cos(degrees: f64) -> (f64, f64) {
    let turn = degrees.rem_euclid(360.0);
    if turn == 0.0 {
        (0.0, 1.0)
    } else if turn == 90.0 {
        (1.0, 0.0)
    } else if turn == 180.0 {
        (0.0, -1.0)
    } else if turn == 270.0 {
        (-1.0, 0.0)
    } else {
        turn.to_radians().sin_cos()
    }
}

/// Applies maps one after the other, the first one first: linear interpolation for the image, the nearest
/// class for the label. The size stays.
///
/// The maps are chained and the slice is sampled once, so that it is blurred once. What an intermediate
/// result would have lost beyond its frame is lost here too.
pub(super) fn resample(slice: &Slice, maps: &[AffineMap]) -> Result<Slice> {
    let minimum = intensity_range(&slice.image).0;
    let mut out = Slice {
        image: memory::filled(slice.image.dim(), minimum, "a transformed slice")?,
        label: memory::filled(slice.label.dim(), 0, "a transformed slice")?,
    };
    let Some((first, later)) = maps.split_first() else {
        out.image.assign(&slice.image);
        out.label.assign(&slice.label);
        return Ok(out);
    };
    let image = Pixels::new(&slice.image, minimum)?;
    let label = Pixels::new(&slice.label, 0)?;
    for ((target, value), class) in out.image.indexed_iter_mut().zip(&mut out.label) {
        let mut position = [target.0 as f32, target.1 as f32];
        let mut kept = true;
        for map in later.iter().rev() {
            position = map.apply(position);
            kept &= image.contains(position);
        }
        if kept {
            position = first.apply(position);
            *value = image.linear(position);
            *class = label.nearest(position);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::marker;
    use ndarray::Array2;
    use ndarray::array;

    fn turned(slice: &Slice, degrees: f64) -> Slice {
        resample(slice, &[AffineMap::about_centre(slice.image.dim(), degrees, 1.0, [0.0; 2])]).unwrap()
    }

    #[test]
    fn quarter_turns_move_pixels_exactly() {
        let slice = Slice {
            image: array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
            label: array![[1, 2, 3], [1, 2, 3], [1, 2, 3]],
        };
        let quarter = turned(&slice, 90.0);
        assert_eq!(quarter.image, array![[3.0, 6.0, 9.0], [2.0, 5.0, 8.0], [1.0, 4.0, 7.0]]);
        assert_eq!(quarter.label, array![[3, 3, 3], [2, 2, 2], [1, 1, 1]]);
        assert_eq!(turned(&quarter, 90.0), turned(&slice, 180.0));
        assert_eq!(turned(&turned(&slice, 180.0), 90.0), turned(&slice, 270.0));
        assert_eq!(turned(&slice, -90.0), turned(&slice, 270.0));
        assert_eq!(turned(&turned(&slice, 270.0), 90.0), slice);
        assert_eq!(turned(&slice, 360.0), slice);

        let even = marker::disc((64, 64), [20.0, 11.0], 7.0);
        assert_eq!(turned(&turned(&even, 90.0), 270.0), even);
    }

    #[test]
    fn a_quarter_turn_keeps_the_size_and_fills_with_the_minimum() {
        let slice = Slice { image: array![[5.0, 3.0, 4.0, 2.0]], label: array![[1, 2, 3, 1]] };
        let half = turned(&slice, 180.0);
        assert_eq!(half.image, array![[2.0, 4.0, 3.0, 5.0]]);
        assert_eq!(half.label, array![[1, 3, 2, 1]]);

        let slice = Slice {
            image: array![[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 9.0], [1.0, 1.0, 2.0, 3.0, 4.0]],
            label: Array2::from_elem((3, 5), 3),
        };
        let quarter = turned(&slice, 90.0);
        assert_eq!(
            quarter.image,
            array![[1.0, 4.0, 9.0, 3.0, 1.0], [1.0, 3.0, 8.0, 2.0, 1.0], [1.0, 2.0, 7.0, 1.0, 1.0]]
        );
        assert_eq!(quarter.label, array![[0, 3, 3, 3, 0], [0, 3, 3, 3, 0], [0, 3, 3, 3, 0]]);
    }

    #[test]
    fn content_turns_counter_clockwise_grows_below_zoom_one_and_follows_the_shift() {
        let size = (101, 121);
        let slice = marker::disc(size, [50.0, 80.0], 8.0);
        let with = |degrees, zoom, shift| {
            resample(&slice, &[AffineMap::about_centre(size, degrees, zoom, shift)]).unwrap()
        };
        marker::assert_at(&with(90.0, 1.0, [0.0; 2]), [30.0, 60.0], 0.1);
        let slant = 20.0 * std::f64::consts::FRAC_1_SQRT_2;
        marker::assert_at(&with(45.0, 1.0, [0.0; 2]), [50.0 - slant, 60.0 + slant], 0.1);
        marker::assert_at(&with(0.0, 1.0, [5.0, -7.5]), [55.0, 72.5], 0.6);
        let magnified = with(0.0, 0.5, [0.0; 2]);
        // Half of the label pixels fall on a tie between two.
        marker::assert_at(&magnified, [50.0, 100.0], 0.8);
        let area = |slice: &Slice| slice.label.iter().filter(|&&class| class != 0).count() as f64;
        assert!((area(&magnified) / area(&slice) - 4.0).abs() < 0.2);
        marker::assert_at(&with(-90.0, 2.0, [3.0, 0.0]), [63.0, 60.0], 0.6);
    }

    #[test]
    fn chained_maps_do_what_one_after_the_other_does() {
        let size = (90, 110);
        let mut slice = marker::disc(size, [40.0, 62.0], 20.0);
        for ((y, x), value) in slice.image.indexed_iter_mut() {
            *value += 0.3 * ((y as f32 * 0.11).sin() + (x as f32 * 0.07).cos());
        }
        slice.label.row_mut(0).fill(1);
        let maps = [
            AffineMap::about_centre(size, 12.0, 0.8, [4.0, -6.0]),
            AffineMap::about_centre(size, 45.0, 1.0, [0.0; 2]),
            AffineMap::about_centre(size, 0.0, 0.9, [-8.0, 3.0]),
        ];
        let at_once = resample(&slice, &maps).unwrap();
        let in_turn = maps.iter().fold(slice.clone(), |slice, &map| resample(&slice, &[map]).unwrap());
        let differing = at_once.label.iter().zip(&in_turn.label).filter(|(a, b)| a != b).count();
        assert!(differing < 150, "{differing} labels differ");
        let pixels = at_once.image.len() as f32;
        let difference = (&at_once.image - &in_turn.image).mapv(f32::abs).sum() / pixels;
        assert!(difference < 0.01, "mean difference {difference}");
        // The corner shows what lies beyond the frame of the first result, not content from the second.
        assert_eq!(at_once.image[[0, 0]], intensity_range(&slice.image).0);
    }

    #[test]
    fn no_map_and_the_map_of_nothing_change_nothing() {
        let slice = marker::disc((33, 20), [12.0, 9.0], 5.0);
        assert_eq!(resample(&slice, &[]).unwrap(), slice);
        assert_eq!(turned(&slice, 0.0), slice);
    }
}
