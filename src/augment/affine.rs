//! Random rotation, zoom and shift.

use super::affine_map::AffineMap;
use super::config::Affine;
use super::draw::{chance, uniform};
use rand::Rng;

impl Affine {
    /// The map for one slice of `size` (height, width), or none; five draws.
    pub(super) fn draw(&self, size: (usize, usize), rng: &mut impl Rng) -> Option<AffineMap> {
        let happens = chance(self.probability, rng);
        let degrees = uniform(self.rotation_degrees, rng);
        let shift = [size.0, size.1].map(|length| length as f64 * uniform(self.shift, rng));
        let zoom = uniform(self.zoom, rng);
        happens.then(|| AffineMap::about_centre(size, degrees, zoom, shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::affine_map::resample;
    use crate::augment::{Augmentation, marker};
    use crate::random::{self, Purpose};

    #[test]
    fn image_and_label_move_together_by_no_more_than_configured() {
        let size = (120, 100);
        let slice = marker::disc(size, [60.0, 50.0], 9.0);
        let config = Augmentation::default().affine;
        let mut moved = [0.0f64; 2];
        for key in 0..50 {
            let mut rng = random::stream(3, Purpose::Augmentation, [key, 0, 0]);
            let out = resample(&slice, &[config.draw(size, &mut rng).unwrap()]).unwrap();
            assert!(marker::separation(&out) < 1.0);
            let [image, _] = marker::centroids(&out);
            for (axis, centre) in [60.0, 50.0].into_iter().enumerate() {
                moved[axis] = moved[axis].max((image[axis] - centre).abs());
            }
        }
        // Shifts reach a tenth of the size; the disc begins half a pixel from the centre.
        assert!(moved[0] > 10.0 && moved[0] < 13.0, "{moved:?}");
        assert!(moved[1] > 8.0 && moved[1] < 11.0, "{moved:?}");
    }

    #[test]
    fn ranges_of_nothing_change_nothing() {
        let config = Affine { probability: 1.0, rotation_degrees: [0.0; 2], shift: [0.0; 2], zoom: [1.0; 2] };
        let slice = marker::disc((31, 44), [12.0, 20.0], 6.0);
        let mut rng = random::stream(3, Purpose::Augmentation, [0; 3]);
        let map = config.draw((31, 44), &mut rng).unwrap();
        assert_eq!(resample(&slice, &[map]).unwrap(), slice);
    }

    #[test]
    fn the_probability_is_honoured() {
        let mut rng = random::stream(4, Purpose::Augmentation, [0; 3]);
        for (probability, low, high) in [(0.3, 2775, 3225), (0.0, 0, 0), (1.0, 10_000, 10_000)] {
            let config = Affine { probability, ..Augmentation::default().affine };
            let count = (0..10_000).filter(|_| config.draw((16, 16), &mut rng).is_some()).count();
            assert!((low..=high).contains(&count), "{probability}: {count} of 10000");
        }
    }
}
