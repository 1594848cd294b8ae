//! Work for a GPU that comes again and again.

use super::cuda_graph::{Graph, GraphMemory, empty_cuda_cache};
use super::log;
use crate::error::Result;
use std::collections::HashMap;
use std::hash::Hash;
use std::thread::ThreadId;
use tch::Tensor;

/// More kinds of the same work than this are not recorded; recordings take memory.
const MOST_RECORDINGS: usize = 12;

/// Does work that is a function of some tensors, as one recording where it comes again.
///
/// Work comes in kinds: that of one kind does the same operations on tensors of the same shapes, and nothing on the host
/// that matters. It is done as it is the first times, then recorded, and repeated from then on.
#[derive(Debug)]
pub struct Repeated<K, R> {
    /// How often work is done as it is.
    first: u32,
    kinds: HashMap<(K, Vec<Vec<i64>>), State<R>>,
}

/// What is there of one kind of work.
#[derive(Debug)]
enum State<R> {
    /// It was done so often, the last time by this thread.
    Seen(u32, ThreadId),
    Recorded(Recorded<R>),
    /// It cannot be recorded.
    Refused,
}

#[derive(Debug)]
struct Recorded<R> {
    graph: Graph,
    /// What the recorded work reads.
    inputs: Vec<Tensor>,
    /// What it writes.
    results: R,
}

/// Tensors that lie where recorded work leaves its results.
pub trait Results: Sized {
    /// The same tensors.
    ///
    /// # Errors
    /// What libtorch reports.
    fn share(&self) -> Result<Self>;
}

impl<K: Eq + Hash, R: Results> Repeated<K, R> {
    /// Work is recorded when it was done `first` times, once at least, by the thread that does it: what CUDA's libraries
    /// prepare at their first use cannot be recorded.
    pub fn after(first: u32) -> Self {
        Repeated { first: first.max(1), kinds: HashMap::new() }
    }

    /// Does work of `kind` with `inputs`. The results hold until other work with the same
    /// `memory`, of this kind or another, is done.
    ///
    /// # Errors
    /// What `work` returns.
    pub fn run(
        &mut self,
        memory: &GraphMemory,
        kind: K,
        inputs: &[&Tensor],
        work: impl Fn(&[&Tensor]) -> Result<R>,
    ) -> Result<R> {
        let key = (kind, inputs.iter().map(|input| input.size()).collect());
        let full = self.kinds.len() >= MOST_RECORDINGS;
        let here = std::thread::current().id();
        match self.kinds.get_mut(&key) {
            None if full => {}
            None => {
                let result = work(inputs)?;
                self.kinds.insert(key, State::Seen(1, here));
                return Ok(result);
            }
            Some(State::Refused) => {}
            Some(State::Recorded(recorded)) => return recorded.repeat(inputs),
            // CUDA's libraries prepare for each thread anew.
            Some(State::Seen(times, thread)) if *times < self.first || *thread != here => {
                *times += 1;
                *thread = here;
            }
            Some(state @ State::Seen(..)) => match Recorded::new(memory, inputs, &work) {
                Ok(recorded) => {
                    let result = recorded.repeat(inputs);
                    *state = State::Recorded(recorded);
                    return result;
                }
                Err(error) => {
                    log::warning(&format!("going on without a CUDA graph: {error}"));
                    *state = State::Refused;
                }
            },
        }
        work(inputs)
    }
}

impl<R: Results> Recorded<R> {
    fn new(memory: &GraphMemory, inputs: &[&Tensor], work: impl Fn(&[&Tensor]) -> Result<R>) -> Result<Self> {
        // What the work took when it was done as it is would lie idle beside the recording's own memory.
        empty_cuda_cache()?;
        let inputs: Vec<Tensor> =
            inputs.iter().map(|input| Ok(input.f_detach()?.f_empty_like()?)).collect::<Result<_>>()?;
        let borrowed: Vec<&Tensor> = inputs.iter().collect();
        let (graph, results) = Graph::record(memory, || work(&borrowed))?;
        Ok(Recorded { graph, inputs, results })
    }

    fn repeat(&self, inputs: &[&Tensor]) -> Result<R> {
        let _guard = tch::no_grad_guard();
        for (own, input) in self.inputs.iter().zip(inputs) {
            own.shallow_clone().f_copy_(input)?;
        }
        self.graph.run()?;
        self.results.share()
    }
}
