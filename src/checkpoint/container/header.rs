//! The JSON header of the model file.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{FORMAT, FORMAT_VERSION};
use crate::checkpoint::{RawDtype, RawTensor, TensorMap};
use crate::error::{Error, Result};

/// Largest header that is written and read. A manifest with ten thousand epochs of history takes
/// a few million bytes.
pub(super) const MAX_BYTES: u64 = 64 << 20;

const METADATA: &str = "__metadata__";
const MANIFEST: &str = "coopseg";
const DIGEST: &str = "sha256";

/// A header whose manifest and layout have been checked.
pub(super) struct Header {
    pub(super) manifest: Value,
    /// The manifest as it was written, which the digest is about.
    pub(super) manifest_text: String,
    pub(super) digest: String,
    /// The tensors in the order of their data, without gaps.
    pub(super) places: Vec<Place>,
}

/// What the header says of one tensor.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) dtype: RawDtype,
    pub(super) shape: Vec<i64>,
    /// Bytes of data.
    pub(super) length: usize,
}

/// The manifest's text with format and version in front.
pub(super) fn labelled(manifest: &Value) -> Result<String> {
    let Value::Object(own) = manifest else {
        return Err(Error::InvalidArgument("a model's manifest is a JSON object".into()));
    };
    let mut object = Map::new();
    object.insert("format".into(), FORMAT.into());
    object.insert("format_version".into(), FORMAT_VERSION.into());
    for (key, value) in own.iter().filter(|(key, _)| !matches!(key.as_str(), "format" | "format_version")) {
        object.insert(key.clone(), value.clone());
    }
    Ok(Value::Object(object).to_string())
}

/// The file's bytes before the data, and the tensors in the order of their data: larger elements
/// first, so that every tensor is aligned to its element size.
pub(super) fn encode<'a>(
    manifest: &str,
    digest: &str,
    tensors: &'a TensorMap,
) -> Result<(Vec<u8>, Vec<&'a RawTensor>)> {
    if tensors.contains_key(METADATA) {
        return Err(Error::InvalidArgument(format!("a tensor cannot be named `{METADATA}`")));
    }
    let mut order: Vec<_> = tensors.iter().collect();
    order.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype.size()));
    let mut header = Map::new();
    header.insert(METADATA.into(), serde_json::json!({ MANIFEST: manifest, DIGEST: digest }));
    let mut offset = 0usize;
    for (name, tensor) in &order {
        let end = offset + tensor.bytes.len();
        let info = TensorInfo {
            dtype: safetensors_dtype(tensor.dtype),
            // Extents were checked to be non-negative.
            shape: tensor.shape.iter().map(|&extent| extent.unsigned_abs() as usize).collect(),
            data_offsets: (offset, end),
        };
        let info = serde_json::to_value(info).map_err(|error| Error::Internal(error.to_string()))?;
        header.insert((*name).clone(), info);
        offset = end;
    }
    let mut text = Value::Object(header).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    let length = text.len() as u64;
    if length > MAX_BYTES {
        return Err(Error::InvalidArgument(format!(
            "the manifest and tensor names take {length} bytes; a model file holds at most {MAX_BYTES}"
        )));
    }
    let bytes = [length.to_le_bytes().as_slice(), &text].concat();
    Ok((bytes, order.into_iter().map(|(_, tensor)| tensor).collect()))
}

/// Checks the format first, then the version, then the layout against the `data_length` bytes that
/// follow the header.
pub(super) fn decode(path: &Path, bytes: &[u8], data_length: u64) -> Result<Header> {
    #[derive(Deserialize)]
    struct Labels {
        #[serde(rename = "__metadata__")]
        metadata: Option<HashMap<String, String>>,
    }
    let corrupt = |error: &dyn std::fmt::Display| {
        Error::format(
            path,
            format!("not a coopseg model, or corrupt: the safetensors header is invalid ({error})"),
        )
    };
    let labels: Labels = serde_json::from_slice(bytes).map_err(|error| corrupt(&error))?;
    let mut labels = labels.metadata.unwrap_or_default();
    let Some(manifest_text) = labels.remove(MANIFEST) else {
        return Err(Error::format(
            path,
            format!("not a coopseg model: a safetensors file without the metadata entry `{MANIFEST}`"),
        ));
    };
    let manifest: Value = serde_json::from_str(&manifest_text)
        .map_err(|error| Error::format(path, format!("corrupt: the manifest is invalid JSON ({error})")))?;
    check_version(path, &manifest)?;
    let Some(digest) = labels.remove(DIGEST) else {
        return Err(Error::format(path, format!("corrupt: the metadata entry `{DIGEST}` is missing")));
    };
    // JSON allows any white space as padding; the digest does not cover it.
    let text = bytes.trim_ascii_end();
    if bytes.iter().skip(text.len()).any(|&byte| byte != b' ') || bytes.first() != Some(&b'{') {
        return Err(Error::format(path, "corrupt: the header's padding is not made of spaces"));
    }
    let layout: Metadata = serde_json::from_slice(bytes).map_err(|error| corrupt(&error))?;
    if layout.data_len() as u64 != data_length {
        return Err(Error::format(
            path,
            format!(
                "truncated or corrupt: the tensors need {} bytes, {data_length} follow the header",
                layout.data_len()
            ),
        ));
    }
    let places = places(path, &layout)?;
    Ok(Header { manifest, manifest_text, digest, places })
}

fn check_version(path: &Path, manifest: &Value) -> Result<()> {
    if manifest.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(Error::format(
            path,
            format!("not a coopseg model: the manifest's format is not \"{FORMAT}\""),
        ));
    }
    match manifest.get("format_version").and_then(Value::as_u64) {
        Some(FORMAT_VERSION) => Ok(()),
        Some(version) if version > FORMAT_VERSION => Err(Error::Unsupported {
            path: path.to_owned(),
            problem: format!(
                "model format version {version}; this version of coopseg reads format version {FORMAT_VERSION}: \
                 use a newer coopseg"
            ),
        }),
        _ => Err(Error::format(path, "corrupt: the manifest's format_version is not a number from 1")),
    }
}

fn places(path: &Path, layout: &Metadata) -> Result<Vec<Place>> {
    let place = |name: String| {
        let Some(info) = layout.info(&name) else {
            return Err(Error::Internal(format!("tensor `{name}` has a place but no description")));
        };
        let Some(dtype) = raw_dtype(info.dtype) else {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                problem: format!("tensor `{name}` is of type {}, which models do not use", info.dtype),
            });
        };
        let shape: Option<Vec<i64>> = info.shape.iter().map(|&extent| extent.try_into().ok()).collect();
        let Some(shape) = shape else {
            return Err(Error::format(path, format!("corrupt: tensor `{name}` has shape {:?}", info.shape)));
        };
        let (start, end) = info.data_offsets;
        Ok(Place { name, dtype, shape, length: end - start })
    };
    layout.offset_keys().into_iter().map(place).collect()
}

fn safetensors_dtype(dtype: RawDtype) -> Dtype {
    match dtype {
        RawDtype::F32 => Dtype::F32,
        RawDtype::F64 => Dtype::F64,
        RawDtype::F16 => Dtype::F16,
        RawDtype::BF16 => Dtype::BF16,
        RawDtype::I64 => Dtype::I64,
        RawDtype::I32 => Dtype::I32,
        RawDtype::I16 => Dtype::I16,
        RawDtype::I8 => Dtype::I8,
        RawDtype::U8 => Dtype::U8,
        RawDtype::Bool => Dtype::BOOL,
    }
}

fn raw_dtype(dtype: Dtype) -> Option<RawDtype> {
    Some(match dtype {
        Dtype::F32 => RawDtype::F32,
        Dtype::F64 => RawDtype::F64,
        Dtype::F16 => RawDtype::F16,
        Dtype::BF16 => RawDtype::BF16,
        Dtype::I64 => RawDtype::I64,
        Dtype::I32 => RawDtype::I32,
        Dtype::I16 => RawDtype::I16,
        Dtype::I8 => RawDtype::I8,
        Dtype::U8 => RawDtype::U8,
        Dtype::BOOL => RawDtype::Bool,
        _ => return None,
    })
}
