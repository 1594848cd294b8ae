//! The tensors of one training step.

use crate::augment::Slice;
use crate::error::{Error, Result};
use tch::{Device, Kind, Tensor};

/// Slices of one size as tensors.
#[derive(Debug)]
pub struct Batch {
    /// N×1×H×W, values in [0, 1].
    pub images: Tensor,
    /// N×H×W, class indices (int64).
    pub labels: Tensor,
}

impl Batch {
    /// Stacks slices that all have the shape of the first.
    pub fn new(slices: &[Slice], device: Device) -> Result<Self> {
        let Some(first) = slices.first() else {
            return Err(Error::Internal("a batch without slices".to_owned()));
        };
        let (height, width) = first.image.dim();
        let pixels = height * width;
        let mut images = Vec::with_capacity(slices.len() * pixels);
        let mut labels = Vec::with_capacity(slices.len() * pixels);
        for slice in slices {
            images.extend(slice.image.iter().copied());
            labels.extend(slice.label.iter().copied());
        }
        let shape = [slices.len() as i64, height as i64, width as i64];
        let images = Tensor::f_from_slice(&images)?.f_reshape([shape[0], 1, shape[1], shape[2]])?;
        let labels = Tensor::f_from_slice(&labels)?.f_reshape(shape)?;
        // Labels travel as bytes and become int64 on the device.
        Ok(Batch {
            images: images.f_to_device(device)?,
            labels: labels.f_to_device(device)?.f_to_kind(Kind::Int64)?,
        })
    }
}
