//! How the networks do on the validation cases, on the networks' own grid.

use super::batch::Batch;
use super::case_slices::case_slices;
use super::configuration::Configuration;
use super::event::ValidationScores;
use crate::augment::{self, Slice};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::metrics::OverlapCounts;
use crate::network::{BatchNormMode, CooperativeNetwork, map_of_logits};
use ndarray::ArrayView2;
use tch::{Kind, Tensor};

/// Slices that go through the networks at once; bounds the memory of a validation.
const CHUNK: usize = 10;

/// Preprocessed validation cases.
#[derive(Debug)]
pub struct ValidationCases {
    cases: Vec<Vec<Slice>>,
    classes: usize,
}

impl ValidationCases {
    /// Reads the cases of the configured number of subjects.
    ///
    /// # Errors
    /// `Dataset` when there is no case or one has no label map.
    pub fn load(dataset: &Dataset, config: &Configuration) -> Result<Self> {
        if dataset.is_empty() {
            return Err(Error::Dataset(
                "the validation dataset has no cases; expected at least one".to_owned(),
            ));
        }
        let (pad, crop) = (config.preprocess.pad, config.preprocess.crop);
        let mut subjects: Vec<&str> = Vec::new();
        let mut cases = Vec::new();
        for (index, case) in dataset.cases().iter().enumerate() {
            if !subjects.contains(&case.subject.as_str()) {
                if config.validation.subjects.is_some_and(|most| subjects.len() >= most) {
                    continue;
                }
                subjects.push(&case.subject);
            }
            let slices = case_slices(dataset, index, config)?;
            cases.push(slices.iter().map(|slice| augment::plain(slice, pad, crop)).collect());
        }
        Ok(ValidationCases { cases, classes: config.network.classes.len() })
    }

    /// Segments every case with both stages and compares with its labels, volume by volume.
    pub fn score(&self, network: &CooperativeNetwork) -> Result<ValidationScores> {
        let _guard = tch::no_grad_guard();
        let mut fast = Vec::with_capacity(self.cases.len());
        let mut refined = Vec::with_capacity(self.cases.len());
        let mut iou = Vec::with_capacity(self.cases.len());
        for slices in &self.cases {
            let mut fast_counts = OverlapCounts::new(self.classes);
            let mut refined_counts = OverlapCounts::new(self.classes);
            for chunk in slices.chunks(CHUNK) {
                let batch = Batch::new(chunk, network.device())?;
                let codes = network.fast.encode(&batch.images, BatchNormMode::INFERENCE)?;
                let prediction = network.fast.segment(&codes.shape, BatchNormMode::INFERENCE)?;
                let corrected =
                    network.slow.correct(&map_of_logits(&prediction)?, BatchNormMode::INFERENCE)?;
                count(&mut fast_counts, &prediction, chunk)?;
                count(&mut refined_counts, &corrected, chunk)?;
            }
            fast.push(fast_counts.dice());
            refined.push(refined_counts.dice());
            iou.push(refined_counts.mean_iou());
        }
        Ok(ValidationScores {
            fast_dice: mean_over_cases(&fast, self.classes),
            refined_dice: mean_over_cases(&refined, self.classes),
            mean_iou: iou.iter().sum::<f64>() / iou.len() as f64,
            best: false,
        })
    }
}

/// Adds the slices of one chunk, with logits N×C×H×W, to the counts.
fn count(counts: &mut OverlapCounts, logits: &Tensor, slices: &[Slice]) -> Result<()> {
    let (samples, _, height, width) = logits.size4()?;
    let labels = logits.f_argmax(1, false)?.f_to_kind(Kind::Uint8)?.f_to_device(tch::Device::Cpu)?;
    let (height, width) = (height as usize, width as usize);
    let mut bytes = vec![0u8; samples as usize * height * width];
    labels.f_contiguous()?.f_copy_data_u8(&mut bytes, labels.numel())?;
    for (slice, predicted) in slices.iter().zip(bytes.chunks_exact(height * width)) {
        let predicted = ArrayView2::from_shape((height, width), predicted)
            .map_err(|error| Error::Internal(format!("predicted slice: {error}")))?;
        counts.add(slice.label.view(), predicted)?;
    }
    Ok(())
}

/// Mean over the cases that have the class.
fn mean_over_cases(dice: &[Vec<f64>], classes: usize) -> Vec<f64> {
    (0..classes)
        .map(|class| {
            let present: Vec<f64> =
                dice.iter().filter_map(|case| case.get(class).copied()).filter(|d| !d.is_nan()).collect();
            present.iter().sum::<f64>() / present.len() as f64
        })
        .collect()
}
