//! Which hard images, and their parameters.

use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way of making hard images x̂.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HardImagesMethod {
    /// Masks on the image code (paper §2.3), as `hard_examples` says.
    #[default]
    LatentMasking,
    /// Windows of noise in the image, or an image seen through windows in noise (paper's references 14 and 15).
    MultiWindowMasking,
    /// A random convolution mixed with the image (paper's reference 33).
    RandomConvolution,
    /// Noise that follows the gradient of the segmentation loss (paper's reference 16).
    AdversarialNoise,
    /// A smooth bias field that follows the gradient of the segmentation loss (paper's reference 17).
    AdversarialBiasField,
}

impl HardImagesMethod {
    /// All of them.
    pub const ALL: [HardImagesMethod; 5] = [
        HardImagesMethod::LatentMasking,
        HardImagesMethod::MultiWindowMasking,
        HardImagesMethod::RandomConvolution,
        HardImagesMethod::AdversarialNoise,
        HardImagesMethod::AdversarialBiasField,
    ];
}

/// Random multi-window in- and out-masking: Zhou et al., "Models Genesis", Medical Image Analysis 2021.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiWindowMasking {
    /// Most windows of an image. Default: 5.
    #[schemars(range(min = 1, max = 100))]
    pub windows: usize,
    /// Probability of each further window. Default: 0.95.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Range of a window's sides, as fractions of the image's. Default: [1/6, 1/3].
    #[schemars(inner(range(min = 0.01, max = 0.9)))]
    pub side: [f64; 2],
    /// Probability that noise is put outside the windows instead of inside. Default: 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub outside_probability: f64,
}

/// Random convolutions: Xu et al., "Robust and generalizable visual representation learning via random convolutions",
/// ICLR 2021.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RandomConvolution {
    /// Sides of the kernel to draw from, odd. Weights are normal with deviation 1 / √(channels · side²).
    /// Default: [1, 3, 5, 7].
    #[schemars(length(min = 1, max = 16), inner(range(min = 1, max = 31)))]
    pub kernel_sides: Vec<usize>,
    /// Whether the result is mixed with the image in random proportion. Default: true.
    pub mix: bool,
}

/// Adversarial noise: Miyato et al., "Virtual adversarial training", IEEE TPAMI 2018, here against the labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdversarialNoise {
    /// Largest Euclidean norm of an image's noise, intensities being in [0, 1]. Default: 1.
    #[schemars(range(min = 0.0, max = 1e4))]
    pub radius: f64,
    /// Steps of gradient ascent from random noise of that norm, each as long as the radius and followed by projection.
    /// Default: 1.
    #[schemars(range(min = 1, max = 100))]
    pub iterations: usize,
}

/// Adversarial bias field: Chen et al., "Realistic adversarial data augmentation for MR image segmentation",
/// MICCAI 2020.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdversarialBiasField {
    /// The field stays within 1 − magnitude and 1 + magnitude. Default: 0.3.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub magnitude: f64,
    /// Intervals of the cubic B-spline along each axis; there are three control points more. Default: 2.
    #[schemars(range(min = 1, max = 64))]
    pub intervals: usize,
    /// Steps of gradient ascent from random control points. Default: 1.
    #[schemars(range(min = 1, max = 100))]
    pub iterations: usize,
    /// Length of a step in the space of the control points, which are logarithms of the field; before and after every
    /// step they lie within the unit ball. Default: 0.3.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub step: f64,
}

/// Where the hard images x̂ of cooperative training come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HardImages {
    /// The method. Default: `latent_masking`.
    pub method: HardImagesMethod,
    /// Parameters of `multi_window_masking`.
    pub multi_window_masking: MultiWindowMasking,
    /// Parameters of `random_convolution`.
    pub random_convolution: RandomConvolution,
    /// Parameters of `adversarial_noise`.
    pub adversarial_noise: AdversarialNoise,
    /// Parameters of `adversarial_bias_field`.
    pub adversarial_bias_field: AdversarialBiasField,
}

impl Default for HardImages {
    fn default() -> Self {
        HardImages {
            method: HardImagesMethod::default(),
            multi_window_masking: MultiWindowMasking {
                windows: 5,
                probability: 0.95,
                side: [1.0 / 6.0, 1.0 / 3.0],
                outside_probability: 0.5,
            },
            random_convolution: RandomConvolution { kernel_sides: vec![1, 3, 5, 7], mix: true },
            adversarial_noise: AdversarialNoise { radius: 1.0, iterations: 1 },
            adversarial_bias_field: AdversarialBiasField {
                magnitude: 0.3,
                intervals: 2,
                iterations: 1,
                step: 0.3,
            },
        }
    }
}

impl HardImages {
    /// What the schema cannot say: odd kernels, ordered ranges.
    ///
    /// # Errors
    /// `InvalidConfig` naming the key, the value and what was expected.
    pub fn validate(&self) -> Result<()> {
        let [low, high] = self.multi_window_masking.side;
        if low > high {
            return Err(Error::InvalidConfig(format!(
                "`hard_images.multi_window_masking.side` is [{low}, {high}]; expected the lower bound first"
            )));
        }
        match self.random_convolution.kernel_sides.iter().find(|&side| side % 2 == 0) {
            None => Ok(()),
            Some(side) => Err(Error::InvalidConfig(format!(
                "`hard_images.random_convolution.kernel_sides` has {side}; expected odd numbers"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_kernels_and_turned_ranges_are_refused_by_name() {
        HardImages::default().validate().unwrap();
        let mut config = HardImages::default();
        config.random_convolution.kernel_sides.push(4);
        assert!(config.validate().unwrap_err().to_string().contains("kernel_sides` has 4"));
        let mut config = HardImages::default();
        config.multi_window_masking.side = [0.5, 0.25];
        assert!(config.validate().unwrap_err().to_string().contains("[0.5, 0.25]"));
    }
}
