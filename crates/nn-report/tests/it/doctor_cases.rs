//! Training runs whose problem is known, and runs without a problem.
//!
//! They were written in rounds. In each round the runs and their cures were written
//! first, and then diagnosed with checks whose thresholds had been chosen with the
//! rounds before. Right first cures at this first look, and healthy runs without a cure:
//!
//! | round | right cures | healthy |
//! |---|---|---|
//! | first | thresholds chosen with it | |
//! | second | 11 of 15 | 4 of 5 |
//! | third | 12 of 15 | 4 of 5 |
//! | fourth | 8 of 10 | 3 of 5 |
//! | fifth | 9 of 10 | 8 of 10 |
//! | sixth | 29 of 44 | 14 of 20 |
//! | seventh | 38 of 44 | 20 of 22 |
//! | eighth | 45 of 52 | 19 of 23 |
//! | ninth | 41 of 43 | 20 of 20 |
//!
//! After each look the checks were corrected. From the sixth round on, each problem is a
//! single change of a healthy run; three changes that hardly lowered the score were removed after the
//! look, healthy runs that were not healthy were trained longer, and the target of the
//! shells was corrected.

mod sixth;
mod seventh;
mod eighth;
mod ninth;
mod reported;

pub(crate) use reported::REPORTED;

use crate::doctor_tables as tables;

/// A training run with a known problem.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The contents of `table.csv`; for other data, `flags` names them.
    pub(crate) table: fn() -> String,
    /// Flags of `nn train`, after `--data`.
    pub(crate) flags: &'static str,
    /// Further flags, which cause the problem.
    pub(crate) fault: &'static str,
    /// What the first cure must be.
    pub(crate) cure: Cure,
}

/// What a cure has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cure {
    /// No problem, and so no cure.
    Nothing,
    /// A lower learning rate.
    LowerRate,
    /// A higher learning rate.
    HigherRate,
    /// More epochs.
    MoreEpochs,
    /// More or wider hidden layers.
    LargerNetwork,
    /// A setting with one of these names.
    Setting(&'static [&'static str]),
    /// Flags that contain this text.
    Flags(&'static str),
    /// Advice with this text, and no flags.
    Advice(&'static str),
}

/// Runs that were written at the same time.
pub(crate) struct Round {
    pub(crate) title: &'static str,
    /// Runs with a known problem.
    pub(crate) ill: &'static [Case],
    /// Runs without a problem.
    pub(crate) healthy: &'static [Case],
}

const fn case(name: &'static str, table: fn() -> String, flags: &'static str, cure: Cure) -> Case {
    Case {
        name,
        table,
        flags,
        fault: "",
        cure,
    }
}

/// A healthy run, which is changed in a single respect for each problem.
struct Base {
    table: fn() -> String,
    flags: &'static str,
}

impl Base {
    const fn new(table: fn() -> String, flags: &'static str) -> Self {
        Self { table, flags }
    }

    const fn healthy(&self, name: &'static str) -> Case {
        self.ill(name, "", Cure::Nothing)
    }

    const fn ill(&self, name: &'static str, fault: &'static str, cure: Cure) -> Case {
        Case {
            name,
            table: self.table,
            flags: self.flags,
            fault,
            cure,
        }
    }
}

/// No table: the flags name another data set.
const NO_TABLE: fn() -> String = String::new;

const INITIAL_WEIGHTS: Cure = Cure::Setting(&["init"]);
const REGULARIZATION: Cure = Cure::Setting(&["patience", "dropout", "l2", "augment"]);

/// All rounds.
pub(crate) const ROUNDS: [Round; 9] = [
    Round {
        title: "first",
        ill: &[
            case(
                "digits, sgd with rate 5",
                NO_TABLE,
                "glyphs --limit-train 300 --hidden 16 --batch-size 32 --optimizer sgd --lr 5 --epochs 6",
                Cure::LowerRate,
            ),
            case(
                "houses, sgd with rate 100",
                tables::houses,
                "--hidden 32 --optimizer sgd --lr 100",
                Cure::LowerRate,
            ),
            case(
                "digits, sgd with rate 0.001",
                NO_TABLE,
                "glyphs --limit-train 300 --hidden 16 --batch-size 32 --optimizer sgd --lr 0.001 --epochs 5",
                Cure::HigherRate,
            ),
            case(
                "rings, five epochs",
                tables::rings,
                "--hidden 32 --lr 0.01 --epochs 5",
                Cure::MoreEpochs,
            ),
            case(
                "spirals, two neurons",
                tables::spirals,
                "--hidden 2 --lr 0.01 --epochs 100",
                Cure::LargerNetwork,
            ),
            case(
                "clusters, zeros",
                tables::clusters,
                "--hidden 16 --init zeros --lr 0.01 --epochs 30",
                INITIAL_WEIGHTS,
            ),
            case(
                "digits, tanh with weights of standard deviation 3",
                NO_TABLE,
                "glyphs --limit-train 300 --hidden 16 --activation tanh --init normal:std=3 --epochs 10",
                INITIAL_WEIGHTS,
            ),
            case(
                "rings, equal weights",
                tables::rings,
                "--hidden 16 --activation tanh --init constant:value=0.1 --lr 0.01 --epochs 60",
                INITIAL_WEIGHTS,
            ),
            case(
                "clusters, a column that follows from the class",
                tables::clusters_with_leak,
                "--hidden 16 --lr 0.01 --epochs 40",
                Cure::Flags("--ignore height"),
            ),
            case(
                "many columns, few rows",
                tables::many_columns,
                "--hidden 64 --lr 0.01 --epochs 80 --validation 0.3",
                REGULARIZATION,
            ),
            case(
                "a rare class",
                || tables::rare_class(12, 1.5),
                "--hidden 8 --lr 0.01 --epochs 40",
                Cure::Setting(&["class-weight"]),
            ),
            case(
                "a typing error",
                tables::typing_error,
                "--hidden 8 --lr 0.01 --epochs 30",
                Cure::Advice("income"),
            ),
            case(
                "dim images",
                NO_TABLE,
                "dim-images --hidden 8 --epochs 30",
                Cure::Setting(&["batch-norm"]),
            ),
            case(
                "houses, sigmoid outputs",
                tables::houses,
                "--hidden 32 --lr 0.01 --epochs 40 --output-activation sigmoid",
                Cure::Flags("--output-activation identity"),
            ),
            case(
                "random labels",
                tables::random_labels,
                "--hidden 16 --lr 0.01 --epochs 30",
                Cure::Advice("target"),
            ),
        ],
        healthy: &[
            case(
                "clusters",
                tables::clusters,
                "--hidden 16 --activation tanh --lr 0.01 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "digits",
                NO_TABLE,
                "glyphs --limit-train 6000 --hidden 64 --epochs 15 --dropout 0.2",
                Cure::Nothing,
            ),
            case(
                "houses",
                tables::houses,
                "--hidden 64,32 --lr 0.01 --epochs 100",
                Cure::Nothing,
            ),
            case(
                "noisy labels",
                tables::noisy_labels,
                "--hidden 8 --lr 0.01 --epochs 30",
                Cure::Nothing,
            ),
            case(
                "clusters with label smoothing",
                tables::clusters,
                "--hidden 16 --label-smoothing 0.6 --lr 0.02 --epochs 300",
                Cure::Nothing,
            ),
        ],
    },
    Round {
        title: "second",
        ill: &[
            case(
                "chequers, adam with rate 1",
                tables::chequers,
                "--hidden 32 --lr 1 --epochs 20",
                Cure::LowerRate,
            ),
            case(
                "noisy line, momentum with rate 10",
                tables::noisy_line,
                "--hidden 16 --optimizer momentum --lr 10",
                Cure::LowerRate,
            ),
            case(
                "houses, adam with rate 0.00001",
                tables::houses,
                "--hidden 32 --lr 0.00001 --epochs 30",
                Cure::HigherRate,
            ),
            case(
                "digits, five epochs",
                NO_TABLE,
                "glyphs --limit-train 300 --hidden 16 --batch-size 32 --optimizer sgd --lr 0.05 --epochs 5",
                Cure::MoreEpochs,
            ),
            case(
                "rings, no hidden layer",
                tables::rings,
                "--hidden none --lr 0.01 --epochs 100",
                Cure::LargerNetwork,
            ),
            case(
                "houses, zeros with tanh",
                tables::houses,
                "--hidden 32 --activation tanh --init zeros --lr 0.01 --epochs 40",
                INITIAL_WEIGHTS,
            ),
            case(
                "rings, sigmoid with weights up to 50",
                tables::rings,
                "--hidden 32 --activation sigmoid --init uniform:low=-50:high=50 --epochs 40",
                INITIAL_WEIGHTS,
            ),
            case(
                "rings, six sigmoid layers",
                tables::rings,
                "--hidden 16,16,16,16,16,16 --activation sigmoid --optimizer sgd --lr 0.1 --epochs 40",
                Cure::Setting(&["activation", "batch-norm", "layer-norm"]),
            ),
            case(
                "houses, the price in another currency",
                tables::houses_with_leak,
                "--hidden 32 --lr 0.01 --epochs 60",
                Cure::Flags("--ignore dollars"),
            ),
            case(
                "digits, 200 rows and 256 neurons",
                NO_TABLE,
                "glyphs --limit-train 200 --hidden 256 --epochs 60 --validation 0.3",
                REGULARIZATION,
            ),
            case(
                "a rare class of three",
                tables::rare_class_of_three,
                "--hidden 16 --lr 0.01 --epochs 40",
                Cure::Setting(&["class-weight"]),
            ),
            case(
                "clusters, mse",
                tables::clusters,
                "--hidden 16 --loss mse --output-activation sigmoid --lr 0.01 --epochs 40",
                Cure::Setting(&["loss"]),
            ),
            case(
                "rings, one step per epoch",
                tables::rings,
                "--hidden 16 --batch-size full --optimizer sgd --lr 0.1 --epochs 20",
                Cure::Setting(&["batch-size"]),
            ),
            case(
                "every row twice",
                tables::duplicated_rows,
                "--hidden 8 --lr 0.01 --epochs 40",
                Cure::Advice("duplicate"),
            ),
            case(
                "digits, l2 of 0.5",
                NO_TABLE,
                "glyphs --limit-train 2000 --hidden 32 --l2 0.5 --epochs 20 --validation 0.2",
                Cure::Setting(&["l2"]),
            ),
        ],
        healthy: &[
            case(
                "rings",
                tables::rings,
                "--hidden 32 --lr 0.01 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "topics",
                tables::topics,
                "--target sport,music,art --hidden 16 --lr 0.01 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "a noisy line without hidden layers",
                tables::noisy_line,
                "--hidden none --lr 0.01 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "a rare class apart from the others",
                || tables::rare_class(12, 5.0),
                "--hidden 8 --lr 0.01 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "categories",
                tables::categories,
                "--hidden 16 --lr 0.01 --epochs 60",
                Cure::Nothing,
            ),
        ],
    },
    Round {
        title: "third",
        ill: &[
            case(
                "topics, adam with rate 0.5",
                tables::topics,
                "--target sport,music,art --hidden 16 --lr 0.5 --epochs 20",
                Cure::LowerRate,
            ),
            case(
                "spirals, rmsprop with rate 0.000001",
                tables::spirals,
                "--hidden 32 --optimizer rmsprop --lr 0.000001 --epochs 20",
                Cure::HigherRate,
            ),
            case(
                "houses, six epochs",
                tables::houses,
                "--hidden 32 --lr 0.01 --epochs 6",
                Cure::MoreEpochs,
            ),
            case(
                "chequers, three neurons",
                tables::chequers,
                "--hidden 3 --lr 0.01 --epochs 150",
                Cure::LargerNetwork,
            ),
            case(
                "categories, zeros",
                tables::categories,
                "--hidden 16 --init zeros --lr 0.01 --epochs 30",
                INITIAL_WEIGHTS,
            ),
            case(
                "noisy line, weights of standard deviation 20",
                tables::noisy_line,
                "--hidden 32 --init normal:std=20 --epochs 30",
                INITIAL_WEIGHTS,
            ),
            case(
                "a table that is sorted by class, with the time",
                tables::sorted_rows,
                "--hidden 16 --lr 0.01 --epochs 40",
                Cure::Flags("--ignore time"),
            ),
            case(
                "many columns, few rows, tanh",
                tables::many_columns,
                "--hidden 128 --activation tanh --lr 0.005 --epochs 150 --validation 0.3 --seed 3",
                REGULARIZATION,
            ),
            case(
                "a very rare class",
                || tables::rare_class(30, 1.8),
                "--hidden 16 --lr 0.01 --epochs 40",
                Cure::Setting(&["class-weight"]),
            ),
            case(
                "a typing error in a table of numbers",
                tables::typing_error_in_numbers,
                "--hidden 16 --lr 0.01 --epochs 40",
                Cure::Advice("weight"),
            ),
            case(
                "houses, relu outputs",
                tables::houses,
                "--hidden 32 --lr 0.01 --epochs 40 --output-activation relu",
                Cure::Flags("--output-activation identity"),
            ),
            case(
                "topics, mse",
                tables::topics,
                "--target sport,music,art --hidden 16 --loss mse --lr 0.01 --epochs 40",
                Cure::Setting(&["loss"]),
            ),
            case(
                "random numbers",
                tables::random_numbers,
                "--hidden 16 --lr 0.01 --epochs 40",
                Cure::Advice("target"),
            ),
            case(
                "chequers, dropout of 0.9",
                tables::chequers,
                "--hidden 64,64 --dropout 0.9 --lr 0.01 --epochs 100",
                Cure::Setting(&["dropout"]),
            ),
            case(
                "rings, biases of -20 to -10",
                tables::rings,
                "--hidden 32 --bias-init uniform:low=-20:high=-10 --lr 0.01 --epochs 30",
                Cure::Setting(&["bias-init"]),
            ),
        ],
        healthy: &[
            case(
                "houses, three layers of tanh",
                tables::houses,
                "--hidden 32,32,16 --activation tanh --lr 0.01 --epochs 150",
                Cure::Nothing,
            ),
            case(
                "noisy labels with early stopping",
                tables::noisy_labels,
                "--hidden 16 --optimizer adamw --lr 0.005 --epochs 60 --patience 5",
                Cure::Nothing,
            ),
            case(
                "digits, momentum and label smoothing",
                NO_TABLE,
                "glyphs --limit-train 6000 --hidden 64 --optimizer momentum --lr 0.05 --epochs 15 --label-smoothing 0.1 --dropout 0.2",
                Cure::Nothing,
            ),
            case(
                "a rare class with class weights",
                || tables::rare_class(12, 3.0),
                "--hidden 8 --lr 0.01 --epochs 60 --class-weight balanced",
                Cure::Nothing,
            ),
            case(
                "spirals",
                tables::spirals,
                "--hidden 64,32 --lr 0.01 --epochs 100",
                Cure::Nothing,
            ),
        ],
    },
    Round {
        title: "fourth",
        ill: &[
            case(
                "spirals, nesterov with rate 5",
                tables::spirals,
                "--hidden 32 --optimizer nesterov --lr 5 --epochs 30",
                Cure::LowerRate,
            ),
            case(
                "topics, sgd with rate 0.0005",
                tables::topics,
                "--target sport,music,art --hidden 16 --optimizer sgd --lr 0.0005 --epochs 20",
                Cure::HigherRate,
            ),
            case(
                "chequers, ten epochs",
                tables::chequers,
                "--hidden 64 --lr 0.01 --epochs 10",
                Cure::MoreEpochs,
            ),
            case(
                "houses, one neuron",
                tables::houses,
                "--hidden 1 --lr 0.02 --epochs 150",
                Cure::LargerNetwork,
            ),
            case(
                "topics, equal weights",
                tables::topics,
                "--target sport,music,art --hidden 16 --init constant:value=0.5 --lr 0.01 --epochs 40",
                INITIAL_WEIGHTS,
            ),
            case(
                "clusters, sigmoid with weights up to 200",
                tables::clusters,
                "--hidden 16 --activation sigmoid --init uniform:low=-200:high=200 --epochs 30",
                INITIAL_WEIGHTS,
            ),
            case(
                "noisy line, a second measurement of the target",
                tables::measured_twice,
                "--hidden 16 --lr 0.01 --epochs 40",
                Cure::Flags("--ignore second"),
            ),
            case(
                "noisy line, few rows and many neurons",
                tables::few_rows,
                "--hidden 256,256 --lr 0.005 --epochs 200 --validation 0.3",
                REGULARIZATION,
            ),
            case(
                "clusters, l1 of 0.1",
                tables::clusters,
                "--hidden 16 --l1 0.1 --lr 0.01 --epochs 60",
                Cure::Setting(&["l1"]),
            ),
            case(
                "rings, ten layers of tanh, zeros",
                tables::rings,
                "--hidden 16,16,16,16 --activation tanh --init normal:std=0.001 --lr 0.001 --epochs 20",
                INITIAL_WEIGHTS,
            ),
        ],
        healthy: &[
            case(
                "topics with dropout",
                tables::topics,
                "--target sport,music,art --hidden 64 --dropout 0.3 --lr 0.005 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "rings with batch normalization",
                tables::rings,
                "--hidden 32,32 --batch-norm true --lr 0.01 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "a noisy line with momentum",
                tables::noisy_line,
                "--hidden 8 --optimizer momentum --lr 0.02 --epochs 40",
                Cure::Nothing,
            ),
            case(
                "chequers",
                tables::chequers,
                "--hidden 128,64 --lr 0.005 --epochs 150",
                Cure::Nothing,
            ),
            case(
                "three classes, one of them rare, with class weights",
                tables::rare_class_of_three,
                "--hidden 16 --lr 0.01 --epochs 60 --class-weight balanced",
                Cure::Nothing,
            ),
        ],
    },
    Round {
        title: "fifth",
        ill: &[
            case(
                "houses, adam with rate 3",
                tables::houses,
                "--hidden 32 --lr 3 --epochs 40",
                Cure::LowerRate,
            ),
            case(
                "categories, adam with rate 0.00002",
                tables::categories,
                "--hidden 16 --lr 0.00002 --epochs 20",
                Cure::HigherRate,
            ),
            case(
                "topics, four epochs",
                tables::topics,
                "--target sport,music,art --hidden 16 --lr 0.003 --epochs 4",
                Cure::MoreEpochs,
            ),
            case(
                "chequers, a linear model",
                tables::chequers,
                "--hidden none --lr 0.02 --epochs 80",
                Cure::LargerNetwork,
            ),
            case(
                "digits, zeros",
                NO_TABLE,
                "glyphs --limit-train 1000 --hidden 32 --init zeros --epochs 5",
                INITIAL_WEIGHTS,
            ),
            case(
                "spirals, tanh with weights of standard deviation 30",
                tables::spirals,
                "--hidden 32,32 --activation tanh --init normal:std=30 --epochs 40",
                INITIAL_WEIGHTS,
            ),
            case(
                "houses, eight layers of sigmoid",
                tables::houses,
                "--hidden 16,16,16,16,16,16,16,16 --activation sigmoid --lr 0.001 --epochs 30",
                Cure::Setting(&["activation", "batch-norm", "layer-norm"]),
            ),
            case(
                "random labels, a large network",
                tables::random_labels,
                "--hidden 128,128 --lr 0.005 --epochs 100",
                Cure::Advice("target"),
            ),
            case(
                "digits, 150 rows",
                NO_TABLE,
                "glyphs --limit-train 150 --hidden 128,64 --epochs 80 --validation 0.4",
                REGULARIZATION,
            ),
            case(
                "spirals, weight decay of 10",
                tables::spirals,
                "--hidden 64,64 --optimizer adamw --weight-decay 10 --lr 0.01 --epochs 80",
                Cure::Setting(&["weight-decay", "optimizer"]),
            ),
        ],
        healthy: &[
            case(
                "digits, the default network",
                NO_TABLE,
                "glyphs --limit-train 8000 --epochs 12 --dropout 0.3",
                Cure::Nothing,
            ),
            case(
                "noisy line, sgd",
                tables::noisy_line,
                "--hidden 16 --optimizer sgd --lr 0.1 --epochs 40",
                Cure::Nothing,
            ),
            case(
                "clusters, a linear model",
                tables::clusters,
                "--hidden none --lr 0.05 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "rings, sigmoid",
                tables::rings,
                "--hidden 64 --activation sigmoid --lr 0.02 --epochs 120",
                Cure::Nothing,
            ),
            case(
                "categories with batch normalization",
                tables::categories,
                "--hidden 32 --batch-norm true --lr 0.005 --epochs 40",
                Cure::Nothing,
            ),
            case(
                "houses, huber and elu",
                tables::houses,
                "--hidden 64,64 --activation elu --loss huber --lr 0.005 --epochs 120",
                Cure::Nothing,
            ),
            case(
                "noisy labels, label smoothing",
                tables::noisy_labels,
                "--hidden 16 --label-smoothing 0.1 --lr 0.005 --epochs 40",
                Cure::Nothing,
            ),
            case(
                "topics with a constant rate",
                tables::topics,
                "--target sport,music,art --hidden 32 --schedule constant --lr 0.003 --epochs 60",
                Cure::Nothing,
            ),
            case(
                "spirals, three layers of selu",
                tables::spirals,
                "--hidden 64,64,32 --activation selu --lr 0.003 --epochs 120",
                Cure::Nothing,
            ),
            case(
                "a rare class, early stopping",
                || tables::rare_class(8, 3.0),
                "--hidden 16 --lr 0.01 --epochs 80 --patience 8",
                Cure::Nothing,
            ),
        ],
    },
    sixth::ROUND,
    seventh::ROUND,
    eighth::ROUND,
    ninth::ROUND,
];
