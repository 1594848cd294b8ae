//! How the networks do on the validation cases, on the networks' own grid.

use super::batch::Batch;
use super::configuration::Configuration;
use super::event::{CaseScores, ValidationScores};
use super::options::Metric;
use super::stored_cases::StoredCases;
use crate::augment::{self, ChannelSlice};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exit;
use crate::memory;
use crate::metrics::{OverlapCounts, mean_foreground};
use crate::network::inference::{InferenceNetwork, Target};
use crate::network::{CooperativeNetwork, Precision};
use ndarray::{Array2, Array3, ArrayViewMut3, Axis};
use std::collections::BTreeSet;
use std::sync::Arc;
use tch::{Device, Kind, Tensor};

/// Slices that go through the networks at once; bounds the memory of a validation.
const CHUNK: usize = 10;

/// Preprocessed validation cases.
#[derive(Debug)]
pub struct ValidationCases {
    stored: StoredCases,
    config: Arc<Configuration>,
}

/// One slice of a validation case with what the networks make of it.
#[derive(Debug)]
pub struct CaseView {
    /// Name of the case.
    pub case: String,
    /// Which slice, from 0.
    pub slice: usize,
    /// What the networks saw of the first channel, in [0, 1].
    pub image: Array2<f32>,
    /// The labels.
    pub reference: Array2<u8>,
    /// The fast-thinking network's segmentation.
    pub fast: Array2<u8>,
    /// The same after the slow-thinking network's correction.
    pub refined: Array2<u8>,
}

/// The slices of a case as the networks see them, and both segmentations `[slice, y, x]`.
struct Segmented {
    slices: Vec<ChannelSlice>,
    fast: Array3<u8>,
    refined: Array3<u8>,
}

impl ValidationCases {
    /// Reads the cases of the configured number of subjects.
    ///
    /// # Errors
    /// `Dataset` when there is no case; else what [`StoredCases::load`] reports.
    pub fn load(dataset: &Dataset, config: &Arc<Configuration>) -> Result<Self> {
        if dataset.is_empty() {
            return Err(Error::Dataset(
                "the validation dataset has no cases; expected at least one".to_owned(),
            ));
        }
        let most = config.validation.subjects.unwrap_or(usize::MAX);
        let subjects: BTreeSet<&str> = dataset.cases().iter().map(|case| case.subject.as_str()).collect();
        let chosen: BTreeSet<&str> = subjects.into_iter().take(most).collect();
        let cases = dataset.cases().iter().enumerate();
        let indices: Vec<usize> = cases
            .filter(|(_, case)| chosen.contains(case.subject.as_str()))
            .map(|(index, _)| index)
            .collect();
        Ok(ValidationCases { stored: StoredCases::load(dataset, &indices, config)?, config: config.clone() })
    }

    /// The cases that are used.
    pub fn stored(&self) -> &StoredCases {
        &self.stored
    }

    /// Whether it has a case of this name.
    pub fn has(&self, case: &str) -> bool {
        self.stored.cases().iter().any(|stored| stored.summary.case == case)
    }

    /// Segments every case with both stages and compares with its labels, volume by volume.
    pub fn score(&self, network: &CooperativeNetwork) -> Result<ValidationScores> {
        let classes = self.config.network.classes.len();
        let networks = self.ready(network)?;
        let mut cases = Vec::with_capacity(self.stored.cases().len());
        for (index, stored) in self.stored.cases().iter().enumerate() {
            exit::go_on()?;
            let Segmented { slices, fast, refined } = self.segment(&networks, index)?;
            let mut fast_counts = OverlapCounts::new(classes);
            let mut refined_counts = OverlapCounts::new(classes);
            for (slice, (fast, refined)) in slices.iter().zip(fast.outer_iter().zip(refined.outer_iter())) {
                fast_counts.add(slice.label.view(), fast)?;
                refined_counts.add(slice.label.view(), refined)?;
            }
            cases.push(CaseScores {
                case: stored.summary.case.clone(),
                fast_dice: fast_counts.dice(),
                refined_dice: refined_counts.dice(),
                fast_mean_iou: fast_counts.mean_iou(),
                refined_mean_iou: refined_counts.mean_iou(),
            });
        }
        let mean = |value: fn(&CaseScores) -> f64| cases.iter().map(value).sum::<f64>() / cases.len() as f64;
        let mut scores = ValidationScores {
            fast_dice: mean_over_cases(&cases, classes, |case| &case.fast_dice),
            refined_dice: mean_over_cases(&cases, classes, |case| &case.refined_dice),
            fast_mean_iou: mean(|case| case.fast_mean_iou),
            mean_iou: mean(|case| case.refined_mean_iou),
            selection: f64::NAN,
            best: false,
            cases,
        };
        scores.selection = match self.config.validation.metric {
            Metric::RefinedMeanIou => scores.mean_iou,
            Metric::FastMeanIou => scores.fast_mean_iou,
            Metric::RefinedDice => mean_foreground(&scores.refined_dice),
            Metric::FastDice => mean_foreground(&scores.fast_dice),
        };
        Ok(scores)
    }

    /// The slice of a case that shows the most structure.
    pub fn view(&self, network: &CooperativeNetwork, case: &str) -> Result<CaseView> {
        let index = self.stored.cases().iter().position(|stored| stored.summary.case == case);
        let index = index
            .ok_or_else(|| Error::Internal(format!("\"{case}\" is no validation case of this training")))?;
        let Segmented { slices, fast, refined } = self.segment(&self.ready(network)?, index)?;
        let structure = |slice: &ChannelSlice| slice.label.iter().filter(|&&class| class != 0).count();
        let (z, slice) = slices
            .into_iter()
            .enumerate()
            .max_by_key(|(_, slice)| structure(slice))
            .ok_or_else(|| Error::Internal(format!("case \"{case}\" has no slices")))?;
        Ok(CaseView {
            case: case.to_owned(),
            slice: z,
            image: slice.channels.into_iter().next().unwrap_or_default(),
            reference: slice.label,
            fast: memory::copy(&fast.index_axis(Axis(0), z), "labels of a slice")?,
            refined: memory::copy(&refined.index_axis(Axis(0), z), "labels of a slice")?,
        })
    }

    /// The networks as they are now, for inference.
    fn ready(&self, network: &CooperativeNetwork) -> Result<InferenceNetwork> {
        let [width, height] = self.config.preprocess.crop.map(|side| side as i64);
        let batch = [CHUNK as i64, height, width];
        let target = Target { device: network.device(), precision: Precision::Float32, batch };
        InferenceNetwork::new(network, target)
    }

    fn segment(&self, networks: &InferenceNetwork, case: usize) -> Result<Segmented> {
        let _guard = tch::no_grad_guard();
        let (pad, crop) = (self.config.preprocess.pad, self.config.preprocess.crop);
        let stored = self.stored.slices(case)?;
        let slices: Vec<ChannelSlice> =
            stored.iter().map(|slice| augment::plain_channels(slice, pad, crop)).collect::<Result<_>>()?;
        let [width, height] = crop;
        let shape = (slices.len(), height, width);
        let mut fast = memory::filled(shape, 0, "predicted slices")?;
        let mut refined = memory::filled(shape, 0, "predicted slices")?;
        let predicted =
            fast.axis_chunks_iter_mut(Axis(0), CHUNK).zip(refined.axis_chunks_iter_mut(Axis(0), CHUNK));
        for (chunk, (fast, refined)) in slices.chunks(CHUNK).zip(predicted) {
            let batch = Batch::new(chunk, networks.target().device)?;
            let prediction = networks.segment(&batch.images)?;
            let corrected = networks.correct(&prediction)?;
            write_labels(fast, &prediction)?;
            write_labels(refined, &corrected)?;
        }
        Ok(Segmented { fast, refined, slices })
    }
}

/// Writes the most likely class of every pixel of logits N×C×H×W.
fn write_labels(mut labels: ArrayViewMut3<u8>, logits: &Tensor) -> Result<()> {
    let found =
        logits.f_argmax(1, false)?.f_to_kind(Kind::Uint8)?.f_to_device(Device::Cpu)?.f_contiguous()?;
    found.f_copy_data_u8(labels.as_slice_mut().unwrap_or_default(), found.numel())?;
    Ok(())
}

/// Mean over the cases that have the class.
fn mean_over_cases(cases: &[CaseScores], classes: usize, dice: fn(&CaseScores) -> &Vec<f64>) -> Vec<f64> {
    (0..classes)
        .map(|class| {
            let present: Vec<f64> = cases
                .iter()
                .filter_map(|case| dice(case).get(class).copied())
                .filter(|d| !d.is_nan())
                .collect();
            present.iter().sum::<f64>() / present.len() as f64
        })
        .collect()
}
