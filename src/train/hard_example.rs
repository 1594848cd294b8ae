//! Hard examples of a given image, outside of training.

use super::batch::Batch;
use crate::augment::{self, Slice};
use crate::error::{Error, Result};
use crate::image_space::{self, Attacked, HardImages};
use crate::latent::{
    AnnealingDraw, HardExample, HardExampleMaker, HardExamples, MaskDraw, Scheme, SchemeDraw, Source,
    Threshold,
};
use crate::loss::ReconstructionLoss;
use crate::memory;
use crate::model::Model;
use crate::network::{BatchNormMode, Codes};
use crate::random::{self, Purpose};
use crate::volume::{NetworkGrid, SliceSource};
use ndarray::{Array3, Array4, Axis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

/// What is masked when one looks at hard examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HardExampleRequest {
    /// The mask for both codes. Default: `channel`.
    pub scheme: Scheme,
    /// Fraction of channels or positions hit (targeted) or probability of dropping a channel (dropout).
    /// Default: 0.3.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub fraction: f64,
    /// Whether targeted masks multiply by a random factor from [0, 0.5) instead of 0. Default: false.
    pub soft: bool,
    /// Whether dropout scales the surviving channels by 1 / (1 − fraction). Default: false.
    pub rescale: bool,
    /// Which scores count as hit. Default: `greater`.
    pub threshold: Threshold,
    /// Where the image comes from: a mask on the image code, or a method that works on the image itself; then the
    /// image's mask is 1 everywhere.
    pub hard_images: HardImages,
    /// Seed of all that is random. Default: 0.
    pub seed: u64,
}

impl Default for HardExampleRequest {
    fn default() -> Self {
        HardExampleRequest {
            scheme: Scheme::Channel,
            fraction: 0.3,
            soft: false,
            rescale: false,
            threshold: Threshold::Greater,
            hard_images: HardImages::default(),
            seed: 0,
        }
    }
}

/// A masked image and segmentation with their masks, indexed `[slice, channel, y, x]`.
#[derive(Debug)]
pub struct HardExampleResult {
    /// What the networks saw, in [0, 1].
    pub input: Array4<f32>,
    /// x̂.
    pub image: Array4<f32>,
    /// softmax of p̂ over the classes.
    pub segmentation: Array4<f32>,
    /// Mask of the image code, expanded to the code's shape.
    pub image_mask: Array4<f32>,
    /// Mask of the shape code, expanded to the code's shape.
    pub shape_mask: Array4<f32>,
}

/// Masks both codes of every slice of an image and decodes them (paper §2.3). `labels` are class indices
/// `[z, y, x]` on the image's grid.
pub fn hard_example(
    model: &Model,
    image: &dyn SliceSource,
    labels: &Array3<u8>,
    request: &HardExampleRequest,
) -> Result<HardExampleResult> {
    request.hard_images.validate()?;
    let batch = batch_of(model, image, labels)?;
    let network = model.network();
    let config = HardExamples {
        masks: vec![request.scheme],
        sources: vec![Source::Image, Source::Shape],
        scheme_draw: SchemeDraw::Shared,
        targeted_fraction: [request.fraction; 2],
        dropout_probability: [request.fraction; 2],
        dropout_rescale: request.rescale,
        soft: request.soft,
        annealing: [0.0, 0.5],
        annealing_draw: AnnealingDraw::Entry,
        threshold: request.threshold,
    };
    let codes = {
        let _guard = tch::no_grad_guard();
        network.fast.encode(&batch.images, BatchNormMode::PROBE)?
    };
    let maker = HardExampleMaker {
        network,
        config: &config,
        reconstruction: ReconstructionLoss::Mse,
        gradient_mode: BatchNormMode::PROBE,
    };
    let draw = |code: u64| MaskDraw {
        scheme: request.scheme,
        probability: request.fraction,
        rng: random::stream(request.seed, Purpose::LatentMask, [0, code, 0]),
    };
    let attacked = Attacked { network, mode: BatchNormMode::PROBE };
    let mut rng = random::stream(request.seed, Purpose::ImageSpace, [0; 3]);
    let hard_image = match image_space::hard_images(
        &request.hard_images,
        &attacked,
        &batch.images,
        &batch.labels,
        &mut rng,
    )? {
        Some(corrupted) => HardExample { corrupted, mask: codes.image.f_ones_like()? },
        None => maker.make(&codes, Source::Image, &batch.images, &draw(0), None)?,
    };
    let hard_shape = maker.make(&codes, Source::Shape, &batch.labels, &draw(1), None)?;
    let Codes { image: image_code, shape: shape_code } = &codes;
    Ok(HardExampleResult {
        input: to_array(&batch.images)?,
        image: to_array(&hard_image.corrupted)?,
        segmentation: to_array(&hard_shape.corrupted.f_softmax(1, Kind::Float)?)?,
        image_mask: to_array(&hard_image.mask.f_expand_as(image_code)?)?,
        shape_mask: to_array(&hard_shape.mask.f_expand_as(shape_code)?)?,
    })
}

fn batch_of(model: &Model, image: &dyn SliceSource, labels: &Array3<u8>) -> Result<Batch> {
    let channels = model.architecture().channels;
    if channels != 1 {
        return Err(Error::InvalidArgument(format!(
            "the model was made for {channels} channels; hard examples are made of images of one channel"
        )));
    }
    let preprocess = model.preprocess();
    let [width, height] = image.size();
    if labels.dim() != (image.slices(), height, width) {
        let (z, y, x) = labels.dim();
        return Err(Error::InvalidShape(format!(
            "the labels have shape {x}×{y}×{z}, the image {width}×{height}×{}; expected the same",
            image.slices()
        )));
    }
    let window = image.window(preprocess.percentiles)?;
    let grid = NetworkGrid::new(image.size(), image.spacing(), preprocess)?;
    let slices = labels
        .axis_iter(Axis(0))
        .enumerate()
        .map(|(z, label)| {
            let mut slice = image.slice(z)?;
            window.apply(&mut slice);
            let slice =
                Slice { image: grid.resample_image(slice.view())?, label: grid.resample_labels(label)? };
            Ok(augment::plain(&slice, preprocess.pad, preprocess.crop)?.into())
        })
        .collect::<Result<Vec<_>>>()?;
    Batch::new(&slices, Device::Cpu)
}

fn to_array(tensor: &Tensor) -> Result<Array4<f32>> {
    let (a, b, c, d) = tensor.size4()?;
    let tensor = tensor.f_detach()?.f_contiguous()?;
    let shape = [a, b, c, d].map(|extent| extent.unsigned_abs() as usize);
    let mut values = memory::filled(shape, 0f32, "hard examples")?;
    tensor.f_copy_data(values.as_slice_mut().unwrap_or_default(), tensor.numel())?;
    Ok(values)
}
