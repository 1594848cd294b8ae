//! Any bytes as a model file, and any text as the manifest of one that is whole otherwise: refused in words, or read and the
//! same after it was written.

#![no_main]

use coopseg::checkpoint::{TensorMap, container};
use coopseg::model::Model;
use coopseg_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

thread_local!(static WHOLE: (Scratch, TensorMap) = {
    let scratch = Scratch::new();
    let whole = scratch.file("whole.coopseg", include_bytes!("../seeds/model/model.coopseg"));
    let tensors = container::read(&whole).expect("the seed is a model").1;
    (scratch, tensors)
});

fuzz_target!(|bytes: &[u8]| {
    WHOLE.with(|(scratch, tensors)| {
        let path = scratch.file("model.coopseg", bytes);
        let manifest = container::read_manifest(&path);
        if let Ok((whole, tensors)) = container::read(&path) {
            assert_eq!(manifest.expect("a whole file has a manifest"), whole);
            let copy = scratch.path("copy.coopseg");
            container::write(&copy, &whole, &tensors).expect("what was read can be written");
            assert_eq!(container::read(&copy).expect("what was written can be read").1, tensors);
            let _ = Model::load(&path);
        }
        let Ok(manifest) = serde_json::from_slice::<Value>(bytes) else { return };
        // The digest would refuse nearly every change of a file's bytes.
        if container::write(&path, &manifest, tensors).is_ok() {
            let _ = Model::load(&path).map(|model| model.info());
        }
    });
});
