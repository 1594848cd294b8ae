//! A trained (or new) model: the two networks with what is needed to use them.

use crate::checkpoint::{container, weights};
use crate::error::{Error, Result};
use crate::network::inference::{InferenceNetwork, Target};
use crate::network::{Architecture, CodeSharing, CooperativeNetwork, SharedNetwork};
use crate::runtime::log;
use crate::schema;
use crate::volume::Preprocess;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use tch::Device;

/// Networks, class names and preprocessing. Never changes once made; share it freely.
#[derive(Debug)]
pub struct Model {
    network: SharedNetwork,
    class_names: Vec<String>,
    preprocess: Preprocess,
    training: Value,
    /// Networks made ready for inference that something still uses.
    ready: Mutex<Vec<Weak<InferenceNetwork>>>,
}

impl Model {
    /// Takes a network out of training. `class_names` are as many as the network's classes; `training` is
    /// kept as the model's record: configuration and history, or null.
    pub fn new(
        network: CooperativeNetwork,
        class_names: &[String],
        preprocess: &Preprocess,
        training: Value,
    ) -> Result<Self> {
        Ok(Model {
            network: SharedNetwork::new(network)?,
            class_names: class_names.to_vec(),
            preprocess: preprocess.clone(),
            training,
            ready: Mutex::default(),
        })
    }

    /// The networks made ready for inference; the same ones for the same target as long as anything uses them.
    ///
    /// # Errors
    /// As [`InferenceNetwork::new`].
    pub fn inference_network(&self, target: Target) -> Result<Arc<InferenceNetwork>> {
        let _held = log::Hold::begin();
        let mut ready = self.ready.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        ready.retain(|networks| networks.strong_count() > 0);
        if let Some(found) =
            ready.iter().filter_map(Weak::upgrade).find(|networks| networks.target() == target)
        {
            return Ok(found);
        }
        let networks = Arc::new(InferenceNetwork::new(self.network(), target)?);
        ready.push(Arc::downgrade(&networks));
        Ok(networks)
    }

    /// Writes the model file: temporary, sync, rename.
    pub fn save(&self, path: &Path) -> Result<()> {
        let architecture = self.architecture();
        let manifest = json!({
            "library_version": env!("CARGO_PKG_VERSION"),
            "architecture": {
                "width": architecture.width,
                "channels": architecture.channels,
                "classes": architecture.classes,
                "code_sharing": architecture.code_sharing,
            },
            "class_names": self.class_names,
            "preprocess": self.preprocess,
            "training": self.training,
        });
        container::write(path, &manifest, &weights::tensor_map(self.network())?)
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// `Format` for a truncated, corrupt or foreign file, `Unsupported` for one of a later format,
    /// `Weights` for tensors that do not fit the architecture; each names the file.
    pub fn load(path: &Path) -> Result<Self> {
        let (manifest, tensors) = container::read(path)?;
        if let Some(kind) = manifest.get("kind") {
            return Err(Error::format(
                path,
                format!(
                    "this is a {} of a training, not a model; resume the training from it",
                    kind.as_str().unwrap_or("part")
                ),
            ));
        }
        let field = |name: &str| manifest.get(name).cloned().unwrap_or(Value::Null);
        let wrong = |problem: String| Error::format(path, format!("its manifest is not usable: {problem}"));
        let sizes = field("architecture");
        let size = |name: &str| {
            sizes
                .get(name)
                .and_then(Value::as_i64)
                .ok_or_else(|| wrong(format!("`architecture.{name}` is missing or not a number")))
        };
        let code_sharing: CodeSharing =
            schema::read(sizes.get("code_sharing").cloned().unwrap_or(Value::Null)).map_err(wrong)?;
        // Files of the first format hold no number of channels.
        let channels = if sizes.get("channels").is_some() { size("channels")? } else { 1 };
        let architecture =
            Architecture { width: size("width")?, channels, classes: size("classes")?, code_sharing };
        architecture.validate().map_err(|error| wrong(error.to_string()))?;
        let class_names: Vec<String> = schema::read(field("class_names")).map_err(wrong)?;
        if class_names.len() as i64 != architecture.classes {
            return Err(wrong(format!(
                "{} class names for {} classes",
                class_names.len(),
                architecture.classes
            )));
        }
        if let Some(name) = class_names.iter().find(|name| name.contains('\0')) {
            return Err(wrong(format!("the class name {name:?} holds U+0000")));
        }
        let preprocess: Preprocess = schema::read(field("preprocess")).map_err(wrong)?;
        preprocess.validate().map_err(|error| wrong(error.to_string()))?;
        weights::check_architecture(&architecture, &tensors, path)?;
        let network = CooperativeNetwork::new(architecture, 0, Device::Cpu)?;
        weights::load_all(&network, &tensors, path)?;
        let network = SharedNetwork::new(network)?;
        let training = field("training");
        Ok(Model { network, class_names, preprocess, training, ready: Mutex::default() })
    }

    /// The networks, on the CPU, for inference.
    pub fn network(&self) -> &CooperativeNetwork {
        self.network.network()
    }

    /// The networks' sizes.
    pub fn architecture(&self) -> Architecture {
        self.network().architecture()
    }

    /// Names of the classes in the order of their label values, background first.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// From an image's grid and intensities to the networks'.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// What a host may want to know: sizes, classes, preprocessing, the record of the training.
    pub fn info(&self) -> Value {
        let architecture = self.architecture();
        let weights: usize = self.network().weights().map(|weight| weight.tensor.numel()).sum();
        json!({
            "architecture": {
                "width": architecture.width,
                "channels": architecture.channels,
                "classes": architecture.classes,
                "code_sharing": architecture.code_sharing,
                "code_channels": architecture.code_channels(),
            },
            "parameters": weights,
            "class_names": self.class_names,
            "preprocess": self.preprocess,
            "training": self.training,
        })
    }
}
