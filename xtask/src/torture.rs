//! `cargo xtask torture`: trainings and downloads that are killed again and
//! again, or whose disk fails, and must still come to the right bytes.

use crate::command::build_program as build;
use crate::error::{Error, Result};

mod random;
mod training;
mod server;
mod download;
mod disk;

/// Kills, unless their number is said.
const TRAINING_KILLS: u32 = 500;
const DOWNLOAD_KILLS: u32 = 200;

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Victim {
    Training,
    Download,
    /// Nothing is killed: calls of the system fail.
    Disk,
}

/// Does what the command line says.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let request = Request::parse(arguments)?;
    match request.victim {
        Victim::Training => training::check(request.kills, request.seed),
        Victim::Download => download::check(request.kills, request.seed),
        Victim::Disk => disk::check(),
    }
}

/// Kills trainings so many times, and fails if that changed a byte.
pub(crate) fn check_training(n_kills: u32) -> Result<()> {
    training::check(n_kills, 0)
}

/// Kills downloads so many times, and fails if there ever was a wrong file.
pub(crate) fn check_download(n_kills: u32) -> Result<()> {
    download::check(n_kills, 0)
}

/// What to kill, how often, at which moments.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Request {
    victim: Victim,
    kills: u32,
    seed: u64,
}

impl Request {
    /// `[training|download] [--kills N] [--seed S]`, or `disk`
    fn parse(arguments: &[String]) -> Result<Self> {
        let (victim, options) = match arguments {
            [name, rest @ ..] if name == "training" => (Victim::Training, rest),
            [name, rest @ ..] if name == "download" => (Victim::Download, rest),
            [name] if name == "disk" => (Victim::Disk, &[][..]),
            options => (Victim::Training, options),
        };
        let usual = match victim {
            Victim::Training => TRAINING_KILLS,
            Victim::Download => DOWNLOAD_KILLS,
            Victim::Disk => 0,
        };
        let mut numbers = [usual, 0];
        for pair in options.chunks(2) {
            let (place, value) = match pair {
                [option, value] if option == "--kills" => (0, value),
                [option, value] if option == "--seed" => (1, value),
                _ => {
                    return Err(Error::usage(format!(
                        "expected training or download, then --kills N or --seed S, or disk; \
                         found \"{}\"",
                        pair.join(" ")
                    )));
                }
            };
            numbers[place] = value.parse().map_err(|_| {
                Error::usage(format!("{}: expected a number, found \"{value}\"", pair[0]))
            })?;
        }
        Ok(Self {
            victim,
            kills: numbers[0],
            seed: u64::from(numbers[1]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<(Victim, u32, u64)> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        Request::parse(&words).map(|request| (request.victim, request.kills, request.seed))
    }

    #[test]
    fn options_have_defaults() {
        let training = Victim::Training;
        for (line, expected) in [
            ("", (training, TRAINING_KILLS, 0)),
            ("--seed 3", (training, TRAINING_KILLS, 3)),
            ("--kills 9 --seed 3", (training, 9, 3)),
            ("training --kills 9", (training, 9, 0)),
            ("disk", (Victim::Disk, 0, 0)),
            ("download", (Victim::Download, DOWNLOAD_KILLS, 0)),
            ("download --seed 7 --kills 2", (Victim::Download, 2, 7)),
        ] {
            assert_eq!(request(line).expect(line), expected, "{line}");
        }
        for wrong in [
            "--kills",
            "--kills x",
            "9",
            "--kils 9",
            "upload",
            "download training",
            "disk --kills 3",
        ] {
            assert_eq!(request(wrong).expect_err(wrong).exit_code(), 2);
        }
    }
}
