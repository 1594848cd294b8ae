//! Adversarial bias fields.

use super::adversarial::{Attacked, with_norm, within};
use super::config::AdversarialBiasField;
use super::stretched;
use crate::augment::cubic_spline;
use crate::error::Result;
use crate::runtime::ScalarOperators;
use rand::{Rng, RngExt};
use tch::{Device, Tensor};

/// Multiplies each image with the smooth field that raises the loss most, and stretches it to [0, 1].
pub(super) fn apply(
    config: &AdversarialBiasField,
    network: &Attacked,
    images: &Tensor,
    labels: &Tensor,
    rng: &mut impl Rng,
) -> Result<Tensor> {
    let (count, _, height, width) = images.size4()?;
    let points = config.intervals + 3;
    let field = Field {
        rows: basis(height as usize, config.intervals, images.device())?,
        columns: basis(width as usize, config.intervals, images.device())?.f_transpose(0, 1)?,
        magnitude: config.magnitude,
    };
    let random: Vec<f32> = (0..count as usize * points * points)
        .map(|_| (config.magnitude * (2.0 * rng.random::<f64>() - 1.0)) as f32)
        .collect();
    let shape = [count, 1, points as i64, points as i64];
    let random = Tensor::f_from_slice(&random)?.f_reshape(shape)?.f_to_device(images.device())?;
    let mut control = with_norm(&random, 1.0)?;
    for _ in 0..config.iterations {
        let gradient =
            network.gradient(&control, labels, |control| Ok(images.f_mul(&field.of(control)?)?))?;
        control = within(&control.f_add(&with_norm(&gradient, config.step)?)?, 1.0)?;
    }
    stretched(&images.f_mul(&field.of(&control)?)?)
}

/// From control points to a field.
struct Field {
    /// H×points and points×W.
    rows: Tensor,
    columns: Tensor,
    magnitude: f64,
}

impl Field {
    /// exp of the B-spline with these control points, clipped; N×1×H×W.
    fn of(&self, control: &Tensor) -> Result<Tensor> {
        let logarithm = self.rows.f_matmul(control)?.f_matmul(&self.columns)?;
        Ok(logarithm.f_exp()?.try_clamp(1.0 - self.magnitude, 1.0 + self.magnitude)?)
    }
}

/// What each control point of a uniform cubic B-spline contributes to each pixel, length × points. The spline's
/// intervals divide the distance from the first pixel to the last.
fn basis(length: usize, intervals: usize, device: Device) -> Result<Tensor> {
    let points = intervals + 3;
    let mut values = vec![0f32; length * points];
    for (index, row) in values.chunks_mut(points).enumerate() {
        let at = index as f64 / (length.max(2) - 1) as f64 * intervals as f64;
        let interval = (at as usize).min(intervals - 1);
        let weights = cubic_spline::weights((at - interval as f64) as f32);
        for (slot, weight) in row.iter_mut().skip(interval).zip(weights) {
            *slot = weight;
        }
    }
    Ok(Tensor::f_from_slice(&values)?.f_reshape([length as i64, points as i64])?.f_to_device(device)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_space::{HardImages, small_network};
    use crate::loss::cross_entropy;
    use crate::network::BatchNormMode;
    use crate::random::{Purpose, stream};
    use tch::Kind;

    #[test]
    fn the_basis_reproduces_straight_lines() {
        for (length, intervals) in [(2, 1), (33, 2), (48, 7)] {
            let basis = basis(length, intervals, Device::Cpu).unwrap();
            // A cubic B-spline whose control points lie on a line is that line.
            let control = Tensor::arange(intervals as i64 + 3, (Kind::Float, Device::Cpu)) - 1.0;
            let line = Tensor::linspace(0.0, intervals as f64, length as i64, (Kind::Float, Device::Cpu));
            let found = basis.mv(&control);
            assert!((found - line).abs().max().double_value(&[]) < 1e-5, "{length} {intervals}");
        }
    }

    #[test]
    fn fields_are_smooth_and_stay_within_their_magnitude() {
        let field = Field {
            rows: basis(64, 2, Device::Cpu).unwrap(),
            columns: basis(48, 2, Device::Cpu).unwrap().transpose(0, 1),
            magnitude: 0.3,
        };
        tch::manual_seed(2);
        let control = Tensor::randn([5, 1, 5, 5], (Kind::Float, Device::Cpu));
        let made = field.of(&control).unwrap();
        assert_eq!(made.size(), [5, 1, 64, 48]);
        let (low, high) = (made.min().double_value(&[]), made.max().double_value(&[]));
        assert!((low - 0.7).abs() < 1e-6 && (high - 1.3).abs() < 1e-6, "{low} {high}");
        assert!(made.diff(1, 2, None::<&Tensor>, None::<&Tensor>).abs().max().double_value(&[]) < 0.15);
        let flat = field.of(&Tensor::zeros([1, 1, 5, 5], (Kind::Float, Device::Cpu))).unwrap();
        assert!((flat - 1.0).abs().max().double_value(&[]) == 0.0);
    }

    #[test]
    fn more_steps_raise_the_loss() {
        let network = small_network();
        tch::manual_seed(3);
        let images = stretched(&Tensor::rand([4, 1, 32, 32], (Kind::Float, Device::Cpu))).unwrap();
        let labels = Tensor::randint(4, [4, 32, 32], (Kind::Int64, Device::Cpu));
        let attacked = Attacked { network: &network, mode: BatchNormMode::PROBE };
        let loss = |step, iterations| {
            let mut config = HardImages::default().adversarial_bias_field;
            (config.step, config.iterations) = (step, iterations);
            let mut rng = stream(9, Purpose::ImageSpace, [0; 3]);
            let hard = apply(&config, &attacked, &images, &labels, &mut rng).unwrap();
            let _guard = tch::no_grad_guard();
            let codes = network.fast.encode(&hard, BatchNormMode::PROBE).unwrap();
            let logits = network.fast.segment(&codes.shape, BatchNormMode::PROBE).unwrap();
            cross_entropy(&logits, &labels).unwrap().double_value(&[])
        };
        assert!(loss(0.3, 10) > loss(0.0, 1));
    }
}
