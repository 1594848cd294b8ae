//! One step of standard or cooperative training.

use super::adam::Adam;
use super::batch::Batch;
use super::configuration::{Configuration, Mode};
use super::losses::LossValues;
use super::noise_ahead::{NoiseAhead, noise_stream};
use super::objective::{HardLosses, Objective, StandardLosses};
use super::standard_pass::{StandardResult, WantedGradients};
use crate::error::{Error, Result};
use crate::image_space::{self, Attacked, HardImagesMethod};
use crate::latent::{self, HardExampleMaker, MaskDraw, Source};
use crate::network::{BatchNormMode, CooperativeNetwork, channels_last};
use crate::random::{self, Purpose};
use crate::runtime::{self, GraphMemory, OwnStream, Repeated, ScalarOperators};
use std::sync::Arc;
use tch::{Device, Kind, Tensor};

/// Computes the losses of a batch, their gradients, and the update of the weights.
#[derive(Debug)]
pub struct TrainingStep {
    parts: Parts,
    /// From the first step on a GPU.
    gpu: Option<Gpu>,
}

/// What a GPU needs to be kept busy: the host asks for a step in few calls.
#[derive(Debug)]
struct Gpu {
    stream: Arc<OwnStream>,
    memory: GraphMemory,
    noise: NoiseAhead,
    standard: Repeated<WantedGradients, StandardResult>,
    hard: Repeated<HardKind, HardLosses>,
}

/// The parts of a step.
#[derive(Debug)]
struct Parts {
    config: Configuration,
    objective: Objective,
    seed: u64,
}

/// Where x̂ comes from, and whether there are a p̂ and an x̂.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct HardKind {
    image: Option<ImageSource>,
    shape: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum ImageSource {
    /// A masked code.
    Code,
    /// The images themselves.
    Image,
}

/// What hard examples are made of: a masked image code or hard images, and a masked shape code.
struct HardSources {
    image: Option<(ImageSource, Tensor)>,
    shape: Option<Tensor>,
}

impl Gpu {
    fn new(device: Device, seed: u64) -> Result<Self> {
        Ok(Gpu {
            stream: Arc::new(OwnStream::new(device)?),
            memory: GraphMemory::new()?,
            noise: NoiseAhead::new(seed),
            standard: Repeated::after(1),
            hard: Repeated::after(1),
        })
    }
}

impl TrainingStep {
    /// Reads everything that a step needs from the configuration. `seed` keys the random draws.
    pub fn new(config: &Configuration, seed: u64) -> Self {
        let parts = Parts { objective: Objective::new(config), config: config.clone(), seed };
        TrainingStep { parts, gpu: None }
    }

    /// The stream of a GPU on which steps work: what is done before and after one, with what it reads and leaves, is
    /// asked for there too. None on the CPU.
    ///
    /// # Errors
    /// What CUDA reports.
    pub fn stream(&mut self, device: Device) -> Result<Option<Arc<OwnStream>>> {
        if self.gpu.is_none() && device.is_cuda() {
            self.gpu = Some(Gpu::new(device, self.parts.seed)?);
        }
        Ok(self.gpu.as_ref().map(|gpu| gpu.stream.clone()))
    }

    /// Performs step number `step` (counted from the start of training; it keys the random draws) with one
    /// update at the configured learning rate.
    pub fn run(
        &mut self,
        network: &CooperativeNetwork,
        optimizer: &mut Adam,
        batch: &Batch,
        step: u64,
    ) -> Result<LossValues> {
        network.zero_gradients()?;
        let losses = self.gradients(network, batch, step)?;
        optimizer.update(self.parts.config.optimizer.learning_rate)?;
        Ok(losses)
    }

    /// Adds the gradients of the step's loss to those of the weights. On a GPU the weights and their gradients stay where
    /// they are in memory from the first step to the last, and the network is the same.
    pub fn gradients(
        &mut self,
        network: &CooperativeNetwork,
        batch: &Batch,
        step: u64,
    ) -> Result<LossValues> {
        let device = batch.images.device();
        self.stream(device)?;
        let TrainingStep { parts, gpu } = self;
        let Some(Gpu { stream, memory, noise, standard, hard }) = gpu else {
            let standard =
                |input: &Tensor, wanted| parts.standard(network, input, &batch.images, &batch.labels, wanted);
            let hard = |sources: &HardSources| parts.hard(network, sources, &batch.images, &batch.labels);
            let noise = || runtime::normal_like(&batch.images, &mut noise_stream(parts.seed, step));
            return parts.step(network, batch, step, noise, standard, hard);
        };
        let _visit = stream.enter()?;
        let recorded = parts.config.cuda_graphs;
        let standard = |input: &Tensor, wanted| {
            if !recorded {
                return parts.standard(network, input, &batch.images, &batch.labels, wanted);
            }
            standard.run(memory, wanted, &[input, &batch.images, &batch.labels], |tensors| match tensors {
                [input, images, labels] => parts.standard(network, input, images, labels, wanted),
                _ => Err(Error::Internal("a step's tensors".to_owned())),
            })
        };
        let hard = |sources: &HardSources| {
            if !recorded {
                return parts.hard(network, sources, &batch.images, &batch.labels);
            }
            let kind = sources.kind();
            let inputs = [vec![&batch.images, &batch.labels], sources.tensors()].concat();
            hard.run(memory, kind, &inputs, |tensors| match tensors {
                [images, labels, sources @ ..] => {
                    parts.hard(network, &HardSources::new(kind, sources), images, labels)
                }
                _ => Err(Error::Internal("a step's tensors".to_owned())),
            })
        };
        let noise = || noise.take(step, &batch.images.size(), device);
        parts.step(network, batch, step, noise, standard, hard)
    }
}

impl HardSources {
    /// From the tensors of [`HardSources::tensors`].
    fn new(kind: HardKind, tensors: &[&Tensor]) -> Self {
        let mut tensors = tensors.iter().map(|tensor| tensor.shallow_clone());
        HardSources {
            image: kind.image.and_then(|source| Some((source, tensors.next()?))),
            shape: if kind.shape { tensors.next() } else { None },
        }
    }

    fn kind(&self) -> HardKind {
        HardKind { image: self.image.as_ref().map(|(source, _)| *source), shape: self.shape.is_some() }
    }

    fn tensors(&self) -> Vec<&Tensor> {
        self.image.iter().map(|(_, tensor)| tensor).chain(&self.shape).collect()
    }
}

impl Parts {
    /// One step: `standard` does the pass of L_std, `hard` that of L_hard.
    fn step(
        &self,
        network: &CooperativeNetwork,
        batch: &Batch,
        step: u64,
        noise: impl FnOnce() -> Result<Tensor>,
        standard: impl FnOnce(&Tensor, WantedGradients) -> Result<StandardResult>,
        hard: impl FnOnce(&HardSources) -> Result<HardLosses>,
    ) -> Result<LossValues> {
        let input = channels_last(&self.fast_input(&batch.images, noise)?)?;
        let draws = match self.config.mode {
            Mode::Standard => None,
            Mode::Cooperative => {
                let mut rng = random::stream(self.seed, Purpose::LatentMask, [step, 0, 0]);
                Some(latent::draw_masks(&self.config.hard_examples, &mut rng))
            }
        };
        let wanted = draws.as_ref().map(|draws| self.wanted_gradients(draws)).unwrap_or_default();
        // The first graph is released before the second is built, so that a step never holds both.
        let clean = standard(&input, wanted)?;
        // Taken before the pass of L_hard: recorded passes leave their results in memory that other recordings use.
        let standard = Told::standard(&clean.losses)?;
        let Some(draws) = draws else {
            return standard.and(None);
        };
        let sources = self.hard_sources(network, batch, step, clean, &draws)?;
        standard.and(Some(Told::hard(&hard(&sources)?, batch.images.device())?))
    }

    /// L_std and its backward pass.
    fn standard(
        &self,
        network: &CooperativeNetwork,
        input: &Tensor,
        images: &Tensor,
        labels: &Tensor,
        wanted: WantedGradients,
    ) -> Result<StandardResult> {
        let pass = self.objective.standard(network, input, images, labels)?;
        pass.backward(&self.objective, labels, wanted)
    }

    /// The masked codes, or what stands in for them.
    fn hard_sources(
        &self,
        network: &CooperativeNetwork,
        batch: &Batch,
        step: u64,
        clean: StandardResult,
        [image_draw, shape_draw]: &[MaskDraw; 2],
    ) -> Result<HardSources> {
        let maker = self.maker(network);
        let masked = |source, target, draw, gradient| -> Result<Option<Tensor>> {
            if !self.masks_a_code(source) {
                return Ok(None);
            }
            Ok(Some(maker.mask(&clean.codes, source, target, draw, gradient)?.code))
        };
        let image = match self.config.hard_images.method {
            HardImagesMethod::LatentMasking => {
                masked(Source::Image, &batch.images, image_draw, clean.image_gradient)?
                    .map(|code| (ImageSource::Code, code))
            }
            _ if !self.config.hard_examples.sources.contains(&Source::Image) => None,
            _ => self.image_space(network, batch, step)?.map(|images| (ImageSource::Image, images)),
        };
        let shape = masked(Source::Shape, &batch.labels, shape_draw, clean.shape_gradient)?;
        Ok(HardSources { image, shape })
    }

    /// x̂ and p̂, L_hard and its backward pass.
    fn hard(
        &self,
        network: &CooperativeNetwork,
        sources: &HardSources,
        images: &Tensor,
        labels: &Tensor,
    ) -> Result<HardLosses> {
        let maker = self.maker(network);
        let corrupted_images = match &sources.image {
            Some((ImageSource::Code, code)) => Some(maker.decode(code, Source::Image)?),
            Some((ImageSource::Image, images)) => Some(images.shallow_clone()),
            None => None,
        };
        let corrupted_logits =
            sources.shape.as_ref().map(|code| maker.decode(code, Source::Shape)).transpose()?;
        let losses = self.objective.hard(
            network,
            corrupted_images.as_ref(),
            corrupted_logits.as_ref(),
            images,
            labels,
        )?;
        let total = self.objective.hard_total(&losses, labels)?;
        // Where all that it depends on is frozen there is nothing to learn from it.
        if total.requires_grad() {
            total.f_backward()?;
        }
        losses.detach()
    }

    fn maker<'a>(&'a self, network: &'a CooperativeNetwork) -> HardExampleMaker<'a> {
        HardExampleMaker {
            network,
            config: &self.config.hard_examples,
            reconstruction: self.config.losses.reconstruction,
            gradient_mode: if self.config.batch_norm.official_bn_side_effects {
                BatchNormMode::TRAINING
            } else {
                BatchNormMode::PROBE
            },
        }
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
    fn image_space(&self, network: &CooperativeNetwork, batch: &Batch, step: u64) -> Result<Option<Tensor>> {
        let mut rng = random::stream(self.seed, Purpose::ImageSpace, [step, 0, 0]);
        let images = channels_last(&batch.images)?;
        let attacked = Attacked { network, mode: BatchNormMode::PROBE };
        image_space::hard_images(&self.config.hard_images, &attacked, &images, &batch.labels, &mut rng)?
            .map(|images| channels_last(&images))
            .transpose()
    }

    /// The images with the preset's input noise: clamp(x + σ·N(0, 1), 0, 1).
    fn fast_input(&self, images: &Tensor, noise: impl FnOnce() -> Result<Tensor>) -> Result<Tensor> {
        let deviation = self.config.input_noise;
        if deviation == 0.0 {
            return Ok(images.shallow_clone());
        }
        Ok(images.f_add(&noise()?.try_mul_scalar(deviation)?)?.try_clamp(0.0, 1.0)?)
    }
}

/// Five loss parts, still on the device.
struct Told {
    present: [bool; 5],
    /// A copy of them; 0 for those that are absent.
    numbers: Tensor,
}

impl Told {
    fn standard(losses: &StandardLosses) -> Result<Self> {
        Told::new(
            [
                Some(&losses.segmentation),
                losses.segmentation_dice.as_ref(),
                Some(&losses.reconstruction),
                Some(&losses.shape_from_prediction),
                Some(&losses.shape_from_label),
            ],
            losses.segmentation.device(),
        )
    }

    fn hard(losses: &HardLosses, device: Device) -> Result<Self> {
        Told::new(
            [
                losses.segmentation.as_ref(),
                losses.segmentation_dice.as_ref(),
                losses.reconstruction.as_ref(),
                losses.shape_from_prediction.as_ref(),
                losses.shape_from_corrupted.as_ref(),
            ],
            device,
        )
    }

    fn new(parts: [Option<&Tensor>; 5], device: Device) -> Result<Self> {
        let _guard = tch::no_grad_guard();
        let absent = Tensor::f_zeros([] as [i64; 0], (Kind::Float, device))?;
        let numbers = parts.map(|part| part.unwrap_or(&absent));
        Ok(Told { present: parts.map(|part| part.is_some()), numbers: Tensor::f_stack(&numbers, 0)? })
    }

    /// All parts in one transfer to the host.
    fn and(self, hard: Option<Told>) -> Result<LossValues> {
        let _guard = tch::no_grad_guard();
        let all = match &hard {
            Some(hard) => Tensor::f_cat(&[&self.numbers, &hard.numbers], 0)?,
            None => self.numbers,
        };
        let mut numbers = [0f32; LossValues::NAMES.len()];
        let count = all.numel();
        all.f_to_device(Device::Cpu)?.f_copy_data(numbers.get_mut(..count).unwrap_or_default(), count)?;
        let mut values = [None; LossValues::NAMES.len()];
        let present = self.present.into_iter().chain(hard.map(|hard| hard.present).into_iter().flatten());
        for ((value, number), present) in values.iter_mut().zip(numbers).zip(present) {
            *value = present.then_some(f64::from(number));
        }
        Ok(LossValues::of_values(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    #[test]
    fn what_hard_examples_are_made_of_survives_a_recording() {
        let [image, shape] = [1.0, 2.0].map(|value| Tensor::full([1], value, (Kind::Float, Device::Cpu)));
        for source in [None, Some(ImageSource::Code), Some(ImageSource::Image)] {
            for has_shape in [false, true] {
                let sources = HardSources {
                    image: source.map(|source| (source, image.shallow_clone())),
                    shape: has_shape.then(|| shape.shallow_clone()),
                };
                let again = HardSources::new(sources.kind(), &sources.tensors());
                assert_eq!(again.kind(), sources.kind());
                assert!(again.image.is_none_or(|(_, tensor)| tensor == image));
                assert!(again.shape.is_none_or(|tensor| tensor == shape));
            }
        }
    }
}
