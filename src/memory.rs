//! Memory whose size follows the data: where there is none, an error says for what, and the process goes on.
//!
//! The standard library and ndarray end the process instead; `scripts/forbid_panics.py` has clippy refuse their ways
//! to make arrays outside tests.

use crate::error::{Error, Result};
use ndarray::{Array, ArrayRef, Dimension, IntoDimension};

/// An empty vector with room for `count` values.
///
/// # Errors
/// `OutOfMemory`, as in all of this module, with `what` the values are.
pub fn reserve<T>(count: usize, what: &str) -> Result<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| out_of_memory::<T>(count, what))?;
    Ok(values)
}

/// An array that holds `value` everywhere, in standard order.
pub fn filled<T: Clone, D: Dimension>(
    shape: impl IntoDimension<Dim = D>,
    value: T,
    what: &str,
) -> Result<Array<T, D>> {
    let shape = shape.into_dimension();
    let mut values = reserve(count(&shape), what)?;
    values.resize(count(&shape), value);
    array(shape, values, what)
}

/// An array of `values`, as many as it has elements, in standard order.
pub fn collect<T, D: Dimension>(
    shape: impl IntoDimension<Dim = D>,
    values: impl IntoIterator<Item = T>,
    what: &str,
) -> Result<Array<T, D>> {
    let shape = shape.into_dimension();
    let mut own = reserve(count(&shape), what)?;
    own.extend(values);
    array(shape, own, what)
}

/// The same values in memory of their own, in standard order.
pub fn copy<T: Copy, D: Dimension>(values: &ArrayRef<T, D>, what: &str) -> Result<Array<T, D>> {
    let mut own = reserve(values.len(), what)?;
    match values.as_slice() {
        Some(values) => own.extend_from_slice(values),
        None => own.extend(values),
    }
    array(values.raw_dim(), own, what)
}

/// The error for `count` values that memory cannot hold.
pub fn out_of_memory<T>(count: usize, what: &str) -> Error {
    Error::OutOfMemory(format!("{what}: {count} values of {} byte(s)", size_of::<T>()))
}

/// More than any memory holds where it is no number of the processor's.
fn count(shape: &impl Dimension) -> usize {
    shape.size_checked().unwrap_or(usize::MAX)
}

fn array<T, D: Dimension>(shape: D, values: Vec<T>, what: &str) -> Result<Array<T, D>> {
    Array::from_shape_vec(shape, values).map_err(|error| Error::Internal(format!("{what}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};

    #[test]
    fn arrays_are_in_standard_order() {
        let values = array![[1, 2, 3], [4, 5, 6]];
        assert_eq!(copy(&values, "a copy").unwrap(), values);
        let turned = copy(&values.t(), "a copy").unwrap();
        assert_eq!(turned, values.t());
        assert!(turned.is_standard_layout());
        assert_eq!(filled((2, 3), 7u8, "sevens").unwrap(), Array2::from_elem((2, 3), 7));
        assert_eq!(collect((2, 3), 1..7, "numbers").unwrap(), values);
    }

    #[test]
    fn what_memory_cannot_hold_is_named() {
        for most in [isize::MAX as usize / 4, usize::MAX] {
            let error = filled((most, 2), 0u32, "a map").unwrap_err();
            assert!(matches!(&error, Error::OutOfMemory(text) if text.starts_with("a map: ")), "{error:?}");
        }
    }

    #[test]
    fn another_number_of_values_is_an_error() {
        assert!(matches!(collect((2, 2), [1, 2, 3], "three"), Err(Error::Internal(_))));
    }
}
