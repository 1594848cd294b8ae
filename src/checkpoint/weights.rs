//! Between the networks' tensors and tensors read from files.

use super::raw_tensor::{RawDtype, RawTensor, TensorMap};
use crate::error::{Error, Result};
use crate::memory;
use crate::network::{Architecture, CooperativeNetwork, Parameter};
use std::path::Path;
use tch::{Device, Kind, Tensor};

/// Every tensor of the networks by name, on the CPU.
pub fn tensor_map(network: &CooperativeNetwork) -> Result<TensorMap> {
    let mut map = TensorMap::new();
    for Parameter { name, tensor, .. } in network.parameters() {
        map.insert(name.clone(), of_tensor(name, tensor)?);
    }
    Ok(map)
}

/// A tensor's values, on the CPU. `name` is for messages.
pub fn of_tensor(name: &str, tensor: &Tensor) -> Result<RawTensor> {
    let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let dtype = match tensor.kind() {
        Kind::Float => RawDtype::F32,
        Kind::Int64 => RawDtype::I64,
        other => return Err(Error::Internal(format!("tensor {name} is of kind {other:?}"))),
    };
    let size = tensor.numel() * dtype.size();
    let mut bytes = memory::reserve(size, name)?;
    bytes.resize(size, 0);
    tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
    Ok(RawTensor { dtype, shape: tensor.size(), bytes })
}

/// Fills all networks from `tensors`, which must hold exactly their names and shapes.
pub fn load_all(network: &CooperativeNetwork, tensors: &TensorMap, path: &Path) -> Result<()> {
    load(
        network.parameters().iter().map(|parameter| (parameter.name.as_str(), &parameter.tensor)),
        tensors,
        path,
    )
}

/// Refuses tensors of other networks than the architecture says by their first layers and a large one, before memory is
/// taken for networks of these sizes.
///
/// # Errors
/// `Weights` naming `path` and the first key that is missing or of another shape.
pub fn check_architecture(architecture: &Architecture, tensors: &TensorMap, path: &Path) -> Result<()> {
    for (part, key, expected) in telling_shapes(architecture) {
        check_shape(&format!("{part}.{key}"), &expected, tensors, path)?;
    }
    Ok(())
}

/// The same for the tensors of one part, whose keys do not begin with its name.
///
/// # Errors
/// As [`check_architecture`].
pub fn check_architecture_of(
    part: &str,
    architecture: &Architecture,
    tensors: &TensorMap,
    path: &Path,
) -> Result<()> {
    for (_, key, expected) in telling_shapes(architecture).iter().filter(|(own, _, _)| *own == part) {
        check_shape(key, expected, tensors, path)?;
    }
    Ok(())
}

/// Part, key and shape of layers by which one knows an architecture.
fn telling_shapes(architecture: &Architecture) -> [(&'static str, &'static str, [i64; 4]); 3] {
    let Architecture { width, channels, classes, .. } = *architecture;
    [
        ("image_encoder", "general_encoder.inc.0.weight", [width, channels, 3, 3]),
        ("image_encoder", "code_decoupler.0.weight", [8 * width, 8 * width, 3, 3]),
        ("shape_encoder", "inc.0.weight", [width, classes, 3, 3]),
    ]
}

/// Fills the given tensors, each from the one of the name beside it.
///
/// # Errors
/// `Weights` naming `path` and the first key that is missing, of another shape, or not expected; `OutOfMemory`.
pub fn load<'a>(
    targets: impl Iterator<Item = (&'a str, &'a Tensor)>,
    tensors: &TensorMap,
    path: &Path,
) -> Result<()> {
    let wrong = |problem: String| Error::Weights { path: path.to_owned(), problem };
    let targets: Vec<_> = targets.collect();
    for (key, target) in &targets {
        check_shape(key, &target.size(), tensors, path)?;
    }
    if let Some(extra) = tensors.keys().find(|key| !targets.iter().any(|(name, _)| name == key)) {
        return Err(wrong(format!("key \"{extra}\" is not part of this network")));
    }
    let _guard = tch::no_grad_guard();
    for (key, target) in targets {
        let Some(raw) = tensors.get(key) else { continue };
        let kind = kind_of(raw.dtype).ok_or_else(|| {
            wrong(format!(
                "key \"{key}\" is of type {:?}; expected floating point or integer numbers",
                raw.dtype
            ))
        })?;
        let value = Tensor::f_from_data_size(&raw.bytes, &raw.shape, kind)?;
        target.shallow_clone().f_copy_(&value)?;
    }
    Ok(())
}

fn check_shape(key: &str, expected: &[i64], tensors: &TensorMap, path: &Path) -> Result<()> {
    let wrong = |problem: String| Error::Weights { path: path.to_owned(), problem };
    let raw = tensors.get(key).ok_or_else(|| wrong(format!("key \"{key}\" is missing")))?;
    if raw.shape != expected {
        return Err(wrong(format!("key \"{key}\" has shape {:?}; expected {expected:?}", raw.shape)));
    }
    Ok(())
}

fn kind_of(dtype: RawDtype) -> Option<Kind> {
    match dtype {
        RawDtype::F32 => Some(Kind::Float),
        RawDtype::F64 => Some(Kind::Double),
        RawDtype::F16 => Some(Kind::Half),
        RawDtype::BF16 => Some(Kind::BFloat16),
        RawDtype::I64 => Some(Kind::Int64),
        RawDtype::I32 => Some(Kind::Int),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::CodeSharing;

    #[test]
    fn sizes_that_are_not_those_of_the_tensors_are_refused_before_networks_are_made() {
        let own = Architecture { width: 2, channels: 1, classes: 3, code_sharing: CodeSharing::None };
        let network = CooperativeNetwork::new(own, 1, Device::Cpu).unwrap();
        let mut tensors = tensor_map(&network).unwrap();
        let refusal = |architecture: Architecture, tensors: &TensorMap| {
            check_architecture(&architecture, tensors, Path::new("m.coopseg"))
                .map_err(|error| error.to_string())
        };
        assert_eq!(refusal(own, &tensors), Ok(()));
        let wide = refusal(Architecture { width: 256, ..own }, &tensors).unwrap_err();
        assert!(
            wide.contains("m.coopseg") && wide.contains("image_encoder.general_encoder.inc.0.weight"),
            "{wide}"
        );
        assert!(wide.contains("[2, 1, 3, 3]; expected [256, 1, 3, 3]"), "{wide}");
        assert!(refusal(Architecture { channels: 4, ..own }, &tensors).is_err());
        let mut hollow = tensors.clone();
        let first = "image_encoder.general_encoder.inc.0.weight";
        hollow.insert(first.to_owned(), zeros(&[256, 1, 3, 3]));
        hollow.insert("shape_encoder.inc.0.weight".to_owned(), zeros(&[256, 3, 3, 3]));
        let hollow = refusal(Architecture { width: 256, ..own }, &hollow).unwrap_err();
        assert!(hollow.contains("image_encoder.code_decoupler.0.weight"), "{hollow}");
        assert!(
            refusal(Architecture { classes: 255, ..own }, &tensors).unwrap_err().contains("shape_encoder")
        );
        tensors.remove("shape_encoder.inc.0.weight");
        assert!(refusal(own, &tensors).unwrap_err().contains("\"shape_encoder.inc.0.weight\" is missing"));
    }

    fn zeros(shape: &[i64]) -> RawTensor {
        let count = shape.iter().product::<i64>() as usize;
        RawTensor { dtype: RawDtype::F32, shape: shape.to_vec(), bytes: vec![0; 4 * count] }
    }
}
