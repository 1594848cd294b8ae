//! Tensors of standard normal numbers from a stream of the caller's.

use super::upload;
use crate::error::Result;
use crate::memory::reserve;
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
    let count = shape.iter().product::<i64>().max(0) as usize;
    let mut values: Vec<f32> = reserve(count, "noise of a batch")?;
    values.extend((0..count).map(|_| rng.sample::<f32, _>(StandardNormal)));
    Ok(Tensor::f_from_slice(&values)?.f_reshape(shape)?)
}
