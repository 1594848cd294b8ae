//! From a case of a dataset to slices at the networks' spacing.

use super::configuration::Configuration;
use crate::augment::Slice;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::volume::{NetworkGrid, normalise};
use ndarray::Axis;

/// Reads one case: intensities in [0, 1], resampled in-plane, not yet padded or cropped.
///
/// # Errors
/// `Dataset` for a case without a label map, naming it; what reading and preprocessing report, with the name
/// of the case.
pub fn case_slices(dataset: &Dataset, index: usize, config: &Configuration) -> Result<Vec<Slice>> {
    let name = &dataset.case(index)?.name;
    let (mut image, labels) = dataset.load(index, config.network.classes.len())?;
    let labels = labels.ok_or_else(|| {
        Error::Dataset(format!("case \"{name}\" has no label map; training and validation need one"))
    })?;
    normalise(&mut image, config.preprocess.percentiles).map_err(|error| error.in_case(name))?;
    let grid = NetworkGrid::of_volume(&image, &config.preprocess).map_err(|error| error.in_case(name))?;
    let slices = image.voxels.axis_iter(Axis(0)).zip(labels.voxels.axis_iter(Axis(0)));
    Ok(slices
        .map(|(image, label)| Slice { image: grid.resample_image(image), label: grid.resample_labels(label) })
        .collect())
}
