//! What becomes of one slice.

use crate::error::Result;
use crate::memory;
use crate::volume::NetworkGrid;
use ndarray::{Array2, Array3, ArrayView2, ArrayView3, Axis, Zip};

/// Which maps a caller wants beside the final labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Final probabilities.
    pub probabilities: bool,
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
    pub probabilities: Option<Array3<f32>>,
    /// The labels before correction.
    pub fast_labels: Option<Array2<u8>>,
    /// −Σ p ln p of the final probabilities, in nats: 0 to ln(classes).
    pub entropy: Option<Array2<f32>>,
    /// Half the sum over classes of |p_fast − p_final| (total variation distance): 0 to 1.
    pub disagreement: Option<Array2<f32>>,
}

impl SliceResult {
    /// Brings the probabilities of both stages, `[class, y, x]` on the networks' grid, to the image's grid and derives
    /// the wanted maps.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn new(
        grid: &NetworkGrid,
        refined: ArrayView3<f32>,
        fast: Option<ArrayView3<f32>>,
        wanted: Wanted,
    ) -> Result<Self> {
        let fast_labels =
            fast.filter(|_| wanted.fast_labels).map(|fast| labels_on_image(grid, fast)).transpose()?;
        if !(wanted.probabilities || wanted.entropy || wanted.disagreement) {
            return Ok(SliceResult {
                labels: labels_on_image(grid, refined)?,
                probabilities: None,
                fast_labels,
                entropy: None,
                disagreement: None,
            });
        }
        let probabilities = grid.probabilities_to_image(refined)?;
        let mut labels = Argmax::new(probabilities.dim().1, probabilities.dim().2)?;
        probabilities.outer_iter().for_each(|map| labels.add(map));
        Ok(SliceResult {
            labels: labels.labels,
            fast_labels,
            entropy: wanted.entropy.then(|| entropy(&probabilities)).transpose()?,
            disagreement: fast
                .filter(|_| wanted.disagreement)
                .map(|fast| total_variation(&grid.probabilities_to_image(fast)?, &probabilities))
                .transpose()?,
            probabilities: wanted.probabilities.then_some(probabilities),
        })
    }
}

/// The most likely classes on the image's grid, one class after the other: all probabilities are never in memory.
fn labels_on_image(grid: &NetworkGrid, probabilities: ArrayView3<f32>) -> Result<Array2<u8>> {
    let [width, height] = grid.image_size();
    let mut labels = Argmax::new(height, width)?;
    for class in 0..probabilities.len_of(Axis(0)) {
        labels.add(grid.probability_to_image(probabilities, class)?.view());
    }
    Ok(labels.labels)
}

/// The class of the highest value so far.
struct Argmax {
    labels: Array2<u8>,
    highest: Array2<f32>,
    class: u8,
}

impl Argmax {
    fn new(height: usize, width: usize) -> Result<Self> {
        Ok(Argmax {
            labels: memory::filled((height, width), 0, "labels of a slice")?,
            highest: memory::filled((height, width), f32::NEG_INFINITY, "labels of a slice")?,
            class: 0,
        })
    }

    /// The map of the next class.
    fn add(&mut self, map: ArrayView2<f32>) {
        let class = self.class;
        Zip::from(&mut self.labels).and(&mut self.highest).and(map).for_each(|label, highest, &p| {
            let higher = p > *highest;
            *highest = if higher { p } else { *highest };
            *label = if higher { class } else { *label };
        });
        // Class counts are limited to 255.
        self.class = class.wrapping_add(1);
    }
}

fn entropy(probabilities: &Array3<f32>) -> Result<Array2<f32>> {
    let (_, height, width) = probabilities.dim();
    let mut total = memory::filled((height, width), 0.0, "entropy of a slice")?;
    for map in probabilities.axis_iter(Axis(0)) {
        Zip::from(&mut total).and(map).for_each(|total: &mut f32, &p| {
            if p > 0.0 {
                *total -= p * p.ln();
            }
        });
    }
    Ok(total.mapv_into(|value: f32| value.max(0.0)))
}

fn total_variation(fast: &Array3<f32>, refined: &Array3<f32>) -> Result<Array2<f32>> {
    let (_, height, width) = refined.dim();
    let mut total = memory::filled((height, width), 0.0, "disagreement of a slice")?;
    for (a, b) in fast.axis_iter(Axis(0)).zip(refined.axis_iter(Axis(0))) {
        Zip::from(&mut total).and(a).and(b).for_each(|total: &mut f32, &a, &b| *total += 0.5 * (a - b).abs());
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Preprocess;

    /// A grid on which nothing moves.
    fn grid() -> NetworkGrid {
        let preprocess = Preprocess { spacing: None, pad: [16; 2], crop: [16; 2], ..Preprocess::default() };
        NetworkGrid::new([16, 16], [1.0, 1.0], &preprocess).unwrap()
    }

    /// Probabilities of two classes, the same in every row.
    fn map(first: [f32; 2]) -> Array3<f32> {
        Array3::from_shape_fn((2, 16, 16), |(class, _, x)| {
            let p = first[x % 2];
            if class == 0 { p } else { 1.0 - p }
        })
    }

    #[test]
    fn maps_of_known_probabilities() {
        let (refined, fast) = (map([1.0, 0.5]), map([0.25, 0.5]));
        let all = Wanted { fast_labels: true, entropy: true, disagreement: true, probabilities: true };
        let result = SliceResult::new(&grid(), refined.view(), Some(fast.view()), all).unwrap();
        assert_eq!(result.labels, Array2::<u8>::zeros((16, 16)));
        assert_eq!(result.fast_labels.unwrap().row(3).to_vec()[..3], [1, 0, 1]);
        assert_eq!(result.probabilities.unwrap(), refined);
        let entropy = result.entropy.unwrap();
        assert_eq!(entropy[[0, 0]], 0.0);
        assert!((entropy[[5, 1]] - std::f32::consts::LN_2).abs() < 1e-6);
        assert_eq!(result.disagreement.unwrap().row(9).to_vec()[..2], [0.75, 0.0]);
    }

    #[test]
    fn unwanted_maps_are_not_made_and_labels_are_the_same() {
        let (refined, fast) = (map([0.2, 0.6]), map([0.7, 0.1]));
        let few = Wanted { fast_labels: true, ..Wanted::default() };
        let result = SliceResult::new(&grid(), refined.view(), Some(fast.view()), few).unwrap();
        assert!(result.probabilities.is_none() && result.entropy.is_none() && result.disagreement.is_none());
        let all = Wanted { probabilities: true, ..few };
        let full = SliceResult::new(&grid(), refined.view(), Some(fast.view()), all).unwrap();
        assert_eq!((result.labels, result.fast_labels), (full.labels, full.fast_labels));
    }
}
