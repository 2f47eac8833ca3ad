//! Runs a function on many items with several threads.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread;

/// Number of threads that run at the same time. It is determined once, because the standard
/// library reads several system files each time.
pub(crate) fn n_threads() -> usize {
    static N_THREADS: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, NonZero::get));
    *N_THREADS
}

/// Calls `f` for each item, and returns the results in order.
pub(crate) fn map<T: Send, R: Send>(mut items: Vec<T>, f: impl Fn(T) -> R + Sync) -> Vec<R> {
    let per_thread = items.len().div_ceil(n_threads()).max(1);
    if items.len() <= per_thread {
        return items.into_iter().map(f).collect();
    }
    let mut chunks = Vec::new();
    while items.len() > per_thread {
        let rest = items.split_off(per_thread);
        chunks.push(std::mem::replace(&mut items, rest));
    }
    chunks.push(items);
    let f = &f;
    thread::scope(|scope| {
        let start = |chunk: Vec<T>| scope.spawn(move || chunk.into_iter().map(f).collect());
        let threads: Vec<_> = chunks.into_iter().map(start).collect();
        threads
            .into_iter()
            .flat_map(|thread| -> Vec<R> {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        for n in [0, 1, 2, 3, 10, 101] {
            let expected: Vec<u64> = (0..n).map(|i| i * i).collect();
            assert_eq!(map((0..n).collect(), |i: u64| i * i), expected);
        }
    }
}
