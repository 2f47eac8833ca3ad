//! The diagnosis of a run: its problems, with numbers, and settings to try.
//!
//! The module `check` lists all checks in order, and says which problems explain others. The
//! checks of one subject, such as the learning rate, are together in one module. Thresholds
//! are rules of thumb, and the reason for each is given in a comment.
//! `tests/it/doctor_cases.rs` tests the checks on runs with known problems.
//!
//! # Sources
//! The checks automate published advice: Karpathy, "A Recipe for Training
//! Neural Networks" (2019: loss before the first step, input-independent baseline,
//! overfit, then regularize); the user guide of scikit-learn (learning curves, dummy
//! estimators, target leakage); Keras's guide "Overfit and underfit".

mod loss_range;
mod finding;
mod score;
mod nearest;
mod features;
mod reference;
mod probe;
mod case;
mod samples;
mod targets;
mod leak;
mod objective;
mod pace;
mod fit;
mod initial_weights;
mod neurons;
mod epochs;
mod learning_rate;
mod guessing;
mod shift;
mod overfitting;
mod check;

use std::path::Path;

use nn_tensor::Threads;
use nn_train::run_dir::{MODEL, is_finished, member_name, read_config, read_failure, read_model};
use nn_train::trained_model::{Origin, data_of};
use nn_train::{Data, Error, ErrorKind, Result, Settings};
use serde_json::{Value, json};

use crate::record::RunRecord;
use case::Case;
pub use case::{ExaminedRun, RunEnd};
use check::Check;
pub use finding::{Finding, Suggestion};

/// The diagnosis of a run.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    /// The run in one line: its data, its network, its epochs.
    pub title: String,
    /// The results of all checks, causes before symptoms.
    pub checks: Vec<CheckResult>,
    /// Whether the data of the run were available; most checks need them.
    pub has_data: bool,
}

/// The result of a check.
#[derive(Clone, Debug)]
pub struct CheckResult {
    /// The problem that the check looks for, as a heading.
    pub name: &'static str,
    /// The result of the check. There are no suggestions for a problem that another problem
    /// explains, or if an earlier suggestion already changes the same settings.
    pub finding: Finding,
    /// Name of another problem that may be the cause of this problem, if there is one.
    pub explained_by: Option<&'static str>,
}

/// Returns an error for an ensemble, whose networks are diagnosed one by one.
fn check_single(settings: &Settings, directory: &Path) -> Result<()> {
    if settings.ensemble.is_none() || settings.member.is_some() {
        return Ok(());
    }
    let member = directory.join(member_name(1));
    let problem = format!(
        "{}: expected the run of a single network, found an ensemble",
        directory.display()
    );
    Err(Error::usage(problem).with_help(format!(
        "use one of its networks, such as {}",
        member.display()
    )))
}

impl Diagnosis {
    /// Diagnoses the run in `directory`, with its model and its data set if they are
    /// available.
    ///
    /// # Errors
    /// Returns an error if a file of the run is missing or damaged.
    pub fn new(directory: &Path, data_dir: &Path, allow_nonfinite: bool) -> Result<Self> {
        let settings = read_config(directory).map_err(|error| match error.kind() {
            ErrorKind::Io => error.with_help("give the directory of a run of `nn train`"),
            _ => error,
        })?;
        check_single(&settings, directory)?;
        let record = RunRecord::read(directory)?;
        let model = if directory.join(MODEL).exists() {
            Some(read_model(&directory.join(MODEL), allow_nonfinite)?)
        } else {
            None
        };
        let threads = Threads::all();
        let data = match &model {
            Some(model) => data_of(model, Origin::Run(directory), data_dir, &threads),
            None => Data::of_run(&settings, directory, data_dir, &threads),
        };
        let end = match (is_finished(directory), read_failure(directory)) {
            (true, _) => RunEnd::Finished,
            (false, Some(failure)) => RunEnd::Diverged(failure),
            (false, None) => RunEnd::Unfinished,
        };
        Ok(Self::of(ExaminedRun {
            directory: Some(directory.to_owned()),
            record: &record,
            end,
            model: model.as_ref().ok_or("the run has no model".to_owned()),
            data: data.as_ref().map_err(|error| format!("no data: {error}")),
        }))
    }

    /// Diagnoses a run, whether or not it has been saved.
    pub fn of(run: ExaminedRun<'_>) -> Self {
        let case = Case::new(run);
        let findings = Check::ALL.map(|check| (check, check.find(&case)));
        Self {
            title: case.title(),
            checks: explained(&findings),
            has_data: case.data().is_ok(),
        }
    }

    /// The suggested changes of settings in the recommended order, each with the name of the
    /// problem. No two suggestions change the same setting, except alternatives for one problem.
    pub fn cures(&self) -> impl Iterator<Item = (&'static str, &Suggestion)> {
        self.checks.iter().flat_map(|check| {
            let tries = match &check.finding {
                Finding::Problem(_, tries) => &tries[..],
                _ => &[],
            };
            tries.iter().map(|suggestion| (check.name, suggestion))
        })
    }

    /// The diagnosis as JSON: `problems` is the number of problems, `checks` lists the
    /// results of all checks, and `cures` lists the changes to try.
    pub fn to_json(&self) -> Value {
        let checks: Vec<Value> = self.checks.iter().map(CheckResult::to_json).collect();
        let cures = self.cures().map(|(name, suggestion)| {
            let mut cure = suggestion.to_json();
            cure["problem"] = json!(name);
            cure
        });
        json!({
            "title": self.title,
            "problems": checks.iter().filter(|check| check["verdict"] == "problem").count(),
            "checks": checks,
            "cures": cures.collect::<Vec<_>>(),
        })
    }
}

impl CheckResult {
    fn to_json(&self) -> Value {
        let (verdict, evidence, suggestions) = match &self.finding {
            Finding::Ok(evidence) => ("ok", evidence, &[][..]),
            Finding::Problem(evidence, suggestions) => ("problem", evidence, &suggestions[..]),
            Finding::NotChecked(reason) => ("not-checked", reason, &[][..]),
        };
        let tries: Vec<Value> = suggestions.iter().map(Suggestion::to_json).collect();
        let mut check = json!({
            "check": self.name,
            "verdict": verdict,
            "evidence": evidence,
            "try": tries,
        });
        if let Some(cause) = self.explained_by {
            check["explained_by"] = json!(cause);
        }
        check
    }
}

impl Suggestion {
    fn to_json(&self) -> Value {
        json!({
            "flags": self.flags(),
            "what": self.what,
            "settings": self.settings,
        })
    }
}

/// Relates each problem to the first one that explains it, and leaves out suggestions
/// that contradict earlier ones.
fn explained(findings: &[(Check, Finding)]) -> Vec<CheckResult> {
    let is_problem = |(_, finding): &&(Check, Finding)| matches!(finding, Finding::Problem(..));
    let mut accepted: Vec<Suggestion> = Vec::new();
    let mut results = Vec::new();
    for (check, finding) in findings {
        let mut causes = findings.iter().filter(is_problem).map(|(cause, _)| *cause);
        let cause = causes.find(|cause| cause != check && cause.explains().contains(check));
        let finding = match finding {
            Finding::Problem(evidence, tries) => {
                let allowed = |it: &&Suggestion| {
                    cause.is_none() && !accepted.iter().any(|earlier| earlier.excludes(it))
                };
                let tries: Vec<Suggestion> = tries.iter().filter(allowed).cloned().collect();
                accepted.extend(tries.iter().cloned());
                Finding::Problem(evidence.clone(), tries)
            }
            other => other.clone(),
        };
        let is_explained = matches!(finding, Finding::Problem(..));
        results.push(CheckResult {
            name: check.name(),
            finding,
            explained_by: cause.filter(|_| is_explained).map(Check::name),
        });
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(tries: &[(&'static str, &str)]) -> Finding {
        let tries = tries
            .iter()
            .map(|(name, value)| Suggestion::set(name, *value, ""));
        Finding::Problem(String::new(), tries.collect())
    }

    fn flags(results: &[CheckResult]) -> Vec<String> {
        let diagnosis = Diagnosis {
            title: String::new(),
            checks: results.to_vec(),
            has_data: true,
        };
        diagnosis.cures().map(|(_, it)| it.flags()).collect()
    }

    #[test]
    fn symptoms_of_a_problem_that_was_found_are_not_treated() {
        let results = explained(&[
            (Check::InitialWeights, Finding::Ok(String::new())),
            (Check::RateTooHigh, problem(&[("lr", "0.1")])),
            (Check::TooFewEpochs, problem(&[("epochs", "20")])),
        ]);
        assert_eq!(flags(&results), ["--lr 0.1"]);
        assert_eq!(results[2].explained_by, Some("learning rate too high"));
        assert_eq!(results[0].explained_by, None);
    }

    #[test]
    fn two_cures_do_not_contradict_each_other() {
        let results = explained(&[
            (Check::Leak, problem(&[("ignore", "a")])),
            (
                Check::DeadNeurons,
                problem(&[("lr", "0.1"), ("batch-norm", "true")]),
            ),
            (
                Check::Overfitting,
                problem(&[("lr", "10"), ("dropout", "0.2")]),
            ),
        ]);
        let expected = ["--ignore a", "--lr 0.1", "--batch-norm", "--dropout 0.2"];
        assert_eq!(flags(&results), expected);
    }
}
