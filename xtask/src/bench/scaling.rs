//! Growth of the time per epoch with rows and parameters, and speed-up by more threads.

use super::ours::Nn;
use super::statistics::median;
use super::table::{Table, ratio, seconds, thousands};
use super::workloads;
use crate::error::Result;

const ROWS: [usize; 4] = [7_500, 15_000, 30_000, 60_000];
const WIDTHS: [usize; 5] = [64, 128, 256, 512, 1024];
const N_INPUTS: usize = 784;
const N_OUTPUTS: usize = 10;

/// Workloads that are measured on one thread and on all threads.
const THREADED: [&str; 3] = ["adam128", "deep256", "gd64"];

/// Measures and returns three tables.
pub(super) fn section(nn: &Nn, rounds: usize) -> Result<String> {
    Ok(format!(
        "Growth is the time divided by the time in the line above; proportional growth is 2.00 x.\n\n\
         More rows, 784-128-10, batch 64:\n\n{}\n\
         More hidden units, 30 000 rows, batch 64:\n\n{}\n\
         More threads:\n\n{}\n",
        rows(nn, rounds)?,
        widths(nn, rounds)?,
        threads(nn, rounds)?
    ))
}

/// Measures 784-128-10 in batches of 64 with increasing numbers of rows.
fn rows(nn: &Nn, rounds: usize) -> Result<String> {
    let lines = ROWS.map(|rows| format!("{} --limit-train {rows}", training(128, 4)));
    let times = times(nn, &lines, rounds)?;
    let mut table = Table::new(["rows", "s/epoch", "growth"]);
    for (index, rows) in ROWS.into_iter().enumerate() {
        let growth = index
            .checked_sub(1)
            .map(|before| times[index] / times[before]);
        table.row([
            thousands(rows as f64),
            seconds(times[index]),
            growth.map_or(String::new(), ratio),
        ]);
    }
    Ok(table.markdown())
}

/// Measures a hidden layer of increasing width on 30 000 rows.
fn widths(nn: &Nn, rounds: usize) -> Result<String> {
    let lines = WIDTHS.map(|width| format!("{} --limit-train 30000", training(width, 3)));
    let times = times(nn, &lines, rounds)?;
    let mut table = Table::new(["hidden units", "parameters", "s/epoch", "growth"]);
    for (index, width) in WIDTHS.into_iter().enumerate() {
        let growth = index
            .checked_sub(1)
            .map(|before| times[index] / times[before]);
        table.row([
            width.to_string(),
            thousands(((N_INPUTS + 1) * width + (width + 1) * N_OUTPUTS) as f64),
            seconds(times[index]),
            growth.map_or(String::new(), ratio),
        ]);
    }
    Ok(table.markdown())
}

fn training(width: usize, epochs: usize) -> String {
    format!(
        "train --data mnist --hidden {width} --activation relu --batch-size 64 --optimizer sgd \
         --lr 0.1 --validation 0 --epochs {epochs}"
    )
}

fn threads(nn: &Nn, rounds: usize) -> Result<String> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let title = format!("{all} threads");
    let mut table = Table::new(["workload", "1 thread", &title, "speed-up"]);
    for name in THREADED {
        let Some(workload) = workloads::find(name) else {
            continue;
        };
        let line = workload.nn_arguments(workload.epochs, 0).join(" ");
        let lines = [1, all].map(|threads| format!("{line} --threads {threads}"));
        let times = times(nn, &lines, rounds)?;
        let gain = times[0] / times[1];
        table.row([
            name.to_owned(),
            seconds(times[0]),
            seconds(times[1]),
            ratio(gain),
        ]);
    }
    Ok(table.markdown())
}

/// Median seconds per epoch of each command line; the command lines take turns.
fn times(nn: &Nn, lines: &[String], rounds: usize) -> Result<Vec<f64>> {
    let mut measured = vec![Vec::new(); lines.len()];
    for _ in 0..rounds {
        for (line, measured) in lines.iter().zip(&mut measured) {
            let arguments: Vec<String> = line.split(' ').map(String::from).collect();
            let training = nn.train_with(&arguments)?;
            eprintln!("{:>8}/epoch  nn {line}", seconds(training.median));
            measured.push(training.median);
        }
    }
    Ok(measured.iter().map(|times| median(times)).collect())
}
