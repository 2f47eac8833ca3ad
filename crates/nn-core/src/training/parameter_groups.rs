//! Parameter groups: the trained parameters, grouped by their factors of the learning rate and
//! of the weight decay.

use nn_error::{Error, Result};
use nn_functions::optimizer::ParameterGroup;

use super::config::RateFactor;
use crate::network::Plan;

/// Creates the parameter groups of a network with `n_frozen` frozen layers;
/// neighboring parameters with the same factors are one group.
///
/// # Errors
/// Returns [`Error::Conflict`] for a factor that matches no tensor.
pub(super) fn groups(
    plan: &Plan,
    n_frozen: usize,
    factors: &[RateFactor],
) -> Result<Vec<ParameterGroup>> {
    let mut groups: Vec<ParameterGroup> = Vec::new();
    let mut is_used = vec![false; factors.len()];
    let trained = plan.nodes.iter().filter(|node| node.layer >= n_frozen);
    for node in trained {
        let tensors = node.tensors();
        for (tensor, range) in tensors.filter(|(tensor, _)| !tensor.is_statistic) {
            let fits = |factor: &RateFactor| factor.fits(node.layer, tensor.name);
            let found = factors.iter().rposition(fits);
            for (is_used, factor) in is_used.iter_mut().zip(factors) {
                *is_used |= fits(factor);
            }
            let found = found.map(|index| &factors[index]);
            let rate_factor = found.map_or(1.0, |found| found.factor);
            let decay_factor = found.map_or(1.0, |found| found.decay);
            let is_like = |last: &ParameterGroup| {
                let is_next = last.range.end == range.start;
                is_next && (last.rate_factor, last.decay_factor) == (rate_factor, decay_factor)
            };
            match groups.last_mut() {
                Some(last) if is_like(last) => last.range.end = range.end,
                _ => groups.push(ParameterGroup {
                    range,
                    rate_factor,
                    decay_factor,
                }),
            }
        }
    }
    match is_used.iter().position(|&is_used| !is_used) {
        None => Ok(groups),
        Some(index) => Err(Error::Conflict {
            what: "learning-rate factors".to_owned(),
            problem: format!("no trained tensor for {}", factors[index]),
        }),
    }
}
