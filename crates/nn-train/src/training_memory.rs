//! The memory that a training run needs, checked before it is allocated.

use std::thread::available_parallelism;

use nn_core::{Memory, Trainer};
use nn_settings::{OnDivergence, Result};

use crate::data::Splits;
use crate::memory;
use crate::plan::Plan;

/// Returns an error if a training run needs more memory than is available.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with the needed and the available
/// memory.
pub fn check(plan: &Plan, splits: &Splits<'_>) -> Result<()> {
    check_several(plan, splits, 1)
}

/// Returns an error if several training runs at the same time, which have the same settings
/// except for the fold and the seed, need more memory than is available.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with the needed and the available
/// memory.
pub fn check_several(plan: &Plan, splits: &Splits<'_>, n_runs: usize) -> Result<()> {
    let (total, help) = needed(plan, splits)?;
    let what = match n_runs {
        1 => "the training run".to_owned(),
        n => format!("the {n} training runs of a trial"),
    };
    memory::check(&what, total.saturating_mul(n_runs as u64), help)
}

/// The number of bytes that a training run needs, and advice on reducing the largest
/// part.
///
/// # Errors
/// Returns an error if the network does not match the data.
pub fn needed(plan: &Plan, splits: &Splits<'_>) -> Result<(u64, &'static str)> {
    let (train, validation) = (&splits.train, Some(&splits.validation));
    let n_threads = available_parallelism().map_or(1, usize::from);
    let (network, training) = (&plan.network, &plan.training);
    let mut needed = Trainer::memory(network, training, train, validation, n_threads)?;
    if plan.on_divergence == OnDivergence::HalveRate {
        // The state at the start of the epoch.
        needed.saving = needed.saving.saturating_add(needed.saving / 2);
    }
    Ok((needed.total(), help(needed)))
}

/// Advice on reducing the largest part of the memory.
fn help(needed: Memory) -> &'static str {
    let of_parameters = needed.parameters.saturating_add(needed.saving);
    if needed.inputs > needed.activations.max(of_parameters) {
        "use fewer samples (`limit-train`) or leave columns out (`ignore`)"
    } else if needed.activations > of_parameters {
        "use a smaller `batch-size` or narrower layers (`hidden`)"
    } else {
        "use narrower layers (`hidden`) or leave text columns with many values out (`ignore`)"
    }
}
