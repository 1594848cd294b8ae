//! Files that are read. Opening a pipe without a writer waits for ever, so nothing but files and folders is opened.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::path::Path;

/// Opens a file and tells its length.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Io`]: missing, or the system refuses; [`Error::Format`] for what is no file but a pipe
/// or a device: `expected` says what was expected.
pub fn open(path: &Path, expected: &str) -> Result<(File, u64)> {
    let failed = |source| Error::io(path, "read", source);
    check(path, expected)?;
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}

/// Refuses what [`open`] refuses.
///
/// # Errors
/// As [`open`].
pub fn check(path: &Path, expected: &str) -> Result<()> {
    let kind = fs::metadata(path).map_err(|source| Error::io(path, "read", source))?.file_type();
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    Err(Error::format(path, format!("is a special file; expected {expected}")))
}
