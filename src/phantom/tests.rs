use super::*;
use crate::schema;

fn options(scanner: Scanner) -> Options {
    Options { scanner, seed: 3, ..Options::default() }
}

#[test]
fn the_same_request_gives_the_same_volume_whatever_the_order() {
    let options = options(Scanner::B);
    let (name, image, labels) = generate(&options, 4).unwrap();
    generate(&options, 1).unwrap();
    let (again, image_again, labels_again) = generate(&options, 4).unwrap();
    assert_eq!(name, "B004");
    assert_eq!(name, again);
    assert_eq!(image.voxels, image_again.voxels);
    assert_eq!(labels.voxels, labels_again.voxels);
    assert_eq!(image.geometry, image_again.geometry);
    let (_, other, _) = generate(&options, 5).unwrap();
    assert_ne!(image.voxels, other.voxels);
    let (_, reseeded, _) = generate(&Options { seed: 4, ..options }, 4).unwrap();
    assert_ne!(image.voxels, reseeded.voxels);
}

#[test]
fn every_scanner_sees_the_same_subject() {
    let on = |scanner| {
        let common = Options { size: Some([200, 180]), spacing: Some([1.5, 1.5, 9.0]), ..options(scanner) };
        generate(&common, 2).unwrap()
    };
    let (_, image_a, labels_a) = on(Scanner::A);
    for scanner in [Scanner::B, Scanner::C, Scanner::D] {
        let (_, image, labels) = on(scanner);
        assert_eq!(labels.voxels, labels_a.voxels);
        assert_eq!(labels.geometry, labels_a.geometry);
        assert_ne!(image.voxels, image_a.voxels);
    }
    // On the scanners' own grids the ventricles have the same area in the middle plane.
    let area = |scanner, class| {
        let (_, _, labels) = generate(&Options { slices: 1, ..options(scanner) }, 2).unwrap();
        let pixels = labels.voxels.iter().filter(|&&c| c == class).count() as f64;
        pixels * labels.geometry.spacing[0] * labels.geometry.spacing[1]
    };
    for class in 1..=3 {
        let reference = area(Scanner::A, class);
        for scanner in [Scanner::B, Scanner::C, Scanner::D] {
            let ratio = area(scanner, class) / reference;
            assert!((ratio - 1.0).abs() < 0.06, "{scanner:?} class {class}: {ratio}");
        }
    }
}

#[test]
fn images_have_the_scanners_grid_units_and_an_oblique_valid_geometry() {
    for scanner in Scanner::ALL {
        let protocol = scanner.protocol();
        for index in 0..3 {
            let (_, image, labels) = generate(&options(scanner), index).unwrap();
            let [width, height] = protocol.size;
            assert_eq!(image.voxels.dim(), (8, height, width));
            assert_eq!(labels.voxels.dim(), image.voxels.dim());
            assert_eq!(labels.geometry, image.geometry);
            assert_eq!(image.geometry.spacing, protocol.spacing);
            image.geometry.validate().unwrap();
            assert!(image.geometry.direction.iter().flatten().all(|v| v.abs() < 0.99));
            assert!(
                image.voxels.iter().all(|&v| v >= 0.0 && f64::from(v) <= protocol.maximum && v == v.round())
            );
            let cut = image.voxels.iter().filter(|&&v| f64::from(v) == protocol.maximum).count();
            assert!(cut * 100 < image.voxels.len(), "{scanner:?}: {cut} voxels at the maximum");
        }
    }
}

#[test]
fn blood_is_brighter_than_myocardium_in_every_image() {
    for scanner in Scanner::ALL {
        for index in 0..4 {
            let (name, image, labels) = generate(&options(scanner), index).unwrap();
            let mean = |class: u8| {
                let inside = image.voxels.iter().zip(&labels.voxels).filter(|(_, c)| **c == class);
                let (sum, count) = inside.fold((0.0, 0.0), |(s, n), (v, _)| (s + f64::from(*v), n + 1.0));
                assert!(count > 500.0, "{name}: class {class} has {count} voxels");
                sum / count
            };
            assert!(mean(1) > 1.25 * mean(2), "{name}: LV {} MYO {}", mean(1), mean(2));
            assert!(mean(3) > 1.15 * mean(2), "{name}: RV {} MYO {}", mean(3), mean(2));
        }
    }
}

#[test]
fn artefacts_change_the_image_and_not_the_labels() {
    let small = Options { size: Some([96, 80]), slices: 4, ..options(Scanner::A) };
    let (_, clean, labels) = generate(&small, 0).unwrap();
    for artefact in [Artefact::BiasField, Artefact::Ghosting, Artefact::Motion, Artefact::Spike] {
        let (_, image, same_labels) = generate(&Options { artefact, ..small.clone() }, 0).unwrap();
        assert_ne!(image.voxels, clean.voxels, "{artefact:?}");
        assert_eq!(same_labels.voxels, labels.voxels);
    }
}

#[test]
fn options_are_read_strictly_and_checked() {
    let read = |text| schema::overlay_text(&Options::default(), text);
    assert_eq!(read("").unwrap(), Options::default());
    let given = read(r#"{"scanner": "D", "artefact": "spike", "size": [64, 48], "subjects": 2}"#).unwrap();
    assert_eq!((given.scanner, given.artefact, given.size), (Scanner::D, Artefact::Spike, Some([64, 48])));
    for (text, expected) in [
        (r#"{"scaner": "A"}"#, "scaner"),
        (r#"{"scanner": "E"}"#, "scanner"),
        (r#"{"slices": 0}"#, "slices"),
        (r#"{"size": [8, 64]}"#, "size"),
        (r#"{"spacing": [1.5, 0.0, 8.0]}"#, "spacing"),
    ] {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
    let message = Options { spacing: Some([1.5, f64::NAN, 8.0]), ..Options::default() }
        .validate()
        .unwrap_err()
        .to_string();
    assert!(message.contains("spacing[1]") && message.contains("NaN"), "{message}");
    assert!(generate(&Options::default(), 10).unwrap_err().to_string().contains("below 10"));
}
