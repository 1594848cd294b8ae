//! Which slices are computed together.

use std::ops::Range;
use tch::Device;

/// Divides slices into waves of chunks; the chunks of a wave are computed at the same time.
#[derive(Debug)]
pub struct Plan {
    /// Most slices of a chunk.
    chunk: usize,
    /// Most chunks of a wave.
    lanes: usize,
}

impl Plan {
    /// On the CPU there is a lane for each thread: threads that compute slices of their own never wait for each other,
    /// and their activations stay in their own caches. A GPU is one lane.
    pub fn new(device: Device, chunk: usize, threads: usize) -> Self {
        Plan { chunk: chunk.max(1), lanes: if device == Device::Cpu { threads.max(1) } else { 1 } }
    }

    /// The chunks to compute next of the slices that are left; of about the same size each, so that no lane waits long.
    pub fn next_wave(&self, left: Range<usize>) -> Vec<Range<usize>> {
        let lanes = self.lanes.min(left.len()).max(1);
        // As many waves as it takes, of even size.
        let waves = left.len().div_ceil(lanes * self.chunk).max(1);
        let wave = left.len().div_ceil(waves);
        let (size, larger) = (wave / lanes, wave % lanes);
        let mut start = left.start;
        (0..lanes)
            .map(|lane| {
                let range = start..start + size + usize::from(lane < larger);
                start = range.end;
                range
            })
            .filter(|range| !range.is_empty())
            .collect()
    }

    /// Asks for less memory from now on; false when a wave is one slice already.
    pub fn shrink(&mut self) -> bool {
        if self.chunk > 1 {
            self.chunk /= 2;
        } else if self.lanes > 1 {
            self.lanes /= 2;
        } else {
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All waves of a number of slices.
    fn waves(plan: &Plan, slices: usize) -> Vec<Vec<Range<usize>>> {
        let (mut next, mut waves) = (0, Vec::new());
        while next < slices {
            let wave = plan.next_wave(next..slices);
            next = wave.last().unwrap().end;
            waves.push(wave);
        }
        waves
    }

    #[test]
    fn every_slice_is_computed_once_in_chunks_of_even_size() {
        for (lanes, chunk) in [(1, 1), (1, 32), (2, 5), (3, 4), (64, 5)] {
            let plan = Plan { chunk, lanes };
            for slices in 1..70 {
                let waves = waves(&plan, slices);
                let all: Vec<usize> = waves.iter().flatten().cloned().flatten().collect();
                assert!(all.into_iter().eq(0..slices), "{lanes} lanes of {chunk}: {slices} slices");
                assert!(waves.iter().all(|wave| wave.len() <= lanes));
                let sizes: Vec<usize> = waves.iter().flatten().map(Range::len).collect();
                assert!(sizes.iter().all(|&size| (1..=chunk).contains(&size)), "{sizes:?}");
                assert!(waves.len() == slices.div_ceil(lanes * chunk));
            }
        }
    }

    #[test]
    fn ten_slices_are_one_wave_of_two_threads() {
        assert_eq!(waves(&Plan::new(Device::Cpu, 5, 2), 10), [[0..5, 5..10]]);
    }

    #[test]
    fn a_gpu_computes_one_chunk_after_the_other() {
        let chunks: Vec<_> = waves(&Plan::new(Device::Cuda(0), 32, 16), 40).concat();
        assert_eq!(chunks, [0..20, 20..40]);
    }

    #[test]
    fn less_memory_ends_with_one_slice() {
        let mut plan = Plan { chunk: 5, lanes: 3 };
        let mut steps = 0;
        while plan.shrink() {
            steps += 1;
        }
        assert_eq!((plan.chunk, plan.lanes, steps), (1, 1, 3));
    }
}
