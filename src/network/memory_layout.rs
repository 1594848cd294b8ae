//! The order of values in memory.

use crate::error::Result;
use tch::Tensor;

/// The same N×C×H×W tensor with the channel fastest in memory. The networks keep the layout of their input, and
/// oneDNN and cuDNN are faster on this one: theirs is no copy from and to a layout of their own.
pub fn channels_last(x: &Tensor) -> Result<Tensor> {
    let (samples, channels, height, width) = x.size4()?;
    if channels == 1 {
        // Both layouts are the same bytes; the strides tell libtorch which one is meant.
        return Ok(x.f_contiguous()?.f_as_strided(
            [samples, 1, height, width],
            [height * width, 1, width, 1],
            None,
        )?);
    }
    Ok(x.f_permute([0, 2, 3, 1])?.f_contiguous()?.f_permute([0, 3, 1, 2])?)
}

/// Whether the channel of an N×C×H×W tensor is fastest in memory.
pub fn is_channels_last(x: &Tensor) -> Result<bool> {
    let (_, channels, height, width) = x.size4()?;
    Ok(channels > 1 && x.stride() == [height * width * channels, 1, width * channels, channels])
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn values_stay_and_strides_change() {
        for channels in [1, 3] {
            let x = Tensor::randn([2, channels, 4, 6], (Kind::Float, Device::Cpu));
            let y = channels_last(&x).unwrap();
            assert_eq!(x, y);
            assert_eq!(y.stride(), [24 * channels, 1, 6 * channels, channels]);
            assert_eq!([&x, &y].map(|x| is_channels_last(x).unwrap()), [false, channels > 1]);
        }
    }
}
