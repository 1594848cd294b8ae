//! Tensors of standard normal numbers from a stream of the caller's.

use super::upload;
use crate::error::Result;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use tch::Tensor;

/// Standard normal numbers of a tensor's shape on its device. They are drawn on the host, so that all devices get the
/// same.
///
/// # Errors
/// `OutOfMemory`; what CUDA reports.
pub fn normal_like(like: &Tensor, rng: &mut impl Rng) -> Result<Tensor> {
    upload(&normal(&like.size(), rng)?, like.device())
}

/// The same in the host's memory.
///
/// # Errors
/// `OutOfMemory`.
pub fn normal(shape: &[i64], rng: &mut impl Rng) -> Result<Tensor> {
    let count = shape.iter().product::<i64>().max(0);
    let values: Vec<f32> = (0..count).map(|_| rng.sample(StandardNormal)).collect();
    Ok(Tensor::f_from_slice(&values)?.f_reshape(shape)?)
}
