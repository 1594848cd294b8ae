//! The slices that training draws from, read and preprocessed once.

use super::case_slices::case_slices;
use super::configuration::Configuration;
use crate::augment::{self, Slice};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::random::{self, Purpose};
use rand::RngExt;
use rand::seq::SliceRandom;

/// Slices of the training cases: intensities in [0, 1], resampled in-plane, not yet padded or cropped.
#[derive(Debug)]
pub struct TrainingSlices {
    slices: Vec<StoredSlice>,
    /// For every case, the indices of its slices that show a structure.
    labelled: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct StoredSlice {
    slice: Slice,
    case: usize,
    labelled: bool,
}

impl TrainingSlices {
    /// Reads every case of the dataset.
    ///
    /// # Errors
    /// `Dataset` for a case without a label map, naming it, or when there are fewer slices than a step
    /// needs; what reading the files reports.
    pub fn load(dataset: &Dataset, config: &Configuration) -> Result<Self> {
        let mut slices = Vec::new();
        let mut labelled = Vec::new();
        for case in 0..dataset.len() {
            let mut own = Vec::new();
            for slice in case_slices(dataset, case, config)? {
                let shows_structure = slice.label.iter().any(|&class| class != 0);
                if shows_structure {
                    own.push(slices.len());
                }
                slices.push(StoredSlice { slice, case, labelled: shows_structure });
            }
            labelled.push(own);
        }
        if slices.len() < config.slices_per_step {
            return Err(Error::Dataset(format!(
                "the training data has {} slice(s), but `slices_per_step` is {}; expected at least as many \
                 slices as a step draws",
                slices.len(),
                config.slices_per_step
            )));
        }
        Ok(TrainingSlices { slices, labelled })
    }

    /// Number of slices.
    pub fn len(&self) -> usize {
        self.slices.len()
    }

    /// The order of the slices in an epoch, cut into steps; the last may be short.
    pub fn steps_of_epoch(&self, config: &Configuration, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.slices.len()).collect();
        order.shuffle(&mut random::stream(seed, Purpose::Shuffle, [epoch, 0, 0]));
        order.chunks(config.slices_per_step).map(<[usize]>::to_vec).collect()
    }

    /// The slices of one step: each augmented, then (if configured) each as it is.
    ///
    /// A slice that shows no structure is replaced by a random one of the same case that does.
    pub fn assemble(&self, config: &Configuration, seed: u64, epoch: u64, indices: &[usize]) -> Vec<Slice> {
        use rayon::prelude::*;
        let classes = config.network.classes.len();
        let (pad, crop) = (config.preprocess.pad, config.preprocess.crop);
        let chosen: Vec<usize> = indices.iter().map(|&index| self.replacement(seed, epoch, index)).collect();
        let mut batch: Vec<Slice> = indices
            .par_iter()
            .zip(&chosen)
            .map(|(&index, &chosen)| {
                let mut rng = random::stream(seed, Purpose::Augmentation, [epoch, index as u64, 0]);
                augment::augment(
                    &self.slices[chosen].slice,
                    pad,
                    crop,
                    classes,
                    &config.augmentation,
                    &mut rng,
                )
            })
            .collect();
        if config.with_unaugmented {
            batch.extend(chosen.iter().map(|&index| augment::plain(&self.slices[index].slice, pad, crop)));
        }
        batch
    }

    fn replacement(&self, seed: u64, epoch: u64, index: usize) -> usize {
        let stored = &self.slices[index];
        let labelled = &self.labelled[stored.case];
        if stored.labelled || labelled.is_empty() {
            return index;
        }
        let mut rng = random::stream(seed, Purpose::Replacement, [epoch, index as u64, 0]);
        labelled[rng.random_range(0..labelled.len())]
    }
}
