//! Values computed by TorchIO 0.20.23 itself for explicit parameters on a small oblique volume.

use super::{ImageAxis, bias_field, ghosting, motion, spike};
use crate::volume::{Geometry, Volume};
use ndarray::Array3;

/// Voxels whose values are listed, as (x, y, z).
const PROBES: [[usize; 3]; 5] = [[0, 0, 0], [8, 7, 5], [4, 3, 2], [1, 6, 3], [7, 2, 4]];

fn volume() -> Volume<f32> {
    let voxels = Array3::from_shape_fn((6, 8, 9), |(z, y, x)| {
        let (x, y, z) = (x as f64, y as f64, z as f64);
        (50.0 + 30.0 * (0.9 * x).sin() + 20.0 * (0.7 * y + 0.3 * x).cos() + 8.0 * z) as f32
    });
    let (sine, cosine) = std::f64::consts::FRAC_PI_6.sin_cos();
    let direction = [[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]];
    Volume { voxels, geometry: Geometry { spacing: [1.5, 1.25, 4.0], origin: [-5.0, -6.0, -9.0], direction } }
}

#[track_caller]
fn check(volume: &Volume<f32>, expected: [f32; 5], sum: f64) {
    for ([x, y, z], expected) in PROBES.into_iter().zip(expected) {
        let found = volume.voxels[[z, y, x]];
        assert!((found - expected).abs() < 2e-4, "({x}, {y}, {z}) is {found}; TorchIO has {expected}");
    }
    let found: f64 = volume.voxels.iter().map(|&value| f64::from(value)).sum();
    assert!((found - sum).abs() < 0.05, "the sum is {found}; TorchIO has {sum}");
}

#[test]
fn bias_field_agrees() {
    let coefficients = (0..20).map(|k| 0.02 * f64::from(k) * (-1.0f64).powi(k)).collect();
    let mut volume = volume();
    bias_field::apply(&mut volume.voxels, &bias_field::Params { order: 3, coefficients }).unwrap();
    check(&volume, [41.6164, 101.7941, 32.5855, 149.1482, 57.1686], 34788.50);
}

#[test]
fn ghosting_agrees() {
    let mut along_x = volume();
    let params = ghosting::Params { ghosts: 4, axis: ImageAxis::X, intensity: 0.75, restore: None };
    ghosting::apply(&mut along_x.voxels, &params).unwrap();
    check(&along_x, [70.9221, 119.8213, 33.0556, 87.4562, 65.715], 30726.57);

    let mut along_y = volume();
    let params = ghosting::Params { ghosts: 2, axis: ImageAxis::Y, intensity: 0.9, restore: Some(0.3) };
    ghosting::apply(&mut along_y.voxels, &params).unwrap();
    check(&along_y, [67.787, 121.7956, 31.0926, 94.309, 62.8493], 30726.57);
}

#[test]
fn spikes_agree() {
    let mut volume = volume();
    let params = spike::Params { positions: vec![[0.8, 0.3, 0.6], [0.1, 0.55, 0.2]], intensity: 1.4 };
    spike::apply(&mut volume.voxels, &params).unwrap();
    check(&volume, [309.2058, 234.814, -184.4696, 11.8641, -17.6445], 30726.57);
}

fn two_movements(times: [f64; 2]) -> motion::Params {
    let [first, second] = times;
    motion::Params {
        axis: ImageAxis::Z,
        movements: vec![
            motion::Movement { time: first, degrees: [12.0, -7.0, 20.0], translation: [1.5, -2.0, 0.8] },
            motion::Movement { time: second, degrees: [-15.0, 4.0, -9.0], translation: [-0.7, 1.1, 2.3] },
        ],
    }
}

#[test]
fn motion_agrees() {
    let mut around_the_centre = volume();
    motion::apply(&mut around_the_centre, &two_movements([0.3, 0.72])).unwrap();
    check(&around_the_centre, [53.4979, 85.0851, 41.2371, 61.3981, 96.1102], 30726.57);

    let mut before_the_centre = volume();
    motion::apply(&mut before_the_centre, &two_movements([0.2, 0.4])).unwrap();
    check(&before_the_centre, [92.7377, 90.6551, 21.0425, 101.8251, 63.9776], 30726.57);
}
