//! Volumes of any kind go through the segmenter and come back on their own grid.

use coopseg::segment::{OutputPaths, Segmenter, SegmenterOptions, Wanted};
use coopseg::train::{Configuration, new_model};
use coopseg::volume::{Geometry, Volume, nifti_file};
use ndarray::{Array3, Axis, s};
use std::sync::Arc;

fn segmenter(options: &str) -> Segmenter {
    coopseg::runtime::start().unwrap();
    let config = Configuration::from_json(
        r#"{"network": {"width": 2}, "seed": 7, "preprocess": {"spacing": [1.5, 1.5], "pad": [48, 48], "crop": [32, 32]}}"#,
    )
    .unwrap();
    Segmenter::new(Arc::new(new_model(&config).unwrap()), SegmenterOptions::from_json(options).unwrap())
        .unwrap()
}

fn image([x, y, z]: [usize; 3], geometry: Geometry) -> Volume<f32> {
    let voxels = Array3::from_shape_fn((z, y, x), |(k, j, i)| {
        let distance = (i as f32 - x as f32 / 2.0).hypot(j as f32 - y as f32 / 2.0);
        if distance < x as f32 / 5.0 { 400.0 } else { ((i * 7 + j * 3 + k) % 50) as f32 }
    });
    Volume { voxels, geometry }
}

fn oblique(spacing: [f64; 3]) -> Geometry {
    let (sin, cos) = 0.3f64.sin_cos();
    Geometry {
        spacing,
        origin: [-20.0, 35.5, 7.25],
        direction: [[-cos, sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, -1.0]],
    }
}

#[test]
fn every_size_and_spacing_comes_back_on_its_own_grid() {
    let folder = tempfile::tempdir().unwrap();
    let segmenter = segmenter(r#"{"device": "cpu", "chunk": 4}"#);
    for (size, spacing) in [
        ([40, 36, 3], [1.5, 1.5, 8.0]),
        ([33, 57, 1], [0.7, 2.3, 10.0]),
        ([8, 9, 2], [4.0, 3.0, 1.0]),
        ([150, 20, 5], [1.0, 1.0, 1.0]),
        ([24, 24, 200], [1.4, 1.4, 2.0]),
    ] {
        let geometry = oblique(spacing);
        let input = folder.path().join("image.nii.gz");
        nifti_file::write_image(&input, &image(size, geometry), None).unwrap();
        let (labels, entropy) = (folder.path().join("labels.nii.gz"), folder.path().join("entropy.nii"));
        let paths = OutputPaths { labels: Some(&labels), entropy: Some(&entropy), ..OutputPaths::default() };
        let report = segmenter.run_files(&[&input], &paths, &mut |_, _| true).unwrap();
        assert_eq!(report.slices, size[2]);
        let (result, grid) = nifti_file::read_labels(&labels).unwrap();
        let (map, _) = nifti_file::read_image(&entropy).unwrap();
        assert_eq!(result.voxels.dim(), (size[2], size[1], size[0]));
        assert_eq!(map.voxels.dim(), result.voxels.dim());
        assert!(result.voxels.iter().all(|class| (0..4).contains(class)));
        assert!(map.voxels.iter().all(|nats| (0.0..=4f32.ln() + 1e-5).contains(nats)));
        let written = nifti_file::read_grid(&input).unwrap();
        assert_eq!(grid.geometry(), written.geometry(), "{size:?}");
        for (a, b) in result.geometry.origin.iter().zip(geometry.origin) {
            assert!((a - b).abs() < 1e-4, "{:?}", result.geometry);
        }
    }
}

const PROBABILITIES: Wanted =
    Wanted { probabilities: true, fast_labels: false, entropy: false, disagreement: false };

/// What the chunks hold does not change what a slice becomes.
#[test]
fn slices_do_not_see_each_other() {
    let volume = image([40, 36, 7], Geometry::aligned([1.5, 1.5, 5.0]));
    let run = |options: &str| {
        let mut all = Vec::new();
        let mut sink = |_, result: coopseg::segment::SliceResult| {
            all.push(result.probabilities.unwrap());
            Ok(())
        };
        segmenter(options).run(&[&volume], PROBABILITIES, &mut sink).unwrap();
        all
    };
    let (one, many) = (run(r#"{"chunk": 1}"#), run(r#"{"chunk": 7}"#));
    assert_eq!(one.len(), 7);
    for (a, b) in one.iter().zip(&many) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

/// Beyond the networks' field of view the class is background with certainty.
#[test]
fn outside_the_field_of_view_is_background() {
    let volume = image([120, 120, 1], Geometry::aligned([1.5, 1.5, 5.0]));
    let mut seen = None;
    segmenter("{}")
        .run(&[&volume], Wanted { entropy: true, ..PROBABILITIES }, &mut |_, result| {
            seen = Some(result);
            Ok(())
        })
        .unwrap();
    let result = seen.unwrap();
    assert!(result.labels.slice(s![..40, ..]).iter().all(|&class| class == 0));
    assert!(
        result.probabilities.unwrap().index_axis(Axis(0), 0).slice(s![.., ..40]).iter().all(|&p| p == 1.0)
    );
    assert!(result.entropy.unwrap().slice(s![85.., ..]).iter().all(|&nats| nats == 0.0));
}

/// Further passes of the slow-thinking network read what the pass before wrote.
#[test]
fn iterations_go_on_from_the_refined_map() {
    let volume = image([40, 36, 2], Geometry::aligned([1.5, 1.5, 5.0]));
    let run = |options: &str| {
        let mut all = Vec::new();
        let mut sink = |_, result: coopseg::segment::SliceResult| {
            all.push(result.probabilities.unwrap());
            Ok(())
        };
        let report = segmenter(options).run(&[&volume], PROBABILITIES, &mut sink).unwrap();
        (all, report.change_per_pass)
    };
    let (none, no_passes) = run(r#"{"iterations": 0}"#);
    let (once, one_pass) = run(r#"{"iterations": 1}"#);
    let (twice, two_passes) = run(r#"{"iterations": 2}"#);
    assert_eq!((no_passes.len(), one_pass.len(), two_passes.len()), (0, 1, 2));
    assert!(none != once && once != twice);
    assert_eq!(one_pass[0], two_passes[0]);
    assert!(two_passes.iter().all(|share| (0.0..=1.0).contains(share)));
}
