//! Whether an image and its label map fit each other, and raw label values as classes.

use crate::error::{Error, Result};
use crate::memory;
use crate::volume::{self, Volume};
use std::collections::BTreeMap;

/// Refuses a label map on another grid than its image; the names say which files or case they are.
pub(super) fn check_same_grid<T, U>(image: (&str, &Volume<T>), label: (&str, &Volume<U>)) -> Result<()> {
    let ((image_name, image), (label_name, label)) = (image, label);
    volume::check_same_grid(
        (image_name, image.shape(), &image.geometry),
        (label_name, label.shape(), &label.geometry),
    )
}

/// Raw values as classes. `label_map` is empty (a value is its class) or lists the values that may occur
/// besides 0.
pub(super) fn classify(
    raw: Volume<i32>,
    label_map: &BTreeMap<i32, u8>,
    classes: usize,
    name: &str,
) -> Result<Volume<u8>> {
    let lookup = |value: i32| -> Result<u8> {
        let class = match label_map.get(&value) {
            Some(&class) => Some(i32::from(class)),
            None if label_map.is_empty() || value == 0 => Some(value),
            None => None,
        };
        let class = class.ok_or_else(|| unmapped(name, value, label_map))?;
        u8::try_from(class).ok().filter(|&class| usize::from(class) < classes).ok_or_else(|| {
            let origin = if class == value { String::new() } else { format!(" (from the value {value})") };
            Error::InvalidLabel(format!("{name} holds class {class}{origin}; expected {}", expected(classes)))
        })
    };
    // Neighbours are mostly equal.
    let mut last = None;
    let mut failed = None;
    let classes_of = raw.voxels.iter().map(|&value| match last {
        Some((same, class)) if same == value => class,
        _ => {
            let class = lookup(value).unwrap_or_else(|error| {
                failed.get_or_insert(error);
                0
            });
            last = Some((value, class));
            class
        }
    });
    let voxels = memory::collect(raw.voxels.dim(), classes_of, name)?;
    match failed {
        None => Ok(Volume { voxels, geometry: raw.geometry }),
        Some(error) => Err(error),
    }
}

/// Refuses classes that are not below `classes`.
pub(super) fn check_classes(label: &Volume<u8>, classes: usize, name: &str) -> Result<()> {
    match label.voxels.iter().find(|&&class| usize::from(class) >= classes) {
        None => Ok(()),
        Some(class) => {
            Err(Error::InvalidLabel(format!("{name} holds class {class}; expected {}", expected(classes))))
        }
    }
}

fn expected(classes: usize) -> String {
    format!("0 to {} ({classes} classes)", classes.saturating_sub(1))
}

fn unmapped(name: &str, value: i32, label_map: &BTreeMap<i32, u8>) -> Error {
    let known: Vec<String> = label_map.keys().map(i32::to_string).collect();
    Error::InvalidLabel(format!(
        "{name} holds the value {value}, which `label_map` does not list; expected 0 or one of {}",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Geometry;
    use ndarray::arr3;

    fn raw(values: [i32; 4]) -> Volume<i32> {
        let [a, b, c, d] = values;
        Volume { voxels: arr3(&[[[a, b], [c, d]]]), geometry: Geometry::aligned([1.0; 3]) }
    }

    #[test]
    fn values_become_classes() {
        let map = BTreeMap::from([(1, 3), (2, 2), (3, 1)]);
        let classes = classify(raw([0, 1, 2, 3]), &map, 4, "seg.nii").unwrap();
        assert_eq!(classes.voxels, arr3(&[[[0u8, 3], [2, 1]]]));
        let plain = classify(raw([3, 0, 3, 1]), &BTreeMap::new(), 4, "seg.nii").unwrap();
        assert_eq!(plain.voxels, arr3(&[[[3u8, 0], [3, 1]]]));
        let moved =
            classify(raw([0, 255, 0, 255]), &BTreeMap::from([(0, 1), (255, 0)]), 2, "seg.nii").unwrap();
        assert_eq!(moved.voxels, arr3(&[[[1u8, 0], [1, 0]]]));
    }

    #[test]
    fn values_that_are_no_class_are_named() {
        for (values, map, expected) in [
            ([0, 1, 4, 2], BTreeMap::new(), ["class 4", "0 to 3"]),
            ([0, -1, 0, 0], BTreeMap::new(), ["class -1", "0 to 3"]),
            ([0, 600, 0, 0], BTreeMap::new(), ["class 600", "0 to 3"]),
            ([0, 7, 5, 0], BTreeMap::from([(7, 1)]), ["value 5", "one of 7"]),
            ([0, 7, 0, 0], BTreeMap::from([(7, 9)]), ["class 9 (from the value 7)", "0 to 3"]),
        ] {
            let error = classify(raw(values), &map, 4, "seg.nii").unwrap_err();
            assert!(matches!(error, Error::InvalidLabel(_)));
            let message = error.to_string();
            assert!(message.contains("seg.nii"), "{message}");
            for part in expected {
                assert!(message.contains(part), "{message}");
            }
        }
    }
}
