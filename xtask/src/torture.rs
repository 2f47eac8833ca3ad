//! `cargo xtask torture`: trainings that are killed again and again.
//!
//! A small training with each optimizer in turn saves a checkpoint after each
//! batch. At random moments it is killed (three times of four, and sometimes
//! the newest checkpoint is damaged then) or interrupted with SIGINT, and
//! resumed, until it ends. Its weights must be those of the same training left
//! alone, and no kill may lose a checkpoint.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::build_program;
use crate::error::{Error, Result};

const KILLS: u32 = 500;

/// A training is stopped within so many milliseconds.
const LONGEST_LIFE: u64 = 150;

const OPTIMIZERS: [&str; 9] = [
    "sgd", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "rprop",
];

const FLAGS: &str = "--data points.csv --hidden 20,10 --batch-size 8 --epochs 10 --dropout 0.2 \
    --batch-norm --averaging 0.9 --patience 8 --schedule plateau:patience=1 --no-report";

/// Does what the command line says.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let [n_kills, seed] = parse(arguments)?;
    check(n_kills, u64::from(seed))
}

/// `[--kills N] [--seed S]`
fn parse(arguments: &[String]) -> Result<[u32; 2]> {
    let mut numbers = [KILLS, 0];
    for pair in arguments.chunks(2) {
        let (place, value) = match pair {
            [option, value] if option == "--kills" => (0, value),
            [option, value] if option == "--seed" => (1, value),
            _ => {
                return Err(Error::usage(format!(
                    "expected --kills N or --seed S, found \"{}\"",
                    pair.join(" ")
                )));
            }
        };
        numbers[place] = value.parse().map_err(|_| {
            Error::usage(format!("{}: expected a number, found \"{value}\"", pair[0]))
        })?;
    }
    Ok(numbers)
}

/// Kills so many times, and fails if that changed a byte.
pub(crate) fn check(n_kills: u32, seed: u64) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("nn-torture-{}", std::process::id()));
    let io = |source: io::Error| Error::unreadable(&folder, source);
    fs::create_dir_all(&folder).map_err(io)?;
    let mut chamber = Chamber {
        program: build_program()?,
        folder: folder.clone(),
        random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
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
    if told.different + told.lost > 0 {
        println!("what is left lies in {}", folder.display());
        return Err(Error::Broken {
            what: "training",
            count: (told.different + told.lost) as usize,
        });
    }
    // What stays in the temporary folder harms nobody.
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

/// What has happened so far.
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
            let found = self.train_and_kill(&format!("run-{run}"), which, n_kills)?;
            self.told.ended += 1;
            if found.is_none() || found != expected[which] {
                self.told.different += 1;
                println!("run-{run}: {found:?} instead of {:?}", expected[which]);
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

    /// Trains to the end in spite of everything; gives the weights' checksum.
    fn train_and_kill(
        &mut self,
        run: &str,
        which: usize,
        n_kills: u32,
    ) -> io::Result<Option<String>> {
        let begin = format!(
            "train --name {run} {} --checkpoint-interval 0",
            flags(which)
        );
        let mut child = self.start(&begin)?;
        let mut reached = 0;
        loop {
            if self.told.kills + self.told.signals < n_kills {
                let life = self.random.below(LONGEST_LIFE);
                thread::sleep(Duration::from_millis(life));
                self.stop(&mut child)?;
            }
            if child.wait()?.success() {
                return Ok(self.weights(run));
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
            }
            let threads = 1 + self.random.below(3);
            let folder = self.folder.join("runs").join(run);
            child = if folder.join("config.toml").exists() {
                self.start(&format!(
                    "train --resume {run} --threads {threads} --no-report --checkpoint-interval 0"
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

    /// Flips a bit, or cuts the file.
    fn damage(&mut self, path: &Path) -> io::Result<()> {
        let mut bytes = fs::read(path)?;
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
        let folder = self.folder.join("runs").join(run).join("checkpoint");
        fs::read_dir(folder)
            .ok()?
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok()?;
                let number = name.strip_prefix("step-")?.strip_suffix(".safetensors")?;
                Some((number.parse().ok()?, entry.path()))
            })
            .max()
    }

    fn weights(&self, run: &str) -> Option<String> {
        let path = self.folder.join("runs").join(run).join("summary.json");
        let summary = fs::read_to_string(path).ok()?;
        let line = summary
            .lines()
            .find(|line| line.contains("weights_sha256"))?;
        Some(line.trim().to_owned())
    }

    /// Three clouds of points.
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

/// Marsaglia's xorshift64 (2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(line: &str) -> Result<[u32; 2]> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        parse(&words)
    }

    #[test]
    fn options_have_defaults() {
        assert_eq!(numbers("").expect("nothing to refuse"), [KILLS, 0]);
        assert_eq!(numbers("--seed 3").expect("an option"), [KILLS, 3]);
        assert_eq!(numbers("--kills 9 --seed 3").expect("two options"), [9, 3]);
        for wrong in ["--kills", "--kills x", "9", "--kils 9"] {
            assert_eq!(numbers(wrong).expect_err(wrong).exit_code(), 2);
        }
    }
}
