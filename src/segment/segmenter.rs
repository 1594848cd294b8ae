//! The two-stage segmenter.

use super::options::SegmenterOptions;
use super::slice_result::{SliceResult, Wanted};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::{BatchNormMode, CooperativeNetwork, SharedNetwork, map_of_logits};
use crate::runtime::DeviceChoice;
use crate::volume::{self, IntensityWindow, NetworkGrid, SliceSource};
use ndarray::ArrayView3;
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;
use tch::{Device, Kind, Tensor};

/// What happened while a volume was segmented.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Slices segmented.
    pub slices: usize,
    /// For every pass of the slow-thinking network, the share of pixels of the networks' grid whose class
    /// it changed.
    pub change_per_pass: Vec<f64>,
    /// Wall-clock time.
    pub seconds: f64,
}

/// Segments volumes with one model. Read-only: one segmenter may run several volumes at once.
#[derive(Debug)]
pub struct Segmenter {
    model: Arc<Model>,
    /// The model's networks on another device; `None` shares the model's own on the CPU.
    moved: Option<SharedNetwork>,
    options: SegmenterOptions,
    device: Device,
}

/// Logits of a chunk of slices, N×C×h×w.
struct Stages {
    fast: Tensor,
    refined: Tensor,
}

impl Segmenter {
    /// Prepares the model's networks on the device of the options.
    pub fn new(model: Arc<Model>, options: SegmenterOptions) -> Result<Self> {
        let device = options.device.parse::<DeviceChoice>()?.resolve()?;
        let moved = match device {
            Device::Cpu => None,
            _ => Some(SharedNetwork::new(model.network().copy_to(device)?)?),
        };
        Ok(Segmenter { model, moved, options, device })
    }

    /// The model that this segmenter uses.
    pub fn model(&self) -> &Model {
        &self.model
    }

    fn network(&self) -> &CooperativeNetwork {
        self.moved.as_ref().map_or_else(|| self.model.network(), SharedNetwork::network)
    }

    /// Segments every slice and hands the results to `sink` in the order of the slices. `channels` are those of
    /// one image, on one grid, as many as the model has.
    ///
    /// # Errors
    /// `InvalidShape` for another number of channels or channels of different sizes; `InvalidGeometry` for
    /// channels that lie apart; what reading the slices and `sink` report.
    pub fn run(
        &self,
        channels: &[&dyn SliceSource],
        wanted: Wanted,
        sink: &mut dyn FnMut(usize, SliceResult) -> Result<()>,
    ) -> Result<Report> {
        let started = Instant::now();
        let _guard = tch::no_grad_guard();
        let preprocess = self.model.preprocess();
        let image = self.one_grid(channels)?;
        let windows: Vec<IntensityWindow> =
            channels.iter().map(|channel| channel.window(preprocess.percentiles)).collect::<Result<_>>()?;
        let grid = NetworkGrid::new(image.size(), image.spacing(), preprocess)?;
        let [width, height] = preprocess.crop;
        let mut changed = vec![0i64; self.options.iterations];
        let slices: Vec<usize> = (0..image.slices()).collect();
        for chunk in slices.chunks(self.options.chunk) {
            let mut pixels: Vec<f32> = Vec::with_capacity(chunk.len() * channels.len() * width * height);
            for &z in chunk {
                for (channel, window) in channels.iter().zip(&windows) {
                    let mut slice = channel.slice(z)?;
                    window.apply(&mut slice);
                    pixels.extend(grid.image_to_network(slice.view()).iter());
                }
            }
            let batch = Tensor::f_from_slice(&pixels)?
                .f_reshape([chunk.len() as i64, channels.len() as i64, height as i64, width as i64])?
                .f_to_device(self.device)?;
            let stages = self.stages(&batch, &mut changed)?;
            let refined = probabilities(&stages.refined)?;
            let fast = if wanted.fast() { Some(probabilities(&stages.fast)?) } else { None };
            for (index, &z) in chunk.iter().enumerate() {
                let classes = self.model.class_names().len();
                let on_grid = |all: &[f32]| {
                    let size = classes * width * height;
                    let own = all.get(index * size..(index + 1) * size).unwrap_or_default();
                    let own = ArrayView3::from_shape((classes, height, width), own)
                        .map_err(|error| Error::Internal(format!("probabilities of a slice: {error}")))?;
                    Ok::<_, Error>(grid.probabilities_to_image(own))
                };
                let fast = fast.as_deref().map(&on_grid).transpose()?;
                sink(z, SliceResult::new(on_grid(&refined)?, fast.as_ref(), wanted))?;
            }
        }
        let pixels = (image.slices() * width * height) as f64;
        Ok(Report {
            slices: image.slices(),
            change_per_pass: changed.iter().map(|&count| count as f64 / pixels).collect(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// The first channel, whose grid is that of all.
    fn one_grid<'a>(&self, channels: &[&'a dyn SliceSource]) -> Result<&'a dyn SliceSource> {
        let expected = self.model.architecture().channels;
        let Some((&first, others)) = channels.split_first().filter(|_| channels.len() as i64 == expected)
        else {
            return Err(Error::InvalidShape(format!(
                "the image has {} channel(s), but the model was made for {expected}",
                channels.len()
            )));
        };
        let shape = |source: &dyn SliceSource| {
            let [x, y] = source.size();
            [x, y, source.slices()]
        };
        for (index, &other) in others.iter().enumerate() {
            volume::check_same_grid(
                ("channel 0", shape(first), first.geometry()),
                (&format!("channel {}", index + 1), shape(other), other.geometry()),
            )?;
        }
        Ok(first)
    }

    /// p = D_s(H(E(x))), then C(softmax(p / 2)) as often as the options say (METHOD §6).
    fn stages(&self, batch: &Tensor, changed: &mut [i64]) -> Result<Stages> {
        let network = self.network();
        let mode = BatchNormMode::INFERENCE;
        let fast = network.fast.segment(&network.fast.encode(batch, mode)?.shape, mode)?;
        let mut refined = fast.shallow_clone();
        for count in changed {
            let next = network.slow.correct(&map_of_logits(&refined)?, mode)?;
            let different = next.f_argmax(1, false)?.f_ne_tensor(&refined.f_argmax(1, false)?)?;
            *count += different.f_sum(Kind::Int64)?.f_int64_value(&[])?;
            refined = next;
        }
        Ok(Stages { fast, refined })
    }
}

/// softmax over the classes, on the host, in the order N, C, h, w.
fn probabilities(logits: &Tensor) -> Result<Vec<f32>> {
    let map = logits.f_softmax(1, Kind::Float)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let mut values = vec![0f32; map.numel()];
    map.f_copy_data(&mut values, map.numel())?;
    Ok(values)
}
