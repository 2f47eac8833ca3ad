//! Integration tests against four oracles: values from PyTorch, finite differences,
//! properties, and the papers' equations; then complete training runs.

mod support;
mod golden;

mod gradient_check;
mod stages;
mod seam;
mod equations;
mod properties;
mod single_rows;
mod training;
mod valid_values;
mod regularization;
mod estimator_checks;
mod checkpoint;
