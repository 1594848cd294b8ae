//! Slices of several channels: each is transformed as the others and the label are.

use super::{Augmentation, Slice, augment_padded, cropped, padded_image};
use crate::error::Result;
use crate::memory;
use crate::volume::pad;
use ndarray::Array2;
use rand::Rng;

/// One slice of a volume with its classes, in one channel or several that lie on one grid.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSlice {
    /// Intensities of each channel, indexed `[y, x]`; at least one.
    pub channels: Vec<Array2<f32>>,
    /// Class of each pixel, of the same shape; 0 is background.
    pub label: Array2<u8>,
}

impl From<Slice> for ChannelSlice {
    fn from(Slice { image, label }: Slice) -> Self {
        ChannelSlice { channels: vec![image], label }
    }
}

/// [`augment`](super::augment) of every channel with the same draws: all move alike, and each is padded with its own
/// minimum and scaled by its own range. `rng` is left where one channel leaves it.
///
/// # Errors
/// `OutOfMemory`.
pub fn augment_channels<R: Rng + Clone>(
    slice: &ChannelSlice,
    pad_xy: [usize; 2],
    crop_xy: [usize; 2],
    classes: usize,
    config: &Augmentation,
    rng: &mut R,
) -> Result<ChannelSlice> {
    let start = rng.clone();
    per_channel(slice, pad_xy, |channel, first| {
        if first {
            augment_padded(channel, crop_xy, classes, config, rng)
        } else {
            augment_padded(channel, crop_xy, 1, config, &mut start.clone())
        }
    })
}

/// [`plain`](super::plain) of every channel.
///
/// # Errors
/// `OutOfMemory`.
pub fn plain_channels(slice: &ChannelSlice, pad_xy: [usize; 2], crop_xy: [usize; 2]) -> Result<ChannelSlice> {
    per_channel(slice, pad_xy, |channel, _| cropped(&channel, crop_xy))
}

/// Pads every channel and transforms it. The label goes with the first one; the others carry none.
fn per_channel(
    slice: &ChannelSlice,
    pad_xy: [usize; 2],
    mut transform: impl FnMut(Slice, bool) -> Result<Slice>,
) -> Result<ChannelSlice> {
    let mut channels = Vec::with_capacity(slice.channels.len());
    let mut label = Array2::default((0, 0));
    for (index, image) in slice.channels.iter().enumerate() {
        let first = index == 0;
        let image = padded_image(image, pad_xy)?;
        let own = if first {
            pad(slice.label.view(), pad_xy, 0)?
        } else {
            memory::filled(image.dim(), 0, "a slice without labels")?
        };
        let out = transform(Slice { image, label: own }, first)?;
        channels.push(out.image);
        if first {
            label = out.label;
        }
    }
    Ok(ChannelSlice { channels, label })
}

#[cfg(test)]
mod tests {
    use super::super::marker;
    use super::*;
    use crate::augment::{augment, plain};
    use crate::random::{self, Purpose};

    #[test]
    fn every_channel_and_the_label_move_alike() {
        let disc = marker::disc((64, 80), [30.0, 42.0], 6.0);
        // In other units; scaled to [0, 1] it is the same again.
        let scaled = disc.image.mapv(|value| 3.0 * value + 1.0);
        let both = ChannelSlice {
            channels: vec![disc.image.clone(), scaled, disc.image.clone()],
            label: disc.label.clone(),
        };
        let mut config = Augmentation::default();
        config.elastic.probability = 1.0;
        // Its offset is in the units of the image.
        config.brightness.probability = 0.0;
        config.affine.shift = [-0.03, 0.03];
        for key in 0..40 {
            let stream = || random::stream(3, Purpose::Augmentation, [key, 0, 0]);
            let mut rng = stream();
            let out = augment_channels(&both, [80, 64], [64, 48], 4, &config, &mut rng).unwrap();
            let mut alone = stream();
            let single = augment(&disc, [80, 64], [64, 48], 4, &config, &mut alone).unwrap();
            assert_eq!((&out.channels[0], &out.label), (&single.image, &single.label));
            assert_eq!(out.channels[0], out.channels[2]);
            assert_eq!(rng, alone);
            let apart = (&out.channels[0] - &out.channels[1]).mapv(f32::abs).fold(0.0, |a: f32, &b| a.max(b));
            assert!(apart < 1e-4, "{key}: {apart}");
        }
    }

    #[test]
    fn one_channel_is_a_slice() {
        let disc = marker::disc((40, 50), [20.0, 22.0], 5.0);
        let out = plain_channels(&disc.clone().into(), [64, 64], [48, 48]).unwrap();
        assert_eq!(out, plain(&disc, [64, 64], [48, 48]).unwrap().into());
    }
}
