//! A custom loss: the focal loss (Lin et al. 2017, equation 4), for a rare class. Its
//! derivative is checked by finite differences.
//! `cargo run -p nn-core --example 09_own_loss`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::gradient_check::check;
use nn_core::*;

/// −(1 − p)²·ln p, where p is the probability of the true class.
#[derive(Clone, Copy, Debug)]
struct Focal;

impl LossFunction for Focal {
    fn name(&self) -> String {
        "focal".to_owned()
    }

    fn of_row<S: Scalar>(&self, out: Activation, z: &[S], a: &[S], y: &[S], error: &mut [S]) -> S {
        let one = S::one();
        let p = y[0] * a[0] + (one - y[0]) * (one - a[0]);
        let (q, sign) = (one - p, y[0] + y[0] - one);
        error[0] = sign * ((q + q) * p.ln() - q * q / p); // ∂C/∂a
        out.backward(z, a, error, 1); // ∂C/∂z
        -q * q * p.ln()
    }
}

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let x: Vec<[f32; 2]> = (0..200)
        .map(|i| [3, 4].map(|k| ((i * k) as f32).sin()))
        .collect();
    let labels: Vec<u32> = x.iter().map(|x| u32::from(x[0] + x[1] > 1.5)).collect();
    let samples = Samples::classification(&x, &labels, 2)?;
    let layers = [(8, Activation::Tanh), (1, Activation::Sigmoid)];
    let network = Network::new(&NetworkConfig::new(2, layers), 0)?;
    let layers = check(&network, &samples, Focal, Regularization::default(), 100)?;
    assert!(layers.iter().all(|layer| layer.error < 1e-6), "{layers:?}");

    let mut config = TrainingConfig::new(Loss::BinaryCrossEntropy, "adam".parse()?);
    (config.epochs, config.learning_rate) = (60, 0.02);
    let trainer = Trainer::new(network, samples.clone(), None, config, Threads::single())?;
    let network = trainer.with_loss(Focal)?.finish()?;
    let found = evaluate(&network, &samples, Focal, &Threads::single())?;
    println!("accuracy {:?}", found.accuracy);
    assert!(found.accuracy > Some(0.98));
    Ok(())
}
