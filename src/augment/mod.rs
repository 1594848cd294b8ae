//! The training augmentation (METHOD §5): random transforms that move a slice's image and label together.
//!
//! A slice is padded, mirrored, changed in brightness, transformed by an affine map, turned by a multiple
//! of 45°, deformed elastically, cropped and scaled to [0, 1], in this order. Where a transform looks
//! beyond the frame it finds what the padding is made of: the slice's minimum, and background.
//!
//! Nothing here knows libtorch; slices are independent of each other and may be augmented on any thread.

mod affine;
mod affine_map;
mod brightness;
mod channels;
mod config;
pub(crate) mod cubic_spline;
mod discrete_rotation;
mod draw;
mod elastic;
mod flip;
mod gaussian;
#[cfg(test)]
mod marker;
mod sampling;

pub use channels::{ChannelSlice, augment_channels, plain_channels};
pub use config::{Affine, Augmentation, Brightness, DiscreteRotation, Elastic, Flip};

use crate::error::Result;
use crate::volume::{centre_crop, min_max, pad};
use ndarray::Array2;
use rand::Rng;

/// One slice of a volume with its classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// Intensities, indexed `[y, x]`.
    pub image: Array2<f32>,
    /// Class of each pixel, of the same shape; 0 is background.
    pub label: Array2<u8>,
}

/// Smallest and largest intensity.
fn intensity_range(image: &Array2<f32>) -> (f32, f32) {
    image.fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)))
}

/// Augments one slice: pads it with its minimum, transforms it at random, crops the centre and scales the
/// intensities of the crop to [0, 1].
///
/// `slice` has been preprocessed (intensities in [0, 1], in-plane resampled) and may be of any size; its
/// label is of the same size and holds values below `classes`, which counts the background. `pad_xy` and
/// `crop_xy` are widths and heights in pixels, `pad_xy` not below `crop_xy`. The result has exactly the size
/// `crop_xy`; a crop without contrast becomes 0.
///
/// The result is a function of the arguments and of the stream `rng` alone. All draws are taken from it in
/// a fixed order, so that turning a transform off does not change what the others do.
///
/// # Errors
/// `OutOfMemory`.
pub fn augment(
    slice: &Slice,
    pad_xy: [usize; 2],
    crop_xy: [usize; 2],
    classes: usize,
    config: &Augmentation,
    rng: &mut impl Rng,
) -> Result<Slice> {
    augment_padded(padded(slice, pad_xy)?, crop_xy, classes, config, rng)
}

fn augment_padded(
    mut slice: Slice,
    crop_xy: [usize; 2],
    classes: usize,
    config: &Augmentation,
    rng: &mut impl Rng,
) -> Result<Slice> {
    if config.enabled {
        transform(&mut slice, classes, config, rng)?;
    }
    cropped(&slice, crop_xy)
}

fn transform(slice: &mut Slice, classes: usize, config: &Augmentation, rng: &mut impl Rng) -> Result<()> {
    let size = slice.image.dim();
    if config.horizontal_flip.draw(rng) {
        flip::horizontal(slice)?;
    }
    if config.vertical_flip.draw(rng) {
        flip::vertical(slice)?;
    }
    if let Some(change) = config.brightness.draw(rng) {
        change.apply(slice);
    }
    let affine = config.affine.draw(size, rng);
    let rotation = config.discrete_rotation.draw(size, rng);
    let maps: Vec<_> = [affine, rotation].into_iter().flatten().collect();
    if !maps.is_empty() {
        *slice = affine_map::resample(slice, &maps)?;
    }
    if let Some(displacement) = config.elastic.draw(size, rng)? {
        displacement.apply(slice, classes)?;
    }
    Ok(())
}

/// Pads and crops a slice and scales it to [0, 1]: what `augment` does without anything random.
///
/// # Errors
/// `OutOfMemory`.
pub fn plain(slice: &Slice, pad_xy: [usize; 2], crop_xy: [usize; 2]) -> Result<Slice> {
    cropped(&padded(slice, pad_xy)?, crop_xy)
}

fn padded(slice: &Slice, size_xy: [usize; 2]) -> Result<Slice> {
    Ok(Slice { image: padded_image(&slice.image, size_xy)?, label: pad(slice.label.view(), size_xy, 0)? })
}

fn padded_image(image: &Array2<f32>, size_xy: [usize; 2]) -> Result<Array2<f32>> {
    pad(image.view(), size_xy, intensity_range(image).0)
}

fn cropped(slice: &Slice, size_xy: [usize; 2]) -> Result<Slice> {
    let mut image = centre_crop(slice.image.view(), size_xy)?;
    min_max(&mut image);
    Ok(Slice { image, label: centre_crop(slice.label.view(), size_xy)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{self, Purpose};
    use rand_chacha::ChaCha8Rng;

    const PAD: [usize; 2] = [80, 64];
    const CROP: [usize; 2] = [64, 48];

    fn stream(key: u64) -> ChaCha8Rng {
        random::stream(9, Purpose::Augmentation, [key, 0, 0])
    }

    /// Two discs of different classes on an uneven ground.
    fn slice(size: (usize, usize)) -> Slice {
        let centre = [size.0 as f64 * 0.45, size.1 as f64 * 0.55];
        let mut slice = marker::disc(size, centre, 9.0);
        let inner = marker::disc(size, [centre[0] + 1.0, centre[1] + 2.0], 4.0);
        slice.image += &inner.image;
        slice.label.zip_mut_with(&inner.label, |class, &inner| *class += u8::from(inner != 0));
        for ((y, x), value) in slice.image.indexed_iter_mut() {
            *value += 0.05 * ((y * 5 + x * 3) % 11) as f32;
        }
        slice
    }

    fn everything() -> Augmentation {
        let mut config = Augmentation::default();
        config.horizontal_flip.probability = 1.0;
        config.vertical_flip.probability = 1.0;
        config.brightness.probability = 1.0;
        config.elastic.probability = 1.0;
        config
    }

    fn assert_sound(out: &Slice, [width, height]: [usize; 2]) {
        assert_eq!(out.image.dim(), (height, width));
        assert_eq!(out.label.dim(), (height, width));
        assert!(out.image.iter().all(|value| (0.0..=1.0).contains(value)));
        assert!(out.label.iter().all(|class| [0, 2, 3].contains(class)));
    }

    #[test]
    fn every_size_comes_out_cropped_within_zero_and_one_and_with_its_classes() {
        for size in [(40, 50), (64, 80), (100, 90), (30, 120), (150, 31)] {
            let slice = slice(size);
            for config in [Augmentation::default(), everything()] {
                for key in 0..30 {
                    let out = augment(&slice, PAD, CROP, 4, &config, &mut stream(key)).unwrap();
                    assert_sound(&out, CROP);
                    let (low, high) = intensity_range(&out.image);
                    assert!(low == 0.0 && high > 0.9999, "{low} {high}");
                }
            }
        }
    }

    #[test]
    fn image_and_label_stay_together_through_everything() {
        let slice = marker::disc((64, 80), [30.0, 42.0], 6.0);
        let mut config = everything();
        // Keeps the whole disc in the crop.
        config.affine.shift = [-0.03, 0.03];
        for key in 0..100 {
            let out = augment(&slice, PAD, PAD, 4, &config, &mut stream(key)).unwrap();
            assert!(marker::separation(&out) < 1.0, "{key}: {}", marker::separation(&out));
        }
    }

    #[test]
    fn image_and_label_stay_together_through_each_transform() {
        let slice = marker::disc((64, 80), [30.0, 42.0], 6.0);
        type Switch = fn(&mut Augmentation);
        let switches: [(&str, Switch); 6] = [
            ("horizontal flip", |config| config.horizontal_flip.probability = 1.0),
            ("vertical flip", |config| config.vertical_flip.probability = 1.0),
            ("brightness", |config| config.brightness.probability = 1.0),
            ("affine", |config| config.affine.probability = 1.0),
            ("discrete rotation", |config| config.discrete_rotation.probability = 1.0),
            ("elastic", |config| config.elastic.probability = 1.0),
        ];
        for (name, switch) in switches {
            let mut config = Augmentation::none();
            config.affine.shift = [-0.03, 0.03];
            switch(&mut config);
            let mut moved = false;
            for key in 0..20 {
                let out = augment(&slice, PAD, PAD, 4, &config, &mut stream(key)).unwrap();
                assert!(marker::separation(&out) < 1.0, "{name}, {key}: {}", marker::separation(&out));
                moved |= out != plain(&slice, PAD, PAD).unwrap();
            }
            assert!(moved, "{name}");
        }
        // Padding and cropping alone.
        assert!(marker::separation(&plain(&slice, [90, 70], CROP).unwrap()) < 0.5);
    }

    #[test]
    fn turned_off_it_only_pads_and_crops() {
        let slice = slice((50, 70));
        let expected = plain(&slice, PAD, CROP).unwrap();
        assert_sound(&expected, CROP);
        let disabled = Augmentation { enabled: false, ..everything() };
        for config in [Augmentation::none(), disabled] {
            for key in 0..10 {
                assert_eq!(augment(&slice, PAD, CROP, 4, &config, &mut stream(key)).unwrap(), expected);
            }
        }
    }

    #[test]
    fn plain_pads_with_the_minimum_crops_the_centre_and_scales_by_the_crops_range() {
        let mut slice = Slice { image: Array2::from_elem((2, 4), 3.0), label: Array2::from_elem((2, 4), 1) };
        slice.image[[0, 0]] = 1.0;
        slice.image[[0, 2]] = 2.0;
        let out = plain(&slice, [4, 4], [2, 4]).unwrap();
        let expected = ndarray::array![[0.0, 0.0], [1.0, 0.5], [1.0, 1.0], [0.0, 0.0]];
        assert_eq!(out.image, expected);
        assert_eq!(out.label, ndarray::array![[0, 0], [1, 1], [1, 1], [0, 0]]);
    }

    #[test]
    fn one_stream_gives_one_result() {
        let slice = slice((64, 80));
        let draw = |key| augment(&slice, PAD, CROP, 4, &everything(), &mut stream(key)).unwrap();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1).image, draw(2).image);
        assert_ne!(draw(1).label, draw(2).label);
    }

    #[test]
    fn turning_one_transform_off_leaves_the_draws_of_the_others() {
        let slice = slice((64, 80));
        let mut without = everything();
        without.brightness.probability = 0.0;
        for key in 0..10 {
            let with = augment(&slice, PAD, CROP, 4, &everything(), &mut stream(key)).unwrap();
            let without = augment(&slice, PAD, CROP, 4, &without, &mut stream(key)).unwrap();
            assert_eq!(with.label, without.label);
            assert_ne!(with.image, without.image);
        }
    }

    #[test]
    fn constant_and_tiny_slices_stay_finite() {
        let constant = Slice { image: Array2::from_elem((40, 30), 0.7), label: Array2::zeros((40, 30)) };
        let tiny = slice((16, 16));
        let pixel = Slice { image: Array2::from_elem((1, 1), 0.5), label: Array2::from_elem((1, 1), 2) };
        for key in 0..40 {
            let out = augment(&constant, PAD, CROP, 4, &everything(), &mut stream(key)).unwrap();
            assert!(out.image.iter().all(|&value| value == 0.0));
            assert_sound(
                &augment(&tiny, [16, 16], [16, 16], 4, &everything(), &mut stream(key)).unwrap(),
                [16, 16],
            );
            assert_sound(
                &augment(&pixel, [16, 16], [16, 16], 4, &everything(), &mut stream(key)).unwrap(),
                [16, 16],
            );
        }
    }

    #[test]
    fn the_defaults_do_each_transform_as_often_as_published() {
        let slice = slice((16, 16));
        let config = Augmentation::default();
        let plain = plain(&slice, [16, 16], [16, 16]).unwrap();
        let count = |change: &dyn Fn(&mut Augmentation)| {
            let mut config = Augmentation { enabled: true, ..Augmentation::none() };
            change(&mut config);
            (0..2000)
                .filter(|&key| {
                    augment(&slice, [16, 16], [16, 16], 4, &config, &mut stream(key)).unwrap() != plain
                })
                .count()
        };
        for (name, found, expected) in [
            ("horizontal flip", count(&|c| c.horizontal_flip = config.horizontal_flip.clone()), 400),
            ("vertical flip", count(&|c| c.vertical_flip = config.vertical_flip.clone()), 400),
            ("brightness", count(&|c| c.brightness = config.brightness.clone()), 1000),
            ("affine", count(&|c| c.affine = config.affine.clone()), 2000),
            ("rotation", count(&|c| c.discrete_rotation = config.discrete_rotation.clone()), 1750),
            ("elastic", count(&|c| c.elastic = config.elastic.clone()), 1000),
        ] {
            assert!((expected - 90..=expected + 90).contains(&(found as i64)), "{name}: {found} of 2000");
        }
    }
}
