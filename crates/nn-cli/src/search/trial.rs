//! A trial: its training run, its results, and its row in `trials.csv`.

use std::ops::ControlFlow;
use std::time::Instant;

use nn_core::Trainer;
use nn_core::training::{EpochReport, Event};
use nn_search::{Outcome as StudyOutcome, Point, Trial};
use nn_tensor::Threads;
use nn_train::trainer::{initial_network, trainer};
use nn_train::{Data, Error, Plan, Result, training_memory};
use serde_json::json;

use crate::objective::Objective;
use crate::progress::Progress;
use crate::terminal;

use super::space::Flags;

/// What the training runs of all trials have in common.
pub(super) struct Training<'a> {
    pub(super) flags: &'a Flags,
    pub(super) data: &'a Data,
    pub(super) threads: &'a Threads,
    pub(super) objective: Objective,
}

/// How a trial ended, and its results.
pub(super) struct Outcome {
    pub(super) how: Ended,
    pub(super) measured: Measured,
}

/// How a trial ended.
pub(super) enum Ended {
    /// Trained to the last epoch.
    Through,
    /// Stopped early, because other trials were better.
    Stopped,
    /// Failed for this reason: the run diverged, or its settings are invalid.
    Failed(String),
    /// Interrupted by a signal.
    Interrupted,
}

/// The results of a trial, measured with the weights that `nn train` would keep.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    pub(super) epochs: usize,
    pub(super) train_loss: Option<f64>,
    pub(super) validation_loss: Option<f64>,
    pub(super) validation_accuracy: Option<f64>,
    pub(super) seconds: f64,
}

impl Outcome {
    /// The outcome for the study, and the reason of a failure; `None` if the trial was interrupted.
    pub(super) fn of_study(&self, objective: Objective) -> Option<(StudyOutcome, Option<&str>)> {
        match &self.how {
            Ended::Interrupted => None,
            Ended::Through => {
                let objective = self.measured.objective(objective);
                Some((StudyOutcome::Finished(objective.unwrap_or(f64::NAN)), None))
            }
            Ended::Stopped => Some((StudyOutcome::Stopped, None)),
            Ended::Failed(why) => Some((StudyOutcome::Failed, Some(why))),
        }
    }

    /// The outcome of a trial that could not start.
    pub(super) fn refused(failure: &Error) -> Self {
        Self {
            how: Ended::Failed(failure.to_string()),
            measured: Measured::default(),
        }
    }
}

impl Training<'_> {
    /// Trains the network of the trial at `point`. `report` is called with every epoch and its
    /// objective, and returns whether to continue; `should_stop` is called after every batch.
    pub(super) fn run(
        &self,
        point: &Point,
        progress: &mut Progress,
        mut should_stop: impl FnMut() -> bool,
        mut report: impl FnMut(usize, f64) -> Result<bool>,
    ) -> Result<Outcome> {
        let plan = match self.plan(point) {
            Ok(plan) => plan,
            Err(failure) => return Ok(Outcome::refused(&failure)),
        };
        let start = Instant::now();
        let mut trainer = match self.trainer(&plan) {
            Ok(trainer) => trainer,
            Err(failure) => return Ok(Outcome::refused(&failure)),
        };
        let n_epochs = plan.training.epochs;
        let (mut measured, mut best) = (Measured::default(), Measured::default());
        let (mut how, mut error) = (Ended::Through, None);
        let mut epoch_start = Instant::now();
        let result = trainer.run(|event| {
            match event {
                Event::Batch(report) => {
                    progress.batch(report, n_epochs, epoch_start.elapsed().as_secs_f64());
                }
                Event::Epoch(epoch) => {
                    epoch_start = Instant::now();
                    measured = Measured::of(epoch);
                    let objective = measured.objective(self.objective);
                    if epoch.is_best {
                        best = measured.clone();
                    }
                    if plan.training.patience > 0 {
                        // The weights of the best epoch are the result.
                        measured = Measured {
                            epochs: epoch.epoch,
                            ..best.clone()
                        };
                    }
                    match report(epoch.epoch, objective.unwrap_or(f64::NAN)) {
                        Ok(true) => {}
                        Ok(false) if epoch.epoch == n_epochs || epoch.is_stopping => {}
                        Ok(false) => how = Ended::Stopped,
                        Err(failure) => error = Some(failure),
                    }
                }
            }
            if should_stop() {
                how = Ended::Interrupted;
            }
            match (&how, &error) {
                (Ended::Through, None) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        measured.seconds = start.elapsed().as_secs_f64();
        match (result, error) {
            (_, Some(failure)) => Err(failure),
            (Ok(_), None) => Ok(Outcome { how, measured }),
            (Err(error), None) if error.kind() == nn_core::ErrorKind::Diverged => Ok(Outcome {
                how: Ended::Failed("diverged".to_owned()),
                measured,
            }),
            (Err(error), None) => Err(error.into()),
        }
    }

    fn plan(&self, point: &Point) -> Result<Plan> {
        let plan = Plan::new(&self.flags.settings(point)?, self.data)?;
        plan.check_single()?;
        training_memory::check(&plan, &self.data.splits()?)?;
        Ok(plan)
    }

    fn trainer<'p>(&'p self, plan: &'p Plan) -> Result<Trainer<'p>> {
        let data = self.data;
        let splits = data.splits()?;
        let network = initial_network(plan, &splits.train, self.threads)?;
        trainer(plan, data, &splits, network, self.threads)
    }
}

impl Measured {
    fn of(epoch: &EpochReport) -> Self {
        let validation = epoch.validation.as_ref();
        Self {
            epochs: epoch.epoch,
            train_loss: Some(epoch.train_loss),
            validation_loss: validation.map(|validation| validation.loss),
            validation_accuracy: validation.and_then(|validation| validation.accuracy),
            seconds: 0.0,
        }
    }
}

impl Measured {
    /// The objective of the trial, if it was measured.
    pub(super) fn objective(&self, objective: Objective) -> Option<f64> {
        objective.of(self.validation_loss, self.validation_accuracy)
    }
}

/// An ended trial, as a row of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) trial: usize,
    pub(super) outcome: String,
    pub(super) measured: Measured,
}

impl Row {
    /// The columns after the trial number and the values of the dimensions.
    pub(super) const COLUMNS: &'static str =
        "outcome,epochs,train_loss,validation_loss,validation_accuracy,seconds";

    pub(super) fn new(trial: &Trial, outcome: StudyOutcome, measured: Measured) -> Self {
        let outcome = match outcome {
            StudyOutcome::Finished(objective) if objective.is_finite() => "finished",
            StudyOutcome::Finished(_) | StudyOutcome::Failed => "failed",
            StudyOutcome::Stopped => "stopped",
        };
        Self {
            trial: trial.id,
            outcome: outcome.to_owned(),
            measured,
        }
    }

    pub(super) fn to_csv(&self, point: &Point) -> String {
        let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let values: Vec<String> = point
            .values()
            .iter()
            .map(|(_, value)| csv_cell(&value.to_string()))
            .collect();
        let measured = &self.measured;
        format!(
            "{},{},{},{},{},{},{},{}\n",
            self.trial + 1,
            values.join(","),
            self.outcome,
            measured.epochs,
            cell(measured.train_loss),
            cell(measured.validation_loss),
            cell(measured.validation_accuracy),
            measured.seconds
        )
    }

    /// Prints the row of a trial that has just ended. A worker does not know whether the trial is
    /// the best so far, because other workers run trials at the same time.
    pub(super) fn announce(
        &self,
        progress: &Progress,
        point: &Point,
        n_trials: usize,
        failure: Option<&str>,
        is_best: Option<bool>,
    ) {
        if let Progress::Json = progress {
            let mut object = self.to_json();
            object["event"] = "trial".into();
            object["settings"] = json!(point);
            object["is_best"] = is_best.into();
            object["failure"] = failure.into();
            return terminal::report(object);
        }
        let width = n_trials.to_string().len();
        progress.say(&format!(
            "trial {:>width$}/{n_trials}  {}   {point}{}",
            self.trial + 1,
            self.describe(failure),
            if is_best == Some(true) { "   best" } else { "" }
        ));
    }

    /// Reads a row written by [`to_csv`](Self::to_csv), without its point.
    pub(super) fn from_csv(line: &str) -> Option<Self> {
        let trial: usize = line.split(',').next()?.parse().ok()?;
        let mut cells = line.rsplit(',');
        let mut number = || cells.next().map(|cell| cell.parse::<f64>().ok());
        let (seconds, validation_accuracy) = (number()??, number()?);
        let (validation_loss, train_loss) = (number()?, number()?);
        Some(Self {
            trial: trial.checked_sub(1)?,
            measured: Measured {
                epochs: cells.next()?.parse().ok()?,
                train_loss,
                validation_loss,
                validation_accuracy,
                seconds,
            },
            outcome: cells.next()?.to_owned(),
        })
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let measured = &self.measured;
        json!({
            "trial": self.trial + 1,
            "outcome": self.outcome,
            "epochs": measured.epochs,
            "train_loss": measured.train_loss,
            "validation_loss": measured.validation_loss,
            "validation_accuracy": measured.validation_accuracy,
            "seconds": measured.seconds,
        })
    }

    /// Formats the results, such as `validation loss 0.1234  accuracy 96.30 %   1.20 s`, or
    /// the failure.
    pub(super) fn describe(&self, failure: Option<&str>) -> String {
        let measured = &self.measured;
        let seconds = terminal::seconds(measured.seconds);
        if self.outcome == "failed" {
            return format!("{}   {seconds}", failure.unwrap_or("failed"));
        }
        let loss = measured.validation_loss.unwrap_or(f64::NAN);
        let accuracy = match measured.validation_accuracy {
            None => String::new(),
            accuracy => format!("  accuracy {}", terminal::percent(accuracy)),
        };
        let stopped = match &self.outcome[..] {
            "stopped" => format!("  stopped after epoch {}", measured.epochs),
            _ => String::new(),
        };
        format!("validation loss {loss:.4}{accuracy}{stopped}   {seconds}")
    }
}

/// Quotes a cell with a comma or a quote.
fn csv_cell(text: &str) -> String {
    if text.contains([',', '"']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_round_trip() {
        let space: nn_search::Space = "hidden=64|128,64 lr=0..1".parse().unwrap();
        let point = space.point_at(&[0.9, 0.5]);
        let row = Row {
            trial: 6,
            outcome: "stopped".to_owned(),
            measured: Measured {
                epochs: 3,
                train_loss: Some(0.125),
                validation_loss: Some(0.1 + 0.2),
                validation_accuracy: None,
                seconds: 1.5,
            },
        };
        let line = row.to_csv(&point);
        assert_eq!(
            line,
            "7,\"128,64\",0.5,stopped,3,0.125,0.30000000000000004,,1.5\n"
        );
        assert_eq!(Row::from_csv(line.trim_end()), Some(row));
        assert_eq!(Row::from_csv("7,64,0.5,stop"), None);
    }
}
