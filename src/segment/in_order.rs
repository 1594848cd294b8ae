//! Chunks computed by several threads, their results in order.

use crate::error::{Error, Result};
use crate::exit::AtWork;
use crate::runtime::Lane;
use rayon::ThreadPool;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

/// Why not all chunks were delivered.
#[derive(Debug)]
pub enum Stop {
    /// A chunk could not be computed; those before it were delivered.
    Computing(Error),
    /// What took the results refused one.
    Delivering(Error),
}

/// Computes chunks on `lanes` threads of the pool, or on the caller's where it is one, and delivers the results on the
/// caller's thread in the order of the chunks, while later chunks are computed. The caller waits for the pool, so it must
/// not be one of its threads.
///
/// # Errors
/// The first error in the order of the chunks; then no further chunk begins.
pub fn in_order<T: Send>(
    pool: &ThreadPool,
    lanes: usize,
    chunks: &[Range<usize>],
    compute: impl Fn(Range<usize>) -> Result<T> + Sync,
    mut deliver: impl FnMut(Range<usize>, T) -> Result<()>,
) -> std::result::Result<(), Stop> {
    let threads = pool.current_num_threads();
    if lanes < 2 {
        for chunk in chunks {
            // The caller's thread has its helpers in libtorch at hand.
            let _lane = Lane::enter(threads, 1);
            let result = compute(chunk.clone()).map_err(Stop::Computing)?;
            deliver(chunk.clone(), result).map_err(Stop::Delivering)?;
        }
        return Ok(());
    }
    // No thread waits for the delivery: its next chunk lies ready, unless all threads together are more than `lanes`.
    let ahead = if lanes == threads { 2 * lanes } else { lanes };
    let stopped = AtomicBool::new(false);
    let (sender, results) = mpsc::channel();
    pool.in_place_scope_fifo(|scope| {
        let begin = |index: usize| {
            let Some(chunk) = chunks.get(index).cloned() else { return };
            let (sender, compute, stopped) = (sender.clone(), &compute, &stopped);
            scope.spawn_fifo(move |_| {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                // The caller may be in a callback meanwhile, and end the process there.
                let _at_work = AtWork::begin();
                let _lane = Lane::enter(threads, lanes);
                // A panic goes on where the results are awaited.
                let result = catch_unwind(AssertUnwindSafe(|| compute(chunk)));
                let _ = sender.send((index, result));
            });
        };
        (0..ahead).for_each(&begin);
        let mut early = BTreeMap::new();
        let delivered = chunks.iter().enumerate().try_for_each(|(position, chunk)| {
            while !early.contains_key(&position) {
                // Senders are never all gone: one is here.
                if let Ok((index, result)) = results.recv() {
                    early.insert(index, result);
                }
            }
            match early.remove(&position) {
                Some(Ok(result)) => {
                    let result = result.map_err(Stop::Computing)?;
                    begin(position + ahead);
                    deliver(chunk.clone(), result).map_err(Stop::Delivering)
                }
                Some(Err(panic)) => resume_unwind(panic),
                None => Ok(()),
            }
        });
        stopped.store(true, Ordering::Relaxed);
        delivered
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    fn pool() -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap()
    }

    fn chunks(count: usize) -> Vec<Range<usize>> {
        (0..count).map(|index| 10 * index..10 * index + 10).collect()
    }

    /// Later chunks are ready first.
    fn slow_first(chunk: &Range<usize>) {
        std::thread::sleep(Duration::from_millis((7 * chunk.start as u64 / 10) % 11));
    }

    #[test]
    fn results_come_in_order_on_the_callers_thread() {
        let caller = std::thread::current().id();
        for lanes in [1, 2, 3, 4] {
            let running = AtomicUsize::new(0);
            let mut heard = Vec::new();
            let compute = |chunk: Range<usize>| {
                assert!(running.fetch_add(1, Ordering::SeqCst) < lanes);
                slow_first(&chunk);
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(chunk.start)
            };
            in_order(&pool(), lanes, &chunks(30), compute, |chunk, start| {
                assert_eq!((chunk.start, std::thread::current().id()), (start, caller));
                heard.push(chunk);
                Ok(())
            })
            .unwrap();
            assert_eq!(heard, chunks(30));
        }
    }

    #[test]
    fn what_precedes_a_failure_is_delivered_and_what_follows_is_not_begun() {
        for lanes in [1, 4] {
            let begun = AtomicUsize::new(0);
            let compute = |chunk: Range<usize>| {
                begun.fetch_add(1, Ordering::SeqCst);
                slow_first(&chunk);
                if chunk.start == 120 { Err(Error::OutOfMemory("all gone".into())) } else { Ok(()) }
            };
            let mut delivered = 0;
            let stop = in_order(&pool(), lanes, &chunks(500), compute, |_, ()| {
                delivered += 1;
                Ok(())
            });
            assert!(matches!(stop, Err(Stop::Computing(Error::OutOfMemory(_)))), "{stop:?}");
            assert_eq!(delivered, 12);
            assert!(begun.into_inner() <= 12 + 2 * lanes);
        }
    }

    #[test]
    fn a_refused_result_ends_it() {
        let refuse =
            |chunk: Range<usize>, _: ()| if chunk.start == 30 { Err(Error::Cancelled) } else { Ok(()) };
        let stop = in_order(&pool(), 4, &chunks(50), |_| Ok(()), refuse);
        assert!(matches!(stop, Err(Stop::Delivering(Error::Cancelled))), "{stop:?}");
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let compute = |chunk: Range<usize>| if chunk.start == 50 { panic!("at fifty") } else { Ok(()) };
        let caught =
            catch_unwind(AssertUnwindSafe(|| in_order(&pool(), 4, &chunks(20), compute, |_, ()| Ok(()))));
        assert_eq!(caught.unwrap_err().downcast_ref::<&str>(), Some(&"at fifty"));
    }

    /// What takes the results may itself need the pool.
    #[test]
    fn deliveries_may_nest() {
        let pool = pool();
        let mut sum = 0;
        in_order(&pool, 4, &chunks(12), Ok, |outer, _| {
            in_order(&pool, 4, &chunks(3), Ok, |inner, _| {
                sum += outer.start * inner.start;
                Ok(())
            })
            .map_err(|_| Error::Cancelled)
        })
        .unwrap();
        assert_eq!(sum, 660 * 30);
    }
}
