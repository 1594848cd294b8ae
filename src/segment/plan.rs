//! Which slices are computed together.

use std::ops::Range;

const LANES_OF_A_GPU: usize = 2;

/// Divides slices into chunks, some of which are computed at the same time.
#[derive(Debug)]
pub struct Plan {
    /// Most slices of a chunk.
    chunk: usize,
    /// Most chunks at the same time.
    lanes: usize,
    /// Whether every lane gets as many chunks.
    even: bool,
}

impl Plan {
    /// For the CPU, with a lane for each thread: threads that compute slices of their own never wait for each other, and
    /// their activations stay in their own caches.
    pub fn new(chunk: usize, threads: usize) -> Self {
        Plan { chunk: chunk.max(1), lanes: threads.max(1), even: true }
    }

    /// For a GPU, which computes a chunk while another's results are fetched, and more slices at once sooner than as many
    /// in two chunks.
    pub fn for_gpu(chunk: usize, threads: usize) -> Self {
        Plan { chunk: chunk.max(1), lanes: threads.clamp(1, LANES_OF_A_GPU), even: false }
    }

    /// The chunks of the slices that are left, of about the same size each; on the CPU the same number for every lane, so
    /// that no lane waits long at the end.
    pub fn chunks(&self, left: Range<usize>) -> Vec<Range<usize>> {
        let slices = left.len();
        let count = slices.div_ceil(self.chunk);
        let count = if self.even { count.next_multiple_of(self.lanes).min(slices) } else { count };
        let mut start = left.start;
        (0..count)
            .map(|index| {
                let range = start..start + slices / count + usize::from(index < slices % count);
                start = range.end;
                range
            })
            .collect()
    }

    /// How many of so many chunks are computed at the same time.
    pub fn lanes(&self, chunks: usize) -> usize {
        self.lanes.min(chunks)
    }

    /// Asks for less memory from now on; false when it is one slice at a time already.
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

    #[test]
    fn every_slice_is_computed_once_in_chunks_of_even_size() {
        for (lanes, chunk) in [(1, 1), (1, 32), (2, 5), (3, 4), (64, 5)] {
            let plan = Plan::new(chunk, lanes);
            for slices in 0..70 {
                let chunks = plan.chunks(7..7 + slices);
                let all: Vec<usize> = chunks.iter().cloned().flatten().collect();
                assert!(all.into_iter().eq(7..7 + slices), "{lanes} lanes of {chunk}: {slices} slices");
                let sizes: Vec<usize> = chunks.iter().map(Range::len).collect();
                assert!(sizes.iter().all(|&size| (1..=chunk).contains(&size)), "{sizes:?}");
                assert!(
                    sizes.iter().max().unwrap_or(&0) - sizes.iter().min().unwrap_or(&0) <= 1,
                    "{sizes:?}"
                );
                assert!(chunks.len() == slices || chunks.len().is_multiple_of(lanes), "{sizes:?}");
            }
        }
    }

    #[test]
    fn two_threads_share_ten_slices_evenly() {
        let sizes: Vec<_> = Plan::new(2, 2).chunks(0..10).iter().map(Range::len).collect();
        assert_eq!(sizes, [2, 2, 2, 2, 1, 1]);
    }

    #[test]
    fn a_gpu_computes_as_much_at_once_as_it_may() {
        let plan = Plan::for_gpu(32, 16);
        assert_eq!(plan.chunks(0..10).len(), 1);
        assert_eq!(plan.chunks(0..90), [0..30, 30..60, 60..90]);
        assert_eq!((plan.lanes(1), plan.lanes(3), Plan::for_gpu(32, 1).lanes(3)), (1, 2, 1));
    }

    #[test]
    fn less_memory_ends_with_one_slice() {
        let mut plan = Plan::new(5, 3);
        let mut steps = 0;
        while plan.shrink() {
            steps += 1;
        }
        assert_eq!((plan.chunk, plan.lanes, steps), (1, 1, 3));
    }
}
