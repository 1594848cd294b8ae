//! Adam and AdamW, with their state in reach.

use super::options::{Algorithm, Optimizer};
use crate::error::Result;
use crate::network::{CooperativeNetwork, Parameter};
use crate::runtime::ScalarOperators;
use crate::runtime::operators::{AdamTensors, AdamUpdate};
use tch::Tensor;

/// The optimiser's state for every weight of a network.
#[derive(Debug)]
pub struct Adam {
    settings: Optimizer,
    updates: i32,
    moments: Vec<Moments>,
}

/// One weight with the moments of its gradient.
#[derive(Debug)]
pub struct Moments {
    /// Name of the weight.
    pub name: String,
    /// The weight itself; shares storage with the network.
    pub weight: Tensor,
    /// Running mean of the gradient.
    pub mean: Tensor,
    /// Running mean of its square.
    pub variance: Tensor,
}

impl Adam {
    /// Starts with zero moments for every weight.
    pub fn new(network: &CooperativeNetwork, settings: Optimizer) -> Result<Self> {
        let moments = network
            .weights()
            .map(|Parameter { name, tensor, .. }| {
                Ok(Moments {
                    name: name.clone(),
                    weight: tensor.shallow_clone(),
                    mean: tensor.f_detach()?.f_zeros_like()?,
                    variance: tensor.f_detach()?.f_zeros_like()?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Adam { settings, updates: 0, moments })
    }

    /// Updates done so far.
    pub fn updates(&self) -> i32 {
        self.updates
    }

    /// The moments of every weight, in the order of the layers.
    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    /// Goes on after `updates` updates, whose moments have been put in place.
    pub fn resume(&mut self, updates: i32) {
        self.updates = updates;
    }

    /// The norm of the gradient of all weights together.
    pub fn gradient_norm(&self) -> Result<f64> {
        let _guard = tch::no_grad_guard();
        let mut norms = Vec::new();
        for Moments { weight, .. } in &self.moments {
            if let Some(gradient) = CooperativeNetwork::gradient(weight) {
                norms.push(gradient.f_norm()?);
            }
        }
        if norms.is_empty() {
            return Ok(0.0);
        }
        Ok(Tensor::f_stack(&norms, 0)?.f_norm()?.f_double_value(&[])?)
    }

    /// Multiplies the gradient of every weight by `factor`.
    pub fn scale_gradient(&self, factor: f64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for Moments { weight, .. } in &self.moments {
            if let Some(gradient) = CooperativeNetwork::gradient(weight) {
                let _ = gradient.try_mul_scalar_(factor)?;
            }
        }
        Ok(())
    }

    /// One update from the gradients that are there, at the given learning rate; weights without a gradient
    /// stay.
    pub fn update(&mut self, learning_rate: f64) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let updates = self.updates + 1;
        let Optimizer { algorithm, beta1, beta2, epsilon, weight_decay, .. } = self.settings;
        let tensors: Vec<AdamTensors> = self
            .moments
            .iter()
            .filter_map(|Moments { weight, mean, variance, .. }| {
                let gradient = CooperativeNetwork::gradient(weight)?;
                Some(AdamTensors { weight, gradient, mean, variance })
            })
            .collect();
        let update = AdamUpdate {
            learning_rate,
            beta1,
            beta2,
            epsilon,
            weight_decay,
            decoupled: algorithm == Algorithm::Adamw,
        };
        update.apply(&tensors, updates)?;
        self.updates = updates;
        Ok(())
    }
}
