//! An ensemble of five networks, trained in parallel: the mean of their probabilities is
//! more accurate than the average network.
//! `cargo run -p nn-core --example 06_ensemble`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::thread;

use nn_core::{Mlp, Purpose, Result, Streams, Threads};

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    // Do the first two of eight values have the same sign?
    let mut random = Streams::new(0).stream(Purpose::Test, 0);
    let x: Vec<[f32; 8]> = (0..1200)
        .map(|_| [0; 8].map(|_| random.normal() as f32))
        .collect();
    let y: Vec<u32> = x
        .iter()
        .map(|row| u32::from(row[0] * row[1] > 0.0))
        .collect();

    let settings = Mlp::classifier().threads(Threads::single());
    let fit = |seed| settings.clone().seed(seed).fit(&x[..200], &y[..200]);
    let members = thread::scope(|scope| {
        let threads: Vec<_> = (0..5).map(|seed| scope.spawn(move || fit(seed))).collect();
        let members = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        members.collect::<Result<Vec<_>>>()
    })?;
    let (mut probability, mut alone) = (vec![0.0; 1000], 0.0);
    for member in &members {
        let predicted = member.predict_proba(&x[200..])?;
        let pairs = probability.iter_mut().zip(predicted.column(1));
        pairs.for_each(|(mean, &p)| *mean += p / 5.0);
        alone += member.score(&x[200..], &y[200..])? / 5.0;
    }
    let is_correct = |pair: &(&f32, &u32)| u32::from(*pair.0 > 0.5) == *pair.1;
    let pairs = probability.iter().zip(&y[200..]);
    let together = pairs.filter(is_correct).count() as f64 / 1000.0;
    println!("mean accuracy of one network {alone:.3}, of the ensemble {together:.3}");
    assert!(together > alone && alone > 0.7);
    Ok(())
}
