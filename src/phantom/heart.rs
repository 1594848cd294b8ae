//! The ventricles: their outlines in any plane across the long axis.

use super::outline::Outline;
use rand::{Rng, RngExt};
use std::f64::consts::PI;

/// How far the atria reach above the base, relative to the length of the left ventricle.
const ATRIA: f64 = 0.5;
/// Where the cavity of the right ventricle ends, from 0 at the base to 1 at the apex.
const RIGHT_APEX: f64 = 0.88;

/// One subject's heart. Lengths in mm, in the plane of the slices with x to the right and y down.
#[derive(Clone, Debug)]
pub(super) struct Heart {
    /// From the base of the left ventricle to its outer apex.
    length: f64,
    /// Thickness of the left ventricle's wall at the base.
    wall: f64,
    /// Inner radius of the left ventricle at the base.
    cavity: f64,
    /// How long the ventricle keeps its width: the exponent of its profile.
    fullness: f64,
    /// Where the long axis meets the middle plane, and how far it drifts from base to apex.
    centre: [f64; 2],
    drift: [f64; 2],
    inner: Outline,
    outer: Outline,
    /// Direction from the left to the right ventricle.
    septum: f64,
    /// Turn of that direction from base to apex.
    twist: f64,
    right: Outline,
    /// Distance of the right ventricle's centre from the axis, and its radii along and across that
    /// direction, relative to the outer radius of the left ventricle.
    right_distance: f64,
    right_radii: [f64; 2],
    right_wall: f64,
    /// Two papillary muscles and many trabeculae.
    muscles: Vec<Muscle>,
    /// Thickness of the fat around the heart.
    fat: f64,
    fat_shift: [f64; 2],
    atrium: Outline,
}

/// A strand of muscle within the left cavity.
#[derive(Clone, Copy, Debug)]
struct Muscle {
    angle: f64,
    /// Distance from the axis and radius, relative to the cavity's radius.
    distance: f64,
    radius: f64,
    /// Where it begins and ends between base (0) and apex (1).
    from: f64,
    to: f64,
}

/// The heart in one plane.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    pub(super) left_cavity: Option<Outline>,
    pub(super) left_wall: Option<Outline>,
    pub(super) right_cavity: Option<Outline>,
    /// Muscle within the left cavity.
    pub(super) muscles: Vec<Outline>,
    /// Blood above the base, which belongs to no class: left atrium, aortic root, right atrium.
    pub(super) above: Vec<Outline>,
    /// Thickness of the wall around the right ventricle, or around the atria.
    pub(super) thin_wall: f64,
    /// Thickness of the fat around everything.
    pub(super) fat: f64,
    /// How far that fat is displaced, which makes it uneven.
    pub(super) fat_shift: [f64; 2],
}

impl Heart {
    /// A random heart: size, place, wall, eccentricity and position of the right ventricle vary.
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let cavity = rng.random_range(16.0..28.0);
        // The smaller the cavity (end of systole), the thicker the wall.
        let wall = rng.random_range(6.5..9.0) + 0.35 * (28.0 - cavity);
        let circle = Outline::circle([0.0, 0.0], 1.0);
        let septum = PI + rng.random_range(-0.45..0.55);
        let mut muscles = Vec::new();
        for offset in [-0.95, 1.05] {
            let from = rng.random_range(0.15..0.3);
            muscles.push(Muscle {
                angle: septum + PI + offset + rng.random_range(-0.25..0.25),
                distance: rng.random_range(0.62..0.75),
                radius: rng.random_range(0.14..0.22),
                from,
                to: from + rng.random_range(0.35..0.5),
            });
        }
        for _ in 0..30 {
            let from = rng.random_range(0.1..0.8);
            muscles.push(Muscle {
                angle: rng.random_range(-PI..PI),
                distance: rng.random_range(0.88..0.98),
                radius: rng.random_range(0.03..0.09),
                from,
                to: from + rng.random_range(0.1..0.3),
            });
        }
        let eccentricity: f64 = rng.random_range(0.92..1.08);
        let shape = Outline::ellipse([0.0; 2], [eccentricity, 1.0 / eccentricity], rng.random_range(0.0..PI));
        Heart {
            length: rng.random_range(76.0..96.0),
            wall,
            cavity,
            fullness: rng.random_range(2.2..3.2),
            centre: [rng.random_range(-4.0..18.0), rng.random_range(-12.0..12.0)],
            drift: [rng.random_range(-8.0..8.0), rng.random_range(-8.0..8.0)],
            inner: shape.wavy(rng, 0.05),
            outer: shape.wavy(rng, 0.03),
            septum,
            twist: rng.random_range(-0.3..0.3),
            right: circle.wavy(rng, 0.09),
            right_distance: rng.random_range(0.65..0.9),
            right_radii: [rng.random_range(0.9..1.15), rng.random_range(1.0..1.3)],
            right_wall: rng.random_range(2.0..4.0),
            muscles,
            fat: rng.random_range(2.0..6.0),
            fat_shift: [rng.random_range(-3.0..1.0), rng.random_range(-3.0..3.0)],
            atrium: circle.wavy(rng, 0.08),
        }
    }

    /// The section `height` mm towards the base from the middle of the left ventricle.
    pub(super) fn section(&self, height: f64) -> Section {
        let depth = 0.5 - height / self.length;
        let axis: [f64; 2] = std::array::from_fn(|i| self.centre[i] + (depth - 0.5) * self.drift[i]);
        if depth >= 1.0 {
            return Section::default();
        }
        if depth < 0.0 {
            return self.atria(axis, -depth);
        }
        let outer = (self.cavity + self.wall) * self.profile(depth, 1.0);
        // The tip of the cavity lies one wall above the tip of the ventricle.
        let inner = self.cavity * self.profile(depth, 1.0 - self.wall / self.length);
        let direction = self.septum + self.twist * (depth - 0.5);
        Section {
            left_cavity: (inner > 1.0).then(|| scaled(&self.inner, axis, inner)),
            left_wall: (outer > 1.0).then(|| scaled(&self.outer, axis, outer)),
            right_cavity: self.right_cavity(axis, outer, depth, direction),
            muscles: self.muscles(axis, inner, depth),
            above: Vec::new(),
            thin_wall: self.right_wall,
            fat: self.fat,
            fat_shift: self.fat_shift,
        }
    }

    /// Width at `depth` of a ventricle that closes at `tip`, relative to the base.
    fn profile(&self, depth: f64, tip: f64) -> f64 {
        (1.0 - (depth / tip).powf(self.fullness)).max(0.0).sqrt()
    }

    fn right_cavity(&self, axis: [f64; 2], outer: f64, depth: f64, direction: f64) -> Option<Outline> {
        // A little narrower at the very base, widest below it, closing before the left ventricle does.
        let width = (1.0 - (depth / RIGHT_APEX).powf(2.4)).max(0.0).sqrt() * (0.94 + 0.3 * depth);
        let base = self.cavity + self.wall;
        let [along, across] = self.right_radii.map(|radius| radius * base * width);
        if along < 2.0 || across < 2.0 {
            return None;
        }
        // Near the apex the ventricle leans on the septum instead of surrounding the left one.
        let distance = self.right_distance * outer + 0.15 * base * (1.0 - width).max(0.0);
        let (sine, cosine) = direction.sin_cos();
        let centre = [axis[0] + distance * cosine, axis[1] + distance * sine];
        Some(self.right.placed(centre, [along, across]).turned(direction))
    }

    fn muscles(&self, axis: [f64; 2], inner: f64, depth: f64) -> Vec<Outline> {
        let muscles = self.muscles.iter().filter(|muscle| (muscle.from..muscle.to).contains(&depth));
        muscles
            .filter(|_| inner > 6.0)
            .map(|muscle| {
                let (sine, cosine) = muscle.angle.sin_cos();
                let distance = muscle.distance * inner;
                let centre = [axis[0] + distance * cosine, axis[1] + distance * sine];
                Outline::ellipse(centre, [1.2 * muscle.radius * inner, muscle.radius * inner], muscle.angle)
            })
            .collect()
    }

    fn atria(&self, axis: [f64; 2], above: f64) -> Section {
        if above > ATRIA {
            return Section::default();
        }
        let base = self.cavity + self.wall;
        let (sine, cosine) = self.septum.sin_cos();
        let at = |along: f64, across: f64| {
            [
                axis[0] + base * (along * cosine - across * sine),
                axis[1] + base * (along * sine + across * cosine),
            ]
        };
        let size = (1.0 - (above / ATRIA).powi(2)).sqrt();
        Section {
            above: vec![
                scaled(&self.atrium, at(-0.25, -0.3), 0.75 * base * size),
                Outline::circle(at(0.35, 0.45), 0.42 * base),
                scaled(&self.right, at(1.2, -0.25), 0.65 * base * size),
            ],
            thin_wall: 2.0,
            fat: self.fat,
            fat_shift: self.fat_shift,
            ..Section::default()
        }
    }
}

/// A unit outline in its place with this mean radius.
fn scaled(unit: &Outline, centre: [f64; 2], radius: f64) -> Outline {
    unit.placed(centre, unit.radii.map(|r| r * radius))
}

impl Section {
    /// The class at a point: 0 background, 1 left cavity, 2 left wall, 3 right cavity.
    ///
    /// Papillary muscles count as cavity, as in the ACDC reference segmentations.
    pub(super) fn class(&self, point: [f64; 2]) -> u8 {
        let inside = |outline: &Option<Outline>| outline.is_some_and(|o| o.distance(point) < 0.0);
        if inside(&self.left_wall) {
            if inside(&self.left_cavity) { 1 } else { 2 }
        } else if inside(&self.right_cavity) {
            3
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    fn areas(section: &Section) -> [usize; 4] {
        let mut areas = [0; 4];
        for y in -80..80 {
            for x in -100..80 {
                areas[usize::from(section.class([f64::from(x), f64::from(y)]))] += 1;
            }
        }
        areas
    }

    #[test]
    fn ventricles_taper_towards_the_apex_and_end_there() {
        for index in 0..40 {
            let heart = Heart::draw(&mut stream(11, Purpose::Phantom, [index, 0, 0]));
            let middle = areas(&heart.section(0.05 * heart.length));
            assert!((600..3500).contains(&middle[1]), "cavity of {} mm²", middle[1]);
            assert!((800..4500).contains(&middle[2]), "wall of {} mm²", middle[2]);
            assert!((500..6500).contains(&middle[3]), "right cavity of {} mm²", middle[3]);
            let low = areas(&heart.section(-0.3 * heart.length));
            assert!(low[1] < middle[1] && low[3] < middle[3]);
            for outside in [-0.501, 0.501, 0.8] {
                assert_eq!(areas(&heart.section(outside * heart.length))[1..], [0, 0, 0]);
            }
        }
    }

    #[test]
    fn the_cavity_is_surrounded_by_wall() {
        for index in 0..40 {
            let heart = Heart::draw(&mut stream(12, Purpose::Phantom, [index, 0, 0]));
            for step in 0..10 {
                let section = heart.section((0.49 - 0.09 * f64::from(step)) * heart.length);
                let Some(cavity) = section.left_cavity else { continue };
                for degrees in (0..360).step_by(5) {
                    let (sine, cosine) = f64::from(degrees).to_radians().sin_cos();
                    let along = |r: f64| [cavity.centre[0] + r * cosine, cavity.centre[1] + r * sine];
                    let edge =
                        (1..600).map(|i| f64::from(i) * 0.1).find(|&r| cavity.distance(along(r)) >= 0.0);
                    assert_eq!(section.class(along(edge.unwrap() + 1.5)), 2, "subject {index}, {degrees}°");
                }
            }
        }
    }
}
