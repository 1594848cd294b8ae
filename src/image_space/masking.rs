//! Random multi-window in- and out-masking.

use super::config::MultiWindowMasking;
use crate::error::Result;
use crate::memory::reserve;
use rand::{Rng, RngExt};
use tch::Tensor;

/// A window in an image, in pixels.
struct Window {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

/// Puts uniform noise inside the windows of each image, or everywhere else.
pub(super) fn apply(config: &MultiWindowMasking, images: &Tensor, rng: &mut impl Rng) -> Result<Tensor> {
    let (count, channels, height, width) = images.size4()?;
    let (height, width) = (height as usize, width as usize);
    // 1 where noise goes.
    let mut noisy = reserve(count as usize * height * width, "windows of a batch")?;
    for _ in 0..count {
        let outside = rng.random_bool(config.outside_probability);
        let (inside_value, outside_value) = if outside { (0.0, 1.0) } else { (1.0, 0.0) };
        let start = noisy.len();
        noisy.resize(start + height * width, outside_value);
        let image = noisy.get_mut(start..).unwrap_or_default();
        for window in windows(config, height, width, rng) {
            for row in image.chunks_mut(width).skip(window.top).take(window.height) {
                row.iter_mut()
                    .skip(window.left)
                    .take(window.width)
                    .for_each(|pixel: &mut f32| *pixel = inside_value);
            }
        }
    }
    let mut noise: Vec<f32> = reserve(images.numel(), "noise of a batch")?;
    noise.extend((0..images.numel()).map(|_| rng.random::<f32>()));
    let device = images.device();
    let noisy = Tensor::f_from_slice(&noisy)?
        .f_reshape([count, 1, height as i64, width as i64])?
        .f_to_device(device)?;
    let noise = Tensor::f_from_slice(&noise)?.f_reshape([count, channels, height as i64, width as i64])?;
    Ok(images.f_lerp_tensor(&noise.f_to_device(device)?, &noisy)?)
}

/// The windows of one image; each lies within it.
fn windows(config: &MultiWindowMasking, height: usize, width: usize, rng: &mut impl Rng) -> Vec<Window> {
    let mut windows = Vec::new();
    while windows.len() < config.windows && rng.random_bool(config.probability) {
        let [low, high] = config.side;
        let mut side = |length: usize| {
            let [low, high] =
                [low, high].map(|fraction| ((fraction * length as f64) as usize).clamp(1, length));
            rng.random_range(low..=high)
        };
        let (tall, wide) = (side(height), side(width));
        windows.push(Window {
            top: rng.random_range(0..=height - tall),
            left: rng.random_range(0..=width - wide),
            height: tall,
            width: wide,
        });
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_space::HardImages;
    use crate::random::{Purpose, stream};
    use tch::{Device, Kind};

    #[test]
    fn noise_lies_in_the_windows_or_outside_of_them() {
        let images = Tensor::full([40, 2, 48, 60], 2.0, (Kind::Float, Device::Cpu));
        for outside in [0.0, 1.0] {
            let mut config = HardImages::default().multi_window_masking;
            config.outside_probability = outside;
            config.probability = 1.0;
            let hard = apply(&config, &images, &mut stream(3, Purpose::ImageSpace, [0; 3])).unwrap();
            // Noise is below 1, and an image's channels have it at the same places.
            let kept = hard.eq(2.0);
            assert!(kept.narrow(1, 0, 1).equal(&kept.narrow(1, 1, 1)));
            let share = kept.to_kind(Kind::Double).mean_dim([1, 2, 3].as_slice(), false, Kind::Double);
            let (least, most) = (share.min().double_value(&[]), share.max().double_value(&[]));
            // Five windows of 1/36 to 1/9 of the image, which may overlap.
            let covered = if outside == 0.0 { (1.0 - most, 1.0 - least) } else { (least, most) };
            assert!(covered.0 >= 1.0 / 36.0 && covered.1 <= 5.0 / 9.0, "{covered:?}");
            let noise = hard.masked_select(&hard.lt(1.0));
            let (mean, deviation) = (noise.mean(Kind::Double), noise.std(true));
            assert!(
                (mean.double_value(&[]) - 0.5).abs() < 0.01
                    && (deviation.double_value(&[]) - 0.2887).abs() < 0.01
            );
        }
    }

    #[test]
    fn without_windows_nothing_happens_inside() {
        let images = Tensor::rand([4, 1, 16, 16], (Kind::Float, Device::Cpu));
        let mut config = HardImages::default().multi_window_masking;
        (config.probability, config.outside_probability) = (0.0, 0.0);
        assert!(images == apply(&config, &images, &mut stream(3, Purpose::ImageSpace, [0; 3])).unwrap());
    }
}
