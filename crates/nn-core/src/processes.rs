//! One training run on several processes, possibly on several machines.
//!
//! Every process creates the same [`Trainer`] from the same samples, and calls
//! [`Trainer::divide`]. Process 0 then trains as usual: it calls [`Trainer::advance`], saves
//! checkpoints and reports. The others call [`Trainer::follow`], which takes part in every
//! step until the trainer of process 0 is dropped. The weights are the same, bit for bit, as
//! with one process, for any number of processes and threads.
//!
//! ```text
//! process 0                        process 1, 2, ...
//! trainer.divide(exchange, ..)     trainer.divide(exchange, ..)
//! trainer.advance()  ...           trainer.follow()
//! drop(trainer)                    `follow` returns
//! ```
//!
//! [`training`](crate::training) describes what a process computes; an [`Exchange`] moves the
//! values.

use std::sync::Arc;

use nn_error::{Error, Result};
use nn_tensor::Scalar;
use serde_json::Value;

use crate::checkpoint::Checkpoint;
use crate::exchange::{Exchange, broadcast, check_same};
use crate::training::Trainer;
use crate::training::division::Command;

impl<S: Scalar> Trainer<'_, S> {
    /// Shares the training run with all processes of `exchange`; every process calls this
    /// method. All processes continue from the state of process 0.
    ///
    /// `facts` are names and values that must be the same on all processes, such as the
    /// version of the program. The configuration and the SHA-256 of the samples are compared
    /// as well. A single process does nothing.
    ///
    /// This function runs on every process:
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use nn_core::{Exchange, Network, Result, Trainer};
    ///
    /// fn train(mut trainer: Trainer<'_>, exchange: Arc<dyn Exchange<f32>>) -> Result<Network> {
    ///     let is_first = exchange.rank() == 0;
    ///     let version = ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    ///     trainer.divide(exchange, &[version])?;
    ///     if is_first {
    ///         return trainer.finish();
    ///     }
    ///     trainer.follow()?;
    ///     Ok(trainer.network())
    /// }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if a process differs from process 0, if the run is shared
    /// already or if a gradient has not been used by a step; errors of the exchange; and errors
    /// of [`checkpoint`](Self::checkpoint).
    #[inline(never)]
    pub fn divide(
        &mut self,
        exchange: Arc<dyn Exchange<S>>,
        facts: &[(String, String)],
    ) -> Result<()> {
        if exchange.n_processes() == 1 {
            return Ok(());
        }
        if self.division().is_some() {
            return Err(Error::Conflict {
                what: "processes".to_owned(),
                problem: "they share the training run already".to_owned(),
            });
        }
        let own = self.description()?;
        let facts: Vec<_> = facts.iter().cloned().chain(own).collect();
        check_same(&*exchange, &facts)?;
        let state = if exchange.rank() == 0 {
            self.checkpoint(Value::Null)?.to_bytes()?
        } else {
            Vec::new()
        };
        let state = broadcast(&*exchange, state)?;
        if exchange.rank() > 0 {
            self.restore_here(&Checkpoint::read(&state[..])?)?;
        }
        self.start_division(exchange);
        Ok(())
    }

    /// Takes part in the training run of process 0 until its trainer is dropped.
    ///
    /// If the training run diverges, it does so on all processes, and process 0 decides what
    /// follows.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] on process 0 and before [`divide`](Self::divide), errors of
    /// the exchange, and errors of reading the samples.
    #[inline(never)]
    pub fn follow(&mut self) -> Result<()> {
        loop {
            let division = self.division().filter(|division| !division.is_first());
            let division = division.ok_or_else(|| Error::Conflict {
                what: "follow".to_owned(),
                problem: "expected a process other than 0, after `divide`".to_owned(),
            })?;
            match division.receive()? {
                Command::Advance {
                    learning_rate,
                    descends,
                } => match self.advance_as(learning_rate, descends) {
                    Ok(_) | Err(Error::Diverged { .. }) => {}
                    Err(error) => return Err(error),
                },
                Command::CompleteState => self.complete_optimizer()?,
                Command::Restore => {
                    let state = broadcast(division.exchange(), Vec::new())?;
                    self.restore_here(&Checkpoint::read(&state[..])?)?;
                }
                Command::End => return Ok(()),
            }
        }
    }

    /// Gathers the whole state on every process, so that process 0 can save a
    /// [`checkpoint`](Self::checkpoint) between two batches. At the end of an epoch, and with
    /// a single process, the state is complete already.
    ///
    /// # Errors
    /// Returns errors of the exchange.
    #[inline(never)]
    pub fn complete_state(&mut self) -> Result<()> {
        if self.check_complete().is_ok() {
            return Ok(());
        }
        self.announce(Command::CompleteState)?;
        self.complete_optimizer()
    }
}
