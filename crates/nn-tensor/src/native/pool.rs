//! Worker threads that stay alive between jobs.
//!
//! A training step is a few dozen products of some microseconds each, so that
//! starting threads for every product, or even waking sleeping ones, would cost
//! more than it gains. Workers spin for a moment after a job, expecting the
//! next, and only then go to sleep.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// How often a worker looks for a new job before it sleeps (some 50 µs).
const SPINS: usize = 20_000;

/// Calls `run(index)` on a type whose name is forgotten.
#[derive(Clone, Copy)]
struct Job {
    closure: *const (),
    call: unsafe fn(*const (), usize),
    n_tasks: usize,
}

// SAFETY: `closure` points to a `Fn + Sync` closure that `Pool::run` keeps
// alive until every worker has finished with the job.
unsafe impl Send for Job {}

struct Shared {
    job: Mutex<Option<Job>>,
    wake: Condvar,
    /// Counts jobs; a change tells spinning workers that there is a new one.
    generation: AtomicUsize,
    next_task: AtomicUsize,
    /// Workers that have not finished the current job.
    busy: AtomicUsize,
    panicked: AtomicBool,
    closing: AtomicBool,
}

/// Some worker threads; the thread that calls [`run`](Self::run) works too.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held while a job runs. A second caller does its job alone.
    in_use: Mutex<()>,
}

impl Pool {
    /// Starts `n_threads - 1` workers. Fewer start if the system refuses.
    pub(crate) fn new(n_threads: usize) -> Self {
        let shared = Arc::new(Shared {
            job: Mutex::new(None),
            wake: Condvar::new(),
            generation: AtomicUsize::new(0),
            next_task: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        });
        let workers = (1..n_threads)
            .map_while(|index| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("nn-worker-{index}"))
                    .spawn(move || work(&shared))
                    .ok()
            })
            .collect();
        Self {
            shared,
            workers,
            in_use: Mutex::new(()),
        }
    }

    /// Calls `task(0)`, …, `task(n_tasks - 1)`, each once, in any order and on
    /// any thread, and returns when all are done.
    ///
    /// # Panics
    /// If a task panics.
    pub(crate) fn run<F: Fn(usize) + Sync>(&self, n_tasks: usize, task: F) {
        let Ok(_guard) = self.in_use.try_lock() else {
            return (0..n_tasks).for_each(task);
        };
        if self.workers.is_empty() || n_tasks < 2 {
            return (0..n_tasks).for_each(task);
        }
        self.start(Job {
            closure: (&raw const task).cast(),
            call: call::<F>,
            n_tasks,
        });
        let own = catch_unwind(AssertUnwindSafe(|| {
            while let Some(index) = self.shared.next(n_tasks) {
                task(index);
            }
        }));
        // `task` must outlive the workers' use of it, so wait even after a panic.
        self.wait();
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(
            !self.shared.panicked.swap(false, Ordering::Relaxed),
            "a worker thread panicked"
        );
    }

    fn start(&self, job: Job) {
        let shared = &self.shared;
        shared.next_task.store(0, Ordering::Relaxed);
        shared.busy.store(self.workers.len(), Ordering::Relaxed);
        *shared.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
        shared.generation.fetch_add(1, Ordering::Release);
        shared.wake.notify_all();
    }

    fn wait(&self) {
        let mut spins = 0;
        while self.shared.busy.load(Ordering::Acquire) > 0 {
            spin(&mut spins);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        let job = self
            .shared
            .job
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.shared.generation.fetch_add(1, Ordering::Release);
        self.shared.wake.notify_all();
        drop(job);
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its tasks and never panics itself.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// Takes the next task of the current job.
    fn next(&self, n_tasks: usize) -> Option<usize> {
        let index = self.next_task.fetch_add(1, Ordering::Relaxed);
        (index < n_tasks).then_some(index)
    }

    /// Waits for a job newer than `seen`: first spinning, then asleep.
    fn wait_for_job(&self, seen: usize) -> usize {
        let mut spins = 0;
        while spins < SPINS {
            let generation = self.generation.load(Ordering::Acquire);
            if generation != seen {
                return generation;
            }
            spin(&mut spins);
        }
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let generation = self.generation.load(Ordering::Acquire);
            if generation != seen {
                return generation;
            }
            job = self.wake.wait(job).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Waits a moment, giving way to other threads now and then: there may be
/// more threads than processors.
fn spin(spins: &mut usize) {
    *spins += 1;
    if spins.is_multiple_of(256) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// The life of a worker.
fn work(shared: &Shared) {
    let mut seen = 0;
    loop {
        seen = shared.wait_for_job(seen);
        if shared.closing.load(Ordering::Relaxed) {
            return;
        }
        let job = *shared.job.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(job) = job {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                while let Some(index) = shared.next(job.n_tasks) {
                    // SAFETY: `closure` and `call` were made together in
                    // `Pool::run`, which does not return before `busy` is 0,
                    // and this worker counts in `busy` until below.
                    unsafe { (job.call)(job.closure, index) };
                }
            }));
            if outcome.is_err() {
                shared.panicked.store(true, Ordering::Relaxed);
            }
            shared.busy.fetch_sub(1, Ordering::Release);
        }
    }
}

/// # Safety
/// `closure` must point to a living `F`.
unsafe fn call<F: Fn(usize) + Sync>(closure: *const (), index: usize) {
    // SAFETY: see above.
    let task = unsafe { &*closure.cast::<F>() };
    task(index);
}
