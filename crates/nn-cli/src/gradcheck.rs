//! `nn gradcheck`: is the gradient of this configuration right?

use nn_core::Network;
use nn_core::gradient_check::{LayerCheck, check};
use nn_core::regularization::Regularization;
use nn_tensor::Threads;

use crate::args::GradcheckArguments;
use crate::datasets::{self, Data};
use crate::failure::{Code, Failure, Result};
use crate::plan::Plan;
use crate::request::Request;
use crate::selection::Selection;
use crate::terminal;
use crate::training_memory;

/// The largest relative error of a right gradient.
const TOLERANCE: f64 = 1e-6;

pub(crate) fn run(arguments: &GradcheckArguments) -> Result<()> {
    let settings = &arguments.settings;
    let data_dir = &arguments.folder.data_dir;
    let selection = Selection::new(settings)?;
    let name = settings
        .data
        .clone()
        .unwrap_or_else(|| datasets::default_name(data_dir).to_owned());
    let request = Request::to_learn(&name, data_dir, &selection);
    let data = Data::load(&request, &Threads::all())?;
    let plan = Plan::new(settings, &data)?;
    let parts = data.parts()?;
    training_memory::check(&plan, &parts)?;
    let n_samples = parts.train.len().min(arguments.samples.into());
    let positions: Vec<u32> = (0..n_samples as u32).collect();
    let samples = parts.train.select(&positions);
    let network: Network = Network::new(&plan.network, plan.training.seed)?;
    let regularization: Regularization = plan.training.regularization;
    let checks = check(
        &network,
        &samples,
        plan.training.loss,
        regularization,
        arguments.parameters,
    )?;
    show(&plan, &data, n_samples, &checks);
    let worst = checks
        .iter()
        .map(|check| check.error)
        .fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a });
    if worst <= TOLERANCE {
        terminal::line(format!(
            "the gradient is right: worst relative error {worst:.1e}, at most {TOLERANCE:.0e} is rounding"
        ));
        Ok(())
    } else {
        Err(Failure::new(
            Code::CheckFailed,
            format!("relative error {worst:.1e}, expected at most {TOLERANCE:.0e}"),
        )
        .help("with kinked functions (relu, hinge, l1) try another --seed; otherwise this is a bug, please report it"))
    }
}

fn show(plan: &Plan, data: &Data, n_samples: usize, checks: &[LayerCheck]) {
    terminal::line(format!(
        "backpropagation against (C(w + h) - C(w - h)) / 2h in f64: {} on {n_samples} samples of {}",
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
