//! Rigid movements during the acquisition, composed in k-space (TorchIO 0.20 `RandomMotion`, `Motion`).

use super::drawn::{Drawn, Draws, refuse_both, refuse_missing_axis};
use super::{ImageAxis, check_parameter, check_voxels, fourier, severity};
use crate::error::{Error, Result};
use crate::memory;
use crate::parallel::in_parallel;
use crate::volume::{Geometry, Volume};
use ndarray::{Array3, ArrayView3, Axis};
use rand::{Rng, RngExt};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// The axis of k-space along which time passes. Default: null, z; y for a single slice.
    pub axis: Option<ImageAxis>,
    /// Number of movements, spread over the time. Default: null, 2.
    #[schemars(range(min = 0, max = 50), inner(range(min = 0, max = 50)))]
    pub number: Option<Drawn<u32>>,
    /// What each angle is drawn from, in degrees; a number d stands for −d to d. Default: null, 10 or that of the severity.
    #[schemars(range(min = 0.0, max = 360.0), inner(range(min = -360.0, max = 360.0)))]
    pub degrees: Option<Drawn<f64>>,
    /// What each translation is drawn from, in mm; a number t stands for −t to t. Default: null, 10 or that of the severity.
    #[schemars(range(min = 0.0, max = 1000.0), inner(range(min = -1000.0, max = 1000.0)))]
    pub translation: Option<Drawn<f64>>,
    /// The movements themselves, instead of `number`, `degrees` and `translation`. Default: null, drawn.
    #[schemars(length(max = 50))]
    pub movements: Option<Vec<Movement>>,
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws, depth: usize) -> Result<Params> {
        let ranges = [
            ("number", self.number.is_some()),
            ("degrees", self.degrees.is_some()),
            ("translation", self.translation.is_some()),
        ];
        refuse_both("motion", ("movements", self.movements.is_some()), &ranges)?;
        let axis = self.axis.unwrap_or(if depth == 1 { ImageAxis::Y } else { ImageAxis::Z });
        refuse_missing_axis("motion.axis", axis, depth)?;
        if let Some(movements) = &self.movements {
            return Ok(Params { axis, movements: movements.clone() });
        }
        let number = draws.whole("motion.number", self.number, [2, 2])? as usize;
        let range = severity::MOTION_DEGREES.at(self.severity);
        let degrees = draws.around_zero("motion.degrees", self.degrees, range, 3 * number)?;
        let range = severity::MOTION_TRANSLATION.at(self.severity);
        let translation = draws.around_zero("motion.translation", self.translation, range, 3 * number)?;
        let mut rng = draws.next();
        let movements = degrees
            .as_chunks::<3>()
            .0
            .iter()
            .zip(translation.as_chunks::<3>().0)
            .enumerate()
            .map(|(index, (&degrees, &translation))| {
                let time = moment(index + 1, number, rng.random_range(-0.3..0.3));
                Movement { time, degrees, translation }.within(depth)
            })
            .collect();
        Ok(Params { axis, movements })
    }
}

/// One position that the subject moves to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Movement {
    /// When it happens, from 0 (first plane of k-space) to 1 (last); not before the movement that precedes it.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub time: f64,
    /// Rotation about the LPS axes x, y, z, in degrees; applied in the order y, x, z. Default: [0, 0, 0].
    #[serde(default)]
    #[schemars(inner(range(min = -360.0, max = 360.0)))]
    pub degrees: [f64; 3],
    /// Translation along the LPS axes, in mm. Default: [0, 0, 0].
    #[serde(default)]
    #[schemars(inner(range(min = -1000.0, max = 1000.0)))]
    pub translation: [f64; 3],
}

impl Movement {
    /// A single slice cannot leave its plane.
    fn within(mut self, depth: usize) -> Self {
        if depth == 1 {
            let ([pitch, roll, _], [.., through]) = (&mut self.degrees, &mut self.translation);
            (*pitch, *roll, *through) = (0.0, 0.0, 0.0);
        }
        self
    }
}

/// When the movement of this number, from 1, of `count` happens; `shift` is relative to the time between two.
fn moment(number: usize, count: usize, shift: f64) -> f64 {
    let step = 1.0 / (count as f64 + 1.0);
    step * (number as f64 + shift)
}

/// The movements in the order of their times.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Params {
    /// The axis of k-space along which time passes; TorchIO's is always z.
    pub axis: ImageAxis,
    /// Times must not decrease.
    pub movements: Vec<Movement>,
}

impl Params {
    /// TorchIO 0.20's defaults: 2 movements, angles from U(−10, 10) degrees, translations from
    /// U(−10, 10) mm; `depth` is the number of slices. See [`Params::draw_within`].
    pub fn draw(rng: &mut impl Rng, depth: usize) -> Self {
        Params::draw_within(rng, depth, 2, 10.0, 10.0)
    }

    /// `count` movements with angles from U(−degrees, degrees), translations from
    /// U(−translation, translation) mm, and times i / (count + 1) shifted by
    /// U(−0.3, 0.3) / (count + 1), i = 1, 2, ….
    ///
    /// For a volume of a single slice (`depth` 1) only the rotation about z and the translations along
    /// x and y are kept. Time passes along z, so a single slice is moved as a whole.
    pub fn draw_within(
        rng: &mut impl Rng,
        depth: usize,
        count: usize,
        degrees: f64,
        translation: f64,
    ) -> Self {
        let mut uniform = |magnitude: f64| magnitude * (2.0 * rng.random::<f64>() - 1.0);
        let movements = (1..=count)
            .map(|index| {
                let movement = Movement {
                    time: moment(index, count, uniform(0.3)),
                    degrees: [uniform(degrees), uniform(degrees), uniform(degrees)],
                    translation: [uniform(translation), uniform(translation), uniform(translation)],
                };
                movement.within(depth)
            })
            .collect();
        Params { axis: ImageAxis::Z, movements }
    }
}

/// Corrupts the volume: its k-space is filled along one axis from the volume in its successive positions.
///
/// The centre of k-space always comes from the unmoved volume. As in TorchIO 0.20 the rotations are
/// about the origin of world coordinates (its `Motion` drops the centre that it sets), voxels that come
/// from outside the volume get its smallest value, and interpolation is linear. TorchIO transforms
/// along all three axes; the parts are chosen along one only, so the other two cancel and are left out.
///
/// # Errors
/// `InvalidArgument` for parameters out of range or times that decrease, and for voxels that are not
/// finite; `InvalidGeometry` for a volume without a valid one; `OutOfMemory`.
pub fn apply(volume: &mut Volume<f32>, params: &Params) -> Result<()> {
    let mut earlier = 0.0;
    for movement in &params.movements {
        check_parameter("motion: a time", movement.time, earlier..=1.0)?;
        earlier = movement.time;
        for &value in movement.degrees.iter().chain(&movement.translation) {
            check_parameter("motion: an angle or translation", value, f64::NEG_INFINITY..=f64::INFINITY)?;
        }
    }
    check_voxels(&volume.voxels)?;
    volume.geometry.validate()?;
    if params.movements.is_empty() || volume.voxels.is_empty() {
        return Ok(());
    }

    let count = params.movements.len();
    // The segment around the centre of k-space comes from the volume at rest; the position that would
    // have filled it fills the first segment.
    let central = params.movements.iter().position(|movement| movement.time > 0.5).unwrap_or(count);
    let axis = params.axis.in_array();
    let length = volume.voxels.len_of(axis);
    let plane = |time: f64| (time * length as f64) as usize;
    let mut spectrum = fourier::forward(&volume.voxels, &[axis])?;
    for segment in 0..=count {
        let movement = match segment {
            _ if segment == central => continue,
            0 => &params.movements[central - 1],
            other => &params.movements[other - 1],
        };
        let first = if segment == 0 { 0 } else { plane(params.movements[segment - 1].time) };
        let last = if segment == count { length } else { plane(params.movements[segment].time) };
        if first >= last {
            continue;
        }
        let moved = fourier::forward(&resample(volume, movement)?, &[axis])?;
        for index in (first..last).map(|index| fourier::stored_index(index, length)) {
            spectrum.index_axis_mut(axis, index).assign(&moved.index_axis(axis, index));
        }
    }
    volume.voxels = fourier::inverse(spectrum, &[axis])?;
    Ok(())
}

/// The volume sampled on its own grid at the points that the movement sends its voxels to.
fn resample(volume: &Volume<f32>, movement: &Movement) -> Result<Array3<f32>> {
    let (to_index, offset) = index_map(&volume.geometry, movement)?;
    let outside = volume.voxels.iter().copied().fold(f32::INFINITY, f32::min);
    let mut moved = memory::filled(volume.voxels.dim(), outside, "a moved image")?;
    let source = volume.voxels.view();
    let slices: Vec<_> = moved.axis_iter_mut(Axis(0)).collect();
    in_parallel(|| {
        slices.into_par_iter().enumerate().for_each(|(z, mut slice)| {
            for ((y, x), value) in slice.indexed_iter_mut() {
                let point = [x as f64, y as f64, z as f64];
                let index: [f64; 3] = std::array::from_fn(|row| offset[row] + dot(&to_index[row], &point));
                if let Some(found) = linear(&source, index) {
                    *value = found;
                }
            }
        });
    })?;
    Ok(moved)
}

/// From a voxel index (x, y, z) to the continuous index that the movement sends it to.
fn index_map(geometry: &Geometry, movement: &Movement) -> Result<([[f64; 3]; 3], [f64; 3])> {
    let to_world: [[f64; 3]; 3] = std::array::from_fn(|row| {
        std::array::from_fn(|axis| geometry.direction[row][axis] * geometry.spacing[axis])
    });
    let from_world = inverse(&to_world)?;
    let rotation = rotation(movement.degrees);
    let linear = product(&from_world, &product(&rotation, &to_world));
    let moved_origin: [f64; 3] = std::array::from_fn(|row| {
        dot(&rotation[row], &geometry.origin) + movement.translation[row] - geometry.origin[row]
    });
    Ok((linear, std::array::from_fn(|row| dot(&from_world[row], &moved_origin))))
}

/// Rz · Rx · Ry, the convention of ITK's `Euler3DTransform`.
fn rotation(degrees: [f64; 3]) -> [[f64; 3]; 3] {
    let [(sx, cx), (sy, cy), (sz, cz)] = degrees.map(|angle| angle.to_radians().sin_cos());
    let about_x = [[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]];
    let about_y = [[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]];
    let about_z = [[cz, -sz, 0.0], [sz, cz, 0.0], [0.0, 0.0, 1.0]];
    product(&about_z, &product(&about_x, &about_y))
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn product(a: &[[f64; 3]; 3], b: &[[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            a[row][0] * b[0][column] + a[row][1] * b[1][column] + a[row][2] * b[2][column]
        })
    })
}

fn inverse(m: &[[f64; 3]; 3]) -> Result<[[f64; 3]; 3]> {
    let cofactor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant = (0..3).map(|column| m[0][column] * cofactor(0, column)).sum::<f64>();
    if !(determinant.is_finite() && determinant != 0.0) {
        return Err(Error::InvalidGeometry(format!(
            "the voxel axes have determinant {determinant}; expected three independent axes"
        )));
    }
    Ok(std::array::from_fn(|row| std::array::from_fn(|column| cofactor(column, row) / determinant)))
}

/// Linear interpolation. Voxels reach half a spacing beyond the outermost centres, where the edge
/// value holds.
fn linear(source: &ArrayView3<f32>, index: [f64; 3]) -> Option<f32> {
    let (depth, height, width) = source.dim();
    let ([x0, x1], wx) = neighbours(index[0], width)?;
    let ([y0, y1], wy) = neighbours(index[1], height)?;
    let ([z0, z1], wz) = neighbours(index[2], depth)?;
    let mix = |a: f64, b: f64, weight: f64| a + weight * (b - a);
    let row = |z: usize, y: usize| mix(f64::from(source[[z, y, x0]]), f64::from(source[[z, y, x1]]), wx);
    let plane = |z: usize| mix(row(z, y0), row(z, y1), wy);
    Some(mix(plane(z0), plane(z1), wz) as f32)
}

fn neighbours(position: f64, length: usize) -> Option<([usize; 2], f64)> {
    let last = length as f64 - 1.0;
    if !(position >= -0.5 && position <= last + 0.5) {
        return None;
    }
    let clamped = position.clamp(0.0, last);
    let below = clamped.floor();
    Some(([below as usize, (below as usize + 1).min(length - 1)], clamped - below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    fn volume() -> Volume<f32> {
        let voxels = Array3::from_shape_fn((6, 8, 10), |(z, y, x)| (z * 3 + y * 5 + x) as f32);
        let mut geometry = Geometry::aligned([2.0, 2.0, 5.0]);
        geometry.origin = [-9.0, -7.0, -12.5];
        Volume { voxels, geometry }
    }

    fn movement(time: f64, degrees: [f64; 3], translation: [f64; 3]) -> Movement {
        Movement { time, degrees, translation }
    }

    fn along_z(movements: Vec<Movement>) -> Params {
        Params { axis: ImageAxis::Z, movements }
    }

    #[test]
    fn moving_nowhere_changes_nothing() {
        let mut still = volume();
        let movements = vec![movement(0.2, [0.0; 3], [0.0; 3]), movement(0.8, [0.0; 3], [0.0; 3])];
        apply(&mut still, &along_z(movements)).unwrap();
        for (a, b) in still.voxels.iter().zip(&volume().voxels) {
            assert!((a - b).abs() < 1e-4);
        }
    }

    /// The volume with y and z exchanged, in the same place.
    fn exchanged(volume: &Volume<f32>) -> Volume<f32> {
        let mut geometry = volume.geometry;
        geometry.spacing.swap(1, 2);
        geometry.direction.iter_mut().for_each(|row| row.swap(1, 2));
        let voxels = volume.voxels.view().permuted_axes([1, 0, 2]).as_standard_layout().into_owned();
        Volume { voxels, geometry }
    }

    #[test]
    fn time_along_y_is_time_along_z_of_the_volume_with_both_exchanged() {
        let movements = vec![
            movement(0.3, [3.0, 4.0, -6.0], [1.0, 2.0, 3.0]),
            movement(0.7, [-5.0, 2.0, 1.0], [0.0, -2.0, 1.0]),
        ];
        let mut along_y = volume();
        apply(&mut along_y, &Params { axis: ImageAxis::Y, movements: movements.clone() }).unwrap();
        let mut other = exchanged(&volume());
        apply(&mut other, &along_z(movements)).unwrap();
        assert_ne!(along_y.voxels, volume().voxels);
        for (a, b) in along_y.voxels.iter().zip(&exchanged(&other).voxels) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn translation_and_rotation_are_in_world_millimetres_about_the_world_origin() {
        let volume = volume();
        let shifted = resample(&volume, &movement(0.0, [0.0; 3], [4.0, -2.0, 5.0])).unwrap();
        assert_eq!(shifted[[1, 3, 2]], volume.voxels[[2, 2, 4]]);
        assert_eq!(shifted[[5, 3, 2]], 0.0);
        let half_turn = resample(&volume, &movement(0.0, [0.0, 0.0, 180.0], [0.0; 3])).unwrap();
        assert!((half_turn[[4, 1, 3]] - volume.voxels[[4, 6, 6]]).abs() < 1e-4);
    }

    #[test]
    fn drawn_parameters_stay_in_the_default_ranges() {
        let mut rng = stream(6, Purpose::Artefact, [0; 3]);
        for _ in 0..200 {
            let drawn = Params::draw(&mut rng, 8).movements;
            assert_eq!(drawn.len(), 2);
            for (movement, centre) in drawn.iter().zip([1.0 / 3.0, 2.0 / 3.0]) {
                assert!((movement.time - centre).abs() <= 0.1);
                assert!(movement.degrees.iter().chain(&movement.translation).all(|v| v.abs() <= 10.0));
            }
            let flat = Params::draw(&mut rng, 1).movements[0];
            assert!(flat.degrees[0] == 0.0 && flat.degrees[1] == 0.0 && flat.translation[2] == 0.0);
        }
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let backwards = vec![movement(0.6, [0.0; 3], [0.0; 3]), movement(0.4, [0.0; 3], [0.0; 3])];
        let message = apply(&mut volume(), &along_z(backwards)).unwrap_err().to_string();
        assert!(message.contains("0.4") && message.contains("0.6"), "{message}");
        let endless = vec![movement(0.6, [f64::INFINITY, 0.0, 0.0], [0.0; 3])];
        assert!(apply(&mut volume(), &along_z(endless)).is_err());
        let mut flat = volume();
        flat.geometry.spacing[2] = 0.0;
        assert!(apply(&mut flat, &along_z(vec![movement(0.6, [1.0; 3], [0.0; 3])])).is_err());
    }
}
