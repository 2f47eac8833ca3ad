//! All processes that the launcher of MPI started.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use mpi::datatype::{Equivalence, PartitionMut};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use mpi::{Count, Rank};
use nn_core::{Error, Exchange, Result};

/// All processes of the communicator `MPI_COMM_WORLD`.
#[derive(Debug, Default)]
pub(crate) struct World {
    is_abandoned: AtomicBool,
    /// The own part of the values of an exchange, because MPI must not send from the buffer
    /// that it receives into. The memory is kept: new memory costs as much as the exchange.
    values: Mutex<Vec<f32>>,
    bytes: Mutex<Vec<u8>>,
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

    fn gather<T: Equivalence + Copy>(
        own: &Mutex<Vec<T>>,
        values: &mut [T],
        bounds: &[usize],
    ) -> Result<()> {
        let world = SimpleCommunicator::world();
        if let Some(owner) = only_owner(bounds) {
            counts(std::iter::once(values.len()))?;
            world.process_at_rank(owner).broadcast_into(values);
            return Ok(());
        }
        let rank = world.rank() as usize;
        let mut own = own.lock().unwrap_or_else(PoisonError::into_inner);
        own.clear();
        own.extend_from_slice(&values[bounds[rank]..bounds[rank + 1]]);
        let starts = counts(bounds[..bounds.len() - 1].iter().copied())?;
        let lengths = counts(bounds.windows(2).map(|part| part[1] - part[0]))?;
        let mut all = PartitionMut::new(values, lengths, starts);
        world.all_gather_varcount_into(&own[..], &mut all);
        Ok(())
    }
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

/// Numbers of values as MPI counts them.
fn counts(numbers: impl Iterator<Item = usize>) -> Result<Vec<Count>> {
    let count = |number: usize| {
        Count::try_from(number).map_err(|_| Error::OutOfRange {
            what: "number of values of a layer".to_owned(),
            expected: format!("at most {}, the limit of MPI", Count::MAX),
            found: number.to_string(),
        })
    };
    numbers.map(count).collect()
}

impl Exchange<f32> for World {
    fn rank(&self) -> usize {
        SimpleCommunicator::world().rank() as usize
    }

    fn n_processes(&self) -> usize {
        SimpleCommunicator::world().size() as usize
    }

    fn all_gather(&self, values: &mut [f32], bounds: &[usize]) -> Result<()> {
        Self::gather(&self.values, values, bounds)
    }

    fn all_gather_bytes(&self, bytes: &mut [u8], bounds: &[usize]) -> Result<()> {
        Self::gather(&self.bytes, bytes, bounds)
    }

    fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Relaxed);
    }
}
