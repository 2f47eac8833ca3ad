//! Integration tests against four oracles: values from PyTorch, finite differences,
//! properties, and the papers' equations; then complete training runs.

mod support;
mod golden;

mod network;
mod predictor;
mod gradient_check;
mod stages;
mod members;
mod seam;
mod equations;
mod properties;
mod single_rows;
mod training;
mod training_loop;
mod metrics;
mod valid_values;
mod regularization;
mod estimator_checks;
mod model_file;
mod tensors;
mod preprocessing;
mod mlp;
mod checkpoint;
mod thread_exchange;
mod processes;
