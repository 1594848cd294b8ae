//! Memory for voxels whose number comes from outside.

use crate::error::{Error, Result};
use ndarray::Array3;

/// An empty vector with room for `count` values; out of memory is an error that says for what.
pub(crate) fn reserve<T>(count: usize, what: &str) -> Result<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| out_of_memory::<T>(count, what))?;
    Ok(values)
}

/// A volume of `values`, as many as it has voxels, in standard order; out of memory is an error that says for what.
pub(crate) fn collect<T>(
    shape: (usize, usize, usize),
    values: impl Iterator<Item = T>,
    what: &str,
) -> Result<Array3<T>> {
    let (depth, height, width) = shape;
    let mut voxels = reserve(depth * height * width, what)?;
    voxels.extend(values);
    Array3::from_shape_vec(shape, voxels).map_err(|error| Error::Internal(format!("{what}: {error}")))
}

/// The error for `count` values that memory cannot hold.
pub(crate) fn out_of_memory<T>(count: usize, what: &str) -> Error {
    Error::OutOfMemory(format!("{what}: {count} values of {} byte(s)", size_of::<T>()))
}
