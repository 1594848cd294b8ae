//! Slow multiplicative shading, as from an inhomogeneous coil (TorchIO 0.20 `RandomBiasField`, `BiasField`).

use super::drawn::{Drawn, Draws, refuse_both};
use super::{check_parameter, check_voxels, severity};
use crate::error::{Error, Result};
use crate::parallel::in_parallel;
use ndarray::{Array3, Axis};
use rand::{Rng, RngExt};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The highest order accepted; 10 has 286 coefficients.
const HIGHEST_ORDER: usize = 10;

/// What a caller wants; the rest is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which ranges hold for what is left out: 1 (slight) to 5 (strong). Default: null, those of TorchIO.
    #[schemars(range(min = 1, max = 5))]
    pub severity: Option<u32>,
    /// Highest total degree of the polynomial whose exponential multiplies the image. Default: 3.
    #[schemars(range(min = 0, max = 10))]
    pub order: usize,
    /// What each coefficient is drawn from; a number m stands for −m to m. Default: null, 0.5 or that of the severity.
    #[schemars(range(min = 0.0, max = 100.0), inner(range(min = -100.0, max = 100.0)))]
    pub range: Option<Drawn<f64>>,
    /// The coefficients themselves, instead of `range`: one per monomial x^i y^j z^k with i + j + k ≤ order, i slowest, k
    /// fastest. Coordinates are 0 at the centre of the image and 1 at the centre of its last voxel. Default: null, drawn.
    #[schemars(inner(range(min = -100.0, max = 100.0)))]
    pub coefficients: Option<Vec<f64>>,
}

impl Default for Options {
    fn default() -> Self {
        Options { severity: None, order: 3, range: None, coefficients: None }
    }
}

impl Options {
    pub(super) fn settle(&self, draws: &mut Draws) -> Result<Params> {
        let explicit = ("coefficients", self.coefficients.is_some());
        refuse_both("bias_field", explicit, &[("range", self.range.is_some())])?;
        let range = severity::BIAS_FIELD_RANGE.at(self.severity);
        let count = monomials(self.order);
        let drawn = draws.around_zero("bias_field.range", self.range, range, count)?;
        Ok(Params { order: self.order, coefficients: self.coefficients.clone().unwrap_or(drawn) })
    }
}

/// A polynomial in the three voxel coordinates whose exponential multiplies the image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Params {
    /// The highest total degree of the polynomial, at most 10.
    pub order: usize,
    /// One coefficient per monomial x^i y^j z^k with i + j + k ≤ order; i varies slowest, k fastest.
    ///
    /// Every coordinate is 0 at the centre of the volume and 1 at the centre of its last voxel.
    pub coefficients: Vec<f64>,
}

impl Params {
    /// TorchIO 0.20's defaults: order 3, every one of the 20 coefficients from U(−0.5, 0.5).
    pub fn draw(rng: &mut impl Rng) -> Self {
        Params::draw_within(rng, 3, 0.5)
    }

    /// Coefficients from U(−magnitude, magnitude) for a polynomial of this order.
    pub fn draw_within(rng: &mut impl Rng, order: usize, magnitude: f64) -> Self {
        let coefficients =
            (0..monomials(order)).map(|_| magnitude * (2.0 * rng.random::<f64>() - 1.0)).collect();
        Params { order, coefficients }
    }
}

/// Number of monomials in three variables of total degree at most `order`.
fn monomials(order: usize) -> usize {
    (order + 1) * (order + 2) * (order + 3) / 6
}

/// Multiplies every voxel of `[z, y, x]` with exp(polynomial).
///
/// # Errors
/// `InvalidArgument` for an order above 10, for a wrong number of coefficients, and for coefficients or
/// voxels that are not finite.
pub fn apply(voxels: &mut Array3<f32>, params: &Params) -> Result<()> {
    let order = params.order;
    if order > HIGHEST_ORDER {
        return Err(Error::InvalidArgument(format!(
            "bias field: the order is {order}; expected at most {HIGHEST_ORDER}"
        )));
    }
    if params.coefficients.len() != monomials(order) {
        return Err(Error::InvalidArgument(format!(
            "bias field: there are {} coefficients; expected {} for a polynomial of order {order}",
            params.coefficients.len(),
            monomials(order)
        )));
    }
    for &coefficient in &params.coefficients {
        check_parameter("bias field: a coefficient", coefficient, f64::NEG_INFINITY..=f64::INFINITY)?;
    }
    check_voxels(voxels)?;

    let (depth, height, width) = voxels.dim();
    let (xs, ys, zs) = (coordinates(width), coordinates(height), coordinates(depth));
    let slices: Vec<_> = voxels.axis_iter_mut(Axis(0)).collect();
    in_parallel(|| {
        slices.into_par_iter().zip(zs).for_each(|(mut slice, z)| {
            for (mut row, &y) in slice.outer_iter_mut().zip(&ys) {
                let in_x = polynomial_in_x(params, y, z);
                for (value, &x) in row.iter_mut().zip(&xs) {
                    let field: f64 = in_x.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient);
                    *value *= field.exp() as f32;
                }
            }
        });
    })
}

/// Voxel centres along one axis: 0 in the middle, 1 at the last.
fn coordinates(count: usize) -> Vec<f64> {
    let last = (count as f64 - 1.0) / 2.0;
    (0..count).map(|index| if last > 0.0 { (index as f64 - last) / last } else { 0.0 }).collect()
}

/// The coefficients of x^0, x^1, … once y and z are known.
fn polynomial_in_x(params: &Params, y: f64, z: f64) -> Vec<f64> {
    let mut in_x = vec![0.0; params.order + 1];
    let mut coefficients = params.coefficients.iter();
    for (i, slot) in in_x.iter_mut().enumerate() {
        let mut power_of_y = 1.0;
        for j in 0..=params.order - i {
            let mut power = power_of_y;
            for coefficient in coefficients.by_ref().take(params.order - i - j + 1) {
                *slot += coefficient * power;
                power *= z;
            }
            power_of_y *= y;
        }
    }
    in_x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn field_is_the_exponential_of_the_written_out_polynomial() {
        let params = Params::draw(&mut stream(1, Purpose::Artefact, [0; 3]));
        let mut voxels = Array3::from_elem((4, 5, 6), 2.0f32);
        apply(&mut voxels, &params).unwrap();
        for ((z, y, x), &value) in voxels.indexed_iter() {
            let (x, y, z) = ((x as f64 - 2.5) / 2.5, (y as f64 - 2.0) / 2.0, (z as f64 - 1.5) / 1.5);
            let mut field = 0.0;
            let mut next = params.coefficients.iter();
            for i in 0..=3 {
                for j in 0..=3 - i {
                    for k in 0..=3 - i - j {
                        field += next.next().unwrap() * x.powi(i) * y.powi(j) * z.powi(k);
                    }
                }
            }
            assert!((f64::from(value) - 2.0 * field.exp()).abs() < 1e-5);
        }
    }

    #[test]
    fn drawn_coefficients_fill_the_default_range() {
        let mut rng = stream(2, Purpose::Artefact, [0; 3]);
        let all: Vec<f64> = (0..200).flat_map(|_| Params::draw(&mut rng).coefficients).collect();
        assert_eq!(all.len(), 200 * 20);
        assert!(all.iter().all(|c| c.abs() <= 0.5));
        assert!(all.iter().any(|&c| c > 0.49) && all.iter().any(|&c| c < -0.49));
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let mut voxels = Array3::from_elem((2, 2, 2), 1.0f32);
        let short = Params { order: 3, coefficients: vec![0.0; 19] };
        let message = apply(&mut voxels, &short).unwrap_err().to_string();
        assert!(message.contains("19") && message.contains("20"), "{message}");
        let infinite = Params { order: 0, coefficients: vec![f64::NAN] };
        assert!(apply(&mut voxels, &infinite).unwrap_err().to_string().contains("NaN"));
        assert!(apply(&mut voxels, &Params { order: 11, coefficients: vec![] }).is_err());
        assert!(voxels.iter().all(|&v| v == 1.0));
        voxels[[0, 1, 1]] = f32::INFINITY;
        assert!(apply(&mut voxels, &Params { order: 0, coefficients: vec![0.1] }).is_err());
    }
}
