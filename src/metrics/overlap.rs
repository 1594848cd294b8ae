//! Dice and intersection over union.

use crate::error::{Error, Result};
use ndarray::{ArrayView2, ArrayView3};

/// Voxels per class in the reference, in the prediction and in both, added up slice by slice.
#[derive(Clone, Debug)]
pub struct OverlapCounts {
    reference: Vec<u64>,
    predicted: Vec<u64>,
    both: Vec<u64>,
}

impl OverlapCounts {
    /// Starts at zero for `classes` classes, background included.
    pub fn new(classes: usize) -> Self {
        OverlapCounts { reference: vec![0; classes], predicted: vec![0; classes], both: vec![0; classes] }
    }

    /// Adds one slice of class indices.
    ///
    /// # Errors
    /// `InvalidShape` when the two differ in shape, `InvalidLabel` for an index that is no class.
    pub fn add(&mut self, reference: ArrayView2<u8>, predicted: ArrayView2<u8>) -> Result<()> {
        if reference.dim() != predicted.dim() {
            let ((ay, ax), (by, bx)) = (reference.dim(), predicted.dim());
            return Err(Error::InvalidShape(format!(
                "the reference has shape {ax}×{ay}, the prediction {bx}×{by}; expected the same"
            )));
        }
        for (&a, &b) in reference.iter().zip(predicted) {
            let classes = self.both.len();
            let (Some(in_reference), Some(in_prediction)) =
                (self.reference.get_mut(usize::from(a)), self.predicted.get_mut(usize::from(b)))
            else {
                return Err(Error::InvalidLabel(format!(
                    "label value {} is no class; expected 0 to {}",
                    a.max(b),
                    classes.saturating_sub(1)
                )));
            };
            *in_reference += 1;
            *in_prediction += 1;
            if let (true, Some(in_both)) = (a == b, self.both.get_mut(usize::from(a))) {
                *in_both += 1;
            }
        }
        Ok(())
    }

    /// Dice per class, background first: NaN for a class that neither has, 0 for one that only the
    /// prediction has.
    pub fn dice(&self) -> Vec<f64> {
        self.per_class(|reference, predicted, both| 2.0 * both / (reference + predicted))
    }

    /// Intersection over union, averaged over the classes that either has, background included.
    pub fn mean_iou(&self) -> f64 {
        mean(&self.per_class(|reference, predicted, both| both / (reference + predicted - both)))
    }

    fn per_class(&self, score: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
        let counts = self.reference.iter().zip(&self.predicted).zip(&self.both);
        counts.map(|((&a, &b), &both)| score(a as f64, b as f64, both as f64)).collect()
    }
}

/// Dice per class of two label volumes `[z, y, x]`; see [`OverlapCounts::dice`].
pub fn dice(reference: ArrayView3<u8>, predicted: ArrayView3<u8>, classes: usize) -> Result<Vec<f64>> {
    if reference.dim() != predicted.dim() {
        let ((az, ay, ax), (bz, by, bx)) = (reference.dim(), predicted.dim());
        return Err(Error::InvalidShape(format!(
            "the reference has shape {ax}×{ay}×{az}, the prediction {bx}×{by}×{bz}; expected the same"
        )));
    }
    let mut counts = OverlapCounts::new(classes);
    for (reference, predicted) in reference.outer_iter().zip(predicted.outer_iter()) {
        counts.add(reference, predicted)?;
    }
    Ok(counts.dice())
}

/// Mean over the classes but the first (background), leaving out NaN; NaN when nothing is left.
pub fn mean_foreground(per_class: &[f64]) -> f64 {
    mean(per_class.get(1..).unwrap_or_default())
}

fn mean(values: &[f64]) -> f64 {
    let present: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    present.iter().sum::<f64>() / present.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    #[test]
    fn dice_of_known_maps() {
        let reference = array![[[0u8, 1, 1], [0, 2, 0]]];
        let predicted = array![[[0u8, 1, 0], [0, 3, 0]]];
        let dice = dice(reference.view(), predicted.view(), 5).unwrap();
        assert_eq!(dice[0], 2.0 * 3.0 / 7.0);
        assert_eq!(dice[1], 2.0 / 3.0);
        assert_eq!(dice[2], 0.0);
        assert_eq!(dice[3], 0.0, "absent in the reference only");
        assert!(dice[4].is_nan(), "absent in both");
        assert!((mean_foreground(&dice) - 2.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn equal_maps_have_dice_one() {
        let map = Array3::from_shape_fn((2, 3, 4), |(z, y, x)| ((z + y + x) % 3) as u8);
        assert_eq!(dice(map.view(), map.view(), 3).unwrap(), vec![1.0; 3]);
    }

    #[test]
    fn mean_iou_counts_the_background() {
        let mut counts = OverlapCounts::new(3);
        counts.add(array![[0u8, 1], [1, 1]].view(), array![[0u8, 1], [1, 0]].view()).unwrap();
        assert!((counts.mean_iou() - (0.5 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn different_shapes_and_unknown_classes_are_refused() {
        let small = Array3::<u8>::zeros((1, 2, 2));
        assert!(matches!(
            dice(small.view(), Array3::zeros((1, 2, 3)).view(), 2),
            Err(Error::InvalidShape(_))
        ));
        let other = Array3::from_elem((1, 2, 2), 7);
        let message = dice(small.view(), other.view(), 4).unwrap_err().to_string();
        assert!(message.contains("value 7") && message.contains("0 to 3"), "{message}");
    }

    #[test]
    fn nothing_left_is_nan() {
        assert!(mean_foreground(&[1.0, f64::NAN]).is_nan());
        assert!(mean_foreground(&[]).is_nan());
    }
}
