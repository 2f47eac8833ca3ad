//! An estimate of the memory that a [`Trainer`](super::Trainer) will allocate.

use nn_samples::Samples;
use nn_tensor::Scalar;
use nn_tensor::sparse::CscBuffer;

use super::gradient_sum::Subtrees;
use super::partition::{self, Partition, rows_of_block};
use super::{BatchSize, TrainingConfig};
use crate::memory::{Memory, bytes_of};
use crate::network::Plan;

/// Number of bytes of a nonzero input in sparse form: column and value.
const BYTES_OF_ENTRY: f64 = 3.0;

/// Number of bytes of a nonzero input if every epoch has the same blocks, whose
/// rows are grouped as well.
const BYTES_OF_FIXED_ENTRY: f64 = 7.0;

/// As [`Trainer::memory`](super::Trainer::memory), for the plan of a valid network.
pub(super) fn memory_of<S: Scalar>(
    plan: &Plan,
    config: &TrainingConfig,
    train: &Samples<'_, S>,
    validation: Option<&Samples<'_, S>>,
    n_threads: usize,
) -> Memory {
    let (n_inputs, n_parameters, n_statistics) =
        (plan.n_inputs(), plan.n_parameters, plan.n_statistics);
    let has_batch_norm = plan.layers.iter().any(|layer| layer.batch_norm);
    let n_outputs = plan.layers.last().map_or(0, |layer| layer.n_outputs);
    let widest = plan.widest();

    let batch_rows = Partition::new(train.len().max(1), config, has_batch_norm).max_rows();
    // As in `SparseBlocks::changing`.
    let is_sparse = plan.starts_dense()
        && (config.batch_size == BatchSize::Full || batch_rows <= CscBuffer::MAX_ROWS);
    let density = train.density().filter(|_| is_sparse);
    let widest = match density {
        Some(_) => widest,
        None => widest.max(n_inputs),
    };
    let mut sum_rows = config.summation_rows();
    let chain_rows = sum_rows.unwrap_or(batch_rows).min(batch_rows);
    let mut block_rows = rows_of_block(has_batch_norm, chain_rows, widest);
    if sum_rows.is_none() && density.is_none() {
        sum_rows = partition::parallel_rows(plan, batch_rows);
        if let Some(rows) = sum_rows {
            block_rows = partition::rows_of_cached_block(plan, rows);
        }
    }
    let subtrees = sum_rows.map(|block_rows| Subtrees {
        n_rows: batch_rows,
        block_rows,
    });
    let n_workspaces = match subtrees {
        Some(subtrees) if density.is_none() => subtrees.count().min(n_threads),
        _ => 1,
    };
    let n_stored = train.len().saturating_mul(n_inputs) as f64;
    let inputs = match (density, config.batch_size) {
        (None, _) => bytes_of::<S>(n_workspaces * block_rows, n_inputs),
        (Some(density), BatchSize::Full) => (n_stored * density * BYTES_OF_FIXED_ENTRY) as u64,
        (Some(density), BatchSize::Rows(_)) => (n_stored * density * BYTES_OF_ENTRY) as u64,
    };

    let n_gradients = n_workspaces + subtrees.map_or(0, Subtrees::n_stored);
    let n_averages = usize::from(config.averaging.is_some());
    let n_best = usize::from(config.patience > 0);
    let n_kept = 1 + config.optimizer.n_slots() + n_averages + n_best;
    let state =
        bytes_of::<S>(n_kept, n_parameters).saturating_add(bytes_of::<S>(1 + n_best, n_statistics));
    let width = plan
        .cache_width()
        .saturating_add(plan.error_width() + plan.n_members * n_outputs);
    let evaluation = match validation {
        Some(validation) if !validation.is_empty() => {
            Memory::of_evaluation_by::<S>(plan, validation.len())
        }
        _ => Memory::default(),
    };
    Memory {
        parameters: state.saturating_add(bytes_of::<S>(n_gradients, n_parameters)),
        activations: bytes_of::<S>(n_workspaces * block_rows, width)
            .saturating_add(evaluation.activations),
        inputs: inputs.saturating_add(evaluation.inputs),
        saving: state.saturating_mul(2),
    }
}
