//! Any bytes as a NIfTI file: refused in words, or read; what was read is the same after it was written.

#![no_main]

use coopseg::volume::nifti_file;
use coopseg_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

thread_local!(static SCRATCH: Scratch = Scratch::new());

fuzz_target!(|bytes: &[u8]| {
    SCRATCH.with(|scratch| {
        for name in ["image.nii", "image.nii.gz"] {
            let path = scratch.file(name, bytes);
            let _ = nifti_file::read_labels(&path);
            if let Ok(frames) = nifti_file::read_frame_count(&path) {
                let _ = nifti_file::read_image_frame(&path, frames - 1);
                assert!(nifti_file::read_image_frame(&path, frames).is_err());
            }
            let Ok((volume, grid)) = nifti_file::read_image(&path) else { continue };
            let copy = scratch.path("copy.nii");
            if nifti_file::write_image(&copy, &volume, Some(&grid)).is_ok() {
                let (again, _) = nifti_file::read_image(&copy).expect("what was written can be read");
                let bits = |value: &f32| value.to_bits();
                assert!(volume.voxels.iter().map(bits).eq(again.voxels.iter().map(bits)));
                assert_eq!(volume.voxels.dim(), again.voxels.dim());
            }
        }
    });
});
