//! Drawing one plane of a subject with partial volume at the edges.

use super::anatomy::Anatomy;
use super::heart::Section;
use super::outline::Outline;
use super::texture::Texture;
use super::tissue::{TISSUES, Tissue};
use crate::error::Result;
use crate::memory;
use ndarray::Array2;

/// What memory is for.
const SLICE: &str = "a synthetic slice";
/// Thickness of the fat where it is thinnest, in mm.
const SKIN_FAT: f64 = 4.0;

/// The pixels of a slice, centred on the slice's middle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raster {
    /// Columns and rows.
    pub(super) size: [usize; 2],
    /// Distance between columns and between rows, in mm.
    pub(super) spacing: [f64; 2],
}

impl Raster {
    /// The centre of a pixel, in mm.
    pub(super) fn point(&self, x: usize, y: usize) -> [f64; 2] {
        let along = |axis: usize, index: usize| {
            (index as f64 - (self.size[axis] as f64 - 1.0) / 2.0) * self.spacing[axis]
        };
        [along(0, x), along(1, y)]
    }

    /// The pixels whose centres may lie within `reach` of a point along one axis.
    fn range(&self, axis: usize, centre: f64, reach: f64) -> std::ops::Range<usize> {
        let middle = (self.size[axis] as f64 - 1.0) / 2.0;
        let index = |position: f64| position / self.spacing[axis] + middle;
        let first = index(centre - reach).floor().max(0.0) as usize;
        let last = (index(centre + reach).ceil() + 1.0).max(0.0) as usize;
        first.min(self.size[axis])..last.min(self.size[axis])
    }
}

/// What the planes of one slice share: brightness per tissue, its variation, and the body without organs.
#[derive(Debug)]
pub(super) struct Slice<'a> {
    raster: &'a Raster,
    signal: &'a [f32; TISSUES],
    texture: Texture,
    /// Distance of every pixel from the inside of the chest wall, negative inside.
    from_chest: Array2<f64>,
    body: Array2<f32>,
}

impl<'a> Slice<'a> {
    /// Draws skin, fat, muscle, ribs and lungs as they are at this height.
    pub(super) fn draw(
        anatomy: &Anatomy,
        height: f64,
        raster: &'a Raster,
        signal: &'a [f32; TISSUES],
        texture: Texture,
    ) -> Result<Self> {
        let [width, rows] = raster.size;
        let air = memory::filled((rows, width), signal[Tissue::Air as usize], SLICE)?;
        let nowhere = memory::filled((rows, width), f64::INFINITY, SLICE)?;
        let mut slice =
            Slice { raster, signal, texture, from_chest: nowhere, body: memory::copy(&air, SLICE)? };
        let (Some(skin), Some(chest)) = (anatomy.body.at(height), anatomy.chest.at(height)) else {
            return Ok(slice);
        };
        for ((y, x), distance) in slice.from_chest.indexed_iter_mut() {
            *distance = chest.distance(raster.point(x, y));
        }
        let mut canvas = Canvas { slice: &slice, values: air };
        canvas.paint(Tissue::Fat, &skin, 0.0, |_, point| skin.distance(point));
        canvas.paint(Tissue::Muscle, &chest, anatomy.muscle, |pixel, point| {
            let outside = slice.from_chest[pixel] - anatomy.muscle;
            if outside > raster.spacing[0] { outside } else { outside.max(skin.distance(point) + SKIN_FAT) }
        });
        canvas.paint(Tissue::Lung, &chest, 0.0, |pixel, _| slice.from_chest[pixel]);
        for rib in anatomy.ribs.iter().filter_map(|rib| rib.at(height)) {
            canvas.paint(Tissue::Bone, &rib, 0.0, |_, point| rib.distance(point));
        }
        slice.body = canvas.values;
        Ok(slice)
    }

    /// The plane at this height, with organs and heart.
    pub(super) fn plane(&self, anatomy: &Anatomy, height: f64) -> Result<Array2<f32>> {
        let mut canvas = Canvas { slice: self, values: memory::copy(&self.body, SLICE)? };
        for (tissue, organ) in &anatomy.organs {
            if let Some(outline) = organ.at(height) {
                canvas.paint(*tissue, &outline, 0.0, |pixel, point| {
                    outline.distance(point).max(self.from_chest[pixel])
                });
            }
        }
        canvas.paint_heart(&anatomy.heart.section(height));
        Ok(canvas.values)
    }
}

struct Canvas<'a> {
    slice: &'a Slice<'a>,
    values: Array2<f32>,
}

impl Canvas<'_> {
    /// Covers the pixels that lie inside `distance`, edge pixels in part. Only pixels within `margin`
    /// of the outline's reach are visited.
    fn paint(
        &mut self,
        tissue: Tissue,
        bounds: &Outline,
        margin: f64,
        distance: impl Fn((usize, usize), [f64; 2]) -> f64,
    ) {
        let Slice { raster, signal, texture, .. } = self.slice;
        let pixel_width = 0.5 * (raster.spacing[0] + raster.spacing[1]);
        let reach = bounds.reach() + margin + pixel_width;
        let brightness = signal[tissue as usize];
        for y in raster.range(1, bounds.centre[1], reach) {
            for x in raster.range(0, bounds.centre[0], reach) {
                let covered = 0.5 - distance((y, x), raster.point(x, y)) / pixel_width;
                if covered > 0.0 {
                    let target = brightness * texture.factor(tissue, (y, x));
                    let value = &mut self.values[(y, x)];
                    *value += covered.min(1.0) as f32 * (target - *value);
                }
            }
        }
    }

    fn paint_heart(&mut self, section: &Section) {
        let thin = section.thin_wall;
        let swell = |outline: &Outline, by: f64| {
            let outline = *outline;
            move |_: (usize, usize), point: [f64; 2]| outline.distance(point) - by
        };
        let thin_walled: Vec<Outline> = section.right_cavity.iter().chain(&section.above).copied().collect();
        let left = section.left_wall.iter().map(|outline| (outline, section.fat));
        let others = thin_walled.iter().map(|outline| (outline, thin + section.fat));
        for (outline, thickness) in left.chain(others) {
            let [x, y] = outline.centre;
            let uneven = outline.placed([x + section.fat_shift[0], y + section.fat_shift[1]], outline.radii);
            self.paint(Tissue::Fat, &uneven, thickness, swell(&uneven, thickness));
        }
        for outline in &thin_walled {
            self.paint(Tissue::Myocardium, outline, thin, swell(outline, thin));
        }
        if let Some(outline) = &section.right_cavity {
            self.paint(Tissue::VenousBlood, outline, 0.0, swell(outline, 0.0));
        }
        for outline in &section.above {
            self.paint(Tissue::ArterialBlood, outline, 0.0, swell(outline, 0.0));
        }
        if let Some(wall) = &section.left_wall {
            self.paint(Tissue::Myocardium, wall, 0.0, swell(wall, 0.0));
        }
        if let Some(cavity) = &section.left_cavity {
            self.paint(Tissue::ArterialBlood, cavity, 0.0, swell(cavity, 0.0));
            for muscle in &section.muscles {
                self.paint(Tissue::Myocardium, muscle, 0.0, |_, point| {
                    muscle.distance(point).max(cavity.distance(point))
                });
            }
        }
    }
}
