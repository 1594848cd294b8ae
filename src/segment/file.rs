//! From a NIfTI file to NIfTI files.

use super::segmenter::{Report, Segmenter};
use super::slice_result::Wanted;
use crate::error::{Error, Result};
use crate::memory::filled;
use crate::volume::{SliceSource, Volume, nifti_file};
use ndarray::Axis;
use std::path::{Path, PathBuf};

/// Where the results go; what is `None` is not made.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutputPaths<'a> {
    /// Final labels, uint8.
    pub labels: Option<&'a Path>,
    /// Labels of the fast-thinking network alone, uint8.
    pub fast_labels: Option<&'a Path>,
    /// Final probabilities, float32, 4-D with the class as fourth axis.
    pub probabilities: Option<&'a Path>,
    /// Entropy in nats, float32.
    pub entropy: Option<&'a Path>,
    /// Disagreement of the stages, float32.
    pub disagreement: Option<&'a Path>,
}

impl OutputPaths<'_> {
    fn all(&self) -> impl Iterator<Item = &Path> {
        [self.labels, self.fast_labels, self.probabilities, self.entropy, self.disagreement]
            .into_iter()
            .flatten()
    }

    /// Refuses to make nothing, and two results at one place.
    fn validate(&self, image: &Path) -> Result<()> {
        if self.all().next().is_none() {
            return Err(Error::InvalidArgument("no output path is given; expected at least one".to_owned()));
        }
        let mut seen = vec![place(image)];
        for path in self.all() {
            let own = place(path);
            if seen.contains(&own) {
                return Err(Error::InvalidArgument(format!(
                    "{}: two of input and outputs lie here; expected different places",
                    path.display()
                )));
            }
            nifti_file::check_name(path)?;
            seen.push(own);
        }
        Ok(())
    }
}

/// Where a path leads, whatever it is called: by links, by `.` and `..`, from the folder of the process.
fn place(path: &Path) -> PathBuf {
    let of_new_file = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(of_new_file).unwrap_or_else(|| path.to_owned())
}

impl Segmenter {
    /// Segments an image whose channels lie in one file or several, on one grid, and writes the results on the first
    /// file's grid, with its affine. The volumes of a 4-D file are channels.
    ///
    /// `goes_on` is asked after every slice, with the number of those done and of all, whether to go on.
    ///
    /// Each file is written whole or not at all; none is written when segmenting fails or is cancelled.
    pub fn run_files(
        &self,
        images: &[&Path],
        outputs: &OutputPaths,
        goes_on: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<Report> {
        let image = *images.first().ok_or_else(|| {
            Error::InvalidArgument("no image file is given; expected one at least".to_owned())
        })?;
        for image in images {
            outputs.validate(image)?;
        }
        let mut channels = Vec::new();
        for image in images {
            for frame in 0..nifti_file::read_frame_count(image)? {
                if channels.len() as i64 == self.model().architecture().channels {
                    return Err(Error::InvalidShape(format!(
                        "{}: there are more channels than the {} that the model was made for",
                        image.display(),
                        channels.len()
                    )));
                }
                channels.push(nifti_file::read_image_frame(image, frame)?);
            }
        }
        let Some((volume, grid)) = channels.first() else {
            return Err(Error::format(image, "holds no volume"));
        };
        let sources: Vec<&dyn SliceSource> = channels.iter().map(|(volume, _)| volume as _).collect();
        let (slices, height, width) = volume.voxels.dim();
        let shape = (slices, height, width);
        let wanted = Wanted {
            probabilities: outputs.probabilities.is_some(),
            fast_labels: outputs.fast_labels.is_some(),
            entropy: outputs.entropy.is_some(),
            disagreement: outputs.disagreement.is_some(),
        };
        let classes = self.model().class_names().len();
        let mut labels = filled(shape, 0u8, "labels")?;
        let mut fast_labels = outputs.fast_labels.map(|_| filled(shape, 0u8, "labels")).transpose()?;
        let mut entropy = outputs.entropy.map(|_| filled(shape, 0f32, "entropy")).transpose()?;
        let mut disagreement =
            outputs.disagreement.map(|_| filled(shape, 0f32, "disagreement")).transpose()?;
        let probabilities = outputs.probabilities;
        let mut probabilities = probabilities
            .map(|_| filled((classes, slices, height, width), 0f32, "probabilities"))
            .transpose()?;
        let report = self
            .run(&sources, wanted, &mut |z, result| {
                labels.index_axis_mut(Axis(0), z).assign(&result.labels);
                if let (Some(all), Some(one)) = (&mut fast_labels, &result.fast_labels) {
                    all.index_axis_mut(Axis(0), z).assign(one);
                }
                if let (Some(all), Some(one)) = (&mut entropy, &result.entropy) {
                    all.index_axis_mut(Axis(0), z).assign(one);
                }
                if let (Some(all), Some(one)) = (&mut disagreement, &result.disagreement) {
                    all.index_axis_mut(Axis(0), z).assign(one);
                }
                if let (Some(all), Some(one)) = (&mut probabilities, &result.probabilities) {
                    all.index_axis_mut(Axis(1), z).assign(one);
                }
                if goes_on(z + 1, slices) { Ok(()) } else { Err(Error::Cancelled) }
            })
            .map_err(|error| error.in_file(image))?;

        let geometry = volume.geometry;
        if let Some(path) = outputs.labels {
            nifti_file::write_labels(path, &Volume { voxels: labels, geometry }, Some(grid))?;
        }
        if let (Some(path), Some(voxels)) = (outputs.fast_labels, fast_labels) {
            nifti_file::write_labels(path, &Volume { voxels, geometry }, Some(grid))?;
        }
        if let (Some(path), Some(voxels)) = (outputs.entropy, entropy) {
            nifti_file::write_image(path, &Volume { voxels, geometry }, Some(grid))?;
        }
        if let (Some(path), Some(voxels)) = (outputs.disagreement, disagreement) {
            nifti_file::write_image(path, &Volume { voxels, geometry }, Some(grid))?;
        }
        if let (Some(path), Some(voxels)) = (outputs.probabilities, probabilities) {
            nifti_file::write_channels(path, &voxels, &geometry, Some(grid))?;
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_many_names() {
        let folder = tempfile::tempdir().unwrap();
        let (scan, link) = (folder.path().join("scan.nii"), folder.path().join("link.nii"));
        std::fs::write(&scan, "").unwrap();
        std::os::unix::fs::symlink(&scan, &link).unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let around = folder.path().join("in/../scan.nii");
        let (new, new_around) = (folder.path().join("new.nii"), folder.path().join("in/../new.nii"));
        let refused = |labels: &Path, entropy: Option<&Path>| {
            OutputPaths { labels: Some(labels), entropy, ..OutputPaths::default() }.validate(&scan).is_err()
        };
        assert!(refused(&scan, None) && refused(&link, None) && refused(&around, None));
        assert!(refused(&new, Some(&new_around)));
        assert!(!refused(&new, None) && !refused(&new, Some(&folder.path().join("in/new.nii"))));
    }
}
