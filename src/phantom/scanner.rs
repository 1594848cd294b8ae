//! The scanners: contrast, units, resolution and imperfections.

use super::tissue::TISSUES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scanner by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Scanner {
    /// Clean balanced steady-state images: bright blood, dark myocardium, 12-bit units.
    #[default]
    A,
    /// A higher field: finer and thinner slices, strong shading, brighter myocardium.
    B,
    /// An old system: coarse and noisy, very bright fat, 8-bit units.
    C,
    /// Spoiled gradient echo: little contrast between blood and myocardium, blurred, shaded and noisy,
    /// 16-bit units.
    D,
}

/// What makes one scanner's images differ from another's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Protocol {
    /// In-plane spacing and distance between slices, x, y, z, in mm.
    pub(super) spacing: [f64; 3],
    /// Columns and rows.
    pub(super) size: [usize; 2],
    /// Thickness of the excited slab relative to the distance between slices.
    pub(super) slab: f64,
    /// Brightness per tissue, in the order of `Tissue`; arterial blood is near 1.
    pub(super) signal: [f64; TISSUES],
    /// Exponent of the display curve: above 1 darkens the middle tones.
    pub(super) gamma: f64,
    /// Standard deviation of the noise in each of the two channels, relative to brightness 1.
    pub(super) noise: f64,
    /// Largest coefficient of the shading's polynomial.
    pub(super) shading: f64,
    /// Loss of signal with the distance from the chest coil, per 100 mm.
    pub(super) falloff: f64,
    /// Standard deviation of the in-plane point spread, in mm.
    pub(super) blur: f64,
    /// What brightness 1 becomes, and the largest value that can be stored.
    pub(super) unit: f64,
    pub(super) maximum: f64,
}

impl Scanner {
    /// Every scanner.
    pub const ALL: [Scanner; 4] = [Scanner::A, Scanner::B, Scanner::C, Scanner::D];

    /// The scanner's letter, with which the names of its images begin.
    pub fn letter(self) -> &'static str {
        match self {
            Scanner::A => "A",
            Scanner::B => "B",
            Scanner::C => "C",
            Scanner::D => "D",
        }
    }

    /// How the scanner images.
    pub(super) fn protocol(self) -> Protocol {
        match self {
            Scanner::A => Protocol {
                spacing: [1.40625, 1.40625, 10.0],
                size: [256, 216],
                slab: 0.8,
                //       air  fat   musc. lung  bone  conn. liver stom. art.  ven.  myo.
                signal: [0.0, 0.86, 0.26, 0.06, 0.34, 0.40, 0.36, 0.52, 1.00, 0.93, 0.26],
                gamma: 1.0,
                noise: 0.020,
                shading: 0.06,
                falloff: 0.10,
                blur: 0.8,
                unit: 900.0,
                maximum: 4095.0,
            },
            Scanner::B => Protocol {
                spacing: [1.25, 1.25, 8.0],
                size: [288, 256],
                slab: 1.0,
                signal: [0.0, 0.62, 0.34, 0.10, 0.26, 0.36, 0.28, 0.72, 0.95, 0.80, 0.36],
                gamma: 1.0,
                noise: 0.035,
                shading: 0.22,
                falloff: 0.45,
                blur: 0.7,
                unit: 2600.0,
                maximum: 4095.0,
            },
            Scanner::C => Protocol {
                spacing: [1.5625, 1.5625, 10.0],
                size: [224, 192],
                slab: 0.8,
                signal: [0.0, 1.15, 0.44, 0.12, 0.50, 0.66, 0.58, 0.45, 0.98, 0.88, 0.44],
                gamma: 0.8,
                noise: 0.050,
                shading: 0.12,
                falloff: 0.30,
                blur: 1.1,
                unit: 150.0,
                maximum: 255.0,
            },
            Scanner::D => Protocol {
                spacing: [1.71875, 1.71875, 9.0],
                size: [192, 192],
                slab: 1.0,
                signal: [0.0, 0.50, 0.52, 0.14, 0.30, 0.44, 0.64, 0.40, 0.92, 0.78, 0.47],
                gamma: 1.2,
                noise: 0.040,
                shading: 0.20,
                falloff: 0.50,
                blur: 1.2,
                unit: 21000.0,
                maximum: 65535.0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::tissue::Tissue;

    #[test]
    fn blood_is_brighter_than_myocardium_and_lung_is_dark_everywhere() {
        for scanner in Scanner::ALL {
            let protocol = scanner.protocol();
            let signal = |tissue: Tissue| protocol.signal[tissue as usize];
            let myocardium = signal(Tissue::Myocardium);
            for blood in [Tissue::ArterialBlood, Tissue::VenousBlood] {
                assert!(signal(blood) > 1.3 * myocardium, "{scanner:?}");
            }
            assert!(signal(Tissue::Lung) < 0.4 * myocardium);
            assert_eq!(signal(Tissue::Air), 0.0);
            assert!(protocol.unit < protocol.maximum);
        }
    }

    #[test]
    fn names_are_the_letters() {
        for scanner in Scanner::ALL {
            assert_eq!(serde_json::to_value(scanner).unwrap(), scanner.letter());
        }
    }
}
