//! The workloads: data, networks and settings.

use std::path::{Path, PathBuf};

use super::metric::Metric;
use super::synthetic::SyntheticTable;
use super::table::thousands;
use crate::error::Result;

/// The data of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    /// Classification of MNIST with the cross-entropy loss.
    Mnist,
    /// Regression on a synthetic table with the mean squared error as the loss.
    Table { n_inputs: usize, n_targets: usize },
}

/// A training run, the same for every program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) data: Data,
    pub(super) hidden: &'static [usize],
    pub(super) activation: &'static str,
    /// Number of rows per batch; `None` for all rows.
    pub(super) batch_size: Option<usize>,
    pub(super) optimizer: &'static str,
    pub(super) learning_rate: f64,
    pub(super) rows: usize,
    /// Number of epochs per process, whose median is used.
    pub(super) epochs: usize,
    /// Number of processes per program, with seeds 0, 1, …
    pub(super) rounds: usize,
}

/// All workloads: first MNIST, then synthetic tables.
pub(super) static ALL: [Workload; 12] = [
    Workload {
        name: "sgd1",
        hidden: &[64],
        batch_size: Some(1),
        learning_rate: 0.01,
        epochs: 3,
        ..USUAL
    },
    Workload {
        name: "mini32",
        batch_size: Some(32),
        ..USUAL
    },
    Workload {
        name: "adam128",
        hidden: &[512, 512],
        batch_size: Some(128),
        optimizer: "adam",
        learning_rate: 0.001,
        epochs: 3,
        ..USUAL
    },
    Workload {
        name: "gd10",
        hidden: &[10],
        rows: 42_000,
        epochs: 40,
        // Ten hidden units after 40 steps depend much on where they started.
        rounds: 5,
        ..USUAL
    },
    Workload {
        name: "gd64",
        hidden: &[64],
        activation: "sigmoid",
        learning_rate: 0.5,
        epochs: 20,
        ..USUAL
    },
    Workload {
        name: "deep256",
        hidden: &[2500, 2000, 1500, 1000, 500],
        batch_size: Some(256),
        learning_rate: 0.01,
        epochs: 1,
        ..USUAL
    },
    Workload {
        name: "tab64",
        batch_size: Some(64),
        ..TABLE
    },
    Workload {
        name: "tab256",
        batch_size: Some(256),
        ..TABLE
    },
    Workload {
        name: "tab1024",
        batch_size: Some(1024),
        ..TABLE
    },
    Workload {
        name: "simple",
        data: Data::Table {
            n_inputs: 4,
            n_targets: 4,
        },
        hidden: &[32, 16],
        activation: "tanh",
        rows: 10_000,
        epochs: 200,
        ..TABLE
    },
    Workload {
        name: "opennn",
        hidden: &[300; 5],
        activation: "tanh",
        batch_size: Some(100),
        rows: 20_000,
        ..TABLE
    },
    Workload {
        name: "members",
        hidden: &[256; 3],
        batch_size: Some(8192),
        rows: 65_536,
        epochs: 10,
        ..TABLE
    },
];

const USUAL: Workload = Workload {
    name: "",
    data: Data::Mnist,
    hidden: &[128],
    activation: "relu",
    batch_size: None,
    optimizer: "sgd",
    learning_rate: 0.1,
    rows: 60_000,
    epochs: 5,
    rounds: 3,
};

const TABLE: Workload = Workload {
    data: Data::Table {
        n_inputs: 28,
        n_targets: 1,
    },
    hidden: &[256, 128],
    optimizer: "adam",
    learning_rate: 0.001,
    rows: 100_000,
    ..USUAL
};

/// Finds the workload with this name.
pub(super) fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

/// Writes and returns the tables of these workloads, each one once.
pub(super) fn write_tables(workloads: &[&Workload]) -> Result<Vec<SyntheticTable>> {
    let mut tables: Vec<SyntheticTable> = Vec::new();
    for table in workloads.iter().filter_map(|workload| workload.table()) {
        if !tables.contains(&table) {
            table.write()?;
            tables.push(table);
        }
    }
    Ok(tables)
}

impl Workload {
    /// Widths of the layers: inputs, hidden layers, outputs.
    pub(super) fn widths(&self) -> Vec<usize> {
        let (n_inputs, n_outputs) = match self.data {
            Data::Mnist => (784, 10),
            Data::Table {
                n_inputs,
                n_targets,
            } => (n_inputs, n_targets),
        };
        [&[n_inputs], self.hidden, &[n_outputs]].concat()
    }

    /// Widths of the layers, such as `784-64-10`.
    pub(super) fn network(&self) -> String {
        self.joined_widths("-")
    }

    fn joined_widths(&self, separator: &str) -> String {
        let widths: Vec<String> = self.widths().iter().map(usize::to_string).collect();
        widths.join(separator)
    }

    /// Number of weights and biases.
    pub(super) fn parameters(&self) -> usize {
        let widths = self.widths();
        widths.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// The metric on the test samples.
    pub(super) fn metric(&self) -> Metric {
        match self.data {
            Data::Mnist => Metric::Accuracy,
            Data::Table { .. } => Metric::Loss,
        }
    }

    /// The table that the workload reads; `None` for MNIST.
    pub(super) fn table(&self) -> Option<SyntheticTable> {
        match self.data {
            Data::Mnist => None,
            Data::Table {
                n_inputs,
                n_targets,
            } => Some(SyntheticTable {
                n_inputs,
                n_targets,
                n_rows: self.rows,
            }),
        }
    }

    /// What the peers read: the folder of MNIST in the folder `data`, or the CSV file of the
    /// table.
    pub(super) fn data_path(&self, data: &Path) -> PathBuf {
        self.table()
            .map_or_else(|| data.join("mnist"), |table| table.path())
    }

    /// Number of operations per epoch, two per multiply-add: forward pass, gradient of the
    /// weights, and error of the previous layer, which the first layer does not need.
    pub(super) fn operations(&self) -> f64 {
        let widths = self.widths();
        let products = widths.windows(2).enumerate().map(|(layer, pair)| {
            let passes = if layer == 0 { 2 } else { 3 };
            passes * pair[0] * pair[1]
        });
        2.0 * self.rows as f64 * products.sum::<usize>() as f64
    }

    /// Description such as `784-64-10 relu, batch 1, sgd 0.01, 60 000 rows`.
    pub(super) fn description(&self) -> String {
        let batch = self
            .batch_size
            .map_or("all rows at once".to_owned(), |size| {
                format!("batch {size}")
            });
        format!(
            "{} {}, {batch}, {} {}, {} rows",
            self.network(),
            self.activation,
            self.optimizer,
            self.learning_rate,
            thousands(self.rows as f64)
        )
    }

    /// The arguments of `nn`.
    pub(super) fn nn_arguments(&self, epochs: usize, seed: usize) -> Vec<String> {
        self.limited_arguments(self.rows, epochs, seed)
    }

    /// The arguments of `nn` for the first `rows` training rows.
    fn limited_arguments(&self, rows: usize, epochs: usize, seed: usize) -> Vec<String> {
        let hidden: Vec<String> = self.hidden.iter().map(usize::to_string).collect();
        let batch = self.batch_size.map_or("full".to_owned(), |n| n.to_string());
        let data = self.table().map_or_else(
            || vec!["--data".to_owned(), "mnist".to_owned()],
            |table| table.nn_arguments(),
        );
        let line = format!(
            "--hidden {} --activation {} --batch-size {batch} --optimizer {} \
             --lr {} --limit-train {rows} --validation 0 --epochs {epochs} --seed {seed}",
            hidden.join(","),
            self.activation,
            self.optimizer,
            self.learning_rate
        );
        let command = std::iter::once("train".to_owned());
        let flags = line.split(' ').map(String::from);
        command.chain(data).chain(flags).collect()
    }

    /// The arguments of `nn` for a run whose model has exactly the initial weights of a
    /// training run with this seed: one step so short that no weight changes.
    pub(super) fn initial_arguments(&self, seed: usize) -> Vec<String> {
        let step = Self {
            batch_size: None,
            optimizer: "sgd",
            learning_rate: 1e-30,
            ..*self
        };
        step.limited_arguments(64, 1, seed)
    }

    /// The arguments of the peers' programs, the same for all.
    pub(super) fn peer_arguments(&self, seed: usize, limit: f64) -> Vec<String> {
        let loss = match self.data {
            Data::Mnist => "cross-entropy",
            Data::Table { .. } => "mse",
        };
        let line = format!(
            "--layers {} --activation {} --loss {loss} --batch {} --optimizer {} --lr {} \
             --rows {} --epochs {} --limit {limit} --seed {seed}",
            self.joined_widths(","),
            self.activation,
            self.batch_size.unwrap_or(0),
            self.optimizer,
            self.learning_rate,
            self.rows,
            self.epochs
        );
        line.split(' ').map(String::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_that_of_the_contract() {
        let gd10 = find("gd10").expect("there");
        assert_eq!(
            gd10.nn_arguments(40, 0).join(" "),
            "train --data mnist --hidden 10 --activation relu --batch-size full --optimizer sgd \
             --lr 0.1 --limit-train 42000 --validation 0 --epochs 40 --seed 0"
        );
        assert_eq!(
            gd10.peer_arguments(2, 10.0).join(" "),
            "--layers 784,10,10 --activation relu --loss cross-entropy --batch 0 --optimizer sgd \
             --lr 0.1 --rows 42000 --epochs 40 --limit 10 --seed 2"
        );
        assert_eq!(
            gd10.description(),
            "784-10-10 relu, all rows at once, sgd 0.1, 42 000 rows"
        );
    }

    #[test]
    fn a_table_names_its_file_and_its_columns() {
        let simple = find("simple").expect("there");
        let path = simple.data_path(Path::new("datasets"));
        let arguments = simple.nn_arguments(200, 1);
        assert_eq!(arguments[1..3], ["--data", &path.to_string_lossy()]);
        assert_eq!(
            arguments[3..].join(" "),
            "--target y1,y2,y3,y4 --split-column split --header yes --task regression \
             --hidden 32,16 --activation tanh --batch-size full --optimizer adam --lr 0.001 \
             --limit-train 10000 --validation 0 --epochs 200 --seed 1"
        );
        let peer = simple.peer_arguments(1, 10.0).join(" ");
        assert!(
            peer.starts_with("--layers 4,32,16,4 --activation tanh --loss mse --batch 0"),
            "{peer}"
        );
        assert_eq!(simple.metric(), Metric::Loss);
        assert_eq!(
            simple.parameters(),
            5 * 32 + 33 * 16 + 17 * 4,
            "weights and biases"
        );
    }

    #[test]
    fn operations_leave_out_the_error_of_the_inputs() {
        let per_row = 2 * (2 * 784 * 10 + 3 * 10 * 10);
        let gd10 = find("gd10").expect("there");
        assert_eq!(gd10.operations(), 42_000.0 * f64::from(per_row));
    }

    #[test]
    fn names_are_found_once() {
        for workload in &ALL {
            assert_eq!(
                find(workload.name).map(|found| found.rows),
                Some(workload.rows)
            );
        }
        assert!(find("mnist").is_none());
    }
}
