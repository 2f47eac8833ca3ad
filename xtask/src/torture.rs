//! `cargo xtask torture`: training runs, searches and downloads that are killed, or whose disk,
//! power or memory fails, must give the same files, byte for byte, as undisturbed ones.

use crate::command::build_program as build;
use crate::error::Result;

pub(crate) mod random;
mod training;
mod search;
mod server;
mod download;
mod points;
mod scratch;
mod strace;
mod disk;
mod file_system;
mod recording;
mod power;
mod memory;

/// Default numbers of kills.
const TRAINING_KILLS: u32 = 500;
const SEARCH_KILLS: u32 = 100;
const DOWNLOAD_KILLS: u32 = 200;

/// The arguments of `cargo xtask torture`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    victim: Option<Victim>,
    #[command(flatten)]
    kills: Kills,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::Subcommand)]
enum Victim {
    /// Kill training runs (the default)
    Training(Kills),
    /// Kill the workers of shared searches
    Search(Kills),
    /// Kill downloads
    Download(Kills),
    /// Make each system call on a file fail in turn (needs Linux and strace)
    Disk,
    /// Let the power fail after each operation on a file (needs Linux and strace)
    Power {
        /// Only during a training, not during a search and downloads
        #[arg(long)]
        quick: bool,
        /// Also leave out each sync in turn, to see whether this test notices
        #[arg(long)]
        without_syncs: bool,
    },
    /// Let each large allocation fail (needs Linux with glibc, and strace)
    Memory,
}

#[derive(Clone, Copy, Debug, PartialEq, clap::Args)]
struct Kills {
    /// Number of kills (default: 500 for training runs, 100 for searches, 200 for downloads)
    #[arg(long, value_name = "N")]
    kills: Option<u32>,
    /// Random seed of the times of the kills
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
}

impl Arguments {
    fn victim(&self) -> Victim {
        self.victim.unwrap_or(Victim::Training(self.kills))
    }
}

/// Runs the selected test.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    match arguments.victim() {
        Victim::Training(Kills { kills, seed }) => {
            training::check(kills.unwrap_or(TRAINING_KILLS), seed)
        }
        Victim::Search(Kills { kills, seed }) => search::check(kills.unwrap_or(SEARCH_KILLS), seed),
        Victim::Download(Kills { kills, seed }) => {
            download::check(kills.unwrap_or(DOWNLOAD_KILLS), seed)
        }
        Victim::Disk => disk::check(),
        Victim::Power {
            quick,
            without_syncs,
        } => power::check(quick, without_syncs),
        Victim::Memory => memory::check(),
    }
}

/// Kills training runs `n_kills` times; returns an error if a byte of the weights changed.
pub(crate) fn check_training(n_kills: u32) -> Result<()> {
    training::check(n_kills, 0)
}

/// Kills downloads `n_kills` times; returns an error if a file was ever wrong.
pub(crate) fn check_download(n_kills: u32) -> Result<()> {
    download::check(n_kills, 0)
}

/// Lets the power fail at every moment of a training, and fails if that did harm.
pub(crate) fn check_power() -> Result<()> {
    power::check(true, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsing::parse;

    #[test]
    fn options_have_defaults() {
        let kills = |kills, seed| Kills { kills, seed };
        let power = |quick, without_syncs| Victim::Power {
            quick,
            without_syncs,
        };
        for (line, expected) in [
            ("", Victim::Training(kills(None, 0))),
            ("--seed 3", Victim::Training(kills(None, 3))),
            ("--kills 9 --seed 3", Victim::Training(kills(Some(9), 3))),
            ("training --kills 9", Victim::Training(kills(Some(9), 0))),
            ("search --kills 9", Victim::Search(kills(Some(9), 0))),
            ("disk", Victim::Disk),
            ("power", power(false, false)),
            ("power --quick", power(true, false)),
            ("power --without-syncs", power(false, true)),
            ("download", Victim::Download(kills(None, 0))),
            ("memory", Victim::Memory),
            (
                "download --seed 7 --kills 2",
                Victim::Download(kills(Some(2), 7)),
            ),
        ] {
            let arguments: Arguments = parse(line).expect(line);
            assert_eq!(arguments.victim(), expected, "{line}");
        }
        for wrong in [
            "--kills",
            "--kills x",
            "9",
            "--kils 9",
            "upload",
            "download training",
            "disk --kills 3",
            "power --kills 3",
        ] {
            let error = parse::<Arguments>(wrong).expect_err(wrong);
            assert_eq!(error.exit_code(), 2);
        }
    }
}
