//! A handle to a thread pool.
//!
//! A result is split between threads, but a sum never is: each task computes its part
//! of the result completely, so the bits do not depend on the number of threads.

use std::fmt;
use std::sync::Arc;

use crate::native::{self, Pool};

/// Maximum number of chunks of a slice.
const MAX_CHUNKS: usize = 16;

/// A thread pool, shared by all clones of the handle.
///
/// The worker threads stop when the last clone is dropped.
#[derive(Clone)]
pub struct Threads {
    count: usize,
    pool: Option<Arc<Pool>>,
}

impl Threads {
    /// Creates a pool of `count` threads, including the calling one; 0 counts as 1.
    pub fn new(count: usize) -> Self {
        let count = count.max(1);
        Self {
            count,
            pool: (count > 1).then(|| Arc::new(Pool::new(count))),
        }
    }

    /// Creates a handle that runs all work in the calling thread.
    pub fn single() -> Self {
        Self::new(1)
    }

    /// Creates a pool with one thread per available processor.
    pub fn all() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Number of threads, including the calling one.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Calls `work(index, item)` for every item in parallel, in any order, and
    /// returns when all calls have returned.
    ///
    /// # Panics
    /// Panics if `work` panics.
    ///
    /// ```
    /// use nn_tensor::Threads;
    ///
    /// let mut squares = [0, 1, 2, 3];
    /// Threads::new(2).for_each(&mut squares, |_, x| *x *= *x);
    /// assert_eq!(squares, [0, 1, 4, 9]);
    /// ```
    pub fn for_each<T: Send>(&self, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
        match &self.pool {
            Some(pool) => native::for_each(pool, items, work),
            None => items
                .iter_mut()
                .enumerate()
                .for_each(|(index, item)| work(index, item)),
        }
    }

    /// Splits `values` into chunks of about `min_len` elements or more and calls
    /// `work(start, chunk)` for each in parallel.
    ///
    /// Every chunk except the last has a length that is a multiple of `unit`. A slice of at
    /// most `min_len` elements is one chunk.
    ///
    /// # Panics
    /// Panics if `unit` is 0 or `work` panics.
    ///
    /// ```
    /// use nn_tensor::Threads;
    ///
    /// let mut values = [0; 10];
    /// Threads::new(2).for_each_chunk(&mut values, 2, 4, |start, chunk| {
    ///     (start..).zip(chunk).for_each(|(index, value)| *value = index);
    /// });
    /// assert_eq!(values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    /// ```
    #[inline]
    pub fn for_each_chunk<T: Send>(
        &self,
        values: &mut [T],
        unit: usize,
        min_len: usize,
        work: impl Fn(usize, &mut [T]) + Sync,
    ) {
        if self.pool.is_none() || values.len() <= min_len {
            return work(0, values);
        }
        self.for_each_of_chunks(values, unit, min_len, work);
    }

    #[inline(never)]
    fn for_each_of_chunks<T: Send>(
        &self,
        values: &mut [T],
        unit: usize,
        min_len: usize,
        work: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let n_chunks = values.len().div_ceil(min_len.max(1)).min(MAX_CHUNKS);
        // The same number of chunks per thread.
        let n_chunks = n_chunks - n_chunks % self.count.min(n_chunks);
        let len = values.len().div_ceil(n_chunks).next_multiple_of(unit);
        let mut chunks: [&mut [T]; MAX_CHUNKS] = Default::default();
        let mut n_chunks = 0;
        for (slot, values) in chunks.iter_mut().zip(values.chunks_mut(len)) {
            *slot = values;
            n_chunks += 1;
        }
        self.for_each(&mut chunks[..n_chunks], |index, values| {
            work(index * len, values);
        });
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::single()
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Threads")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_item_is_visited_once() {
        for count in [1, 2, 3, 8] {
            let threads = Threads::new(count);
            for n_items in [0, 1, 2, 7, 1000] {
                let mut visits = vec![0; n_items];
                threads.for_each(&mut visits, |_, visits| *visits += 1);
                assert!(visits.iter().all(|&visits| visits == 1), "{count} threads");
            }
        }
    }

    #[test]
    fn jobs_inside_jobs_and_from_several_threads_work() {
        let threads = Threads::new(2);
        let total = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    threads.for_each(&mut [0; 10], |_, _| {
                        threads.for_each(&mut [0; 10], |_, _| {
                            total.fetch_add(1, Ordering::Relaxed);
                        });
                    });
                });
            }
        });
        assert_eq!(total.into_inner(), 400);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let threads = Threads::new(3);
        for _ in 0..20 {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                threads.for_each(&mut [0; 64], |index, _| assert_ne!(index, 17));
            }));
            assert!(outcome.is_err());
        }
        let mut items = [1; 64];
        threads.for_each(&mut items, |_, item| *item += 1);
        assert_eq!(items, [2; 64]);
    }

    #[test]
    fn idle_workers_wake_up() {
        let threads = Threads::new(2);
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let mut items = [0; 8];
            threads.for_each(&mut items, |index, item| *item = index);
            assert_eq!(items, [0, 1, 2, 3, 4, 5, 6, 7]);
        }
    }
}
