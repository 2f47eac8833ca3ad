//! `cargo xtask test-mpi`: training runs on several processes must give the same model files,
//! byte for byte, as `nn train`.
//!
//! The tests need Open MPI and libclang, and are skipped without them.

mod launcher;
mod programs;
mod kills;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

use crate::command::{Cargo, build_executable, build_program, find_program};
use crate::error::{Error, Result};
use crate::test_folder;
use crate::torture::random::Random;
use launcher::{Launcher, Outcome};
use programs::{FLAGS, IMAGES, Programs, TABLE};

/// The command that installs what the tests need, on Debian and Ubuntu.
const INSTALL: &str = "apt-get install openmpi-bin libopenmpi-dev libclang-dev";

/// Number of kills of `--full`.
const KILLS: u32 = 50;

/// Number of rows of the table.
const N_ROWS: u64 = 300;

/// Runs that differ in what a step computes: name, data, flags.
const CASES: [[&str; 3]; 7] = [
    ["sgd", IMAGES, "--optimizer sgd --lr 0.1 --batch-size 32"],
    ["adam", TABLE, "--optimizer adam --batch-size 32"],
    [
        "dropout",
        TABLE,
        "--batch-size 32 --dropout 0.2 --patience 2",
    ],
    ["batch-norm", TABLE, "--optimizer momentum --batch-norm"],
    ["augmentation", IMAGES, "--batch-size 32 --augment shift"],
    [
        "full-batch",
        IMAGES,
        "--optimizer sgd --batch-size full --clip-norm 1",
    ],
    [
        "blocks",
        TABLE,
        "--batch-size 16 --accumulate 4 --averaging 0.9",
    ],
];

/// The arguments of `cargo xtask test-mpi`.
#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
pub(crate) struct Arguments {
    /// One number of processes per run, as in `cargo xtask ci`
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Also kill processes at random times and resume the runs, 50 times
    #[arg(long)]
    full: bool,
    /// Number of kills, in place of 50
    #[arg(long, value_name = "N")]
    kills: Option<u32>,
    /// Random seed of the times of the kills
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

/// Runs the tests, or says why they are skipped.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    if let Some(missing) = ["mpirun", "mpicc"]
        .into_iter()
        .find(|program| find_program(program).is_none())
    {
        println!("skipped: {missing} is not installed (`{INSTALL}` installs it)");
        return Ok(());
    }
    test_folder::run("nn-mpi", "run on several processes", |folder| {
        let io = |source: io::Error| Error::unreadable(folder, source);
        fs::write(folder.join("points.csv"), points(arguments.seed)).map_err(io)?;
        let programs = Programs {
            nn: build_program()?,
            launcher: Launcher::new(build_nn_mpi()?, folder),
            folder: folder.to_owned(),
        };
        let mut n_broken = programs.compare(arguments.quick).map_err(io)?;
        n_broken += programs.check_errors().map_err(io)?;
        let n_kills = arguments
            .kills
            .unwrap_or(if arguments.full { KILLS } else { 0 });
        if n_kills > 0 {
            n_broken += kills::check(&programs, n_kills, arguments.seed).map_err(io)?;
        }
        Ok(n_broken)
    })
}

/// The tests of `cargo xtask ci`.
pub(crate) fn check_quickly() -> Result<()> {
    run(Arguments {
        quick: true,
        full: false,
        kills: None,
        seed: 0,
    })
}

fn build_nn_mpi() -> Result<PathBuf> {
    let build = Cargo::new("build --locked -p nn-mpi --features mpi");
    build_executable(build, "nn-mpi")
}

/// A table with a class in the last column.
fn points(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = "x,y,z,class\n".to_owned();
    for _ in 0..N_ROWS {
        let [x, y, z] = std::array::from_fn(|_| random.below(1000));
        text.push_str(&format!("{x},{y},{z},{}\n", (x / 300 + y / 500) % 3));
    }
    text
}

impl Programs {
    /// Trains each case with `nn` and with `nn-mpi`; returns the number of different models.
    fn compare(&self, is_quick: bool) -> io::Result<usize> {
        let (start, mut n_broken) = (Instant::now(), 0);
        for (index, [case, data, flags]) in CASES.into_iter().enumerate() {
            let (processes, threads): (&[u32], &[u32]) = match is_quick {
                true if index % 2 == 0 => (&[2], &[1]),
                true => (&[3], &[2]),
                false => (&[1, 2, 3, 4, 8], &[1, 2]),
            };
            let flags = format!("{data} {FLAGS} {flags}");
            let expected = self.train_alone(case, &flags)?;
            for (&n_processes, &n_threads) in processes
                .iter()
                .flat_map(|n| threads.iter().map(move |t| (n, t)))
            {
                let name = format!("{case}-{n_processes}-{n_threads}");
                let line =
                    format!("train --name {name} {flags} --threads {n_threads} --no-report --json");
                let outcome = self.launcher.run(n_processes, &line)?;
                let is_same = outcome.code == 0 && self.model(&name).ok() == Some(expected.clone());
                if !is_same {
                    n_broken += 1;
                    println!("{name}: another model, exit code {}", outcome.code);
                    println!("{}", outcome.errors);
                }
            }
            let seconds = start.elapsed().as_secs_f64();
            println!("{seconds:>6.1} s  {case}: the model of `nn train`");
        }
        Ok(n_broken)
    }

    /// Checks exit codes and messages; returns the number of different ones.
    fn check_errors(&self) -> io::Result<usize> {
        let mut n_broken = 0;
        let mut check = |what: &str, outcome: &Outcome, code: i32, message: &str| {
            let n_messages = outcome.errors.matches(message).count();
            if outcome.code != code || n_messages != 1 {
                n_broken += 1;
                println!("{what}: exit code {} with", outcome.code);
                println!("{}", outcome.errors);
            }
        };
        let invalid = self
            .launcher
            .run(2, "train --optimizer adan --name invalid")?;
        check("an invalid setting", &invalid, 2, "error: ");
        let diverged = format!("train {TABLE} {FLAGS} --optimizer sgd --lr 1e30 --name diverged");
        let diverged = self.launcher.run(2, &diverged)?;
        check("a diverged run", &diverged, 6, "error: ");
        let train = format!("train {TABLE} {FLAGS} --threads 1 --lr");
        let different = [format!("{train} 0.1"), format!("{train} 0.2")];
        let different = self.launcher.run_each(&different, |_| None)?;
        let message = "process 1: command line: process 0 has ";
        check("different flags", &different, 2, message);
        let same = [format!("{train} 0.1"), format!("{train} 0.1")];
        let narrow = |process| (process == 1).then_some(("NN_INSTRUCTION_SET", "portable"));
        let narrow = self.launcher.run_each(&same, narrow)?;
        let message = "process 1: instruction set: process 0 has ";
        check("different instruction sets", &narrow, 2, message);
        if n_broken == 0 {
            println!("          errors: the exit codes and messages of `nn train`");
        }
        Ok(n_broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsing::parse;

    #[test]
    fn options_have_defaults() {
        let arguments: Arguments = parse("--full --seed 3").expect("valid options");
        let expected = Arguments {
            quick: false,
            full: true,
            kills: None,
            seed: 3,
        };
        assert_eq!(arguments, expected);
        let error = parse::<Arguments>("--quick --full").expect_err("a conflict");
        assert_eq!(error.exit_code(), 2);
    }
}
