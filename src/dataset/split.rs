//! Splits of a dataset into a part to train with and a part to keep.

use super::Dataset;
use crate::error::{Error, Result};
use crate::random::{self, Purpose};
use rand::seq::SliceRandom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a dataset is split in two. All cases of a subject come on one side. Exactly one of `held_out`, `fraction` and
/// `folds` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SplitOptions {
    /// Subjects of the second part, by name. Default: null.
    pub held_out: Option<Vec<String>>,
    /// Share of the subjects that come into the second part, at random; at least one on each side. Default: null.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub fraction: Option<f64>,
    /// Number of parts of (nearly) the same number of subjects, at random, of which one is kept. Default: null.
    #[schemars(range(min = 2, max = 100000))]
    pub folds: Option<usize>,
    /// Which of the `folds` is kept, from 0. Default: 0.
    #[schemars(range(min = 0, max = 99999))]
    pub fold: usize,
    /// Seed of the random order. The same seed gives the same split of the same subjects, in whatever order
    /// they come. Default: 0.
    pub seed: u64,
}

impl Dataset {
    /// The two parts, each in the order of the dataset.
    ///
    /// # Errors
    /// `InvalidConfig` where not exactly one way is given or a fold does not exist; `Dataset` for a subject that is
    /// not there, and where a part would be empty.
    pub fn split(&self, options: &SplitOptions) -> Result<(Dataset, Dataset)> {
        let mut subjects: Vec<&str> = self.cases().iter().map(|case| case.subject.as_str()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let count = subjects.len();
        let shuffled = || {
            let mut shuffled = subjects.clone();
            shuffled.shuffle(&mut random::stream(options.seed, Purpose::Split, [0; 3]));
            shuffled
        };
        let kept: Vec<&str> = match (&options.held_out, options.fraction, options.folds) {
            (Some(names), None, None) => {
                if let Some(missing) = names.iter().find(|name| !subjects.contains(&name.as_str())) {
                    return Err(Error::Dataset(format!(
                        "`held_out` names \"{missing}\", who is no subject of the dataset"
                    )));
                }
                names.iter().map(String::as_str).collect()
            }
            (None, Some(fraction), None) => {
                let share = (fraction * count as f64).round() as usize;
                shuffled().into_iter().take(share.clamp(1, count.saturating_sub(1).max(1))).collect()
            }
            (None, None, Some(folds)) => {
                if options.fold >= folds {
                    return Err(Error::InvalidConfig(format!(
                        "`fold` is {}; expected less than `folds` ({folds})",
                        options.fold
                    )));
                }
                if folds > count {
                    return Err(Error::Dataset(format!(
                        "`folds` is {folds}, but the dataset has {count} subject(s)"
                    )));
                }
                shuffled().into_iter().skip(options.fold).step_by(folds).collect()
            }
            _ => {
                return Err(Error::InvalidConfig(
                    "expected exactly one of `held_out`, `fraction` and `folds`".to_owned(),
                ));
            }
        };
        let (second, first): (Vec<usize>, Vec<usize>) = (0..self.len()).partition(|&index| {
            self.cases().get(index).is_some_and(|case| kept.contains(&case.subject.as_str()))
        });
        if first.is_empty() || second.is_empty() {
            return Err(Error::Dataset(format!(
                "the split leaves one part empty; the dataset has {count} subject(s), {} of them held out",
                kept.len()
            )));
        }
        Ok((self.select(&first)?, self.select(&second)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom;
    use std::collections::BTreeSet;

    fn dataset(subjects: usize) -> Dataset {
        Dataset::synthetic(&phantom::Options { subjects, ..phantom::Options::default() }).unwrap()
    }

    fn subjects(dataset: &Dataset) -> BTreeSet<String> {
        dataset.cases().iter().map(|case| case.subject.clone()).collect()
    }

    #[test]
    fn folds_keep_every_subject_once() {
        let all = dataset(11);
        let mut seen = BTreeSet::new();
        for fold in 0..4 {
            let options = SplitOptions { folds: Some(4), fold, seed: 3, ..SplitOptions::default() };
            let (first, second) = all.split(&options).unwrap();
            assert!(subjects(&first).is_disjoint(&subjects(&second)));
            assert_eq!(first.len() + second.len(), 11);
            assert!((2..=3).contains(&second.len()));
            for subject in subjects(&second) {
                assert!(seen.insert(subject));
            }
        }
        assert_eq!(seen.len(), 11);
    }

    #[test]
    fn fractions_repeat_by_seed_whatever_the_order() {
        let all = dataset(10);
        let reversed = all.select(&(0..10).rev().collect::<Vec<_>>()).unwrap();
        let options = |seed| SplitOptions { fraction: Some(0.3), seed, ..SplitOptions::default() };
        let kept = |dataset: &Dataset, seed| subjects(&dataset.split(&options(seed)).unwrap().1);
        assert_eq!(kept(&all, 1).len(), 3);
        assert_eq!(kept(&all, 1), kept(&reversed, 1));
        assert!((0..10).any(|seed| kept(&all, seed) != kept(&all, 1)));
        let tiny = SplitOptions { fraction: Some(0.0), ..SplitOptions::default() };
        assert_eq!(all.split(&tiny).unwrap().1.len(), 1);
    }

    #[test]
    fn lists_name_subjects_and_faults_are_told() {
        let all = dataset(3);
        let names: Vec<String> = subjects(&all).into_iter().collect();
        let held_out =
            |names: &[String]| SplitOptions { held_out: Some(names.to_vec()), ..SplitOptions::default() };
        let (first, second) = all.split(&held_out(&names[..1])).unwrap();
        assert_eq!((first.len(), subjects(&second)), (2, names[..1].iter().cloned().collect()));
        let message = |options: &SplitOptions| all.split(options).unwrap_err().to_string();
        assert!(message(&held_out(&["nobody".to_owned()])).contains("nobody"));
        assert!(message(&held_out(&names)).contains("one part empty"));
        assert!(message(&SplitOptions::default()).contains("exactly one of"));
        let fold = SplitOptions { folds: Some(2), fold: 2, ..SplitOptions::default() };
        assert!(message(&fold).contains("`fold` is 2"));
        assert!(
            message(&SplitOptions { folds: Some(9), ..SplitOptions::default() }).contains("3 subject(s)")
        );
    }
}
