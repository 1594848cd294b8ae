//! PyTorch `state_dict` files (`torch.save` of PyTorch 1.6 and later): a zip archive with a pickle
//! that describes the tensors and one entry per storage.
//!
//! Only what a `state_dict` needs is understood. The pickle is interpreted over a closed set of
//! values and an allow-list of globals; anything else is refused by name, nothing is executed.

mod archive;
mod pickle;
mod problem;
mod state_dict;
mod strided;
#[cfg(test)]
mod tests;
mod value;

use std::io::BufReader;
use std::path::Path;

use super::TensorMap;
use crate::error::Result;
use crate::regular_file;

/// Reads the tensors of a `state_dict` file, contiguous, in name order.
///
/// Strided views, storage offsets and tensors that share a storage are resolved; parameters are
/// read as tensors; the `_metadata` attribute is ignored.
///
/// # Errors
/// - [`Error::NotFound`], [`Error::Io`]: the file is missing or cannot be read.
/// - [`Error::Format`]: no zip archive, truncated, corrupt, or a tensor that does not fit its
///   storage (the message names the key).
/// - [`Error::Unsupported`]: files of PyTorch before 1.6, TorchScript archives, whole pickled
///   modules, big-endian files and other things that are no plain `state_dict`.
/// - [`Error::OutOfMemory`]: the tensors do not fit in memory.
pub fn read(path: &Path) -> Result<TensorMap> {
    let (file, _) = regular_file::open(path, "a file of torch.save")?;
    archive::Archive::open(BufReader::new(file))
        .and_then(|mut archive| state_dict::read(&mut archive))
        .map_err(|problem| problem.into_error(path))
}
