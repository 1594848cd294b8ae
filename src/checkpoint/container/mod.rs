//! The model file: safetensors with a JSON manifest and a digest in its metadata.
//!
//! `__metadata__` holds two texts: `coopseg`, the manifest, and `sha256`, a digest over the
//! manifest and all tensors. Any safetensors reader can open the file; this one also tells a
//! changed byte. The same manifest and tensors always give the same bytes.

mod digest;
mod header;

use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::Path;

use serde_json::Value;

use super::{RawTensor, TensorMap};
use crate::atomic_file;
use crate::error::{Error, Result};
use crate::regular_file;
use header::Header;

/// What the manifest's key `format` holds.
pub const FORMAT: &str = "coopseg-model";
/// The newest `format_version` that is read, and the one that is written.
pub const FORMAT_VERSION: u64 = 1;

/// Writes a model file: to a temporary file first, which then takes `path`'s place.
///
/// `format` and `format_version` are put in front of the manifest's own keys (and replace keys of
/// these names).
///
/// # Errors
/// - [`Error::InvalidArgument`]: the manifest is no JSON object, it is too large, or a tensor's
///   name is one that safetensors keeps for itself.
/// - [`Error::InvalidShape`]: a tensor's shape and bytes do not fit each other (names the tensor).
/// - [`Error::Io`]: the file cannot be written; what was at `path` before is untouched.
pub fn write(path: &Path, manifest: &Value, tensors: &TensorMap) -> Result<()> {
    let manifest = header::labelled(manifest)?;
    for (name, tensor) in tensors {
        tensor.check().map_err(|error| Error::InvalidShape(format!("tensor `{name}`: {error}")))?;
    }
    let digest = digest::hex(&manifest, tensors);
    let (header, order) = header::encode(&manifest, &digest, tensors)?;
    atomic_file::write(path, |file| {
        let mut put = |bytes: &[u8]| file.write_all(bytes).map_err(|source| Error::io(path, "write", source));
        put(&header)?;
        order.iter().try_for_each(|tensor| put(&tensor.bytes))
    })
}

/// Reads a model file: the manifest (with `format` and `format_version`) and all tensors.
///
/// Every tensor is read straight into its own memory. Nothing is returned unless the digest agrees.
///
/// # Errors
/// - [`Error::NotFound`], [`Error::Io`]: the file is missing or cannot be read.
/// - [`Error::Unsupported`]: a newer format version, or an element type that models do not use.
/// - [`Error::Format`]: no coopseg model, truncated, or a byte that was changed.
/// - [`Error::OutOfMemory`]: the tensors do not fit in memory.
pub fn read(path: &Path) -> Result<(Value, TensorMap)> {
    let (file, length) = regular_file::open(path, "a model file")?;
    read_from(path, BufReader::new(file), length)
}

/// Reads the manifest alone. The tensors' data is not looked at, so the digest is not compared.
///
/// # Errors
/// As [`read`], except for what only the tensors' data can show.
pub fn read_manifest(path: &Path) -> Result<Value> {
    let (file, length) = regular_file::open(path, "a model file")?;
    Ok(read_header(path, &mut BufReader::new(file), length)?.manifest)
}

fn read_from(path: &Path, mut reader: impl Read, length: u64) -> Result<(Value, TensorMap)> {
    let header = read_header(path, &mut reader, length)?;
    let mut tensors = TensorMap::new();
    for place in header.places {
        let bytes = read_bytes(path, &mut reader, place.length, &format!("tensor `{}`", place.name))?;
        tensors.insert(place.name, RawTensor { dtype: place.dtype, shape: place.shape, bytes });
    }
    if digest::hex(&header.manifest_text, &tensors) != header.digest {
        return Err(Error::format(
            path,
            "the file is corrupt: its SHA-256 digest does not agree with its contents",
        ));
    }
    Ok((header.manifest, tensors))
}

fn read_header(path: &Path, reader: &mut impl Read, length: u64) -> Result<Header> {
    let prefix = read_bytes(path, reader, 8, "the header's length")?;
    let declared = prefix.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    let rest = length.saturating_sub(8);
    let size = match usize::try_from(declared) {
        Ok(size) if declared <= rest.min(header::MAX_BYTES) => size,
        _ => {
            return Err(Error::format(
                path,
                format!(
                    "not a coopseg model: it declares a header of {declared} bytes; the file has {length} bytes \
                     and headers at most {}",
                    header::MAX_BYTES
                ),
            ));
        }
    };
    let bytes = read_bytes(path, reader, size, "the header")?;
    header::decode(path, &bytes, rest - declared)
}

/// Exactly `length` bytes, which the caller has checked against the file's size.
fn read_bytes(path: &Path, reader: &mut impl Read, length: usize, what: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| Error::OutOfMemory(format!("{}: {what} needs {length} bytes", path.display())))?;
    let found = reader.take(length as u64).read_to_end(&mut bytes).map_err(|source| match source.kind() {
        ErrorKind::UnexpectedEof => Error::format(path, format!("truncated within {what}")),
        _ => Error::io(path, "read", source),
    })?;
    if found != length {
        return Err(Error::format(path, format!("truncated: {what} has {found} of {length} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
