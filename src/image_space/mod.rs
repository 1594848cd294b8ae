//! Hard images made in image space: the augmentations that the paper compares latent masking with (paper §3,
//! Table 1). Each takes images in [0, 1] and gives images in [0, 1]; labels stay as they are.

mod adversarial;
mod bias_field;
mod config;
mod masking;
mod random_convolution;

pub use adversarial::Attacked;
pub use config::{
    AdversarialBiasField, AdversarialNoise, HardImages, HardImagesMethod, MultiWindowMasking,
    RandomConvolution,
};

use crate::error::Result;
use crate::runtime::ScalarOperators;
use rand::Rng;
use tch::Tensor;

/// Makes a hard image of each of `images`, N×channels×H×W in [0, 1]. `None` where the method is latent masking, which
/// is not made here. The adversarial methods follow the loss of `network`.
///
/// # Errors
/// What libtorch reports.
pub fn hard_images(
    config: &HardImages,
    network: &Attacked,
    images: &Tensor,
    labels: &Tensor,
    rng: &mut impl Rng,
) -> Result<Option<Tensor>> {
    Ok(Some(match config.method {
        HardImagesMethod::LatentMasking => return Ok(None),
        HardImagesMethod::MultiWindowMasking => masking::apply(&config.multi_window_masking, images, rng)?,
        HardImagesMethod::RandomConvolution => {
            random_convolution::apply(&config.random_convolution, images, rng)?
        }
        HardImagesMethod::AdversarialNoise => {
            adversarial::noise(&config.adversarial_noise, network, images, labels, rng)?
        }
        HardImagesMethod::AdversarialBiasField => {
            bias_field::apply(&config.adversarial_bias_field, network, images, labels, rng)?
        }
    }))
}

/// Stretches each image to [0, 1], as augmented slices are before they reach the networks; a constant one becomes 0.
fn stretched(images: &Tensor) -> Result<Tensor> {
    let low = images.f_amin([1, 2, 3], true)?;
    let range = images.f_amax([1, 2, 3], true)?.f_sub(&low)?.try_clamp_min(f64::from(f32::MIN_POSITIVE))?;
    Ok(images.f_sub(&low)?.f_div(&range)?)
}

/// A network for the tests of the adversarial methods.
#[cfg(test)]
fn small_network() -> crate::network::CooperativeNetwork {
    let architecture = crate::network::Architecture {
        width: 2,
        channels: 1,
        classes: 4,
        code_sharing: crate::network::CodeSharing::None,
    };
    crate::network::CooperativeNetwork::new(architecture, 5, tch::Device::Cpu).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::BatchNormMode;
    use crate::random::{Purpose, stream};
    use tch::{Device, Kind};

    const SHAPE: [i64; 4] = [3, 1, 32, 48];

    fn made(config: &HardImages, seed: u64) -> Tensor {
        let ramp = Tensor::arange(32 * 48, (Kind::Float, Device::Cpu)) / (32.0 * 48.0 - 1.0);
        let images = ramp.reshape([1, 1, 32, 48]).expand(SHAPE, false).contiguous();
        let labels = (images.squeeze_dim(1) * 3.99).to_kind(Kind::Int64);
        let network = small_network();
        let attacked = Attacked { network: &network, mode: BatchNormMode::PROBE };
        let mut rng = stream(seed, Purpose::ImageSpace, [0; 3]);
        let hard = hard_images(config, &attacked, &images, &labels, &mut rng).unwrap().unwrap();
        assert!(!hard.requires_grad());
        hard
    }

    #[test]
    fn every_method_gives_other_images_in_the_unit_interval_repeatably() {
        for method in
            HardImagesMethod::ALL.into_iter().filter(|&method| method != HardImagesMethod::LatentMasking)
        {
            let config = HardImages { method, ..HardImages::default() };
            let hard = made(&config, 1);
            assert_eq!(hard.size(), SHAPE, "{method:?}");
            assert!(hard.min().double_value(&[]) >= 0.0 && hard.max().double_value(&[]) <= 1.0, "{method:?}");
            assert!(hard == made(&config, 1), "{method:?}");
            assert!(hard != made(&config, 2), "{method:?}");
        }
    }

    #[test]
    fn a_constant_image_becomes_black() {
        let images = Tensor::from_slice(&[0.25f32, 0.25, 0.25, 0.5]).reshape([2, 1, 1, 2]);
        let expected = Tensor::from_slice(&[0.0f32, 0.0, 0.0, 1.0]).reshape([2, 1, 1, 2]);
        assert!(stretched(&images).unwrap() == expected);
    }
}
