//! The command line of `cargo xtask bench`.

use std::path::PathBuf;

use super::peers::{self, Peer};
use super::workloads::{self, Workload};
use crate::error::{Error, Result};

/// What `cargo xtask bench --help` prints.
pub(crate) const HELP: &str = "\
Usage: cargo xtask bench [WORKLOAD|PART...] [--peers [PEER...]] [--rounds N] [--output FILE]
       cargo xtask bench micro [FILTER...]

  WORKLOAD       sgd1 mini32 adam128 gd10 gd64 deep256 (default: all six): seconds an epoch
                 through `nn train`, share of the machine's measured peak, test accuracy
  inference      one image, and batches of 1024, through 784-128-10
  scaling        seconds an epoch as rows, hidden units and threads double
  process        peak memory, time from start to answer
  micro          the micro-benchmarks (divan) of every crate whose names contain a FILTER

  --peers        the same training in other libraries, in turn with ours, in one run; with
                 PEERs only these: jax torch sklearn burn candle rustyml. Installs and builds
                 them in target/peers (10 GB, once). Without WORKLOADs and PARTs everything above is
                 measured (25 minutes on two cores) and written to benches/results/DATE.md
  --rounds N     processes of each program, with seeds 0 to N-1 (default: 3, gd10 5)
  --output FILE  write what is printed, with machine, versions and raw numbers, to FILE

Nothing else should run meanwhile. MNIST has to be there: `cargo xtask fetch-data`.
";

/// What to measure.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) workloads: Vec<&'static Workload>,
    pub(super) parts: Vec<Part>,
    /// Empty: ours alone.
    pub(super) peers: Vec<&'static Peer>,
    pub(super) rounds: Option<usize>,
    pub(super) output: Output,
}

/// What is measured besides the workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Inference,
    Scaling,
    Process,
}

/// Where the record goes, besides standard output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Output {
    Nowhere,
    /// `benches/results/DATE.md`
    Results,
    File(PathBuf),
}

const PARTS: [(&str, Part); 3] = [
    ("inference", Part::Inference),
    ("scaling", Part::Scaling),
    ("process", Part::Process),
];

impl Request {
    pub(super) fn parse(arguments: &[String]) -> Result<Self> {
        let mut request = Self {
            workloads: Vec::new(),
            parts: Vec::new(),
            peers: Vec::new(),
            rounds: None,
            output: Output::Nowhere,
        };
        let mut with_peers = false;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || {
                let missing = || Error::usage(format!("{argument} needs a value"));
                rest.next().ok_or_else(missing)
            };
            match argument.as_str() {
                "--peers" => with_peers = true,
                "--rounds" => request.rounds = Some(parse_rounds(value()?)?),
                "--output" => request.output = Output::File(value()?.into()),
                word => request.take(word)?,
            }
        }
        request.complete(with_peers)
    }

    fn take(&mut self, word: &str) -> Result<()> {
        let part = PARTS.iter().find(|(name, _)| *name == word);
        if let Some(workload) = workloads::find(word) {
            self.workloads.push(workload);
        } else if let Some(&(_, part)) = part {
            self.parts.push(part);
        } else if let Some(peer) = peers::find(word) {
            self.peers.push(peer);
        } else {
            let kind = if word.starts_with('-') {
                "option"
            } else {
                "word"
            };
            return Err(Error::usage(format!(
                "unknown {kind} \"{word}\" of bench\n\n{HELP}"
            )));
        }
        Ok(())
    }

    /// Fills in what was not named.
    fn complete(mut self, with_peers: bool) -> Result<Self> {
        if let (false, Some(peer)) = (with_peers, self.peers.first()) {
            return Err(Error::usage(format!(
                "{} is a peer: it needs --peers",
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
                self.parts = PARTS.iter().map(|(_, part)| *part).collect();
            }
        }
        Ok(self)
    }
}

fn parse_rounds(text: &str) -> Result<usize> {
    let wrong = || Error::usage(format!("--rounds: expected 1 to 99, found \"{text}\""));
    let rounds = text.parse().map_err(|_| wrong())?;
    if (1..=99).contains(&rounds) {
        Ok(rounds)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Request> {
        let words: Vec<String> = line.split_whitespace().map(String::from).collect();
        Request::parse(&words)
    }

    fn counts(line: &str) -> (usize, usize, usize) {
        let request = parse(line).expect("valid");
        (
            request.workloads.len(),
            request.parts.len(),
            request.peers.len(),
        )
    }

    #[test]
    fn nothing_means_the_six_workloads() {
        assert_eq!(counts(""), (6, 0, 0));
        assert_eq!(counts("gd10 mini32"), (2, 0, 0));
        assert_eq!(counts("scaling"), (0, 1, 0));
    }

    #[test]
    fn peers_alone_mean_everything_and_a_record() {
        assert_eq!(counts("--peers"), (6, 3, 6));
        assert_eq!(counts("--peers jax torch gd10"), (1, 0, 2));
        assert_eq!(parse("--peers").expect("valid").output, Output::Results);
        assert_eq!(
            parse("--peers gd10").expect("valid").output,
            Output::Nowhere
        );
        assert_eq!(parse("--peers jax").expect("valid").output, Output::Nowhere);
        let chosen = parse("--peers --output a.md --rounds 2").expect("valid");
        assert_eq!(chosen.output, Output::File("a.md".into()));
        assert_eq!(chosen.rounds, Some(2));
    }

    #[test]
    fn what_is_unknown_or_lacks_something_is_a_usage_error() {
        for line in [
            "jax",
            "--pears",
            "gd11",
            "--rounds",
            "--rounds 0",
            "--rounds x",
            "--output",
        ] {
            assert_eq!(parse(line).expect_err(line).exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn help_names_everything_that_can_be_typed() {
        let workloads = workloads::ALL.iter().map(|workload| workload.name);
        let peers = peers::ALL.iter().map(|peer| peer.name);
        let parts = PARTS.iter().map(|(name, _)| *name);
        for name in workloads.chain(peers).chain(parts) {
            assert!(HELP.contains(name), "{name}");
        }
    }
}
