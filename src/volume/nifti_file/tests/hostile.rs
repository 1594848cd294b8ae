//! Files that are broken or meant to do harm: each an error that says why, none a panic.

use super::{Fixture, Folder, gzip};
use crate::error::Error;
use crate::volume::nifti_file::{read_grid, read_image, read_labels};
use proptest::prelude::*;
use std::path::Path;

fn sound() -> Fixture {
    Fixture::new(false, &[4, 3, 2], &(0..24).collect::<Vec<i16>>())
}

fn format_problem(path: &Path) -> String {
    match read_image(path) {
        Err(Error::Format { path: named, problem }) => {
            assert_eq!(named, path);
            problem
        }
        other => panic!("{other:?}"),
    }
}

fn unsupported(path: &Path) -> String {
    match read_image(path) {
        Err(Error::Unsupported { path: named, problem }) => {
            assert_eq!(named, path);
            problem
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_file_or_no_nifti_file() {
    let folder = Folder::new();
    assert!(matches!(read_image(&folder.path("none.nii")), Err(Error::NotFound { .. })));
    assert!(format_problem(folder.0.path()).contains("is a folder"));
    assert!(format_problem(&folder.file("empty.nii", b"")).contains("is empty"));
    assert!(format_problem(&folder.file("text.nii", b"hello")).contains("holds 5 bytes"));
    let text = "Lorem ipsum ".repeat(100);
    assert!(format_problem(&folder.file("text.nii", text.as_bytes())).contains("is no NIfTI file"));
    assert!(format_problem(&folder.file("text.nii.gz", &gzip(text.as_bytes()))).contains("is no NIfTI file"));
    #[cfg(unix)]
    assert!(format_problem(Path::new("/dev/zero")).contains("special file"));
}

#[test]
fn kinds_of_files_that_are_not_read() {
    let folder = Folder::new();
    for name in ["a.img", "a.hdr", "A.IMG.GZ", "a.hdr.gz"] {
        assert!(unsupported(&folder.file(name, &sound().bytes)).contains(".hdr/.img pair"));
    }
    let with = |change: &dyn Fn(&mut Fixture)| {
        let mut fixture = sound();
        change(&mut fixture);
        folder.file("a.nii", &fixture.bytes)
    };
    assert!(unsupported(&with(&|f| f.put(344, b"ni1\0"))).contains(".hdr/.img pair"));
    assert!(unsupported(&with(&|f| f.put(344, &[0; 4]))).contains("ANALYZE"));
    assert!(format_problem(&with(&|f| f.put(344, b"n+2\0"))).contains("\"n+2\\x00\""));
    assert!(unsupported(&with(&|f| f.put(0, &540i32.to_le_bytes()))).contains("NIfTI-2"));
    assert!(unsupported(&with(&|f| f.put(0, &540i32.to_be_bytes()))).contains("NIfTI-2"));
    for (code, name) in
        [(32, "Complex64"), (1792, "Complex128"), (128, "Rgb24"), (2304, "Rgba32"), (1536, "Float128")]
    {
        let path = with(&|f| {
            f.i16(70, code);
        });
        assert!(unsupported(&path).contains(name));
    }
    for code in [0, 1, 3, -4, 255] {
        let path = with(&|f| {
            f.i16(70, code);
        });
        assert!(format_problem(&path).contains(&format!("datatype is {code}")));
    }
}

#[test]
fn impossible_dimensions() {
    let folder = Folder::new();
    let read = |ndim: i16, dims: [i16; 7]| {
        let mut fixture = sound();
        fixture.i16(40, ndim);
        for (index, size) in dims.into_iter().enumerate() {
            fixture.i16(42 + 2 * index, size);
        }
        folder.file("a.nii", &fixture.bytes)
    };
    assert!(format_problem(&read(3, [4, 0, 2, 1, 1, 1, 1])).contains("dim[2] is 0"));
    assert!(format_problem(&read(3, [4, 3, -2, 1, 1, 1, 1])).contains("dim[3] is -2"));
    assert!(format_problem(&read(4, [4, 3, 2, 0, 1, 1, 1])).contains("dim[4] is 0"));
    assert!(format_problem(&read(0, [4, 3, 2, 1, 1, 1, 1])).contains("dim[0] is 0"));
    for ndim in [8, 77, -1, i16::MIN, i16::MAX, 0x300] {
        assert!(format_problem(&read(ndim, [4, 3, 2, 1, 1, 1, 1])).contains("dim[0]"), "{ndim}");
    }
    let problem = unsupported(&read(4, [2, 3, 2, 2, 1, 1, 1]));
    assert!(problem.contains("shape 2×3×2×2") && problem.contains("3-D volume is expected"), "{problem}");
    assert!(unsupported(&read(5, [3, 2, 1, 2, 2, 1, 1])).contains("5 dimensions"));
    assert!(unsupported(&read(1, [24, 0, 0, 0, 0, 0, 0])).contains("one dimension"));
}

#[test]
fn less_data_than_declared() {
    let folder = Folder::new();
    let fixture = sound();
    for length in 0..fixture.bytes.len() {
        let part = &fixture.bytes[..length];
        for (name, bytes) in [("a.nii", part.to_vec()), ("a.nii.gz", gzip(part))] {
            let path = folder.file(name, &bytes);
            let problem = format_problem(&path);
            let expected = if length >= 348 {
                "is truncated"
            } else if name == "a.nii" && length == 0 {
                "empty"
            } else {
                "holds"
            };
            assert!(problem.contains(expected), "{name} {length}: {problem}");
            assert!(read_labels(&path).is_err());
        }
    }
    let packed = fixture.gzipped();
    for length in 0..packed.len() {
        assert!(read_image(&folder.file("a.nii.gz", &packed[..length])).is_err(), "{length}");
    }
}

#[test]
fn huge_declarations_take_no_memory() {
    let folder = Folder::new();
    let mut fixture = sound();
    fixture.i16(42, 32767).i16(44, 32767).i16(46, 32767).i16(70, 64);
    assert!(format_problem(&folder.file("a.nii", &fixture.bytes)).contains("is truncated"));
    assert!(format_problem(&folder.file("a.nii.gz", &fixture.gzipped())).contains("is truncated"));
    // Plausible for the compressed size, but not what unpacking finds.
    let mut fixture = sound();
    fixture.i16(42, 1000).i16(44, 1000).i16(46, 100);
    fixture.bytes.extend((0..200_000u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()));
    assert!(format_problem(&folder.file("a.nii.gz", &fixture.gzipped())).contains("of 100000000 voxels"));
}

#[test]
fn flipped_bits_in_compressed_files_are_seen() {
    let folder = Folder::new();
    let voxels: Vec<i16> = (0..3000).map(|n: i32| (n * n % 1013) as i16).collect();
    let packed = Fixture::new(false, &[30, 10, 10], &voxels).gzipped();
    let (sound, _) = read_image(&folder.file("a.nii.gz", &packed)).unwrap();
    for position in (10..packed.len()).step_by(7) {
        let mut broken = packed.clone();
        broken[position] ^= 0x10;
        // A changed distance can point to the same bytes once more.
        let read = read_image(&folder.file("a.nii.gz", &broken));
        assert!(read.is_err() || read.is_ok_and(|(image, _)| image.voxels == sound.voxels), "{position}");
    }
    let mut broken = packed.clone();
    *broken.iter_mut().nth_back(7).unwrap() ^= 1;
    assert!(format_problem(&folder.file("a.nii.gz", &broken)).contains("corrupt"));
}

#[test]
fn offsets_that_lead_nowhere() {
    let folder = Folder::new();
    for offset in [f32::NAN, f32::INFINITY, -352.0, 1.0, 347.0, 352.5] {
        let mut fixture = sound();
        fixture.f32(108, offset);
        let problem = format_problem(&folder.file("a.nii", &fixture.bytes));
        assert!(problem.contains(&format!("vox_offset is {offset}")), "{problem}");
    }
    for offset in [353.0, 4000.0, 1e9, f32::MAX] {
        let mut fixture = sound();
        fixture.f32(108, offset);
        assert!(format_problem(&folder.file("a.nii", &fixture.bytes)).contains("is truncated"));
        assert!(format_problem(&folder.file("a.nii.gz", &fixture.gzipped())).contains("is truncated"));
    }
}

#[test]
fn affines_that_describe_no_grid_name_the_file() {
    let folder = Folder::new();
    let mut fixture = sound();
    fixture.f32(280, 0.0).f32(296, 0.0).f32(312, 0.0);
    assert!(
        format_problem(&folder.file("a.nii", &fixture.bytes)).contains("sform gives axis x the length 0")
    );
    fixture.f32(280, f32::NAN);
    assert!(format_problem(&folder.file("a.nii", &fixture.bytes)).contains("sform holds NaN"));
    let mut fixture = sound();
    fixture.i16(254, 0).f32(84, f32::NAN);
    assert!(format_problem(&folder.file("a.nii", &fixture.bytes)).contains("pixdim holds NaN"));
    fixture.i16(252, 1);
    assert!(format_problem(&folder.file("a.nii", &fixture.bytes)).contains("qform holds NaN"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_headers_never_panic(
        changes in prop::collection::vec((0usize..352, any::<u8>()), 1..6),
        packed in any::<bool>(),
    ) {
        let folder = Folder::new();
        let mut fixture = sound();
        for (position, value) in changes {
            fixture.bytes[position] = value;
        }
        let bytes = if packed { fixture.gzipped() } else { fixture.bytes };
        let path = folder.file("a.nii", &bytes);
        if let Ok((image, grid)) = read_image(&path) {
            prop_assert!(image.geometry.validate().is_ok());
            prop_assert_eq!(read_grid(&path).unwrap(), grid);
        }
        let _ = read_labels(&path);
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000), magic in any::<bool>()) {
        let folder = Folder::new();
        let mut bytes = bytes;
        if magic && bytes.len() >= 352 {
            bytes[..4].copy_from_slice(&348i32.to_le_bytes());
            bytes[344..348].copy_from_slice(b"n+1\0");
            bytes[40..42].copy_from_slice(&3i16.to_le_bytes());
        }
        let _ = read_image(&folder.file("a.nii", &bytes));
        let _ = read_labels(&folder.file("b.nii", &bytes));
    }
}
