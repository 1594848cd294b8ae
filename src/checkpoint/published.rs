//! Checkpoint directories of the published PyTorch code: one `state_dict` file per part.

use super::pth;
use super::raw_tensor::{RawDtype, RawTensor, TensorMap};
use super::weights;
use crate::error::{Error, Result};
use crate::network::{Architecture, CodeSharing, CooperativeNetwork, PARTS};
use std::path::{Path, PathBuf};
use tch::Device;

/// Reads the five files of a directory. Width and number of classes come from the tensors' shapes.
///
/// Files from before 29 November 2021 lack the biases of the code decoupler's convolutions; zero biases,
/// which compute the same function, take their place.
///
/// # Errors
/// `NotFound`, `Format` or `Unsupported` for a file that cannot be read; `Weights` naming file and key
/// for a key that is missing, unexpected or of the wrong shape.
pub fn read(directory: &Path, code_sharing: CodeSharing) -> Result<CooperativeNetwork> {
    if !directory.is_dir() {
        return Err(if directory.exists() {
            Error::format(
                directory,
                "is not a folder; expected one with image_encoder.pth and its four companions",
            )
        } else {
            Error::NotFound { path: directory.to_owned() }
        });
    }
    let mut parts: Vec<(&str, PathBuf, TensorMap)> = Vec::with_capacity(PARTS.len());
    for part in PARTS {
        let path = directory.join(format!("{part}.pth"));
        let mut tensors = pth::read(&path)?;
        if part == "image_encoder" {
            add_decoupler_biases(&mut tensors);
        }
        parts.push((part, path, tensors));
    }
    let architecture = Architecture {
        width: leading_size(&parts, "image_encoder", "general_encoder.inc.0.weight")?,
        channels: input_channels(&parts)?,
        classes: leading_size(&parts, "segmentation_decoder", "final_conv.weight")?,
        code_sharing,
    };
    architecture
        .validate()
        .map_err(|error| Error::Weights { path: directory.to_owned(), problem: error.to_string() })?;
    for (part, path, tensors) in &parts {
        weights::check_architecture_of(part, &architecture, tensors, path)?;
    }
    let network = CooperativeNetwork::new(architecture, 0, Device::Cpu)?;
    for (part, path, tensors) in &parts {
        let own = network.parameters().iter().filter_map(|parameter| {
            let key = parameter.name.strip_prefix(part)?.strip_prefix('.')?;
            Some((key, &parameter.tensor))
        });
        weights::load(own, tensors, path)?;
    }
    Ok(network)
}

/// The first size of a tensor that tells width or classes.
fn leading_size(parts: &[(&str, PathBuf, TensorMap)], part: &str, key: &str) -> Result<i64> {
    size(parts, part, key, 0)
}

/// The channels that the first convolution takes.
fn input_channels(parts: &[(&str, PathBuf, TensorMap)]) -> Result<i64> {
    size(parts, "image_encoder", "general_encoder.inc.0.weight", 1)
}

fn size(parts: &[(&str, PathBuf, TensorMap)], part: &str, key: &str, axis: usize) -> Result<i64> {
    let Some((_, path, tensors)) = parts.iter().find(|(name, _, _)| *name == part) else {
        return Err(Error::Internal(format!("no part named {part}")));
    };
    tensors
        .get(key)
        .and_then(|tensor| tensor.shape.get(axis).copied())
        .ok_or_else(|| Error::Weights { path: path.clone(), problem: format!("key \"{key}\" is missing") })
}

fn add_decoupler_biases(tensors: &mut TensorMap) {
    for layer in ["0", "3"] {
        let bias = format!("code_decoupler.{layer}.bias");
        let outputs = tensors
            .get(&format!("code_decoupler.{layer}.weight"))
            // Where there are values, there are no more outputs than values.
            .filter(|weight| !weight.bytes.is_empty())
            .and_then(|weight| weight.shape.first().copied());
        if let (false, Some(outputs)) = (tensors.contains_key(&bias), outputs) {
            let bytes = vec![0u8; 4 * usize::try_from(outputs).unwrap_or(0)];
            tensors.insert(bias, RawTensor { dtype: RawDtype::F32, shape: vec![outputs], bytes });
        }
    }
}
