//! Rolling a diverged training run back to the start of the epoch, with half the
//! learning rate ([`OnDivergence::HalveRate`]).

use nn_core::{Checkpoint, Trainer};
use nn_settings::{Error, OnDivergence, Result};

use crate::checkpoints;
use crate::numbers::shortest;
use crate::plan::Plan;

/// Maximum number of times that the learning rate is halved.
const MAX_HALVINGS: i32 = 10;

/// The state to which a diverged run is rolled back.
///
/// No checkpoint is saved within the epoch, because an interrupted run must be able to
/// return to this state.
#[derive(Debug)]
pub struct RollbackPoint(Checkpoint);

impl RollbackPoint {
    /// Saves the current state, `seconds` into an epoch, if the plan enables rollback.
    ///
    /// # Errors
    /// Returns an error if the checkpoint does not fit into memory.
    pub fn here(plan: &Plan, trainer: &Trainer<'_>, seconds: f64) -> Result<Option<Self>> {
        match plan.on_divergence {
            OnDivergence::Stop => Ok(None),
            OnDivergence::HalveRate => {
                let note = checkpoints::note(plan, seconds);
                Ok(Some(Self(trainer.checkpoint(note)?)))
            }
        }
    }

    /// The saved state.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.0
    }

    /// Returns to the saved state and halves the learning rate. The result is a message
    /// for the user. `chosen_rate` is the learning rate before the first halving.
    ///
    /// # Errors
    /// Returns the given `error` if the learning rate was halved too often.
    pub fn go_back(
        &self,
        trainer: &mut Trainer<'_>,
        chosen_rate: f64,
        error: nn_core::Error,
    ) -> Result<String> {
        let rate = 0.5 * trainer.learning_rate();
        if rate < chosen_rate * 0.5_f64.powi(MAX_HALVINGS) {
            return Err(Error::from(error)
                .and(format!("the learning rate was halved {MAX_HALVINGS} times")));
        }
        trainer.restore(&self.0)?;
        trainer.set_learning_rate(rate)?;
        let from = if trainer.n_steps().is_multiple_of(trainer.n_batches() as u64) {
            format!("epoch {} starts again", self.0.epoch() + 1)
        } else {
            format!("training starts again after step {}", self.0.step())
        };
        let rate = shortest(rate);
        Ok(format!("{error}; {from} with learning rate {rate}"))
    }
}
