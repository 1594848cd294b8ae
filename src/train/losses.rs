//! The parts of the loss as numbers.

use serde::{Deserialize, Serialize};

/// The parts of the loss in one step, unweighted. The Dice parts are absent where no Dice term is asked for,
/// the hard parts in standard training and where their source is switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossValues {
    /// CE(p, y).
    pub segmentation: f64,
    /// 1 − soft Dice of p.
    pub segmentation_dice: Option<f64>,
    /// R(x', x).
    pub reconstruction: f64,
    /// CE(C(p), y).
    pub shape_from_prediction: f64,
    /// CE(C(y), y).
    pub shape_from_label: f64,
    /// CE(p̄, y).
    pub hard_segmentation: Option<f64>,
    /// 1 − soft Dice of p̄.
    pub hard_segmentation_dice: Option<f64>,
    /// R(D_i(E(x̂)), x).
    pub hard_reconstruction: Option<f64>,
    /// CE(C(p̄), y).
    pub hard_shape_from_prediction: Option<f64>,
    /// CE(C(p̂), y).
    pub hard_shape_from_corrupted: Option<f64>,
}

impl LossValues {
    /// Names of all parts, in the order of [`LossValues::values`].
    pub const NAMES: [&'static str; 10] = [
        "segmentation",
        "segmentation_dice",
        "reconstruction",
        "shape_from_prediction",
        "shape_from_label",
        "hard_segmentation",
        "hard_segmentation_dice",
        "hard_reconstruction",
        "hard_shape_from_prediction",
        "hard_shape_from_corrupted",
    ];

    /// All parts; those that are absent are none.
    pub fn values(&self) -> [Option<f64>; 10] {
        [
            Some(self.segmentation),
            self.segmentation_dice,
            Some(self.reconstruction),
            Some(self.shape_from_prediction),
            Some(self.shape_from_label),
            self.hard_segmentation,
            self.hard_segmentation_dice,
            self.hard_reconstruction,
            self.hard_shape_from_prediction,
            self.hard_shape_from_corrupted,
        ]
    }

    /// The inverse of [`LossValues::values`]; mandatory parts that are absent become 0.
    pub fn of_values(values: [Option<f64>; 10]) -> Self {
        let [s, sd, r, sp, sl, hs, hsd, hr, hsp, hsc] = values;
        LossValues {
            segmentation: s.unwrap_or(0.0),
            segmentation_dice: sd,
            reconstruction: r.unwrap_or(0.0),
            shape_from_prediction: sp.unwrap_or(0.0),
            shape_from_label: sl.unwrap_or(0.0),
            hard_segmentation: hs,
            hard_segmentation_dice: hsd,
            hard_reconstruction: hr,
            hard_shape_from_prediction: hsp,
            hard_shape_from_corrupted: hsc,
        }
    }

    /// All parts that are present, with their names.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, f64)> {
        Self::NAMES.into_iter().zip(self.values()).filter_map(|(name, value)| Some((name, value?)))
    }

    /// The sum of the parts that are present.
    pub fn sum(&self) -> f64 {
        self.parts().map(|(_, value)| value).sum()
    }
}

/// Mean of each part over steps; all steps of a run have the same parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossMean {
    sum: LossValues,
    steps: u32,
}

impl LossMean {
    /// Adds one step.
    pub fn add(&mut self, losses: &LossValues) {
        let mut sums = self.sum.values();
        for (sum, value) in sums.iter_mut().zip(losses.values()) {
            *sum = value.map(|value| sum.unwrap_or(0.0) + value);
        }
        self.sum = LossValues::of_values(sums);
        self.steps += 1;
    }

    /// The mean so far.
    pub fn mean(&self) -> LossValues {
        let steps = f64::from(self.steps.max(1));
        LossValues::of_values(self.sum.values().map(|sum| sum.map(|sum| sum / steps)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_names_go_together() {
        let losses = LossValues::of_values(std::array::from_fn(|index| Some(index as f64)));
        let json = serde_json::to_value(losses).unwrap();
        for (index, name) in LossValues::NAMES.into_iter().enumerate() {
            assert_eq!(json[name], index as f64, "{name}");
        }
        assert_eq!(json.as_object().unwrap().len(), LossValues::NAMES.len());
    }

    #[test]
    fn means_leave_absent_parts_absent() {
        let mut mean = LossMean::default();
        for segmentation in [1.0, 3.0] {
            mean.add(&LossValues { segmentation, hard_segmentation: Some(4.0), ..Default::default() });
        }
        let mean = mean.mean();
        assert_eq!(
            (mean.segmentation, mean.hard_segmentation, mean.segmentation_dice),
            (2.0, Some(4.0), None)
        );
    }
}
