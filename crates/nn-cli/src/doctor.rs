//! The command `nn doctor`: diagnoses a run.

use std::path::PathBuf;

use clap::Args;
use nn_report::{Diagnosis, Finding, Suggestion};
use nn_train::Result;
use nn_train::command_line::quoted;
use nn_train::run_dir::{CONFIG, locate_run};
use serde_json::json;

use crate::args::{DataFolder, RunsFolder, WeightCheck};
use crate::terminal;

#[derive(Args, Debug)]
#[command(
    after_help = "The exit code is 0 even if problems are found, unless a file of the run is missing or damaged.\n\
    Checks that need the model or the data set are skipped, with the reason, if these are not available."
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
        terminal::line(to_json(&diagnosis));
    } else {
        lines(&diagnosis).iter().for_each(terminal::line);
    }
    Ok(())
}

fn lines(diagnosis: &Diagnosis) -> Vec<String> {
    let mut lines = vec![diagnosis.title.clone()];
    let (mut ok, mut unchecked) = (Vec::new(), Vec::new());
    let mut n_problems = 0;
    for (name, finding) in &diagnosis.findings {
        match finding {
            Finding::Problem(evidence, suggestions) => {
                n_problems += 1;
                lines.extend([String::new(), (*name).to_owned(), format!("  {evidence}")]);
                let suggestions = suggestions.iter();
                lines.extend(suggestions.map(|it| suggestion_line(diagnosis, it)));
            }
            Finding::Ok(evidence) => ok.push((*name, evidence)),
            Finding::NotChecked(reason) => unchecked.push((reason, *name)),
            _ => {}
        }
    }
    if n_problems == 0 {
        lines.extend([String::new(), "no problem found".to_owned()]);
    }
    lines.extend(section("checked, no problem", &ok));
    lines.extend(not_checked(&unchecked));
    lines
}

fn suggestion_line(diagnosis: &Diagnosis, suggestion: &Suggestion) -> String {
    let Suggestion { flags, what, .. } = suggestion;
    if flags.is_empty() {
        return format!("  try: {what}");
    }
    let (program, config) = (terminal::program(), diagnosis.run.join(CONFIG));
    let config = quoted(&config.to_string_lossy());
    format!("  try: {program} train --config {config} {flags}    ({what})")
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

fn to_json(diagnosis: &Diagnosis) -> serde_json::Value {
    let check = |(name, finding): &(&str, Finding)| {
        let (verdict, evidence, suggestions) = match finding {
            Finding::Ok(evidence) => ("ok", evidence.as_str(), &[][..]),
            Finding::Problem(evidence, tries) => ("problem", evidence.as_str(), &tries[..]),
            Finding::NotChecked(reason) => ("not-checked", reason.as_str(), &[][..]),
            _ => ("unknown", "", &[][..]),
        };
        json!({ "check": name, "verdict": verdict, "evidence": evidence, "try": suggestions })
    };
    let checks: Vec<_> = diagnosis.findings.iter().map(check).collect();
    json!({
        "run": diagnosis.run.to_string_lossy(),
        "problems": checks.iter().filter(|check| check["verdict"] == "problem").count(),
        "checks": checks,
    })
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
