//! Both networks on one batch.

use super::changed_pixels::ChangedPixels;
use crate::error::Result;
use crate::network::inference::InferenceNetwork;
use crate::runtime::{GraphMemory, OwnStream, Repeated, Results};
use std::sync::{Arc, Mutex};
use tch::{Device, Tensor};

/// Batches of more slices keep a GPU busy for longer than the host takes to ask for them.
const MOST_SLICES_RECORDED: i64 = 16;

/// Recording takes as long as some batches.
const TIMES_BEFORE_RECORDING: u32 = 3;

/// Logits of a batch of slices, N×C×h×w, and what the passes of the slow-thinking network changed.
#[derive(Debug)]
pub struct Logits {
    /// p.
    pub fast: Tensor,
    /// After the last pass.
    pub refined: Tensor,
    /// Pixels that each pass changed.
    pub changed: Vec<i64>,
}

/// p = D_s(H(E(x))), then C(softmax(p / 2)) so many times (METHOD §6).
#[derive(Debug)]
pub struct Stages {
    /// Shared with the other segmenters of the model that are made alike.
    networks: Arc<InferenceNetwork>,
    iterations: usize,
    /// On a GPU, for small batches; one thread at a time.
    recordings: Option<Mutex<Recordings>>,
}

#[derive(Debug)]
struct Recordings {
    stream: OwnStream,
    memory: GraphMemory,
    passes: Repeated<(), Passes>,
}

/// What the passes leave, some of it perhaps still to be computed.
#[derive(Debug)]
struct Passes {
    fast: Tensor,
    refined: Tensor,
    changed: Vec<ChangedPixels>,
}

impl Results for Passes {
    fn share(&self) -> Result<Self> {
        Ok(Passes {
            fast: self.fast.shallow_clone(),
            refined: self.refined.shallow_clone(),
            changed: self.changed.iter().map(ChangedPixels::share).collect(),
        })
    }
}

impl Passes {
    fn logits(self) -> Result<Logits> {
        // Asked for only now, so that a GPU never waits between two passes.
        let changed = self.changed.into_iter().map(ChangedPixels::number).collect::<Result<_>>()?;
        Ok(Logits { fast: self.fast, refined: self.refined, changed })
    }
}

impl Stages {
    /// With the networks on their device.
    ///
    /// # Errors
    /// What CUDA reports.
    pub fn new(networks: Arc<InferenceNetwork>, iterations: usize) -> Result<Self> {
        let device = networks.target().device;
        let recordings = match device {
            Device::Cuda(_) => Some(Mutex::new(Recordings {
                stream: OwnStream::new(device)?,
                memory: GraphMemory::new()?,
                passes: Repeated::after(TIMES_BEFORE_RECORDING),
            })),
            _ => None,
        };
        Ok(Stages { networks, iterations, recordings })
    }

    /// Both stages for images N×channels×h×w on the networks' device.
    ///
    /// # Errors
    /// `OutOfMemory`; what libtorch reports.
    pub fn run(&self, batch: &Tensor) -> Result<Logits> {
        let small = batch.size4()?.0 <= MOST_SLICES_RECORDED;
        // Where another thread is at the recording, this one asks for its passes one by one.
        match self.recordings.as_ref().filter(|_| small).and_then(|recordings| recordings.try_lock().ok()) {
            Some(mut recordings) => recordings.run(batch, |batch| self.passes(batch)),
            None => self.passes(batch)?.logits(),
        }
    }

    fn passes(&self, batch: &Tensor) -> Result<Passes> {
        let fast = self.networks.segment(batch)?;
        let mut refined = fast.shallow_clone();
        let mut changed = Vec::with_capacity(self.iterations);
        for _ in 0..self.iterations {
            let next = self.networks.correct(&refined)?;
            changed.push(ChangedPixels::count(&refined, &next)?);
            refined = next;
        }
        Ok(Passes { fast, refined, changed })
    }
}

impl Recordings {
    fn run(&mut self, batch: &Tensor, passes: impl Fn(&Tensor) -> Result<Passes>) -> Result<Logits> {
        let Recordings { stream, memory, passes: repeated } = self;
        let there = {
            let _visit = stream.enter()?;
            repeated.run(memory, (), &[batch], |tensors| {
                tensors.first().map_or_else(|| passes(batch), |batch| passes(batch))
            })?
        };
        // The next run overwrites them. The copies lie in memory of the calling thread's own stream.
        let copied = |logits: &Tensor| -> Result<Tensor> {
            let mut copy = logits.f_empty_like()?;
            copy.f_copy_(logits)?;
            Ok(copy)
        };
        let (fast, refined) = (copied(&there.fast)?, copied(&there.refined)?);
        // A value can be read when everything before it is done: then the next thread may begin.
        refined.f_reshape([-1])?.f_double_value(&[0])?;
        Passes { fast, refined, changed: there.changed }.logits()
    }
}
