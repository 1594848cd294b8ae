//! Elastic deformation with a smoothed random displacement (Simard, Steinkraus and Platt 2003, "Best
//! practices for convolutional neural networks applied to visual document analysis").

use super::config::Elastic;
use super::cubic_spline::CubicSpline;
use super::draw::{chance, uniform};
use super::sampling::Pixels;
use super::{Slice, gaussian, intensity_range};
use crate::error::Result;
use crate::memory;
use ndarray::Array2;
use rand::{Rng, RngExt};

/// How far each pixel looks away from its own position for its value, in pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Displacement {
    y: Array2<f32>,
    x: Array2<f32>,
}

impl Elastic {
    /// The displacement for one slice of `size` (height, width), or none. Three draws, and two for each
    /// pixel where there is a displacement.
    pub(super) fn draw(&self, size: (usize, usize), rng: &mut impl Rng) -> Result<Option<Displacement>> {
        let height = size.0 as f64;
        let happens = chance(self.probability, rng);
        let amplitude = height * uniform(self.amplitude, rng);
        let sigma = height * uniform(self.sigma, rng);
        if !happens {
            return Ok(None);
        }
        let mut component = || -> Result<Array2<f32>> {
            let mut noise = memory::filled(size, 0.0, "a displacement")?;
            noise.map_inplace(|value| *value = 2.0 * rng.random::<f32>() - 1.0);
            Ok(gaussian::smooth(noise.view(), sigma)? * amplitude as f32)
        };
        Ok(Some(Displacement { y: component()?, x: component()? }))
    }
}

impl Displacement {
    /// Cubic interpolation for the image, kept to the slice's own range, which splines overshoot at edges;
    /// per-class linear interpolation for the label. `classes` counts the background.
    pub(super) fn apply(&self, slice: &mut Slice, classes: usize) -> Result<()> {
        let (low, high) = intensity_range(&slice.image);
        let spline = CubicSpline::through(&slice.image)?;
        let label = Pixels::new(&slice.label, 0)?;
        let mut weights = vec![0.0; classes];
        let displacements = self.y.indexed_iter().zip(&self.x);
        let targets = slice.image.iter_mut().zip(&mut slice.label);
        for ((((y, x), &dy), &dx), (value, class)) in displacements.zip(targets) {
            let position = [y as f32 + dy, x as f32 + dx];
            *value = spline.value(position).map_or(low, |value| value.max(low).min(high));
            *class = label.linear_per_class(position, &mut weights);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::{Augmentation, marker};
    use crate::random::{self, Purpose};
    use rand_chacha::ChaCha8Rng;

    fn certain() -> Elastic {
        Elastic { probability: 1.0, ..Augmentation::default().elastic }
    }

    fn stream(key: u64) -> ChaCha8Rng {
        random::stream(6, Purpose::Augmentation, [key, 0, 0])
    }

    #[test]
    fn image_and_label_move_together_and_follow_the_displacement() {
        let centre = [70.0, 52.0];
        let slice = marker::disc((128, 112), centre, 5.0);
        let mut farthest = 0.0f64;
        for key in 0..40 {
            let displacement = certain().draw((128, 112), &mut stream(key)).unwrap().unwrap();
            let mut moved = slice.clone();
            displacement.apply(&mut moved, 4).unwrap();
            assert!(marker::separation(&moved) < 1.0);
            assert!(moved.label.iter().all(|&class| class == 0 || class == marker::CLASS));
            let [found, _] = marker::centroids(&moved);
            farthest = farthest.max((found[0] - centre[0]).hypot(found[1] - centre[1]));
            // At the disc's new place the displacement points back to its old one.
            let at = [found[0].round() as usize, found[1].round() as usize];
            let back = [found[0] + f64::from(displacement.y[at]), found[1] + f64::from(displacement.x[at])];
            let error = (back[0] - centre[0]).hypot(back[1] - centre[1]);
            assert!(error < 2.0, "{error}");
        }
        assert!(farthest > 3.0, "the disc moved by {farthest} at most");
    }

    #[test]
    fn the_defaults_move_pixels_by_a_few_pixels_and_fold_nothing() {
        let mut deviations = Vec::new();
        for key in 0..20 {
            let Displacement { y, x } = certain().draw((224, 224), &mut stream(key)).unwrap().unwrap();
            deviations.push(((&y * &y).mean().unwrap() / 2.0 + (&x * &x).mean().unwrap() / 2.0).sqrt());
            for row in 1..224 {
                for column in 1..224 {
                    let along = |field: &Array2<f32>| {
                        let here = field[[row, column]];
                        [here - field[[row - 1, column]], here - field[[row, column - 1]]]
                    };
                    let ([yy, yx], [xy, xx]) = (along(&y), along(&x));
                    assert!((1.0 + yy) * (1.0 + xx) - yx * xy > 0.0);
                }
            }
        }
        let mean = deviations.iter().sum::<f32>() / 20.0;
        assert!((2.5..4.0).contains(&mean), "{mean}");
        assert!(deviations.iter().all(|deviation| (1.5..6.5).contains(deviation)), "{deviations:?}");
    }

    #[test]
    fn without_amplitude_nothing_moves() {
        let config = Elastic { amplitude: [0.0; 2], ..certain() };
        let slice = marker::disc((40, 30), [15.0, 14.0], 6.0);
        let mut same = slice.clone();
        config.draw((40, 30), &mut stream(0)).unwrap().unwrap().apply(&mut same, 4).unwrap();
        assert_eq!(same.label, slice.label);
        assert!((&same.image - &slice.image).iter().all(|difference| difference.abs() < 1e-5));
    }

    #[test]
    fn the_image_keeps_its_range_and_a_constant_stays_constant() {
        let mut slice = Slice {
            image: Array2::from_shape_fn((48, 48), |(y, x)| if (y / 6 + x / 6) % 2 == 0 { 0.2 } else { 0.7 }),
            label: Array2::zeros((48, 48)),
        };
        certain().draw((48, 48), &mut stream(1)).unwrap().unwrap().apply(&mut slice, 4).unwrap();
        assert!(slice.image.iter().all(|value| (0.2..=0.7).contains(value)));

        let mut slice = Slice { image: Array2::from_elem((48, 48), 0.3), label: Array2::zeros((48, 48)) };
        certain().draw((48, 48), &mut stream(1)).unwrap().unwrap().apply(&mut slice, 4).unwrap();
        assert_eq!(slice.image, Array2::from_elem((48, 48), 0.3));
    }

    #[test]
    fn the_probability_is_honoured() {
        let mut rng = stream(2);
        for (probability, low, high) in [(0.5, 900, 1100), (0.0, 0, 0), (1.0, 2000, 2000)] {
            let config = Elastic { probability, ..certain() };
            let count = (0..2000).filter(|_| config.draw((8, 8), &mut rng).unwrap().is_some()).count();
            assert!((low..=high).contains(&count), "{probability}: {count} of 2000");
        }
    }
}
