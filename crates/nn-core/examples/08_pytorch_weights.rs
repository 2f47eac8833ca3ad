//! Weights from PyTorch and back. In Python:
//!
//! ```python
//! model = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
//! {name: tensor.tolist() for name, tensor in model.state_dict().items()}   # there
//! model.load_state_dict({name: torch.tensor(rows) for name, rows in ...})  # and back
//! ```
//!
//! ```console
//! $ cargo run -p nn-core --example 08_pytorch_weights
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use nn_core::ndarray::{ArrayD, array};
use nn_core::{Activation, LayerConfig, Loss, Model, NetworkConfig, Result};

fn main() -> Result<()> {
    let state_dict: Vec<(&str, ArrayD<f32>)> = vec![
        (
            "0.weight",
            array![[0.25, 0.31, -0.48], [-0.42, -0.22, 0.15]].into_dyn(),
        ),
        ("0.bias", array![-0.01, 0.46].into_dyn()),
        ("2.weight", array![[-0.06, 0.19]].into_dyn()),
        ("2.bias", array![-0.21].into_dyn()),
    ];
    let layers = vec![
        LayerConfig::new(2, Activation::Tanh),
        LayerConfig::new(1, Activation::Identity),
    ];
    let config = NetworkConfig {
        n_inputs: 3,
        layers,
    };
    let mut model = Model::from_tensors(&config, Loss::Mse, state_dict.clone())?;
    // model(torch.tensor([1.0, -2.0, 0.5]))
    let answer = model.predict_row(&[1.0, -2.0, 0.5])?;
    assert!((answer[0] - -0.081_123_25).abs() < 1e-6);

    let mut tensors = model.to_tensors()?;
    assert!(
        tensors
            .iter()
            .map(|(name, values)| (&**name, values.clone()))
            .eq(state_dict)
    );
    model.network.bias_mut(1)[0] = 1.0;
    tensors = model.to_tensors()?;
    println!("0.weight: {:.2}", tensors[0].1);
    assert_eq!(tensors[3], ("2.bias".to_owned(), array![1.0].into_dyn()));
    Ok(())
}

#[test]
fn what_it_claims_holds() -> Result<()> {
    main()
}
