//! Masks on a latent code: random dropout, and the two targeted schemes.

use super::config::{AnnealingDraw, HardExamples, Scheme, SchemeDraw, Threshold};
use crate::error::{Error, Result};
use crate::runtime::upload;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Device, Kind, Tensor};

/// Everything random about one mask, drawn before the mask itself.
#[derive(Clone, Debug)]
pub struct MaskDraw {
    /// The scheme.
    pub scheme: Scheme,
    /// Fraction of entries to hit (targeted) or probability of dropping a channel (dropout).
    pub probability: f64,
    /// Stream for what is drawn per entry.
    pub rng: ChaCha8Rng,
}

/// One draw for the image code and one for the shape code of a step.
pub fn draw_masks(config: &HardExamples, rng: &mut ChaCha8Rng) -> [MaskDraw; 2] {
    let scheme = |rng: &mut ChaCha8Rng| config.masks.choose(rng).copied().unwrap_or(Scheme::Dropout);
    let first = scheme(rng);
    let second = match config.scheme_draw {
        SchemeDraw::Independent => scheme(rng),
        SchemeDraw::Shared => first,
    };
    [first, second].map(|scheme| {
        let [low, high] = match scheme {
            Scheme::Dropout => config.dropout_probability,
            Scheme::Channel | Scheme::Spatial => config.targeted_fraction,
        };
        MaskDraw { scheme, probability: uniform(rng, low, high), rng: ChaCha8Rng::from_rng(rng) }
    })
}

/// The factor for every entry of a code N×c×h×w: N×c×1×1 (dropout, channel) or N×1×h×w (spatial).
///
/// `gradient` is the loss's gradient with respect to the code, of the code's shape; dropout ignores it.
pub fn mask(
    draw: &MaskDraw,
    config: &HardExamples,
    gradient: Option<&Tensor>,
    code: &Tensor,
) -> Result<Tensor> {
    let mut rng = draw.rng.clone();
    let (samples, channels, height, width) = code.size4()?;
    let device = code.device();
    match (draw.scheme, gradient) {
        (Scheme::Channel, Some(gradient)) => {
            let score = gradient.f_mean_dim([2i64, 3].as_slice(), false, Kind::Float)?;
            Ok(targeted(draw, config, &score, &mut rng)?.f_view([samples, channels, 1, 1])?)
        }
        (Scheme::Spatial, Some(gradient)) => {
            let score =
                gradient.f_mean_dim([1i64].as_slice(), false, Kind::Float)?.f_reshape([samples, -1])?;
            Ok(targeted(draw, config, &score, &mut rng)?.f_view([samples, 1, height, width])?)
        }
        (Scheme::Channel | Scheme::Spatial, None) => {
            Err(Error::Internal(format!("a {:?} mask without the gradient that it follows", draw.scheme)))
        }
        (Scheme::Dropout, _) => {
            let kept = if config.dropout_rescale { (1.0 / (1.0 - draw.probability)) as f32 } else { 1.0 };
            let entries: Vec<f32> = (0..samples * channels)
                .map(|_| if rng.random::<f64>() < draw.probability { 0.0 } else { kept })
                .collect();
            on(device, &entries, &[samples, channels, 1, 1])
        }
    }
}

/// The masked code.
pub fn apply(code: &Tensor, mask: &Tensor) -> Result<Tensor> {
    Ok(code.f_mul(mask)?)
}

/// Factors for scores N×M: 1, or the annealing factor for the highest-scoring entries of each sample.
fn targeted(draw: &MaskDraw, config: &HardExamples, score: &Tensor, rng: &mut ChaCha8Rng) -> Result<Tensor> {
    let (samples, entries) = score.size2()?;
    let hits = ((entries as f64 * draw.probability).floor() as i64).clamp(0, entries);
    let hit = if hits == entries {
        score.f_ones_like()?.f_to_kind(Kind::Bool)?
    } else {
        let (largest, _) = score.f_topk(hits + 1, 1, true, true)?;
        let threshold = largest.f_narrow(1, hits, 1)?;
        match config.threshold {
            Threshold::Greater => score.f_gt_tensor(&threshold)?,
            Threshold::GreaterOrEqual => score.f_ge_tensor(&threshold)?,
        }
    };
    let [low, high] = if config.soft { config.annealing } else { [0.0, 0.0] };
    let factor = match config.annealing_draw {
        AnnealingDraw::Step => {
            let factor = uniform(rng, low, high) as f32;
            on(score.device(), &[factor], &[1, 1])?
        }
        AnnealingDraw::Entry => {
            let factors: Vec<f32> = (0..samples * entries).map(|_| uniform(rng, low, high) as f32).collect();
            on(score.device(), &factors, &[samples, entries])?
        }
    };
    Ok(factor.f_where_self(&hit, &score.f_ones_like()?)?)
}

/// A draw from [low, high), or `low` where the range is a point.
fn uniform(rng: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

fn on(device: Device, values: &[f32], shape: &[i64]) -> Result<Tensor> {
    upload(&Tensor::f_from_slice(values)?.f_reshape(shape)?, device)
}
