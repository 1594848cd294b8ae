//! Adam (Kingma & Ba 2015), with its state in reach.

use super::configuration::Optimizer;
use crate::error::Result;
use crate::network::{CooperativeNetwork, Parameter};
use tch::Tensor;

/// The optimiser's state for every weight of a network.
#[derive(Debug)]
pub struct Adam {
    settings: Optimizer,
    steps: i32,
    moments: Vec<Moments>,
}

#[derive(Debug)]
struct Moments {
    weight: Tensor,
    mean: Tensor,
    variance: Tensor,
}

impl Adam {
    /// Starts with zero moments for every weight.
    pub fn new(network: &CooperativeNetwork, settings: Optimizer) -> Result<Self> {
        let moments = network
            .weights()
            .map(|Parameter { tensor, .. }| {
                Ok(Moments {
                    weight: tensor.shallow_clone(),
                    mean: tensor.f_detach()?.f_zeros_like()?,
                    variance: tensor.f_detach()?.f_zeros_like()?,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Adam { settings, steps: 0, moments })
    }

    /// One update from the gradients that are there; weights without a gradient stay.
    pub fn step(&mut self) -> Result<()> {
        let _guard = tch::no_grad_guard();
        self.steps += 1;
        let Optimizer { learning_rate, beta1, beta2, epsilon } = self.settings;
        let correction1 = 1.0 - beta1.powi(self.steps);
        let correction2 = 1.0 - beta2.powi(self.steps);
        for Moments { weight, mean, variance } in &mut self.moments {
            let Some(gradient) = CooperativeNetwork::gradient(weight) else { continue };
            let _ = mean.f_lerp_(&gradient, 1.0 - beta1)?;
            let _ = variance.f_mul_scalar_(beta2)?;
            let _ = variance.f_addcmul_(&gradient, &gradient.f_mul_scalar(1.0 - beta2)?)?;
            let denominator = variance.f_sqrt()?.f_div_scalar_(correction2.sqrt())?.f_add_scalar_(epsilon)?;
            let update = mean.f_div(&denominator)?.f_mul_scalar_(learning_rate / correction1)?;
            let _ = weight.f_sub_(&update)?;
        }
        Ok(())
    }
}
