//! Prices from size and age: numbers in their own units go in and come out,
//! since the model standardizes both. More rows may follow (`partial_fit`).
//!
//! ```console
//! $ cargo run -p nn-core --example 05_regress
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::ndarray::{Array2, array, s};
use nn_core::{Mlp, Purpose, Result, Streams};

fn main() -> Result<()> {
    // 30 to 230 square metres, 0 to 100 years: dear when new, and when very old.
    let mut random = Streams::new(0).stream(Purpose::Test, 0);
    let houses = Array2::from_shape_fn((1000, 2), |(_, column)| match column {
        0 => random.uniform_in(30.0, 230.0) as f32,
        _ => random.uniform_in(0.0, 100.0) as f32,
    });
    let price = |size: f32, age: f32| 3000.0 * size + 40.0 * (age - 50.0).powi(2);
    let prices: Vec<f32> = houses
        .rows()
        .into_iter()
        .map(|it| price(it[0], it[1]))
        .collect();

    let (first, rest) = (houses.slice(s![..800, ..]), houses.slice(s![800.., ..]));
    let settings = Mlp::regressor()
        .hidden([64, 64])
        .learning_rate(0.005)
        .epochs(60);
    let mut model = settings.fit(first, &prices[..800])?;
    let r_squared = model.score(rest, &prices[800..])?;
    println!("R² of 200 houses that it has not seen: {r_squared:.4}");
    assert!(r_squared > 0.98);

    model.partial_fit(rest, &prices[800..])?;
    let found = model.predict(array![[100.0, 0.0]])?[0];
    println!(
        "100 m², new: {found:.0}; the rule says {:.0}",
        price(100.0, 0.0)
    );
    assert!((found / price(100.0, 0.0) - 1.0).abs() < 0.05);
    Ok(())
}

#[test]
fn what_it_claims_holds() -> Result<()> {
    main()
}
