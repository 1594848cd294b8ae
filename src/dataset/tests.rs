use super::*;
use crate::phantom::{Options, Scanner};
use crate::schema;
use crate::volume::Geometry;
use ndarray::Array3;
use tempfile::TempDir;

fn image() -> Volume<f32> {
    let geometry = Geometry { origin: [3.0, -4.0, 5.0], ..Geometry::aligned([1.5, 1.25, 8.0]) };
    Volume { voxels: Array3::from_shape_fn((2, 3, 4), |(z, y, x)| (z * 12 + y * 4 + x) as f32), geometry }
}

fn label() -> Volume<u8> {
    let image = image();
    Volume { voxels: image.voxels.mapv(|value| value as u8 % 4), geometry: image.geometry }
}

/// ACDC's layout: 001 and 002, each with ED and ES.
fn acdc_like() -> (TempDir, FolderOptions) {
    let folder = tempfile::tempdir().unwrap();
    for subject in ["002", "001"] {
        let own = folder.path().join(subject);
        fs::create_dir(&own).unwrap();
        for frame in ["ES", "ED"] {
            nifti_file::write_image(&own.join(format!("{frame}_img.nii.gz")), &image(), None).unwrap();
            nifti_file::write_labels(&own.join(format!("{frame}_seg.nii.gz")), &label(), None).unwrap();
        }
    }
    let options = FolderOptions {
        image: Some("*/*_img.nii.gz".to_owned()),
        label: Some("*/*_seg.nii.gz".to_owned()),
        label_map: BTreeMap::from([(1, 3), (2, 2), (3, 1)]),
        ..FolderOptions::default()
    };
    (folder, options)
}

fn names(dataset: &Dataset) -> Vec<&str> {
    dataset.cases().iter().map(|case| case.name.as_str()).collect()
}

#[track_caller]
fn refused(folder: &Path, options: &FolderOptions, parts: &[&str]) -> Error {
    let error = Dataset::open_folder(folder, options).unwrap_err();
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "{message}\nlacks {part}");
    }
    error
}

#[test]
fn images_without_labels_are_kept_where_asked() {
    let (folder, mut options) = acdc_like();
    fs::remove_file(folder.path().join("001/ES_seg.nii.gz")).unwrap();
    refused(folder.path(), &options, &["001/ES", "ES_seg.nii.gz"]);
    options.keep_unlabelled = true;
    let dataset = Dataset::open_folder(folder.path(), &options).unwrap();
    let labelled: Vec<bool> = dataset.cases().iter().map(Case::has_labels).collect();
    assert_eq!(labelled, [true, false, true, true]);
}

#[test]
fn a_folder_is_read_by_its_patterns() {
    let (folder, options) = acdc_like();
    fs::create_dir(folder.path().join("derived")).unwrap();
    fs::write(folder.path().join("001/._ED_img.nii.gz"), "left by a file manager").unwrap();
    let dataset = Dataset::open_folder(folder.path(), &options).unwrap();
    assert_eq!(names(&dataset), ["001/ED", "001/ES", "002/ED", "002/ES"]);
    assert_eq!(dataset.case(3).unwrap().subject, "002");
    let case = dataset.case(3).unwrap();
    assert_eq!(case.image_file(), Some(folder.path().join("002/ES_img.nii.gz").as_path()));
    assert_eq!(case.label_file(), Some(folder.path().join("002/ES_seg.nii.gz").as_path()));
    assert!(case.has_labels());
    let (read, classes) = dataset.load(0, 4).unwrap();
    assert_eq!(read.voxels, image().voxels);
    let classes = classes.unwrap();
    assert_eq!(classes.voxels, label().voxels.mapv(|value| [0, 3, 2, 1][usize::from(value)]));
    let message = dataset.load(0, 3).unwrap_err().to_string();
    assert!(message.contains("class 3") && message.contains("ED_seg.nii.gz"), "{message}");
    assert!(matches!(dataset.load(4, 4), Err(Error::InvalidArgument(_))));
}

#[test]
fn subjects_restrict_the_cases() {
    let (folder, mut options) = acdc_like();
    options.subjects = Some(vec!["002".to_owned(), "001/ES".to_owned()]);
    let dataset = Dataset::open_folder(folder.path(), &options).unwrap();
    assert_eq!(names(&dataset), ["001/ES", "002/ED", "002/ES"]);
    // A case that was not asked for may lack its label.
    fs::remove_file(folder.path().join("001/ED_seg.nii.gz")).unwrap();
    Dataset::open_folder(folder.path(), &options).unwrap();

    options.subjects = Some(vec!["002".to_owned(), "003".to_owned()]);
    refused(folder.path(), &options, &["\"003\"", "4 case(s)", "\"001/ED\""]);
    options.subjects = Some(Vec::new());
    refused(folder.path(), &options, &["empty list"]);
}

#[test]
fn what_is_missing_is_named() {
    let (folder, options) = acdc_like();
    let absent = folder.path().join("absent");
    assert!(matches!(refused(&absent, &options, &["absent"]), Error::NotFound { .. }));
    let file = folder.path().join("001/ED_img.nii.gz");
    refused(&file, &options, &["ED_img.nii.gz is not a folder"]);
    let default = FolderOptions::default();
    refused(folder.path(), &default, &["\"*/image.nii.gz\"", "\"001/ED_img.nii.gz\""]);
    let empty = tempfile::tempdir().unwrap();
    refused(empty.path(), &default, &["holds no files"]);

    fs::remove_file(folder.path().join("002/ED_seg.nii.gz")).unwrap();
    let error = refused(folder.path(), &options, &["\"002/ED\"", "002/ED_img.nii.gz", "002/ED_seg.nii.gz"]);
    assert!(matches!(error, Error::Dataset(_)));
    let unlabelled = FolderOptions { label: Some(String::new()), ..options.clone() };
    let dataset = Dataset::open_folder(folder.path(), &unlabelled).unwrap();
    assert!(dataset.load(2, 4).unwrap().1.is_none());

    let fewer = FolderOptions { label: Some("*/seg.nii.gz".to_owned()), ..options };
    refused(folder.path(), &fewer, &["`label`", "1 \"*\"", "expected 2"]);
}

#[cfg(unix)]
#[test]
fn broken_links_and_folders_in_place_of_files_are_named() {
    let (folder, options) = acdc_like();
    let seg = folder.path().join("001/ED_seg.nii.gz");
    fs::remove_file(&seg).unwrap();
    std::os::unix::fs::symlink("gone.nii.gz", &seg).unwrap();
    refused(folder.path(), &options, &["001/ED_seg.nii.gz", "gone.nii.gz", "does not exist"]);
    fs::remove_file(&seg).unwrap();
    fs::create_dir(&seg).unwrap();
    refused(folder.path(), &options, &["001/ED_seg.nii.gz is a folder"]);
    fs::remove_dir(&seg).unwrap();
    nifti_file::write_labels(&seg, &label(), None).unwrap();

    std::os::unix::fs::symlink("nowhere", folder.path().join("003")).unwrap();
    refused(folder.path(), &options, &["003 is a link to nowhere"]);
    fs::remove_file(folder.path().join("003")).unwrap();
    std::os::unix::fs::symlink("002", folder.path().join("003")).unwrap();
    assert_eq!(Dataset::open_folder(folder.path(), &options).unwrap().len(), 6);

    let odd: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"00\xff");
    fs::create_dir(folder.path().join(odd)).unwrap();
    refused(folder.path(), &options, &["not UTF-8"]);
}

#[test]
fn files_that_do_not_fit_each_other_are_named() {
    let (folder, options) = acdc_like();
    let dataset = Dataset::open_folder(folder.path(), &options).unwrap();
    let seg = folder.path().join("001/ED_seg.nii.gz");
    let smaller = Volume { voxels: Array3::<u8>::zeros((2, 3, 3)), geometry: image().geometry };
    nifti_file::write_labels(&seg, &smaller, None).unwrap();
    let error = dataset.load(0, 4).unwrap_err();
    assert!(matches!(error, Error::InvalidShape(_)));
    let message = error.to_string();
    assert!(message.contains("ED_img.nii.gz") && message.contains("ED_seg.nii.gz"), "{message}");
    let elsewhere = Volume { geometry: Geometry { origin: [3.0, -4.0, 6.0], ..image().geometry }, ..label() };
    nifti_file::write_labels(&seg, &elsewhere, None).unwrap();
    assert!(matches!(dataset.load(0, 4), Err(Error::InvalidGeometry(_))));
    fs::write(&seg, "no image").unwrap();
    assert!(dataset.load(0, 4).unwrap_err().to_string().contains("ED_seg.nii.gz"));
}

#[test]
fn cases_from_memory_are_checked() {
    let mut dataset = Dataset::new();
    assert!(dataset.is_empty());
    dataset.push("a/1", image(), Some(label())).unwrap();
    dataset.push("b", image(), None).unwrap();
    assert_eq!((dataset.len(), dataset.case(0).unwrap().subject.as_str()), (2, "a"));
    let (loaded, classes) = dataset.load(0, 4).unwrap();
    assert_eq!((loaded.voxels, classes.unwrap().voxels), (image().voxels, label().voxels));
    assert!(dataset.load(1, 4).unwrap().1.is_none());
    assert!(dataset.cases()[0].has_labels() && !dataset.cases()[1].has_labels());
    assert!(dataset.cases()[0].image_file().is_none() && dataset.cases()[0].label_file().is_none());
    let message = dataset.load(0, 2).unwrap_err().to_string();
    assert!(message.contains("\"a/1\"") && message.contains("0 to 1"), "{message}");

    assert!(dataset.push("b", image(), None).unwrap_err().to_string().contains("\"b\""));
    for name in ["", "a//b", "../x", ".x", "a\\b", "a\0", "/a"] {
        assert!(matches!(dataset.push(name, image(), None), Err(Error::Dataset(_))), "{name:?}");
    }
    let small = Volume { voxels: Array3::<u8>::zeros((2, 3, 3)), geometry: image().geometry };
    assert!(matches!(dataset.push("c", image(), Some(small)), Err(Error::InvalidShape(_))));
    let empty = Volume { voxels: Array3::<f32>::zeros((0, 3, 3)), geometry: image().geometry };
    assert!(matches!(dataset.push("c", empty, None), Err(Error::InvalidShape(_))));
    let mut flat = image();
    flat.geometry.spacing[1] = 0.0;
    assert!(matches!(dataset.push("c", flat, None), Err(Error::InvalidGeometry(_))));
    assert_eq!(dataset.len(), 2);
}

#[test]
fn a_clone_keeps_its_cases_when_the_original_grows() {
    let mut dataset = Dataset::new();
    dataset.push("a", image(), None).unwrap();
    let clone = dataset.clone();
    dataset.push("b", image(), None).unwrap();
    assert_eq!((clone.len(), dataset.len()), (1, 2));
}

#[test]
fn selection_keeps_the_given_order() {
    let options = Options { subjects: 5, ..Options::default() };
    let dataset = Dataset::synthetic(&options).unwrap();
    assert_eq!(names(&dataset), ["A000", "A001", "A002", "A003", "A004"]);
    assert_eq!(names(&dataset.select(&[3, 0]).unwrap()), ["A003", "A000"]);
    assert!(dataset.select(&[]).unwrap().is_empty());
    assert!(dataset.select(&[5]).unwrap_err().to_string().contains("below 5"));
    assert!(dataset.select(&[1, 1]).unwrap_err().to_string().contains("twice"));
}

#[test]
fn a_written_dataset_is_read_back() {
    let options = Options {
        subjects: 2,
        scanner: Scanner::C,
        slices: 2,
        size: Some([64, 48]),
        spacing: Some([4.0, 4.0, 20.0]),
        ..Options::default()
    };
    let mut dataset = Dataset::synthetic(&options).unwrap();
    dataset.push("x/ED", image(), Some(label())).unwrap();
    let folder = tempfile::tempdir().unwrap();
    dataset.write(folder.path()).unwrap();
    let read = Dataset::open_folder(folder.path(), &FolderOptions::default()).unwrap();
    assert_eq!(names(&read), ["C000", "C001", "x/ED"]);
    assert_eq!(read.cases()[2].subject, "x");
    for index in 0..3 {
        let (written, labels) = dataset.load(index, 4).unwrap();
        let (image, classes) = read.load(index, 4).unwrap();
        assert_eq!(image.voxels, written.voxels);
        assert_eq!(classes.unwrap().voxels, labels.unwrap().voxels);
        for row in 0..3 {
            assert!((image.geometry.origin[row] - written.geometry.origin[row]).abs() < 1e-3);
            for axis in 0..3 {
                let difference = image.geometry.direction[row][axis] - written.geometry.direction[row][axis];
                assert!(difference.abs() < 1e-5);
            }
        }
    }

    // What is written into the same folder later joins it, in place of what has its name or its file.
    let mut more = Dataset::new();
    more.push("x/ES", image(), None).unwrap();
    more.push("C001", image(), Some(label())).unwrap();
    more.write(folder.path()).unwrap();
    let read = Dataset::open_folder(folder.path(), &FolderOptions::default()).unwrap();
    assert_eq!(names(&read), ["C000", "C001", "x/ED", "x/ES"]);
    assert_eq!(read.cases()[3].subject, "x");
    assert!(read.cases()[2].has_labels() && !read.cases()[3].has_labels());
    assert_eq!(read.load(1, 4).unwrap().0.voxels, image().voxels);
    fs::write(folder.path().join("cases.json"), "{}").unwrap();
    assert!(matches!(more.write(folder.path()), Err(Error::Format { .. })));

    dataset.push("x_ED", image(), None).unwrap();
    let message = dataset.write(folder.path()).unwrap_err().to_string();
    assert!(message.contains("\"x/ED\"") && message.contains("\"x_ED\""), "{message}");
}

#[test]
fn folder_options_are_read_strictly() {
    let read = |text| schema::overlay_text(&FolderOptions::default(), text);
    let options = read(r#"{"image": "*/a.nii", "label_map": {"1": 3, "-2": 0}, "subjects": ["x"]}"#).unwrap();
    assert_eq!(options.label_map, BTreeMap::from([(1, 3), (-2, 0)]));
    assert_eq!((options.image.as_deref(), options.label.as_deref()), (Some("*/a.nii"), None));
    for text in [r#"{"images": "*"}"#, r#"{"label_map": {"one": 1}}"#, r#"{"label_map": {"1": 300}}"#] {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains("images") || message.contains("label_map"), "{message}");
    }
}
