//! How many pixels a pass of the slow-thinking network changed.

use super::host_values::values;
use crate::error::Result;
use tch::{Device, Kind, Tensor};

/// A number that may still be on its way from the device.
#[derive(Debug)]
pub enum ChangedPixels {
    Known(i64),
    OnDevice(Tensor),
}

impl ChangedPixels {
    /// Pixels of logits N×C×h×w whose most likely class differs.
    pub fn count(before: &Tensor, after: &Tensor) -> Result<Self> {
        if before.device() != Device::Cpu {
            let different = after.f_argmax(1, false)?.f_ne_tensor(&before.f_argmax(1, false)?)?;
            return Ok(ChangedPixels::OnDevice(different.f_sum(Kind::Int64)?));
        }
        // libtorch's argmax over few classes takes longer than a convolution.
        let classes_fastest =
            |logits: &Tensor| logits.f_permute([0, 2, 3, 1])?.f_to_kind(Kind::Float)?.f_contiguous();
        let classes = before.size4()?.1.unsigned_abs() as usize;
        let (before, after) = (classes_fastest(before)?, classes_fastest(after)?);
        let pixels = values(&before)?.chunks_exact(classes).zip(values(&after)?.chunks_exact(classes));
        Ok(ChangedPixels::Known(
            pixels.map(|(before, after)| i64::from(argmax(before) != argmax(after))).sum(),
        ))
    }

    /// The same number.
    pub fn share(&self) -> Self {
        match self {
            ChangedPixels::Known(number) => ChangedPixels::Known(*number),
            ChangedPixels::OnDevice(number) => ChangedPixels::OnDevice(number.shallow_clone()),
        }
    }

    /// The number; waits for the device.
    pub fn number(self) -> Result<i64> {
        match self {
            ChangedPixels::Known(number) => Ok(number),
            ChangedPixels::OnDevice(number) => Ok(number.f_int64_value(&[])?),
        }
    }
}

/// The place of the highest value, the first of equals.
fn argmax(values: &[f32]) -> usize {
    let mut best = (f32::NEG_INFINITY, 0);
    for (index, &value) in values.iter().enumerate() {
        best = if value > best.0 { (value, index) } else { best };
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_counted_as_libtorch_would() {
        for (classes, kind) in [(2, Kind::Float), (4, Kind::BFloat16), (7, Kind::Float)] {
            let [a, b] =
                [0, 1].map(|_| Tensor::randn([3, classes, 8, 6], (Kind::Float, Device::Cpu)).to_kind(kind));
            let expected =
                a.argmax(1, false).ne_tensor(&b.argmax(1, false)).sum(Kind::Int64).int64_value(&[]);
            assert!(expected > 0);
            assert_eq!(ChangedPixels::count(&a, &b).unwrap().number().unwrap(), expected);
            assert_eq!(ChangedPixels::count(&a, &a).unwrap().number().unwrap(), 0);
        }
    }
}
