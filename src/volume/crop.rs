//! Padding and cropping of slices around their centre.
//!
//! Where the difference is odd, the padding before a slice and the margin cut off before a crop are the
//! larger half, as in the augmentation library that the published implementation uses.

use crate::error::Result;
use crate::memory;
use ndarray::{Array2, ArrayView2, s};

/// Pads a slice, indexed `[y, x]`, on all sides with `value` to at least `size` (x, y). Axes that are as long
/// already stay as they are.
///
/// # Errors
/// `OutOfMemory`.
pub fn pad<T: Copy>(slice: ArrayView2<T>, size: [usize; 2], value: T) -> Result<Array2<T>> {
    let (height, width) = slice.dim();
    let [before_x, before_y] = [margin_before(width, size[0]), margin_before(height, size[1])];
    let mut padded = memory::filled((height.max(size[1]), width.max(size[0])), value, "a padded slice")?;
    padded.slice_mut(s![before_y..before_y + height, before_x..before_x + width]).assign(&slice);
    Ok(padded)
}

/// The middle of a slice, indexed `[y, x]`, of at most `size` (x, y). Axes that are shorter stay as they are.
///
/// # Errors
/// `OutOfMemory`.
pub fn centre_crop<T: Copy>(slice: ArrayView2<T>, size: [usize; 2]) -> Result<Array2<T>> {
    let (height, width) = slice.dim();
    let [start_x, start_y] = [margin_before(size[0], width), margin_before(size[1], height)];
    let middle = s![start_y..start_y + height.min(size[1]), start_x..start_x + width.min(size[0])];
    memory::copy(&slice.slice(middle), "a cropped slice")
}

/// How many elements lie before `inner` elements that are centred in `outer`; 0 when they do not fit.
pub(super) fn margin_before(inner: usize, outer: usize) -> usize {
    outer.saturating_sub(inner).div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use proptest::prelude::*;

    #[test]
    fn the_larger_half_is_before() {
        let slice = array![[1, 2], [3, 4]];
        let padded = pad(slice.view(), [5, 3], 0).unwrap();
        assert_eq!(padded, array![[0, 0, 0, 0, 0], [0, 0, 1, 2, 0], [0, 0, 3, 4, 0]]);
        assert_eq!(centre_crop(padded.view(), [2, 2]).unwrap(), slice);
        assert_eq!(centre_crop(array![[1, 2, 3, 4, 5]].view(), [2, 2]).unwrap(), array![[3, 4]]);
    }

    #[test]
    fn each_axis_is_treated_by_itself() {
        let slice = array![[1, 2, 3, 4]];
        assert_eq!(pad(slice.view(), [2, 3], 9).unwrap(), array![[9, 9, 9, 9], [1, 2, 3, 4], [9, 9, 9, 9]]);
        assert_eq!(centre_crop(slice.view(), [2, 3]).unwrap(), array![[2, 3]]);
    }

    proptest! {
        #[test]
        fn cropping_undoes_padding(
            height in 1usize..9,
            width in 1usize..9,
            size in prop::array::uniform2(1usize..20),
        ) {
            let slice = Array2::from_shape_fn((height, width), |(y, x)| 1 + y * 10 + x);
            let padded = pad(slice.view(), size, 0).unwrap();
            prop_assert_eq!(padded.dim(), (height.max(size[1]), width.max(size[0])));
            prop_assert_eq!(padded.sum(), slice.sum());
            prop_assert_eq!(centre_crop(padded.view(), [width, height]).unwrap(), slice);
        }
    }
}
