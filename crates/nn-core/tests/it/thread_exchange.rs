//! Threads of this program in place of processes.

use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use nn_core::{Exchange, Result, Scalar};

/// The time after which a missing process fails the test.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What all processes of a group share.
#[derive(Debug)]
struct Group<S> {
    n_processes: usize,
    values: Mutex<Vec<Vec<S>>>,
    bytes: Mutex<Vec<Vec<u8>>>,
    /// The number of processes that wait, and the number of meetings so far.
    waiting: Mutex<(usize, u64)>,
    all_arrived: Condvar,
}

/// One process of a group.
#[derive(Debug)]
pub(crate) struct ThreadExchange<S> {
    rank: usize,
    group: Arc<Group<S>>,
}

impl<S> ThreadExchange<S> {
    fn wait(&self) {
        let mut state = self.group.waiting.lock().expect("no process panicked");
        let meeting = state.1;
        state.0 += 1;
        if state.0 == self.group.n_processes {
            *state = (0, meeting + 1);
            self.group.all_arrived.notify_all();
            return;
        }
        let all_arrived = &self.group.all_arrived;
        let is_waiting = |state: &mut (usize, u64)| state.1 == meeting;
        let (_state, outcome) = all_arrived
            .wait_timeout_while(state, TIMEOUT, is_waiting)
            .expect("no process panicked");
        assert!(!outcome.timed_out(), "process {} waits", self.rank);
    }

    fn gather<T: Clone>(&self, shared: &Mutex<Vec<Vec<T>>>, own: &mut [T], bounds: &[usize]) {
        assert_eq!(bounds.len(), self.group.n_processes + 1);
        assert_eq!((bounds[0], bounds[bounds.len() - 1]), (0, own.len()));
        let part = own[bounds[self.rank]..bounds[self.rank + 1]].to_vec();
        shared.lock().expect("no process panicked")[self.rank] = part;
        self.wait();
        let parts = shared.lock().expect("no process panicked").clone();
        for (part, bounds) in parts.iter().zip(bounds.windows(2)) {
            own[bounds[0]..bounds[1]].clone_from_slice(part);
        }
        self.wait();
    }
}

impl<S: Scalar> Exchange<S> for ThreadExchange<S> {
    fn rank(&self) -> usize {
        self.rank
    }

    fn n_processes(&self) -> usize {
        self.group.n_processes
    }

    fn all_gather(&self, values: &mut [S], bounds: &[usize]) -> Result<()> {
        self.gather(&self.group.values, values, bounds);
        Ok(())
    }

    fn all_gather_bytes(&self, bytes: &mut [u8], bounds: &[usize]) -> Result<()> {
        self.gather(&self.group.bytes, bytes, bounds);
        Ok(())
    }
}

/// Runs `process` in each of `n_processes` threads, and returns the results in order.
pub(crate) fn run<S: Scalar, T: Send>(
    n_processes: usize,
    process: impl Fn(usize, Arc<dyn Exchange<S>>) -> T + Sync,
) -> Vec<T> {
    let group = Arc::new(Group {
        n_processes,
        values: Mutex::new(vec![Vec::new(); n_processes]),
        bytes: Mutex::new(vec![Vec::new(); n_processes]),
        waiting: Mutex::new((0, 0)),
        all_arrived: Condvar::new(),
    });
    thread::scope(|scope| {
        let spawn = |rank| {
            let exchange = ThreadExchange {
                rank,
                group: Arc::clone(&group),
            };
            let process = &process;
            scope.spawn(move || process(rank, Arc::new(exchange)))
        };
        let threads: Vec<_> = (0..n_processes).map(spawn).collect();
        let results = threads.into_iter().map(|thread| thread.join());
        results
            .map(|result| result.expect("no process panicked"))
            .collect()
    })
}
