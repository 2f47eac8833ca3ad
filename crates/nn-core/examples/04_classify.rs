//! Three spirals, told apart: fit, look at the validation accuracy, predict,
//! save, load.
//!
//! ```console
//! $ cargo run -p nn-core --example 04_classify
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::ndarray::Array2;
use nn_core::{Activation, Mlp, Result};

fn main() -> Result<()> {
    let labels: Vec<u32> = (0..600).map(|row| row % 3).collect();
    let points = Array2::from_shape_fn((600, 2), |(row, axis)| {
        let (radius, arm) = ((row / 3) as f32 / 200.0, (row % 3) as f32);
        let angle = 5.0 * radius + arm * std::f32::consts::TAU / 3.0;
        radius * if axis == 0 { angle.cos() } else { angle.sin() }
    });
    let settings = Mlp::classifier()
        .hidden([64, 32])
        .activation(Activation::Tanh)
        .learning_rate(0.01)
        .epochs(200)
        .validation(0.2)
        .patience(30);
    let model = settings.fit(&points, &labels)?;
    for epoch in model.history().iter().step_by(20) {
        let found = epoch.validation.as_ref().and_then(|it| it.accuracy);
        println!("epoch {}: validation accuracy {found:?}", epoch.epoch);
    }
    assert!(model.score(&points, &labels)? > 0.95, "the arms are apart");

    let mut file = Vec::new();
    model.save(&mut file)?;
    let loaded = settings.load(&file[..])?;
    assert_eq!(loaded.predict(&points)?, model.predict(&points)?);
    println!(
        "the middle belongs to {:.3}",
        loaded.predict_proba(Array2::zeros((1, 2)))?
    );
    Ok(())
}

#[test]
fn what_it_claims_holds() -> Result<()> {
    main()
}
