//! The Automated Cardiac Diagnosis Challenge (Bernard et al. 2018), as downloaded.

use super::{Found, entries, file_name, nifti_named, not_of, read_text};
use crate::dataset::NiftiSource;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Whether there is a patient's folder.
pub(super) fn fits(folder: &Path) -> bool {
    patients(folder).is_ok_and(|patients| !patients.is_empty())
}

/// Two cases for each patient: "patientNNN/ED" and "patientNNN/ES".
pub(super) fn find(folder: &Path) -> Result<Vec<Found>> {
    let patients = patients(folder)?;
    if patients.is_empty() {
        return Err(not_of(folder, "folders \"patientNNN\" with a file Info.cfg within"));
    }
    let mut found = Vec::new();
    for patient in patients {
        let subject = file_name(&patient).to_owned();
        let information = patient.join("Info.cfg");
        let attributes = information_of(&information)?;
        for phase in ["ED", "ES"] {
            let frame =
                attributes.get(phase).and_then(|frame| frame.parse::<u32>().ok()).ok_or_else(|| {
                    Error::format(
                        &information,
                        format!("expected a line \"{phase}: \" with the number of a frame"),
                    )
                })?;
            let stem = format!("{subject}_frame{frame:02}");
            let image = nifti_named(&patient, &stem).ok_or_else(|| {
                Error::Dataset(format!(
                    "case \"{subject}/{phase}\": {}.nii.gz does not exist, but {} names its frame",
                    patient.join(&stem).display(),
                    information.display()
                ))
            })?;
            let mut own = attributes.clone();
            own.insert("phase".to_owned(), phase.to_owned());
            found.push(Found {
                name: format!("{subject}/{phase}"),
                subject: subject.clone(),
                image: vec![NiftiSource::whole(image)],
                label: nifti_named(&patient, &format!("{stem}_gt")).map(NiftiSource::whole),
                attributes: own,
            });
        }
    }
    Ok(found)
}

/// Folders of patients, in the folder itself or in "training" and "testing", also within "database", as the archive has it.
fn patients(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut patients = Vec::new();
    for parent in ["", "training", "testing", "database/training", "database/testing"] {
        let parent = folder.join(parent);
        if parent.is_dir() {
            let own = entries(&parent)?;
            patients
                .extend(own.into_iter().filter(|path| {
                    file_name(path).starts_with("patient") && path.join("Info.cfg").is_file()
                }));
        }
    }
    Ok(patients)
}

/// The lines "key: value".
fn information_of(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = read_text(path)?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    Ok(lines.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect())
}
