//! Calibration of a network: the temperature that is fitted to the validation samples.

use nn_core::{Activation, Network, Rows, Samples};
use nn_metrics::{Logits, TemperatureFit};
use nn_settings::Result;
use nn_tensor::Threads;

use crate::forward::for_each_block;

/// Temperatures are rounded to this number of decimal places, so that they are short numbers
/// in model files.
const DECIMAL_PLACES: i32 = 6;

/// Fits a temperature to the samples, and returns the network with this temperature if it
/// lowers the log loss of the samples by more than chance; otherwise, the network unchanged.
///
/// # Errors
/// Returns an error if the samples do not fit the network or cannot be read.
pub fn calibrated(network: Network, samples: &Samples<'_>, threads: &Threads) -> Result<Network> {
    let network = network.uncalibrated();
    let fit = fit_temperature(&network, samples, threads)?;
    match fit.filter(|fit| fit.is_significant) {
        None => Ok(network),
        Some(fit) => {
            let scale = 10_f64.powi(DECIMAL_PLACES);
            let temperature = (fit.temperature * scale).round() / scale;
            Ok(network.with_temperature(temperature)?)
        }
    }
}

/// Fits the temperature of a network to samples. `None` if the outputs are not probabilities,
/// or if the samples do not determine a temperature.
///
/// # Errors
/// Returns an error if the samples do not fit the network or cannot be read.
pub fn fit_temperature(
    network: &Network,
    samples: &Samples<'_>,
    threads: &Threads,
) -> Result<Option<TemperatureFit>> {
    let activation = network.output_layer().activation;
    if samples.is_empty() || !matches!(activation, Activation::Softmax | Activation::Sigmoid) {
        return Ok(None);
    }
    let (last, width) = (network.layers().len() - 1, network.n_outputs());
    let mut z = Vec::with_capacity(samples.len() * width);
    for_each_block(network, samples, threads, |_, _, cache| {
        let sums = cache.layer(last).pre_activations();
        z.extend(sums.iter().copied().map(f64::from));
    })?;
    let z = Rows::new(z, width);
    let weights = samples.has_weights().then(|| {
        let weights = (0..samples.len()).map(|row| f64::from(samples.weight(row)));
        weights.collect::<Vec<f64>>()
    });
    let weights = weights.as_deref();
    if activation == Activation::Softmax {
        let classes = (0..samples.len()).map(|row| samples.label(row));
        let classes: Option<Vec<u32>> = classes.collect();
        return Ok(classes.and_then(|classes| {
            let (z, classes) = (&z, &*classes);
            TemperatureFit::new(Logits::Classes { z, classes }, weights)
        }));
    }
    let mut target = vec![0.0; width];
    let mut are_true = Vec::with_capacity(z.as_slice().len());
    for row in 0..samples.len() {
        samples.copy_target(row, 0.0, &mut target);
        are_true.extend(target.iter().map(|&target| target > 0.5));
    }
    let (z, are_true) = (&z, &*are_true);
    Ok(TemperatureFit::new(Logits::Labels { z, are_true }, weights))
}
