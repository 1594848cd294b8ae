//! The slices that training draws from, and how they become batches.

use super::configuration::Configuration;
use super::stored_cases::StoredCases;
use crate::augment::{self, ChannelSlice};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::network::{LEAST_VALUES_PER_CHANNEL, STRIDE};
use crate::random::{self, Purpose};
use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// The slices of all training cases.
#[derive(Debug)]
pub struct TrainingSlices {
    stored: StoredCases,
    config: Arc<Configuration>,
    seed: u64,
    /// Where each slice lies: case and slice within it.
    places: Vec<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    case: usize,
    slice: usize,
}

/// The slices of one step, with the cases that they come from.
#[derive(Debug)]
pub struct SliceBatch {
    /// Augmented slices, then (if configured) the same slices as they are.
    pub slices: Vec<ChannelSlice>,
    /// Names of the cases, one per drawn slice.
    pub cases: Vec<String>,
}

impl TrainingSlices {
    /// Reads every case of the dataset.
    ///
    /// # Errors
    /// `Dataset` when there is no case; what [`StoredCases::load`] reports; `InvalidConfig` where the last step of an epoch
    /// would have one value per channel to normalise.
    pub fn load(dataset: &Dataset, config: &Arc<Configuration>, seed: u64) -> Result<Self> {
        if dataset.is_empty() {
            return Err(Error::Dataset(
                "the training dataset has no cases; expected at least one".to_owned(),
            ));
        }
        let indices: Vec<usize> = (0..dataset.len()).collect();
        let stored = StoredCases::load(dataset, &indices, config)?;
        let places: Vec<Place> = stored
            .cases()
            .iter()
            .enumerate()
            .flat_map(|(case, stored)| (0..stored.labelled.len()).map(move |slice| Place { case, slice }))
            .collect();
        let last = places.len() % config.slices_per_step;
        let fewest = if last > 0 { last } else { config.slices_per_step };
        let [width, height] = config.preprocess.crop;
        let positions = (width / STRIDE as usize) * (height / STRIDE as usize);
        let samples = if config.with_unaugmented { 2 * fewest } else { fewest };
        if ((samples * positions) as i64) < LEAST_VALUES_PER_CHANNEL {
            return Err(Error::InvalidConfig(format!(
                "`preprocess.crop` is {width}×{height} and a step has {samples} slice(s), which leaves one value per channel \
                 to normalise; expected more slices or larger ones"
            )));
        }
        Ok(TrainingSlices { stored, config: config.clone(), seed, places })
    }

    /// The cases that the slices come from.
    pub fn stored(&self) -> &StoredCases {
        &self.stored
    }

    /// Number of slices.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Steps of one epoch; the last may have fewer slices.
    pub fn steps_per_epoch(&self) -> usize {
        self.places.len().div_ceil(self.config.slices_per_step)
    }

    /// The order of the slices in an epoch, cut into steps.
    pub fn steps_of_epoch(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.places.len()).collect();
        order.shuffle(&mut random::stream(self.seed, Purpose::Shuffle, [epoch, 0, 0]));
        order.chunks(self.config.slices_per_step).map(<[usize]>::to_vec).collect()
    }

    /// The slices of one step. Each draw is keyed by the epoch and the slice, so that the threads of the
    /// current pool may share the work in any way.
    ///
    /// A slice that shows no structure is replaced by a random one of the same case that does.
    pub fn assemble(&self, epoch: u64, indices: &[usize]) -> Result<SliceBatch> {
        let config = &*self.config;
        let classes = config.network.classes.len();
        let (pad, crop) = (config.preprocess.pad, config.preprocess.crop);
        let chosen: Vec<Place> = indices.iter().map(|&index| self.replacement(epoch, index)).collect();
        let mut needed: Vec<usize> = chosen.iter().map(|place| place.case).collect();
        needed.sort_unstable();
        needed.dedup();
        let cases: HashMap<usize, Arc<Vec<ChannelSlice>>> = needed
            .into_par_iter()
            .map(|case| Ok((case, self.stored.slices(case)?)))
            .collect::<Result<_>>()?;
        let slice = |place: &Place| &cases[&place.case][place.slice];
        let mut slices: Vec<ChannelSlice> = indices
            .par_iter()
            .zip(&chosen)
            .map(|(&index, place)| {
                let mut rng = random::stream(self.seed, Purpose::Augmentation, [epoch, index as u64, 0]);
                augment::augment_channels(slice(place), pad, crop, classes, &config.augmentation, &mut rng)
            })
            .collect::<Result<_>>()?;
        if config.with_unaugmented {
            for place in &chosen {
                slices.push(augment::plain_channels(slice(place), pad, crop)?);
            }
        }
        let cases = chosen.iter().map(|place| self.stored.cases()[place.case].summary.case.clone()).collect();
        Ok(SliceBatch { slices, cases })
    }

    fn replacement(&self, epoch: u64, index: usize) -> Place {
        let place = self.places[index];
        let labelled = &self.stored.cases()[place.case].labelled;
        let candidates: Vec<usize> = (0..labelled.len()).filter(|&slice| labelled[slice]).collect();
        if labelled[place.slice] || candidates.is_empty() {
            return place;
        }
        let mut rng = random::stream(self.seed, Purpose::Replacement, [epoch, index as u64, 0]);
        Place { slice: candidates[rng.random_range(0..candidates.len())], ..place }
    }
}
