//! Project tasks, one file per task; `cargo xtask --help` lists them.
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
#[cfg(test)]
mod parsing;
mod packages;
mod tool;
mod fetch_data;
mod features;
mod test;
mod bench;
mod test_folder;
mod torture;
mod test_mpi;
mod mutants;
mod fuzz;
mod sanitize;
mod browser_tests;
mod tidy;
mod typos;
mod deps;
mod supply_chain;
mod package;
mod semver;
mod msrv;
mod book;
mod ci;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use error::Result;

/// Project tasks
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct CommandLine {
    #[command(subcommand)]
    task: Task,
}

/// All tasks, in the order of the help.
#[derive(Debug, Subcommand)]
enum Task {
    /// Download data sets into datasets/ with `nn data fetch`
    FetchData(fetch_data::Arguments),
    /// Run the tests of all crates, those with kernels also with each instruction set
    Test,
    /// Benchmark six workloads against the machine's peak, or against other libraries
    ///
    /// `--peers` without other arguments measures everything (25 minutes on two cores) and
    /// writes the results to benches/results/DATE.md. The other libraries are installed and
    /// built once in target/peers (10 GB). Run nothing else on the machine during a
    /// benchmark. The data set MNIST is needed: `cargo xtask fetch-data` downloads it.
    Bench(bench::Arguments),
    /// Kill training runs or downloads at random times, or inject disk errors, and check
    /// the results
    Torture(torture::Arguments),
    /// Train on several processes with MPI, and compare the models with those of `nn train`;
    /// skipped if MPI is missing
    TestMpi(test_mpi::Arguments),
    /// Change single expressions and run the tests, which should notice (needs cargo-mutants)
    ///
    /// All parts take hours. `--one-of 10` measures a tenth of the changes.
    Mutants(mutants::Arguments),
    /// Fuzz every function that reads files with random bytes
    ///
    /// An input that makes a target panic, use 512 MiB of memory or run for a minute is
    /// saved in fuzz/corpus/TARGET, and every later `cargo test` replays it. Inputs that
    /// only reach new code are saved in target/fuzz/corpus. Fuzzing needs a C++ compiler.
    Fuzz(fuzz::Request),
    /// Run nn-tensor's tests under AddressSanitizer, with each instruction set
    Sanitize,
    /// Run nn-tensor's small tests under Miri (needs a nightly toolchain)
    Miri,
    /// Test the page of `nn serve` in Chromium; skipped if Chromium, Node.js or npm is
    /// missing
    BrowserTests(browser_tests::Arguments),
    /// Check the project's rules (CONTRIBUTING.md); prints violations as path:line: rule
    Tidy,
    /// Check the spelling (needs typos-cli)
    Typos,
    /// Compare the numbers of dependencies with their budgets
    Deps(deps::Arguments),
    /// Check licenses, sources and duplicates of all dependencies (needs cargo-deny)
    SupplyChain,
    /// Check each crate without features and with each feature alone
    Features,
    /// Check the workspace with its minimum Rust version (needs this toolchain)
    Msrv,
    /// Compare the public interfaces with the last release (needs cargo-semver-checks)
    Semver,
    /// Build the packages for crates.io and run their tests outside of the workspace
    Package,
    /// Build the book from docs/ into target/book (needs mdbook)
    Book,
    /// Run all checks of CI, the cheapest first
    Ci,
}

fn main() -> ExitCode {
    match run(CommandLine::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(text) = error.text() {
                eprintln!("error: {text}");
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::FetchData(arguments) => fetch_data::run(&arguments),
        Task::Test => test::run(),
        Task::Bench(arguments) => bench::run(arguments),
        Task::Torture(arguments) => torture::run(arguments),
        Task::TestMpi(arguments) => test_mpi::run(arguments),
        Task::Mutants(arguments) => mutants::run(&arguments),
        Task::Fuzz(request) => fuzz::run(&request),
        Task::Sanitize => sanitize::sanitize(),
        Task::Miri => sanitize::miri(),
        Task::BrowserTests(arguments) => browser_tests::run(arguments),
        Task::Tidy => tidy::check(),
        Task::Typos => typos::run(),
        Task::Deps(arguments) => deps::run(&arguments),
        Task::SupplyChain => supply_chain::check(),
        Task::Features => features::run(),
        Task::Msrv => msrv::run(),
        Task::Semver => semver::run(),
        Task::Package => package::run(),
        Task::Book => book::run(),
        Task::Ci => ci::run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn an_unknown_task_is_a_usage_error() {
        let error = CommandLine::try_parse_from(["xtask", "tset"]).expect_err("no such task");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("'test'"), "{error}");
    }

    #[test]
    fn an_unknown_option_is_a_usage_error_in_every_task() {
        let command = CommandLine::command();
        for task in command.get_subcommands() {
            let line = ["xtask", task.get_name(), "--no-such-option"];
            let error = CommandLine::try_parse_from(line).expect_err(task.get_name());
            assert_eq!(error.exit_code(), 2, "{}", task.get_name());
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
