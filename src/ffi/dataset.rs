//! Datasets.

use super::borrowed_case::BorrowedCase;
use super::guard::{guard, guard_always};
use super::image::{self, Named, coopseg_image};
use super::registry;
use super::status::coopseg_status;
use super::text::{path, read, read_or_empty, require, write_json, write_text};
use super::volume::{LoadedVolume, coopseg_volume};
use crate::dataset::{Dataset, FolderOptions, SplitOptions};
use crate::error::{Error, Result};
use crate::phantom;
use crate::schema;
use crate::volume::Volume;
use serde_json::json;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, RwLock};

/// A list of cases: images with (or without) their label maps, in files or in memory. A case is named
/// "subject" or "subject/frame".
pub struct coopseg_dataset {
    _private: [u8; 0],
}

/// Finds the cases of a folder of NIfTI files, or of a list. Files are read when they are needed, not by this call.
///
/// @param folder        Path of the folder, or of a JSON or CSV file that lists the cases ("name", "subject",
///                      "image", "label").
/// @param options_json  JSON object: "layout" ("auto", which detects it, "pattern", "images_labels", "list",
///                      "acdc", "mnms" or "nnunet"), "image" and "label" (patterns relative to the folder; a *
///                      matches within one name, and the texts that it matched for an image name the case and
///                      replace the stars of "label"; image.nii.gz and label.nii.gz in a folder per case where none is
///                      given),
///                      "label_map" (raw label value to class), "keep_unlabelled" (an image without a label file
///                      is a case), "subjects" (only these). NULL or "" for the defaults. See
///                      `coopseg_config_schema("folder")`.
/// @param out_dataset   Receives the handle. Free it with `coopseg_dataset_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_FILE_NOT_FOUND`;
///         `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT` (a list or description that cannot be read);
///         `COOPSEG_INVALID_DATASET` (no match, a missing label or subject, by name).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_open(
    folder: *const c_char,
    options_json: *const c_char,
    out_dataset: *mut *mut coopseg_dataset,
) -> coopseg_status {
    guard(|| {
        require(out_dataset, "out_dataset")?;
        // SAFETY: zero-ended texts or NULL by contract.
        let (folder, options) =
            unsafe { (path(folder, "folder")?, read_or_empty(options_json, "options_json")?) };
        let options: FolderOptions = schema::overlay_text(&FolderOptions::default(), options)?;
        let dataset = registry::insert(RwLock::new(Dataset::open_folder(folder, &options)?));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_dataset.write(dataset) };
        Ok(())
    })
}

/// Makes an empty dataset for `coopseg_dataset_add`.
///
/// @param out_dataset  Receives the handle. Free it with `coopseg_dataset_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_new(out_dataset: *mut *mut coopseg_dataset) -> coopseg_status {
    guard(|| {
        require(out_dataset, "out_dataset")?;
        let dataset = registry::insert(RwLock::new(Dataset::new()));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_dataset.write(dataset) };
        Ok(())
    })
}

/// Makes a dataset of synthetic short-axis hearts as different scanners would show them (classes: 1 LV
/// cavity, 2 myocardium, 3 RV). The same options give the same dataset.
///
/// @param options_json  JSON object: "subjects", "scanner" ("A" to "D"), "seed", "slices", "size", "spacing",
///                      "artefact"; NULL or "" for the defaults. See `coopseg_config_schema("synthetic")`.
/// @param out_dataset   Receives the handle. Free it with `coopseg_dataset_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_OUT_OF_MEMORY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_synthetic(
    options_json: *const c_char,
    out_dataset: *mut *mut coopseg_dataset,
) -> coopseg_status {
    guard(|| {
        require(out_dataset, "out_dataset")?;
        // SAFETY: zero-ended text or NULL by contract.
        let options = unsafe { read_or_empty(options_json, "options_json") }?;
        let options: phantom::Options = schema::overlay_text(&phantom::Options::default(), options)?;
        let dataset = registry::insert(RwLock::new(Dataset::synthetic(&options)?));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_dataset.write(dataset) };
        Ok(())
    })
}

/// Adds a case from the caller's memory. Image and labels are copied.
///
/// @param dataset  Used exclusively during the call.
/// @param name     Name of the case, unique in the dataset: "subject" or "subject/frame".
/// @param image    2-D or 3-D, any type.
/// @param labels   Class indices 0 to 254 on the image's grid, any integer type; NULL where there are none.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_STRUCT_SIZE`;
///         `COOPSEG_INVALID_ARGUMENT`; `COOPSEG_INVALID_SHAPE` (also when image and labels differ);
///         `COOPSEG_INVALID_GEOMETRY`; `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_DATASET` (name taken);
///         `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_BUSY`.
/// Threads: one call that changes a dataset at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_add(
    dataset: *mut coopseg_dataset,
    name: *const c_char,
    image: *const coopseg_image,
    labels: *const coopseg_image,
) -> coopseg_status {
    // SAFETY: passed on; one pointer is an array of one.
    guard(|| unsafe { add(dataset, name, &Named::only(image), labels) })
}

/// Adds a case of several channels, such as MR sequences that lie on one grid, from the caller's memory. Everything
/// is copied.
///
/// @param dataset        Used exclusively during the call.
/// @param name           Name of the case, unique in the dataset: "subject" or "subject/frame".
/// @param channels       An array of images on one grid, each as for `coopseg_dataset_add`; channels that are
///                       interleaved in memory are described by strides.
/// @param channel_count  Number of images, 1 to 4.
/// @param labels         As for `coopseg_dataset_add`.
/// @return As `coopseg_dataset_add`; `COOPSEG_INVALID_SHAPE` and `COOPSEG_INVALID_GEOMETRY` also for channels on
///         different grids.
/// Threads: one call that changes a dataset at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_add_channels(
    dataset: *mut coopseg_dataset,
    name: *const c_char,
    channels: *const *const coopseg_image,
    channel_count: i32,
    labels: *const coopseg_image,
) -> coopseg_status {
    guard(|| {
        // SAFETY: an array of that many pointers by contract.
        let channels = unsafe { image::channels(channels, channel_count) }?;
        // SAFETY: passed on.
        unsafe { add(dataset, name, &channels, labels) }
    })
}

/// # Safety
/// Text and images are as the caller of the C function promises.
unsafe fn add(
    dataset: *mut coopseg_dataset,
    name: *const c_char,
    channels: &[Named],
    labels: *const coopseg_image,
) -> Result<()> {
    let dataset = registry::get(dataset, "dataset")?;
    // SAFETY: by the caller's contract.
    let name = unsafe { read(name, "name") }?;
    let channels: Vec<Volume<f32>> = channels
        .iter()
        .map(|channel| {
            // SAFETY: by the caller's contract.
            let view = unsafe { image::view(channel.image, channel.parameter) }?;
            Ok(Volume { voxels: view.to_f32()?, geometry: *view.geometry() })
        })
        .collect::<Result<_>>()?;
    let labels = if labels.is_null() {
        None
    } else {
        // SAFETY: by the caller's contract.
        let view = unsafe { image::view(labels, "labels") }?;
        let voxels = view.labels(255).map_err(|error| error.in_parameter("labels"))?;
        Some(Volume { voxels, geometry: *view.geometry() })
    };
    let mut dataset = dataset.try_write().map_err(|_| {
        Error::Busy("`dataset` is in use by another call; add cases one at a time".to_owned())
    })?;
    dataset.push_channels(name, channels, labels)
}

/// Makes a dataset of some cases of another, for splits. Images in memory are shared, not copied.
///
/// @param dataset      Shared use.
/// @param indices      Positions of the cases, each from 0 to count - 1 of `coopseg_dataset_info`.
/// @param count        Number of indices, at least 1.
/// @param out_dataset  Receives the handle. Free it with `coopseg_dataset_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (an index
///         that is outside or named twice); `COOPSEG_BUSY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_select(
    dataset: *const coopseg_dataset,
    indices: *const usize,
    count: usize,
    out_dataset: *mut *mut coopseg_dataset,
) -> coopseg_status {
    guard(|| {
        if count == 0 {
            return Err(Error::InvalidArgument("`count` is 0; expected at least 1".to_owned()));
        }
        require(indices, "indices")?;
        require(out_dataset, "out_dataset")?;
        let dataset = registry::get(dataset, "dataset")?;
        let dataset = shared(&dataset)?;
        if count > dataset.len() {
            return Err(Error::InvalidArgument(format!(
                "`count` is {count}, but the dataset has {} cases",
                dataset.len()
            )));
        }
        // SAFETY: `count` indices by contract; the count is small, as checked.
        let indices = unsafe { std::slice::from_raw_parts(indices, count) };
        let selected = registry::insert(RwLock::new(dataset.select(indices)?));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_dataset.write(selected) };
        Ok(())
    })
}

/// Is told that borrowed voxels are needed no longer. It may be called on any thread and must return normally.
///
/// @param user_data  As given to `coopseg_dataset_borrow`.
pub type coopseg_release_callback = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// Adds a case without copying it: image and labels stay the caller's and must neither change nor go away until
/// `release` is called. That happens once, when the last dataset and trainer that use the case are gone, on
/// whichever thread that is; not when this call fails.
///
/// @param dataset            Used exclusively during the call.
/// @param name               Name of the case, unique in the dataset: "subject" or "subject/frame".
/// @param channels           An array of images on one grid, 2-D or 3-D, any type. The array and the structs
///                           themselves are copied.
/// @param channel_count      Number of images, 1 to 4.
/// @param labels             Class indices 0 to 254 on the image's grid, any integer type; NULL where there are
///                           none.
/// @param release            NULL where the voxels live as long as the process.
/// @param release_user_data  Passed to `release`; must be usable from any thread.
/// @return As `coopseg_dataset_add`; label values are looked at when the case is used.
/// Threads: one call that changes a dataset at a time.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_borrow(
    dataset: *mut coopseg_dataset,
    name: *const c_char,
    channels: *const *const coopseg_image,
    channel_count: i32,
    labels: *const coopseg_image,
    release: coopseg_release_callback,
    release_user_data: *mut c_void,
) -> coopseg_status {
    guard(|| {
        let dataset = registry::get(dataset, "dataset")?;
        // SAFETY: text and images by the caller's contract.
        let name = unsafe { read(name, "name") }?;
        // SAFETY: an array of that many pointers by contract.
        let channels = unsafe { image::channels(channels, channel_count) }?;
        // SAFETY: the caller keeps the voxels until `release`.
        let case = unsafe { BorrowedCase::new(&channels, labels, release, release_user_data) }?;
        let case = Arc::new(case);
        let mut dataset = dataset.try_write().map_err(|_| {
            Error::Busy("`dataset` is in use by another call; wait for it to return".to_owned())
        })?;
        dataset.push_external(name, case.clone())?;
        case.accept();
        Ok(())
    })
}

/// Splits a dataset in two, with all cases of a subject on one side.
///
/// @param dataset       Shared use.
/// @param options_json  JSON object with one of "held_out" (list of subjects), "fraction" (share of the subjects, at
///                      random by "seed") or "folds" (k-fold, with "fold" and "seed"). See
///                      `coopseg_config_schema("split")`.
/// @param out_first     Receives what is left to train with. Free it with `coopseg_dataset_free`.
/// @param out_second    Receives the held-out part. Free it with `coopseg_dataset_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_CONFIG`;
///         `COOPSEG_INVALID_DATASET` (a subject that is not there, or an empty part); `COOPSEG_BUSY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_split(
    dataset: *const coopseg_dataset,
    options_json: *const c_char,
    out_first: *mut *mut coopseg_dataset,
    out_second: *mut *mut coopseg_dataset,
) -> coopseg_status {
    guard(|| {
        require(out_first, "out_first")?;
        require(out_second, "out_second")?;
        // SAFETY: zero-ended text or NULL by contract.
        let options = unsafe { read_or_empty(options_json, "options_json") }?;
        let options: SplitOptions = schema::overlay_text(&SplitOptions::default(), options)?;
        let dataset = registry::get(dataset, "dataset")?;
        let (first, second) = shared(&dataset)?.split(&options)?;
        // SAFETY: not NULL, writable by contract.
        unsafe {
            out_first.write(registry::insert(RwLock::new(first)));
            out_second.write(registry::insert(RwLock::new(second)));
        }
        Ok(())
    })
}

/// Lists the cases of a dataset, in order.
///
/// @param dataset   Shared use.
/// @param out_json  Receives a JSON object: "count" and "cases", each with "name", "subject",
///                  "attributes" (what the dataset says of the case, such as "phase"), "has_labels", "image" and
///                  "label" (paths, or null), "frame" (which volume of a 4-D file, from 0; null: the whole file).
///                  Free it with `coopseg_string_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_info(
    dataset: *const coopseg_dataset,
    out_json: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        require(out_json, "out_json")?;
        let dataset = registry::get(dataset, "dataset")?;
        let dataset = shared(&dataset)?;
        let cases: Vec<_> = dataset
            .cases()
            .iter()
            .map(|case| {
                json!({
                    "name": case.name,
                    "subject": case.subject,
                    "attributes": case.attributes,
                    "has_labels": case.has_labels(),
                    "frame": case.frame(),
                    "image": case.image_file().map(|path| path.display().to_string()),
                    "label": case.label_file().map(|path| path.display().to_string()),
                })
            })
            .collect();
        // SAFETY: not NULL, writable by contract.
        unsafe { write_json(out_json, &json!({ "count": cases.len(), "cases": cases })) }
    })
}

/// Counts the cases of a dataset.
///
/// @param dataset    Shared use.
/// @param out_count  Receives the number.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_count(
    dataset: *const coopseg_dataset,
    out_count: *mut usize,
) -> coopseg_status {
    guard(|| {
        require(out_count, "out_count")?;
        let dataset = registry::get(dataset, "dataset")?;
        let count = shared(&dataset)?.len();
        // SAFETY: not NULL, writable by contract.
        unsafe { out_count.write(count) };
        Ok(())
    })
}

/// Tells the name and the files of one case.
///
/// @param dataset     Shared use.
/// @param index       0 to count - 1.
/// @param out_name    Receives the name; free it with `coopseg_string_free`. May be NULL.
/// @param out_image   Receives the path of the image, of the first channel where each has a file, or NULL for a case
///                    in memory; free it with `coopseg_string_free`. May be NULL. The file may hold more volumes
///                    than the case's: "frame" of `coopseg_dataset_info`.
/// @param out_labels  Receives the path of the label map, or NULL where there is none or the case is in
///                    memory; free it with `coopseg_string_free`. May be NULL.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (index);
///         `COOPSEG_BUSY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_case(
    dataset: *const coopseg_dataset,
    index: usize,
    out_name: *mut *mut c_char,
    out_image: *mut *mut c_char,
    out_labels: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        let dataset = registry::get(dataset, "dataset")?;
        let dataset = shared(&dataset)?;
        let case = dataset.case(index)?;
        let name = case.name.as_bytes();
        let image = case.image_file().map(|path| path.as_os_str().as_encoded_bytes());
        let labels = case.label_file().map(|path| path.as_os_str().as_encoded_bytes());
        // SAFETY: each is NULL or writable by contract.
        unsafe {
            write_text(out_name, Some(name))?;
            write_text(out_image, image)?;
            write_text(out_labels, labels)
        }
    })
}

/// Reads one case, whose image has one channel.
///
/// @param dataset     Shared use.
/// @param index       0 to count - 1.
/// @param classes     Number of classes, 2 to 255; label values beyond are refused.
/// @param out_image   Receives the image (`COOPSEG_F32`). Free it with `coopseg_volume_free`. May be NULL.
/// @param out_labels  Receives the class indices after the dataset's label map (`COOPSEG_U8`), or NULL where the
///                    case has none. Free it with `coopseg_volume_free`. May be NULL.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT`;
///         `COOPSEG_INVALID_SHAPE` (image and labels of different shapes, or an image of several channels: see
///         `coopseg_dataset_load_channels`); `COOPSEG_INVALID_GEOMETRY` (image and labels on different grids);
///         `COOPSEG_INVALID_LABEL`; what reading files reports; `COOPSEG_BUSY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_load(
    dataset: *const coopseg_dataset,
    index: usize,
    classes: i32,
    out_image: *mut *mut coopseg_volume,
    out_labels: *mut *mut coopseg_volume,
) -> coopseg_status {
    guard(|| {
        let classes = class_count(classes)?;
        let dataset = registry::get(dataset, "dataset")?;
        let (image, labels) = shared(&dataset)?.load(index, classes)?;
        if !out_image.is_null() {
            // SAFETY: not NULL, writable by contract.
            unsafe { out_image.write(registry::insert(LoadedVolume::Image(image))) };
        }
        // SAFETY: NULL or writable by contract.
        unsafe { write_classes(out_labels, labels) };
        Ok(())
    })
}

/// Reads one case, whose image has any number of channels.
///
/// @param dataset            Shared use.
/// @param index              0 to count - 1.
/// @param classes            Number of classes, 2 to 255; label values beyond are refused.
/// @param out_channels       An array that receives an image (`COOPSEG_F32`) for each channel, in their order and on one
///                           grid, and NULL beyond them. Free each with `coopseg_volume_free`. May be NULL, for the
///                           labels alone.
/// @param capacity           Length of that array. No case has more than 4 channels. 0 if `out_channels` is NULL.
/// @param out_channel_count  Receives the number of channels. May be NULL.
/// @param out_labels         Receives the class indices after the dataset's label map (`COOPSEG_U8`), or NULL where the
///                           case has none. Free it with `coopseg_volume_free`. May be NULL.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_ARGUMENT` (index, classes,
///         a capacity below the number of channels); `COOPSEG_INVALID_SHAPE` and `COOPSEG_INVALID_GEOMETRY` (channels,
///         or image and labels, on different grids); `COOPSEG_INVALID_LABEL`; what reading files reports;
///         `COOPSEG_BUSY`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_load_channels(
    dataset: *const coopseg_dataset,
    index: usize,
    classes: i32,
    out_channels: *mut *mut coopseg_volume,
    capacity: usize,
    out_channel_count: *mut usize,
    out_labels: *mut *mut coopseg_volume,
) -> coopseg_status {
    guard(|| {
        let classes = class_count(classes)?;
        let dataset = registry::get(dataset, "dataset")?;
        let (channels, labels) = shared(&dataset)?.load_channels(index, classes)?;
        let count = channels.len();
        if !out_channels.is_null() {
            if capacity < count {
                return Err(Error::InvalidArgument(format!(
                    "`capacity` is {capacity}, but the case has {count} channels"
                )));
            }
            let mut channels =
                channels.into_iter().map(|channel| registry::insert(LoadedVolume::Image(channel)));
            for place in 0..capacity {
                // SAFETY: not NULL, as many places by contract; what they held is not looked at.
                unsafe { out_channels.add(place).write(channels.next().unwrap_or(std::ptr::null_mut())) };
            }
        }
        if !out_channel_count.is_null() {
            // SAFETY: not NULL, writable by contract.
            unsafe { out_channel_count.write(count) };
        }
        // SAFETY: NULL or writable by contract.
        unsafe { write_classes(out_labels, labels) };
        Ok(())
    })
}

fn class_count(classes: i32) -> Result<usize> {
    if !(2..=255).contains(&classes) {
        return Err(Error::InvalidArgument(format!("`classes` is {classes}; expected 2 to 255")));
    }
    Ok(classes.unsigned_abs() as usize)
}

/// # Safety
/// `out_labels` is NULL or writable.
unsafe fn write_classes(out_labels: *mut *mut coopseg_volume, labels: Option<Volume<u8>>) {
    if !out_labels.is_null() {
        let labels = labels.map(|labels| registry::insert(LoadedVolume::Classes(labels)));
        // SAFETY: not NULL, writable by contract.
        unsafe { out_labels.write(labels.unwrap_or(std::ptr::null_mut())) };
    }
}

/// Writes every case as NIfTI files `<folder>/<name>/image.nii.gz` and, where it has labels,
/// `<folder>/<name>/label.nii.gz`, with "_" for every "/" of a name, and at last their names and subjects into the list
/// `<folder>/cases.json`, beside others that it holds: `coopseg_dataset_open` finds them by it. Files that are
/// there are replaced; a label map that is there is removed where the case has none.
///
/// @param dataset  Shared use.
/// @param folder   Path of a folder; made where it does not exist.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_BUSY`;
///         `COOPSEG_INVALID_DATASET` (two cases would share a folder); `COOPSEG_FILE_FORMAT` (a cases.json
///         that is no list); `COOPSEG_FILE_IO`; `COOPSEG_OUT_OF_MEMORY`; what reading the cases reports.
/// Threads: any number of calls at once, with different folders.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_dataset_write(
    dataset: *const coopseg_dataset,
    folder: *const c_char,
) -> coopseg_status {
    guard(|| {
        let dataset = registry::get(dataset, "dataset")?;
        // SAFETY: zero-ended text or NULL by contract.
        let folder = unsafe { path(folder, "folder") }?;
        shared(&dataset)?.write(folder)
    })
}

/// Frees a dataset. Trainers that were made from it are not affected.
///
/// @param dataset  NULL does nothing.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a dataset).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_dataset_free(dataset: *mut coopseg_dataset) -> coopseg_status {
    guard_always(|| registry::remove(dataset, "dataset"))
}

/// The dataset for reading, or `Busy` while a case is being added.
pub(super) fn shared(dataset: &RwLock<Dataset>) -> Result<std::sync::RwLockReadGuard<'_, Dataset>> {
    dataset.try_read().map_err(|_| {
        Error::Busy("the dataset is being changed by another call; wait for it to return".to_owned())
    })
}
