//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::peers::{self, Peer};
use super::workloads::{self, Workload};
use crate::error::{Error, Result};

/// The arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    /// Workloads, parts and other libraries to measure (default: all workloads)
    #[arg(value_name = "WORKLOAD|PART|PEER", value_parser = one_of_the_words())]
    words: Vec<Word>,
    /// Also train the workloads with other libraries, in turn with nn (default: all
    /// libraries)
    #[arg(long)]
    peers: bool,
    /// Number of runs per program, with seeds 0 to N-1 (default: 3; 5 for gd10)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    rounds: Option<u8>,
    /// Largest number of rows of a table in the part scaling; a table of 10 million rows is a
    /// file of 2 GB and needs 4 GB of memory
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    scaling_rows: usize,
    /// Also write the tables, the machine, the versions and the raw numbers to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Run the micro-benchmarks (divan) of every crate
    Micro {
        /// Run only benchmarks whose names contain one of these words (default: all)
        #[arg(value_name = "FILTER")]
        filters: Vec<String>,
    },
    /// Compare the errors of nn with those of other methods on public tables
    ///
    /// Every method has its defaults, and the same training and test rows. Each result is a
    /// line of JSON in target/peers/tables.jsonl; results that are there are not computed
    /// again, so the benchmark can be interrupted. All methods on all tables take hours.
    Tables(Tables),
}

/// The arguments of `cargo xtask bench tables`.
#[derive(Debug, clap::Args)]
pub(super) struct Tables {
    /// Folder of the CSV files; tables without file are skipped
    #[arg(long, value_name = "DIR")]
    pub(super) tables: PathBuf,
    /// Methods, separated by commas (default: all; an unknown name prints the list)
    #[arg(long, value_name = "NAME,...")]
    pub(super) methods: Option<String>,
    /// Tables, separated by commas (default: all)
    #[arg(long, value_name = "TABLE,...")]
    pub(super) only: Option<String>,
    /// Number of splits per table
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) splits: usize,
    /// Also write the record to this file
    #[arg(long, value_name = "FILE.md")]
    pub(super) output: Option<PathBuf>,
}

/// The meaning of a word on the command line.
#[derive(Clone, Copy, Debug)]
enum Word {
    Workload(&'static Workload),
    Part(Part),
    Peer(&'static Peer),
}

impl Word {
    fn all() -> impl Iterator<Item = (PossibleValue, Self)> {
        let workloads = workloads::ALL.iter().map(|workload| {
            let help = format!("seconds per epoch of {}", workload.description());
            (workload.name, help, Self::Workload(workload))
        });
        let parts = PARTS.map(|(name, help, part)| (name, help.to_owned(), Self::Part(part)));
        let peers = peers::ALL.iter().map(|peer| {
            let help = format!("the library {} (needs --peers)", peer.title);
            (peer.name, help, Self::Peer(peer))
        });
        (workloads.chain(parts).chain(peers))
            .map(|(name, help, word)| (PossibleValue::new(name).help(help), word))
    }
}

fn one_of_the_words() -> impl TypedValueParser<Value = Word> {
    PossibleValuesParser::new(Word::all().map(|(name, _)| name)).map(|text| {
        let named = Word::all().find(|(name, _)| name.get_name() == text);
        named.expect("only these names are accepted").1
    })
}

/// The complete request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) workloads: Vec<&'static Workload>,
    pub(super) parts: Vec<Part>,
    /// Peers to compare with; empty to measure `nn` alone.
    pub(super) peers: Vec<&'static Peer>,
    pub(super) rounds: Option<usize>,
    /// Largest number of rows of a table in [`Part::Scaling`].
    pub(super) scaling_rows: usize,
    pub(super) output: Output,
}

/// Measurements other than workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Inference,
    Scaling,
    Process,
}

/// The destination of the results, besides standard output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    Nowhere,
    /// The file `benches/results/DATE.md`.
    Results,
    File(PathBuf),
}

const PARTS: [(&str, &str, Part); 3] = [
    (
        "inference",
        "inference time of single rows and of batches, with a network for MNIST and one for a table",
        Part::Inference,
    ),
    (
        "scaling",
        "seconds per epoch for more rows, wider layers and more threads",
        Part::Scaling,
    ),
    (
        "process",
        "peak memory and wall time of whole processes",
        Part::Process,
    ),
];

impl Request {
    /// # Errors
    /// [`Error::Usage`] if a peer is named without `--peers`.
    pub(super) fn new(arguments: Arguments) -> Result<Self> {
        let mut request = Self {
            workloads: Vec::new(),
            parts: Vec::new(),
            peers: Vec::new(),
            rounds: arguments.rounds.map(usize::from),
            scaling_rows: arguments.scaling_rows,
            output: arguments.output.map_or(Output::Nowhere, Output::File),
        };
        for word in arguments.words {
            match word {
                Word::Workload(workload) => request.workloads.push(workload),
                Word::Part(part) => request.parts.push(part),
                Word::Peer(peer) => request.peers.push(peer),
            }
        }
        request.complete(arguments.peers)
    }

    /// Fills in the defaults.
    fn complete(mut self, with_peers: bool) -> Result<Self> {
        if let (false, Some(peer)) = (with_peers, self.peers.first()) {
            return Err(Error::usage(format!(
                "{} is another library: add --peers",
                peer.name
            )));
        }
        let is_limited = !(self.workloads.is_empty() && self.parts.is_empty());
        if with_peers && !is_limited && self.peers.is_empty() && self.output == Output::Nowhere {
            self.output = Output::Results;
        }
        if with_peers && self.peers.is_empty() {
            self.peers = peers::ALL.iter().collect();
        }
        if !is_limited {
            self.workloads = workloads::ALL.iter().collect();
            if with_peers {
                self.parts = PARTS.iter().map(|(_, _, part)| *part).collect();
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsing;

    fn parse(line: &str) -> Request {
        let arguments: Arguments = parsing::parse(line).expect(line);
        Request::new(arguments).expect(line)
    }

    fn counts(line: &str) -> (usize, usize, usize) {
        let request = parse(line);
        (
            request.workloads.len(),
            request.parts.len(),
            request.peers.len(),
        )
    }

    #[test]
    fn nothing_means_all_workloads() {
        assert_eq!(counts(""), (workloads::ALL.len(), 0, 0));
        assert_eq!(parse("").scaling_rows, 1_000_000);
        assert_eq!(counts("gd10 mini32"), (2, 0, 0));
        assert_eq!(counts("scaling"), (0, 1, 0));
    }

    #[test]
    fn peers_alone_mean_everything_and_a_record() {
        assert_eq!(counts("--peers"), (workloads::ALL.len(), 3, 6));
        assert_eq!(counts("--peers jax torch gd10"), (1, 0, 2));
        assert_eq!(parse("--peers").output, Output::Results);
        assert_eq!(parse("--peers gd10").output, Output::Nowhere);
        assert_eq!(parse("--peers jax").output, Output::Nowhere);
        let chosen = parse("--peers --output a.md --rounds 2");
        assert_eq!(chosen.output, Output::File("a.md".into()));
        assert_eq!(chosen.rounds, Some(2));
    }

    #[test]
    fn what_is_unknown_or_lacks_something_is_a_usage_error() {
        for line in [
            "--pears",
            "gd11",
            "--rounds",
            "--rounds 0",
            "--rounds x",
            "--output",
            "gd10 micro",
        ] {
            let error = parsing::parse::<Arguments>(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
        let peer = Request::new(parsing::parse("jax").expect("a known name"));
        assert_eq!(peer.expect_err("it needs --peers").exit_code(), 2);
    }

    #[test]
    fn filters_follow_micro() {
        let arguments: Arguments = parsing::parse("micro matmul sgd").expect("valid");
        let Some(Command::Micro { filters }) = arguments.command else {
            panic!("{arguments:?}");
        };
        assert_eq!(filters, ["matmul", "sgd"]);
    }
}
