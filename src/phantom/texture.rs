//! Smooth random variation of brightness within tissues.

use super::render::Raster;
use super::tissue::Tissue;
use crate::error::Result;
use crate::memory;
use ndarray::Array2;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;

/// Distances between the nodes of the slow and of the fine field, in mm.
const NODES: [f64; 2] = [16.0, 4.0];
/// What memory is for.
const TEXTURE: &str = "the texture of a synthetic slice";

/// Slow and fine variations of brightness, shared by the planes of one slice.
#[derive(Debug)]
pub(super) struct Texture {
    fields: [Array2<f32>; 2],
}

impl Texture {
    /// Two random fields with standard deviation near 1.
    pub(super) fn draw(rng: &mut impl Rng, raster: &Raster) -> Result<Self> {
        let [slow, fine] = NODES;
        Ok(Texture { fields: [field(rng, raster, slow)?, field(rng, raster, fine)?] })
    }

    /// What the brightness of a tissue is multiplied with at a pixel (row, column).
    pub(super) fn factor(&self, tissue: Tissue, pixel: (usize, usize)) -> f32 {
        let [slow, fine] = tissue.texture();
        (1.0 + slow as f32 * self.fields[0][pixel] + fine as f32 * self.fields[1][pixel]).max(0.0)
    }
}

/// Normal numbers on a coarse lattice, joined by cubic B-splines.
fn field(rng: &mut impl Rng, raster: &Raster, distance: f64) -> Result<Array2<f32>> {
    let [columns, rows] = [0, 1].map(|axis| {
        // From four nodes a pixel on, neighbours share none, so more would change nothing but the memory.
        splines(raster.size[axis], (raster.spacing[axis] / distance).min(4.0))
    });
    let nodes = |splines: &[(usize, [f32; 4])]| splines.last().map_or(0, |(first, _)| first + 4);
    let (across, down) = (nodes(&columns), nodes(&rows));
    let mut lattice = memory::filled((down, across), 0f32, TEXTURE)?;
    lattice.map_inplace(|node| *node = rng.sample(StandardNormal));
    let mut in_rows = memory::filled((down, columns.len()), 0f32, TEXTURE)?;
    for ((node, x), value) in in_rows.indexed_iter_mut() {
        let (first, weights) = columns[x];
        *value = (0..4).map(|i| weights[i] * lattice[(node, first + i)]).sum();
    }
    let mut field = memory::filled((rows.len(), columns.len()), 0f32, TEXTURE)?;
    for ((y, x), value) in field.indexed_iter_mut() {
        let (first, weights) = rows[y];
        // Independent nodes of variance 1 give a spline of mean variance 151/315 along each of two axes.
        let sum: f32 = (0..4).map(|i| weights[i] * in_rows[(first + i, x)]).sum();
        *value = sum * 315.0 / 151.0;
    }
    Ok(field)
}

/// For every pixel along an axis the first of its four nodes and their weights; `step` in nodes per pixel.
fn splines(count: usize, step: f64) -> Vec<(usize, [f32; 4])> {
    (0..count)
        .map(|index| {
            let position = index as f64 * step;
            let t = position.fract();
            let weights = [
                (1.0 - t).powi(3),
                3.0 * t.powi(3) - 6.0 * t * t + 4.0,
                -3.0 * t.powi(3) + 3.0 * t * t + 3.0 * t + 1.0,
                t.powi(3),
            ];
            (position as usize, weights.map(|weight| (weight / 6.0) as f32))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn fields_have_mean_0_and_deviation_1_and_are_smooth() {
        let raster = Raster { size: [300, 280], spacing: [1.0, 1.2] };
        for (key, distance) in [(0, 4.0), (1, 8.0)] {
            let field = field(&mut stream(1, Purpose::Phantom, [key, 0, 0]), &raster, distance).unwrap();
            let mean = field.mean().unwrap();
            let deviation = field.std(0.0);
            assert!(mean.abs() < 0.1 && (deviation - 1.0).abs() < 0.1, "{mean} {deviation}");
            let step =
                field.windows((1, 2)).into_iter().map(|w| (w[(0, 0)] - w[(0, 1)]).abs()).fold(0.0, f32::max);
            assert!(step < 8.0 / distance as f32, "{step}");
        }
    }
}
