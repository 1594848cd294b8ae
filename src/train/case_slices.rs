//! From a case of a dataset to slices for the networks.

use super::configuration::Configuration;
use super::data_summary::CaseSummary;
use crate::augment::ChannelSlice;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::metrics::volumes_ml;
use crate::volume::{NetworkGrid, normalise};
use ndarray::{ArrayView2, Axis};

/// Reads one case: intensities in [0, 1], resampled in-plane, not yet padded or cropped.
///
/// # Errors
/// `Dataset` for a case without a label map, naming it; what reading and preprocessing report, with the name
/// of the case.
pub fn case_slices(
    dataset: &Dataset,
    index: usize,
    config: &Configuration,
) -> Result<(Vec<ChannelSlice>, CaseSummary)> {
    let case = dataset.case(index)?;
    let name = &case.name;
    let (mut channels, labels) = dataset.load_channels(index, config.network.classes.len())?;
    let labels = labels.ok_or_else(|| {
        Error::Dataset(format!("case \"{name}\" has no label map; training and validation need one"))
    })?;
    if channels.len() as i64 != config.network.channels {
        return Err(Error::InvalidShape(format!(
            "case \"{name}\" has {} channel(s), but `network.channels` is {}",
            channels.len(),
            config.network.channels
        )));
    }
    for channel in &mut channels {
        normalise(channel, config.preprocess.percentiles).map_err(|error| error.in_case(name))?;
    }
    let grid = NetworkGrid::of_volume(&labels, &config.preprocess).map_err(|error| error.in_case(name))?;
    let slice = |(z, label): (usize, ArrayView2<u8>)| -> Result<ChannelSlice> {
        let channels =
            channels.iter().map(|channel| grid.resample_image(channel.voxels.index_axis(Axis(0), z)));
        Ok(ChannelSlice { channels: channels.collect::<Result<_>>()?, label: grid.resample_labels(label)? })
    };
    let slices: Vec<ChannelSlice> =
        labels.voxels.axis_iter(Axis(0)).enumerate().map(slice).collect::<Result<_>>()?;
    let summary = CaseSummary {
        case: name.clone(),
        subject: case.subject.clone(),
        shape: labels.shape(),
        spacing: labels.geometry.spacing,
        labelled_slices: slices.iter().filter(|slice| shows_structure(slice)).count(),
        class_millilitres: volumes_ml(
            labels.voxels.view(),
            config.network.classes.len(),
            labels.geometry.spacing,
        ),
    };
    Ok((slices, summary))
}

/// Whether anything but background is labelled.
pub fn shows_structure(slice: &ChannelSlice) -> bool {
    slice.label.iter().any(|&class| class != 0)
}
