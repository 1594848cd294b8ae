//! Initial weights (METHOD §1), drawn from the run's own stream so that a seed gives the same networks
//! on every machine.

use super::parameters::{Parameter, ParameterKind};
use super::precision::SharedPrecision;
use crate::error::Result;
use crate::memory;
use crate::random::{self, Purpose};
use rand::Rng;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tch::{Device, Kind, Tensor};

/// Creates tensors in the order of the layers and records them under their names.
pub struct Initialiser {
    rng: ChaCha8Rng,
    device: Device,
    prefix: Vec<String>,
    /// Everything created so far.
    pub parameters: Vec<Parameter>,
    /// For every part with batch normalisation, whether it is frozen; shared with its layers.
    pub frozen: BTreeMap<String, Arc<AtomicBool>>,
    /// What all layers compute in.
    pub precision: SharedPrecision,
}

impl Initialiser {
    /// Starts the stream of `seed`; tensors are created on `device`.
    pub fn new(seed: u64, device: Device) -> Self {
        Initialiser {
            rng: random::stream(seed, Purpose::Initialisation, [0; 3]),
            device,
            prefix: Vec::new(),
            parameters: Vec::new(),
            frozen: BTreeMap::new(),
            precision: SharedPrecision::default(),
        }
    }

    /// Runs `build` with `name` added to the path of every tensor that it creates.
    pub fn within<T>(&mut self, name: &str, build: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.prefix.push(name.to_owned());
        let built = build(self);
        self.prefix.pop();
        built
    }

    /// Kaiming-normal with gain √2: N(0, 2 / fan-in).
    pub fn kaiming_normal(&mut self, name: &str, shape: &[i64], fan_in: i64) -> Result<Tensor> {
        self.normal(name, shape, 0.0, (2.0 / fan_in as f64).sqrt())
    }

    /// Normal with the given mean and standard deviation.
    pub fn normal(&mut self, name: &str, shape: &[i64], mean: f64, deviation: f64) -> Result<Tensor> {
        let distribution = Normal::new(mean as f32, deviation as f32)
            .map_err(|error| crate::error::Error::Internal(format!("initial weights of {name}: {error}")))?;
        let values = draw(name, shape, &mut self.rng, |rng| distribution.sample(rng))?;
        self.weight(name, shape, &values)
    }

    /// The framework's default for biases and transposed convolutions: U(−1/√fan-in, 1/√fan-in).
    pub fn uniform(&mut self, name: &str, shape: &[i64], fan_in: i64) -> Result<Tensor> {
        let bound = 1.0 / (fan_in as f32).sqrt();
        let values = draw(name, shape, &mut self.rng, |rng| rng.random_range(-bound..bound))?;
        self.weight(name, shape, &values)
    }

    /// A trained tensor that starts at zero.
    pub fn zeros(&mut self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let values = draw(name, shape, &mut self.rng, |_| 0.0)?;
        self.weight(name, shape, &values)
    }

    /// The flag that tells the layers of the current part that it is frozen.
    pub fn frozen_flag(&mut self) -> Arc<AtomicBool> {
        self.frozen.entry(self.prefix.first().cloned().unwrap_or_default()).or_default().clone()
    }

    /// A tensor that batch normalisation keeps.
    pub fn buffer(&mut self, name: &str, tensor: Tensor) -> Result<Tensor> {
        let tensor = tensor.f_to_device(self.device)?;
        self.record(name, &tensor, ParameterKind::Buffer);
        Ok(tensor)
    }

    fn weight(&mut self, name: &str, shape: &[i64], values: &[f32]) -> Result<Tensor> {
        let tensor = Tensor::f_from_slice(values)?.f_reshape(shape)?.f_to_device(self.device)?;
        debug_assert_eq!(tensor.kind(), Kind::Float);
        let tensor = tensor.f_set_requires_grad(true)?;
        self.record(name, &tensor, ParameterKind::Weight);
        Ok(tensor)
    }

    fn record(&mut self, name: &str, tensor: &Tensor, kind: ParameterKind) {
        let mut path = self.prefix.join(".");
        path.push('.');
        path.push_str(name);
        self.parameters.push(Parameter { name: path, tensor: tensor.shallow_clone(), kind });
    }
}

fn draw<R: Rng>(
    name: &str,
    shape: &[i64],
    rng: &mut R,
    mut one: impl FnMut(&mut R) -> f32,
) -> Result<Vec<f32>> {
    let count = shape.iter().product::<i64>().max(0) as usize;
    let mut values = memory::reserve(count, name)?;
    values.extend((0..count).map(|_| one(rng)));
    Ok(values)
}
