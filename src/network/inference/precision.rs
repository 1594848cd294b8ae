//! The number type that networks compute in.

use crate::error::{Error, Result};
use crate::runtime::operators;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind};

/// Type of weights and activations. Sums inside a convolution are float32 in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    Float32,
    /// bfloat16: float32's range with 8 bits of precision, on processors and devices that compute with it.
    Bfloat16,
}

impl Precision {
    /// libtorch's name of the type.
    pub fn kind(self) -> Kind {
        match self {
            Precision::Float32 => Kind::Float,
            Precision::Bfloat16 => Kind::BFloat16,
        }
    }

    /// Refuses bfloat16 where it would be slower than float32.
    pub fn check(self, device: Device) -> Result<()> {
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
