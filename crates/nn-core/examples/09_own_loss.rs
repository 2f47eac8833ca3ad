//! A loss of one's own: the focal loss (Lin et al. 2017, equation 4) finds a rare
//! class. Its derivative is checked by finite differences.
//!
//! ```console
//! $ cargo run -p nn-core --example 09_own_loss
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::gradient_check::check;
use nn_core::ndarray::Array2;
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, LossFunction, Network, NetworkConfig, Regularization,
    Result, Samples, Scalar, Targets, Threads, Trainer, TrainingConfig, evaluate,
};

/// −Σ (1 − p)²·ln p, p the probability of the true answer.
#[derive(Clone, Copy, Debug)]
struct Focal;

impl LossFunction for Focal {
    fn name(&self) -> String {
        "focal".to_owned()
    }

    fn of_row<S: Scalar>(&self, out: Activation, z: &[S], a: &[S], y: &[S], error: &mut [S]) -> S {
        let (half, two) = (S::from_f64(0.5), S::from_f64(2.0));
        let mut loss = S::zero();
        for ((&a, &y), error) in a.iter().zip(y).zip(&mut *error) {
            let (p, sign) = if y > half {
                (a, S::one())
            } else {
                (S::one() - a, -S::one())
            };
            let q = S::one() - p;
            loss -= q * q * p.ln();
            *error = sign * (two * q * p.ln() - q * q / p);
        }
        out.backward(z, a, error, a.len());
        loss
    }
}

fn main() -> Result<()> {
    let inputs = Array2::from_shape_fn((200, 2), |(i, j)| ((i * (j + 3)) as f32).sin());
    let labels: Vec<u32> = inputs
        .rows()
        .into_iter()
        .map(|x| u32::from(x[0] + x[1] > 1.5))
        .collect();
    let targets = Targets::Classes {
        labels: &labels,
        n_classes: 2,
    };
    let samples = Samples::new(Inputs::Values(inputs.view()), targets)?;
    let layers = vec![
        LayerConfig::new(8, Activation::Tanh),
        LayerConfig::new(1, Activation::Sigmoid),
    ];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 2,
            layers,
        },
        0,
    )?;
    for layer in check(&network, &samples, Focal, Regularization::default(), 100)? {
        assert!(layer.error < 1e-6, "{layer:?}");
    }
    let mut config = TrainingConfig::new(Loss::BinaryCrossEntropy, "adam".parse()?);
    (config.epochs, config.learning_rate) = (60, 0.02);
    let trainer = Trainer::new(network, samples.clone(), None, config, Threads::single())?;
    let network = trainer.with_loss(Focal)?.finish()?;
    let found = evaluate(&network, &samples, Focal, &Threads::single())?;
    println!(
        "focal loss {:.5}, accuracy {:?}",
        found.loss, found.accuracy
    );
    assert!(found.accuracy > Some(0.98));
    Ok(())
}

#[test]
fn it_learns() {
    main().expect("the example runs");
}
