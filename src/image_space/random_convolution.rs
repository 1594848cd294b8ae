//! Random convolutions.

use super::config::RandomConvolution;
use super::stretched;
use crate::error::Result;
use crate::runtime::ScalarOperators;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use tch::Tensor;

/// Convolves each image with a kernel of its own and mixes the result with the image.
pub(super) fn apply(config: &RandomConvolution, images: &Tensor, rng: &mut impl Rng) -> Result<Tensor> {
    let (_, channels, _, _) = images.size4()?;
    let mut made = Vec::new();
    for image in images.f_split(1, 0)? {
        let side = config.kernel_sides.choose(rng).copied().unwrap_or(1);
        let deviation = 1.0 / ((channels as usize * side * side) as f32).sqrt();
        let weights: Vec<f32> = (0..channels as usize * channels as usize * side * side)
            .map(|_| deviation * rng.sample::<f32, _>(StandardNormal))
            .collect();
        let side = side as i64;
        let kernel = Tensor::f_from_slice(&weights)?
            .f_reshape([channels, channels, side, side])?
            .f_to_device(image.device())?;
        let convolved = image.f_conv2d(&kernel, None::<&Tensor>, [1, 1], [side / 2; 2], [1, 1], 1)?;
        made.push(if config.mix { convolved.try_lerp(&image, rng.random::<f64>())? } else { convolved });
    }
    stretched(&Tensor::f_cat(&made, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};
    use tch::{Device, Kind};

    #[test]
    fn a_kernel_of_one_pixel_keeps_or_inverts_the_contrast() {
        let images = stretched(&Tensor::rand([20, 1, 16, 24], (Kind::Float, Device::Cpu))).unwrap();
        let config = RandomConvolution { kernel_sides: vec![1], mix: false };
        let hard = apply(&config, &images, &mut stream(3, Purpose::ImageSpace, [0; 3])).unwrap();
        let mut inverted = 0;
        for index in 0..20 {
            let (image, hard) = (images.get(index), hard.get(index));
            let same = (&hard - &image).abs().max().double_value(&[]);
            let turned = (&hard + &image - 1.0).abs().max().double_value(&[]);
            assert!(same.min(turned) < 1e-5, "{index}: {same} {turned}");
            inverted += i32::from(turned < same);
        }
        assert!((3..18).contains(&inverted), "{inverted}");
    }

    #[test]
    fn mixing_keeps_more_of_the_image() {
        let images = stretched(&Tensor::rand([40, 1, 24, 24], (Kind::Float, Device::Cpu))).unwrap();
        let change = |mix| {
            let config = RandomConvolution { kernel_sides: vec![7], mix };
            let hard = apply(&config, &images, &mut stream(4, Purpose::ImageSpace, [0; 3])).unwrap();
            (hard - &images).abs().mean(Kind::Double).double_value(&[])
        };
        assert!(change(true) < 0.9 * change(false));
    }
}
