//! Steps that run one after the other, stop at the first failure, and are timed.

use std::time::{Duration, Instant};

use crate::command::Cargo;
use crate::error::Result;

/// A step with its title.
pub(crate) struct Step {
    title: String,
    work: Box<dyn Fn() -> Result<()>>,
}

impl Step {
    /// Creates a step that calls cargo.
    pub(crate) fn cargo(command: Cargo) -> Self {
        Self::new(command.to_string(), move || command.run())
    }

    /// Creates a step that runs a function.
    pub(crate) fn new(title: impl Into<String>, work: impl Fn() -> Result<()> + 'static) -> Self {
        Self {
            title: title.into(),
            work: Box::new(work),
        }
    }
}

/// Runs `steps` in order up to the first failure, then prints a summary.
///
/// # Errors
/// The error of the step that failed.
pub(crate) fn run_all(steps: &[Step]) -> Result<()> {
    let mut seconds = Vec::new();
    let mut outcome = Ok(());
    for (index, step) in steps.iter().enumerate() {
        println!("\n[{}/{}] {}", index + 1, steps.len(), step.title);
        let start = Instant::now();
        outcome = (step.work)();
        seconds.push(start.elapsed());
        if outcome.is_err() {
            break;
        }
    }
    print!("\n{}", summary(steps, &seconds, outcome.is_ok()));
    outcome
}

/// One line per step: its seconds, its outcome and its title.
fn summary(steps: &[Step], durations: &[Duration], succeeded: bool) -> String {
    let mut text = String::new();
    for (index, step) in steps.iter().enumerate() {
        let is_last_run = index + 1 == durations.len();
        let line = match durations.get(index) {
            None => format!("{:>8}    not run  {}\n", "", step.title),
            Some(time) => {
                let verdict = if is_last_run && !succeeded {
                    "FAILED"
                } else {
                    "ok"
                };
                format!(
                    "{:>8.1} s  {verdict:<7}  {}\n",
                    time.as_secs_f64(),
                    step.title
                )
            }
        };
        text.push_str(&line);
    }
    let total: Duration = durations.iter().sum();
    let verdict = if succeeded { "all ok" } else { "FAILED" };
    text.push_str(&format!("{:>8.1} s  {verdict}\n", total.as_secs_f64()));
    text
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::error::Error;

    #[test]
    fn nothing_runs_after_a_failure() {
        let log = Rc::new(RefCell::new(Vec::new()));
        let step = |name: &'static str, succeeds: bool| {
            let log = Rc::clone(&log);
            Step::new(name, move || {
                log.borrow_mut().push(name);
                if succeeds {
                    Ok(())
                } else {
                    Err(Error::Exit(7))
                }
            })
        };
        let outcome = run_all(&[step("a", true), step("b", false), step("c", true)]);
        assert_eq!(outcome.expect_err("b fails").exit_code(), 7);
        assert_eq!(*log.borrow(), ["a", "b"]);
    }

    #[test]
    fn the_summary_tells_failed_from_not_run() {
        let steps = ["a", "b", "c"].map(|name| Step::new(name, || Ok(())));
        let seconds = [1, 2].map(Duration::from_secs);
        assert_eq!(
            summary(&steps, &seconds, false),
            "     1.0 s  ok       a\n     2.0 s  FAILED   b\n            not run  c\n     3.0 s  FAILED\n"
        );
    }
}
