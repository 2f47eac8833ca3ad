//! The command `nn doctor`: diagnoses a run.

use std::path::{Path, PathBuf};

use clap::Args;
use nn_report::{Diagnosis, Finding, Suggestion};
use nn_train::Result;
use nn_train::command_line::quoted;
use nn_train::run_dir::{CONFIG, locate_run};

use crate::args::{DataFolder, RunsFolder, WeightCheck};
use crate::terminal;

#[derive(Args, Debug)]
#[command(
    after_help = "The exit code is 0 even if problems are found, unless a file of the run is missing or damaged.\n\
    Checks that need an unavailable model or data set are skipped, and the reason is shown."
)]
pub(crate) struct DoctorArguments {
    /// Run directory or name of a run
    #[arg(value_name = "RUN")]
    run: PathBuf,
    #[command(flatten)]
    runs_folder: RunsFolder,
    #[command(flatten)]
    weights: WeightCheck,
    #[command(flatten)]
    folder: DataFolder,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &DoctorArguments) -> Result<()> {
    let directory = locate_run(&arguments.run, &arguments.runs_folder.runs_dir)?;
    let allow_nonfinite = arguments.weights.allow_nonfinite;
    let diagnosis = Diagnosis::new(&directory, &arguments.folder.data_dir, allow_nonfinite)?;
    if arguments.json {
        let mut json = diagnosis.to_json();
        json["run"] = directory.to_string_lossy().into();
        terminal::line(json);
    } else {
        lines(&directory, &diagnosis)
            .iter()
            .for_each(terminal::line);
    }
    Ok(())
}

fn lines(run: &Path, diagnosis: &Diagnosis) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", run.display(), diagnosis.title)];
    let (mut ok, mut unchecked) = (Vec::new(), Vec::new());
    for check in &diagnosis.checks {
        match &check.finding {
            Finding::Problem(evidence, _) if check.explained_by.is_none() => {
                lines.extend([
                    String::new(),
                    check.name.to_owned(),
                    format!("  {evidence}"),
                ]);
                lines.extend(symptoms(diagnosis, check.name));
            }
            Finding::Problem(..) => {}
            Finding::Ok(evidence) => ok.push((check.name, evidence)),
            Finding::NotChecked(reason) => unchecked.push((reason, check.name)),
            _ => {}
        }
    }
    if lines.len() == 1 {
        lines.extend([String::new(), nothing_found(diagnosis, unchecked.len())]);
    }
    lines.extend(cures(run, diagnosis));
    lines.extend(section("checked, no problem", &ok));
    lines.extend(not_checked(&unchecked));
    lines
}

/// Says that no problem was found, and by how many checks if some were skipped.
fn nothing_found(diagnosis: &Diagnosis, n_unchecked: usize) -> String {
    let n_checks = diagnosis.checks.len();
    let n_checked = n_checks - n_unchecked;
    match (n_unchecked, diagnosis.has_data) {
        (0, _) => "no problem found".to_owned(),
        (_, true) => format!("no problem found by {n_checked} of {n_checks} checks"),
        (_, false) => format!(
            "no problem found by {n_checked} of {n_checks} checks; most others need the data (set \
             --data-dir)"
        ),
    }
}

/// The problems that another one explains.
fn symptoms(diagnosis: &Diagnosis, cause: &str) -> Vec<String> {
    let checks = diagnosis.checks.iter();
    let symptoms = checks.filter(|check| check.explained_by == Some(cause));
    let symptoms = symptoms.filter_map(|check| match &check.finding {
        Finding::Problem(evidence, _) => Some(format!("    {}: {evidence}", check.name)),
        _ => None,
    });
    let mut lines: Vec<String> = symptoms.collect();
    if !lines.is_empty() {
        lines.insert(0, "  Possible cause of:".to_owned());
    }
    lines
}

/// What to try, numbered.
fn cures(run: &Path, diagnosis: &Diagnosis) -> Vec<String> {
    let mut problems: Vec<&str> = diagnosis.cures().map(|(problem, _)| problem).collect();
    problems.dedup();
    let config = run.join(CONFIG);
    let config = quoted(&config.to_string_lossy());
    let cure = |(number, (problem, suggestion)): (usize, (&str, &Suggestion))| {
        let what = match problems.len() {
            1 => suggestion.what.to_string(),
            _ => format!("{problem}: {}", suggestion.what),
        };
        match suggestion.flags() {
            flags if flags.is_empty() => format!("  {number}. {what}"),
            flags => {
                let program = terminal::program();
                format!("  {number}. {program} train --config {config} {flags}    ({what})")
            }
        }
    };
    let mut lines: Vec<String> = (1..).zip(diagnosis.cures()).map(cure).collect();
    if !lines.is_empty() {
        let title = "try one thing at a time, in this order";
        lines.splice(0..0, [String::new(), title.to_owned()]);
    }
    lines
}

fn section(title: &str, findings: &[(&str, &String)]) -> Vec<String> {
    if findings.is_empty() {
        return Vec::new();
    }
    let width = findings.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut lines = vec![String::new(), title.to_owned()];
    lines.extend(
        findings
            .iter()
            .map(|(name, evidence)| format!("  {name:<width$}  {evidence}")),
    );
    lines
}

/// The checks that were skipped, grouped by reason.
fn not_checked(unknown: &[(&String, &str)]) -> Vec<String> {
    let mut reasons: Vec<(&String, Vec<&str>)> = Vec::new();
    for &(reason, check) in unknown {
        match reasons.iter_mut().find(|known| known.0 == reason) {
            Some((_, checks)) => checks.push(check),
            None => reasons.push((reason, vec![check])),
        }
    }
    if reasons.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "not checked".to_owned()];
    for (reason, checks) in reasons {
        lines.push(format!("  {}", checks.join(", ")));
        lines.push(format!("    {reason}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_printed_once() {
        let reason = "no data".to_owned();
        let lines = not_checked(&[(&reason, "scale"), (&reason, "balance")]);
        assert_eq!(lines[2..], ["  scale, balance", "    no data"]);
        assert!(not_checked(&[]).is_empty());
    }
}
