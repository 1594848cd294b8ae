//! Closed curves with a cheap signed distance, from which organs are drawn.

use rand::{Rng, RngExt};

/// Number of waves around the outline, from two lobes upwards.
const WAVES: usize = 4;

/// An ellipse whose radius is modulated by a few waves; lengths in mm, angles in radians.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    pub(super) centre: [f64; 2],
    pub(super) radii: [f64; 2],
    /// Sine and cosine of the rotation from x towards y.
    rotation: (f64, f64),
    /// Cosine and sine amplitudes of the waves with 2, 3, … lobes, relative to the radius.
    waves: [(f64, f64); WAVES],
}

impl Outline {
    /// A smooth ellipse.
    pub(super) fn ellipse(centre: [f64; 2], radii: [f64; 2], angle: f64) -> Self {
        Outline { centre, radii, rotation: angle.sin_cos(), waves: [(0.0, 0.0); WAVES] }
    }

    /// A circle.
    pub(super) fn circle(centre: [f64; 2], radius: f64) -> Self {
        Outline::ellipse(centre, [radius, radius], 0.0)
    }

    /// The same with random waves; `strength` is the largest amplitude, that of two lobes.
    pub(super) fn wavy(mut self, rng: &mut impl Rng, strength: f64) -> Self {
        for (index, wave) in self.waves.iter_mut().enumerate() {
            let amplitude = strength * rng.random::<f64>() / (index as f64 + 1.0);
            let (sine, cosine) = rng.random_range(0.0..std::f64::consts::TAU).sin_cos();
            *wave = (amplitude * cosine, amplitude * sine);
        }
        self
    }

    /// The same outline elsewhere and in another size.
    pub(super) fn placed(mut self, centre: [f64; 2], radii: [f64; 2]) -> Self {
        self.centre = centre;
        self.radii = radii;
        self
    }

    /// The same outline turned to another angle.
    pub(super) fn turned(mut self, angle: f64) -> Self {
        self.rotation = angle.sin_cos();
        self
    }

    /// The angle from x towards y.
    pub(super) fn angle(&self) -> f64 {
        self.rotation.0.atan2(self.rotation.1)
    }

    /// The point with these coordinates along the outline's own axes.
    pub(super) fn point_at(&self, [u, v]: [f64; 2]) -> [f64; 2] {
        let (sine, cosine) = self.rotation;
        [self.centre[0] + cosine * u - sine * v, self.centre[1] + sine * u + cosine * v]
    }

    /// Distance to the outline along the ray from its centre, in mm; negative inside.
    pub(super) fn distance(&self, point: [f64; 2]) -> f64 {
        let [dx, dy] = [point[0] - self.centre[0], point[1] - self.centre[1]];
        let (sine, cosine) = self.rotation;
        let u = (cosine * dx + sine * dy) / self.radii[0];
        let v = (cosine * dy - sine * dx) / self.radii[1];
        let relative = (u * u + v * v).sqrt();
        if relative < 1e-9 {
            return -self.radii[0].min(self.radii[1]);
        }
        let (c, s) = (u / relative, v / relative);
        let (mut ck, mut sk) = (c, s);
        let mut radius = 1.0;
        for (a, b) in self.waves {
            (ck, sk) = (ck * c - sk * s, sk * c + ck * s);
            radius += a * ck + b * sk;
        }
        (dx * dx + dy * dy).sqrt() * (1.0 - radius / relative)
    }

    /// Radius of a circle around the centre that holds the whole outline.
    pub(super) fn reach(&self) -> f64 {
        let waves: f64 = self.waves.iter().map(|(a, b)| a.hypot(*b)).sum();
        self.radii[0].max(self.radii[1]) * (1.0 + waves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn distance_of_a_circle_is_exact_and_of_an_ellipse_along_its_axes() {
        let circle = Outline::circle([3.0, -2.0], 10.0);
        assert!((circle.distance([3.0, 13.0]) - 5.0).abs() < 1e-12);
        assert!((circle.distance([-3.0, -2.0]) + 4.0).abs() < 1e-12);
        assert!(circle.distance([3.0, -2.0]) < 0.0);
        let ellipse = Outline::ellipse([0.0, 0.0], [20.0, 5.0], std::f64::consts::FRAC_PI_2);
        assert!((ellipse.distance([0.0, 26.0]) - 6.0).abs() < 1e-9);
        assert!((ellipse.distance([7.0, 0.0]) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_inside_lies_beyond_the_reach() {
        let mut rng = stream(9, Purpose::Phantom, [0; 3]);
        for _ in 0..50 {
            let outline = Outline::ellipse([1.0, 2.0], [30.0, 18.0], 0.4).wavy(&mut rng, 0.15);
            for step in 0..360 {
                let (sine, cosine) = f64::from(step).to_radians().sin_cos();
                let reach = outline.reach();
                assert!(outline.distance([1.0 + reach * cosine, 2.0 + reach * sine]) >= -1e-9);
            }
        }
    }
}
