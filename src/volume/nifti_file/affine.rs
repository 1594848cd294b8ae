//! From the header's transforms to a geometry, and from a geometry to the header's transforms.

use super::raw_header::Placement;
use crate::volume::Geometry;
use nifti::NiftiHeader;

/// Axes further from a right angle than this (cosine) have no qform.
const RIGHT_ANGLE: f64 = 1e-5;
/// Accepted excess of b² + c² + d² over 1.
const QUATERNION_EXCESS: f64 = 1e-3;
/// By how much rounding b, c and d to float32 changes b² + c² + d² where that is 1.
const HALF_TURN: f64 = f32::EPSILON as f64;

/// The geometry that a header gives to an image with `slices` slices: the sform if there is one, else the
/// qform, else spacing alone (with the axes along LPS and the first voxel at the origin, as ITK does).
///
/// The error says what is wrong with which transform.
pub fn geometry(header: &NiftiHeader, slices: usize) -> Result<Geometry, String> {
    let (rows, name) = if header.sform_code > 0 {
        ([header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from)), "sform")
    } else if header.qform_code > 0 {
        (qform(header, slices)?, "qform")
    } else {
        let [x, y, z] = pixdim(header, slices);
        ([[-x, 0.0, 0.0, 0.0], [0.0, -y, 0.0, 0.0], [0.0, 0.0, z, 0.0]], "pixdim")
    };
    if let Some(value) = rows.iter().flatten().find(|value| !value.is_finite()) {
        return Err(format!("the {name} holds {value}; expected finite numbers"));
    }
    // The units of pixdim hold for the transforms too, as in ITK.
    let millimetres = match header.xyzt_units & 7 {
        1 => 1000.0,
        3 => 0.001,
        _ => 1.0,
    };
    let lps = |row: usize, column: usize| rows[row][column] * millimetres * if row < 2 { -1.0 } else { 1.0 };
    let mut columns = [0, 1, 2].map(|axis| [0, 1, 2].map(|row| lps(row, axis)));
    if slices == 1 && columns[2] == [0.0; 3] {
        // Tools leave the third axis of a single slice empty.
        let [.., thickness] = pixdim(header, slices);
        columns[2] = scaled(cross(columns[0], columns[1]), thickness * millimetres);
    }
    let mut spacing = [0.0; 3];
    let mut direction = [[0.0; 3]; 3];
    for (axis, column) in columns.into_iter().enumerate() {
        let length = norm(column);
        if !(length.is_normal() && length.is_finite()) {
            let axis = ["x", "y", "z"][axis];
            return Err(format!("the {name} gives axis {axis} the length {length}; expected a positive one"));
        }
        spacing[axis] = length;
        for row in 0..3 {
            direction[row][axis] = column[row] / length;
        }
    }
    let geometry = Geometry { spacing, origin: [0, 1, 2].map(|row| lps(row, 3)), direction };
    geometry.validate().map_err(|error| format!("the {name} describes no grid: {error}"))?;
    Ok(geometry)
}

/// What a header says of a geometry.
pub fn placement(geometry: &Geometry) -> Placement {
    let ras = |row: usize, value: f64| if row < 2 { -value } else { value };
    let direction: [[f64; 3]; 3] =
        std::array::from_fn(|row| geometry.direction[row].map(|value| ras(row, value)));
    let rows = std::array::from_fn(|row| {
        let [x, y, z]: [f64; 3] = std::array::from_fn(|axis| direction[row][axis] * geometry.spacing[axis]);
        [x, y, z, ras(row, geometry.origin[row])]
    });
    Placement { rows, spacing: geometry.spacing, quaternion: quaternion(direction) }
}

fn pixdim(header: &NiftiHeader, slices: usize) -> [f64; 3] {
    let [_, x, y, z, ..] = header.pixdim.map(|size| f64::from(size).abs());
    [x, y, if slices == 1 && z == 0.0 { 1.0 } else { z }]
}

fn qform(header: &NiftiHeader, slices: usize) -> Result<[[f64; 4]; 3], String> {
    let [b, c, d] = [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from);
    let squares = b * b + c * c + d * d;
    if squares.is_nan() || squares > 1.0 + QUATERNION_EXCESS {
        return Err(format!("the qform's quaternion is ({b}, {c}, {d}); expected a length of at most 1"));
    }
    // Scanners' axes are half turns away from the file's. Rounded to float32 they may exceed 1, or lie 0.04 degrees off.
    let half_turn = 1.0 - squares < HALF_TURN;
    let (a, length) = if half_turn { (0.0, squares.sqrt()) } else { ((1.0 - squares).sqrt(), 1.0) };
    let [b, c, d] = [b, c, d].map(|value| value / length);
    let rotation = [
        [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
        [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
        [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ];
    let [x, y, z] = pixdim(header, slices);
    let z = if header.pixdim[0] < 0.0 { -z } else { z };
    let offset = [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from);
    Ok(std::array::from_fn(|row| {
        let [i, j, k] = rotation[row];
        [i * x, j * y, k * z, offset[row]]
    }))
}

/// b, c, d and qfac of a direction matrix, by the largest component first so that none is divided by a small
/// number; none when the axes are not at right angles.
fn quaternion(direction: [[f64; 3]; 3]) -> Option<[f64; 4]> {
    let column = |axis: usize| direction.map(|row| row[axis]);
    let [x, y, z] = [column(0), column(1), column(2)];
    if [dot(x, y), dot(y, z), dot(z, x)].iter().any(|cosine| cosine.abs() > RIGHT_ANGLE) {
        return None;
    }
    let qfac = if dot(cross(x, y), z) < 0.0 { -1.0 } else { 1.0 };
    let m = |row: usize, axis: usize| direction[row][axis] * if axis == 2 { qfac } else { 1.0 };
    let diagonal = [m(0, 0), m(1, 1), m(2, 2)];
    let trace: f64 = diagonal.iter().sum();
    // Four times the square of a, b, c, d.
    let squares = [
        1.0 + trace,
        1.0 - trace + 2.0 * diagonal[0],
        1.0 - trace + 2.0 * diagonal[1],
        1.0 - trace + 2.0 * diagonal[2],
    ];
    let largest = (0..4).max_by(|&i, &j| squares[i].total_cmp(&squares[j]))?;
    let twice = squares[largest].max(0.0).sqrt();
    let (minus, plus) = (
        [m(2, 1) - m(1, 2), m(0, 2) - m(2, 0), m(1, 0) - m(0, 1)],
        [m(2, 1) + m(1, 2), m(0, 2) + m(2, 0), m(1, 0) + m(0, 1)],
    );
    let [a, b, c, d] = match largest {
        0 => [twice * twice, minus[0], minus[1], minus[2]],
        1 => [minus[0], twice * twice, plus[2], plus[1]],
        2 => [minus[1], plus[2], twice * twice, plus[0]],
        _ => [minus[2], plus[1], plus[0], twice * twice],
    }
    .map(|value| value / (2.0 * twice));
    let sign = if a < 0.0 { -1.0 } else { 1.0 };
    Some([b * sign, c * sign, d * sign, qfac])
}

fn cross([a, b, c]: [f64; 3], [d, e, f]: [f64; 3]) -> [f64; 3] {
    [b * f - c * e, c * d - a * f, a * e - b * d]
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.into_iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(vector: [f64; 3]) -> f64 {
    dot(vector, vector).sqrt()
}

/// The vector with another length.
fn scaled(vector: [f64; 3], length: f64) -> [f64; 3] {
    let factor = length / norm(vector);
    vector.map(|value| value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A rotation by Euler angles, mirrored along z if asked.
    fn rotation([a, b, c]: [f64; 3], mirror: bool) -> [[f64; 3]; 3] {
        let multiply = |p: [[f64; 3]; 3], q: [[f64; 3]; 3]| -> [[f64; 3]; 3] {
            std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| p[i][k] * q[k][j]).sum()))
        };
        let turn_z = |t: f64| [[t.cos(), -t.sin(), 0.0], [t.sin(), t.cos(), 0.0], [0.0, 0.0, 1.0]];
        let turn_x = |t: f64| [[1.0, 0.0, 0.0], [0.0, t.cos(), -t.sin()], [0.0, t.sin(), t.cos()]];
        let mut matrix = multiply(multiply(turn_z(a), turn_x(b)), turn_z(c));
        if mirror {
            matrix.iter_mut().for_each(|row| row[2] = -row[2]);
        }
        matrix
    }

    fn header_of(geometry: &Geometry, sform: bool) -> NiftiHeader {
        let placement = placement(geometry);
        let [b, c, d, qfac] = placement.quaternion.unwrap();
        let row = |index: usize| placement.rows[index].map(|v| v as f32);
        let [x, y, z] = placement.spacing.map(|v| v as f32);
        let [qx, qy, qz] = placement.rows.map(|row| row[3] as f32);
        NiftiHeader {
            sform_code: sform.into(),
            qform_code: 1,
            srow_x: row(0),
            srow_y: row(1),
            srow_z: row(2),
            pixdim: [qfac as f32, x, y, z, 0.0, 0.0, 0.0, 0.0],
            quatern_b: b as f32,
            quatern_c: c as f32,
            quatern_d: d as f32,
            quatern_x: qx,
            quatern_y: qy,
            quatern_z: qz,
            ..NiftiHeader::default()
        }
    }

    fn assert_close(a: &Geometry, b: &Geometry, tolerance: f64) {
        let values = |g: &Geometry| -> Vec<f64> {
            g.spacing.iter().chain(&g.origin).chain(g.direction.iter().flatten()).copied().collect()
        };
        for (x, y) in values(a).into_iter().zip(values(b)) {
            assert!((x - y).abs() <= tolerance * y.abs().max(1.0), "{a:?} {b:?}");
        }
    }

    #[test]
    fn half_turns_have_quaternions_without_real_part() {
        for angles in [[0.0; 3], [std::f64::consts::PI, 0.0, 0.0], [0.0, std::f64::consts::PI, 0.0]] {
            for mirror in [false, true] {
                let geometry = Geometry {
                    spacing: [1.25, 1.5, 8.0],
                    origin: [10.0, -20.0, 30.0],
                    direction: rotation(angles, mirror),
                };
                for sform in [true, false] {
                    let found = super::geometry(&header_of(&geometry, sform), 5).unwrap();
                    assert_close(&found, &geometry, 1e-6);
                }
            }
        }
    }

    #[test]
    fn tilted_slices_lie_where_they_lay() {
        for tenths in 0..600 {
            let tilt = f64::from(tenths).to_radians() / 10.0;
            for direction in [rotation([0.0, tilt, 0.0], false), rotation([0.5, tilt, -0.5], true)] {
                let geometry =
                    Geometry { spacing: [1.5, 1.5, 8.0], origin: [-120.0, -100.0, 40.0], direction };
                let found = super::geometry(&header_of(&geometry, false), 12).unwrap();
                let corner = |geometry: &Geometry| {
                    let axis = |row: usize| -> f64 {
                        let axes = geometry.direction[row].iter().zip(geometry.spacing);
                        axes.zip([255.0, 255.0, 11.0]).map(|((d, s), index)| d * s * index).sum()
                    };
                    [0, 1, 2].map(|row| geometry.origin[row] + axis(row))
                };
                for (found, own) in corner(&found).into_iter().zip(corner(&geometry)) {
                    assert!((found - own).abs() < 1e-3, "{tilt}: {found} {own}");
                }
            }
        }
    }

    #[test]
    fn without_codes_spacing_alone_counts() {
        let header = NiftiHeader {
            sform_code: 0,
            qform_code: 0,
            pixdim: [0.0, -1.5, 2.0, 3.0, 0.0, 0.0, 0.0, 0.0],
            ..NiftiHeader::default()
        };
        assert_eq!(geometry(&header, 4).unwrap(), Geometry::aligned([1.5, 2.0, 3.0]));
    }

    #[test]
    fn metres_and_micrometres_become_millimetres() {
        let geometry = Geometry { origin: [1.0, 2.0, 3.0], ..Geometry::aligned([1.0, 2.0, 4.0]) };
        for (units, factor) in [(1, 1000.0), (3, 0.001), (2, 1.0), (0, 1.0), (10, 1.0)] {
            let header = NiftiHeader { xyzt_units: units, ..header_of(&geometry, true) };
            let found = super::geometry(&header, 2).unwrap();
            let expected = Geometry {
                spacing: geometry.spacing.map(|v| v * factor),
                origin: geometry.origin.map(|v| v * factor),
                ..geometry
            };
            assert_close(&found, &expected, 1e-9);
        }
    }

    #[test]
    fn a_single_slice_may_have_no_third_axis() {
        let mut header = header_of(&Geometry::aligned([1.0, 2.0, 3.0]), true);
        header.srow_z[2] = 0.0;
        assert_close(&geometry(&header, 1).unwrap(), &Geometry::aligned([1.0, 2.0, 3.0]), 1e-6);
        assert!(geometry(&header, 2).unwrap_err().contains("axis z the length 0"));
        header.pixdim[3] = 0.0;
        assert_close(&geometry(&header, 1).unwrap(), &Geometry::aligned([1.0, 2.0, 1.0]), 1e-6);
        header.srow_x = [0.0; 4];
        assert!(geometry(&header, 1).unwrap_err().contains("sform"));
    }

    #[test]
    fn transforms_that_describe_nothing_are_refused() {
        let sound = header_of(&Geometry::aligned([1.0; 3]), true);
        let refused = |change: &dyn Fn(&mut NiftiHeader)| {
            let mut header = sound.clone();
            change(&mut header);
            geometry(&header, 3).unwrap_err()
        };
        assert!(refused(&|h| h.srow_y[1] = f32::NAN).contains("sform holds NaN"));
        assert!(refused(&|h| h.srow_y[3] = f32::INFINITY).contains("sform holds inf"));
        assert!(refused(&|h| h.srow_y = h.srow_x).contains("axis y"));
        assert!(refused(&|h| h.srow_z = [1.0, 0.0, 0.0, 0.0]).contains("axis z"));
        assert!(
            refused(&|h| {
                h.srow_x = [1.0, 1.0, 0.0, 0.0];
                h.srow_y = [1.0, 1.0, 0.0, 0.0];
            })
            .contains("describes no grid")
        );
        let q = |change: &dyn Fn(&mut NiftiHeader)| {
            refused(&|h| {
                h.sform_code = 0;
                change(h);
            })
        };
        assert!(q(&|h| h.quatern_b = 5.0).contains("quaternion is (5"));
        assert!(q(&|h| h.quatern_b = f32::NAN).contains("quaternion"));
        assert!(q(&|h| h.pixdim[2] = 0.0).contains("axis y the length 0"));
        assert!(q(&|h| h.pixdim[2] = f32::NAN).contains("holds NaN"));
        assert!(
            refused(&|h| {
                (h.sform_code, h.qform_code) = (0, 0);
                h.pixdim[1] = f32::INFINITY;
            })
            .contains("pixdim")
        );
    }

    #[test]
    fn sheared_axes_have_no_quaternion() {
        let mut geometry = Geometry::aligned([1.0; 3]);
        geometry.direction[0][1] = 0.1;
        assert!(placement(&geometry).quaternion.is_none());
    }

    proptest! {
        #[test]
        fn any_rotation_survives_sform_and_qform(
            angles in prop::array::uniform3(-3.2f64..3.2),
            mirror in any::<bool>(),
            spacing in prop::array::uniform3(0.1f64..20.0),
            origin in prop::array::uniform3(-500f64..500.0),
        ) {
            let geometry = Geometry { spacing, origin, direction: rotation(angles, mirror) };
            assert_close(&super::geometry(&header_of(&geometry, true), 7).unwrap(), &geometry, 1e-6);
            // The real part of a quaternion is found as a difference, which costs half the digits.
            assert_close(&super::geometry(&header_of(&geometry, false), 7).unwrap(), &geometry, 2e-3);
        }
    }
}
