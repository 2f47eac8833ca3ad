//! Converts weights from PyTorch to a model and back. In Python:
//!
//! ```python
//! model = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
//! {name: tensor.tolist() for name, tensor in model.state_dict().items()}   # export
//! model.load_state_dict({name: torch.tensor(rows) for name, rows in ...})  # import
//! ```
//!
//! `cargo run -p nn-core --example 08_pytorch_weights`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::tensors::Tensor;
use nn_core::{Activation, Loss, Model, NetworkConfig, Result};

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let state_dict = [
        (
            "0.weight",
            Tensor::new([2, 3], [0.25, 0.31, -0.48, -0.42, -0.22, 0.15]),
        ),
        ("0.bias", Tensor::new([2], [-0.01, 0.46])),
        ("2.weight", Tensor::new([1, 2], [-0.06, 0.19])),
        ("2.bias", Tensor::new([1], [-0.21_f32])),
    ];
    let config = NetworkConfig::new(3, [(2, Activation::Tanh), (1, Activation::Identity)]);
    let mut model = Model::from_tensors(&config, Loss::Mse, state_dict.clone())?;
    // model(torch.tensor([1.0, -2.0, 0.5])) in PyTorch: -0.08112325
    let output = model.predict_row(&[1.0, -2.0, 0.5])?[0];
    println!("output {output:.6}");
    assert!((output - -0.081_123_25).abs() < 1e-6);

    let tensors = model.to_tensors()?;
    assert!(
        tensors
            .into_iter()
            .eq(state_dict.map(|(name, it)| (name.to_owned(), it)))
    );
    model.network.bias_mut(1)[0] = 1.0;
    assert_eq!(model.to_tensors()?[3].1, Tensor::new([1], [1.0]));
    Ok(())
}
