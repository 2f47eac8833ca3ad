//! Memory and wall time of whole processes.

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::ours::Nn;
use super::statistics::median;
use super::table::{Table, seconds};
use super::workloads;
use crate::error::{Error, Result};
use crate::workspace;

/// Number of starts of a short program; the median is used.
const STARTS: usize = 20;

/// A PNG file of 28 x 28 gray pixels.
const IMAGE: &str = "fuzz/corpus/png/grey-28";

/// Measures the processes and returns a table.
pub(super) fn section(nn: &Nn, data: &Path) -> Result<String> {
    let run = nn.run_folder("process")?;
    let (training_peak, wall) = train(nn, &run)?;
    let path = run.with_file_name("one.png");
    let image = workspace::root().join(IMAGE);
    fs::copy(&image, &path).map_err(|source| Error::unreadable(&image, source))?;
    let words = [run.to_string_lossy(), path.to_string_lossy()].map(String::from);
    let predict = time(nn, &["predict", &words[0], &words[1]])?;
    let info = time(nn, &["data", "info", "mnist"])?;
    let version = time(nn, &["--version"])?;

    let mut table = Table::new(["what", "measured"]);
    table.row([
        "`nn train`, mini32 for 5 epochs: peak resident memory",
        &training_peak,
    ]);
    table.row(["the same command: wall time", &seconds(wall)]);
    let row = |what: &str, time: f64| [format!("{what}, median of {STARTS}"), seconds(time)];
    table.row(row("`nn predict RUN one.png`", predict));
    table.row(row(&format!("`nn data info mnist` ({})", size(data)), info));
    table.row(row("`nn --version`", version));
    Ok(format!(
        "Wall time, including the start of the process.\n\n{}\n",
        table.markdown()
    ))
}

/// Trains and returns the peak memory as text and the wall time in seconds.
fn train(nn: &Nn, run: &Path) -> Result<(String, f64)> {
    let workload = workloads::find("mini32").ok_or(Error::Nothing("no workload mini32"))?;
    let arguments = nn.with_run(&workload.nn_arguments(workload.epochs, 0), run);
    let mut peak = None;
    let start = Instant::now();
    nn.program.watched_output(&arguments, |process| {
        peak = peak_memory(process).or(peak);
    })?;
    let wall = start.elapsed().as_secs_f64();
    let text = peak.map_or("measured on Linux only".to_owned(), |kibibytes| {
        format!("{:.0} MiB", kibibytes / 1024.0)
    });
    Ok((text, wall))
}

/// Reads `VmHWM` in KiB: the peak resident memory so far, so the last value before the
/// end is sufficient.
fn peak_memory(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    kibibytes(&status)
}

fn kibibytes(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Median wall time of a command in seconds.
fn time(nn: &Nn, words: &[&str]) -> Result<f64> {
    eprintln!("nn {}", words.first().unwrap_or(&""));
    let arguments: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let times: Result<Vec<f64>> = (0..STARTS)
        .map(|_| nn.program.seconds(&arguments))
        .collect();
    Ok(median(&times?))
}

/// Size of MNIST's folder in bytes, which `nn data info` reads and decompresses.
fn size(data: &Path) -> String {
    let entries = fs::read_dir(data.join("mnist"))
        .into_iter()
        .flatten()
        .flatten();
    let bytes: u64 = entries
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum();
    format!("{:.1} MB on disk", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_a_status() {
        assert_eq!(kibibytes("Name:\tnn\nVmHWM:\t  2048 kB\n"), Some(2048.0));
        assert_eq!(kibibytes("Name:\tnn\n"), None);
    }
}
