//! Summaries of many numbers, and the comparison of pairs.

use crate::schema::nan_as_null;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

/// Location and spread of the numbers that are not NaN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many numbers there are.
    pub n: usize,
    /// Mean.
    #[serde(with = "nan_as_null")]
    pub mean: f64,
    /// Standard deviation with n − 1; NaN (null in JSON) for fewer than two.
    #[serde(with = "nan_as_null")]
    pub sd: f64,
    /// Least.
    #[serde(with = "nan_as_null")]
    pub min: f64,
    /// First quartile, linear between ranks.
    #[serde(with = "nan_as_null")]
    pub q1: f64,
    /// Median.
    #[serde(with = "nan_as_null")]
    pub median: f64,
    /// Third quartile.
    #[serde(with = "nan_as_null")]
    pub q3: f64,
    /// Greatest.
    #[serde(with = "nan_as_null")]
    pub max: f64,
}

impl Summary {
    /// Summarises; NaN is left out, and everything is NaN when nothing is left.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|value| !value.is_nan()).collect();
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let mut at = |percent| percentile(&mut values, percent);
        Summary {
            n,
            mean,
            sd: if n > 1 { (squares / (n - 1) as f64).sqrt() } else { f64::NAN },
            min: at(0.0),
            q1: at(25.0),
            median: at(50.0),
            q3: at(75.0),
            max: at(100.0),
        }
    }
}

/// A percentile, linear between ranks, of numbers without NaN, which are sorted on the way. NaN for none.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let rank = percent / 100.0 * last as f64;
    let below = rank.floor() as usize;
    let above = (below + 1).min(last);
    values[below] + (values[above] - values[below]) * (rank - below as f64)
}

/// Outcome of Wilcoxon's signed-rank test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wilcoxon {
    /// Pairs with a difference.
    pub n: usize,
    /// The lesser of the two rank sums.
    #[serde(with = "nan_as_null")]
    pub statistic: f64,
    /// Two-sided; NaN (null in JSON) where no pair differs.
    #[serde(with = "nan_as_null")]
    pub p: f64,
}

/// Pairs up to which the distribution is counted out where there are no ties and no zeros.
const EXACT_PAIRS: usize = 50;

/// Wilcoxon's signed-rank test of paired differences, two-sided. Zeros are dropped. Up to 50 pairs without
/// ties or zeros p is exact, else from the normal approximation with correction for ties and none for
/// continuity: scipy's `wilcoxon` with the method `exact` or `asymptotic`. NaN are left out.
pub fn wilcoxon(differences: impl IntoIterator<Item = f64>) -> Wilcoxon {
    let all: Vec<f64> = differences.into_iter().filter(|difference| !difference.is_nan()).collect();
    let mut signed: Vec<f64> = all.iter().copied().filter(|&difference| difference != 0.0).collect();
    let n = signed.len();
    if n == 0 {
        return Wilcoxon { n, statistic: f64::NAN, p: f64::NAN };
    }
    signed.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let (mut plus, mut minus, mut ties) = (0.0, 0.0, 0.0);
    let mut start = 0;
    while let Some(first) = signed.get(start) {
        let size = signed[start..].iter().take_while(|other| other.abs() == first.abs()).count();
        // Equal differences share the mean of their ranks.
        let rank = start as f64 + (size as f64 + 1.0) / 2.0;
        for difference in &signed[start..start + size] {
            if *difference > 0.0 {
                plus += rank;
            } else {
                minus += rank;
            }
        }
        ties += (size * size * size - size) as f64;
        start += size;
    }
    let statistic = f64::min(plus, minus);
    let p = if n <= EXACT_PAIRS && ties == 0.0 && n == all.len() {
        exact_p(n, statistic)
    } else {
        let count = n as f64;
        let mean = count * (count + 1.0) / 4.0;
        let variance = count * (count + 1.0) * (2.0 * count + 1.0) / 24.0 - ties / 48.0;
        2.0 * Normal::standard().cdf((statistic - mean) / variance.sqrt())
    };
    Wilcoxon { n, statistic, p: p.min(1.0) }
}

/// Twice the share of the 2^n ways to sign the ranks whose sum is not above `statistic`.
fn exact_p(n: usize, statistic: f64) -> f64 {
    let mut ways = vec![0.0; n * (n + 1) / 2 + 1];
    ways[0] = 1.0;
    for rank in 1..=n {
        for sum in (rank..ways.len()).rev() {
            ways[sum] += ways[sum - rank];
        }
    }
    let below: f64 = ways.iter().take(statistic as usize + 1).sum();
    2.0 * below / 2f64.powi(n as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_as_numpy() {
        // numpy: mean, std(ddof=1), percentile 0, 25, 50, 75, 100 of [3, 1, 4, 1, 5, 9, 2, 6].
        let found = Summary::of([3.0, 1.0, f64::NAN, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]);
        assert_eq!((found.n, found.mean), (8, 3.875));
        assert!((found.sd - 2.748_376_143_938_713_4).abs() < 1e-12);
        assert_eq!((found.min, found.q1, found.median, found.q3, found.max), (1.0, 1.75, 3.5, 5.25, 9.0));
        let none = Summary::of([f64::NAN]);
        assert!(none.n == 0 && none.mean.is_nan() && none.median.is_nan());
        let one = Summary::of([2.0]);
        assert!(one.mean == 2.0 && one.sd.is_nan() && one.q3 == 2.0);
    }

    /// Figures of scipy 1.17's `wilcoxon`, exact where there are neither ties nor zeros.
    #[test]
    fn wilcoxon_as_scipy() {
        for (differences, statistic, p) in [
            (&[0.5, -0.25, 1.0, 2.0, 0.125, -0.75][..], 6.0, 0.4375),
            (&[1.0, 1.0, -1.0, 2.0, 3.0, -2.0, 0.0, 4.0][..], 6.5, 0.20082512269514552),
            (&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0][..], 0.0, 0.001953125),
            (&[-3.0, -2.0, -1.0, 0.0, 0.0, 1.0][..], 1.5, 0.1974660733580187),
            (
                &[
                    0.646, 1.122, 0.63, -1.003, 1.205, 0.746, -0.237, 0.881, 0.665, 0.594, 0.328, 0.847,
                    -0.436, 0.137, -0.182, 0.899, 0.34, 0.008, -0.482, 0.043, 0.308, 0.024, 1.594, 1.307,
                    -2.411, -1.589, 0.125, -0.122, 0.514, 0.517, 2.418, -0.812, -0.078, 2.343, 0.947, 0.963,
                    -0.214, -1.348, 0.467, 0.409, -0.927, -0.383, 0.228, -0.645, 0.202, 0.395, 0.336, -0.206,
                    0.894, 1.191, 0.621, -0.518, 1.032, -0.201, 1.179, -0.772, 1.214, 0.28, -0.949, -0.014,
                ][..],
                585.0,
                0.015126799117971637,
            ),
        ] {
            let found = wilcoxon(differences.iter().copied());
            assert_eq!(found.statistic, statistic, "{differences:?}");
            assert!((found.p - p).abs() < 1e-9, "{differences:?}: {} {p}", found.p);
        }
        assert!(wilcoxon([0.0, 0.0]).p.is_nan());
    }
}
