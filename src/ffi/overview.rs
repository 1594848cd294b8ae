//! Overview pictures.

use super::guard::guard;
use super::image::{self, coopseg_image};
use super::status::coopseg_status;
use super::text::{path, read, read_sized, require};
use crate::error::{Error, Result};
use crate::memory;
use crate::picture::{OverviewRow, write_overview};
use crate::volume::ImageView;
use ndarray::{Array2, Array3, Axis};
use std::ffi::c_char;

/// Most rows of one picture.
const MOST_ROWS: usize = 64;

/// One row of an overview picture: one slice of one case. All images have the same shape; those that are NULL
/// leave an empty field.
#[repr(C)]
pub struct coopseg_overview_row {
    /// sizeof(coopseg_overview_row).
    pub struct_size: usize,
    /// Title of the row, UTF-8.
    pub title: *const c_char,
    /// The image; must be given.
    pub image: *const coopseg_image,
    /// Reference labels.
    pub reference: *const coopseg_image,
    /// Labels of the fast-thinking network alone.
    pub fast_labels: *const coopseg_image,
    /// Labels after correction.
    pub labels: *const coopseg_image,
    /// Entropy in nats.
    pub entropy: *const coopseg_image,
    /// The slice to show, from 0; -1 chooses the one with most foreground in the reference, else in the labels,
    /// else the middle one.
    pub slice: i64,
}

/// Writes a PNG picture: per row image, reference, FTN, FTN+STN and entropy side by side, with a legend.
///
/// @param rows         `count` rows.
/// @param count        1 to 64.
/// @param class_names  `classes` texts, UTF-8, background first.
/// @param classes      2 to 255.
/// @param file         Path of the picture; an existing file is replaced. Written whole or not at all.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT` (also
///         a path that is a folder or a special file); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
///         `COOPSEG_INVALID_LABEL`; `COOPSEG_FILE_NOT_FOUND` (of the folder); `COOPSEG_FILE_IO`;
///         `COOPSEG_OUT_OF_MEMORY`.
/// Threads: any number of calls at once, with different files.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_overview_write(
    rows: *const coopseg_overview_row,
    count: usize,
    class_names: *const *const c_char,
    classes: i32,
    file: *const c_char,
) -> coopseg_status {
    guard(|| {
        if !(1..=MOST_ROWS).contains(&count) {
            return Err(Error::InvalidArgument(format!("`count` is {count}; expected 1 to {MOST_ROWS}")));
        }
        if !(2..=255).contains(&classes) {
            return Err(Error::InvalidArgument(format!("`classes` is {classes}; expected 2 to 255")));
        }
        require(rows, "rows")?;
        require(class_names, "class_names")?;
        let classes = classes.unsigned_abs() as usize;
        // SAFETY: `count` rows and `classes` texts by the caller's contract.
        let (names, slices, file) = unsafe {
            let names = (0..classes)
                .map(|index| Ok(read(class_names.add(index).read(), "class_names")?.to_owned()))
                .collect::<Result<Vec<String>>>()?;
            let slices =
                (0..count).map(|index| Row::read(rows.add(index), classes)).collect::<Result<Vec<_>>>()?;
            (names, slices, path(file, "file")?)
        };
        let rows: Vec<OverviewRow> = slices.iter().map(Row::view).collect();
        write_overview(file, &rows, &names)
    })
}

/// The slice of one row, copied out of the caller's images.
struct Row {
    title: String,
    image: Array2<f32>,
    reference: Option<Array2<u8>>,
    fast_labels: Option<Array2<u8>>,
    labels: Option<Array2<u8>>,
    entropy: Option<Array2<f32>>,
    spacing: [f64; 2],
}

impl Row {
    /// # Safety
    /// `row` points to a row as its fields say.
    unsafe fn read(row: *const coopseg_overview_row, classes: usize) -> Result<Self> {
        // SAFETY: by contract.
        let (row, title, image) = unsafe {
            let row = read_sized(row, "rows", "coopseg_overview_row")?;
            (row, read(row.title, "rows->title")?, image::view(row.image, "rows->image")?)
        };
        let shape = image.shape();
        // SAFETY: images by contract, also below.
        let other = |pointer, parameter| unsafe { same_shape(pointer, parameter, shape) };
        let label_map = |pointer, parameter: &'static str| -> Result<Option<Array3<u8>>> {
            let view = other(pointer, parameter)?;
            view.map(|view| view.labels(classes).map_err(|error| error.in_parameter(parameter))).transpose()
        };
        let reference = label_map(row.reference, "rows->reference")?;
        let labels = label_map(row.labels, "rows->labels")?;
        let fast_labels = label_map(row.fast_labels, "rows->fast_labels")?;
        let z = match usize::try_from(row.slice) {
            Ok(z) if z < shape[2] => z,
            Err(_) if row.slice == -1 => {
                reference.as_ref().or(labels.as_ref()).map_or(shape[2] / 2, most_foreground)
            }
            _ => {
                return Err(Error::InvalidArgument(format!(
                    "`rows->slice` is {}; expected -1 or 0 to {}",
                    row.slice,
                    shape[2] - 1
                )));
            }
        };
        let cut = |map: Option<Array3<u8>>| {
            map.map(|map| memory::copy(&map.index_axis(Axis(0), z), "a slice")).transpose()
        };
        let [x, y, _] = image.geometry().spacing;
        Ok(Row {
            title: title.to_owned(),
            image: image.slice_f32(z)?,
            entropy: other(row.entropy, "rows->entropy")?.map(|view| view.slice_f32(z)).transpose()?,
            reference: cut(reference)?,
            fast_labels: cut(fast_labels)?,
            labels: cut(labels)?,
            spacing: [x, y],
        })
    }

    fn view(&self) -> OverviewRow<'_> {
        OverviewRow {
            title: self.title.clone(),
            image: self.image.view(),
            reference: self.reference.as_ref().map(|map| map.view()),
            fast_labels: self.fast_labels.as_ref().map(|map| map.view()),
            labels: self.labels.as_ref().map(|map| map.view()),
            entropy: self.entropy.as_ref().map(|map| map.view()),
            pixel_spacing: self.spacing,
        }
    }
}

/// # Safety
/// `pointer` is NULL or an image as its fields say.
unsafe fn same_shape<'a>(
    pointer: *const coopseg_image,
    parameter: &'static str,
    expected: [usize; 3],
) -> Result<Option<ImageView<'a>>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: by contract.
    let view = unsafe { image::view(pointer, parameter) }?;
    if view.shape() != expected {
        return Err(Error::InvalidShape(format!(
            "`{parameter}` has shape {:?}; expected that of the row's image, {expected:?}",
            view.shape()
        )));
    }
    Ok(Some(view))
}

fn most_foreground(labels: &Array3<u8>) -> usize {
    let foreground = |z: usize| labels.index_axis(Axis(0), z).iter().filter(|&&class| class != 0).count();
    // max_by_key takes the last of equals; the middle slice is the better choice where nothing is shown.
    let best = (0..labels.len_of(Axis(0))).max_by_key(|&z| foreground(z));
    best.filter(|&z| foreground(z) > 0).unwrap_or(labels.len_of(Axis(0)) / 2)
}
