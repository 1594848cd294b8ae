//! Random rotation by one of a few angles; quarter turns move pixels without interpolation.

use super::affine_map::AffineMap;
use super::config::DiscreteRotation;
use super::draw::chance;
use rand::{Rng, RngExt};

impl DiscreteRotation {
    /// The map for one slice of `size` (height, width), or none where it would not turn; two draws.
    pub(super) fn draw(&self, size: (usize, usize), rng: &mut impl Rng) -> Option<AffineMap> {
        let happens = chance(self.probability, rng);
        let choice = rng.random::<f64>() * self.angles_degrees.len() as f64;
        let degrees = self.angles_degrees.get(choice as usize).copied().unwrap_or(0.0);
        (happens && degrees != 0.0).then(|| AffineMap::about_centre(size, degrees, 1.0, [0.0; 2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::affine_map::resample;
    use crate::augment::{Augmentation, marker};
    use crate::random::{self, Purpose};

    #[test]
    fn every_angle_is_equally_likely() {
        let config = Augmentation::default().discrete_rotation;
        let mut rng = random::stream(5, Purpose::Augmentation, [0; 3]);
        let drawn: Vec<_> = (0..16_000).map(|_| config.draw((64, 64), &mut rng)).collect();
        for &degrees in &config.angles_degrees {
            let map = AffineMap::about_centre((64, 64), degrees, 1.0, [0.0; 2]);
            let expected = (degrees != 0.0).then_some(map);
            let count = drawn.iter().filter(|&&found| found == expected).count();
            assert!((1830..2170).contains(&count), "{degrees}: {count} of 16000");
        }
    }

    #[test]
    fn image_and_label_turn_together() {
        let slice = marker::disc((64, 64), [31.5, 51.5], 6.0);
        for degrees in (0..8).map(|k| 45.0 * f64::from(k)) {
            let config = DiscreteRotation { probability: 1.0, angles_degrees: vec![degrees] };
            let mut rng = random::stream(5, Purpose::Augmentation, [0; 3]);
            let maps: Vec<_> = config.draw((64, 64), &mut rng).into_iter().collect();
            let turned = resample(&slice, &maps).unwrap();
            let (sin, cos) = degrees.to_radians().sin_cos();
            marker::assert_at(&turned, [31.5 - 20.0 * sin, 31.5 + 20.0 * cos], 0.2);
            if degrees % 90.0 == 0.0 {
                // Only moved: the same values in another order.
                let sorted = |slice: &crate::augment::Slice| {
                    let mut values: Vec<_> = slice.image.iter().map(|value| value.to_bits()).collect();
                    values.sort_unstable();
                    values
                };
                assert_eq!(sorted(&turned), sorted(&slice));
            }
        }
    }

    #[test]
    fn turned_off_it_never_turns() {
        let config = DiscreteRotation { probability: 0.0, ..Augmentation::default().discrete_rotation };
        let mut rng = random::stream(5, Purpose::Augmentation, [0; 3]);
        assert!((0..1000).all(|_| config.draw((64, 64), &mut rng).is_none()));
    }
}
