//! An optimizer of one's own: Lion (Chen et al. 2023, algorithm 2) steps by the
//! sign of an average of gradients.
//!
//! ```console
//! $ cargo run -p nn-core --example 11_own_optimizer
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::ndarray::{Array2, Axis};
use nn_core::update_rule::{UpdateRule, UpdateStep};
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Optimizer, Result, Samples,
    Scalar, Targets, Threads, Trainer, TrainingConfig, evaluate,
};

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
            *w -= if direction == S::zero() {
                direction
            } else {
                rate * direction.signum()
            };
            *m = (beta2 * *m + (S::one() - beta2) * g).flushed();
        }
    }
}

fn main() -> Result<()> {
    let inputs = Array2::from_shape_fn((300, 2), |(i, j)| ((i * (2 * j + 3)) as f32).sin());
    let targets = inputs.map_axis(Axis(1), |x| x[0] * x[1]);
    let targets = targets.insert_axis(Axis(1));
    let samples = Samples::new(
        Inputs::Values(inputs.view()),
        Targets::Values(targets.view()),
    )?;
    let layers = vec![
        LayerConfig::new(16, Activation::Tanh),
        LayerConfig::new(1, Activation::Identity),
    ];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 2,
            layers,
        },
        0,
    )?;
    let mut config = TrainingConfig::new(Loss::Mse, Optimizer::Sgd);
    (config.epochs, config.learning_rate) = (500, 0.003);
    config.schedule = "cosine".parse()?;
    let trainer = Trainer::new(network, samples.clone(), None, config, Threads::single())?;
    let network = trainer.with_optimizer(Lion).finish()?;
    let loss = evaluate(&network, &samples, Loss::Mse, &Threads::single())?.loss;
    println!("loss {loss:.6}");
    assert!(loss < 1e-3);
    Ok(())
}

#[test]
fn it_learns() {
    main().expect("the example runs");
}
