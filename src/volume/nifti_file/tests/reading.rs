//! What sound files hold.

use super::{Fixture, Folder, Stored, gzip};
use crate::error::Error;
use crate::volume::nifti_file::{read_frame_count, read_grid, read_image, read_image_frame, read_labels};

fn every_form<T: Stored>() {
    let folder = Folder::new();
    let voxels: Vec<T> = (0..24).map(|value| T::number(value)).collect();
    for big in [false, true] {
        let fixture = Fixture::new(big, &[4, 3, 2], &voxels);
        for (name, bytes) in [("a.nii", fixture.bytes.clone()), ("a.nii.gz", fixture.gzipped())] {
            let path = folder.file(name, &bytes);
            let (image, grid) = read_image(&path).unwrap();
            assert_eq!(image.voxels.dim(), (2, 3, 4));
            assert!(image.voxels.iter().copied().eq((0..24).map(|value| value as f32)), "{} {big}", T::CODE);
            assert_eq!(grid.shape(), [4, 3, 2]);
            assert_eq!(read_grid(&path).unwrap(), grid);
            let (labels, _) = read_labels(&path).unwrap();
            assert!(labels.voxels.iter().copied().eq(0..24), "{} {big}", T::CODE);
        }
    }
}

#[test]
fn every_type_in_both_byte_orders_plain_and_compressed() {
    every_form::<u8>();
    every_form::<i8>();
    every_form::<u16>();
    every_form::<i16>();
    every_form::<u32>();
    every_form::<i32>();
    every_form::<u64>();
    every_form::<i64>();
    every_form::<f32>();
    every_form::<f64>();
}

#[test]
fn extreme_values_are_kept() {
    let folder = Folder::new();
    let labels = |bytes: &[u8]| read_labels(&folder.file("a.nii", bytes)).map(|(labels, _)| labels.voxels);
    let fixture = Fixture::new(true, &[2, 1], &[i32::MIN, i32::MAX]);
    assert!(labels(&fixture.bytes).unwrap().iter().eq(&[i32::MIN, i32::MAX]));
    let fixture = Fixture::new(false, &[2, 1], &[i64::from(i32::MIN), i64::from(i32::MAX)]);
    assert!(labels(&fixture.bytes).unwrap().iter().eq(&[i32::MIN, i32::MAX]));
    let fixture = Fixture::new(false, &[2, 1], &[f64::from(f32::MIN_POSITIVE), -1e30]);
    let (image, _) = read_image(&folder.file("a.nii", &fixture.bytes)).unwrap();
    assert!(image.voxels.iter().eq(&[f32::MIN_POSITIVE, -1e30]));
}

#[test]
fn the_affine_is_turned_to_lps() {
    let folder = Folder::new();
    for big in [false, true] {
        let path = folder.file("a.nii", &Fixture::new(big, &[4, 3, 2], &[0u8; 24]).bytes);
        let (image, grid) = read_image(&path).unwrap();
        let geometry = image.geometry;
        assert_eq!(&geometry, grid.geometry());
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{geometry:?}");
        let (sine, cosine) = (0.5, 0.75f64.sqrt());
        for (found, expected) in geometry.spacing.into_iter().zip([1.5, 2.0, 3.0]) {
            close(found, expected);
        }
        for (found, expected) in geometry.origin.into_iter().zip([10.0, -20.0, 30.0]) {
            close(found, expected);
        }
        let expected = [[-cosine, -sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]];
        for (found, expected) in geometry.direction.iter().flatten().zip(expected.iter().flatten()) {
            close(*found, *expected);
        }
    }
}

#[test]
fn the_sform_goes_before_the_qform() {
    let folder = Folder::new();
    let mut fixture = Fixture::new(false, &[4, 3, 2], &[0u8; 24]);
    // A half turn about z with the third axis reversed.
    fixture.i16(252, 1).f32(76, -1.0).f32(264, 1.0).f32(268, 5.0).f32(272, 6.0).f32(276, 7.0);
    let origin =
        |fixture: &Fixture| read_grid(&folder.file("a.nii", &fixture.bytes)).unwrap().geometry().origin;
    assert_eq!(origin(&fixture), [10.0, -20.0, 30.0]);
    fixture.i16(254, 0);
    assert_eq!(origin(&fixture), [-5.0, -6.0, 7.0]);
    let geometry = *read_grid(&folder.file("a.nii", &fixture.bytes)).unwrap().geometry();
    assert_eq!(geometry.direction, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]);
    assert_eq!(geometry.spacing, [1.5, 2.0, 3.0]);
    fixture.i16(252, 0);
    assert_eq!(origin(&fixture), [0.0; 3]);
}

#[test]
fn slope_and_intercept_are_applied_unless_they_say_nothing() {
    let folder = Folder::new();
    let read = |slope, intercept| {
        let mut fixture = Fixture::new(false, &[3, 1, 1], &[0i16, 10, -20]);
        fixture.f32(112, slope).f32(116, intercept);
        let path = folder.file("a.nii", &fixture.bytes);
        (read_image(&path), read_labels(&path))
    };
    let values = |slope, intercept| read(slope, intercept).0.unwrap().0.voxels.into_raw_vec_and_offset().0;
    assert_eq!(values(0.5, 1.0), [1.0, 6.0, -9.0]);
    assert_eq!(values(0.0, 7.0), [0.0, 10.0, -20.0]);
    assert_eq!(values(f32::NAN, 7.0), [0.0, 10.0, -20.0]);
    assert_eq!(values(1.0, 0.0), [0.0, 10.0, -20.0]);
    assert!(
        matches!(read(2.0, f32::NAN).0, Err(Error::Format { problem, .. }) if problem.contains("scl_inter"))
    );
    // 0.1 is not a float32, yet ten tenths are a whole label.
    assert!(read(0.1, 2.0).1.unwrap().0.voxels.iter().eq(&[2, 3, 0]));
    assert!(matches!(read(0.25, 0.0).1, Err(Error::InvalidLabel(text)) if text.contains("2.5 at x 1")));
}

#[test]
fn labels_that_were_rounded_to_a_fine_scale_are_whole() {
    let folder = Folder::new();
    // As nibabel saves 0 to 4 as floating-point numbers under the header of an 8-bit file.
    let mut fixture = Fixture::new(false, &[5, 1, 1], &[0u8, 64, 128, 191, 255]);
    fixture.f32(112, 4.0 / 255.0);
    let (labels, _) = read_labels(&folder.file("a.nii", &fixture.bytes)).unwrap();
    assert!(labels.voxels.iter().eq(&[0, 1, 2, 3, 4]));
    let mut between = Fixture::new(false, &[2, 1, 1], &[0u8, 96]);
    between.f32(112, 4.0 / 255.0);
    assert!(matches!(read_labels(&folder.file("a.nii", &between.bytes)), Err(Error::InvalidLabel(_))));
    let nearly = Fixture::new(false, &[2, 1, 1], &[0.99999994f32, 2.0]);
    let (labels, _) = read_labels(&folder.file("a.nii", &nearly.bytes)).unwrap();
    assert!(labels.voxels.iter().eq(&[1, 2]));
}

#[test]
fn flat_files_and_single_fourth_dimensions_are_volumes() {
    let folder = Folder::new();
    let voxels: Vec<u8> = (0..12).collect();
    for (dims, expected) in [
        (&[4, 3][..], [4, 3, 1]),
        (&[4, 3, 1], [4, 3, 1]),
        (&[2, 3, 2, 1, 1], [2, 3, 2]),
        (&[1, 1, 12], [1, 1, 12]),
    ] {
        let path = folder.file("a.nii", &Fixture::new(false, dims, &voxels).bytes);
        assert_eq!(read_image(&path).unwrap().1.shape(), expected);
    }
    // Vectors, as ITK writes them, are volumes of the fifth axis.
    let vectors = Fixture::new(false, &[3, 2, 1, 1, 2], &voxels);
    let path = folder.file("a.nii", &vectors.bytes);
    assert_eq!(read_frame_count(&path).unwrap(), 2);
    let second = read_image_frame(&path, 1).unwrap().0;
    assert!(second.voxels.iter().copied().eq((6..12).map(|value| value as f32)));
    let both = folder.file("a.nii", &Fixture::new(false, &[3, 1, 1, 2, 2], &voxels).bytes);
    assert!(read_frame_count(&both).unwrap_err().to_string().contains("one of time or channels"));
}

#[test]
fn labels_that_are_none_name_file_value_and_voxel() {
    let folder = Folder::new();
    let refused = |bytes: &[u8]| match read_labels(&folder.file("seg.nii", bytes)) {
        Err(Error::InvalidLabel(text)) => text,
        other => panic!("{other:?}"),
    };
    let mut voxels = [1.0f32; 24];
    voxels[17] = 1.5;
    let text = refused(&Fixture::new(false, &[4, 3, 2], &voxels).bytes);
    assert!(text.contains("seg.nii") && text.contains("label 1.5 at x 1, y 1, z 1"), "{text}");
    assert!(refused(&Fixture::new(true, &[2, 1], &[0.0, f32::NAN]).bytes).contains("NaN at x 1"));
    assert!(refused(&Fixture::new(false, &[1, 2], &[0, u32::MAX]).bytes).contains("4294967295 at x 0, y 1"));
    assert!(refused(&Fixture::new(false, &[1, 2], &[0, i64::MIN]).bytes).contains("-9223372036854775808"));
}

#[test]
fn voxels_may_begin_later_and_be_followed_by_more() {
    let folder = Folder::new();
    let voxels: Vec<i16> = (0..24).collect();
    let mut fixture = Fixture::new(false, &[4, 3, 2], &voxels);
    fixture.f32(108, 10_000.0);
    fixture.bytes.splice(352..352, vec![0x77; 10_000 - 352]);
    fixture.bytes.extend([0x99; 5000]);
    for (name, bytes) in [("a.nii", fixture.bytes.clone()), ("a.nii.gz", fixture.gzipped())] {
        let (image, _) = read_image(&folder.file(name, &bytes)).unwrap();
        assert!(image.voxels.iter().copied().eq((0..24).map(|value| value as f32)));
    }
    // Left 0, the offset is the smallest one.
    let mut fixture = Fixture::new(false, &[4, 3, 2], &voxels);
    fixture.f32(108, 0.0);
    assert_eq!(read_image(&folder.file("a.nii", &fixture.bytes)).unwrap().0.voxels[[1, 2, 3]], 23.0);
}

#[test]
fn the_content_says_whether_a_file_is_compressed() {
    let folder = Folder::new();
    let fixture = Fixture::new(false, &[4, 3, 2], &[7u8; 24]);
    for (name, bytes) in
        [("a.nii", fixture.gzipped()), ("a.nii.gz", fixture.bytes.clone()), ("a", fixture.gzipped())]
    {
        assert!(read_image(&folder.file(name, &bytes)).unwrap().0.voxels.iter().all(|&value| value == 7.0));
    }
    // Several compressed parts after each other, as parallel compressors write them.
    let (first, second) = fixture.bytes.split_at(360);
    let parts = [gzip(first), gzip(second)].concat();
    assert!(read_image(&folder.file("a.nii.gz", &parts)).unwrap().0.voxels.iter().all(|&value| value == 7.0));
}

#[test]
fn files_larger_than_the_buffers_are_read_whole() {
    let folder = Folder::new();
    // No multiple of the buffer's size, and more than is reserved on trust.
    let dims = [331i16, 257, 51];
    let count = dims.iter().map(|&n| n as usize).product::<usize>();
    let voxels: Vec<i16> = (0..count).map(|index| (index * 31 % 4001) as i16 - 2000).collect();
    let fixture = Fixture::new(true, &dims, &voxels);
    let path = folder.file("a.nii.gz", &gzip(&fixture.bytes));
    let (image, _) = read_image(&path).unwrap();
    assert!(image.voxels.iter().copied().eq(voxels.iter().map(|&value| f32::from(value))));
}
