//! Sharing a training run with other processes.

use std::sync::Arc;

use nn_error::{Error, Result};
use nn_tensor::Scalar;

use super::Trainer;
use super::division::{Command, Division};
use crate::exchange::Exchange;

impl<S: Scalar> Trainer<'_, S> {
    /// Starts to share the training run with the processes of `exchange`, on all of them.
    pub(crate) fn start_division(&mut self, exchange: Arc<dyn Exchange<S>>) {
        let is_chain = self.sum_rows.is_none();
        let divides_update = is_chain && self.config.clip_norm.is_none();
        let first_inputs = if is_chain {
            let inputs = &mut self.buffers.workspaces[0].inputs;
            inputs.divide_columns(exchange.n_processes(), exchange.rank(), &self.threads)
        } else {
            None
        };
        let division = Division::new(exchange, self.network.plan(), first_inputs, divides_update);
        self.groups = division.own_groups(self.network.plan(), &self.groups);
        self.division = Some(Box::new(division));
    }

    /// The part of this process, if several processes share the training run.
    pub(crate) fn division(&self) -> Option<&Division<S>> {
        self.division.as_deref()
    }

    /// Instructs the other processes, if there are any.
    pub(crate) fn announce(&self, command: Command) -> Result<()> {
        match &self.division {
            Some(division) if !division.is_first() => Err(Error::Conflict {
                what: "trainer of several processes".to_owned(),
                problem: "only process 0 controls it; call `follow` on the others".to_owned(),
            }),
            Some(division) => division.announce(command),
            None => Ok(()),
        }
    }

    /// Gathers the state of the optimizer, on all processes.
    pub(crate) fn complete_optimizer(&mut self) -> Result<()> {
        let Some(division) = &mut self.division else {
            return Ok(());
        };
        let plan = self.network.plan();
        let first = plan.first_trained(self.config.frozen_layers);
        division.complete_optimizer(plan, first, &mut self.optimizer)
    }

    /// Checks that this process has the whole state.
    pub(crate) fn check_complete(&self) -> Result<()> {
        match &self.division {
            Some(division) if !division.is_state_complete() => Err(Error::Conflict {
                what: "checkpoint".to_owned(),
                problem: "call `complete_state` first".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Checks that the training run is not shared.
    pub(super) fn check_undivided(&self, what: &str) -> Result<()> {
        match self.division {
            None => Ok(()),
            Some(_) => Err(Error::Conflict {
                what: what.to_owned(),
                problem: "not available while several processes share the training run".to_owned(),
            }),
        }
    }
}
