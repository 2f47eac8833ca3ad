//! A thread pool for short jobs.
//!
//! A training step is a few dozen products of a few microseconds each, so starting or
//! waking a thread for every product would cost more than it gains. After a job,
//! workers spin briefly in case the next job follows, and then sleep.
//!
//! Every thread starts with its own part of the tasks before it takes others. In a sequence of
//! similar jobs, a thread therefore finds its part of the data in its own cache.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::scratch;

/// Number of checks for a new job before a worker sleeps (about 50 µs).
const SPINS: usize = if cfg!(miri) { 10 } else { 20_000 };

/// A type-erased `&dyn Fn(usize)`, to be called once per task.
#[derive(Clone, Copy)]
struct Job {
    closure: *const (),
    call: unsafe fn(*const (), usize),
    n_tasks: usize,
    /// Sequence number of the job; see [`Shared::claims`].
    number: u32,
}

/// Maximum number of groups of tasks, which are claimed with one bit each.
const MAX_GROUPS: usize = 32;

impl Job {
    fn n_groups(&self) -> usize {
        self.n_tasks.min(MAX_GROUPS)
    }

    /// The tasks of a group.
    fn tasks(&self, group: usize) -> Range<usize> {
        let start = |group: usize| group * self.n_tasks / self.n_groups();
        start(group)..start(group + 1)
    }
}

// SAFETY: `closure` points to a `Fn + Sync` closure, and is only used for a
// claimed task, while `Pool::run` waits for that task to finish.
unsafe impl Send for Job {}

struct Shared {
    job: Mutex<Option<Job>>,
    wake: Condvar,
    /// Sequence number of the current job (high half) and a bit for each unclaimed group
    /// of its tasks (low half). Claiming compares both, so that a late worker cannot
    /// claim a task of a job other than the one it knows.
    claims: AtomicU64,
    /// Number of finished tasks of the current job.
    done: AtomicUsize,
    panicked: AtomicBool,
    closing: AtomicBool,
}

/// A pool of worker threads; the thread that calls [`run`](Self::run) works, too.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held while a job runs. A second caller runs its job alone.
    in_use: Mutex<()>,
}

impl Pool {
    /// Starts `n_threads - 1` workers. Fewer start if the system refuses.
    pub(crate) fn new(n_threads: usize) -> Self {
        let shared = Arc::new(Shared {
            job: Mutex::new(None),
            wake: Condvar::new(),
            claims: AtomicU64::new(0),
            done: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        });
        let workers = (1..n_threads)
            .map_while(|index| {
                let shared = Arc::clone(&shared);
                std::thread::Builder::new()
                    .name(format!("nn-worker-{index}"))
                    .spawn(move || work(&shared, Share { index, n_threads }))
                    .ok()
            })
            .collect();
        Self {
            shared,
            workers,
            in_use: Mutex::new(()),
        }
    }

    /// Calls `task(0)`, …, `task(n_tasks - 1)` in parallel, in any order, and returns
    /// when all calls have returned. Workers without a task are not waited for: on a
    /// busy machine they may not run at all.
    ///
    /// # Panics
    /// Panics if a task panics.
    pub(crate) fn run<F: Fn(usize) + Sync>(&self, n_tasks: usize, task: F) {
        let Ok(_guard) = self.in_use.try_lock() else {
            return (0..n_tasks).for_each(task);
        };
        if self.workers.is_empty() || n_tasks < 2 {
            return (0..n_tasks).for_each(task);
        }
        let job = self.start(Job {
            closure: (&raw const task).cast(),
            call: call::<F>,
            n_tasks,
            number: 0,
        });
        // `task` must outlive the workers' use of it, so wait even after a panic.
        let n_threads = self.workers.len() + 1;
        let own = self.shared.work_on(
            job,
            Share {
                index: 0,
                n_threads,
            },
        );
        let mut spins = 0;
        while self.shared.done.load(Ordering::Acquire) < n_tasks {
            spin(&mut spins);
        }
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(
            !self.shared.panicked.swap(false, Ordering::Relaxed),
            "a worker thread panicked"
        );
    }

    /// Publishes a job under the next sequence number.
    fn start(&self, job: Job) -> Job {
        let shared = &self.shared;
        let number = ((shared.claims.load(Ordering::Relaxed) >> 32) as u32).wrapping_add(1);
        let job = Job { number, ..job };
        let mut current = shared.lock();
        *current = Some(job);
        shared.done.store(0, Ordering::Relaxed);
        let groups = u64::from(u32::MAX) >> (MAX_GROUPS - job.n_groups());
        let claims = u64::from(number) << 32 | groups;
        shared.claims.store(claims, Ordering::Release);
        drop(current);
        shared.wake.notify_all();
        job
    }
}

/// Calls `work(index, item)` for every item in parallel on the threads of `pool`.
pub(crate) fn for_each<T: Send>(pool: &Pool, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
    struct Items<T>(*mut T);
    // SAFETY: the pointer is only used to reach items, each from one thread.
    unsafe impl<T: Send> Sync for Items<T> {}
    impl<T> Items<T> {
        fn get(&self, index: usize) -> *mut T {
            self.0.wrapping_add(index)
        }
    }

    let first = Items(items.as_mut_ptr());
    pool.run(items.len(), |index| {
        // SAFETY: `Pool::run` passes every index below `items.len()` exactly
        // once, so no two of these references meet; `items` is borrowed
        // mutably until `run` returns, after the last of them is gone.
        work(index, unsafe { &mut *first.get(index) });
    });
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        // Under the lock, so that no worker is between its last check and its sleep.
        let job = self.shared.lock();
        self.shared.wake.notify_all();
        drop(job);
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its tasks and never panics itself.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sequence number of the current job.
    fn number(&self) -> u32 {
        (self.claims.load(Ordering::Acquire) >> 32) as u32
    }

    /// Claims a group of tasks of `job`, if it is still the current one: the first
    /// unclaimed group from the start of the thread's share on.
    fn claim(&self, job: Job, share: Share) -> Option<usize> {
        let first = share.index * job.n_groups() / share.n_threads;
        let mut claims = self.claims.load(Ordering::Acquire);
        loop {
            let (number, free) = ((claims >> 32) as u32, claims as u32);
            if number != job.number || free == 0 {
                return None;
            }
            let later = free >> first << first;
            let group = if later == 0 { free } else { later }.trailing_zeros();
            let taken = claims & !(1 << group);
            match self.claims.compare_exchange_weak(
                claims,
                taken,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(group as usize),
                Err(current) => claims = current,
            }
        }
    }

    /// Runs tasks of `job` until none is left; a panic ends only its task.
    fn work_on(&self, job: Job, share: Share) -> std::thread::Result<()> {
        let mut outcome = Ok(());
        while let Some(group) = self.claim(job, share) {
            for index in job.tasks(group) {
                let result = catch_unwind(AssertUnwindSafe(|| {
                    // SAFETY: `closure` and `call` were made together in
                    // `Pool::run`, which does not return before every task is
                    // done, and this one is only counted below.
                    unsafe { (job.call)(job.closure, index) };
                }));
                self.done.fetch_add(1, Ordering::Release);
                if result.is_err() {
                    outcome = result;
                }
            }
        }
        outcome
    }

    /// Waits for a job other than number `seen`, first spinning, then asleep; `None`
    /// when the pool closes.
    fn wait_for_job(&self, seen: u32) -> Option<Job> {
        let mut spins = 0;
        while spins < SPINS && self.number() == seen && !self.closing.load(Ordering::Relaxed) {
            spin(&mut spins);
        }
        let mut job = self.lock();
        loop {
            if self.closing.load(Ordering::Acquire) {
                return None;
            }
            match *job {
                Some(job) if job.number != seen => return Some(job),
                _ => job = self.wake.wait(job).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Spins once, yielding to other threads now and then: there may be more threads than
/// processors.
fn spin(spins: &mut usize) {
    *spins += 1;
    if spins.is_multiple_of(256) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// The index of a thread in its pool.
#[derive(Clone, Copy)]
struct Share {
    index: usize,
    n_threads: usize,
}

/// The main loop of a worker thread.
fn work(shared: &Shared, share: Share) {
    scratch::reserve();
    let mut seen = 0;
    while let Some(job) = shared.wait_for_job(seen) {
        seen = job.number;
        if shared.work_on(job, share).is_err() {
            shared.panicked.store(true, Ordering::Relaxed);
        }
    }
}

/// Calls a type-erased closure.
///
/// # Safety
/// `closure` must point to a live `F`.
unsafe fn call<F: Fn(usize) + Sync>(closure: *const (), index: usize) {
    // SAFETY: see above.
    let task = unsafe { &*closure.cast::<F>() };
    task(index);
}
