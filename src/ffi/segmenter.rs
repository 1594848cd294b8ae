//! Segmenters.

use super::guard::{self, guard_always, guard_libtorch};
use super::image::{self, Extent, Named, coopseg_buffer, coopseg_image, refuse_overlap};
use super::model::coopseg_model;
use super::registry;
use super::status::coopseg_status;
use super::text::{optional_path, path, read_or_empty, read_sized, require, write_json};
use crate::error::{Error, Result};
use crate::exit;
use crate::segment::{DeviceImage, OutputPaths, Outputs, Report, Segmenter, SegmenterOptions};
use crate::volume::{ImageView, SliceSource};
use std::ffi::{c_char, c_void};
use std::path::Path;

/// Segments volumes with one model on one device.
pub struct coopseg_segmenter {
    _private: [u8; 0],
}

/// Where the results of `coopseg_segmenter_run` go. A NULL map is not made; at least one must be given. All
/// have the image's shape along x, y, z (z is 1 for a 2-D image; a 2-D image takes 2-D maps, and its
/// probabilities have shape x, y, 1, classes).
#[repr(C)]
pub struct coopseg_segmentation {
    /// sizeof(coopseg_segmentation).
    pub struct_size: usize,
    /// Class of the highest final probability. Any type.
    pub labels: *const coopseg_buffer,
    /// The same of the fast-thinking network alone. Any type.
    pub fast_labels: *const coopseg_buffer,
    /// Final probabilities, which sum to 1; 4-D with the class as fourth axis. `COOPSEG_F32` or `COOPSEG_F64`.
    pub probabilities: *const coopseg_buffer,
    /// Entropy of the final probabilities in nats, 0 to ln(classes). `COOPSEG_F32` or `COOPSEG_F64`.
    pub entropy: *const coopseg_buffer,
    /// Disagreement of the two stages: half the sum over classes of their probabilities' absolute difference,
    /// 0 to 1. `COOPSEG_F32` or `COOPSEG_F64`.
    pub disagreement: *const coopseg_buffer,
}

/// Where the results of `coopseg_segmenter_run_file` go: paths ending in .nii or .nii.gz. A NULL path's map is
/// not made; at least one must be given.
#[repr(C)]
pub struct coopseg_segmentation_files {
    /// sizeof(coopseg_segmentation_files).
    pub struct_size: usize,
    /// Final labels, uint8.
    pub labels: *const c_char,
    /// Labels of the fast-thinking network alone, uint8.
    pub fast_labels: *const c_char,
    /// Final probabilities, float32, 4-D with the class as fourth axis.
    pub probabilities: *const c_char,
    /// Entropy in nats, float32.
    pub entropy: *const c_char,
    /// Disagreement of the two stages, float32.
    pub disagreement: *const c_char,
}

/// Hears how far a segmentation is, on the thread that called it: after every slice, in their order. Slices are
/// computed several at a time, so calls come in groups.
///
/// @param done       Slices done, this one included.
/// @param slices     Slices of the image.
/// @param user_data  As given to the call.
/// @return 0 to go on; anything else ends the call with `COOPSEG_CANCELLED`, and no file is written. It may call any
/// function of this library. It must return normally: no exception and no longjmp may leave it.
pub type coopseg_segmentation_callback =
    Option<unsafe extern "C" fn(done: usize, slices: usize, user_data: *mut c_void) -> i32>;

/// Makes a segmenter.
///
/// @param model          Shared use; the segmenter keeps it alive, so its handle may be freed at once.
/// @param options_json   JSON object: "device" ("auto"), "iterations" (passes of the slow-thinking network, 1;
///                       0 is the fast-thinking network alone), "precision" ("float32"; "bfloat16" is faster where
///                       the processor has it, "float16" and "tensorfloat32" on GPUs), "chunk" (slices at once; null:
///                       what suits the device); NULL or "" for the defaults. See `coopseg_config_schema("segmenter")`.
/// @param out_segmenter  Receives the handle. Free it with `coopseg_segmenter_free`.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`; `COOPSEG_INVALID_CONFIG`;
///         `COOPSEG_DEVICE_UNAVAILABLE`; `COOPSEG_OUT_OF_MEMORY`; `COOPSEG_LIBTORCH_MISMATCH`.
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_segmenter_new(
    model: *const coopseg_model,
    options_json: *const c_char,
    out_segmenter: *mut *mut coopseg_segmenter,
) -> coopseg_status {
    guard_libtorch(|| {
        require(out_segmenter, "out_segmenter")?;
        let model = registry::get(model, "model")?;
        // SAFETY: zero-ended text or NULL by contract.
        let options = SegmenterOptions::from_json(unsafe { read_or_empty(options_json, "options_json") }?)?;
        let segmenter = registry::insert(Segmenter::new(model, options)?);
        // SAFETY: not NULL, writable by contract.
        unsafe { out_segmenter.write(segmenter) };
        Ok(())
    })
}

/// Segments one image in the caller's memory with both stages.
///
/// The image is brought to the networks' intensities and grid, slice by slice, and the results back to its
/// own grid. Outside the networks' field of view the class is background with probability 1.
///
/// Image and outputs may lie in CUDA memory (`COOPSEG_MEMORY_CUDA`), where the segmenter runs on that device: the
/// voxels are then never copied to the host, and each output may lie there or on the host. Addresses and strides are
/// multiples of the element's size. Writes to the image must be done, or queued on libtorch's current stream of the
/// calling thread (the default stream, unless the program chose another). Results are there on return.
///
/// @param segmenter   Shared use.
/// @param image       2-D or 3-D, any type. Borrowed until return; never written. Voxels that are NaN or
///                    infinite, and images that are constant, are refused.
/// @param outputs     Where the results go. Their memory must not overlap the image's or each other's. Its
///                    content is unspecified unless `COOPSEG_OK`.
/// @param callback    Hears of every slice; NULL: nobody.
/// @param user_data   Passed to the callback.
/// @param out_report  Receives a JSON object ("slices", "change_per_pass": share of pixels that each pass of
///                    the slow-thinking network changed, "seconds"); free it with `coopseg_string_free`. May be
///                    NULL.
/// @return `COOPSEG_OK`; `COOPSEG_CANCELLED`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_HANDLE`;
///         `COOPSEG_INVALID_STRUCT_SIZE`;
///         `COOPSEG_INVALID_ARGUMENT` (type, constant image, non-finite voxels, no output, CUDA memory of another
///         device than the segmenter's); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`;
///         `COOPSEG_DEVICE_UNAVAILABLE` (CUDA memory without CUDA); `COOPSEG_OUT_OF_MEMORY`;
///         `COOPSEG_LIBTORCH`; `COOPSEG_INTERNAL`. The segmenter stays usable.
/// Threads: any number of calls at once, also on one segmenter.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_segmenter_run(
    segmenter: *const coopseg_segmenter,
    image: *const coopseg_image,
    outputs: *const coopseg_segmentation,
    callback: coopseg_segmentation_callback,
    user_data: *mut c_void,
    out_report: *mut *mut c_char,
) -> coopseg_status {
    // SAFETY: passed on; one pointer is an array of one.
    guard_libtorch(|| unsafe {
        run(segmenter, &Named::only(image), outputs, Listener { callback, user_data }, out_report)
    })
}

/// Segments one image of several channels in the caller's memory, such as MR sequences that lie on one grid.
///
/// @param segmenter      Shared use.
/// @param channels       An array of images on one grid, each as for `coopseg_segmenter_run`;
///                       channels that are interleaved in memory are described by strides. All lie on the
///                       host, or all on the segmenter's CUDA device.
/// @param channel_count  Number of images: that of the model's channels, 1 to 4.
/// @param outputs        As for `coopseg_segmenter_run`.
/// @param callback       Hears of every slice; NULL: nobody.
/// @param user_data      Passed to the callback.
/// @param out_report     As for `coopseg_segmenter_run`. May be NULL.
/// @return As `coopseg_segmenter_run`; `COOPSEG_INVALID_SHAPE` also for another number of channels.
/// Threads: any number of calls at once, also on one segmenter.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_segmenter_run_channels(
    segmenter: *const coopseg_segmenter,
    channels: *const *const coopseg_image,
    channel_count: i32,
    outputs: *const coopseg_segmentation,
    callback: coopseg_segmentation_callback,
    user_data: *mut c_void,
    out_report: *mut *mut c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        // SAFETY: an array of that many pointers by contract.
        let channels = unsafe { image::channels(channels, channel_count) }?;
        // SAFETY: passed on.
        unsafe { run(segmenter, &channels, outputs, Listener { callback, user_data }, out_report) }
    })
}

/// # Safety
/// Images, outputs and their sizes are as the caller of the C function promises.
unsafe fn run(
    segmenter: *const coopseg_segmenter,
    channels: &[Named],
    outputs: *const coopseg_segmentation,
    listener: Listener,
    out_report: *mut *mut c_char,
) -> Result<()> {
    let segmenter = registry::get(segmenter, "segmenter")?;
    let on_device: Vec<DeviceImage> = channels
        .iter()
        // SAFETY: by the caller's contract.
        .filter_map(|channel| unsafe { image::device_image(channel.image, channel.parameter) }.transpose())
        .collect::<Result<_>>()?;
    // SAFETY: by the caller's contract; overlap is refused before any output becomes a mutable reference.
    let mut outputs = unsafe {
        let outputs = read_sized(outputs, "outputs", "coopseg_segmentation")?;
        read_outputs(channels, outputs)?
    };
    let (wanted, classes) = (outputs.wanted(), segmenter.model().class_names().len());
    let report = match on_device.first() {
        Some(first) if on_device.len() == channels.len() => {
            outputs.check_on_device(first, classes)?;
            let [_, _, slices] = first.shape();
            segmenter.run_on_device(&on_device, wanted, &mut |chunk, maps| {
                outputs.write_on_device(chunk.clone(), &maps)?;
                if chunk.into_iter().all(|z| listener.goes_on(z + 1, slices)) {
                    Ok(())
                } else {
                    Err(Error::Cancelled)
                }
            })?
        }
        Some(_) => {
            return Err(Error::InvalidArgument(
                "some channels lie in the host's memory and some in a device's; expected all in one"
                    .to_owned(),
            ));
        }
        None => {
            let views: Vec<ImageView> = channels
                .iter()
                // SAFETY: by the caller's contract.
                .map(|channel| unsafe { image::view(channel.image, channel.parameter) })
                .collect::<Result<_>>()?;
            if let Some(first) = views.first() {
                outputs.check(first.shape(), classes)?;
            }
            let sources: Vec<&dyn SliceSource> = views.iter().map(|view| view as _).collect();
            let slices = views.first().map_or(0, ImageView::slices);
            segmenter.run(&sources, wanted, &mut |z, result| {
                outputs.write(z, &result)?;
                if listener.goes_on(z + 1, slices) { Ok(()) } else { Err(Error::Cancelled) }
            })?
        }
    };
    // SAFETY: NULL or writable by contract.
    unsafe { write_report(out_report, &report) }
}

/// Segments a NIfTI file (.nii, .nii.gz) and writes NIfTI files on the same grid: same affine, sform and
/// qform codes and units. Every file is written whole or not at all.
///
/// @param segmenter   Shared use.
/// @param image_file  Path of the image; 2-D, 3-D, or 4-D for a model of several channels;
///                    any real type, scl_slope and scl_inter applied.
/// @param outputs     Paths of the results.
/// @param callback    Hears of every slice; NULL: nobody.
/// @param user_data   Passed to the callback.
/// @param out_report  As for `coopseg_segmenter_run`. May be NULL.
/// @return As `coopseg_segmenter_run`, and `COOPSEG_FILE_NOT_FOUND`; `COOPSEG_FILE_IO`; `COOPSEG_FILE_FORMAT`;
///         `COOPSEG_FILE_UNSUPPORTED` (5-D, complex or colour images, .hdr/.img pairs).
/// Threads: any number of calls at once, with different outputs.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_segmenter_run_file(
    segmenter: *const coopseg_segmenter,
    image_file: *const c_char,
    outputs: *const coopseg_segmentation_files,
    callback: coopseg_segmentation_callback,
    user_data: *mut c_void,
    out_report: *mut *mut c_char,
) -> coopseg_status {
    // SAFETY: passed on; one path is an array of one.
    guard_libtorch(|| unsafe {
        run_files(
            segmenter,
            &[(image_file, "image_file")],
            outputs,
            Listener { callback, user_data },
            out_report,
        )
    })
}

/// The same for an image whose channels lie in several files on one grid, in the order of the model's channels.
///
/// @param segmenter    Shared use.
/// @param image_files  An array of paths, each as for `coopseg_segmenter_run_file`.
/// @param file_count   Number of paths, 1 to 4.
/// @param outputs      Paths of the results, which lie on the first file's grid.
/// @param callback     Hears of every slice; NULL: nobody.
/// @param user_data    Passed to the callback.
/// @param out_report   As for `coopseg_segmenter_run`. May be NULL.
/// @return As `coopseg_segmenter_run_file`.
/// Threads: any number of calls at once, with different outputs.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_segmenter_run_files(
    segmenter: *const coopseg_segmenter,
    image_files: *const *const c_char,
    file_count: i32,
    outputs: *const coopseg_segmentation_files,
    callback: coopseg_segmentation_callback,
    user_data: *mut c_void,
    out_report: *mut *mut c_char,
) -> coopseg_status {
    guard_libtorch(|| {
        const NAMES: [&str; 4] = ["image_files[0]", "image_files[1]", "image_files[2]", "image_files[3]"];
        if !(1..=4).contains(&file_count) {
            return Err(Error::InvalidArgument(format!("`file_count` is {file_count}; expected 1 to 4")));
        }
        require(image_files, "image_files")?;
        // SAFETY: not NULL, as many by contract.
        let files = unsafe { std::slice::from_raw_parts(image_files, file_count.unsigned_abs() as usize) };
        let files: Vec<_> = files.iter().copied().zip(NAMES).collect();
        // SAFETY: passed on.
        unsafe { run_files(segmenter, &files, outputs, Listener { callback, user_data }, out_report) }
    })
}

/// # Safety
/// Texts and outputs are as the caller of the C function promises.
unsafe fn run_files(
    segmenter: *const coopseg_segmenter,
    files: &[(*const c_char, &'static str)],
    outputs: *const coopseg_segmentation_files,
    listener: Listener,
    out_report: *mut *mut c_char,
) -> Result<()> {
    let segmenter = registry::get(segmenter, "segmenter")?;
    let images: Vec<&Path> = files
        .iter()
        // SAFETY: zero-ended texts or NULL by contract.
        .map(|&(file, parameter)| unsafe { path(file, parameter) })
        .collect::<Result<_>>()?;
    // SAFETY: a struct that says its size, with zero-ended texts or NULL, by contract.
    let paths = unsafe {
        let files = read_sized(outputs, "outputs", "coopseg_segmentation_files")?;
        OutputPaths {
            labels: optional_path(files.labels),
            fast_labels: optional_path(files.fast_labels),
            probabilities: optional_path(files.probabilities),
            entropy: optional_path(files.entropy),
            disagreement: optional_path(files.disagreement),
        }
    };
    let report = segmenter.run_files(&images, &paths, &mut |done, slices| listener.goes_on(done, slices))?;
    // SAFETY: NULL or writable by contract.
    unsafe { write_report(out_report, &report) }
}

/// Frees a segmenter. Calls that run at that moment end normally.
///
/// @param segmenter  NULL does nothing.
/// @return `COOPSEG_OK`; `COOPSEG_INVALID_HANDLE` (freed already, or not a segmenter).
/// Threads: any number of calls at once.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn coopseg_segmenter_free(segmenter: *mut coopseg_segmenter) -> coopseg_status {
    guard_always(|| registry::remove(segmenter, "segmenter"))
}

/// Who hears of the slices.
struct Listener {
    callback: coopseg_segmentation_callback,
    user_data: *mut c_void,
}

impl Listener {
    /// Whether the caller wants the rest.
    fn goes_on(&self, done: usize, slices: usize) -> bool {
        let wanted = self.callback.is_none_or(|callback| {
            // SAFETY: the caller's callback with the caller's user_data.
            guard::in_callback(|| unsafe { callback(done, slices, self.user_data) == 0 })
        });
        wanted && exit::go_on().is_ok()
    }
}

/// # Safety
/// `out` is NULL or points to a `char *` that may be written.
unsafe fn write_report(out: *mut *mut c_char, report: &Report) -> Result<()> {
    if out.is_null() {
        return Ok(());
    }
    let json = serde_json::to_value(report).map_err(|error| Error::Internal(format!("report: {error}")))?;
    // SAFETY: not NULL, writable by contract.
    unsafe { write_json(out, &json) }
}

/// The caller's outputs.
///
/// # Safety
/// The buffers are as the fields of [`coopseg_segmentation`] say; the channels' sizes and pointers were checked.
unsafe fn read_outputs<'a>(channels: &[Named], outputs: &coopseg_segmentation) -> Result<Outputs<'a>> {
    let buffers = [
        (outputs.labels, "outputs->labels"),
        (outputs.fast_labels, "outputs->fast_labels"),
        (outputs.probabilities, "outputs->probabilities"),
        (outputs.entropy, "outputs->entropy"),
        (outputs.disagreement, "outputs->disagreement"),
    ];
    if buffers.iter().all(|(buffer, _)| buffer.is_null()) {
        return Err(Error::InvalidArgument("`outputs` names no map; expected at least one".to_owned()));
    }
    // SAFETY: structs that say their size, by contract.
    let extents: Vec<Option<Extent>> = buffers
        .iter()
        .map(|&(buffer, parameter)| unsafe { Extent::of_buffer(buffer, parameter) })
        .collect::<Result<_>>()?;
    refuse_overlap(&extents)?;
    // Channels may well overlap each other: they are only read.
    for channel in channels {
        let mut with_image = extents.clone();
        // SAFETY: checked before.
        with_image.push(unsafe { Extent::of_image(channel.image, channel.parameter) });
        refuse_overlap(&with_image)?;
    }
    // SAFETY: nothing overlaps, so each mutable view is the only reference to its memory.
    unsafe {
        Ok(Outputs {
            labels: image::output_anywhere(outputs.labels, "outputs->labels")?,
            fast_labels: image::output_anywhere(outputs.fast_labels, "outputs->fast_labels")?,
            probabilities: image::output_anywhere(outputs.probabilities, "outputs->probabilities")?,
            entropy: image::output_anywhere(outputs.entropy, "outputs->entropy")?,
            disagreement: image::output_anywhere(outputs.disagreement, "outputs->disagreement")?,
        })
    }
}
