//! One step of standard or cooperative training.

use super::adam::Adam;
use super::batch::Batch;
use super::configuration::{Configuration, Mode};
use super::losses::LossValues;
use super::objective::{HardLosses, Objective, StandardLosses};
use super::standard_pass::WantedGradients;
use crate::error::Result;
use crate::image_space::{self, Attacked, HardImagesMethod};
use crate::latent::{self, HardExampleMaker, MaskDraw, Source};
use crate::network::{BatchNormMode, CooperativeNetwork, channels_last};
use crate::random::{self, Purpose};
use tch::{Device, Kind, Tensor};

/// Computes the losses of a batch, their gradients, and the update of the weights.
#[derive(Debug)]
pub struct TrainingStep {
    config: Configuration,
    objective: Objective,
    seed: u64,
}

impl TrainingStep {
    /// Reads everything that a step needs from the configuration. `seed` keys the random draws.
    pub fn new(config: &Configuration, seed: u64) -> Self {
        TrainingStep { objective: Objective::new(config), config: config.clone(), seed }
    }

    /// Performs step number `step` (counted from the start of training; it keys the random draws) with one
    /// update at the configured learning rate.
    pub fn run(
        &self,
        network: &CooperativeNetwork,
        optimizer: &mut Adam,
        batch: &Batch,
        step: u64,
    ) -> Result<LossValues> {
        network.zero_gradients();
        let losses = self.gradients(network, batch, step)?;
        optimizer.update(self.config.optimizer.learning_rate)?;
        Ok(losses)
    }

    /// Adds the gradients of the step's loss to those of the weights.
    pub fn gradients(&self, network: &CooperativeNetwork, batch: &Batch, step: u64) -> Result<LossValues> {
        let input = channels_last(&self.fast_input(&batch.images, step)?)?;
        let pass = self.objective.standard(network, &input, &batch.images, &batch.labels)?;
        let hard_config = &self.config.hard_examples;
        let draws = match self.config.mode {
            Mode::Standard => None,
            Mode::Cooperative => {
                let mut rng = random::stream(self.seed, Purpose::LatentMask, [step, 0, 0]);
                Some(latent::draw_masks(hard_config, &mut rng))
            }
        };
        let wanted = draws.as_ref().map(|draws| self.wanted_gradients(draws)).unwrap_or_default();
        // The first graph is released before the second is built, so that a step never holds both.
        let standard = pass.backward(&self.objective, &batch.labels, wanted)?;
        let Some([image_draw, shape_draw]) = draws else {
            return values(&standard.losses, None, batch.images.device());
        };

        let maker = HardExampleMaker {
            network,
            config: hard_config,
            reconstruction: self.config.losses.reconstruction,
            gradient_mode: if self.config.batch_norm.official_bn_side_effects {
                BatchNormMode::TRAINING
            } else {
                BatchNormMode::PROBE
            },
        };
        let make = |source, target, draw, gradient| -> Result<Option<Tensor>> {
            if !self.masks_a_code(source) {
                return Ok(None);
            }
            Ok(Some(maker.make(&standard.codes, source, target, draw, gradient)?.corrupted))
        };
        let corrupted_images = match self.config.hard_images.method {
            HardImagesMethod::LatentMasking => {
                make(Source::Image, &batch.images, &image_draw, standard.image_gradient)?
            }
            _ if !hard_config.sources.contains(&Source::Image) => None,
            _ => self.image_space(network, maker.gradient_mode, batch, step)?,
        };
        let corrupted_logits = make(Source::Shape, &batch.labels, &shape_draw, standard.shape_gradient)?;
        let hard = self.objective.hard(
            network,
            corrupted_images.as_ref(),
            corrupted_logits.as_ref(),
            &batch.images,
            &batch.labels,
        )?;
        self.objective.hard_total(&hard, &batch.labels)?.f_backward()?;
        values(&standard.losses, Some(&hard), batch.images.device())
    }

    /// What the masks of a step ask of the clean pass.
    fn wanted_gradients(&self, [image, shape]: &[MaskDraw; 2]) -> WantedGradients {
        // Where side effects are asked for, a pass of its own for each gradient moves the running statistics.
        let shared = !self.config.batch_norm.official_bn_side_effects;
        WantedGradients {
            image: shared && image.scheme.is_targeted() && self.masks_a_code(Source::Image),
            shape: shared && shape.scheme.is_targeted() && self.masks_a_code(Source::Shape),
        }
    }

    /// Whether hard examples come from a mask on this code.
    fn masks_a_code(&self, source: Source) -> bool {
        self.config.hard_examples.sources.contains(&source)
            && (source == Source::Shape || self.config.hard_images.method == HardImagesMethod::LatentMasking)
    }

    /// x̂ made of the images themselves.
    fn image_space(
        &self,
        network: &CooperativeNetwork,
        mode: BatchNormMode,
        batch: &Batch,
        step: u64,
    ) -> Result<Option<Tensor>> {
        let mut rng = random::stream(self.seed, Purpose::ImageSpace, [step, 0, 0]);
        let images = channels_last(&batch.images)?;
        let attacked = Attacked { network, mode };
        image_space::hard_images(&self.config.hard_images, &attacked, &images, &batch.labels, &mut rng)?
            .map(|images| channels_last(&images))
            .transpose()
    }

    /// The images with the preset's input noise: clamp(x + σ·N(0, 1), 0, 1).
    fn fast_input(&self, images: &Tensor, step: u64) -> Result<Tensor> {
        let deviation = self.config.input_noise;
        if deviation == 0.0 {
            return Ok(images.shallow_clone());
        }
        let mut rng = random::stream(self.seed, Purpose::InputNoise, [step, 0, 0]);
        let noise = random::normal_like(images, &mut rng)?;
        Ok(images.f_add(&noise.f_mul_scalar(deviation)?)?.f_clamp(0.0, 1.0)?)
    }
}

/// All parts in one transfer to the host.
fn values(standard: &StandardLosses, hard: Option<&HardLosses>, device: Device) -> Result<LossValues> {
    let _guard = tch::no_grad_guard();
    let parts = [
        Some(&standard.segmentation),
        standard.segmentation_dice.as_ref(),
        Some(&standard.reconstruction),
        Some(&standard.shape_from_prediction),
        Some(&standard.shape_from_label),
        hard.and_then(|hard| hard.segmentation.as_ref()),
        hard.and_then(|hard| hard.segmentation_dice.as_ref()),
        hard.and_then(|hard| hard.reconstruction.as_ref()),
        hard.and_then(|hard| hard.shape_from_prediction.as_ref()),
        hard.and_then(|hard| hard.shape_from_corrupted.as_ref()),
    ];
    let absent = Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?;
    let stacked: Vec<Tensor> =
        parts.iter().map(|part| part.unwrap_or(&absent).f_detach()).collect::<std::result::Result<_, _>>()?;
    let stacked = Tensor::f_stack(&stacked, 0)?.f_to_device(Device::Cpu)?;
    let mut numbers = [0f32; LossValues::NAMES.len()];
    stacked.f_copy_data(&mut numbers, LossValues::NAMES.len())?;
    let mut values = parts.map(|part| part.map(|_| 0.0));
    for (value, number) in values.iter_mut().zip(numbers) {
        *value = value.map(|_: f64| f64::from(number));
    }
    Ok(LossValues::of_values(values))
}
