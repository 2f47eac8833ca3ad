//! Workers of shared searches that are killed at random times.
//!
//! Several workers run a search. At random times one of them is killed and started again, often
//! with another number, so that other workers must take over its trial. When the workers have
//! finished, the merged result must be that of one process: no trial is lost, and none is in the
//! result twice. Kills continue with further searches until there were enough.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::random::Random;
use crate::error::{Error, Result};
use crate::test_folder;

const WORKERS: u64 = 3;

/// Maximum time between two kills, in milliseconds.
const LONGEST_PAUSE: u64 = 200;

/// Maximum time between a line in a journal and a kill, in milliseconds.
const SHORT_PAUSE: u64 = 20;

/// Maximum time to wait for a line in a journal.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Each search kills at most this often, so that there are several searches.
const KILLS_PER_SEARCH: u32 = 25;

const STRATEGIES: [&str; 2] = ["random", "bayesian"];

const FLAGS: &str = "--data glyphs --limit-train 500 --hidden 16 --epochs 12 --validation 0.3 \
    --space lr=log:1e-4..1e20,dropout=0..0.5 --optimizer sgd --trials 60 --round 5 --threads 1";

/// Files of a search without times.
const FILES: [&str; 2] = ["config.toml", "journal.jsonl"];

/// Kills workers `n_kills` times; returns an error if a result differs from that of one process.
pub(super) fn check(n_kills: u32, seed: u64) -> Result<()> {
    test_folder::run("nn-torture-search", "search", |folder| {
        let io = |source: io::Error| Error::unreadable(folder, source);
        let mut searches = Searches {
            program: super::build()?,
            folder: folder.to_owned(),
            random: Random::new(seed),
            n_kills: 0,
            n_interrupted: 0,
            n_merged: 0,
            n_different: 0,
        };
        let outcome = searches.torture(n_kills).map_err(io);
        println!(
            "{} kills, {} trials interrupted; {} searches merged, {} with a different result",
            searches.n_kills, searches.n_interrupted, searches.n_merged, searches.n_different
        );
        outcome?;
        Ok(searches.n_different as usize)
    })
}

struct Searches {
    program: PathBuf,
    folder: PathBuf,
    random: Random,
    n_kills: u32,
    n_interrupted: usize,
    n_merged: u32,
    n_different: u32,
}

impl Searches {
    fn torture(&mut self, n_kills: u32) -> io::Result<()> {
        let start = Instant::now();
        for number in 0.. {
            let strategy = STRATEGIES[number % STRATEGIES.len()];
            let seed = number / STRATEGIES.len();
            let flags = format!("{FLAGS} --strategy {strategy} --seed {seed}");
            let plain = format!("plain-{number}");
            self.run(&format!("search {plain} {flags}"))?;
            let shared = format!("shared-{number}");
            self.run_and_kill(&shared, &flags, n_kills)?;
            let is_merged = self.run(&format!("search {shared} --merge"))?;
            self.n_merged += 1;
            self.n_interrupted += self.interrupted(&shared)?;
            if !is_merged || self.files(&shared)? != self.files(&plain)? {
                self.n_different += 1;
                println!("{shared}: a different result");
            }
            println!(
                "{:>6.1} s  {shared} ({strategy})  {} kills",
                start.elapsed().as_secs_f64(),
                self.n_kills
            );
            if self.n_kills >= n_kills {
                break;
            }
        }
        Ok(())
    }

    /// Lets workers run a search, and kills them.
    fn run_and_kill(&mut self, name: &str, flags: &str, n_kills: u32) -> io::Result<()> {
        let line = |k| format!("search {name} {flags} --claim-timeout 1s --worker {k}/{WORKERS}");
        let mut workers: Vec<Child> = (0..WORKERS)
            .map(|k| self.start(&line(k)))
            .collect::<io::Result<_>>()?;
        for _ in 0..KILLS_PER_SEARCH.min(n_kills - self.n_kills) {
            let k = self.random.below(WORKERS);
            self.pause(name, k);
            let worker = &mut workers[k as usize];
            if worker.try_wait()?.is_none() {
                worker.kill()?;
                worker.wait()?;
                self.n_kills += 1;
            }
            workers[k as usize] = self.start(&line(k))?;
        }
        for (k, mut worker) in workers.into_iter().enumerate() {
            if !worker.wait()?.success() {
                self.n_different += 1;
                println!("{name}: worker {k} has failed");
            }
        }
        Ok(())
    }

    /// Waits for the moment of a kill: a random time, or a short random time after the worker has
    /// written to its journal, so that enough kills interrupt a trial also on a busy machine.
    fn pause(&mut self, name: &str, k: u64) {
        if self.random.below(2) == 0 {
            let pause = self.random.below(LONGEST_PAUSE);
            return thread::sleep(Duration::from_millis(pause));
        }
        let journal = self.folder.join(format!("runs/{name}/journal.{k}.jsonl"));
        let length = || fs::metadata(&journal).map_or(0, |found| found.len());
        let (start, before) = (Instant::now(), length());
        while length() <= before && start.elapsed() < LONGEST_WAIT {
            thread::sleep(Duration::from_millis(1));
        }
        let pause = self.random.below(SHORT_PAUSE);
        thread::sleep(Duration::from_millis(pause));
    }

    fn run(&self, line: &str) -> io::Result<bool> {
        Ok(self.start(line)?.wait()?.success())
    }

    fn start(&self, line: &str) -> io::Result<Child> {
        Command::new(&self.program)
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }

    /// Number of trials that were claimed again, because their worker was killed.
    fn interrupted(&self, name: &str) -> io::Result<usize> {
        let claims = self.folder.join("runs").join(name).join("workers");
        let mut n_interrupted = 0;
        for entry in fs::read_dir(claims)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            n_interrupted += usize::from(name.starts_with("trial-") && !name.ends_with(".0"));
        }
        Ok(n_interrupted)
    }

    fn files(&self, name: &str) -> io::Result<Vec<String>> {
        let folder = self.folder.join("runs").join(name);
        FILES
            .iter()
            .map(|file| fs::read_to_string(folder.join(file)))
            .collect()
    }
}
