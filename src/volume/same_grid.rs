//! Whether two images lie on one grid.

use super::Geometry;
use crate::error::{Error, Result};

/// How far the corners of two grids may lie apart: this share of the smallest spacing. A quaternion in float32, which one
/// file may hold where the other has a matrix, moves the corners of a grid by some hundredths of a millimetre.
const TOLERANCE: f64 = 0.1;

/// Refuses two grids, each with the name of its image and its voxels along x, y, z, whose corners lie further apart than a
/// tenth of the smallest spacing.
///
/// # Errors
/// `InvalidShape` and `InvalidGeometry` with both names.
pub fn check_same_grid(a: (&str, [usize; 3], &Geometry), b: (&str, [usize; 3], &Geometry)) -> Result<()> {
    let ((a_name, a_shape, a), (b_name, b_shape, b)) = (a, b);
    if a_shape != b_shape {
        let text = |shape: [usize; 3]| shape.map(|size| size.to_string()).join(" × ");
        return Err(Error::InvalidShape(format!(
            "{a_name} has {} voxels and {b_name} has {}; expected the same shape",
            text(a_shape),
            text(b_shape)
        )));
    }
    let distance = corner_distance(a, b, a_shape);
    let most = TOLERANCE * a.spacing.into_iter().chain(b.spacing).fold(f64::INFINITY, f64::min);
    if distance.is_nan() || distance > most {
        return Err(Error::InvalidGeometry(format!(
            "{a_name} and {b_name} lie apart: their corners differ by up to {distance:.4} mm; expected the same \
             spacing, origin and direction, to within {most:.4} mm (a tenth of the smallest spacing)"
        )));
    }
    Ok(())
}

/// The largest distance between corresponding corner voxels of two grids.
fn corner_distance(a: &Geometry, b: &Geometry, shape: [usize; 3]) -> f64 {
    let last = shape.map(|count| count.saturating_sub(1) as f64);
    let position = |geometry: &Geometry, corner: usize, row: usize| {
        let along = (0..3).map(|axis| {
            let index = if corner >> axis & 1 == 1 { last[axis] } else { 0.0 };
            geometry.direction[row][axis] * geometry.spacing[axis] * index
        });
        geometry.origin[row] + along.sum::<f64>()
    };
    let distances = (0..8).map(|corner| {
        let squares = (0..3).map(|row| (position(a, corner, row) - position(b, corner, row)).powi(2));
        squares.sum::<f64>().sqrt()
    });
    // Unlike `f64::max`, this keeps what is not a number.
    distances.fold(
        0.0,
        |largest: f64, distance| if largest.is_nan() || distance <= largest { largest } else { distance },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_are_compared_at_their_corners() {
        const SHAPE: [usize; 3] = [200, 100, 5];
        let one = Geometry::aligned([1.5, 1.5, 8.0]);
        let check = |shape, other| check_same_grid(("image.nii", SHAPE, &one), ("label.nii", shape, &other));
        check(SHAPE, one).unwrap();
        check(SHAPE, Geometry { origin: [0.0, 0.14, 0.0], ..one }).unwrap();
        check(SHAPE, Geometry { spacing: [1.5004, 1.5, 8.0], ..one }).unwrap();
        for other in [
            Geometry { origin: [0.0, 0.16, 0.0], ..one },
            Geometry { spacing: [1.501, 1.5, 8.0], ..one },
            Geometry { direction: [[1.0, 2e-3, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], ..one },
            Geometry { origin: [f64::NAN, 0.0, 0.0], ..one },
        ] {
            let message = check(SHAPE, other).unwrap_err().to_string();
            assert!(message.contains("image.nii") && message.contains("label.nii"), "{message}");
        }
        let message = check([199, 100, 5], one).unwrap_err().to_string();
        assert!(message.contains("200 × 100 × 5") && message.contains("199 × 100 × 5"), "{message}");
    }
}
