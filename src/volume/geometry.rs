//! Where an image's voxels lie in space.

use crate::error::{Error, Result};

/// Direction cosines in files have as few as two decimals.
const DIRECTION_TOLERANCE: f64 = 0.01;

/// Spacing, origin and direction of an image grid, in LPS millimetres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Distance between neighbouring voxel centres along x, y, z, in mm. Positive and finite.
    pub spacing: [f64; 3],
    /// Position of the centre of voxel (0, 0, 0) in LPS mm.
    pub origin: [f64; 3],
    /// `direction[row][axis]`: column `axis` is the unit vector, in LPS, along which that index grows.
    pub direction: [[f64; 3]; 3],
}

impl Geometry {
    /// A grid aligned with the LPS axes, with its first voxel at the origin.
    pub fn aligned(spacing: [f64; 3]) -> Self {
        Geometry { spacing, origin: [0.0; 3], direction: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] }
    }

    /// Refuses spacings that are not positive and finite, origins that are not finite, and directions that are not finite,
    /// degenerate, or of another length than 1 by more than rounding.
    pub fn validate(&self) -> Result<()> {
        for (axis, value) in ["x", "y", "z"].iter().zip(self.spacing) {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::InvalidGeometry(format!(
                    "spacing along {axis} is {value}; expected a positive, finite number of millimetres"
                )));
            }
        }
        if let Some(value) = self.origin.iter().find(|v| !v.is_finite()) {
            return Err(Error::InvalidGeometry(format!("origin holds {value}; expected finite millimetres")));
        }
        let d = &self.direction;
        for (axis, name) in ["x", "y", "z"].iter().enumerate() {
            let length = d.iter().map(|row| row[axis] * row[axis]).sum::<f64>().sqrt();
            if (length - 1.0).abs() > DIRECTION_TOLERANCE {
                return Err(Error::InvalidGeometry(format!(
                    "direction along {name} has length {length}; expected a unit vector, without the spacing"
                )));
            }
        }
        let determinant = d[0][0] * (d[1][1] * d[2][2] - d[1][2] * d[2][1])
            - d[0][1] * (d[1][0] * d[2][2] - d[1][2] * d[2][0])
            + d[0][2] * (d[1][0] * d[2][1] - d[1][1] * d[2][0]);
        if !(determinant.is_finite() && determinant.abs() > 1e-6) {
            return Err(Error::InvalidGeometry(format!(
                "direction matrix has determinant {determinant}; expected three independent unit vectors"
            )));
        }
        Ok(())
    }
}
