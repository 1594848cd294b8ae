//! The two-stage segmenter.

use super::host_values::values;
use super::in_order::{Stop, in_order};
use super::input::{Channel, DeviceInput, Input};
use super::on_device::{DeviceGrid, DeviceImage, DeviceMaps};
use super::options::SegmenterOptions;
use super::plan::Plan;
use super::slice_result::{SliceResult, Wanted};
use super::stages::{Logits, Stages};
use crate::error::{Error, Result};
use crate::model::Model;
use crate::network::inference::{Target, probabilities};
use crate::runtime::cpu_cache::{self, CacheUser};
use crate::runtime::{self, DeviceChoice, OwnStreams, log};
use crate::volume::{self, IntensityWindow, NetworkGrid, SliceSource};
use ndarray::ArrayView3;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;
use tch::Device;

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
    stages: Stages,
    options: SegmenterOptions,
    device: Device,
    chunk: usize,
    /// Whether images of the host go to the networks' device whole, and the way to the networks' grid and back is done
    /// there: where it is a GPU.
    pub(super) uploads: bool,
    /// Where the device is a GPU.
    streams: Option<OwnStreams>,
    _cache: CacheUser,
}

/// Some slices segmented.
struct Chunk<T> {
    results: T,
    /// Pixels that each pass of the slow-thinking network changed.
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
        let stages = Stages::new(networks, options.iterations)?;
        let uploads = device.is_cuda();
        let streams = device.is_cuda().then(|| OwnStreams::new(device));
        Ok(Segmenter { model, stages, options, device, chunk, uploads, streams, _cache: CacheUser::enter() })
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
        let deliver = |slices: Range<usize>, results: Vec<SliceResult>| {
            slices.zip(results).try_for_each(|(z, result)| sink(z, result))
        };
        if let Some((images, windows)) = self.uploaded(channels)? {
            let input = self.device_input(image, &images, windows)?;
            let compute = |slices| {
                self.on_own_stream(|| {
                    let Chunk { results, changed } = self.segment_on_device(&input, slices, wanted)?;
                    Ok(Chunk { results: results.into_slice_results()?, changed })
                })
            };
            return self.in_chunks(started, image.slices(), compute, deliver);
        }
        let grid = NetworkGrid::new(image.size(), image.spacing(), preprocess)?;
        let input = Input {
            channels,
            windows: channels
                .iter()
                .map(|channel| match image.slices() {
                    1 => channel.window(preprocess.percentiles),
                    _ => pool.install(|| channel.window(preprocess.percentiles)),
                })
                .collect::<Result<_>>()?,
            grid,
        };
        let compute = |slices| self.on_own_stream(|| self.segment(&input, slices, wanted));
        self.in_chunks(started, image.slices(), compute, deliver)
    }

    /// Copies of an image's channels on the segmenter's device, with their windows. None where images of the host stay
    /// there, the device's memory is short, or they are too large for it in one piece.
    fn uploaded(
        &self,
        channels: &[&dyn SliceSource],
    ) -> Result<Option<(Vec<DeviceImage>, Vec<IntensityWindow>)>> {
        if !self.uploads {
            return Ok(None);
        }
        let _guard = tch::no_grad_guard();
        let images: Result<Vec<DeviceImage>> =
            channels.iter().map(|&channel| DeviceImage::upload(channel, self.device)).collect();
        match images.and_then(|images| Ok((self.windows(&images)?, images))) {
            Ok((windows, images)) => Ok(Some((images, windows))),
            // What libtorch cannot do with a whole image, such as sort more than 2^31 voxels, it does with slices.
            Err(Error::OutOfMemory(reason) | Error::Torch(reason)) => {
                log::warning(&format!("the image goes to the device slice by slice: {reason}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn windows(&self, images: &[DeviceImage]) -> Result<Vec<IntensityWindow>> {
        let percentiles = self.model.preprocess().percentiles;
        images.iter().map(|image| image.window(percentiles)).collect()
    }

    fn device_input<'a>(
        &self,
        image: Channel,
        channels: &'a [DeviceImage],
        windows: Vec<IntensityWindow>,
    ) -> Result<DeviceInput<'a>> {
        let grid = NetworkGrid::new(image.size(), image.spacing(), self.model.preprocess())?;
        Ok(DeviceInput { channels, windows, grid: DeviceGrid::new(&grid, self.device)? })
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
        let described: Vec<Channel> = channels.iter().map(Channel::on_device).collect();
        let image = self.one_grid(&described)?;
        if let Some(other) = channels.iter().map(DeviceImage::device).find(|&device| device != self.device) {
            return Err(Error::InvalidArgument(format!(
                "the image lies in the memory of {}, but the segmenter runs on {}; expected one device",
                runtime::device_name(other),
                runtime::device_name(self.device)
            )));
        }
        // Finding the windows waits for what the calling thread has asked of the device: the image is written then.
        let input = self.device_input(image, channels, self.windows(channels)?)?;
        let compute = |slices| {
            self.on_own_stream(|| {
                let chunk = self.segment_on_device(&input, slices, wanted)?;
                // The caller takes the results on another stream.
                chunk.results.wait()?;
                Ok(chunk)
            })
        };
        self.in_chunks(started, image.slices(), compute, sink)
    }

    /// Does work on a stream of its own where the networks are on a GPU, so that lanes do not wait for each other.
    fn on_own_stream<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let Some(streams) = &self.streams else { return work() };
        let stream = streams.take()?;
        let result = {
            let _visit = stream.enter()?;
            work()
        };
        streams.give_back(stream);
        result
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
        let threads = pool.current_num_threads();
        let mut plan = match self.device {
            Device::Cpu => Plan::new(self.chunk, threads),
            _ => Plan::for_gpu(self.chunk, threads),
        };
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
        let Logits { fast, refined, changed } = self.stages.run(&batch)?;
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
                SliceResult::new(&input.grid, refined, fast, wanted)
            })
            .collect::<Result<_>>()?;
        Ok(Chunk { results, changed })
    }

    /// The same with the way to the networks' grid and back on the device.
    fn segment_on_device(
        &self,
        input: &DeviceInput,
        slices: Range<usize>,
        wanted: Wanted,
    ) -> Result<Chunk<DeviceMaps>> {
        let _guard = tch::no_grad_guard();
        let Logits { fast, refined, changed } = self.stages.run(&input.batch(slices)?)?;
        let fast = wanted.fast().then(|| probabilities(&fast)).transpose()?;
        let results = DeviceMaps::new(&input.grid, &probabilities(&refined)?, fast.as_ref(), wanted)?;
        Ok(Chunk { results, changed })
    }
}

/// The probabilities of one slice of a chunk.
fn of_slice(all: &[f32], shape: [usize; 3], index: usize) -> Result<ArrayView3<'_, f32>> {
    let size: usize = shape.iter().product();
    let own = all.get(index * size..(index + 1) * size).unwrap_or_default();
    ArrayView3::from_shape(shape, own)
        .map_err(|error| Error::Internal(format!("probabilities of a slice: {error}")))
}
