//! Any text as a list of cases, in JSON and CSV: refused in words, or a dataset whose cases load or say why not.

#![no_main]

use coopseg::dataset::{Dataset, FolderOptions, Layout};
use coopseg::volume::{Geometry, Volume, nifti_file};
use coopseg_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;
use ndarray::Array3;

thread_local!(static SCRATCH: Scratch = {
    let scratch = Scratch::new();
    let voxels = Array3::from_shape_fn((2, 4, 4), |(z, y, x)| (x + y + z) as f32);
    let image = Volume { voxels, geometry: Geometry::aligned([1.0; 3]) };
    nifti_file::write_image(&scratch.path("a.nii"), &image, None).expect("an image");
    scratch
});

fuzz_target!(|text: &str| {
    SCRATCH.with(|scratch| {
        for name in ["list.json", "list.csv"] {
            let list = scratch.file(name, text.as_bytes());
            let options = FolderOptions { layout: Layout::List, ..FolderOptions::default() };
            let Ok(dataset) = Dataset::open_folder(&list, &options) else { continue };
            for index in 0..dataset.len().min(3) {
                let _ = dataset.load_channels(index, 4);
            }
        }
    });
});
