//! Training runs of multilayer perceptrons: from settings and a data set to a run
//! directory with a model, and from a run directory to evaluations and predictions.
//!
//! The library behind `nn train`, `nn evaluate` and `nn predict`. This example trains on
//! a table, writes the run to `runs/houses`, evaluates it, and predicts new rows:
//!
//! ```no_run
//! use nn_train::{Experiment, Run, Settings, Split};
//!
//! let settings = Settings {
//!     data: Some("houses.csv".into()),
//!     target: Some("price".into()),
//!     ..Settings::default()
//! };
//! Experiment::load(&settings, "datasets")?.train("runs/houses", &mut ())?;
//!
//! let run = Run::open("runs/houses")?;
//! println!("test loss {:.4}", run.evaluate(Split::Test)?.loss);
//! let prices = run.predict_table("new-houses.csv")?.restored();
//! # Ok::<(), nn_train::Error>(())
//! ```
//!
//! An interrupted run can be resumed and ends with the weights of an uninterrupted run:
//! see [`StoppedRun`]. An [`Observer`] shows the progress of a run and can stop it.
//! [`Data::notes`](data::Data::notes) has notes about the data, such as an inferred task.
//!
//! The values of settings are typed: `optimizer: Some("adam:beta1=0.8".parse()?)`, or
//! `Some(Optimizer::Sgd.into())` with the types of [`nn_core`], [`nn_data`], [`nn_image`]
//! and [`nn_table`], which are re-exported.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "a training run measures its seconds"
)]

mod numbers;
pub mod split;
pub mod split_options;
pub mod note;
pub mod split_rows;
pub mod memory;
mod location;
mod stored_model;
pub mod source_model;
pub mod task;
pub mod constant_prediction;
pub mod data_request;
pub mod table;
mod conversion_settings;
pub mod rows_data;
pub mod data;
pub mod data_loader;
pub mod conversion;
pub mod plan;
pub mod training_memory;
pub mod trainer;
pub mod warnings;
pub mod instruction_set;
pub mod forward;
pub mod sample_outputs;
pub mod baseline;
pub mod metrics;
pub mod epoch_metrics;
pub mod outcome;
pub mod summary;
pub mod calibration;
pub mod metrics_file;
#[doc(hidden)]
pub mod checkpoints;
pub mod run_dir;
pub mod processes;
mod origin;
pub mod config_diff;
pub mod observer;
#[doc(hidden)]
pub mod rollback;
mod training_loop;
pub mod trained_model;
pub mod prediction;
pub mod threshold;
pub mod step_trace;
pub mod sample_trace;
pub mod run;
pub mod row_scores;
mod shared_runs;
pub mod ensemble;
pub mod experiment;
pub mod repeated_training;
pub mod import;

pub use nn_core;
pub use nn_data;
pub use nn_image;
pub use nn_import::{self, ImportOptions};
pub use nn_metrics;
#[cfg(feature = "clap")]
pub use nn_settings::flags;
pub use nn_settings::{
    Activations, Calibrate, Choice, Error, ErrorKind, OnDivergence, Result, Settings, Sizes,
    Widths, choice, command_line, error, preset, settings,
};
pub use nn_table;
pub use nn_tensor::Threads;

pub use conversion::{Conversion, Converted};
pub use data::{Data, Splits};
pub use data_loader::DataLoader;
pub use data_request::DataRequest;
pub use epoch_metrics::EpochMetrics;
pub use experiment::{Experiment, StoppedRun, TrainedRun};
pub use import::ImportedRun;
pub use metrics::{Evaluator, Metrics};
pub use note::Note;
pub use numbers::{grouped, shortest};
pub use observer::{Observer, Start};
pub use origin::Origin;
pub use outcome::Outcome;
pub use plan::{FineTuning, Plan};
pub use prediction::{ImagePredictor, TablePredictions};
pub use processes::Processes;
pub use repeated_training::{RepeatedTraining, Repetition};
pub use row_scores::{RowScores, Scores};
pub use run::Run;
pub use sample_outputs::SampleOutputs;
pub use sample_trace::{SampleTrace, TraceOptions};
pub use source_model::SourceModel;
pub use split::Split;
pub use split_options::SplitOptions;
pub use summary::Summary;
pub use task::Task;
pub use threshold::Threshold;
