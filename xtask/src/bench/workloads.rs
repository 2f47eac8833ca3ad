//! The six workloads: networks, settings and numbers of rows.

/// A training run, the same for every program.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    pub(super) name: &'static str,
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

/// Numbers of pixels and classes of MNIST.
const N_INPUTS: usize = 784;
const N_OUTPUTS: usize = 10;

/// All workloads; those with the smallest steps come first.
pub(super) static ALL: [Workload; 6] = [
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
];

const USUAL: Workload = Workload {
    name: "",
    hidden: &[128],
    activation: "relu",
    batch_size: None,
    optimizer: "sgd",
    learning_rate: 0.1,
    rows: 60_000,
    epochs: 5,
    rounds: 3,
};

/// Finds the workload with this name.
pub(super) fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

impl Workload {
    /// Widths of the layers: inputs, hidden layers, outputs.
    pub(super) fn widths(&self) -> Vec<usize> {
        let ends = ([N_INPUTS], [N_OUTPUTS]);
        [&ends.0, self.hidden, &ends.1].concat()
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
        let widths: Vec<String> = self.widths().iter().map(usize::to_string).collect();
        let batch = self
            .batch_size
            .map_or("all rows at once".to_owned(), |size| {
                format!("batch {size}")
            });
        format!(
            "{} {}, {batch}, {} {}, {} 000 rows",
            widths.join("-"),
            self.activation,
            self.optimizer,
            self.learning_rate,
            self.rows / 1000
        )
    }

    /// The arguments of `nn`.
    pub(super) fn nn_arguments(&self, epochs: usize, seed: usize) -> Vec<String> {
        let hidden: Vec<String> = self.hidden.iter().map(usize::to_string).collect();
        let batch = self.batch_size.map_or("full".to_owned(), |n| n.to_string());
        let line = format!(
            "train --data mnist --hidden {} --activation {} --batch-size {batch} --optimizer {} \
             --lr {} --limit-train {} --validation 0 --epochs {epochs} --seed {seed}",
            hidden.join(","),
            self.activation,
            self.optimizer,
            self.learning_rate,
            self.rows
        );
        line.split(' ').map(String::from).collect()
    }

    /// The arguments of `nn` for a run whose model has exactly the initial weights of a
    /// training run with this seed: one step so short that no weight changes.
    pub(super) fn initial_arguments(&self, seed: usize) -> Vec<String> {
        let step = Self {
            batch_size: None,
            optimizer: "sgd",
            learning_rate: 1e-30,
            rows: 64,
            ..*self
        };
        step.nn_arguments(1, seed)
    }

    /// The arguments of the peers' programs, the same for all.
    pub(super) fn peer_arguments(&self, seed: usize, limit: f64) -> Vec<String> {
        let widths: Vec<String> = self.widths().iter().map(usize::to_string).collect();
        let line = format!(
            "--layers {} --activation {} --batch {} --optimizer {} --lr {} --rows {} --epochs {} \
             --limit {limit} --seed {seed}",
            widths.join(","),
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
            "--layers 784,10,10 --activation relu --batch 0 --optimizer sgd --lr 0.1 --rows 42000 \
             --epochs 40 --limit 10 --seed 2"
        );
        assert_eq!(
            gd10.description(),
            "784-10-10 relu, all rows at once, sgd 0.1, 42 000 rows"
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
