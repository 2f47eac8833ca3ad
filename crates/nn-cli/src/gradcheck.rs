//! The command `nn gradcheck`: checks the gradient of a configuration.

use std::process::ExitCode;

use clap::Args;
use nn_core::gradient_check::{LayerCheck, check};
use nn_tensor::Threads;
use nn_train::trainer::initial_network;
use nn_train::{Data, Experiment, Plan, Result, Settings};

use crate::args::DataFolder;
use crate::terminal;

#[derive(Args, Debug)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "Examples:\n  \
    nn gradcheck\n  \
    nn gradcheck --hidden 30,20 --activation gelu --batch-norm --loss mse --l2 0.1")]
pub(crate) struct GradcheckArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    folder: DataFolder,
    /// Number of training samples
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Check",
        value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
    /// Number of randomly chosen parameters to check in each layer
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Check",
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    parameters: usize,
}

/// The largest relative error of a correct gradient.
const TOLERANCE: f64 = 1e-6;

/// The exit code if the gradient is wrong.
const WRONG: u8 = 1;

pub(crate) fn run(arguments: &GradcheckArguments) -> Result<ExitCode> {
    let settings = &arguments.settings;
    let data = Data::for_training(settings, &arguments.folder.data_dir, &Threads::all())?;
    let experiment = Experiment::new(settings, data)?;
    let (plan, train) = (experiment.plan(), experiment.data().splits()?.train);
    let n_samples = train.len().min(arguments.samples.into());
    let positions: Vec<u32> = (0..n_samples as u32).collect();
    let checks = check(
        &initial_network(plan, &train, &Threads::all())?,
        &train.select(&positions),
        plan.training.loss,
        plan.training.regularization,
        arguments.parameters,
    )?;
    show(plan, experiment.data(), n_samples, &checks);
    let worst = checks
        .iter()
        .map(|check| check.error)
        .fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a });
    if worst <= TOLERANCE {
        terminal::line(format!(
            "gradient check passed: max relative error {worst:.1e} (tolerance {TOLERANCE:.0e})"
        ));
        return Ok(ExitCode::SUCCESS);
    }
    terminal::error_line(format!(
        "error: gradient check failed: max relative error {worst:.1e} (tolerance {TOLERANCE:.0e})"
    ));
    terminal::error_line(
        "  help: with functions that are not differentiable everywhere (relu, hinge, l1) try \
         another --seed; for other functions, please report this failure as a bug",
    );
    Ok(ExitCode::from(WRONG))
}

fn show(plan: &Plan, data: &Data, n_samples: usize, checks: &[LayerCheck]) {
    terminal::line(format!(
        "comparing backpropagation with the central difference (C(w + h) - C(w - h)) / 2h in f64: \
         loss {}, {n_samples} samples of {}",
        plan.training.loss, data.dataset.name
    ));
    terminal::line(
        "layer  activation       checked  kinks  worst parameter          analytic         numeric     error",
    );
    for (check, layer) in checks.iter().zip(&plan.network.layers) {
        terminal::line(format!(
            "{:<5}  {:<15} {:>8} {:>6}  {:<18} {:>14.6e}  {:>14.6e}  {:>8.1e}",
            check.layer,
            layer.activation.to_string(),
            check.n_checked,
            check.n_kinks,
            check.parameter,
            check.analytic,
            check.numeric,
            check.error,
        ));
    }
}
