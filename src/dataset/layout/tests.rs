use super::*;
use crate::volume::{Geometry, Volume, nifti_file};
use ndarray::{Array3, Array4};
use std::fs;
use tempfile::TempDir;

fn geometry() -> Geometry {
    Geometry::aligned([1.5, 1.5, 8.0])
}

fn put(path: &Path, value: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let voxels = Array3::from_shape_fn((2, 3, 4), |(z, _, x)| if x == z { value } else { 0 });
    nifti_file::write_labels(path, &Volume { voxels, geometry: geometry() }, None).unwrap();
}

fn text(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn options(layout: Layout) -> FolderOptions {
    FolderOptions { layout, ..FolderOptions::default() }
}

fn names(dataset: &Dataset) -> Vec<&str> {
    dataset.cases().iter().map(|case| case.name.as_str()).collect()
}

fn subjects(dataset: &Dataset) -> Vec<&str> {
    dataset.cases().iter().map(|case| case.subject.as_str()).collect()
}

/// Opens by name and by detection, which must find the same.
fn opened(path: &Path, layout: Layout) -> Dataset {
    let named = Dataset::open_folder(path, &options(layout)).unwrap();
    let detected = Dataset::open_folder(path, &options(Layout::Auto)).unwrap();
    assert_eq!(names(&named), names(&detected));
    named
}

fn refused(path: &Path, layout: Layout) -> String {
    Dataset::open_folder(path, &options(layout)).unwrap_err().to_string()
}

fn acdc() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (part, patient) in [("training", "patient001"), ("training", "patient002"), ("testing", "patient101")]
    {
        let own = folder.path().join(part).join(patient);
        for frame in ["01", "12"] {
            put(&own.join(format!("{patient}_frame{frame}.nii.gz")), 9);
            put(&own.join(format!("{patient}_frame{frame}_gt.nii.gz")), 1);
        }
        text(&own.join("Info.cfg"), "ED: 1\nES: 12\nGroup: DCM\nHeight: 184.0\n");
    }
    folder
}

#[test]
fn acdc_as_downloaded() {
    let folder = acdc();
    let dataset = opened(folder.path(), Layout::Acdc);
    assert_eq!(names(&dataset)[..3], ["patient001/ED", "patient001/ES", "patient002/ED"]);
    assert_eq!(dataset.len(), 6);
    let case = dataset.case(1).unwrap();
    assert_eq!((case.subject.as_str(), case.attributes["Group"].as_str()), ("patient001", "DCM"));
    assert_eq!(case.attributes["phase"], "ES");
    // Raw value 1, the right ventricle, is class 3.
    assert_eq!(dataset.load(0, 4).unwrap().1.unwrap().voxels[[0, 0, 0]], 3);
    assert_eq!(opened(&folder.path().join("testing"), Layout::Acdc).len(), 2);

    // As the archive has it.
    let unpacked = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.path(), unpacked.path().join("database")).unwrap();
    assert_eq!(names(&opened(unpacked.path(), Layout::Acdc)), names(&dataset));

    let information = folder.path().join("testing/patient101/Info.cfg");
    fs::write(&information, "ES: 12\n").unwrap();
    let message = refused(folder.path(), Layout::Acdc);
    assert!(message.contains("Info.cfg") && message.contains("ED"), "{message}");
    fs::write(&information, "ED: 5\nES: 12\n").unwrap();
    assert!(refused(folder.path(), Layout::Acdc).contains("patient101_frame05"));
}

#[test]
fn frames_of_mnms_are_volumes_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("Training/Labeled/A0S9V9");
    fs::create_dir_all(&own).unwrap();
    let beat = Array4::from_shape_fn((5, 2, 3, 4), |(t, z, y, x)| (1000 * t + 100 * z + 10 * y + x) as f32);
    let labels =
        Array4::from_shape_fn((5, 2, 3, 4), |(t, _, _, x)| if x == 1 { (t % 4) as f32 } else { 0.0 });
    for (name, voxels) in [("A0S9V9_sa.nii.gz", &beat), ("A0S9V9_sa_gt.nii.gz", &labels)] {
        nifti_file::write_channels(&own.join(name), voxels, &geometry(), None).unwrap();
    }
    let table = folder.path().join("information.csv");
    fs::write(&table, ",External code,VendorName,ED,ES\n0,A0S9V9,Philips,1,3\n1,B1,Siemens,0,9\n").unwrap();
    let dataset = opened(folder.path(), Layout::Mnms);
    assert_eq!(names(&dataset), ["A0S9V9/ED", "A0S9V9/ES"]);
    assert_eq!(dataset.case(0).unwrap().attributes["VendorName"], "Philips");
    for (case, frame) in [(0, 1), (1, 3)] {
        let (image, label) = dataset.load(case, 4).unwrap();
        assert_eq!(image.voxels[[1, 2, 3]], (1000 * frame + 123) as f32);
        assert_eq!(label.unwrap().voxels[[0, 0, 1]], frame as u8);
    }
    // A file with several volumes is no image of its own.
    let whole = nifti_file::read_image(&own.join("A0S9V9_sa.nii.gz")).unwrap_err().to_string();
    assert!(whole.contains("4×3×2×5"), "{whole}");

    // The part without labels is left out unless it is asked for.
    let unlabelled = folder.path().join("Training/Unlabeled/C2");
    fs::create_dir_all(&unlabelled).unwrap();
    nifti_file::write_channels(&unlabelled.join("C2_sa.nii.gz"), &beat, &geometry(), None).unwrap();
    fs::write(&table, "External code,ED,ES\nA0S9V9,1,3\nC2,0,2\n").unwrap();
    assert_eq!(opened(folder.path(), Layout::Mnms).len(), 2);
    let all = FolderOptions { keep_unlabelled: true, ..options(Layout::Mnms) };
    let all = Dataset::open_folder(folder.path(), &all).unwrap();
    assert_eq!(names(&all), ["A0S9V9/ED", "A0S9V9/ES", "C2/ED", "C2/ES"]);
    assert_eq!((all.cases()[3].has_labels(), all.cases()[3].frame()), (false, Some(2)));

    fs::write(&table, "External code,ED,ES\nA0S9V9,1,7\n").unwrap();
    let late = Dataset::open_folder(folder.path(), &options(Layout::Mnms)).unwrap();
    let message = late.load(1, 4).unwrap_err().to_string();
    assert!(message.contains("volume 7") && message.contains("the file has 5"), "{message}");
    fs::write(&table, "External code,ED,ES\nA0S9V9,1,\n").unwrap();
    assert!(refused(folder.path(), Layout::Mnms).contains("no number in the column \"ES\""));
}

#[test]
fn nnunet_raw_data() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["heart_001", "heart_002"] {
        put(&folder.path().join(format!("imagesTr/{name}_0000.nii.gz")), 7);
    }
    put(&folder.path().join("labelsTr/heart_001.nii.gz"), 2);
    let description = folder.path().join("dataset.json");
    fs::write(&description, r#"{"channel_names": {"0": "MRI"}, "labels": {"background": 0}}"#).unwrap();
    let dataset = opened(folder.path(), Layout::Nnunet);
    assert_eq!(names(&dataset), ["heart_001", "heart_002"]);
    assert!(dataset.case(0).unwrap().has_labels() && !dataset.case(1).unwrap().has_labels());
    // One subject of all cases could not be split.
    assert_eq!(subjects(&dataset), ["heart_001", "heart_002"]);
    put(&folder.path().join("imagesTr/liver_001_0000.nii.gz"), 7);
    assert_eq!(subjects(&opened(folder.path(), Layout::Nnunet)), ["heart", "heart", "liver"]);
    fs::remove_file(folder.path().join("imagesTr/liver_001_0000.nii.gz")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("labelsTr/heart_002.nii.gz")).unwrap();
    let broken = refused(folder.path(), Layout::Nnunet);
    assert!(broken.contains("heart_002") && broken.contains("labelsTr"), "{broken}");
    fs::remove_file(folder.path().join("labelsTr/heart_002.nii.gz")).unwrap();
    fs::write(&description, r#"{"modality": {"0": "T1", "1": "T2"}}"#).unwrap();
    let missing = refused(folder.path(), Layout::Nnunet);
    assert!(missing.contains("heart_001_0001.nii.gz"), "{missing}");
    for name in ["heart_001", "heart_002"] {
        put(&folder.path().join(format!("imagesTr/{name}_0001.nii.gz")), 3);
    }
    let (channels, _) = opened(folder.path(), Layout::Nnunet).load_channels(0, 3).unwrap();
    assert_eq!(channels.iter().map(|channel| channel.voxels[[0, 0, 0]]).collect::<Vec<_>>(), [7.0, 3.0]);
    fs::write(&description, r#"{"modality": {"0": "a", "1": "b", "2": "c", "3": "d", "4": "e"}}"#).unwrap();
    assert!(refused(folder.path(), Layout::Nnunet).contains("names 5 channels"));
    fs::write(&description, r#"{"channel_names": {"0": "MRI"}, "file_ending": ".mha"}"#).unwrap();
    assert!(refused(folder.path(), Layout::Nnunet).contains(".mha"));
    fs::write(&description, "{").unwrap();
    assert!(refused(folder.path(), Layout::Nnunet).contains("dataset.json"));
}

#[test]
fn two_folders_and_lists() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["002_ED", "001_ED"] {
        put(&folder.path().join(format!("images/{name}.nii.gz")), 5);
    }
    put(&folder.path().join("labels/001_ED.nii"), 1);
    let dataset = opened(folder.path(), Layout::ImagesLabels);
    assert_eq!(names(&dataset), ["001_ED", "002_ED"]);
    assert_eq!(subjects(&dataset), ["001", "002"]);
    assert!(dataset.case(0).unwrap().has_labels() && !dataset.case(1).unwrap().has_labels());

    let list = folder.path().join("cases.json");
    fs::write(
        &list,
        r#"[{"name": "b", "image": "images/002_ED.nii.gz"},
            {"name": "a/ED", "subject": "x", "image": "images/001_ED.nii.gz", "label": "labels/001_ED.nii"}]"#,
    )
    .unwrap();
    let dataset = opened(&list, Layout::List);
    assert_eq!(names(&dataset), ["a/ED", "b"]);
    assert_eq!(dataset.case(0).unwrap().subject, "x");
    assert_eq!(dataset.load(0, 2).unwrap().1.unwrap().voxels[[0, 0, 0]], 1);
    fs::write(&list, r#"[{"name": "b", "image": ["images/002_ED.nii.gz", "images/001_ED.nii.gz"]}]"#)
        .unwrap();
    assert_eq!(opened(&list, Layout::List).load_channels(0, 2).unwrap().0.len(), 2);
    fs::write(&list, r#"[{"name": "b", "picture": "x"}]"#).unwrap();
    assert!(refused(&list, Layout::List).contains("picture"));
    fs::write(&list, r#"[{"name": "b", "image": "none.nii"}]"#).unwrap();
    let message = refused(&list, Layout::List);
    assert!(message.contains("case \"b\"") && message.contains("none.nii"), "{message}");

    put(&folder.path().join("images/a;b.nii"), 4);
    fs::write(&list, r#"[{"name": "b", "image": "images/a;b.nii"}]"#).unwrap();
    assert_eq!(opened(&list, Layout::List).load_channels(0, 2).unwrap().0.len(), 1);

    let table = folder.path().join("cases.csv");
    fs::write(&table, "name,image\nb,images/002_ED.nii.gz; images/001_ED.nii.gz;\n").unwrap();
    assert_eq!(opened(&table, Layout::List).load_channels(0, 2).unwrap().0.len(), 2);
    fs::write(
        &table,
        "name,subject,image,label\nb,,images/002_ED.nii.gz,\nc,1,images/001_ED.nii.gz,labels/001_ED.nii\n",
    )
    .unwrap();
    let dataset = opened(&table, Layout::List);
    assert_eq!(dataset.cases().iter().map(|case| case.subject.as_str()).collect::<Vec<_>>(), ["b", "1"]);
    assert!(!dataset.case(0).unwrap().has_labels());
    fs::write(&table, "name,image\nb,images/002_ED.nii.gz\nb,images/001_ED.nii.gz\n").unwrap();
    assert!(refused(&table, Layout::List).contains("two cases are called \"b\""));
    let other = folder.path().join("cases.txt");
    fs::write(&other, "b").unwrap();
    assert!(refused(&other, Layout::List).contains(".json or .csv"));
}

#[test]
fn names_that_begin_alike_are_told_apart_by_their_next_piece() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sub-01_ED", "sub-01_ES", "sub-02_ED"] {
        put(&folder.path().join(format!("images/{name}.nii.gz")), 9);
    }
    let dataset = opened(folder.path(), Layout::ImagesLabels);
    assert_eq!(subjects(&dataset), ["sub-01", "sub-01", "sub-02"]);
}

#[test]
fn the_decathlon_has_no_numbers_of_channels() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["la_003", "la_011"] {
        put(&folder.path().join(format!("imagesTr/{name}.nii.gz")), 9);
        put(&folder.path().join(format!("labelsTr/{name}.nii.gz")), 1);
    }
    text(&folder.path().join("dataset.json"), "\u{feff}{\"modality\": {\"0\": \"MRI\"}}");
    let dataset = opened(folder.path(), Layout::Nnunet);
    assert_eq!((names(&dataset), subjects(&dataset)), (vec!["la_003", "la_011"], vec!["la_003", "la_011"]));
    assert!(dataset.load(0, 10).unwrap().1.is_some());
    // With numbers, one that is missing is named.
    put(&folder.path().join("imagesTr/la_020_0000.nii.gz"), 9);
    put(&folder.path().join("imagesTr/la_021_0001.nii.gz"), 9);
    assert!(refused(folder.path(), Layout::Nnunet).contains("la_021_0000.nii.gz"));
}

#[test]
fn label_maps_that_an_image_pattern_matches_are_no_images() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        put(&folder.path().join(format!("{name}.nii.gz")), 9);
        put(&folder.path().join(format!("{name}_seg.nii.gz")), 1);
    }
    let patterns = FolderOptions {
        image: Some("*.nii.gz".to_owned()),
        label: Some("*_seg.nii.gz".to_owned()),
        ..FolderOptions::default()
    };
    assert_eq!(names(&Dataset::open_folder(folder.path(), &patterns).unwrap()), ["a", "b"]);
}

#[test]
fn patterns_that_are_given_count_whatever_else_is_there() {
    let folder = tempfile::tempdir().unwrap();
    put(&folder.path().join("images/a.nii.gz"), 9);
    put(&folder.path().join("labels/a.nii.gz"), 1);
    put(&folder.path().join("b/mine.nii.gz"), 9);
    let detected = Dataset::open_folder(folder.path(), &FolderOptions::default()).unwrap();
    assert_eq!(names(&detected), ["a"]);
    let given = FolderOptions {
        image: Some("*/mine.nii.gz".to_owned()),
        label: Some(String::new()),
        ..FolderOptions::default()
    };
    assert_eq!(names(&Dataset::open_folder(folder.path(), &given).unwrap()), ["b"]);
}

#[test]
fn what_does_not_fit_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for layout in [Layout::Acdc, Layout::Mnms, Layout::Nnunet, Layout::ImagesLabels, Layout::List] {
        let message = refused(folder.path(), layout);
        assert!(message.contains(&folder.path().display().to_string()), "{layout:?}: {message}");
        assert!(matches!(
            Dataset::open_folder(&folder.path().join("none"), &options(layout)),
            Err(Error::NotFound { .. } | Error::Dataset(_))
        ));
    }
    let only = FolderOptions { subjects: Some(vec!["patient009".to_owned()]), ..options(Layout::Acdc) };
    let message = Dataset::open_folder(acdc().path(), &only).unwrap_err().to_string();
    assert!(message.contains("patient009"), "{message}");
    let one = FolderOptions { subjects: Some(vec!["patient002".to_owned()]), ..options(Layout::Auto) };
    assert_eq!(Dataset::open_folder(acdc().path(), &one).unwrap().len(), 2);
}
