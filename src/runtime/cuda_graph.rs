//! Work on a CUDA device that is recorded once and repeated (CUDA graphs): the host asks for it as a whole, where it would
//! ask for thousands of small operations otherwise.

use super::log;
use super::native::{self, Raw, checked};
use crate::error::{Error, Result};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::Device;

/// A stream of a device beside the one that libtorch works on otherwise. Recording needs one.
#[derive(Debug)]
pub struct OwnStream(Raw<native::CudaStream>);

// SAFETY: the C++ part keeps a device and a number in it, which nobody changes after it was made.
unsafe impl Sync for OwnStream {}

/// Streams of a device for threads that work on it at the same time.
#[derive(Debug)]
pub struct OwnStreams {
    device: Device,
    free: Mutex<Vec<OwnStream>>,
}

impl OwnStreams {
    /// For a CUDA device; none is made yet.
    pub fn new(device: Device) -> Self {
        OwnStreams { device, free: Mutex::default() }
    }

    /// One that nobody else has at the moment.
    ///
    /// # Errors
    /// What CUDA reports.
    pub fn take(&self) -> Result<OwnStream> {
        let free = self.lock().pop();
        free.map_or_else(|| OwnStream::new(self.device), Ok)
    }

    /// The next may have it.
    pub fn give_back(&self, stream: OwnStream) {
        self.lock().push(stream);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OwnStream>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives, the thread's work goes to another stream. Each stream waits for the other at the change.
#[derive(Debug)]
pub struct Visit<'a> {
    raw: *mut native::CudaVisit,
    _stream: &'a OwnStream,
}

impl OwnStream {
    /// A stream of `device`, which is a CUDA device.
    ///
    /// # Errors
    /// `Internal` for the CPU; what CUDA reports.
    pub fn new(device: Device) -> Result<Self> {
        let Device::Cuda(index) = device else {
            return Err(Error::Internal(format!("a stream of {device:?}")));
        };
        // SAFETY: the pointer may be written.
        Raw::made(|out, message| unsafe {
            native::coopseg_native_cuda_stream_new(index as i32, out, message)
        })
        .map(OwnStream)
    }

    /// Sends the thread's work there.
    ///
    /// # Errors
    /// What CUDA reports.
    pub fn enter(&self) -> Result<Visit<'_>> {
        let mut raw = std::ptr::null_mut();
        // SAFETY: the stream lives; the pointer may be written.
        checked(|message| unsafe { native::coopseg_native_cuda_enter(self.0.as_ptr(), &mut raw, message) })?;
        Ok(Visit { raw, _stream: self })
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `enter`, and left once.
        let left = checked(|message| unsafe { native::coopseg_native_cuda_leave(self.raw, message) });
        if let Err(error) = left {
            log::warning(&format!("a CUDA stream could not be left: {error}"));
        }
    }
}

/// Memory that the recordings of one owner share. They run one after the other, so it is no more than the largest needs.
#[derive(Debug)]
pub struct GraphMemory(Raw<native::CudaPool>);

impl GraphMemory {
    /// None is taken yet.
    ///
    /// # Errors
    /// `Libtorch` where libtorch has no CUDA graphs.
    pub fn new() -> Result<Self> {
        // SAFETY: the pointer may be written.
        Raw::made(|out, message| unsafe { native::coopseg_native_cuda_pool_new(out, message) })
            .map(GraphMemory)
    }
}

/// Recorded work.
#[derive(Debug)]
pub struct Graph(Raw<native::CudaGraph>);

impl Graph {
    /// Records what `work` asks for; nothing of it is done. The thread visits an [`OwnStream`]. What `work` returns lies in
    /// `memory` and holds values once the graph was run; the tensors that it reads stay where they are.
    ///
    /// # Errors
    /// What `work` returns; `Libtorch` for work that cannot be recorded: copies from or to the host's memory, and
    /// whatever waits for the device.
    pub fn record<T>(memory: &GraphMemory, work: impl FnOnce() -> Result<T>) -> Result<(Self, T)> {
        // A listener might free another graph, which waits for the end of this recording.
        let _held = log::Hold::begin();
        // SAFETY: the memory's handle lives; the pointer may be written.
        let graph = Raw::made(|out, message| unsafe {
            native::coopseg_native_cuda_record(memory.0.as_ptr(), out, message)
        })?;
        let recording = Recording(Some(graph));
        let result = work();
        let ended = recording.end();
        let result = result?;
        Ok((ended?, result))
    }

    /// Does the recorded work, after what the thread has asked for so far.
    ///
    /// # Errors
    /// What CUDA reports.
    pub fn run(&self) -> Result<()> {
        // SAFETY: the graph lives and was recorded to its end.
        checked(|message| unsafe { native::coopseg_native_cuda_replay(self.0.as_ptr(), message) })
    }
}

/// A recording under way, which ends whatever happens.
struct Recording(Option<Raw<native::CudaGraph>>);

impl Recording {
    fn end(mut self) -> Result<Graph> {
        let graph = self.0.take();
        let graph = graph.ok_or_else(|| Error::Internal("a recording has ended twice".to_owned()))?;
        // SAFETY: the graph lives and is being recorded.
        let ended =
            checked(|message| unsafe { native::coopseg_native_cuda_recorded(graph.as_ptr(), message) });
        match ended {
            Ok(()) => Ok(Graph(graph)),
            Err(error) => {
                // libtorch still refers to it.
                std::mem::forget(graph);
                Err(error)
            }
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if self.0.is_some() {
            // Out of a panic, which matters more.
            let _ = Recording(self.0.take()).end();
        }
    }
}

/// Gives the memory back that libtorch keeps on GPUs for tensors to come.
///
/// # Errors
/// What CUDA reports.
pub fn empty_cuda_cache() -> Result<()> {
    // SAFETY: nothing is passed on.
    checked(|message| unsafe { native::coopseg_native_cuda_empty_cache(message) })
}
