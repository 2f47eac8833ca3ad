//! Handwritten digits: reads MNIST, trains for two epochs, and computes the accuracy on
//! the test set.
//!
//! ```console
//! $ cargo xtask fetch-data      # once; without it, built-in digits are used
//! $ cargo run -p nn-core --example 03_mnist
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;
use std::path::Path;

use nn_core::training::Event;
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Samples, Targets, Threads,
    Trainer, TrainingConfig, evaluate,
};
use nn_data::{Dataset, Split, catalog, glyphs};

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn Error>> {
    let threads = Threads::all();
    let dataset = load(&threads)?;
    let (train, test) = (samples(&dataset.train)?, samples(&dataset.test)?);
    let hidden = LayerConfig::new(64, Activation::Relu);
    let layers = vec![hidden, LayerConfig::new(10, Activation::Softmax)];
    let n_inputs = dataset.n_inputs();
    let network = Network::new(&NetworkConfig { n_inputs, layers }, 0)?;
    let mut config = TrainingConfig::new(Loss::CrossEntropy, "adam".parse()?);
    config.epochs = 2;

    let mut trainer = Trainer::new(network, train, None, config, threads.clone())?;
    while let Some(event) = trainer.advance()? {
        if let Event::Epoch(report) = event {
            println!("epoch {}: mean loss {:.3}", report.epoch, report.train_loss);
        }
    }
    let found = evaluate(&trainer.network(), &test, Loss::CrossEntropy, &threads)?;
    let percent = 100.0 * found.accuracy.ok_or("digits are classes")?;
    println!("accuracy {percent:.2} % on {} test digits", found.n_samples);
    // The built-in digits are more varied, and so harder, than MNIST's.
    let least = if dataset.name == "mnist" { 94.0 } else { 80.0 };
    assert!(percent > least, "expected more than {least} %");
    Ok(())
}

fn load(threads: &Threads) -> nn_data::Result<Dataset> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let folder = std::env::var_os("NN_DATA_DIR").map_or_else(default, Into::into);
    if catalog::MNIST.is_present(&folder) {
        return Dataset::load(&catalog::MNIST, &folder);
    }
    println!("no MNIST in {}: using built-in digits", folder.display());
    Ok(glyphs::dataset(0, threads))
}

/// Converts nn-data's rows to nn-core's samples, without copying values.
fn samples(split: &Split) -> Result<Samples<'_>, Box<dyn Error>> {
    let nn_data::Inputs::Pixels(pixels) = &split.inputs else {
        return Err("digits are images".into());
    };
    let nn_data::Targets::Classes(labels) = &split.targets else {
        return Err("digits have classes".into());
    };
    let (values, scale) = (pixels.view(), 1.0 / 255.0);
    let n_classes = 10;
    let targets = Targets::classes(labels, n_classes);
    Ok(Samples::new(Inputs::bytes(values, scale), targets)?)
}
