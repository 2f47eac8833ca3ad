//! `nn doctor RUN`: what is wrong with a run, with numbers and a flag to try.
//!
//! Each file of `doctor/` below [`check`] holds a list of [`Check`]s about one thing; a new check is an entry of such a list. Thresholds are rules of
//! thumb, their reasons stand beside them.

mod loss_range;
mod case;
mod check;
mod curves;
mod neurons;
mod objective;
mod samples;

use serde_json::json;

use crate::args::DoctorArguments;
use crate::run_files::locate_run;
use crate::number_text;
use case::Case;
use check::{Check, Finding, Suggestion};
use nn_train::Result;

/// All checks, in the order in which they are told.
fn checks() -> impl Iterator<Item = &'static Check> {
    [
        curves::CHECKS,
        neurons::CHECKS,
        objective::CHECKS,
        samples::CHECKS,
    ]
    .into_iter()
    .flatten()
}

pub(crate) fn run(arguments: &DoctorArguments) -> Result<()> {
    let directory = locate_run(&arguments.run, &arguments.runs_dir)?;
    let case = Case::read(&directory, &arguments.folder.data_dir, arguments.weights)?;
    let looks: Vec<_> = checks().map(|check| (check, (check.look)(&case))).collect();
    if arguments.json {
        terminal::line(to_json(&case, &looks));
    } else {
        lines(&case, &looks).iter().for_each(terminal::line);
    }
    Ok(())
}

fn lines(case: &Case, looks: &[(&Check, Finding)]) -> Vec<String> {
    let mut lines = vec![case.title()];
    let (mut well, mut unknown) = (Vec::new(), Vec::new());
    let mut n_ill = 0;
    for (check, look) in looks {
        match look {
            Finding::Problem(evidence, tries) => {
                n_ill += 1;
                lines.extend([
                    String::new(),
                    check.name.to_owned(),
                    format!("  {evidence}"),
                ]);
                lines.extend(tries.iter().map(|it| try_line(case, it)));
            }
            Finding::Ok(evidence) => well.push((check.name, evidence)),
            Finding::NotChecked(reason) => unknown.push((reason, check.name)),
        }
    }
    if n_ill == 0 {
        lines.extend([String::new(), "nothing wrong found".to_owned()]);
    }
    lines.extend(section("looked for and not found", &well));
    lines.extend(not_looked_for(&unknown));
    lines
}

fn try_line(case: &Case, it: &Suggestion) -> String {
    if it.flags.is_empty() {
        return format!("  try: {}", it.what);
    }
    let config = case.directory.join("config.toml");
    format!(
        "  try: {} train --config {} {}    ({})",
        terminal::program(),
        terminal::quoted(&config.to_string_lossy()),
        it.flags,
        it.what
    )
}

fn section(title: &str, looks: &[(&str, &String)]) -> Vec<String> {
    if looks.is_empty() {
        return Vec::new();
    }
    let width = looks.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or(0);
    let mut lines = vec![String::new(), title.to_owned()];
    lines.extend(
        looks
            .iter()
            .map(|(name, evidence)| format!("  {name:<width$}  {evidence}")),
    );
    lines
}

/// Reasons, each with the checks that it kept from being made.
fn not_looked_for(unknown: &[(&String, &str)]) -> Vec<String> {
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
    let mut lines = vec![String::new(), "could not be looked for".to_owned()];
    for (reason, checks) in reasons {
        lines.push(format!("  {}", checks.join(", ")));
        lines.push(format!("    {reason}"));
    }
    lines
}

fn to_json(case: &Case, looks: &[(&Check, Finding)]) -> serde_json::Value {
    let check = |(check, look): &(&Check, Finding)| {
        let (verdict, evidence, tries) = match look {
            Finding::Ok(evidence) => ("well", evidence, &[][..]),
            Finding::Problem(evidence, tries) => ("ill", evidence, &tries[..]),
            Finding::NotChecked(reason) => ("unknown", reason, &[][..]),
        };
        json!({ "check": check.name, "verdict": verdict, "evidence": evidence, "try": tries })
    };
    let checks: Vec<_> = looks.iter().map(check).collect();
    json!({
        "run": case.directory.to_string_lossy(),
        "ill": checks.iter().filter(|check| check["verdict"] == "ill").count(),
        "checks": checks,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_checks_have_the_same_name() {
        let names: HashSet<_> = checks().map(|check| check.name).collect();
        assert_eq!(names.len(), checks().count());
    }

    #[test]
    fn a_reason_is_told_once() {
        let reason = "no data".to_owned();
        let lines = not_looked_for(&[(&reason, "scale"), (&reason, "balance")]);
        assert_eq!(lines[2..], ["  scale, balance", "    no data"]);
        assert!(not_looked_for(&[]).is_empty());
    }
}
