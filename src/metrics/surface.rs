//! Distances between the surfaces of two segmentations.

use crate::error::{Error, Result};
use crate::memory::{collect, reserve};
use ndarray::{Array3, ArrayView3, ArrayViewMut1, Axis};

/// How far apart the surfaces of one structure are in two segmentations, in mm; NaN where either has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceDistances {
    /// 95th percentile of all distances, both ways together (linear between ranks).
    pub hd95: f64,
    /// Average symmetric surface distance: mean of all distances, both ways together.
    pub assd: f64,
}

/// Surface distances per class between label volumes `[z, y, x]` with `spacing` along x, y and z in mm.
///
/// A voxel is on the surface when one of its six neighbours is outside of the structure or of the image (four
/// neighbours in images of one slice). Each surface voxel's distance is that of its centre to the nearest centre of a
/// surface voxel of the other segmentation, exact. These are the conventions of MedPy's `hd95` and `assd`.
///
/// # Errors
/// `InvalidShape` when the two differ in shape; `OutOfMemory`.
pub fn surface_distances(
    reference: ArrayView3<u8>,
    predicted: ArrayView3<u8>,
    classes: usize,
    spacing: [f64; 3],
) -> Result<Vec<SurfaceDistances>> {
    if reference.dim() != predicted.dim() {
        let ((az, ay, ax), (bz, by, bx)) = (reference.dim(), predicted.dim());
        return Err(Error::InvalidShape(format!(
            "the reference has shape {ax}×{ay}×{az}, the prediction {bx}×{by}×{bz}; expected the same"
        )));
    }
    let boxes = bounding_boxes(reference, predicted, classes);
    boxes
        .into_iter()
        .enumerate()
        .map(|(class, bounds)| match bounds {
            // Class counts are limited to 255.
            Some(bounds) => of_class(reference, predicted, class as u8, bounds, spacing),
            None => Ok(SurfaceDistances { hd95: f64::NAN, assd: f64::NAN }),
        })
        .collect()
}

/// What memory is for.
const DISTANCES: &str = "distances between surfaces";

/// Least and greatest index along z, y and x.
type Bounds = [[usize; 2]; 3];

/// For each class, the box that holds it in both volumes.
fn bounding_boxes(a: ArrayView3<u8>, b: ArrayView3<u8>, classes: usize) -> Vec<Option<Bounds>> {
    let mut boxes: Vec<Option<Bounds>> = vec![None; classes];
    for volume in [a, b] {
        for ((z, y, x), &class) in volume.indexed_iter() {
            let Some(slot) = boxes.get_mut(usize::from(class)) else { continue };
            let bounds = slot.get_or_insert([[z, z], [y, y], [x, x]]);
            for ([low, high], index) in bounds.iter_mut().zip([z, y, x]) {
                *low = (*low).min(index);
                *high = (*high).max(index);
            }
        }
    }
    boxes
}

fn of_class(
    reference: ArrayView3<u8>,
    predicted: ArrayView3<u8>,
    class: u8,
    bounds: Bounds,
    spacing: [f64; 3],
) -> Result<SurfaceDistances> {
    // Distances inside the box never leave it: all surface voxels of both lie within.
    let a = surface(reference, class, bounds)?;
    let b = surface(predicted, class, bounds)?;
    let forth = distances(&a, &b, spacing)?;
    let back = distances(&b, &a, spacing)?;
    if forth.is_empty() || back.is_empty() {
        return Ok(SurfaceDistances { hd95: f64::NAN, assd: f64::NAN });
    }
    let mut all = reserve(forth.len() + back.len(), DISTANCES)?;
    all.extend(forth);
    all.extend(back);
    let assd = all.iter().sum::<f64>() / all.len() as f64;
    Ok(SurfaceDistances { hd95: super::summary::percentile(&mut all, 95.0), assd })
}

/// The surface voxels of a class, within its box.
fn surface(volume: ArrayView3<u8>, class: u8, bounds: Bounds) -> Result<Array3<bool>> {
    let [[z0, z1], [y0, y1], [x0, x1]] = bounds;
    let (depth, height, width) = volume.dim();
    let own = |z: usize, y: usize, x: usize| volume[[z, y, x]] == class;
    let shape = (z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1);
    let on_surface = |(z, y, x)| {
        let (z, y, x) = (z + z0, y + y0, x + x0);
        let inside = |index: usize, size: usize| index > 0 && index + 1 < size;
        own(z, y, x)
            && !(inside(x, width)
                && own(z, y, x - 1)
                && own(z, y, x + 1)
                && inside(y, height)
                && own(z, y - 1, x)
                && own(z, y + 1, x)
                && (depth == 1 || inside(z, depth) && own(z - 1, y, x) && own(z + 1, y, x)))
    };
    collect(shape, ndarray::indices(shape).into_iter().map(on_surface), DISTANCES)
}

/// For every true voxel of `from`, the distance to the nearest true voxel of `to`; none where `to` is empty.
fn distances(from: &Array3<bool>, to: &Array3<bool>, [sx, sy, sz]: [f64; 3]) -> Result<Vec<f64>> {
    if !to.iter().any(|&on| on) {
        return Ok(Vec::new());
    }
    let seeds = to.iter().map(|&on| if on { 0.0 } else { f64::INFINITY });
    let mut squared = collect(to.dim(), seeds, DISTANCES)?;
    for (axis, step) in [(Axis(2), sx), (Axis(1), sy), (Axis(0), sz)] {
        let mut line = LowerEnvelope::new(to.len_of(axis));
        for lane in squared.lanes_mut(axis) {
            line.transform(lane, step);
        }
    }
    let mut found = reserve(from.iter().filter(|on| **on).count(), DISTANCES)?;
    found.extend(from.iter().zip(&squared).filter(|(on, _)| **on).map(|(_, squared)| squared.sqrt()));
    Ok(found)
}

/// The one-dimensional squared distance transform (Felzenszwalb & Huttenlocher 2012): at every position the
/// least of the parabolas that stand on the values.
struct LowerEnvelope {
    values: Vec<f64>,
    roots: Vec<usize>,
    starts: Vec<f64>,
}

impl LowerEnvelope {
    fn new(length: usize) -> Self {
        LowerEnvelope {
            values: vec![0.0; length],
            roots: Vec::with_capacity(length),
            starts: Vec::with_capacity(length),
        }
    }

    fn transform(&mut self, mut lane: ArrayViewMut1<f64>, step: f64) {
        for (value, found) in self.values.iter_mut().zip(&lane) {
            *value = *found;
        }
        self.roots.clear();
        self.starts.clear();
        let place = |index: usize| index as f64 * step;
        for (index, &value) in self.values.iter().enumerate() {
            if value == f64::INFINITY {
                continue;
            }
            let mut start = f64::NEG_INFINITY;
            while let (Some(&root), Some(&from)) = (self.roots.last(), self.starts.last()) {
                let (p, q) = (place(root), place(index));
                start = ((value + q * q) - (self.values[root] + p * p)) / (2.0 * (q - p));
                if start > from {
                    break;
                }
                self.roots.pop();
                self.starts.pop();
                start = f64::NEG_INFINITY;
            }
            self.roots.push(index);
            self.starts.push(start);
        }
        if self.roots.is_empty() {
            return;
        }
        let mut current = 0;
        for (index, value) in lane.iter_mut().enumerate() {
            let here = place(index);
            while self.starts.get(current + 1).is_some_and(|&start| start < here) {
                current += 1;
            }
            let root = self.roots[current];
            let offset = here - place(root);
            *value = self.values[root] + offset * offset;
        }
    }
}

/// Volume of each class in ml, background first, of labels `[z, y, x]` with `spacing` in mm.
pub fn volumes_ml(labels: ArrayView3<u8>, classes: usize, spacing: [f64; 3]) -> Vec<f64> {
    let mut counts = vec![0u64; classes];
    for class in labels.iter() {
        if let Some(count) = counts.get_mut(usize::from(*class)) {
            *count += 1;
        }
    }
    let voxel = spacing.iter().product::<f64>() / 1000.0;
    counts.into_iter().map(|count| count as f64 * voxel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An ellipsoid about `centre` with half axes `radii`, both in voxels along z, y and x.
    fn ellipsoid(shape: [usize; 3], centre: [f64; 3], radii: [f64; 3], class: u8) -> Array3<u8> {
        Array3::from_shape_fn(shape, |(z, y, x)| {
            let at = [z, y, x];
            let sum: f64 = (0..3).map(|axis| ((at[axis] as f64 - centre[axis]) / radii[axis]).powi(2)).sum();
            if sum <= 1.0 { class } else { 0 }
        })
    }

    fn brute_force(a: &Array3<bool>, b: &Array3<bool>, spacing: [f64; 3]) -> Vec<f64> {
        let points = |mask: &Array3<bool>| -> Vec<[f64; 3]> {
            mask.indexed_iter()
                .filter(|(_, on)| **on)
                .map(|((z, y, x), _)| [x as f64 * spacing[0], y as f64 * spacing[1], z as f64 * spacing[2]])
                .collect()
        };
        let b = points(b);
        points(a)
            .iter()
            .map(|p| {
                b.iter()
                    .map(|q| p.iter().zip(q).map(|(p, q)| (p - q) * (p - q)).sum::<f64>().sqrt())
                    .fold(f64::INFINITY, f64::min)
            })
            .collect()
    }

    proptest! {
        #[test]
        fn distances_are_exact(
            a in prop::collection::vec(any::<bool>(), 3 * 5 * 7),
            b in prop::collection::vec(prop::bool::weighted(0.1), 3 * 5 * 7),
            spacing in prop::array::uniform3(0.3f64..9.0),
        ) {
            let a = Array3::from_shape_vec((3, 5, 7), a).unwrap();
            let b = Array3::from_shape_vec((3, 5, 7), b).unwrap();
            let found = distances(&a, &b, spacing).unwrap();
            if b.iter().any(|&on| on) {
                let expected = brute_force(&a, &b, spacing);
                prop_assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().zip(expected) {
                    prop_assert!((found - expected).abs() < 1e-9);
                }
            } else {
                prop_assert!(found.is_empty());
            }
        }
    }

    #[test]
    fn absent_classes_have_no_distance() {
        let a = ellipsoid([5, 9, 9], [2.0, 4.0, 4.0], [1.5, 3.0, 3.0], 1);
        let none = Array3::zeros((5, 9, 9));
        let found = surface_distances(a.view(), none.view(), 3, [1.0; 3]).unwrap();
        assert!(found[1].hd95.is_nan() && found[1].assd.is_nan() && found[2].hd95.is_nan());
        let same = surface_distances(a.view(), a.view(), 2, [1.0; 3]).unwrap();
        assert_eq!(same[1], SurfaceDistances { hd95: 0.0, assd: 0.0 });
        let other = Array3::zeros((5, 9, 8));
        assert!(matches!(
            surface_distances(a.view(), other.view(), 2, [1.0; 3]),
            Err(Error::InvalidShape(_))
        ));
    }

    /// Figures of MedPy 0.5.2 (`hd95`, `assd`, connectivity 1, voxelspacing along the array's axes).
    #[test]
    fn as_medpy() {
        let shape = [10, 40, 36];
        let cases = MEDPY_CASES;
        for ((ca, ra), (cb, rb), [sz, sy, sx], hd95, assd) in cases {
            let a = ellipsoid(shape, ca, ra, 1);
            let b = ellipsoid(shape, cb, rb, 1);
            let found = surface_distances(a.view(), b.view(), 2, [sx, sy, sz]).unwrap()[1];
            assert!((found.hd95 - hd95).abs() < 1e-9, "{} {hd95}", found.hd95);
            assert!((found.assd - assd).abs() < 1e-9, "{} {assd}", found.assd);
        }
    }

    type Shape = ([f64; 3], [f64; 3]);
    const MEDPY_CASES: [(Shape, Shape, [f64; 3], f64, f64); 3] = [
        (
            ([5.0, 20.0, 18.0], [4.0, 12.0, 9.0]),
            ([4.0, 22.0, 16.0], [3.5, 10.0, 11.0]),
            [10.0, 1.4, 1.4],
            10.09752444909147,
            3.810310671487743,
        ),
        (
            ([4.0, 15.0, 12.0], [3.0, 6.0, 7.0]),
            ([6.0, 25.0, 24.0], [2.5, 8.0, 5.0]),
            [3.0, 0.7, 1.1],
            16.16391036361337,
            10.77453253552782,
        ),
        (
            ([0.0, 1.0, 35.0], [3.0, 12.0, 9.0]),
            ([1.0, 0.0, 30.0], [5.5, 13.0, 11.0]),
            [2.0, 2.0, 2.0],
            11.832159566199232,
            3.894221674543753,
        ),
    ];

    #[test]
    fn a_whole_heart_takes_less_than_a_second() {
        let a = ellipsoid([12, 256, 256], [6.0, 128.0, 120.0], [5.5, 70.0, 60.0], 1);
        let b = ellipsoid([12, 256, 256], [5.0, 120.0, 125.0], [5.0, 75.0, 66.0], 1);
        let started = std::time::Instant::now();
        let found = surface_distances(a.view(), b.view(), 4, [1.4, 1.4, 10.0]).unwrap();
        assert!(found[1].hd95 > 5.0);
        assert!(started.elapsed().as_secs_f64() < 1.0, "{:?}", started.elapsed());
    }
}
