//! Regression with a custom metric: the median error in percent.
//! `cargo run -p nn-core --example 05_own_metric`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::metrics::measure;
use nn_core::{Mlp, Purpose, Result, Rows, Samples, Streams, Threads};

/// The median of |a − y|/|y|, in percent.
fn median_error(outputs: &Rows<'_, f64>, targets: &Rows<'_, f64>) -> f64 {
    let pairs = outputs.column(0).zip(targets.column(0));
    let mut errors: Vec<f64> = pairs
        .map(|(a, y)| 100.0 * (a - y).abs() / y.abs())
        .collect();
    errors.sort_by(f64::total_cmp);
    errors[errors.len() / 2]
}

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    // Prices of houses of 30 to 230 m², 0 to 100 years old; new and very old houses cost
    // more.
    let mut random = Streams::new(0).stream(Purpose::Test, 0);
    let mut house = |_| {
        [
            random.uniform_in(30.0, 230.0) as f32,
            random.uniform_in(0.0, 100.0) as f32,
        ]
    };
    let houses: Vec<[f32; 2]> = (0..1000).map(&mut house).collect();
    let price = |[size, age]: [f32; 2]| 3000.0 * size + 40.0 * (age - 50.0).powi(2);
    let prices: Vec<f32> = houses.iter().map(|&house| price(house)).collect();

    let settings = Mlp::regressor()
        .hidden([64, 64])
        .learning_rate(0.005)
        .epochs(60);
    let model = settings.fit(&houses[..800], &prices[..800])?;
    // Folds the standardization into the network, so that it predicts prices.
    let network = model.model().fold_preprocessing()?;
    let test = Samples::regression(&houses[800..], Rows::new(&prices[800..], 1))?;
    let found = measure(&network, &test, &median_error, &Threads::single())?;
    println!("median error of 200 other houses: {found:.2} %");
    assert!(found < 2.0);
    Ok(())
}
