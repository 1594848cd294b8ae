//! What ends a layer.

use crate::error::Result;
use crate::runtime::operators::{self, Activation};
use tch::Tensor;

/// Slope of the leaky rectifiers for negative inputs.
const SLOPE: f64 = 0.2;

/// What follows a convolution, its normalisation or a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rectifier {
    /// Nothing.
    None,
    /// max(x, 0).
    Relu,
    /// max(x, 0.2 x).
    LeakyRelu,
}

impl Rectifier {
    /// For operators that rectify what they compute.
    pub fn activation(self) -> Activation {
        match self {
            Rectifier::None => Activation::None,
            Rectifier::Relu => Activation::Relu,
            Rectifier::LeakyRelu => Activation::LeakyRelu(SLOPE),
        }
    }

    /// Of `x`, in its memory.
    pub fn apply(self, mut x: Tensor) -> Result<Tensor> {
        match self {
            Rectifier::None => Ok(x),
            Rectifier::Relu => Ok(x.f_relu_()?),
            Rectifier::LeakyRelu => operators::leaky_relu(x, SLOPE),
        }
    }
}
