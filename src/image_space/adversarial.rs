//! Perturbations that follow the gradient of the segmentation loss.

use super::config::AdversarialNoise;
use crate::error::{Error, Result};
use crate::loss::cross_entropy;
use crate::network::{BatchNormMode, CooperativeNetwork};
use crate::runtime::{ScalarOperators, normal_like};
use rand::Rng;
use tch::Tensor;

/// The network whose segmentation loss an adversary raises.
pub struct Attacked<'a> {
    /// It stays as it is, but for `mode`.
    pub network: &'a CooperativeNetwork,
    /// What batch normalisation does in the pass that finds the gradient.
    pub mode: BatchNormMode,
}

impl Attacked<'_> {
    /// ∂ CE(p, y) / ∂ `parameters` for the images that `perturb` makes of the parameters. No gradient reaches the
    /// network.
    pub(super) fn gradient(
        &self,
        parameters: &Tensor,
        labels: &Tensor,
        perturb: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Tensor> {
        let leaf = parameters.f_detach()?.f_set_requires_grad(true)?;
        let codes = self.network.fast.encode(&perturb(&leaf)?, self.mode)?;
        let loss = cross_entropy(&self.network.fast.segment(&codes.shape, self.mode)?, labels)?;
        let mut gradients = Tensor::f_run_backward(&[loss], &[&leaf], false, false)?;
        gradients
            .pop()
            .ok_or_else(|| Error::Internal("libtorch returned no gradient for a perturbation".to_owned()))
    }
}

/// Adds to each image the noise of bounded norm that raises the loss most.
pub(super) fn noise(
    config: &AdversarialNoise,
    network: &Attacked,
    images: &Tensor,
    labels: &Tensor,
    rng: &mut impl Rng,
) -> Result<Tensor> {
    let mut noise = with_norm(&normal_like(images, rng)?, config.radius)?;
    for _ in 0..config.iterations {
        // Of the sum without the clamp, which would have no gradient where a pixel is at its limit.
        let gradient = network.gradient(&noise, labels, |noise| Ok(images.f_add(noise)?))?;
        noise = within(&noise.f_add(&with_norm(&gradient, config.radius)?)?, config.radius)?;
    }
    Ok(images.f_add(&noise)?.try_clamp(0.0, 1.0)?)
}

/// Every sample scaled to this Euclidean norm; one of zeros stays.
pub(super) fn with_norm(samples: &Tensor, norm: f64) -> Result<Tensor> {
    Ok(samples.f_div(&norms(samples)?.try_clamp_min(f64::from(f32::MIN_POSITIVE))?)?.try_mul_scalar(norm)?)
}

/// Every sample whose Euclidean norm is larger, scaled to it.
pub(super) fn within(samples: &Tensor, radius: f64) -> Result<Tensor> {
    let excess =
        norms(samples)?.try_div_scalar(radius.max(f64::from(f32::MIN_POSITIVE)))?.try_clamp_min(1.0)?;
    Ok(samples.f_div(&excess)?)
}

/// Norm of every sample, N×1×1×1.
fn norms(samples: &Tensor) -> Result<Tensor> {
    Ok(samples.f_square()?.f_sum_dim_intlist([1, 2, 3].as_slice(), true, samples.kind())?.f_sqrt()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_space::small_network;
    use crate::random::{Purpose, stream};
    use crate::runtime::normal;
    use tch::{Device, Kind};

    fn loss(network: &CooperativeNetwork, images: &Tensor, labels: &Tensor) -> f64 {
        let _guard = tch::no_grad_guard();
        let codes = network.fast.encode(images, BatchNormMode::PROBE).unwrap();
        let logits = network.fast.segment(&codes.shape, BatchNormMode::PROBE).unwrap();
        cross_entropy(&logits, labels).unwrap().double_value(&[])
    }

    #[test]
    fn noise_keeps_to_its_norm_and_raises_the_loss_more_than_random_noise() {
        let network = small_network();
        let mut rng = stream(9, Purpose::ImageSpace, [0; 3]);
        // From the library's own stream: libtorch's gives other numbers on other processors.
        let values = normal(&[4, 1, 32, 32], &mut rng).unwrap();
        let images = (values * 0.15 + 0.5).clamp(0.2, 0.8);
        let labels = normal(&[4, 32, 32], &mut rng).unwrap().clamp(-1.9, 1.9).f_add_scalar(2.0).unwrap();
        let labels = labels.to_kind(Kind::Int64);
        let attacked = Attacked { network: &network, mode: BatchNormMode::PROBE };
        let random = with_norm(&normal_like(&images, &mut rng).unwrap(), 2.0).unwrap();
        let config = AdversarialNoise { radius: 2.0, iterations: 12 };
        let hard = noise(&config, &attacked, &images, &labels, &mut rng).unwrap();
        let norms = norms(&(&hard - &images)).unwrap();
        assert!(norms.max().double_value(&[]) <= 2.0 + 1e-4 && norms.min().double_value(&[]) > 1.0);
        let [clean, at_random, adversarial] =
            [&images, &(&images + random), &hard].map(|images| loss(&network, images, &labels));
        assert!(adversarial > clean.max(at_random) + 0.01, "{clean} {at_random} {adversarial}");
        assert!(network.weights().all(|weight| CooperativeNetwork::gradient(&weight.tensor).is_none()));
    }

    #[test]
    fn norms_of_nothing() {
        let zeros = Tensor::zeros([2, 1, 3, 3], (Kind::Float, Device::Cpu));
        assert!(with_norm(&zeros, 5.0).unwrap() == zeros && within(&zeros, 0.0).unwrap() == zeros);
        let ones = Tensor::ones([2, 1, 4, 4], (Kind::Float, Device::Cpu));
        assert!(within(&ones, 8.0).unwrap() == ones);
        assert!((norms(&within(&ones, 2.0).unwrap()).unwrap() - 2.0).abs().max().double_value(&[]) < 1e-6);
    }
}
