//! Any text as an artefact: refused in words, or applied to a small volume, which stays finite; explicit parameters
//! repeat it.

#![no_main]

use coopseg::artefact::Simulation;
use coopseg::volume::{Geometry, Volume};
use libfuzzer_sys::fuzz_target;
use ndarray::Array3;

fuzz_target!(|text: &str| {
    let Ok(simulation) = Simulation::from_json(text) else { return };
    let Ok(applied) = simulation.settle(7, 3) else { return };
    let image = Volume {
        voxels: Array3::from_shape_fn((3, 8, 6), |(z, y, x)| (x * y + 5 * z) as f32),
        geometry: Geometry::aligned([1.5, 1.25, 8.0]),
    };
    let mut spoilt = image.clone();
    if applied.apply(&mut spoilt).is_err() {
        return;
    }
    assert!(spoilt.voxels.iter().all(|value| value.is_finite()));
    let json = serde_json::to_string(&applied).expect("parameters as JSON");
    let explicit = Simulation::from_json(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let again = explicit.settle(8, 3).unwrap_or_else(|error| panic!("{json}: {error}"));
    let mut repeated = image;
    again.apply(&mut repeated).expect("what was applied once");
    assert_eq!(spoilt.voxels, repeated.voxels, "{json}");
});
