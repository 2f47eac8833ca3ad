//! The workloads: ours alone, or beside the peers in turn.

use std::collections::BTreeMap;
use std::path::Path;

use super::ours::{self, Nn};
use super::peak::Peak;
use super::peers::{self, Peer};
use super::program::Program;
use super::statistics::{deviation, least, mean, median};
use super::table::{self, Table, percent, ratio, seconds};
use super::workloads::Workload;
use crate::error::Result;

/// No epoch of a peer begins after so many seconds of training, and a peer
/// that trained longer than the second number is not asked again.
const EPOCH_LIMIT: f64 = 10.0;
const REPEAT_LIMIT: f64 = 30.0;

/// A peer that is ready, or why it is not.
pub(super) struct Runner {
    pub(super) peer: &'static Peer,
    pub(super) program: Result<Program>,
}

/// What became of one workload.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) workload: &'static Workload,
    ours: Vec<ours::Training>,
    pub(super) peers: Vec<Competitor>,
    /// Our accuracy by seed where a peer did fewer epochs than we: by
    /// (epochs, seed).
    shorter: BTreeMap<(usize, usize), f64>,
}

/// A peer's trainings of one workload, each with the one of ours before it.
#[derive(Clone, Debug)]
pub(super) struct Competitor {
    pub(super) peer: &'static Peer,
    trainings: Vec<(ours::Training, peers::Training)>,
    pub(super) failure: Option<String>,
}

impl Comparison {
    /// Trains with `nn` alone.
    pub(super) fn ours(nn: &Nn, workload: &'static Workload, rounds: usize) -> Result<Self> {
        let mut comparison = Self::new(workload, &[]);
        for seed in 0..rounds {
            let training = nn.train(workload, workload.epochs, seed)?;
            announce(workload, "nn", seed, training.median, training.accuracy);
            comparison.ours.push(training);
        }
        Ok(comparison)
    }

    /// Trains with `nn`, a peer, `nn`, the next peer, and so on, with another
    /// seed every round.
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
                announce(workload, "nn", seed, ours.median, ours.accuracy);
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

    /// Accuracies are compared after the same number of epochs.
    fn train_shorter(&mut self, nn: &Nn) -> Result<()> {
        for competitor in &self.peers {
            for (seed, (ours, theirs)) in competitor.trainings.iter().enumerate() {
                let epochs = theirs.seconds.len();
                if epochs < ours.epochs && !self.shorter.contains_key(&(epochs, seed)) {
                    let training = nn.train(self.workload, epochs, seed)?;
                    self.shorter.insert((epochs, seed), training.accuracy);
                }
            }
        }
        Ok(())
    }

    /// Median seconds of our epochs.
    pub(super) fn seconds(&self) -> f64 {
        median(
            &self
                .ours
                .iter()
                .map(|training| training.median)
                .collect::<Vec<_>>(),
        )
    }

    fn least(&self) -> f64 {
        least(
            &self
                .ours
                .iter()
                .map(|training| training.least)
                .collect::<Vec<_>>(),
        )
    }

    /// Of each seed once, however often it was trained.
    fn accuracies(&self) -> Vec<f64> {
        let mut accuracies: Vec<f64> = Vec::new();
        for training in &self.ours {
            if accuracies.last() != Some(&training.accuracy) {
                accuracies.push(training.accuracy);
            }
        }
        accuracies
    }

    /// A row of [`own_table`].
    fn own_row(&self, peak: &Peak) -> [String; 6] {
        let seconds_per_epoch = self.seconds();
        let gflops = self.workload.operations() / seconds_per_epoch / 1e9;
        [
            self.workload.name.to_owned(),
            seconds(seconds_per_epoch),
            table::thousands(self.workload.rows as f64 / seconds_per_epoch),
            format!("{gflops:.0}"),
            format!("{:.0} %", 100.0 * gflops / peak.gflops),
            spread(&self.accuracies()),
        ]
    }

    /// Everything about this workload: heading, table, remarks.
    fn section(&self) -> String {
        let mut table = Table::new([
            "program",
            "s/epoch (median)",
            "s/epoch (least)",
            "theirs / ours",
            "test accuracy",
            "ours after as many epochs",
            "processes x epochs",
        ]);
        table.row([
            "**nn**".to_owned(),
            seconds(self.seconds()),
            seconds(self.least()),
            "1".to_owned(),
            spread(&self.accuracies()),
            String::new(),
            format!("{} x {}", self.ours.len(), self.workload.epochs),
        ]);
        for competitor in &self.peers {
            table.row(competitor.row(self));
        }
        let (name, description) = (self.workload.name, self.workload.description());
        format!("### {name}: {description}\n\n{}\n", table.markdown())
    }

    /// Every process's median and accuracy, in the order they ran.
    fn raw(&self) -> String {
        let mut text = String::new();
        for competitor in &self.peers {
            for (seed, (ours, theirs)) in competitor.trainings.iter().enumerate() {
                text.push_str(&format!(
                    "{:<8} seed {seed}  nn {:.5} s, {:.4}  {} {:.5} s, {:.4}, first epoch {:.5} s\n",
                    self.workload.name,
                    ours.median,
                    ours.accuracy,
                    competitor.peer.name,
                    theirs.median(),
                    theirs.accuracy,
                    theirs.seconds.first().unwrap_or(&f64::NAN),
                ));
            }
        }
        text
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
                    theirs.accuracy,
                );
                self.trainings.push((ours, theirs));
            }
            Err(error) => {
                eprintln!("{:<8} {error}", workload.name);
                self.failure = Some(error.to_string());
            }
        }
    }

    /// It failed, or it is too slow to be asked again.
    fn is_done(&self) -> bool {
        let is_slow =
            |(_, theirs): &(_, peers::Training)| theirs.seconds.iter().sum::<f64>() > REPEAT_LIMIT;
        self.failure.is_some() || self.trainings.iter().any(is_slow)
    }

    /// Median over the rounds of theirs / ours, both of the same round.
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

    fn row(&self, comparison: &Comparison) -> [String; 7] {
        let title = self.peer.title.to_owned();
        if self.trainings.is_empty() {
            let failure = self.failure.as_deref().unwrap_or("not run");
            let empty = String::new;
            return [
                title,
                "-".into(),
                "-".into(),
                "-".into(),
                failure.replace('|', "/"),
                empty(),
                empty(),
            ];
        }
        let collect = |value: fn(&peers::Training) -> f64| -> Vec<f64> {
            self.trainings
                .iter()
                .map(|(_, theirs)| value(theirs))
                .collect()
        };
        let ours: Vec<f64> = self
            .trainings
            .iter()
            .enumerate()
            .map(|(seed, (ours, theirs))| {
                let shorter = comparison.shorter.get(&(theirs.seconds.len(), seed));
                shorter.copied().unwrap_or(ours.accuracy)
            })
            .collect();
        let epochs = self
            .trainings
            .iter()
            .map(|(_, theirs)| theirs.seconds.len());
        [
            title,
            seconds(median(&collect(peers::Training::median))),
            seconds(least(&collect(peers::Training::least))),
            ratio(self.ratio()),
            spread(&collect(|theirs| theirs.accuracy)),
            spread(&ours),
            format!("{} x {}", self.trainings.len(), epochs.max().unwrap_or(0)),
        ]
    }
}

/// What is to be told about the workloads so far: headings and texts.
pub(super) fn parts(comparisons: &[Comparison], peak: &Peak) -> Vec<(&'static str, String)> {
    let ours = ("Ours, and the machine's peak", own_table(comparisons, peak));
    if comparisons
        .iter()
        .all(|comparison| comparison.peers.is_empty())
    {
        return vec![ours];
    }
    let each: Vec<String> = comparisons.iter().map(Comparison::section).collect();
    let raw: Vec<String> = comparisons.iter().map(Comparison::raw).collect();
    vec![
        (
            "Seconds an epoch, theirs / ours",
            format!("{}{NOTES}", ratio_table(comparisons)),
        ),
        ours,
        ("Workload by workload", each.join("\n")),
        ("Programs", programs(comparisons)),
        ("Raw numbers", format!("```text\n{}```\n", raw.concat())),
    ]
}

const NOTES: &str = "
More than 1 means that `nn` is faster. Programs take turns, ours before each of the others; a ratio
is the median, over the rounds, of their median epoch by our median epoch of the same round. Each
round has another seed. An epoch is shuffling, gathering, forward, backward and step, without
evaluation. The first epoch of a peer warms up and does not count, unless it is the only one; ours
always counts. A peer begins no epoch after 10 s of training, and is not asked again after 30 s.
Within a round all start from the same weights and differ in the order of the rows alone. That the
work was the same is seen by the accuracies, workload by workload.
";

/// What each peer is, and of which version.
fn programs(comparisons: &[Comparison]) -> String {
    let mut table = Table::of_texts(["program", "version", "how"]);
    let how = "`nn train`, as `cargo run -p nn-cli -- train` builds it";
    table.row(["nn", env!("CARGO_PKG_VERSION"), how]);
    let peers = comparisons.first().map_or(&[][..], |first| &first.peers);
    for (index, Competitor { peer, failure, .. }) in peers.iter().enumerate() {
        let version = comparisons
            .iter()
            .find_map(|comparison| comparison.peers[index].version());
        let version = version
            .or(failure.as_deref())
            .unwrap_or("-")
            .replace('|', "/");
        table.row([peer.title, &version, peer.how]);
    }
    table.markdown()
}

/// Our six workloads beside the machine's peak.
fn own_table(comparisons: &[Comparison], peak: &Peak) -> String {
    let mut table = Table::new([
        "workload",
        "s/epoch",
        "rows/s",
        "GFLOP/s",
        "of the peak",
        "test accuracy",
    ]);
    for comparison in comparisons {
        table.row(comparison.own_row(peak));
    }
    let mut text = format!(
        "All threads, peak {:.0} GFLOP/s.\n\n{}",
        peak.gflops,
        table.markdown()
    );
    text.push_str(
        "\nGFLOP/s count dense arithmetic: a multiply-add is two operations, also where an input \
         is 0 and `nn` skips it. That is why a share can be above 100 %.\n\n",
    );
    for comparison in comparisons {
        let workload = comparison.workload;
        text.push_str(&format!(
            "- {}: {}\n",
            workload.name,
            workload.description()
        ));
    }
    text
}

/// theirs / ours, a row a workload.
fn ratio_table(comparisons: &[Comparison]) -> String {
    let Some(first) = comparisons.first() else {
        return String::new();
    };
    let titles = first.peers.iter().map(|competitor| competitor.peer.title);
    let mut table = Table::new(["workload", "nn, s/epoch"].into_iter().chain(titles));
    for comparison in comparisons {
        let own = [
            comparison.workload.name.to_owned(),
            seconds(comparison.seconds()),
        ];
        let ratios = comparison
            .peers
            .iter()
            .map(|competitor| ratio(competitor.ratio()));
        table.row(own.into_iter().chain(ratios));
    }
    table.markdown()
}

/// `97.12 ± 0.10 %`, mean and standard deviation.
fn spread(accuracies: &[f64]) -> String {
    let mean = mean(accuracies);
    match deviation(accuracies) {
        Some(deviation) => format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * deviation),
        None => percent(mean),
    }
}

fn announce(workload: &Workload, program: &str, seed: usize, median: f64, accuracy: f64) {
    eprintln!(
        "{:<8} {program:<8} seed {seed}  {:>8}/epoch  {}",
        workload.name,
        seconds(median),
        percent(accuracy)
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::workloads;

    fn ours(median: f64, accuracy: f64) -> ours::Training {
        ours::Training {
            median,
            least: median,
            accuracy,
            epochs: 3,
        }
    }

    fn theirs(seconds: &[f64], accuracy: f64) -> peers::Training {
        peers::Training {
            seconds: seconds.to_vec(),
            accuracy,
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
        assert!(section.contains("95.00 ± 1.00 %") || section.contains("96.00 ± 1.00 %"));
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
    fn each_seed_counts_once_in_our_accuracy() {
        let mut comparison = comparison();
        comparison.ours = [0.96, 0.96, 0.98, 0.98]
            .map(|accuracy| ours(1.0, accuracy))
            .to_vec();
        assert_eq!(comparison.accuracies(), [0.96, 0.98]);
    }
}
