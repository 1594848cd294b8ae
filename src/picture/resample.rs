//! Scaling of a slice to the size it is shown at.

use std::collections::BTreeMap;

use ndarray::ArrayView2;

/// Which source samples make one target sample, and with which weights (which add up to 1).
type Taps = Vec<(usize, f32)>;

/// Linear interpolation for enlarging, a triangle filter as wide as the step for reducing.
pub(super) struct Resampler {
    rows: Vec<Taps>,
    columns: Vec<Taps>,
}

impl Resampler {
    /// From (height, width) of the source to (height, width) of the target; none may be 0.
    pub(super) fn new(source: (usize, usize), target: (usize, usize)) -> Self {
        Resampler { rows: axis(source.0, target.0), columns: axis(source.1, target.1) }
    }

    /// The value at a place of the target; samples that are not finite are left out. `None` if
    /// none is finite.
    pub(super) fn value(&self, source: ArrayView2<'_, f32>, y: usize, x: usize) -> Option<f32> {
        let (mut sum, mut total) = (0.0, 0.0);
        self.visit(y, x, |index, weight| {
            if let Some(&value) = source.get(index).filter(|value| value.is_finite()) {
                sum += weight * value;
                total += weight;
            }
        });
        (total > 0.0).then(|| sum / total)
    }

    /// The label with the largest share at a place of the target; the smallest of equals.
    pub(super) fn label(&self, source: ArrayView2<'_, u8>, y: usize, x: usize) -> u8 {
        let mut shares = BTreeMap::new();
        self.visit(y, x, |index, weight| {
            if let Some(&label) = source.get(index) {
                *shares.entry(label).or_insert(0.0f32) += weight;
            }
        });
        let largest = shares.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
        largest.map_or(0, |(label, _)| label)
    }

    fn visit(&self, y: usize, x: usize, mut each: impl FnMut((usize, usize), f32)) {
        let (Some(rows), Some(columns)) = (self.rows.get(y), self.columns.get(x)) else {
            return;
        };
        for &(row, row_weight) in rows {
            for &(column, column_weight) in columns {
                each((row, column), row_weight * column_weight);
            }
        }
    }
}

fn axis(source: usize, target: usize) -> Vec<Taps> {
    let step = source as f32 / target as f32;
    let radius = step.max(1.0);
    let last = source.saturating_sub(1) as f32;
    let taps = |position: usize| {
        // Sample centres lie at half-integers of either grid.
        let centre = ((position as f32 + 0.5) * step - 0.5).clamp(0.0, last);
        let first = (centre - radius).ceil().max(0.0);
        let end = (centre + radius).floor().min(last);
        let weight = |index: usize| 1.0 - (index as f32 - centre).abs() / radius;
        let mut taps: Taps = (first as usize..=end as usize).map(|index| (index, weight(index))).collect();
        let total: f32 = taps.iter().map(|tap| tap.1).sum();
        taps.iter_mut().for_each(|tap| tap.1 /= total);
        taps.retain(|tap| tap.1 > 0.0);
        taps
    };
    (0..target).map(taps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn same_size_changes_nothing() {
        let source = array![[1.0, 5.0, 2.0], [0.0, -3.0, 7.0]];
        let resampler = Resampler::new((2, 3), (2, 3));
        for ((y, x), &value) in source.indexed_iter() {
            assert_eq!(resampler.value(source.view(), y, x), Some(value));
        }
    }

    #[test]
    fn enlarging_interpolates_and_reducing_averages() {
        let ramp = array![[0.0, 4.0]];
        let larger = Resampler::new((1, 2), (1, 4));
        let values: Vec<f32> = (0..4).map(|x| larger.value(ramp.view(), 0, x).unwrap()).collect();
        assert_eq!(values, [0.0, 1.0, 3.0, 4.0]);

        let stripes = ndarray::Array2::from_shape_fn((8, 8), |(_, x)| (x % 2) as f32);
        let smaller = Resampler::new((8, 8), (2, 2));
        let value = smaller.value(stripes.view(), 1, 0).unwrap();
        assert!((value - 0.5).abs() < 0.07, "{value}");
    }

    #[test]
    fn labels_are_never_mixed() {
        let source = array![[1u8, 1, 3], [1, 1, 3], [3, 3, 3]];
        let resampler = Resampler::new((3, 3), (30, 30));
        let labels: Vec<u8> = (0..900).map(|i| resampler.label(source.view(), i / 30, i % 30)).collect();
        assert!(labels.iter().all(|label| [1, 3].contains(label)));
        assert_eq!((labels[0], labels[899]), (1, 3));
    }

    #[test]
    fn missing_values_are_left_out() {
        let source = array![[f32::NAN, 2.0], [f32::INFINITY, 2.0]];
        let resampler = Resampler::new((2, 2), (1, 1));
        assert_eq!(resampler.value(source.view(), 0, 0), Some(2.0));
        let none = array![[f32::NAN]];
        assert_eq!(Resampler::new((1, 1), (3, 3)).value(none.view(), 1, 1), None);
    }
}
