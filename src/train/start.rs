//! Networks that start from a trained model.

use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::{Architecture, CooperativeNetwork};
use crate::runtime;

/// Copies a model's weights and running statistics into new networks.
///
/// Where the classes differ, what belongs to a class of the same name is taken over and the other classes
/// keep their initial weights: rows of the two decoders' last layers, and the shape encoder's input channels.
///
/// # Errors
/// `InvalidConfig` when anything but the number of classes differs.
pub fn start_from(network: &CooperativeNetwork, classes: &[String], model: &Model) -> Result<()> {
    let (wanted, found) = (network.architecture(), model.architecture());
    if (Architecture { classes: wanted.classes, ..found }) != wanted {
        return Err(Error::InvalidConfig(format!(
            "`network` asks for {wanted:?}, but the model to start from is {found:?}; expected the same, but for \
             the classes"
        )));
    }
    let known = model.class_names();
    let new: Vec<&str> = classes.iter().filter(|name| !known.contains(name)).map(String::as_str).collect();
    if !new.is_empty() {
        runtime::log::info(&format!("classes that start anew: {}", new.join(", ")));
    }
    let _guard = tch::no_grad_guard();
    for (own, theirs) in network.parameters().iter().zip(model.network().parameters()) {
        let Some(axis) = class_axis(&own.name) else {
            own.tensor.shallow_clone().f_copy_(&theirs.tensor)?;
            continue;
        };
        for (index, name) in classes.iter().enumerate() {
            if let Some(there) = known.iter().position(|known| known == name) {
                own.tensor
                    .f_select(axis, index as i64)?
                    .f_copy_(&theirs.tensor.f_select(axis, there as i64)?)?;
            }
        }
    }
    Ok(())
}

/// The axis of a tensor that counts classes.
fn class_axis(name: &str) -> Option<i64> {
    match name {
        "segmentation_decoder.final_conv.weight"
        | "segmentation_decoder.final_conv.bias"
        | "shape_decoder.final_conv.weight"
        | "shape_decoder.final_conv.bias" => Some(0),
        "shape_encoder.inc.0.weight" => Some(1),
        _ => None,
    }
}
