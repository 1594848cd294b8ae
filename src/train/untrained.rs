//! Models that no training here has made: new ones and imported ones.

use super::configuration::Configuration;
use crate::checkpoint::published;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::CooperativeNetwork;
use serde_json::{Value, json};
use std::path::Path;
use tch::Device;

/// A model with initial weights from the configuration's seed.
pub fn new_model(config: &Configuration) -> Result<Model> {
    let network = CooperativeNetwork::new(config.architecture(), config.resolved_seed(), Device::Cpu)?;
    Model::new(network, &config.network.classes, &config.preprocess, Value::Null)
}

/// The model in a checkpoint directory of the published PyTorch code. Width and number of classes come
/// from the files; class names, code sharing and preprocessing from the configuration.
///
/// # Errors
/// `InvalidConfig` when the configuration names another number of classes than the files have; else what
/// [`published::read`] reports.
pub fn import_model(directory: &Path, config: &Configuration) -> Result<Model> {
    let network = published::read(directory, config.network.code_sharing)?;
    let classes = network.architecture().classes;
    if config.network.classes.len() as i64 != classes {
        return Err(Error::InvalidConfig(format!(
            "`network.classes` names {} classes, but the checkpoint in {} has {classes}",
            config.network.classes.len(),
            directory.display()
        )));
    }
    let record = json!({ "imported_from": directory.display().to_string() });
    Model::new(network, &config.network.classes, &config.preprocess, record)
}
