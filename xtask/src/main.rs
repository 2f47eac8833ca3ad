//! Project tasks: `cargo xtask` lists them, one file a task.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program for a terminal, which shows how long each step takes"
)]

mod error;
mod workspace;
mod command;
mod step;
mod fetch_data;
mod test;
mod bench;
mod torture;
mod fuzz;
mod sanitize;
mod browser_tests;
mod tidy;
mod deps;
mod supply_chain;
mod ci;

use std::process::ExitCode;

use error::{Error, Result};

/// One task: what to type and what it does.
struct Task {
    name: &'static str,
    arguments: &'static str,
    purpose: &'static str,
    /// What `--help` behind the name shows, where a line is too short.
    help: Option<&'static str>,
    run: fn(&[String]) -> Result<()>,
}

/// Every task, in the order of the usage table.
static TASKS: [Task; 12] = [
    Task {
        name: "fetch-data",
        arguments: "[NAME...] [--from DIR-or-URL] [--offline]",
        purpose: "bring data sets (default: mnist) into datasets/, through `nn data fetch`",
        help: None,
        run: fetch_data::run,
    },
    Task {
        name: "test",
        arguments: "",
        purpose: "the test matrix: all crates, features off, each instruction set",
        help: None,
        run: test::run,
    },
    Task {
        name: "bench",
        arguments: "[WORKLOAD|PART...] [--peers]",
        purpose: "six workloads beside the machine's peak, or beside other libraries (bench --help)",
        help: Some(bench::HELP),
        run: bench::run,
    },
    Task {
        name: "torture",
        arguments: "[training|download|disk] [--kills N] [--seed S]",
        purpose: "trainings or downloads killed at random, or a disk that fails: the same bytes",
        help: None,
        run: torture::run,
    },
    Task {
        name: "fuzz",
        arguments: "[TARGET...] [--executions N]",
        purpose: "random bytes into everything that reads files (fuzz --help)",
        help: Some(fuzz::HELP),
        run: fuzz::run,
    },
    Task {
        name: "sanitize",
        arguments: "",
        purpose: "nn-tensor's tests under AddressSanitizer, with each instruction set",
        help: None,
        run: sanitize::sanitize,
    },
    Task {
        name: "miri",
        arguments: "",
        purpose: "nn-tensor's small tests under Miri, where a nightly has it",
        help: None,
        run: sanitize::miri,
    },
    Task {
        name: "browser-tests",
        arguments: "[--pictures FOLDER]",
        purpose: "the page of `nn serve` in a chromium, tested or as pictures; skipped where there is none",
        help: None,
        run: browser_tests::run,
    },
    Task {
        name: "tidy",
        arguments: "",
        purpose: "the project's rules (CONTRIBUTING.md), each violation as path:line: rule",
        help: None,
        run: tidy::run,
    },
    Task {
        name: "deps",
        arguments: "[--time]",
        purpose: "dependency counts against their budgets; --time: clean build times too",
        help: None,
        run: deps::run,
    },
    Task {
        name: "supply-chain",
        arguments: "",
        purpose: "licences, sources and duplicates of all dependencies, without a network",
        help: None,
        run: supply_chain::run,
    },
    Task {
        name: "ci",
        arguments: "",
        purpose: "exactly what CI runs, cheapest step first",
        help: None,
        run: ci::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(text) = error.text() {
                eprintln!("error: {text}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<()> {
    let asks_for_help = |argument: &String| matches!(argument.as_str(), "-h" | "--help" | "help");
    match arguments {
        [name, rest @ ..] if !arguments.iter().any(asks_for_help) => (find_task(name)?.run)(rest),
        _ => {
            let named = arguments.iter().find_map(|name| find_task(name).ok()?.help);
            print!("{}", named.map_or_else(usage, String::from));
            Ok(())
        }
    }
}

fn find_task(name: &str) -> Result<&'static Task> {
    TASKS
        .iter()
        .find(|task| task.name == name)
        .ok_or_else(|| Error::usage(format!("unknown task \"{name}\"\n\n{}", usage())))
}

fn usage() -> String {
    let mut text = String::from("Usage: cargo xtask TASK\n\n");
    for Task {
        name,
        arguments,
        purpose,
        ..
    } in &TASKS
    {
        let synopsis = format!("{name} {arguments}");
        text.push_str(&format!("  {synopsis:<42} {purpose}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn usage_names_every_task() {
        let text = usage();
        for task in &TASKS {
            assert!(text.contains(task.name) && text.contains(task.purpose));
        }
    }

    #[test]
    fn an_unknown_task_is_a_usage_error_with_the_list() {
        let error = dispatch(&words("tset")).expect_err("no such task");
        assert_eq!(error.exit_code(), 2);
        let text = error.text().expect("a usage error has a text");
        assert!(text.starts_with("unknown task \"tset\"") && text.contains("fetch-data"));
    }

    #[test]
    fn an_unknown_option_is_a_usage_error_in_every_task() {
        for task in &TASKS {
            let error = (task.run)(&words("--no-such-option")).expect_err(task.name);
            assert_eq!(error.exit_code(), 2, "{}", task.name);
        }
    }
}
