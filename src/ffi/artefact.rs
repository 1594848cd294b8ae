//! Artefacts on images in the caller's memory.

use super::guard::guard;
use super::image::{self, Extent, coopseg_buffer, coopseg_image, refuse_overlap};
use super::status::coopseg_status;
use super::text::{read, require, write_json};
use crate::artefact::Simulation;
use crate::error::Error;
use crate::volume::Volume;
use std::ffi::c_char;

/// Spoils an image with one artefact of magnetic resonance, to see what a model makes of it or to train against it.
///
/// `artefact_json` is an object whose key is the artefact's name, such as {"ghosting": {"severity": 3}},
/// {"ghosting": {"ghosts": 6, "axis": "x", "intensity": 0.8}} or {"motion": {}}. What its keys leave out is drawn
/// from the ranges of "severity" (1 to 5), or else from those of TorchIO 0.20; section 9 of docs/METHOD.md has the table. A
/// number may be a list of the least and the greatest, between which it is drawn. See
/// `coopseg_config_schema("artefact")`.
///
/// | artefact       | keys beside "severity"                                                                  |
/// |----------------|-----------------------------------------------------------------------------------------|
/// | "bias_field"   | "order" (3), "range" of the coefficients or "coefficients" themselves                   |
/// | "ghosting"     | "ghosts", "axis" ("x", "y", "z"), "intensity", "restore" (share of k-space's centre)     |
/// | "motion"       | "number", "degrees" and "translation" (mm), each a range, or "movements" themselves, each |
/// |                | an object of "time" (0 to 1), "degrees" and "translation" (along LPS x, y, z); "axis" of  |
/// |                | k-space along which time passes                                                         |
/// | "spike"        | "number" or "positions" in k-space (lists of x, y, z from 0 to 1); "intensity"          |
/// | "noise"        | "std" relative to the image's range of intensities, "seed"                              |
/// | "blur"         | "sigma" or "sigmas" (along x, y, z), in mm                                              |
/// | "gamma"        | "gamma", the exponent of the intensities scaled to 0 to 1                               |
/// | "downsampling" | "axis", "factor"                                                                        |
///
/// Beside the artefact the object may hold "rescale": true, which then scales the intensities to 0 to 1. All is
/// computed in 32-bit floating point. The same arguments give the same bits, whatever the number of threads; what is
/// drawn depends on the seed, the keys and whether the image is a single slice, but not on its intensities.
///
/// @param image           2-D or 3-D, any type. Borrowed until return; never written. Voxels that are NaN or infinite are
///                        refused. The spacing counts for "blur", the whole geometry for "motion".
/// @param artefact_json   JSON object as above.
/// @param seed            Of everything that is drawn.
/// @param output          The spoiled image, of the same shape, `COOPSEG_F32` or `COOPSEG_F64`. Its memory must not overlap
///                        the image's. Content unspecified unless `COOPSEG_OK`.
/// @param out_parameters  Receives a JSON object of exactly what was applied. Passed back as `artefact_json`, with any seed,
///                        it gives the same output bit for bit. Free it with `coopseg_string_free`. May be NULL.
/// @return `COOPSEG_OK`; `COOPSEG_NULL_ARGUMENT`; `COOPSEG_INVALID_STRUCT_SIZE`; `COOPSEG_INVALID_ARGUMENT` (type,
///         non-finite voxels, a result that is not finite, movements whose times decrease, the axis "z" of a single
///         slice); `COOPSEG_INVALID_SHAPE`; `COOPSEG_INVALID_GEOMETRY`; `COOPSEG_INVALID_CONFIG`: no artefact or several,
///         an unknown key, a wrong type or a value out of range, by name; `COOPSEG_OUT_OF_MEMORY`.
/// Threads: any number of calls at once, with different outputs.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn coopseg_artefact_simulate(
    image: *const coopseg_image,
    artefact_json: *const c_char,
    seed: u64,
    output: *const coopseg_buffer,
    out_parameters: *mut *mut c_char,
) -> coopseg_status {
    guard(|| {
        require(output, "output")?;
        // SAFETY: image and text by the caller's contract.
        let (view, json) = unsafe { (image::view(image, "image")?, read(artefact_json, "artefact_json")?) };
        let simulation = Simulation::from_json(json)?;
        // SAFETY: the image was accepted; the buffer says its size, by contract.
        let extents = unsafe { [Extent::of_image(image, "image"), Extent::of_buffer(output, "output")?] };
        refuse_overlap(&extents)?;
        // SAFETY: nothing overlaps, so the mutable view is the only reference to its memory.
        let mut output = unsafe { image::output(output, "output") }?.ok_or(Error::NullArgument("output"))?;
        let [x, y, z] = view.shape();
        output.format().expect_map([x, y, z, 1]).map_err(|error| error.in_parameter("output"))?;
        let mut volume = Volume { voxels: view.to_f32()?, geometry: *view.geometry() };
        let applied = simulation.run(&mut volume, seed)?.to_json()?;
        for (z, slice) in volume.voxels.outer_iter().enumerate() {
            output.write_map(z, 0, slice)?;
        }
        // SAFETY: NULL or writable by contract.
        unsafe { write_json(out_parameters, &applied) }
    })
}
