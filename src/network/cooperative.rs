//! Both networks together, with their tensors by name.

use super::architecture::Architecture;
use super::fast::FastThinkingNetwork;
use super::initialise::Initialiser;
use super::parameters::{Parameter, ParameterKind, Part};
use super::precision::{Precision, SharedPrecision};
use super::slow::SlowThinkingNetwork;
use crate::error::Result;
use crate::runtime::operators;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tch::{Device, Tensor};

/// The fast-thinking and the slow-thinking network.
#[derive(Debug)]
pub struct CooperativeNetwork {
    /// Image to segmentation.
    pub fast: FastThinkingNetwork,
    /// Segmentation to corrected segmentation.
    pub slow: SlowThinkingNetwork,
    architecture: Architecture,
    device: Device,
    parameters: Vec<Parameter>,
    frozen: BTreeMap<String, Arc<AtomicBool>>,
    precision: SharedPrecision,
}

impl CooperativeNetwork {
    /// New networks whose initial weights are a function of `seed`.
    pub fn new(architecture: Architecture, seed: u64, device: Device) -> Result<Self> {
        architecture.validate()?;
        let mut init = Initialiser::new(seed, device);
        let fast = FastThinkingNetwork::new(&mut init, &architecture)?;
        let slow = SlowThinkingNetwork::new(&mut init, &architecture)?;
        Ok(CooperativeNetwork {
            fast,
            slow,
            architecture,
            device,
            parameters: init.parameters,
            frozen: init.frozen,
            precision: init.precision,
        })
    }

    /// Whether all weights and running statistics are finite numbers.
    pub fn is_finite(&self) -> Result<bool> {
        let _guard = tch::no_grad_guard();
        for parameter in &self.parameters {
            let finite = parameter.tensor.f_isfinite()?.f_all()?;
            if finite.f_int64_value(&[])? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A copy of its own on `device`.
    pub fn copy_to(&self, device: Device) -> Result<Self> {
        let copy = CooperativeNetwork::new(self.architecture, 0, device)?;
        copy.copy_values_of(self)?;
        Ok(copy)
    }

    /// Takes over every value of a network of the same architecture. What is frozen stays frozen.
    pub fn copy_values_of(&self, other: &CooperativeNetwork) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (own, theirs) in self.parameters.iter().zip(&other.parameters) {
            own.tensor.shallow_clone().f_copy_(&theirs.tensor)?;
        }
        Ok(())
    }

    /// Keeps parts as they are from now on: no gradients, and running statistics that neither move nor give
    /// way to the batch's.
    pub fn freeze(&self, parts: &[Part]) -> Result<()> {
        for part in parts.iter().map(|part| part.name()) {
            for weight in self.weights().filter(|weight| weight.name.split('.').next() == Some(part)) {
                let _ = weight.tensor.f_set_requires_grad(false)?;
            }
            if let Some(flag) = self.frozen.get(part) {
                flag.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// What the passes to come compute in; weights, statistics and losses stay float32. Copies compute in float32.
    ///
    /// # Errors
    /// `DeviceUnavailable` for bfloat16 on a processor without it.
    pub fn compute_in(&self, precision: Precision) -> Result<()> {
        precision.check(self.device)?;
        self.precision.set(precision);
        Ok(())
    }

    /// The sizes that the networks were made with.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// Where the networks live.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Every tensor, in the order of the layers.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The tensors that training changes through gradients.
    pub fn weights(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|parameter| parameter.kind == ParameterKind::Weight)
    }

    /// Sets every gradient to zero.
    pub fn zero_gradients(&self) -> Result<()> {
        let mut gradients: Vec<Tensor> =
            self.weights().filter_map(|weight| Self::gradient(&weight.tensor)).collect();
        operators::zero(&mut gradients)
    }

    /// The gradient of a weight, where a backward pass has reached it.
    pub fn gradient(weight: &Tensor) -> Option<Tensor> {
        let gradient = weight.grad();
        gradient.defined().then_some(gradient)
    }
}

/// A network that nothing changes any more, shared between threads.
#[derive(Debug)]
pub struct SharedNetwork(CooperativeNetwork);

// SAFETY: the wrapped network is only lent out by shared reference and only used in inference mode
// (`SharedNetwork` owners never run TRAINING passes on it), so libtorch only reads its tensors, and
// libtorch's reference counts are atomic.
unsafe impl Sync for SharedNetwork {}
// SAFETY: tensors may move between threads; tch marks them Send.
unsafe impl Send for SharedNetwork {}

impl SharedNetwork {
    /// Takes a network out of training.
    pub fn new(network: CooperativeNetwork) -> Result<Self> {
        for weight in network.weights() {
            let _ = weight.tensor.f_set_requires_grad(false)?;
        }
        Ok(SharedNetwork(network))
    }

    /// The network, for inference.
    pub fn network(&self) -> &CooperativeNetwork {
        &self.0
    }
}
