//! The tensors of one training step.

use crate::augment::ChannelSlice;
use crate::error::{Error, Result};
use crate::memory::reserve;
use crate::runtime::upload;
use tch::{Device, Kind, Tensor};

/// Slices of one size as tensors.
#[derive(Debug)]
pub struct Batch {
    /// N×C×H×W, values in [0, 1].
    pub images: Tensor,
    /// N×H×W, class indices (int64).
    pub labels: Tensor,
}

impl Batch {
    /// Stacks slices that all have the shape and the channels of the first.
    pub fn new(slices: &[ChannelSlice], device: Device) -> Result<Self> {
        let Some((first, image)) = slices.first().and_then(|first| Some((first, first.channels.first()?)))
        else {
            return Err(Error::Internal("a batch without slices or without channels".to_owned()));
        };
        let (height, width) = image.dim();
        let (channels, pixels) = (first.channels.len(), height * width);
        let mut images = reserve(slices.len() * channels * pixels, "images of a batch")?;
        let mut labels = reserve(slices.len() * pixels, "labels of a batch")?;
        for slice in slices {
            for channel in &slice.channels {
                images.extend(channel.iter().copied());
            }
            labels.extend(slice.label.iter().copied());
        }
        let [samples, channels] = [slices.len() as i64, channels as i64];
        let [height, width] = [height as i64, width as i64];
        let images = Tensor::f_from_slice(&images)?.f_reshape([samples, channels, height, width])?;
        let labels = Tensor::f_from_slice(&labels)?.f_reshape([samples, height, width])?;
        // Labels travel as bytes and become int64 on the device.
        Ok(Batch {
            images: upload(&images, device)?,
            labels: upload(&labels, device)?.f_to_kind(Kind::Int64)?,
        })
    }
}
