//! What is written, byte by byte and read again.

use super::{Fixture, Folder, content};
use crate::error::Error;
use crate::volume::nifti_file::{
    check_name, read_grid, read_image, read_labels, write_channels, write_image, write_labels,
};
use crate::volume::{Geometry, Volume};
use ndarray::{Array3, Array4, Axis};
use std::path::Path;

/// Oblique about two axes, left-handed.
fn oblique() -> Geometry {
    let (s, c) = (0.6, 0.8);
    Geometry {
        spacing: [1.25, 1.5, 8.0],
        origin: [-101.5, 33.25, 1000.125],
        direction: [[c, -s * s, -s * c], [s, c * s, c * c], [0.0, -c, s]],
    }
}

fn image() -> Volume<f32> {
    let voxels = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| (z * 100 + y * 10 + x) as f32 * 0.25 - 7.0);
    Volume { voxels, geometry: oblique() }
}

fn assert_close(found: &Geometry, expected: &Geometry, tolerance: f64) {
    let values = |g: &Geometry| -> Vec<f64> {
        [&g.spacing, &g.origin].into_iter().chain(&g.direction).flatten().copied().collect()
    };
    for (a, b) in values(found).into_iter().zip(values(expected)) {
        assert!((a - b).abs() <= tolerance * b.abs().max(1.0), "{found:?} {expected:?}");
    }
}

#[test]
fn without_a_grid_the_geometry_goes_into_both_transforms() {
    let folder = Folder::new();
    for name in ["a.nii", "a.nii.gz", "UPPER.NII.GZ"] {
        let path = folder.path(name);
        write_image(&path, &image(), None).unwrap();
        let (read, _) = read_image(&path).unwrap();
        assert_eq!(read.voxels, image().voxels);
        assert_close(&read.geometry, &oblique(), 1e-7);
        // The qform alone says the same.
        let mut bytes = content(&path);
        assert_eq!(bytes[252..256], [1, 0, 1, 0]);
        assert_eq!(bytes[123], 2);
        bytes[254] = 0;
        assert_close(read_grid(&folder.file("q.nii", &bytes)).unwrap().geometry(), &oblique(), 1e-6);
    }
}

#[test]
fn labels_are_bytes() {
    let folder = Folder::new();
    let path = folder.path("a.nii");
    let voxels = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| (z * 12 + y * 4 + x) as u8 * 10);
    write_labels(&path, &Volume { voxels, geometry: oblique() }, None).unwrap();
    let bytes = content(&path);
    assert_eq!(bytes.len(), 352 + 24);
    assert!(bytes[352..].iter().copied().eq((0..24).map(|value| value * 10)));
    let (read, _) = read_labels(&path).unwrap();
    assert!(read.voxels.iter().copied().eq((0..24).map(|value| value * 10)));
}

#[test]
fn sheared_axes_are_written_as_sform_alone() {
    let folder = Folder::new();
    let mut image = image();
    image.geometry = Geometry::aligned([1.0, 2.0, 3.0]);
    image.geometry.direction = [[1.0, 0.6, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 1.0]];
    let path = folder.path("a.nii");
    write_image(&path, &image, None).unwrap();
    assert_eq!(content(&path)[252..256], [0, 0, 1, 0]);
    assert_close(read_grid(&path).unwrap().geometry(), &image.geometry, 1e-6);
}

#[test]
fn on_a_grid_what_describes_it_stays_bit_for_bit() {
    let folder = Folder::new();
    for big in [false, true] {
        let mut fixture = Fixture::new(big, &[4, 3, 2], &[1i16; 24]);
        fixture.i16(252, 3).f32(76, -1.0).f32(256, 0.1).f32(268, 1e-7).f32(92, 0.5);
        fixture.f32(112, 2.0).f32(116, 3.0).f32(124, 900.0).f32(128, -900.0).i16(68, 1001);
        fixture.bytes[123] = 11;
        fixture.bytes[39] = 0x39;
        let source = folder.file("source.nii", &fixture.bytes);
        let (volume, grid) = read_image(&source).unwrap();
        let labels = Volume { voxels: volume.voxels.map(|_| 3u8), geometry: Geometry::aligned([9.0; 3]) };
        let path = folder.path("labels.nii.gz");
        write_labels(&path, &labels, Some(&grid)).unwrap();

        let written = content(&path);
        let kept = [0..40, 74..76, 76..108, 120..124, 132..328];
        for range in kept {
            assert_eq!(written[range.clone()], fixture.bytes[range.clone()], "{range:?}");
        }
        let mut expected = fixture.clone();
        expected.i16(70, 2).i16(72, 8).f32(112, 1.0).f32(116, 0.0).f32(124, 0.0).f32(128, 0.0).i16(68, 0);
        for index in 4..8 {
            expected.i16(40 + 2 * index, 1);
        }
        expected.bytes.truncate(352);
        assert_eq!(written[..352], expected.bytes);
        assert!(written[352..].iter().eq(&[3u8; 24]));
        assert_eq!(read_grid(&path).unwrap().geometry(), grid.geometry());

        let path = folder.path("image.nii");
        write_image(&path, &volume, Some(&grid)).unwrap();
        assert_eq!(read_image(&path).unwrap().0.voxels, volume.voxels);
        assert!(volume.voxels.iter().all(|&value| value == 5.0));
    }
}

#[test]
fn channels_are_the_fourth_axis() {
    let folder = Folder::new();
    let channels =
        Array4::from_shape_fn((5, 2, 3, 4), |(c, z, y, x)| (c * 1000 + z * 100 + y * 10 + x) as f32);
    for big in [false, true] {
        let mut fixture = Fixture::new(big, &[4, 3, 2], &[1i16; 24]);
        fixture.f32(92, 0.0);
        let (_, grid) = read_image(&folder.file("source.nii", &fixture.bytes)).unwrap();
        for grid in [None, Some(&grid)] {
            let path = folder.path("p.nii");
            write_channels(&path, &channels, &oblique(), grid).unwrap();
            let bytes = content(&path);
            assert_eq!(bytes.len(), 352 + 4 * 120);
            let number = |offset: usize| {
                let pair = [bytes[offset], bytes[offset + 1]];
                if big && grid.is_some() { i16::from_be_bytes(pair) } else { i16::from_le_bytes(pair) }
            };
            assert_eq!([40, 42, 44, 46, 48, 50].map(number), [4, 4, 3, 2, 5, 1]);
            // A single channel of it is the volume.
            for (index, expected) in channels.axis_iter(Axis(0)).enumerate() {
                let mut single = bytes.clone();
                single.drain(352..352 + index * 96);
                let three = if big && grid.is_some() { [0, 3] } else { [3, 0] };
                single[40..42].copy_from_slice(&three);
                let (read, _) = read_image(&folder.file("one.nii", &single)).unwrap();
                assert_eq!(read.voxels, expected);
            }
            assert!(matches!(read_image(&path), Err(Error::Unsupported { .. })));
        }
    }
}

#[test]
fn a_flat_grid_stays_flat() {
    let folder = Folder::new();
    let (image, grid) =
        read_image(&folder.file("a.nii", &Fixture::new(false, &[4, 3], &[1u8; 12]).bytes)).unwrap();
    let path = folder.path("b.nii");
    write_image(&path, &image, Some(&grid)).unwrap();
    assert_eq!(content(&path)[40..48], [2, 0, 4, 0, 3, 0, 1, 0]);
    assert_eq!(read_grid(&path).unwrap().shape(), [4, 3, 1]);
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    for name in ["a.nrrd", "a", "nii", "a.gz", "a.nii.zip"] {
        let error = write_image(&folder.path(name), &image(), None).unwrap_err();
        assert!(matches!(&error, Error::InvalidArgument(text) if text.contains(".nii.gz")), "{error}");
        assert!(check_name(Path::new(name)).is_err());
    }
    let (_, grid) =
        read_image(&folder.file("a.nii", &Fixture::new(false, &[4, 2, 3], &[1u8; 24]).bytes)).unwrap();
    let error = write_image(&folder.path("b.nii"), &image(), Some(&grid)).unwrap_err();
    assert!(
        matches!(&error, Error::InvalidShape(text) if text.contains("4×3×2") && text.contains("4×2×3")),
        "{error}"
    );
    let long = Volume { voxels: Array3::<u8>::zeros((1, 1, 40_000)), geometry: oblique() };
    assert!(matches!(write_labels(&folder.path("b.nii"), &long, None), Err(Error::InvalidShape(_))));
    let none = Volume { voxels: Array3::<u8>::zeros((1, 0, 4)), geometry: oblique() };
    assert!(matches!(write_labels(&folder.path("b.nii"), &none, None), Err(Error::InvalidShape(_))));
    let mut nowhere = image();
    nowhere.geometry.spacing[1] = 0.0;
    assert!(matches!(write_image(&folder.path("b.nii"), &nowhere, None), Err(Error::InvalidGeometry(_))));
    assert!(matches!(write_image(&folder.path("no/b.nii"), &image(), None), Err(Error::NotFound { .. })));
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 1);
}
