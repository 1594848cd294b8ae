//! Contiguous copies of strided views.

use super::problem::{Outcome, Problem, corrupt, printable, reserve};
use super::value::{Storage, View};
use crate::checkpoint::raw_tensor::element_count;

impl View {
    /// Number of elements, once it is certain that all of them lie inside the storage.
    pub(super) fn checked_count(&self, storage: Storage<'_>) -> Outcome<usize> {
        let count = element_count(&self.shape);
        let last = self.last_element();
        match (count, last) {
            (Some(0), _) => Ok(0),
            (Some(count), Some(last)) if last < storage.count => Ok(count),
            _ => corrupt(format!(
                "shape {:?} with strides {:?} at offset {} does not fit storage `{}` of {} elements",
                self.shape,
                self.strides,
                self.offset,
                printable(storage.key),
                storage.count
            )),
        }
    }

    /// Index of the element that lies furthest into the storage; meaningless for an empty view.
    fn last_element(&self) -> Option<usize> {
        self.shape.iter().zip(&self.strides).try_fold(self.offset, |last, (&extent, &stride)| {
            let steps = usize::try_from(extent).ok()?.saturating_sub(1);
            last.checked_add(steps.checked_mul(stride)?)
        })
    }

    /// Whether the elements lie behind each other in row-major order.
    pub(super) fn is_contiguous(&self) -> bool {
        let mut expected = Some(1usize);
        self.shape.iter().zip(&self.strides).rev().all(|(&extent, &stride)| {
            // The stride of an axis of one element is never used.
            let fits = extent == 1 || Some(stride) == expected;
            expected = expected.and_then(|step| step.checked_mul(usize::try_from(extent).ok()?));
            fits
        })
    }

    /// The elements of the view in row-major order, taken from the storage's bytes.
    pub(super) fn gather(&self, count: usize, element: usize, storage: &[u8]) -> Outcome<Vec<u8>> {
        let outside = || Problem::Corrupt("a tensor reaches outside its storage".into());
        let length = count.checked_mul(element).ok_or_else(outside)?;
        let mut bytes = reserve(length, "a tensor's bytes")?;
        if count == 0 {
            return Ok(bytes);
        }
        // What is contiguous at the end of the axes is copied as one block.
        let (outer, block) = self.split_blocks();
        let block_bytes = block.checked_mul(element).ok_or_else(outside)?;
        let mut index = vec![0i64; outer];
        let mut position = self.offset;
        while bytes.len() < length {
            let start = position.checked_mul(element).ok_or_else(outside)?;
            let end = start.checked_add(block_bytes).ok_or_else(outside)?;
            bytes.extend_from_slice(storage.get(start..end).ok_or_else(outside)?);
            self.advance(&mut index, &mut position);
        }
        Ok(bytes)
    }

    /// How many leading axes have to be stepped through and how many elements follow as one block.
    fn split_blocks(&self) -> (usize, usize) {
        let mut block = 1usize;
        let mut outer = self.shape.len();
        for (&extent, &stride) in self.shape.iter().zip(&self.strides).rev() {
            if extent != 1 && stride != block {
                break;
            }
            block = block.saturating_mul(usize::try_from(extent).unwrap_or(0));
            outer -= 1;
        }
        (outer, block)
    }

    /// Steps to the next index of the leading axes, last axis fastest.
    fn advance(&self, index: &mut [i64], position: &mut usize) {
        for ((step, &extent), &stride) in index.iter_mut().zip(&self.shape).zip(&self.strides).rev() {
            *step += 1;
            if *step < extent {
                *position += stride;
                return;
            }
            *position -= stride * (usize::try_from(*step).unwrap_or(1) - 1);
            *step = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::RawDtype;

    const STORAGE: Storage<'static> = Storage { key: "0", dtype: RawDtype::U8, count: 24 };

    fn view(offset: usize, shape: &[i64], strides: &[usize]) -> View {
        View { storage: 0, offset, shape: shape.to_vec(), strides: strides.to_vec() }
    }

    fn gather(view: &View) -> Vec<u8> {
        let bytes: Vec<u8> = (0..STORAGE.count as u8).collect();
        view.gather(view.checked_count(STORAGE).unwrap(), 1, &bytes).unwrap()
    }

    #[test]
    fn views_are_gathered_in_row_major_order() {
        assert_eq!(gather(&view(2, &[2, 3], &[3, 1])), [2, 3, 4, 5, 6, 7]);
        assert_eq!(gather(&view(0, &[3, 2], &[1, 3])), [0, 3, 1, 4, 2, 5]);
        assert_eq!(gather(&view(1, &[2, 1, 2], &[12, 99, 1])), [1, 2, 13, 14]);
        assert_eq!(gather(&view(23, &[], &[])), [23]);
        assert_eq!(gather(&view(5, &[3], &[0])), [5, 5, 5]);
        assert_eq!(gather(&view(1, &[2, 2, 2], &[12, 4, 2])), [1, 3, 5, 7, 13, 15, 17, 19]);
        assert!(gather(&view(24, &[0, 7], &[7, 1])).is_empty());
    }

    #[test]
    fn elements_of_several_bytes_stay_together() {
        let transposed = view(0, &[2, 2], &[1, 2]);
        assert_eq!(transposed.gather(4, 2, &[0, 1, 2, 3, 4, 5, 6, 7]).unwrap(), [0, 1, 4, 5, 2, 3, 6, 7]);
    }

    #[test]
    fn views_outside_the_storage_are_refused() {
        for outside in [
            view(0, &[25], &[1]),
            view(24, &[1], &[1]),
            view(1, &[2, 12], &[12, 1]),
            view(0, &[2], &[usize::MAX]),
            view(usize::MAX, &[2], &[1]),
            view(0, &[i64::MAX, i64::MAX], &[0, 0]),
        ] {
            assert!(matches!(outside.checked_count(STORAGE), Err(Problem::Corrupt(_))), "{outside:?}");
        }
    }

    #[test]
    fn contiguity_ignores_axes_of_one_element() {
        assert!(view(0, &[4, 1, 6], &[6, 99, 1]).is_contiguous());
        assert!(view(0, &[], &[]).is_contiguous());
        assert!(!view(0, &[6, 4], &[1, 6]).is_contiguous());
    }
}
