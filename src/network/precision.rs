//! The number type that networks compute in.

use crate::error::{Error, Result};
use crate::runtime::operators;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tch::{Device, Kind, Tensor};

/// Type of activations, and of weights where they are used. Sums inside a convolution are float32 in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    Float32,
    /// bfloat16: float32's range with 8 bits of precision, on processors and devices that compute with it.
    Bfloat16,
    /// 16-bit floating point with 11 bits of precision, on GPUs, for segmenting.
    Float16,
    /// float32 whose convolutions round their factors to 11 bits of precision, on GPUs, for segmenting.
    Tensorfloat32,
}

impl Precision {
    /// libtorch's name of the type.
    pub fn kind(self) -> Kind {
        match self {
            Precision::Float32 | Precision::Tensorfloat32 => Kind::Float,
            Precision::Bfloat16 => Kind::BFloat16,
            Precision::Float16 => Kind::Half,
        }
    }

    /// As in options and messages.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Float32 => "float32",
            Precision::Bfloat16 => "bfloat16",
            Precision::Float16 => "float16",
            Precision::Tensorfloat32 => "tensorfloat32",
        }
    }

    /// Refuses what the device does not compute with, or would be slower with than with float32.
    pub fn check(self, device: Device) -> Result<()> {
        if matches!(self, Precision::Float16 | Precision::Tensorfloat32) && device == Device::Cpu {
            return Err(Error::DeviceUnavailable(format!(
                "`precision` is \"{}\", which GPUs alone compute with, but the device is the CPU; expected \"float32\" or \
                 \"bfloat16\"",
                self.name()
            )));
        }
        if self == Precision::Bfloat16 && device == Device::Cpu && !operators::has_onednn(true) {
            return Err(Error::DeviceUnavailable(
                "`precision` is \"bfloat16\", but this processor has no bfloat16 instructions (AVX512_BF16); expected \
                 \"float32\""
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// Whether the layers of networks in training compute in bfloat16; one for all layers of both networks.
#[derive(Clone, Debug, Default)]
pub struct SharedPrecision(Arc<AtomicBool>);

impl SharedPrecision {
    /// Sets the precision of the passes to come.
    pub fn set(&self, precision: Precision) {
        self.0.store(precision == Precision::Bfloat16, Ordering::Relaxed);
    }

    /// What an encoder or a decoder computes with for `x`.
    pub fn enter(&self, x: &Tensor) -> Result<Tensor> {
        if x.kind() == Kind::Float && self.0.load(Ordering::Relaxed) {
            return Ok(x.f_to_kind(Kind::BFloat16)?);
        }
        Ok(x.shallow_clone())
    }

    /// What leaves a decoder: losses are computed in float32.
    pub fn leave(x: Tensor) -> Result<Tensor> {
        if x.kind() == Kind::BFloat16 { Ok(x.f_to_kind(Kind::Float)?) } else { Ok(x) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_of_gpus_are_refused_on_the_cpu_by_name() {
        for precision in [Precision::Float16, Precision::Tensorfloat32] {
            let Err(Error::DeviceUnavailable(message)) = precision.check(Device::Cpu) else {
                panic!("{precision:?} was accepted")
            };
            assert!(message.contains(precision.name()), "{message}");
            assert!(precision.check(Device::Cuda(0)).is_ok());
        }
        for precision in
            [Precision::Float32, Precision::Bfloat16, Precision::Float16, Precision::Tensorfloat32]
        {
            assert_eq!(serde_json::to_value(precision).unwrap(), precision.name());
        }
    }
}
