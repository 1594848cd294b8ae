//! The exponential moving average of a network (as Polyak & Juditsky 1992 average, with decay).

use crate::error::Result;
use crate::network::CooperativeNetwork;
use crate::runtime::ScalarOperators;
use tch::Kind;

/// A network whose weights and running statistics follow another's slowly.
#[derive(Debug)]
pub struct Average {
    network: CooperativeNetwork,
    decay: f64,
}

impl Average {
    /// Starts as a copy.
    pub fn new(network: &CooperativeNetwork, decay: f64) -> Result<Self> {
        Ok(Average { network: network.copy_to(network.device())?, decay })
    }

    /// Moves towards `network` after its update number `updates`, from 1.
    pub fn follow(&self, network: &CooperativeNetwork, updates: i32) -> Result<()> {
        let _guard = tch::no_grad_guard();
        let count = f64::from(updates);
        let decay = self.decay.min((1.0 + count) / (10.0 + count));
        for (own, theirs) in self.network.parameters().iter().zip(network.parameters()) {
            let mut tensor = own.tensor.shallow_clone();
            if tensor.kind() == Kind::Float {
                let _ = tensor.try_lerp_(&theirs.tensor, 1.0 - decay)?;
            } else {
                tensor.f_copy_(&theirs.tensor)?;
            }
        }
        Ok(())
    }

    /// The average.
    pub fn network(&self) -> &CooperativeNetwork {
        &self.network
    }
}
