//! A training on disk: everything that it needs to go on as if it had never stopped.

use super::adam::Adam;
use super::event::History;
use super::progress::Progress;
use crate::checkpoint::{TensorMap, container, weights};
use crate::error::{Error, Result};
use crate::network::{Architecture, CooperativeNetwork};
use crate::runtime::ScalarOperators;
use crate::{runtime, schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tch::Tensor;

/// What the manifest's key `kind` holds; models have none.
pub const KIND: &str = "snapshot";

/// The networks in training.
pub const NETWORK: &str = "network";
/// Their moving average.
pub const AVERAGE: &str = "average";
/// Those of the best validation.
pub const BEST: &str = "best";
const MEAN: &str = "adam.mean";
const VARIANCE: &str = "adam.variance";
const GRADIENT: &str = "gradient";

const PREFIX: &str = "snapshot-";
const EXTENSION: &str = "coopseg";

/// Everything but tensors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// [`KIND`].
    pub kind: String,
    /// Of the library that wrote it.
    pub library_version: String,
    /// The configuration with every key.
    pub configuration: Value,
    /// The seed of every random draw; with the position it is the whole random state.
    pub seed: u64,
    /// The learning rate that the schedule multiplies.
    pub learning_rate: f64,
    /// Updates of the optimiser.
    pub updates: i32,
    /// Position in the training.
    pub progress: Progress,
    /// What was measured.
    pub history: History,
    /// The best validation's value of the selecting metric.
    pub best: Option<f64>,
    /// Names of the training cases and their numbers of slices, in order.
    pub training: Vec<(String, usize)>,
    /// The same of the validation cases.
    pub validation: Vec<(String, usize)>,
}

/// A snapshot in memory.
#[derive(Debug)]
pub struct Snapshot {
    /// Everything but tensors.
    pub state: State,
    tensors: TensorMap,
    path: PathBuf,
}

impl Snapshot {
    /// Collects the values of networks and optimiser.
    pub fn new(state: State, networks: &[(&str, &CooperativeNetwork)], optimizer: &Adam) -> Result<Self> {
        let mut tensors = TensorMap::new();
        let mut put = |prefix: &str, name: &str, tensor: &Tensor| -> Result<()> {
            let name = format!("{prefix}.{name}");
            let raw = weights::of_tensor(&name, tensor)?;
            tensors.insert(name, raw);
            Ok(())
        };
        for (prefix, network) in networks {
            for parameter in network.parameters() {
                put(prefix, &parameter.name, &parameter.tensor)?;
            }
        }
        for moments in optimizer.moments() {
            put(MEAN, &moments.name, &moments.mean)?;
            put(VARIANCE, &moments.name, &moments.variance)?;
            if state.progress.accumulated > 0
                && let Some(gradient) = CooperativeNetwork::gradient(&moments.weight)
            {
                put(GRADIENT, &moments.name, &gradient)?;
            }
        }
        Ok(Snapshot { state, tensors, path: PathBuf::new() })
    }

    /// Writes the file: temporary, sync, rename.
    pub fn write(&self, path: &Path) -> Result<()> {
        let manifest = serde_json::to_value(&self.state)
            .map_err(|error| Error::Internal(format!("snapshot to JSON: {error}")))?;
        container::write(path, &manifest, &self.tensors)
    }

    /// Reads a snapshot, or the newest whole one of a folder.
    ///
    /// # Errors
    /// `NotFound` for a missing file or a folder without snapshots; `Format` for a file that is truncated,
    /// corrupt or no snapshot; `Unsupported` for one of a later format.
    pub fn read(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Snapshot::read_file(path);
        }
        let mut damaged = None;
        for (_, file) in files(path)?.into_iter().rev() {
            match Snapshot::read_file(&file) {
                Err(error @ Error::Format { .. }) => {
                    runtime::log::warning(&format!("{error}; the snapshot before it is tried"));
                    damaged.get_or_insert(error);
                }
                read => return read,
            }
        }
        Err(damaged.unwrap_or(Error::NotFound { path: path.join(format!("{PREFIX}*.{EXTENSION}")) }))
    }

    fn read_file(path: &Path) -> Result<Self> {
        let (manifest, tensors) = container::read(path)?;
        if manifest.get("kind").and_then(Value::as_str) != Some(KIND) {
            return Err(Error::format(
                path,
                "this is a model, not a snapshot of a training; to train on from a model, make a new trainer \
                 that starts from it",
            ));
        }
        let state = schema::read::<State>(known_keys(manifest))
            .map_err(|problem| Error::format(path, format!("its manifest is not usable: {problem}")))?;
        Ok(Snapshot { state, tensors, path: path.to_owned() })
    }

    /// The file that was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it holds a network under `prefix`.
    pub fn has_network(&self, prefix: &str) -> bool {
        let prefix = format!("{prefix}.");
        self.tensors.keys().any(|name| name.starts_with(&prefix))
    }

    /// Refuses a snapshot without the networks that its configuration describes, before any memory is taken for them.
    pub fn check_architecture(&self, architecture: &Architecture) -> Result<()> {
        weights::check_architecture(architecture, &self.of(NETWORK), &self.path)
    }

    /// Fills a network from the tensors under `prefix`.
    pub fn restore_network(&self, prefix: &str, network: &CooperativeNetwork) -> Result<()> {
        let parameters = network.parameters().iter();
        self.restore(prefix, parameters.map(|parameter| (parameter.name.as_str(), &parameter.tensor)))
    }

    /// Fills the optimiser's moments and, in the middle of an accumulation, the gradients.
    pub fn restore_optimizer(&self, optimizer: &mut Adam) -> Result<()> {
        let moments = optimizer.moments();
        self.restore(MEAN, moments.iter().map(|moments| (moments.name.as_str(), &moments.mean)))?;
        self.restore(VARIANCE, moments.iter().map(|moments| (moments.name.as_str(), &moments.variance)))?;
        if self.state.progress.accumulated > 0 {
            let gradient = |name: &str| self.tensors.get(&format!("{GRADIENT}.{name}"));
            // Those of parts that are frozen from now on are left.
            let own: Vec<_> = moments
                .iter()
                .filter(|moments| moments.weight.requires_grad() && gradient(&moments.name).is_some())
                .map(|moments| -> Result<_> {
                    // A gradient comes into being by a backward pass; 0 · weight makes one of zeros.
                    moments.weight.try_mul_scalar(0.0)?.f_sum(tch::Kind::Float)?.f_backward()?;
                    Ok((moments.name.as_str(), moments.weight.f_grad()?))
                })
                .collect::<Result<_>>()?;
            let kept: TensorMap = own
                .iter()
                .filter_map(|(name, _)| Some(((*name).to_owned(), gradient(name)?.clone())))
                .collect();
            weights::load(own.iter().map(|(name, gradient)| (*name, gradient)), &kept, &self.path)?;
        }
        optimizer.resume(self.state.updates);
        Ok(())
    }

    fn restore<'a>(&self, prefix: &str, targets: impl Iterator<Item = (&'a str, &'a Tensor)>) -> Result<()> {
        weights::load(targets, &self.of(prefix), &self.path)
    }

    /// The tensors under `prefix`, without it.
    fn of(&self, prefix: &str) -> TensorMap {
        let prefix = format!("{prefix}.");
        let own = self.tensors.iter();
        own.filter_map(|(name, raw)| Some((name.strip_prefix(&prefix)?.to_owned(), raw.clone()))).collect()
    }
}

/// The container adds keys of its own.
fn known_keys(manifest: Value) -> Value {
    match manifest {
        Value::Object(mut object) => {
            object.remove("format");
            object.remove("format_version");
            Value::Object(object)
        }
        other => other,
    }
}

/// The snapshots of one training.
#[derive(Debug)]
pub struct SnapshotFolder {
    folder: PathBuf,
    keep: usize,
    newest: Option<PathBuf>,
}

impl SnapshotFolder {
    /// Makes the folder where it is missing, and removes what an interrupted write left in it.
    pub fn open(folder: &Path, keep: usize) -> Result<Self> {
        fs::create_dir_all(folder).map_err(|error| Error::io(folder, "create", error))?;
        let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, "read", error))?;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(crate::atomic_file::TEMPORARY_PREFIX) {
                let _ = fs::remove_file(entry.path());
            }
        }
        let newest = files(folder)?.pop().map(|(_, path)| path);
        Ok(SnapshotFolder { folder: folder.to_owned(), keep, newest })
    }

    /// Writes a snapshot, then deletes the oldest ones beyond the number that is kept.
    pub fn write(&mut self, snapshot: &Snapshot) -> Result<PathBuf> {
        let step = snapshot.state.progress.steps;
        let path = self.folder.join(format!("{PREFIX}{step:09}.{EXTENSION}"));
        snapshot.write(&path)?;
        // Those of later steps are from a training that this one went back behind.
        let files = files(&self.folder)?;
        let (before, after): (Vec<_>, Vec<_>) = files.into_iter().partition(|&(other, _)| other <= step);
        let old = before.len().saturating_sub(self.keep);
        for (_, path) in before.into_iter().take(old).chain(after) {
            fs::remove_file(&path).map_err(|error| Error::io(&path, "delete", error))?;
        }
        self.newest = Some(path.clone());
        Ok(path)
    }

    /// The newest snapshot that was written.
    pub fn newest(&self) -> Option<&Path> {
        self.newest.as_deref()
    }
}

/// The snapshots in a folder with their steps, oldest first.
fn files(folder: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, "read", error))?;
    let mut files: Vec<(u64, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let step = name.strip_prefix(PREFIX)?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
            Some((step.parse().ok()?, entry.path()))
        })
        .collect();
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_file_is_that_of_the_greatest_step() {
        let folder = tempfile::tempdir().unwrap();
        for name in
            ["snapshot-000000009.coopseg", "snapshot-1000000000.coopseg", "snapshot-x.coopseg", "other"]
        {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let steps: Vec<u64> = files(folder.path()).unwrap().into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [9, 1_000_000_000]);
    }

    #[test]
    fn folders_without_a_whole_snapshot_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = Snapshot::read(folder.path()).unwrap_err();
        assert!(matches!(&error, Error::NotFound { path } if path.starts_with(folder.path())), "{error}");
        fs::write(folder.path().join("snapshot-000000001.coopseg"), "cut").unwrap();
        assert!(matches!(Snapshot::read(folder.path()), Err(Error::Format { .. })));
    }

    #[test]
    fn opening_a_folder_removes_what_a_killed_write_left() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("new/snapshots");
        SnapshotFolder::open(&inner, 2).unwrap();
        let left = inner.join(format!("{}abc", crate::atomic_file::TEMPORARY_PREFIX));
        fs::write(&left, "half").unwrap();
        SnapshotFolder::open(&inner, 2).unwrap();
        assert!(!left.exists());
    }
}
