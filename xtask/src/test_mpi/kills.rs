//! Runs on several processes of which one is killed at a random time. The run is resumed with
//! another number of processes, until it is finished.

use std::io;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::launcher::Launcher;
use super::programs::{FLAGS, IMAGES, Programs};
use crate::torture::random::Random;

/// Longest time from the start of a run to the kill, in milliseconds.
const LONGEST_LIFE: u64 = 2500;

/// Checkpoints are saved as often as possible.
const KILLED: &str = "--optimizer adam --batch-size 8 --dropout 0.2 --epochs 12 \
    --checkpoint-interval 0 --threads 1 --no-report --json";

/// Exit code of a run without a checkpoint, which must start again.
const NO_CHECKPOINT: i32 = 3;

/// Kills processes `n_kills` times; returns the number of runs with other models.
pub(super) fn check(programs: &Programs, n_kills: u32, seed: u64) -> io::Result<usize> {
    let flags = format!("{IMAGES} {FLAGS} {KILLED}").replace("--epochs 2 ", "");
    let alone = flags.replace(" --threads 1 --no-report --json", "");
    let expected = programs.train_alone("undisturbed", &alone)?;
    let mut random = Random::new(seed);
    let (start, mut n_done, mut n_broken) = (Instant::now(), 0, 0);
    for run in 0.. {
        let name = format!("killed-{run}");
        let mut n_processes = 0;
        let mut line = format!("train --name {name} {flags}");
        loop {
            n_processes = other_number(n_processes, &mut random);
            let mut mpirun = programs.launcher.start(n_processes, &line)?;
            let is_killed = n_done < n_kills && {
                thread::sleep(Duration::from_millis(random.below(LONGEST_LIFE)));
                kill_one(&Launcher::children(&mpirun), &mut random)?
            };
            n_done += u32::from(is_killed);
            let status = mpirun.wait()?;
            if status.success() {
                break;
            }
            let run_dir = programs.folder.join("runs").join(&name);
            let is_lost = status.code() == Some(NO_CHECKPOINT);
            if !is_killed && !is_lost {
                n_broken += 1;
                println!("{name}: {n_processes} processes ended with {status}");
                break;
            }
            line = if is_lost || !run_dir.join("config.toml").exists() {
                let _ = std::fs::remove_dir_all(&run_dir);
                format!("train --name {name} {flags}")
            } else {
                let resumed = "--checkpoint-interval 0 --threads 1 --no-report --json";
                format!("train --resume {name} {resumed}")
            };
        }
        if programs.model(&name).ok() != Some(expected.clone()) {
            n_broken += 1;
            println!("{name}: another model");
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("{seconds:>6.1} s  run {run} is finished after {n_done} kills");
        if n_done >= n_kills {
            break;
        }
    }
    Ok(n_broken)
}

/// A number of processes that differs from the last.
fn other_number(last: u32, random: &mut Random) -> u32 {
    let others: Vec<u32> = [1, 2, 3, 4].into_iter().filter(|&n| n != last).collect();
    others[random.below(others.len() as u64) as usize]
}

/// Kills one of the processes; returns `false` if there is none.
fn kill_one(processes: &[u32], random: &mut Random) -> io::Result<bool> {
    if processes.is_empty() {
        return Ok(false);
    }
    let process = processes[random.below(processes.len() as u64) as usize];
    let status = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status()?;
    Ok(status.success())
}
