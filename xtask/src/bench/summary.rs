//! The tables of the workloads.

use super::peak::Peak;
use super::peers;
use super::statistics::{least, median};
use super::synthetic;
use super::table::{self, Table, ratio, seconds};
use super::training::{Comparison, Competitor};

/// The sections about the workloads so far: headings and texts.
pub(super) fn parts(comparisons: &[Comparison], peak: &Peak) -> Vec<(&'static str, String)> {
    let ours = ("nn and the machine's peak", own_table(comparisons, peak));
    if comparisons
        .iter()
        .all(|comparison| comparison.peers.is_empty())
    {
        return vec![ours];
    }
    let each: Vec<String> = comparisons.iter().map(Comparison::section).collect();
    vec![
        (
            "Seconds per epoch, peer / nn",
            format!("{}{NOTES}", ratio_table(comparisons)),
        ),
        ours,
        ("Workloads", each.join("\n")),
        ("Programs", programs(comparisons)),
    ]
}

/// One line per process; `None` without peers.
pub(super) fn raw_numbers(comparisons: &[Comparison]) -> Option<String> {
    let lines: String = comparisons.iter().map(Comparison::raw).collect();
    (!lines.is_empty()).then(|| format!("```text\n{lines}```\n"))
}

const NOTES: &str = "
More than 1 means that `nn` is faster. The programs take turns: `nn` runs before each of the other
programs (peers). In each round, the median epoch of a peer is divided by the median epoch of `nn`;
the table has the medians of these ratios over the rounds. Each round has a different seed. An epoch
consists of shuffling, gathering, forward pass, backward pass and step, without evaluation. The
first epoch of a peer is a warm-up and does not count, unless it is the only one; all epochs of `nn`
count. A peer starts no epoch after 10 s of training, and is not run again after a run of more than
30 s. Within a round, all programs start from the same weights and differ only in the order of the
rows. The test accuracies or losses, listed for each workload, show that all programs do the same
work.
";

/// The version and the configuration of each program.
fn programs(comparisons: &[Comparison]) -> String {
    let mut table = Table::of_texts(["program", "version", "configuration"]);
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

/// The results of `nn`, compared with the machine's peak.
fn own_table(comparisons: &[Comparison], peak: &Peak) -> String {
    let mut table = Table::new([
        "workload",
        "s/epoch",
        "rows/s",
        "GFLOP/s",
        "of the peak",
        "test accuracy or loss",
    ]);
    for comparison in comparisons {
        table.row(comparison.own_row(peak));
    }
    let mut text = format!(
        "All threads, peak {:.0} GFLOP/s.\n\n{}",
        peak.gflops,
        table.markdown()
    );
    text.push_str(&format!(
        "\nThe loss of a table is the mean squared error of standardized targets; the baseline, \
         which always predicts the mean, has a loss of about 1. The tables are drawn with the seed {}. ",
        synthetic::SEED
    ));
    text.push_str(
        "GFLOP/s count the operations of dense arithmetic, two per multiply-add, even where \
         `nn` skips an input of 0. The fraction of the peak can therefore exceed 100 %.\n\n",
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

/// The ratios of the times, peer / nn, one row per workload.
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

impl Comparison {
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
            self.workload.metric().spread(&self.metrics()),
        ]
    }

    /// The section of a workload: heading and table.
    pub(super) fn section(&self) -> String {
        let metric = self.workload.metric();
        let mut table = Table::new([
            "program",
            "s/epoch (median)",
            "s/epoch (minimum)",
            "peer / nn",
            &format!("test {}", metric.name()),
            &format!("nn: test {}, same epochs", metric.name()),
            "processes x epochs",
        ]);
        table.row([
            "**nn**".to_owned(),
            seconds(self.seconds()),
            seconds(self.least()),
            "1".to_owned(),
            metric.spread(&self.metrics()),
            String::new(),
            format!("{} x {}", self.ours.len(), self.workload.epochs),
        ]);
        for competitor in &self.peers {
            table.row(competitor.row(self));
        }
        let (name, description) = (self.workload.name, self.workload.description());
        format!("### {name}: {description}\n\n{}\n", table.markdown())
    }

    /// Median and test metric of every process, in the order of the runs.
    fn raw(&self) -> String {
        let mut text = String::new();
        for competitor in &self.peers {
            for (seed, (ours, theirs)) in competitor.trainings.iter().enumerate() {
                text.push_str(&format!(
                    "{:<8} seed {seed}  nn {:.5} s, {:.4}  {} {:.5} s, {:.4}, first epoch {:.5} s\n",
                    self.workload.name,
                    ours.median,
                    ours.metric,
                    competitor.peer.name,
                    theirs.median(),
                    theirs.metric,
                    theirs.seconds.first().unwrap_or(&f64::NAN),
                ));
            }
        }
        text
    }
}

impl Competitor {
    fn row(&self, comparison: &Comparison) -> [String; 7] {
        let title = self.peer.title.to_owned();
        let metric = comparison.workload.metric();
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
                shorter.copied().unwrap_or(ours.metric)
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
            metric.spread(&collect(|theirs| theirs.metric)),
            metric.spread(&ours),
            format!("{} x {}", self.trainings.len(), epochs.max().unwrap_or(0)),
        ]
    }
}
