//! Shapes and byte strides of arrays in the caller's memory.

use super::Dtype;
use crate::error::{Error, Result};

const AXES: [&str; 4] = ["x", "y", "z", "the fourth axis"];

/// Where the elements of an array with up to `N` axes lie: checked against the memory they lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout<const N: usize> {
    /// Elements along each axis, at least 1.
    pub shape: [usize; N],
    /// Bytes from one element to the next along each axis; 0 for axes of length 1.
    pub strides: [usize; N],
}

impl<const N: usize> Layout<N> {
    /// Checks what a caller says of `length` bytes: the first `ndim` (2 to `N`) axes are used, the others
    /// have one element. Strides that are all zero mean dense, first axis fastest.
    pub fn new(dtype: Dtype, ndim: i32, shape: [i64; N], strides: [i64; N], length: usize) -> Result<Self> {
        let axes = usize::try_from(ndim).ok().filter(|n| (2..=N).contains(n)).ok_or_else(|| {
            Error::InvalidShape(format!(
                "ndim is {ndim}; expected {}",
                if N == 3 { "2 or 3" } else { "2 to 4" }
            ))
        })?;
        let mut checked = Layout { shape: [1; N], strides: [0; N] };
        let dense = strides.iter().take(axes).all(|&stride| stride == 0);
        // One past the last byte of a dense array, and of the array as it is strided.
        let (mut dense_end, mut end) = (dtype.size(), dtype.size());
        let given = shape.into_iter().zip(strides).zip(AXES).take(axes);
        for (((size, stride), axis), (to_size, to_stride)) in
            given.zip(checked.shape.iter_mut().zip(&mut checked.strides))
        {
            let too_large = || Error::InvalidShape(format!("shape {shape:?} of {} overflows", dtype.name()));
            if size < 1 {
                return Err(Error::InvalidShape(format!("size along {axis} is {size}; expected at least 1")));
            }
            if stride < 0 {
                return Err(Error::InvalidShape(format!(
                    "stride along {axis} is {stride}; negative strides are not supported, expected 0 or more bytes"
                )));
            }
            let size = usize::try_from(size).map_err(|_| too_large())?;
            let stride = if dense { Some(dense_end) } else { usize::try_from(stride).ok() };
            let stride = if size == 1 { 0 } else { stride.ok_or_else(too_large)? };
            dense_end =
                dense_end.checked_mul(size).filter(|&n| n <= isize::MAX as usize).ok_or_else(too_large)?;
            end = (size - 1).checked_mul(stride).and_then(|n| n.checked_add(end)).ok_or_else(too_large)?;
            (*to_size, *to_stride) = (size, stride);
        }
        if end > length {
            return Err(Error::InvalidShape(format!(
                "shape {:?} of {} with strides {:?} reaches byte {end}, but the buffer has {length}",
                checked.shape.get(..axes).unwrap_or_default(),
                dtype.name(),
                checked.strides.get(..axes).unwrap_or_default(),
            )));
        }
        Ok(checked)
    }

    /// Refuses strides under which two elements could share a byte.
    pub fn refuse_overlap(&self, dtype: Dtype) -> Result<()> {
        let mut axes: Vec<(usize, usize)> =
            self.strides.into_iter().zip(self.shape).filter(|&(_, size)| size > 1).collect();
        axes.sort_unstable();
        let mut span = dtype.size();
        for (stride, size) in axes {
            if stride < span {
                return Err(Error::InvalidShape(format!(
                    "with strides {:?} elements overlap; an output needs each element in bytes of its own",
                    self.strides
                )));
            }
            span += stride * (size - 1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(ndim: i32, shape: [i64; 3], strides: [i64; 3], length: usize) -> String {
        Layout::new(Dtype::I16, ndim, shape, strides, length).unwrap_err().to_string()
    }

    #[test]
    fn zero_strides_mean_dense() {
        let layout = Layout::new(Dtype::I16, 3, [4, 3, 2], [0; 3], 48).unwrap();
        assert_eq!(layout.strides, [2, 8, 24]);
        let layout = Layout::new(Dtype::I16, 2, [4, 3, -7], [0, 0, 99], 24).unwrap();
        assert_eq!((layout.shape, layout.strides), ([4, 3, 1], [2, 8, 0]));
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        assert!(refused(3, [4, 0, 2], [0; 3], 48).contains("along y is 0"));
        assert!(refused(3, [4, 3, -2], [0; 3], 48).contains("along z is -2"));
        assert!(refused(3, [4, 3, 2], [2, -8, 24], 48).contains("negative strides are not supported"));
        assert!(refused(3, [4, 3, 2], [0; 3], 47).contains("byte 48, but the buffer has 47"));
        assert!(refused(3, [4, 3, 2], [2, 8, 30], 48).contains("byte 54"));
        assert!(refused(3, [i64::MAX, i64::MAX, 2], [0; 3], 48).contains("overflows"));
        assert!(refused(3, [i64::MAX, 1, 1], [1, 0, 0], 48).contains("overflows"));
        assert!(refused(3, [4, 3, 2], [2, i64::MAX, 24], 48).contains("overflows"));
        assert!(refused(1, [4, 3, 2], [0; 3], 48).contains("ndim is 1; expected 2 or 3"));
        assert!(refused(-1, [4, 3, 2], [0; 3], 48).contains("ndim is -1"));
    }

    #[test]
    fn an_axis_of_one_element_has_no_stride() {
        let layout = Layout::new(Dtype::F64, 3, [4, 3, 1], [8, 32, i64::MAX], 96).unwrap();
        assert_eq!(layout.strides, [8, 32, 0]);
    }

    #[test]
    fn overlap_is_seen_whatever_the_order_of_axes() {
        let overlaps = |strides| {
            Layout::new(Dtype::I16, 3, [4, 3, 2], strides, 1000).unwrap().refuse_overlap(Dtype::I16).is_err()
        };
        assert!(!overlaps([2, 8, 24]));
        assert!(!overlaps([12, 4, 2]));
        assert!(!overlaps([2, 20, 100]));
        assert!(overlaps([1, 8, 24]));
        assert!(overlaps([2, 6, 24]));
        assert!(overlaps([2, 0, 24]));
        assert!(overlaps([2, 8, 16]));
    }

    proptest! {
        #[test]
        fn nothing_overflows_and_accepted_offsets_stay_inside(
            ndim in -1i32..5,
            shape in prop::array::uniform4(prop_oneof![0i64..6, any::<i64>()]),
            strides in prop::array::uniform4(prop_oneof![0i64..40, any::<i64>()]),
            length in 0usize..400,
        ) {
            if let Ok(layout) = Layout::new(Dtype::U32, ndim, shape, strides, length) {
                let last: usize = layout.shape.iter().zip(layout.strides).map(|(n, stride)| (n - 1) * stride).sum();
                prop_assert!(last + 4 <= length);
            }
        }

        #[test]
        fn what_passes_as_separate_is_separate(
            shape in prop::array::uniform3(1i64..5),
            strides in prop::array::uniform3(0i64..40),
        ) {
            let layout = Layout::new(Dtype::U16, 3, shape, strides, 10_000).unwrap();
            if layout.refuse_overlap(Dtype::U16).is_ok() {
                let mut seen = std::collections::HashSet::new();
                for z in 0..layout.shape[2] {
                    for y in 0..layout.shape[1] {
                        for x in 0..layout.shape[0] {
                            let at = x * layout.strides[0] + y * layout.strides[1] + z * layout.strides[2];
                            prop_assert!(seen.insert(at) && seen.insert(at + 1));
                        }
                    }
                }
            }
        }
    }
}
