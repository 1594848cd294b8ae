//! The two-stage segmenter.

use super::changed_pixels::ChangedPixels;
use super::host_values::values;
use super::in_order::{Stop, in_order};
use super::input::{Channel, DeviceInput, Input};
use super::on_device::{DeviceGrid, DeviceImage, DeviceMaps};
use super::options::SegmenterOptions;
use super::plan::Plan;
use super::slice_result::{SliceResult, Wanted};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::inference::{InferenceNetwork, Target, probabilities};
use crate::runtime::cpu_cache::{self, CacheUser};
use crate::runtime::{self, DeviceChoice, log};
use crate::volume::{self, NetworkGrid, SliceSource};
use ndarray::ArrayView3;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;
use tch::{Device, Tensor};

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
    /// Shared with the other segmenters of the model that are made alike.
    networks: Arc<InferenceNetwork>,
    options: SegmenterOptions,
    device: Device,
    chunk: usize,
    _cache: CacheUser,
}

/// Some slices segmented.
struct Chunk<T> {
    results: T,
    /// Pixels that each pass of the slow-thinking network changed.
    changed: Vec<i64>,
}

/// Logits of a chunk of slices, N×C×h×w.
struct Stages {
    fast: Tensor,
    refined: Tensor,
    /// Pixels that each pass changed.
    changed: Vec<i64>,
}

impl Segmenter {
    /// Prepares the model's networks on the device of the options.
    ///
    /// # Errors
    /// `DeviceUnavailable` for a device or a precision that is not to be had; `OutOfMemory`.
    pub fn new(model: Arc<Model>, options: SegmenterOptions) -> Result<Self> {
        let device = options.device.parse::<DeviceChoice>()?.resolve()?;
        let chunk = options.chunk_on(device);
        let [width, height] = model.preprocess().crop.map(|side| side as i64);
        let target = Target { device, precision: options.precision, batch: [chunk as i64, height, width] };
        let networks = model.inference_network(target)?;
        Ok(Segmenter { model, networks, options, device, chunk, _cache: CacheUser::enter() })
    }

    /// The model that this segmenter uses.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Segments every slice and hands the results to `sink` in the order of the slices. `channels` are those of
    /// one image, on one grid, as many as the model has.
    ///
    /// # Errors
    /// `InvalidShape` for another number of channels or channels of different sizes; `InvalidGeometry` for
    /// channels that lie apart; `OutOfMemory` where not even one slice fits; what reading the slices and `sink`
    /// report.
    pub fn run(
        &self,
        channels: &[&dyn SliceSource],
        wanted: Wanted,
        sink: &mut dyn FnMut(usize, SliceResult) -> Result<()>,
    ) -> Result<Report> {
        let started = Instant::now();
        let pool = runtime::slice_pool()?;
        let preprocess = self.model.preprocess();
        let described: Vec<Channel> = channels.iter().map(|&channel| Channel::of(channel)).collect();
        let image = self.one_grid(&described)?;
        let input = Input {
            channels,
            windows: channels
                .iter()
                .map(|channel| match image.slices() {
                    1 => channel.window(preprocess.percentiles),
                    _ => pool.install(|| channel.window(preprocess.percentiles)),
                })
                .collect::<Result<_>>()?,
            grid: NetworkGrid::new(image.size(), image.spacing(), preprocess)?,
        };
        let compute = |slices| self.segment(&input, slices, wanted);
        self.in_chunks(started, image.slices(), compute, |slices, results: Vec<SliceResult>| {
            slices.zip(results).try_for_each(|(z, result)| sink(z, result))
        })
    }

    /// The same for an image in the memory of the segmenter's device, where it and the results stay. `sink` is given the
    /// results of several slices at a time.
    ///
    /// # Errors
    /// As [`Segmenter::run`]; `InvalidArgument` for an image on another device.
    pub fn run_on_device(
        &self,
        channels: &[DeviceImage],
        wanted: Wanted,
        sink: &mut dyn FnMut(Range<usize>, DeviceMaps) -> Result<()>,
    ) -> Result<Report> {
        let started = Instant::now();
        let _guard = tch::no_grad_guard();
        let preprocess = self.model.preprocess();
        let described: Vec<Channel> = channels.iter().map(Channel::on_device).collect();
        let image = self.one_grid(&described)?;
        if let Some(other) = channels.iter().map(DeviceImage::device).find(|&device| device != self.device) {
            return Err(Error::InvalidArgument(format!(
                "the image lies in the memory of {}, but the segmenter runs on {}; expected one device",
                runtime::device_name(other),
                runtime::device_name(self.device)
            )));
        }
        let grid = NetworkGrid::new(image.size(), image.spacing(), preprocess)?;
        let input = DeviceInput {
            channels,
            windows: channels
                .iter()
                .map(|channel| channel.window(preprocess.percentiles))
                .collect::<Result<_>>()?,
            grid: DeviceGrid::new(&grid, self.device)?,
        };
        let compute = |slices| self.segment_on_device(&input, slices, wanted);
        self.in_chunks(started, image.slices(), compute, sink)
    }

    /// Computes slices in chunks and hands their results over in order; where memory runs out, in smaller ones.
    fn in_chunks<T: Send>(
        &self,
        started: Instant,
        slices: usize,
        compute: impl Fn(Range<usize>) -> Result<Chunk<T>> + Sync,
        mut sink: impl FnMut(Range<usize>, T) -> Result<()>,
    ) -> Result<Report> {
        let pool = runtime::slice_pool()?;
        let mut changed = vec![0i64; self.options.iterations];
        let mut plan = Plan::new(self.device, self.chunk, pool.current_num_threads());
        let mut next = 0;
        while next < slices {
            let chunks = plan.chunks(next..slices);
            let stopped = in_order(&pool, plan.lanes(chunks.len()), &chunks, &compute, |range, chunk| {
                for (total, change) in changed.iter_mut().zip(chunk.changed) {
                    *total += change;
                }
                next = range.end;
                sink(range, chunk.results)
            });
            match stopped {
                Ok(()) => {}
                Err(Stop::Computing(Error::OutOfMemory(reason))) if plan.shrink() => {
                    log::warning(&format!("going on with fewer slices at once: {reason}"));
                    cpu_cache::release();
                }
                Err(Stop::Computing(error) | Stop::Delivering(error)) => return Err(error),
            }
        }
        let [width, height] = self.model.preprocess().crop;
        let pixels = (slices * width * height) as f64;
        Ok(Report {
            slices,
            change_per_pass: changed.iter().map(|&count| count as f64 / pixels).collect(),
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// The first channel, whose grid is that of all.
    fn one_grid<'a>(&self, channels: &[Channel<'a>]) -> Result<Channel<'a>> {
        let expected = self.model.architecture().channels;
        let Some((&first, others)) = channels.split_first().filter(|_| channels.len() as i64 == expected)
        else {
            return Err(Error::InvalidShape(format!(
                "the image has {} channel(s), but the model was made for {expected}",
                channels.len()
            )));
        };
        for (index, other) in others.iter().enumerate() {
            volume::check_same_grid(
                ("channel 0", first.shape, first.geometry),
                (&format!("channel {}", index + 1), other.shape, other.geometry),
            )?;
        }
        Ok(first)
    }

    /// Some slices from the image's grid through both stages and back.
    fn segment(
        &self,
        input: &Input,
        slices: Range<usize>,
        wanted: Wanted,
    ) -> Result<Chunk<Vec<SliceResult>>> {
        let _guard = tch::no_grad_guard();
        let batch = input.batch(slices.clone())?.f_to_device(self.device)?;
        let Stages { fast, refined, changed } = self.stages(&batch)?;
        let refined = probabilities(&refined)?.f_to_device(Device::Cpu)?.f_contiguous()?;
        let fast = if wanted.fast() {
            Some(probabilities(&fast)?.f_to_device(Device::Cpu)?.f_contiguous()?)
        } else {
            None
        };
        let (refined, fast) = (values(&refined)?, fast.as_ref().map(values).transpose()?);
        let [width, height] = input.grid.size();
        let shape = [self.model.class_names().len(), height, width];
        let results = (0..slices.len())
            .map(|index| {
                let refined = of_slice(refined, shape, index)?;
                let fast = fast.map(|fast| of_slice(fast, shape, index)).transpose()?;
                Ok(SliceResult::new(&input.grid, refined, fast, wanted))
            })
            .collect::<Result<_>>()?;
        Ok(Chunk { results, changed })
    }

    /// The same on the device.
    fn segment_on_device(
        &self,
        input: &DeviceInput,
        slices: Range<usize>,
        wanted: Wanted,
    ) -> Result<Chunk<DeviceMaps>> {
        let _guard = tch::no_grad_guard();
        let Stages { fast, refined, changed } = self.stages(&input.batch(slices)?)?;
        let fast = wanted.fast().then(|| probabilities(&fast)).transpose()?;
        let results = DeviceMaps::new(&input.grid, &probabilities(&refined)?, fast.as_ref(), wanted)?;
        Ok(Chunk { results, changed })
    }

    /// p = D_s(H(E(x))), then C(softmax(p / 2)) as often as the options say (METHOD §6).
    fn stages(&self, batch: &Tensor) -> Result<Stages> {
        let fast = self.networks.segment(batch)?;
        let mut refined = fast.shallow_clone();
        let mut changed = Vec::with_capacity(self.options.iterations);
        for _ in 0..self.options.iterations {
            let next = self.networks.correct(&refined)?;
            changed.push(ChangedPixels::count(&refined, &next)?);
            refined = next;
        }
        // Asked for only now, so that a GPU never waits between two passes.
        let changed = changed.into_iter().map(ChangedPixels::number).collect::<Result<_>>()?;
        Ok(Stages { fast, refined, changed })
    }
}

/// The probabilities of one slice of a chunk.
fn of_slice(all: &[f32], shape: [usize; 3], index: usize) -> Result<ArrayView3<'_, f32>> {
    let size: usize = shape.iter().product();
    let own = all.get(index * size..(index + 1) * size).unwrap_or_default();
    ArrayView3::from_shape(shape, own)
        .map_err(|error| Error::Internal(format!("probabilities of a slice: {error}")))
}
