//! Batches prepared on other threads while the networks train.

use super::slices::{SliceBatch, TrainingSlices};
use crate::error::{Error, Result};
use crate::exit::{self, AtWork};
use crate::fork::forks;
use crate::parallel;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

/// Prepares the batches of one epoch after the other, a few ahead of the step that takes them.
#[derive(Debug)]
pub struct Feeder {
    batches: Option<Receiver<Result<SliceBatch>>>,
    thread: Option<JoinHandle<()>>,
    /// Epoch and step of the next batch.
    position: (u64, usize),
    steps_per_epoch: usize,
    /// At the start: in a process that was forked since, the threads are not there.
    forks: usize,
}

impl Feeder {
    /// Starts with step `step` of epoch `epoch`, both from 0. Batches are prepared by `threads` threads.
    pub fn start(
        slices: &Arc<TrainingSlices>,
        threads: usize,
        ahead: usize,
        (epoch, step): (u64, usize),
    ) -> Result<Self> {
        let pool = parallel::start(threads, "loader")?;
        let (sender, batches) = mpsc::sync_channel(ahead);
        let steps_per_epoch = slices.steps_per_epoch();
        let slices = slices.clone();
        let feed = move || {
            let mut first = step;
            for epoch in epoch.. {
                let steps = slices.steps_of_epoch(epoch);
                for indices in steps.iter().skip(first) {
                    let at_work = AtWork::begin();
                    if exit::unless_ending().is_err() {
                        return;
                    }
                    let batch = pool.install(|| slices.assemble(epoch, indices));
                    drop(at_work);
                    let failed = batch.is_err();
                    // The receiver is gone when nobody needs more batches.
                    if sender.send(batch).is_err() || failed {
                        return;
                    }
                }
                first = 0;
            }
        };
        let thread = std::thread::Builder::new()
            .name("coopseg-feeder".to_owned())
            .spawn(feed)
            .map_err(|error| Error::OutOfMemory(format!("cannot start the loader threads: {error}")))?;
        Ok(Feeder {
            batches: Some(batches),
            thread: Some(thread),
            position: (epoch, step),
            steps_per_epoch,
            forks: forks(),
        })
    }

    /// Whether the next batch is the one of this epoch and step, and somebody prepares it.
    pub fn is_at(&self, epoch: u64, step: usize) -> bool {
        self.position == (epoch, step) && self.forks == forks()
    }

    /// The next batch; waits until it is prepared.
    pub fn next(&mut self) -> Result<SliceBatch> {
        let received = self.batches.as_ref().and_then(|batches| batches.recv().ok());
        let batch = received.ok_or_else(|| exit::stopped("the loader threads ended before training did"))?;
        let (epoch, step) = self.position;
        self.position = if step + 1 == self.steps_per_epoch { (epoch + 1, 0) } else { (epoch, step + 1) };
        batch
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        if self.forks != forks() {
            std::mem::forget((self.batches.take(), self.thread.take()));
            return;
        }
        // Closing the channel ends the thread after the batch that it is preparing.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
