//! A custom optimizer: Lion (Chen et al. 2023, algorithm 2), whose steps are the sign of
//! a moving average of the gradient.
//! `cargo run -p nn-core --example 11_own_optimizer`

use nn_core::update_rule::{UpdateRule, UpdateStep};
use nn_core::*;

#[derive(Debug)]
struct Lion;

impl UpdateRule for Lion {
    fn name(&self) -> String {
        "lion".to_owned()
    }

    fn n_slots(&self) -> usize {
        1
    }

    fn update<S: Scalar>(&self, step: UpdateStep, w: &mut [S], g: &[S], [m, _]: [&mut [S]; 2]) {
        let [rate, beta1, beta2] = [step.learning_rate, 0.9, 0.99].map(S::from_f64);
        for ((w, &g), m) in w.iter_mut().zip(g).zip(m) {
            let direction = beta1 * *m + (S::one() - beta1) * g;
            if direction != S::zero() {
                *w -= rate * direction.signum();
            }
            *m = (beta2 * *m + (S::one() - beta2) * g).flushed();
        }
    }
}

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let x: Vec<[f32; 2]> = (0..300)
        .map(|i| [3, 5].map(|k| ((i * k) as f32).sin()))
        .collect();
    let y: Vec<[f32; 1]> = x.iter().map(|x| [x[0] * x[1]]).collect();
    let samples = Samples::regression(&x, &y)?;
    let layers = [(16, Activation::Tanh), (1, Activation::Identity)];
    let network = Network::new(&NetworkConfig::new(2, layers), 0)?;
    let mut config = TrainingConfig::new(Loss::Mse, Optimizer::Sgd);
    (config.epochs, config.learning_rate) = (500, 0.003);
    config.schedule = "cosine".parse()?;
    let trainer = Trainer::new(network, samples.clone(), None, config, Threads::single())?;
    let network = trainer.with_optimizer(Lion).finish()?;
    let loss = evaluate(&network, &samples, Loss::Mse, &Threads::single())?.loss;
    assert!(loss < 1e-3, "loss {loss}");
    Ok(())
}
