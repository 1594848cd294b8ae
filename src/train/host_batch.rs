//! Batches that a host hands in.

use super::batch::Batch;
use super::event::Event;
use super::trainer::Trainer;
use crate::error::{Error, Result};
use crate::network::{LEAST_VALUES_PER_CHANNEL, STRIDE};
use crate::runtime::upload;
use tch::{Kind, Tensor};

/// Lengths of the buffers of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSizes {
    /// N·C·H·W.
    pub image_values: usize,
    /// N·H·W.
    pub label_values: usize,
}

impl Trainer {
    /// The lengths of a batch of shape N, C, H, W.
    ///
    /// # Errors
    /// `InvalidShape` for sizes that the networks do not take.
    pub fn check_batch_shape(&self, shape: [i64; 4]) -> Result<BatchSizes> {
        let [samples, channels, height, width] = shape;
        let expected = self.network.architecture().channels;
        let fits = samples >= 1
            && channels == expected
            && [height, width].iter().all(|&size| size >= STRIDE && size % STRIDE == 0);
        let product = |sizes: &[i64]| {
            sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(usize::try_from(size).ok()?))
        };
        let sizes = product(&shape)
            .filter(|&values| values <= isize::MAX as usize / size_of::<f32>())
            .zip(product(&[samples, height, width]));
        let positions = (height / STRIDE).saturating_mul(width / STRIDE);
        if fits && samples.saturating_mul(positions) < LEAST_VALUES_PER_CHANNEL {
            return Err(Error::InvalidShape(format!(
                "the batch has shape {shape:?}, which leaves one value per channel to normalise; expected more samples or \
                 larger ones"
            )));
        }
        match sizes {
            Some((image_values, label_values)) if fits => Ok(BatchSizes { image_values, label_values }),
            _ => Err(Error::InvalidShape(format!(
                "the batch has shape {shape:?}; expected one sample or more, {expected} channel(s), and height and \
                 width that are multiples of {STRIDE}"
            ))),
        }
    }

    /// One step with images N×C×H×W and labels N×H×W of [`Trainer::check_batch_shape`]'s lengths.
    ///
    /// # Errors
    /// `InvalidArgument` for intensities beyond [0, 1]; `InvalidLabel` for a value that is no class; as
    /// [`Trainer::train_batch`].
    pub fn train_host_batch(&mut self, shape: [i64; 4], images: &[f32], labels: &[u8]) -> Result<Event> {
        let [samples, _, height, width] = shape;
        let classes = self.network.architecture().classes;
        if let Some(value) = images.iter().find(|value| !(0.0..=1.0).contains(*value)) {
            return Err(Error::InvalidArgument(format!("`images` has the value {value}; expected 0 to 1")));
        }
        if let Some(class) = labels.iter().find(|&&class| i64::from(class) >= classes) {
            return Err(Error::InvalidLabel(format!(
                "`labels` has the value {class}; expected 0 to {}",
                classes - 1
            )));
        }
        let device = self.network.device();
        let images = upload(&Tensor::f_from_slice(images)?.f_reshape(shape)?, device)?;
        let labels = Tensor::f_from_slice(labels)?.f_reshape([samples, height, width])?;
        let labels = upload(&labels, device)?.f_to_kind(Kind::Int64)?;
        self.train_batch(&Batch { images, labels })
    }
}
