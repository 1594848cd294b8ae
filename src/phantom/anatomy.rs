//! One subject: the chest around the heart, and how the heart's short axis lies in the patient.

use super::heart::Heart;
use super::outline::Outline;
use super::tissue::Tissue;
use rand::{Rng, RngExt};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// Everything that does not depend on the scanner. Lengths in mm; x to the right and y down in the
/// plane of the slices, height towards the base, all from the middle of the left ventricle.
#[derive(Clone, Debug)]
pub(super) struct Anatomy {
    pub(super) heart: Heart,
    /// The skin.
    pub(super) body: Organ,
    /// The inside of the chest wall.
    pub(super) chest: Organ,
    /// Thickness of the muscle around the chest; fat fills the rest up to the skin.
    pub(super) muscle: f64,
    /// Ribs, which lie in the muscle.
    pub(super) ribs: Vec<Organ>,
    /// What lies in the chest besides lung and heart, in the order in which it is drawn.
    pub(super) organs: Vec<(Tissue, Organ)>,
    /// `direction[row][axis]`: the LPS unit vectors along x, y and z of the slices.
    pub(super) direction: [[f64; 3]; 3],
    /// Where the middle of the left ventricle lies in LPS.
    pub(super) centre: [f64; 3],
}

/// An outline that moves and grows along the slices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Organ {
    outline: Outline,
    /// Movement of the centre per mm of height.
    drift: [f64; 2],
    /// Growth of the radii per mm of height.
    growth: f64,
}

impl Organ {
    fn new(outline: Outline) -> Self {
        Organ { outline, drift: [0.0; 2], growth: 0.0 }
    }

    fn moving(mut self, drift: [f64; 2], growth: f64) -> Self {
        self.drift = drift;
        self.growth = growth;
        self
    }

    /// The outline at this height, if the organ reaches it.
    pub(super) fn at(&self, height: f64) -> Option<Outline> {
        let radii = self.outline.radii.map(|radius| radius + self.growth * height);
        let centre = std::array::from_fn(|i| self.outline.centre[i] + self.drift[i] * height);
        radii.iter().all(|&radius| radius > 0.5).then(|| self.outline.placed(centre, radii))
    }
}

impl Anatomy {
    /// A random subject.
    pub(super) fn draw(rng: &mut impl Rng) -> Self {
        let heart = Heart::draw(rng);
        let radii = [rng.random_range(150.0..190.0), rng.random_range(118.0..142.0)];
        let angle = rng.random_range(-0.55..-0.15);
        let middle = [rng.random_range(8.0..36.0), rng.random_range(8.0..32.0)];
        let skin = Outline::ellipse(middle, radii, angle).wavy(rng, 0.03);
        let muscle = rng.random_range(9.0..15.0);
        let wall = muscle + rng.random_range(8.0..22.0);
        let shift = [rng.random_range(-5.0..5.0), rng.random_range(-5.0..5.0)];
        let inside = Outline::ellipse(
            [middle[0] + shift[0], middle[1] + shift[1]],
            radii.map(|radius| radius - wall),
            angle + rng.random_range(-0.08..0.08),
        );
        let inside = inside.wavy(rng, 0.04);
        let (drift, growth) = ([0.1, -0.1], 0.05);
        let ribs = ribs(rng, &inside, muscle);
        let organs = organs(rng, &inside);
        Anatomy {
            heart,
            body: Organ::new(skin).moving(drift, growth),
            chest: Organ::new(inside).moving(drift, growth),
            muscle,
            ribs,
            organs,
            direction: direction(rng),
            centre: std::array::from_fn(|_| rng.random_range(-25.0..25.0)),
        }
    }
}

/// The point of an ellipse's rim in a direction given in the ellipse's own frame, moved outwards.
fn on_rim(ellipse: &Outline, angle: f64, by: f64) -> [f64; 2] {
    let (sine, cosine) = angle.sin_cos();
    ellipse.point_at([(ellipse.radii[0] + by) * cosine, (ellipse.radii[1] + by) * sine])
}

fn ribs(rng: &mut impl Rng, chest: &Outline, muscle: f64) -> Vec<Organ> {
    let start = rng.random_range(0.0..TAU);
    (0..16)
        .map(|index| {
            let angle = start + f64::from(index) * TAU / 16.0 + rng.random_range(-0.08..0.08);
            let centre = on_rim(chest, angle, 0.45 * muscle);
            let radii = [rng.random_range(6.0..13.0), 0.28 * muscle];
            let outline = Outline::ellipse(centre, radii, chest.angle() + angle + FRAC_PI_2);
            // Ribs run obliquely through the slices.
            Organ::new(outline).moving([rng.random_range(-0.3..0.3), rng.random_range(-0.3..0.3)], 0.0)
        })
        .collect()
}

fn organs(rng: &mut impl Rng, chest: &Outline) -> Vec<(Tissue, Organ)> {
    let mut organs = Vec::new();
    let mut add = |tissue, organ| organs.push((tissue, organ));
    let circle = |centre, radius| Organ::new(Outline::circle(centre, radius));

    // Vessels of the lungs, which everything else may cover.
    for _ in 0..70 {
        let angle = rng.random_range(0.0..TAU);
        let share = rng.random_range(0.15..0.95f64).sqrt();
        let rim = on_rim(chest, angle, 0.0);
        let centre = std::array::from_fn(|i| chest.centre[i] + share * (rim[i] - chest.centre[i]));
        let drift = [rng.random_range(-0.6..0.6), rng.random_range(-0.6..0.6)];
        add(Tissue::ArterialBlood, circle(centre, rng.random_range(0.7..2.6)).moving(drift, 0.0));
    }

    // The mediastinum reaches from the breastbone behind the right ventricle to the spine.
    let front = on_rim(chest, PI + rng.random_range(-0.2..0.5), 0.0);
    let back = on_rim(chest, rng.random_range(0.5..1.0), -14.0);
    for (end, width, growth) in [(front, 24.0..38.0, 0.1), (back, 16.0..28.0, 0.15)] {
        let radii = [0.62 * end[0].hypot(end[1]), rng.random_range(width)];
        let bridge = Outline::ellipse([0.5 * end[0], 0.5 * end[1]], radii, end[1].atan2(end[0]));
        add(Tissue::Connective, Organ::new(bridge.wavy(rng, 0.06)).moving([0.0, 0.0], growth));
    }

    // The liver below the right ventricle grows towards the apex, the stomach below the left one.
    let liver = Outline::ellipse(
        [rng.random_range(-85.0..-55.0), rng.random_range(78.0..100.0)],
        [rng.random_range(75.0..95.0), rng.random_range(44.0..58.0)],
        rng.random_range(-0.15..0.4),
    );
    let liver = Organ::new(liver.wavy(rng, 0.08)).moving([-0.1, 0.25], -0.2);
    add(Tissue::Liver, liver);
    for _ in 0..9 {
        let centre = [rng.random_range(-120.0..-20.0), rng.random_range(72.0..125.0)];
        let radii = [rng.random_range(2.0..7.0), rng.random_range(1.5..3.0)];
        let vessel = Outline::ellipse(centre, radii, rng.random_range(0.0..PI));
        add(Tissue::VenousBlood, Organ::new(vessel).moving([0.3, 0.2], 0.0));
    }
    let stomach = Outline::ellipse(
        [rng.random_range(40.0..80.0), rng.random_range(76.0..98.0)],
        [rng.random_range(26.0..44.0), rng.random_range(20.0..30.0)],
        rng.random_range(-0.6..0.3),
    );
    let stomach = stomach.wavy(rng, 0.12);
    let drift = [0.1, 0.35];
    add(Tissue::Muscle, Organ::new(stomach).moving(drift, -0.25));
    let lumen = stomach.placed(stomach.centre, stomach.radii.map(|radius| radius - 4.0));
    add(Tissue::Stomach, Organ::new(lumen).moving(drift, -0.25));
    if rng.random_bool(0.5) {
        let [x, y] = stomach.centre;
        let gas = Outline::ellipse([x - 4.0, y - 9.0], [rng.random_range(8.0..16.0), 5.0], 0.2);
        add(Tissue::Air, Organ::new(gas.wavy(rng, 0.2)).moving(drift, -0.15));
    }

    let spine = [back[0] + rng.random_range(-4.0..4.0), back[1] + rng.random_range(-4.0..4.0)];
    add(
        Tissue::Bone,
        Organ::new(Outline::ellipse(spine, [20.0, 16.0], rng.random_range(0.0..PI)).wavy(rng, 0.06)),
    );
    let aorta =
        [0.72 * spine[0] + rng.random_range(-5.0..5.0), 0.72 * spine[1] + rng.random_range(-5.0..5.0)];
    let radius = rng.random_range(9.0..13.0);
    add(Tissue::Muscle, circle(aorta, radius + 1.8));
    add(Tissue::ArterialBlood, circle(aorta, radius));
    organs
}

/// A right-handed short-axis orientation: z from apex to base, x to the image's right (the patient's
/// left and back), y down (towards the feet).
fn direction(rng: &mut impl Rng) -> [[f64; 3]; 3] {
    let mut around = |value: f64| value + rng.random_range(-0.12..0.12);
    let z = unit([around(-0.65), around(0.60), around(0.45)]);
    let x = [around(0.70), around(0.70), around(0.05)];
    let along_z = dot(x, z);
    let x = unit(std::array::from_fn(|i| x[i] - along_z * z[i]));
    let y = [z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]];
    std::array::from_fn(|row| [x[row], y[row], z[row]])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn unit(v: [f64; 3]) -> [f64; 3] {
    let length = dot(v, v).sqrt();
    v.map(|component| component / length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn orientations_are_right_handed_oblique_and_point_the_right_way() {
        for index in 0..100 {
            let subject = Anatomy::draw(&mut stream(13, Purpose::Phantom, [index, 0, 0]));
            let column =
                |axis: usize| -> [f64; 3] { std::array::from_fn(|row| subject.direction[row][axis]) };
            let (x, y, z) = (column(0), column(1), column(2));
            for (a, b, expected) in
                [(x, x, 1.0), (y, y, 1.0), (z, z, 1.0), (x, y, 0.0), (x, z, 0.0), (y, z, 0.0)]
            {
                assert!((dot(a, b) - expected).abs() < 1e-12);
            }
            let cross = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
            assert!((dot(cross, z) - 1.0).abs() < 1e-12);
            assert!(x[0] > 0.3 && y[2] < -0.5, "x {x:?}, y {y:?}");
            assert!(z.iter().all(|component| component.abs() > 0.2), "{z:?}");
        }
    }
}
