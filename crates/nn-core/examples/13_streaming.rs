//! Online learning: steps on batches of a stream with the first layer frozen, and
//! `partial_fit` of a fitted model.
//! `cargo run -p nn-core --example 13_streaming`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::*;

/// An endless stream of batches of 32 points, with the label 1 inside a circle.
fn stream() -> impl Iterator<Item = (Vec<[f32; 2]>, Vec<u32>)> {
    let mut random = Streams::new(1).stream(Purpose::Test, 0);
    let mut point = move |_| [0; 2].map(|_| random.uniform_in(-1.0, 1.0) as f32);
    std::iter::repeat_with(move || {
        let points: Vec<[f32; 2]> = (0..32).map(&mut point).collect();
        let is_inside = |[x, y]: &[f32; 2]| x * x + y * y < 0.6;
        let labels = points.iter().map(|point| u32::from(is_inside(point)));
        (points.clone(), labels.collect())
    })
}

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let layers = [(64, Activation::Relu), (2, Activation::Softmax)];
    let network: Network = Network::new(&NetworkConfig::new(2, layers), 0)?;
    let first = network.weights(0).into_owned();
    let mut config = TrainingConfig::new(Loss::CrossEntropy, "adam".parse()?);
    (config.learning_rate, config.frozen_layers) = (0.02, 1);
    let mut trainer = Trainer::online(network, config, Threads::single())?;
    for (points, labels) in stream().take(1000) {
        trainer.step_on(&Samples::classification(&points, &labels, 2)?)?;
    }
    let network = trainer.network();
    assert_eq!(network.weights(0), first, "frozen");

    let (points, labels) = stream().nth(1000).expect("it is endless");
    let test = Samples::classification(&points, &labels, 2)?;
    let found = evaluate(&network, &test, Loss::CrossEntropy, &Threads::single())?;
    let mut model = Mlp::classifier().epochs(1).fit(&points, &labels)?;
    for (points, labels) in stream().take(500) {
        model.partial_fit(&points, &labels)?;
    }
    let accuracies = [found.accuracy, Some(model.score(&points, &labels)?)];
    println!("accuracy after step_on and after partial_fit: {accuracies:?}");
    assert!(accuracies.iter().all(|&accuracy| accuracy > Some(0.9)));
    Ok(())
}
