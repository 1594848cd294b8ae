//! What becomes of one slice.

use ndarray::{Array2, Array3, Axis, Zip};

/// Which maps a caller wants beside the final labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Labels of the fast-thinking network alone.
    pub fast_labels: bool,
    /// Entropy of the final probabilities.
    pub entropy: bool,
    /// Disagreement of the two stages.
    pub disagreement: bool,
}

impl Wanted {
    /// Whether the fast-thinking network's probabilities are needed on the image's grid.
    pub fn fast(self) -> bool {
        self.fast_labels || self.disagreement
    }
}

/// The result for one slice, on the image's own grid, indexed `[y, x]`.
#[derive(Debug)]
pub struct SliceResult {
    /// Class of the highest final probability; the lower class where two are equal.
    pub labels: Array2<u8>,
    /// Final probabilities `[class, y, x]`; they sum to 1.
    pub probabilities: Array3<f32>,
    /// The labels before correction.
    pub fast_labels: Option<Array2<u8>>,
    /// −Σ p ln p of the final probabilities, in nats: 0 to ln(classes).
    pub entropy: Option<Array2<f32>>,
    /// Half the sum over classes of |p_fast − p_final| (total variation distance): 0 to 1.
    pub disagreement: Option<Array2<f32>>,
}

impl SliceResult {
    /// Derives the wanted maps from the probabilities of both stages `[class, y, x]`.
    pub fn new(probabilities: Array3<f32>, fast: Option<&Array3<f32>>, wanted: Wanted) -> Self {
        SliceResult {
            labels: argmax(&probabilities),
            fast_labels: fast.filter(|_| wanted.fast_labels).map(argmax),
            entropy: wanted.entropy.then(|| entropy(&probabilities)),
            disagreement: fast
                .filter(|_| wanted.disagreement)
                .map(|fast| total_variation(fast, &probabilities)),
            probabilities,
        }
    }
}

fn argmax(probabilities: &Array3<f32>) -> Array2<u8> {
    let (_, height, width) = probabilities.dim();
    let mut labels = Array2::zeros((height, width));
    let mut highest = Array2::from_elem((height, width), f32::NEG_INFINITY);
    for (class, map) in probabilities.axis_iter(Axis(0)).enumerate() {
        Zip::from(&mut labels).and(&mut highest).and(map).for_each(|label, highest, &p| {
            if p > *highest {
                *highest = p;
                // Class counts are limited to 255.
                *label = class as u8;
            }
        });
    }
    labels
}

fn entropy(probabilities: &Array3<f32>) -> Array2<f32> {
    let (_, height, width) = probabilities.dim();
    let mut total = Array2::zeros((height, width));
    for map in probabilities.axis_iter(Axis(0)) {
        Zip::from(&mut total).and(map).for_each(|total: &mut f32, &p| {
            if p > 0.0 {
                *total -= p * p.ln();
            }
        });
    }
    total.mapv_into(|value: f32| value.max(0.0))
}

fn total_variation(fast: &Array3<f32>, refined: &Array3<f32>) -> Array2<f32> {
    let (_, height, width) = refined.dim();
    let mut total = Array2::zeros((height, width));
    for (a, b) in fast.axis_iter(Axis(0)).zip(refined.axis_iter(Axis(0))) {
        Zip::from(&mut total).and(a).and(b).for_each(|total: &mut f32, &a, &b| *total += 0.5 * (a - b).abs());
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn maps_of_known_probabilities() {
        let refined = array![[[1.0, 0.5]], [[0.0, 0.5]]];
        let fast = array![[[0.25, 0.5]], [[0.75, 0.5]]];
        let all = Wanted { fast_labels: true, entropy: true, disagreement: true };
        let result = SliceResult::new(refined, Some(&fast), all);
        assert_eq!(result.labels, array![[0, 0]]);
        assert_eq!(result.fast_labels.unwrap(), array![[1, 0]]);
        let entropy = result.entropy.unwrap();
        assert_eq!(entropy[[0, 0]], 0.0);
        assert!((entropy[[0, 1]] - std::f32::consts::LN_2).abs() < 1e-6);
        assert_eq!(result.disagreement.unwrap(), array![[0.75, 0.0]]);
    }

    #[test]
    fn unwanted_maps_are_not_made() {
        let result = SliceResult::new(array![[[1.0]], [[0.0]]], None, Wanted::default());
        assert!(result.fast_labels.is_none() && result.entropy.is_none() && result.disagreement.is_none());
    }
}
