//! Memory that a training run needs, checked before it is allocated.

use nn_core::{Memory, Trainer};

use crate::datasets::Parts;
use crate::failure::{Failure, Result};
use crate::memory;
use crate::plan::{OnDivergence, Plan};

/// Refuses a training run that needs more memory than is available.
pub(crate) fn check(plan: &Plan, parts: &Parts<'_>) -> Result<()> {
    let (needed, total) = of_training(plan, parts)?;
    let help = help(needed);
    memory::check("the training", total, help)
}

/// Refuses a training run that needs more memory than `limit`, or than is
/// available.
pub(crate) fn check_within(limit: u64, plan: &Plan, parts: &Parts<'_>) -> Result<()> {
    let (needed, total) = of_training(plan, parts)?;
    if total > limit {
        return Err(Failure::usage(format!(
            "the page trains with at most {} of memory, this training needs {}",
            memory::amount(limit),
            memory::amount(total)
        ))
        .help(format!("{}, or use `nn train`", help(needed))));
    }
    memory::check("the training", total, help(needed))
}

fn of_training(plan: &Plan, parts: &Parts<'_>) -> Result<(Memory, u64)> {
    let (train, validation) = (&parts.train, Some(&parts.validation));
    let mut needed = Trainer::memory(&plan.network, &plan.training, train, validation)?;
    if plan.on_divergence == OnDivergence::HalveRate {
        // The state at the start of the epoch.
        needed.saving = needed.saving.saturating_add(needed.saving / 2);
    }
    Ok((needed, needed.total()))
}

/// Advice to reduce what needs most memory.
fn help(needed: Memory) -> &'static str {
    let of_parameters = needed.parameters.saturating_add(needed.saving);
    if needed.inputs > needed.activations.max(of_parameters) {
        "use fewer samples (--limit-train) or leave columns out (--ignore)"
    } else if needed.activations > of_parameters {
        "use a smaller --batch-size or narrower layers (--hidden)"
    } else {
        "use narrower layers (--hidden) or leave text columns with many values out (--ignore)"
    }
}
