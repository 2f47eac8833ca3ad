//! Training runs that are killed at random times.
//!
//! Small training runs, with each optimizer in turn, save a checkpoint after each batch; in
//! every second run, checkpoints are at least 20 ms apart. At random times a run is killed
//! (three of four times) or interrupted with SIGINT, and resumed, until it is finished;
//! sometimes the newest checkpoint is damaged in between. The weights must be the same as
//! after an undisturbed run, and no kill may lose a checkpoint.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::random::Random;
use crate::error::{Error, Result};
use crate::test_folder;

/// Exit code of a run without an intact checkpoint: if the only checkpoint was damaged, the
/// run must start again.
const NOTHING_WHOLE: i32 = 3;

/// Maximum time before a run is stopped, in milliseconds.
const LONGEST_LIFE: u64 = 150;

/// Minimum seconds between checkpoints: one after each batch, or a few of them, so
/// epochs are trained again and their best checkpoint is held in memory.
const INTERVALS: [&str; 2] = ["0", "0.02"];

const OPTIMIZERS: [&str; 9] = [
    "sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "rprop",
];

const FLAGS: &str = "--data points.csv --hidden 20,10 --batch-size 8 --epochs 10 --dropout 0.2 \
    --batch-norm --averaging 0.9 --patience 8 --schedule plateau:patience=1 --no-report";

/// Kills training runs `n_kills` times; returns an error if a byte of the weights changed.
pub(super) fn check(n_kills: u32, seed: u64) -> Result<()> {
    test_folder::run("nn-torture", "training run", |folder| {
        let io = |source: io::Error| Error::unreadable(folder, source);
        let mut chamber = Chamber {
            program: super::build()?,
            folder: folder.to_owned(),
            random: Random::new(seed),
            told: Told::default(),
        };
        fs::write(folder.join("points.csv"), chamber.points()).map_err(io)?;
        let outcome = chamber.torture(n_kills).map_err(io);
        let told = &chamber.told;
        println!(
            "{} stops: {} kills, {} signals, {} checkpoints damaged; {} trainings ended, \
             {} with other bytes, {} checkpoints lost",
            told.kills + told.signals,
            told.kills,
            told.signals,
            told.damaged,
            told.ended,
            told.different,
            told.lost
        );
        outcome?;
        Ok((told.different + told.lost) as usize)
    })
}

/// The results so far.
#[derive(Debug, Default)]
struct Told {
    kills: u32,
    signals: u32,
    damaged: u32,
    ended: u32,
    different: u32,
    lost: u32,
}

struct Chamber {
    program: PathBuf,
    folder: PathBuf,
    random: Random,
    told: Told,
}

impl Chamber {
    fn torture(&mut self, n_kills: u32) -> io::Result<()> {
        let mut expected = Vec::new();
        let start = Instant::now();
        for run in 0.. {
            let which = run % OPTIMIZERS.len();
            if which == expected.len() {
                let name = format!("whole-{which}");
                self.start(&format!("train --name {name} {}", flags(which)))?
                    .wait()?;
                expected.push(self.weights(&name));
            }
            let interval = INTERVALS[(run / OPTIMIZERS.len() + run) % 2];
            let found = self.train_and_kill(&format!("run-{run}"), which, interval, n_kills)?;
            self.told.ended += 1;
            if found.is_none() || found != expected[which] {
                self.told.different += 1;
                println!("run-{run}: expected {:?}, found {found:?}", expected[which]);
            } else {
                fs::remove_dir_all(self.folder.join(format!("runs/run-{run}")))?;
            }
            let done = self.told.kills + self.told.signals;
            println!(
                "{:>6.1} s  run {run} ({})  {done} stops",
                start.elapsed().as_secs_f64(),
                OPTIMIZERS[which]
            );
            if done >= n_kills {
                break;
            }
        }
        Ok(())
    }

    /// Trains to the end with interruptions; returns the checksum of the weights.
    fn train_and_kill(
        &mut self,
        run: &str,
        which: usize,
        interval: &str,
        n_kills: u32,
    ) -> io::Result<Option<String>> {
        let begin = format!(
            "train --name {run} {} --checkpoint-interval {interval}",
            flags(which)
        );
        let mut child = self.start(&begin)?;
        let mut reached = 0;
        let mut damaged = Vec::new();
        loop {
            if self.told.kills + self.told.signals < n_kills {
                let life = self.random.below(LONGEST_LIFE);
                thread::sleep(Duration::from_millis(life));
                self.stop(&mut child)?;
            }
            let status = child.wait()?;
            if status.success() {
                return Ok(self.weights(run));
            }
            let folder = self.folder.join("runs").join(run);
            if status.code() == Some(NOTHING_WHOLE) {
                self.told.lost += u32::from(
                    !self
                        .checkpoints(run)
                        .all(|(_, path)| damaged.contains(&path)),
                );
                fs::remove_dir_all(folder)?;
                (reached, child) = (0, self.start(&begin)?);
                continue;
            }
            let newest = self.newest(run);
            let step = newest.as_ref().map_or(0, |(step, _)| *step);
            if step < reached {
                self.told.lost += 1;
            }
            reached = step;
            if let Some((_, path)) = newest
                && self.random.below(4) == 0
            {
                self.damage(&path)?;
                damaged.push(path);
            }
            let threads = 1 + self.random.below(3);
            child = if folder.join("config.toml").exists() {
                self.start(&format!(
                    "train --resume {run} --threads {threads} --no-report \
                     --checkpoint-interval {interval}"
                ))?
            } else {
                // Killed before it began; there may be no folder yet.
                let _ = fs::remove_dir_all(folder);
                self.start(&begin)?
            };
        }
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

    fn stop(&mut self, child: &mut Child) -> io::Result<()> {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        if cfg!(unix) && self.random.below(4) == 0 {
            self.told.signals += 1;
            let id = child.id().to_string();
            Command::new("kill").args(["-INT", &id]).status()?;
            return Ok(());
        }
        self.told.kills += 1;
        child.kill()
    }

    /// Damages a file: flips a bit or truncates the file.
    fn damage(&mut self, path: &Path) -> io::Result<()> {
        let mut bytes = fs::read(path)?;
        if bytes.is_empty() {
            // It was cut to nothing before.
            return Ok(());
        }
        let place = self.random.below(bytes.len() as u64) as usize;
        if self.random.below(2) == 0 {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1 << self.random.below(8);
        }
        self.told.damaged += 1;
        fs::write(path, bytes)
    }

    /// The step and the path of the newest checkpoint.
    fn newest(&self, run: &str) -> Option<(u64, PathBuf)> {
        self.checkpoints(run).max()
    }

    /// The steps and the paths of all checkpoints.
    fn checkpoints(&self, run: &str) -> impl Iterator<Item = (u64, PathBuf)> + use<> {
        let folder = self.folder.join("runs").join(run).join("checkpoint");
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let number = name.strip_prefix("step-")?.strip_suffix(".safetensors")?;
            Some((number.parse().ok()?, entry.path()))
        })
    }

    fn weights(&self, run: &str) -> Option<String> {
        let path = self.folder.join("runs").join(run).join("summary.json");
        let summary = fs::read_to_string(path).ok()?;
        let line = summary
            .lines()
            .find(|line| line.contains("weights_sha256"))?;
        Some(line.trim().to_owned())
    }

    /// A table with three clusters of points.
    fn points(&mut self) -> String {
        let mut text = String::from("u,v,cloud\n");
        for row in 0..240_u64 {
            let cloud = row % 3;
            let mut near = |centre: u64| centre * 1000 + self.random.below(1800);
            let (u, v) = (near(cloud), near(cloud * cloud % 4));
            text.push_str(&format!("{u},{v},{}\n", ["a", "b", "c"][cloud as usize]));
        }
        text
    }
}

fn flags(which: usize) -> String {
    format!("{FLAGS} --optimizer {}", OPTIMIZERS[which])
}
