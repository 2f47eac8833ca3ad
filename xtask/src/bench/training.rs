//! The workloads: `nn` alone, or in turn with the peers.

use std::collections::BTreeMap;
use std::path::Path;

use super::ours::{self, Nn};
use super::peers::{self, Peer};
use super::program::Program;
use super::statistics::{least, median};
use super::table::seconds;
use super::workloads::Workload;
use crate::error::Result;

/// Limits in seconds: no epoch of a peer starts after the first, and a peer is not run
/// again after a run longer than the second.
const EPOCH_LIMIT: f64 = 10.0;
const REPEAT_LIMIT: f64 = 30.0;

/// A peer with its program, or the reason why it is not available.
pub(super) struct Runner {
    pub(super) peer: &'static Peer,
    pub(super) program: Result<Program>,
}

/// The results of a workload.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) workload: &'static Workload,
    pub(super) ours: Vec<ours::Training>,
    pub(super) peers: Vec<Competitor>,
    /// The test metric of `nn` after fewer epochs, as many as a peer has trained, by (epochs,
    /// seed).
    pub(super) shorter: BTreeMap<(usize, usize), f64>,
}

/// The training runs of a peer for a workload, each with the run of `nn` before it.
#[derive(Clone, Debug)]
pub(super) struct Competitor {
    pub(super) peer: &'static Peer,
    pub(super) trainings: Vec<(ours::Training, peers::Training)>,
    pub(super) failure: Option<String>,
}

impl Comparison {
    /// Trains with `nn` alone.
    pub(super) fn ours(nn: &Nn, workload: &'static Workload, rounds: usize) -> Result<Self> {
        let mut comparison = Self::new(workload, &[]);
        for seed in 0..rounds {
            let training = nn.train(workload, workload.epochs, seed)?;
            announce(workload, "nn", seed, training.median, training.metric);
            comparison.ours.push(training);
        }
        Ok(comparison)
    }

    /// Trains with `nn`, a peer, `nn`, the next peer, and so on, with a different seed in
    /// every round.
    pub(super) fn beside(
        nn: &Nn,
        data: &Path,
        workload: &'static Workload,
        rounds: usize,
        runners: &[Runner],
    ) -> Result<Self> {
        let mut comparison = Self::new(workload, runners);
        for seed in 0..rounds {
            let initial = nn.initial_weights(workload, seed)?;
            for (index, runner) in runners.iter().enumerate() {
                let Ok(program) = &runner.program else {
                    continue;
                };
                if comparison.peers[index].is_done() {
                    continue;
                }
                let ours = nn.train(workload, workload.epochs, seed)?;
                announce(workload, "nn", seed, ours.median, ours.metric);
                comparison.ours.push(ours.clone());
                let theirs = peers::train(program, data, &initial, workload, seed, EPOCH_LIMIT);
                comparison.peers[index].note(workload, seed, ours, theirs);
            }
        }
        comparison.train_shorter(nn)?;
        Ok(comparison)
    }

    fn new(workload: &'static Workload, runners: &[Runner]) -> Self {
        let competitor = |runner: &Runner| Competitor {
            peer: runner.peer,
            trainings: Vec::new(),
            failure: runner.program.as_ref().err().map(ToString::to_string),
        };
        Self {
            workload,
            ours: Vec::new(),
            peers: runners.iter().map(competitor).collect(),
            shorter: BTreeMap::new(),
        }
    }

    /// Measures the test metric of `nn` after the same number of epochs as the peers.
    fn train_shorter(&mut self, nn: &Nn) -> Result<()> {
        for competitor in &self.peers {
            for (seed, (ours, theirs)) in competitor.trainings.iter().enumerate() {
                let epochs = theirs.seconds.len();
                if epochs < ours.epochs && !self.shorter.contains_key(&(epochs, seed)) {
                    let training = nn.train(self.workload, epochs, seed)?;
                    self.shorter.insert((epochs, seed), training.metric);
                }
            }
        }
        Ok(())
    }

    /// The median seconds per epoch of `nn`.
    pub(super) fn seconds(&self) -> f64 {
        median(
            &self
                .ours
                .iter()
                .map(|training| training.median)
                .collect::<Vec<_>>(),
        )
    }

    pub(super) fn least(&self) -> f64 {
        least(
            &self
                .ours
                .iter()
                .map(|training| training.least)
                .collect::<Vec<_>>(),
        )
    }

    /// The test metrics of `nn`, one per seed.
    pub(super) fn metrics(&self) -> Vec<f64> {
        let mut metrics: Vec<f64> = Vec::new();
        for training in &self.ours {
            if metrics.last() != Some(&training.metric) {
                metrics.push(training.metric);
            }
        }
        metrics
    }
}

impl Competitor {
    fn note(
        &mut self,
        workload: &Workload,
        seed: usize,
        ours: ours::Training,
        theirs: Result<peers::Training>,
    ) {
        match theirs {
            Ok(theirs) => {
                announce(
                    workload,
                    self.peer.name,
                    seed,
                    theirs.median(),
                    theirs.metric,
                );
                self.trainings.push((ours, theirs));
            }
            Err(error) => {
                eprintln!("{:<8} {error}", workload.name);
                self.failure = Some(error.to_string());
            }
        }
    }

    /// Returns `true` if the peer failed or is too slow to be run again.
    fn is_done(&self) -> bool {
        let is_slow =
            |(_, theirs): &(_, peers::Training)| theirs.seconds.iter().sum::<f64>() > REPEAT_LIMIT;
        self.failure.is_some() || self.trainings.iter().any(is_slow)
    }

    /// The median over the rounds of peer / nn, both in the same round.
    pub(super) fn ratio(&self) -> f64 {
        let ratio =
            |(ours, theirs): &(ours::Training, peers::Training)| theirs.median() / ours.median;
        median(&self.trainings.iter().map(ratio).collect::<Vec<_>>())
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.trainings
            .first()
            .map(|(_, theirs)| theirs.version.as_str())
    }
}

fn announce(workload: &Workload, program: &str, seed: usize, median: f64, metric: f64) {
    eprintln!(
        "{:<8} {program:<8} seed {seed}  {:>8}/epoch  {}",
        workload.name,
        seconds(median),
        workload.metric().text(metric)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::workloads;

    fn ours(median: f64, metric: f64) -> ours::Training {
        ours::Training {
            median,
            least: median,
            metric,
            epochs: 3,
        }
    }

    fn theirs(seconds: &[f64], metric: f64) -> peers::Training {
        peers::Training {
            seconds: seconds.to_vec(),
            metric,
            version: "1.0".to_owned(),
        }
    }

    fn comparison() -> Comparison {
        let trainings = vec![
            (ours(1.0, 0.96), theirs(&[5.0, 2.0, 2.0], 0.95)),
            (ours(2.0, 0.98), theirs(&[9.0, 6.0, 6.0], 0.97)),
            (ours(1.0, 0.97), theirs(&[9.0, 9.0, 9.0], 0.96)),
        ];
        Comparison {
            workload: workloads::find("sgd1").expect("there"),
            ours: trainings.iter().map(|(ours, _)| ours.clone()).collect(),
            peers: vec![
                Competitor {
                    peer: peers::find("jax").expect("there"),
                    trainings,
                    failure: None,
                },
                Competitor {
                    peer: peers::find("burn").expect("there"),
                    trainings: Vec::new(),
                    failure: Some("cargo: a | b".to_owned()),
                },
            ],
            shorter: BTreeMap::new(),
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // 2, 3 and 9 times; the ratio of the medians would be 6.
        assert_eq!(comparison().peers[0].ratio(), 3.0);
        assert!(comparison().peers[1].ratio().is_nan());
    }

    #[test]
    fn a_peer_that_failed_is_a_line_with_its_reason() {
        let section = comparison().section();
        let line = section.lines().find(|line| line.starts_with("| burn"));
        assert!(line.expect("a line").contains("cargo: a / b"), "{section}");
        assert!(section.contains("96.00 ± 1.00 % |                 97.00 ± 1.00 %"));
    }

    #[test]
    fn a_table_shows_losses() {
        let tables = Comparison {
            workload: workloads::find("tab64").expect("there"),
            ..comparison()
        };
        let section = tables.section();
        assert!(
            section.contains("| nn: test loss, same epochs |"),
            "{section}"
        );
        assert!(section.contains("| 0.9600 ± 0.0100 |"), "{section}");
    }

    #[test]
    fn a_slow_peer_is_not_asked_again() {
        let mut competitor = comparison().peers.remove(0);
        assert!(!competitor.is_done());
        competitor
            .trainings
            .push((ours(1.0, 0.9), theirs(&[30.5], 0.9)));
        assert!(competitor.is_done());
    }

    #[test]
    fn each_seed_counts_once_in_our_metric() {
        let mut comparison = comparison();
        comparison.ours = [0.96, 0.96, 0.98, 0.98]
            .map(|metric| ours(1.0, metric))
            .to_vec();
        assert_eq!(comparison.metrics(), [0.96, 0.98]);
    }
}
