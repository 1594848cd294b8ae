//! Preprocessed cases: read once and kept within a limit, else read again when needed.

use super::case_slices::{case_slices, shows_structure};
use super::configuration::Configuration;
use super::data_summary::{CaseSummary, SetSummary, SkippedCase};
use super::options::OnProblem;
use crate::augment::ChannelSlice;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exit;
use crate::parallel::in_parallel;
use crate::runtime;
use rayon::prelude::*;
use std::sync::Arc;

/// Cases of a dataset with their slices: intensities in [0, 1], resampled in-plane, not yet padded or cropped.
#[derive(Debug)]
pub struct StoredCases {
    dataset: Dataset,
    config: Arc<Configuration>,
    cases: Vec<StoredCase>,
    skipped: Vec<SkippedCase>,
}

/// What is known of one case.
#[derive(Debug)]
pub struct StoredCase {
    index: usize,
    /// How it was read.
    pub summary: CaseSummary,
    /// For every slice, whether it shows a structure.
    pub labelled: Vec<bool>,
    kept: Option<Arc<Vec<ChannelSlice>>>,
}

impl StoredCases {
    /// Reads the cases with the given indices, several at once.
    ///
    /// # Errors
    /// Where the configuration says `stop`, what is wrong with the first unusable case; `Dataset` where none
    /// is usable; `OutOfMemory`.
    pub fn load(dataset: &Dataset, indices: &[usize], config: &Arc<Configuration>) -> Result<Self> {
        let limit = usize::try_from(config.data.cache_mebibytes << 20).unwrap_or(usize::MAX);
        let mut used = 0;
        let mut cases = Vec::new();
        let mut skipped = Vec::new();
        // As many at once as there are threads, so that what is beyond the limit is dropped early.
        for some in indices.chunks(in_parallel(rayon::current_num_threads)?) {
            exit::go_on()?;
            let read: Vec<Result<(Vec<ChannelSlice>, CaseSummary)>> =
                in_parallel(|| some.par_iter().map(|&index| case_slices(dataset, index, config)).collect())?;
            for (&index, read) in some.iter().zip(read) {
                let (slices, summary) = match read {
                    Ok(read) => read,
                    Err(error) if config.data.on_problem == OnProblem::Skip && error.concerns_one_case() => {
                        let case = dataset.case(index)?.name.clone();
                        runtime::log::warning(&format!("case \"{case}\" is left out: {error}"));
                        skipped.push(SkippedCase { case, problem: error.to_string() });
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let labelled = slices.iter().map(shows_structure).collect();
                let size: usize = slices
                    .iter()
                    .map(|slice| slice.label.len() * (slice.channels.len() * size_of::<f32>() + 1))
                    .sum();
                let kept = (used + size <= limit).then(|| {
                    used += size;
                    Arc::new(slices)
                });
                cases.push(StoredCase { index, summary, labelled, kept });
            }
        }
        if cases.is_empty() {
            let reason =
                skipped.first().map(|skipped| format!("; the first is left out because {}", skipped.problem));
            return Err(Error::Dataset(format!(
                "none of the {} cases can be used{}",
                indices.len(),
                reason.unwrap_or_default()
            )));
        }
        Ok(StoredCases { dataset: dataset.clone(), config: config.clone(), cases, skipped })
    }

    /// The cases that are used.
    pub fn cases(&self) -> &[StoredCase] {
        &self.cases
    }

    /// The slices of a case, from memory or read again.
    ///
    /// # Errors
    /// What reading reports; `Dataset` when the case has changed since it was first read.
    pub fn slices(&self, case: usize) -> Result<Arc<Vec<ChannelSlice>>> {
        let stored = self
            .cases
            .get(case)
            .ok_or_else(|| Error::Internal(format!("case {case} of {}", self.cases.len())))?;
        if let Some(kept) = &stored.kept {
            return Ok(kept.clone());
        }
        let (slices, summary) = case_slices(&self.dataset, stored.index, &self.config)?;
        if summary != stored.summary {
            return Err(Error::Dataset(format!(
                "case \"{}\" changed while it was trained with; expected the same image and labels",
                summary.case
            )));
        }
        Ok(Arc::new(slices))
    }

    /// What was read and what was left out.
    pub fn summary(&self) -> SetSummary {
        SetSummary {
            cases: self.cases.iter().map(|case| case.summary.clone()).collect(),
            skipped: self.skipped.clone(),
            in_memory: self.cases.iter().all(|case| case.kept.is_some()),
        }
    }
}
