//! Memory for voxels whose number comes from outside.

use crate::error::{Error, Result};

/// An empty vector with room for `count` values; out of memory is an error that says for what.
pub(crate) fn reserve<T>(count: usize, what: &str) -> Result<Vec<T>> {
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| out_of_memory::<T>(count, what))?;
    Ok(values)
}

/// The error for `count` values that memory cannot hold.
pub(crate) fn out_of_memory<T>(count: usize, what: &str) -> Error {
    Error::OutOfMemory(format!("{what}: {count} values of {} byte(s)", size_of::<T>()))
}
