//! Change of brightness.

use super::config::Brightness;
use super::draw::{chance, uniform};
use super::{Slice, intensity_range};
use rand::Rng;

/// A drawn change of brightness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BrightnessChange {
    gain: f32,
    offset: f32,
}

impl Brightness {
    /// The change for one slice, or none; three draws.
    pub(super) fn draw(&self, rng: &mut impl Rng) -> Option<BrightnessChange> {
        let happens = chance(self.probability, rng);
        let gain = uniform(self.gain, rng) as f32;
        let offset = uniform(self.offset, rng) as f32;
        happens.then_some(BrightnessChange { gain, offset })
    }
}

impl BrightnessChange {
    /// gain · x + offset, clamped to the range that the slice had before. The label stays.
    pub(super) fn apply(self, slice: &mut Slice) {
        let (low, high) = intensity_range(&slice.image);
        slice.image.mapv_inplace(|value| (self.gain * value + self.offset).max(low).min(high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{self, Purpose};
    use ndarray::{Array2, array};

    #[test]
    fn values_are_scaled_shifted_and_clamped_to_the_slices_own_range() {
        let mut slice = Slice { image: array![[0.25, 0.5], [0.75, 0.3125]], label: array![[0, 1], [2, 3]] };
        BrightnessChange { gain: 1.5, offset: -0.25 }.apply(&mut slice);
        // 0.125 and 0.875 leave [0.25, 0.75].
        assert_eq!(slice.image, array![[0.25, 0.5], [0.75, 0.25]]);
        assert_eq!(slice.label, array![[0, 1], [2, 3]]);
    }

    #[test]
    fn a_constant_slice_stays_as_it_is() {
        let mut slice = Slice { image: Array2::from_elem((4, 3), 0.3), label: Array2::zeros((4, 3)) };
        BrightnessChange { gain: 1.2, offset: 0.1 }.apply(&mut slice);
        assert_eq!(slice.image, Array2::from_elem((4, 3), 0.3));
    }

    #[test]
    fn the_probability_is_honoured() {
        let mut rng = random::stream(2, Purpose::Augmentation, [0; 3]);
        for (probability, low, high) in [(0.5, 4750, 5250), (0.0, 0, 0), (1.0, 10_000, 10_000)] {
            let config = Brightness { probability, gain: [0.8, 1.2], offset: [-0.1, 0.1] };
            let count = (0..10_000).filter(|_| config.draw(&mut rng).is_some()).count();
            assert!((low..=high).contains(&count), "{probability}: {count} of 10000");
        }
    }

    #[test]
    fn draws_fill_the_configured_ranges() {
        let config = Brightness { probability: 1.0, gain: [0.8, 1.2], offset: [-0.1, 0.1] };
        let mut rng = random::stream(1, Purpose::Augmentation, [0; 3]);
        let drawn: Vec<_> = (0..2000).map(|_| config.draw(&mut rng).unwrap()).collect();
        for (values, low, high) in [
            (drawn.iter().map(|d| d.gain).collect::<Vec<_>>(), 0.8, 1.2),
            (drawn.iter().map(|d| d.offset).collect(), -0.1, 0.1),
        ] {
            let smallest = values.iter().copied().fold(f32::INFINITY, f32::min);
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert!(smallest >= low && smallest < low + 0.01, "{smallest}");
            assert!(largest <= high && largest > high - 0.01, "{largest}");
        }
    }
}
