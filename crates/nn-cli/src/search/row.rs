//! An ended trial as a row of `trials.csv`, as JSON and as a line of text.

use nn_search::{Outcome as StudyOutcome, Point, Trial};
use serde_json::json;

use crate::progress::Progress;
use crate::terminal;

use super::measured::{Measured, Spread};

/// An ended trial: a row of `trials.csv`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) trial: usize,
    pub(super) outcome: String,
    pub(super) measured: Measured,
}

impl Row {
    /// The columns after the trial number and the values of the dimensions. The standard
    /// deviations of a trial of several runs come after the means.
    pub(super) fn columns(has_spread: bool) -> String {
        let spread = match has_spread {
            true => "validation_loss_std,validation_accuracy_std,",
            false => "",
        };
        format!("outcome,epochs,train_loss,validation_loss,validation_accuracy,{spread}seconds")
    }

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

    /// Formats the row; `has_spread` is true if the trials have several runs.
    pub(super) fn to_csv(&self, point: &Point, has_spread: bool) -> String {
        let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let values: Vec<String> = point
            .values()
            .iter()
            .map(|(_, value)| csv_cell(&value.to_string()))
            .collect();
        let measured = &self.measured;
        let Spread {
            validation_loss,
            validation_accuracy,
        } = measured.spread;
        let spread = match has_spread {
            true => format!("{},{},", cell(validation_loss), cell(validation_accuracy)),
            false => String::new(),
        };
        format!(
            "{},{},{},{},{},{},{},{spread}{}\n",
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
    pub(super) fn from_csv(line: &str, has_spread: bool) -> Option<Self> {
        let trial: usize = line.split(',').next()?.parse().ok()?;
        let mut cells = line.rsplit(',');
        let mut number = || cells.next().map(|cell| cell.parse::<f64>().ok());
        let seconds = number()??;
        let mut spread = Spread::default();
        if has_spread {
            spread.validation_accuracy = number()?;
            spread.validation_loss = number()?;
        }
        let validation_accuracy = number()?;
        let (validation_loss, train_loss) = (number()?, number()?);
        Some(Self {
            trial: trial.checked_sub(1)?,
            measured: Measured {
                epochs: cells.next()?.parse().ok()?,
                train_loss,
                validation_loss,
                validation_accuracy,
                spread,
                seconds,
            },
            outcome: cells.next()?.to_owned(),
        })
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let measured = &self.measured;
        let mut object = json!({
            "trial": self.trial + 1,
            "outcome": self.outcome,
            "epochs": measured.epochs,
            "train_loss": measured.train_loss,
            "validation_loss": measured.validation_loss,
            "validation_accuracy": measured.validation_accuracy,
            "seconds": measured.seconds,
        });
        let Spread {
            validation_loss,
            validation_accuracy,
        } = measured.spread;
        for (name, std) in [
            ("validation_loss_std", validation_loss),
            ("validation_accuracy_std", validation_accuracy),
        ] {
            if let Some(std) = std {
                object[name] = std.into();
            }
        }
        object
    }

    /// Formats the results, such as `validation loss 0.1234  accuracy 96.30 %   1.20 s`, or
    /// the failure. Several runs have their standard deviation after each mean.
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
        let spread = |std: Option<f64>, shown: &dyn Fn(f64) -> String| {
            std.map_or_else(String::new, |std| format!(" ± {}", shown(std)))
        };
        let Spread {
            validation_loss: loss_std,
            validation_accuracy: accuracy_std,
        } = measured.spread;
        let loss_std = spread(loss_std, &|std| format!("{std:.4}"));
        let accuracy_std = spread(accuracy_std, &|std| terminal::percent(Some(std)));
        let stopped = match &self.outcome[..] {
            "stopped" => format!("  stopped after epoch {}", measured.epochs),
            _ => String::new(),
        };
        format!("validation loss {loss:.4}{loss_std}{accuracy}{accuracy_std}{stopped}   {seconds}")
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

    fn row() -> Row {
        Row {
            trial: 6,
            outcome: "stopped".to_owned(),
            measured: Measured {
                epochs: 3,
                train_loss: Some(0.125),
                validation_loss: Some(0.1 + 0.2),
                validation_accuracy: None,
                spread: Spread::default(),
                seconds: 1.5,
            },
        }
    }

    #[test]
    fn rows_round_trip() {
        let space: nn_search::Space = "hidden=64|128,64 lr=0..1".parse().unwrap();
        let point = space.point_at(&[0.9, 0.5]);
        let line = row().to_csv(&point, false);
        assert_eq!(
            line,
            "7,\"128,64\",0.5,stopped,3,0.125,0.30000000000000004,,1.5\n"
        );
        assert_eq!(Row::from_csv(line.trim_end(), false), Some(row()));
        assert_eq!(Row::from_csv("7,64,0.5,stop", false), None);
    }

    #[test]
    fn rows_of_several_runs_round_trip() {
        let space: nn_search::Space = "lr=0..1".parse().unwrap();
        let point = space.point_at(&[0.5]);
        let spread = Spread {
            validation_loss: Some(0.25),
            validation_accuracy: None,
        };
        let row = Row {
            measured: Measured {
                spread,
                ..row().measured
            },
            ..row()
        };
        let line = row.to_csv(&point, true);
        assert_eq!(
            line,
            "7,0.5,stopped,3,0.125,0.30000000000000004,,0.25,,1.5\n"
        );
        let n_columns = Row::columns(true).split(',').count();
        assert_eq!(line.split(',').count(), 2 + n_columns);
        assert_eq!(Row::from_csv(line.trim_end(), true), Some(row));
    }
}
