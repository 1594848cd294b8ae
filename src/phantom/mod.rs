//! Synthetic short-axis cardiac magnetic resonance images with exact labels, from several scanners.
//!
//! A subject is a heart (left ventricle with papillary muscles, right ventricle, fat) in a chest (skin
//! fat, muscle, ribs, lungs with vessels, liver, stomach, aorta, spine), described by smooth outlines
//! that change along the long axis. A scanner images it with its own contrast, units, grid, slice
//! thickness, blur, shading and noise. The same seed and index are the same subject on every scanner.
//! No libtorch here.

mod acquisition;
mod anatomy;
mod heart;
mod outline;
mod render;
mod scanner;
mod texture;
mod tissue;

pub use scanner::Scanner;

use crate::artefact::Artefact;
use crate::error::{Error, Result};
use crate::random::{self, Purpose};
use crate::volume::{Geometry, Volume};
use acquisition::Grid;
use anatomy::Anatomy;
use render::Raster;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Names of the classes in the label maps, in the order of their values.
pub const CLASSES: [&str; 4] = ["background", "LV", "MYO", "RV"];

/// Which subjects to make and how to image them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Number of subjects. Default: 10.
    #[schemars(range(min = 1, max = 100_000))]
    pub subjects: usize,
    /// The scanner. Default: "A".
    pub scanner: Scanner,
    /// Seed of all random numbers. Default: 0.
    pub seed: u64,
    /// Number of slices, from the apex to the base. Default: 8.
    #[schemars(range(min = 1, max = 64))]
    pub slices: usize,
    /// Columns and rows. Default: null, the scanner's own.
    #[schemars(inner(range(min = 32, max = 1024)))]
    pub size: Option<[usize; 2]>,
    /// Spacing along x, y, z in mm. Default: null, the scanner's own.
    #[schemars(inner(range(min = 0.2, max = 50.0)))]
    pub spacing: Option<[f64; 3]>,
    /// What spoils the images. Default: "none".
    pub artefact: Artefact,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            subjects: 10,
            scanner: Scanner::A,
            seed: 0,
            slices: 8,
            size: None,
            spacing: None,
            artefact: Artefact::None,
        }
    }
}

impl Options {
    /// Refuses values outside the ranges of the schema.
    ///
    /// # Errors
    /// `InvalidConfig`, naming the key, the value and the range.
    pub fn validate(&self) -> Result<()> {
        let check = |key: &str, value: f64, low: f64, high: f64| {
            if value >= low && value <= high {
                return Ok(());
            }
            Err(Error::InvalidConfig(format!(
                "`{key}` is {value}; expected at least {low} and at most {high}"
            )))
        };
        check("subjects", self.subjects as f64, 1.0, 100_000.0)?;
        check("slices", self.slices as f64, 1.0, 64.0)?;
        for (index, &count) in self.size.iter().flatten().enumerate() {
            check(&format!("size[{index}]"), count as f64, 32.0, 1024.0)?;
        }
        for (index, &spacing) in self.spacing.iter().flatten().enumerate() {
            check(&format!("spacing[{index}]"), spacing, 0.2, 50.0)?;
        }
        Ok(())
    }

    /// The name of a subject's images: the scanner's letter and the index, as in "A007".
    pub fn name(&self, index: usize) -> String {
        format!("{}{index:03}", self.scanner.letter())
    }
}

/// Makes one subject: its name, its image and its label map (0 background, 1 LV cavity, 2 myocardium,
/// 3 RV cavity), both on the same oblique short-axis grid. Slice 0 is the one nearest the apex.
///
/// The result depends on the options' seed, the scanner, the grid and the index only.
///
/// # Errors
/// `InvalidConfig` for options out of range; `InvalidArgument` for an index that is not below
/// `subjects`; `OutOfMemory`.
pub fn generate(options: &Options, index: usize) -> Result<(String, Volume<f32>, Volume<u8>)> {
    options.validate()?;
    if index >= options.subjects {
        return Err(Error::InvalidArgument(format!(
            "synthetic subject {index} was asked for; expected an index below {}",
            options.subjects
        )));
    }
    let key = index as u64;
    let anatomy = Anatomy::draw(&mut random::stream(options.seed, Purpose::Phantom, [key, 0, 0]));
    let protocol = options.scanner.protocol();
    let spacing = options.spacing.unwrap_or(protocol.spacing);
    let size = options.size.unwrap_or(protocol.size);
    let grid = Grid {
        raster: Raster { size, spacing: [spacing[0], spacing[1]] },
        slices: options.slices,
        distance: spacing[2],
    };
    let geometry = geometry(&anatomy, spacing, [size[0], size[1], options.slices]);
    let labels = Volume { voxels: acquisition::label(&anatomy, &grid)?, geometry };
    let voxels = acquisition::image(&anatomy, &grid, options.scanner, options.seed, key)?;
    let mut image = Volume { voxels, geometry };
    let mut rng = random::stream(options.seed, Purpose::Artefact, [key, options.scanner as u64, 0]);
    options.artefact.corrupt(&mut image, &mut rng)?;
    Ok((options.name(index), image, labels))
}

/// The grid whose middle is the middle of the left ventricle.
fn geometry(anatomy: &Anatomy, spacing: [f64; 3], size: [usize; 3]) -> Geometry {
    let direction = anatomy.direction;
    let origin = std::array::from_fn(|row| {
        let to_corner: f64 =
            (0..3).map(|axis| direction[row][axis] * spacing[axis] * (size[axis] as f64 - 1.0) / 2.0).sum();
        anatomy.centre[row] - to_corner
    });
    Geometry { spacing, origin, direction }
}

#[cfg(test)]
mod tests;
