//! What a process costs besides its training: memory, and the time until the
//! first answer.

use std::fs;
use std::path::Path;
use std::time::Instant;

use super::ours::Nn;
use super::statistics::median;
use super::table::{Table, seconds};
use super::workloads;
use crate::error::{Error, Result};
use crate::workspace;

/// Starts of a short program, of which the median is taken.
const STARTS: usize = 20;

/// A PNG file of 28 x 28 gray pixels.
const IMAGE: &str = "fuzz/corpus/png/grey-28";

/// One table.
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
        "`nn train`, mini32 for 5 epochs: peak of resident memory",
        &training_peak,
    ]);
    table.row(["the same: from start to end", &seconds(wall)]);
    let row = |what: &str, time: f64| [format!("{what}, median of {STARTS}"), seconds(time)];
    table.row(row("`nn predict RUN one.png`", predict));
    table.row(row(&format!("`nn data info mnist` ({})", size(data)), info));
    table.row(row("`nn --version`", version));
    Ok(format!(
        "Wall time from outside, with starting the process.\n\n{}\n",
        table.markdown()
    ))
}

/// Peak memory as text, and seconds of wall time.
fn train(nn: &Nn, run: &Path) -> Result<(String, f64)> {
    let workload = workloads::find("mini32").ok_or(Error::Nothing("no workload mini32"))?;
    let arguments = nn.with_run(&workload.nn_arguments(workload.epochs, 0), run);
    let mut peak = None;
    let start = Instant::now();
    nn.program.watched_output(&arguments, |process| {
        peak = peak_memory(process).or(peak);
    })?;
    let wall = start.elapsed().as_secs_f64();
    let text = peak.map_or("only measured on Linux".to_owned(), |kibibytes| {
        format!("{:.0} MiB", kibibytes / 1024.0)
    });
    Ok((text, wall))
}

/// `VmHWM` in KiB: the most that was resident so far, so that the last look
/// before the end is enough.
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

/// Median seconds of a command.
fn time(nn: &Nn, words: &[&str]) -> Result<f64> {
    eprintln!("nn {}", words.first().unwrap_or(&""));
    let arguments: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    let times: Result<Vec<f64>> = (0..STARTS)
        .map(|_| nn.program.seconds(&arguments))
        .collect();
    Ok(median(&times?))
}

/// The bytes of MNIST's folder, which `nn data info` reads and decompresses.
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
