//! Hard examples, for people who want to look at them.

use super::guard::guard_libtorch;
use super::image::{self, Extent, coopseg_buffer, coopseg_image, refuse_overlap};
use super::model::coopseg_model;
use super::registry;
use super::status::coopseg_status;
use super::text::{read_or_empty, read_sized};
use crate::error::{Error, Result};
use crate::schema;
use crate::train::{HardExampleRequest, HardExampleResult, hard_example};
use crate::volume::ImageViewMut;
use ndarray::ArrayView4;
use std::ffi::c_char;

pub(super) use crate::train::HardExampleRequest as HardExampleOptions;

/// Where the results of `coopseg_model_hard_example` go. A NULL map is not made; at least one must be given.
/// Shapes are in the order x, y, z, fourth axis, with W×H the networks' size ("preprocess.crop" of
/// `coopseg_model_info`), N the image's number of slices, and c the number of "code_channels".
/// All are `COOPSEG_F32` or `COOPSEG_F64`.
#[repr(C)]
pub struct coopseg_hard_example {
    /// sizeof(coopseg_hard_example).
    pub struct_size: usize,
    /// W, H, N: the preprocessed image that the networks saw, in [0, 1].
    pub input: *const coopseg_buffer,
    /// W, H, N: what the image decoder makes of the masked image code, or another hard image, in [0, 1].
    pub image: *const coopseg_buffer,
    /// W, H, N, classes: probabilities of what the segmentation decoder makes of the masked shape code.
    pub segmentation: *const coopseg_buffer,
    /// W/16, H/16, N, c: the factors of the image code's mask.
    pub image_mask: *const coopseg_buffer,
    /// W/16, H/16, N, c: the factors of the shape code's mask.
    pub shape_mask: *const coopseg_buffer,
}

/// Makes the hard examples that training would make of an image: masks both latent codes of every slice and
/// decodes them (paper §2.3). The slices form one batch, whose statistics normalise it as in training.
///
/// @param model         Shared use; not changed.
/// @param image         2-D or 3-D, any type. Preprocessed as for training, without augmentation.
/// @param labels        Class indices on the image's grid, any integer type; targeted masks of the shape code
///                      follow the loss against them.
/// @param options_json  JSON object: "scheme" ("dropout", "channel", "spatial"), "fraction" (0 to 1), "soft",
///                      "seed", "threshold", "rescale", "hard_images" (as in the configuration of a
///                      training: another method than latent masking for the image); NULL or "" for the defaults. See
///                      `coopseg_config_schema("hard_example")`.
/// @param outputs       Where the results go. Content unspecified unless `COOPSEG_OK`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_STRUCT_SIZE`;
///         `COOPSEG_INVALID_ARGUMENT`; `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
///         `COOPSEG_INVALID_LABEL`; `COOPSEG_INVALID_CONFIG`; `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_model_hard_example(
    model: *const coopseg_model,
    image: *const coopseg_image,
    labels: *const coopseg_image,
    options_json: *const c_char,
    outputs: *const coopseg_hard_example,
) -> coopseg_status {
    guard_libtorch(|| {
        let model = registry::get(model, "model")?;
        // SAFETY: images, text and outputs by the caller's contract.
        let (view, label_view, options, outputs) = unsafe {
            (
                image::view(image, "image")?,
                image::view(labels, "labels")?,
                read_or_empty(options_json, "options_json")?,
                read_sized(outputs, "outputs", "coopseg_hard_example")?,
            )
        };
        let request: HardExampleRequest = schema::overlay_text(&HardExampleRequest::default(), options)?;
        let classes = model.class_names().len();
        let label_voxels = label_view.labels(classes).map_err(|error| error.in_parameter("labels"))?;
        // SAFETY: as above; the two images were accepted.
        let mut maps = unsafe {
            let inputs = [Extent::of_image(image, "image"), Extent::of_image(labels, "labels")];
            Maps::new(inputs, outputs)?
        };
        let [width, height] = model.preprocess().crop;
        let code = [width / 16, height / 16, view.shape()[2], 8 * model.architecture().width as usize];
        maps.check([width, height, view.shape()[2]], classes, code)?;
        let result = hard_example(&model, &view, &label_voxels, &request)?;
        maps.write(&result)
    })
}

/// The caller's outputs, checked.
struct Maps<'a> {
    input: Option<ImageViewMut<'a>>,
    image: Option<ImageViewMut<'a>>,
    segmentation: Option<ImageViewMut<'a>>,
    image_mask: Option<ImageViewMut<'a>>,
    shape_mask: Option<ImageViewMut<'a>>,
}

impl<'a> Maps<'a> {
    /// # Safety
    /// The buffers are as the fields of [`coopseg_hard_example`] say.
    unsafe fn new(inputs: [Option<Extent>; 2], outputs: &coopseg_hard_example) -> Result<Self> {
        let buffers = [
            (outputs.input, "outputs->input"),
            (outputs.image, "outputs->image"),
            (outputs.segmentation, "outputs->segmentation"),
            (outputs.image_mask, "outputs->image_mask"),
            (outputs.shape_mask, "outputs->shape_mask"),
        ];
        if buffers.iter().all(|(buffer, _)| buffer.is_null()) {
            return Err(Error::InvalidArgument("`outputs` names no map; expected at least one".to_owned()));
        }
        let mut extents = Vec::with_capacity(buffers.len() + 1);
        for (buffer, parameter) in buffers {
            // SAFETY: structs that say their size, by contract.
            extents.push(unsafe { Extent::of_buffer(buffer, parameter) }?);
        }
        // The inputs are only read and may share memory; an output may share it with nothing.
        for input in inputs {
            extents.push(input);
            refuse_overlap(&extents)?;
            extents.pop();
        }
        // SAFETY: nothing overlaps, so each mutable view is the only reference to its memory.
        unsafe {
            Ok(Maps {
                input: image::output(outputs.input, "outputs->input")?,
                image: image::output(outputs.image, "outputs->image")?,
                segmentation: image::output(outputs.segmentation, "outputs->segmentation")?,
                image_mask: image::output(outputs.image_mask, "outputs->image_mask")?,
                shape_mask: image::output(outputs.shape_mask, "outputs->shape_mask")?,
            })
        }
    }

    fn check(&self, [x, y, z]: [usize; 3], classes: usize, code: [usize; 4]) -> Result<()> {
        let expected = [
            (&self.input, [x, y, z, 1], "outputs->input"),
            (&self.image, [x, y, z, 1], "outputs->image"),
            (&self.segmentation, [x, y, z, classes], "outputs->segmentation"),
            (&self.image_mask, code, "outputs->image_mask"),
            (&self.shape_mask, code, "outputs->shape_mask"),
        ];
        for (map, shape, parameter) in expected {
            if let Some(map) = map {
                map.format().expect_map(shape).map_err(|error| error.in_parameter(parameter))?;
            }
        }
        Ok(())
    }

    fn write(&mut self, result: &HardExampleResult) -> Result<()> {
        for (map, values) in [
            (&mut self.input, &result.input),
            (&mut self.image, &result.image),
            (&mut self.segmentation, &result.segmentation),
            (&mut self.image_mask, &result.image_mask),
            (&mut self.shape_mask, &result.shape_mask),
        ] {
            if let Some(map) = map {
                write_all(map, values.view())?;
            }
        }
        Ok(())
    }
}

/// Copies `[slice, channel, y, x]` to a buffer of x, y, slices, channels.
fn write_all(map: &mut ImageViewMut, values: ArrayView4<f32>) -> Result<()> {
    for (z, channels) in values.outer_iter().enumerate() {
        for (channel, values) in channels.outer_iter().enumerate() {
            map.write_map(z, channel, values)?;
        }
    }
    Ok(())
}
