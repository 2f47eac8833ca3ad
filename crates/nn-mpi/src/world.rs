//! All processes that the launcher of MPI started.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use mpi::datatype::Equivalence;
use mpi::point_to_point::send_receive_into;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Root};
use mpi::{Count, Rank};
use nn_core::{Error, Exchange, Result};

/// All processes of the communicator `MPI_COMM_WORLD`.
#[derive(Debug, Default)]
pub(crate) struct World {
    is_abandoned: AtomicBool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns `true` if this process cannot take part in the training run any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed)
    }

    /// Ends all processes at once.
    pub(crate) fn abort(&self, exit_code: i32) -> ! {
        SimpleCommunicator::world().abort(exit_code)
    }

    /// Gathers the parts of all processes in ⌈log₂ p⌉ rounds (Bruck et al., 1997). In the
    /// round of distance d = 1, 2, 4, ..., process r has the parts r to r + d − 1, modulo p;
    /// it sends them to process r − d and receives the next ones from process r + d.
    ///
    /// MPI sends from and receives into `values`, without the copies of `MPI_Allgatherv`.
    fn gather<T: Equivalence>(values: &mut [T], bounds: &[usize]) -> Result<()> {
        check_counts(bounds)?;
        let world = SimpleCommunicator::world();
        if let Some(owner) = only_owner(bounds) {
            world.process_at_rank(owner).broadcast_into(values);
            return Ok(());
        }
        let (rank, n_processes) = (world.rank() as usize, world.size() as usize);
        let process = |rank: usize| world.process_at_rank((rank % n_processes) as Rank);
        let mut distance = 1;
        while distance < n_processes {
            let n_parts = distance.min(n_processes - distance);
            let known = ranges(bounds, rank, n_parts);
            let missing = ranges(bounds, (rank + distance) % n_processes, n_parts);
            // One part is one range on every process.
            let n_ranges = n_parts.min(2);
            for (known, missing) in known.into_iter().zip(missing).take(n_ranges) {
                let [known, missing] = values
                    .get_disjoint_mut([known, missing])
                    .expect("a process has no part that it misses");
                let receiver = process(rank + n_processes - distance);
                send_receive_into(known, &receiver, missing, &process(rank + distance));
            }
            distance *= 2;
        }
        Ok(())
    }
}

/// The values of `n_parts` processes from `first` on, modulo the number of processes. The
/// second range is empty unless process 0 follows the last process.
fn ranges(bounds: &[usize], first: usize, n_parts: usize) -> [Range<usize>; 2] {
    let n_processes = bounds.len() - 1;
    let end = (first + n_parts).min(n_processes);
    let n_others = first + n_parts - end;
    [bounds[first]..bounds[end], bounds[0]..bounds[n_others]]
}

/// The only process that has values.
fn only_owner(bounds: &[usize]) -> Option<Rank> {
    let parts = bounds.windows(2).enumerate();
    let mut owners = parts.filter(|(_, part)| part[0] < part[1]);
    match (owners.next(), owners.next()) {
        (Some((owner, _)), None) => Rank::try_from(owner).ok(),
        _ => None,
    }
}

/// Checks that MPI can count all values.
fn check_counts(bounds: &[usize]) -> Result<()> {
    let n_values = bounds.last().copied().unwrap_or(0);
    match Count::try_from(n_values) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::OutOfRange {
            what: "number of values of a layer".to_owned(),
            expected: format!("at most {}, the limit of MPI", Count::MAX),
            found: n_values.to_string(),
        }),
    }
}

impl Exchange<f32> for World {
    fn rank(&self) -> usize {
        SimpleCommunicator::world().rank() as usize
    }

    fn n_processes(&self) -> usize {
        SimpleCommunicator::world().size() as usize
    }

    fn all_gather(&self, values: &mut [f32], bounds: &[usize]) -> Result<()> {
        Self::gather(values, bounds)
    }

    fn all_gather_bytes(&self, bytes: &mut [u8], bounds: &[usize]) -> Result<()> {
        Self::gather(bytes, bounds)
    }

    fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }
}
