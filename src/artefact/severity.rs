//! The ranges that parameters are drawn from: TorchIO 0.20's defaults, and those of the severities 1 to 5.
//!
//! METHOD §9 has the same numbers as a table.

/// The least and the greatest value of one parameter.
pub(super) struct Ranges {
    default: [f64; 2],
    severities: [[f64; 2]; 5],
}

impl Ranges {
    /// The range of a severity from 1 to 5, or the default.
    pub(super) fn at(&self, severity: Option<u32>) -> [f64; 2] {
        let level = severity.and_then(|level| self.severities.get((level as usize).checked_sub(1)?));
        level.copied().unwrap_or(self.default)
    }
}

/// −m to m.
const fn around_zero(default: f64, severities: [f64; 5]) -> Ranges {
    let [a, b, c, d, e] = severities;
    Ranges { default: [-default, default], severities: [[-a, a], [-b, b], [-c, c], [-d, d], [-e, e]] }
}

/// Coefficients of the polynomial.
pub(super) const BIAS_FIELD_RANGE: Ranges = around_zero(0.5, [0.1, 0.25, 0.5, 0.75, 1.0]);

/// Strength of the ghosts.
pub(super) const GHOSTING_INTENSITY: Ranges = Ranges {
    default: [0.5, 1.0],
    severities: [[0.125, 0.25], [0.25, 0.5], [0.5, 1.0], [1.0, 1.5], [1.5, 2.0]],
};

/// Angles in degrees. Level 5 is that of the paper's corrupted test sets.
pub(super) const MOTION_DEGREES: Ranges = around_zero(10.0, [2.0, 5.0, 10.0, 20.0, 30.0]);

/// Translations in mm.
pub(super) const MOTION_TRANSLATION: Ranges = around_zero(10.0, [2.0, 5.0, 10.0, 10.0, 10.0]);

/// Height of a spike relative to the largest real part of the spectrum.
pub(super) const SPIKE_INTENSITY: Ranges =
    Ranges { default: [1.0, 3.0], severities: [[0.25, 0.5], [0.5, 1.0], [1.0, 3.0], [3.0, 5.0], [5.0, 8.0]] };

/// Standard deviation of the noise relative to the range of intensities.
pub(super) const NOISE_STD: Ranges = Ranges {
    default: [0.0, 0.25],
    severities: [[0.02, 0.04], [0.05, 0.08], [0.1, 0.15], [0.2, 0.25], [0.3, 0.4]],
};

/// Standard deviation of the blur in mm.
pub(super) const BLUR_SIGMA: Ranges =
    Ranges { default: [0.0, 2.0], severities: [[0.2, 0.4], [0.4, 0.8], [0.8, 1.2], [1.5, 2.0], [2.5, 3.5]] };

/// Natural logarithm of the exponent.
pub(super) const GAMMA_LOGARITHM: Ranges = around_zero(0.3, [0.1, 0.2, 0.3, 0.5, 0.8]);

/// How many times fewer samples.
pub(super) const DOWNSAMPLING_FACTOR: Ranges =
    Ranges { default: [1.5, 5.0], severities: [[1.5, 2.0], [2.0, 3.0], [3.0, 3.5], [4.0, 5.0], [6.0, 8.0]] };
