//! A service that answers at once: one network, shared, and a predictor for
//! every worker, which allocates nothing and never panics on a bad request.
//!
//! ```console
//! $ cargo run -p nn-core --example 07_serve
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::sync::{Arc, mpsc};
use std::thread;

use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Predictor, Result};

type Request = (Vec<f32>, mpsc::Sender<Result<[f32; 10]>>);

fn main() -> Result<()> {
    let hidden = LayerConfig::new(128, Activation::Relu);
    let layers = vec![hidden, LayerConfig::new(10, Activation::Softmax)];
    let config = NetworkConfig {
        n_inputs: 784,
        layers,
    };
    let network = Arc::new(Network::new(&config, 0)?);

    let workers: Vec<(mpsc::Sender<Request>, _)> = (0..2)
        .map(|_| {
            let (sender, requests) = mpsc::channel::<Request>();
            let mut predictor = Predictor::new(Arc::clone(&network), 1);
            let work = move || {
                for (pixels, reply) in requests {
                    let mut probabilities = [0.0; 10];
                    let outcome = predictor.predict_into(&pixels, &mut probabilities);
                    // Whoever asked may have gone.
                    let _ = reply.send(outcome.map(|()| probabilities));
                }
            };
            (sender, thread::spawn(work))
        })
        .collect();
    let ask = |worker: usize, pixels: Vec<f32>| {
        let (reply, answer) = mpsc::channel();
        workers[worker]
            .0
            .send((pixels, reply))
            .expect("the worker lives");
        answer.recv().expect("the worker answers")
    };
    assert_eq!(ask(0, vec![0.5; 784])?, ask(1, vec![0.5; 784])?);
    let refused = ask(0, vec![f32::NAN; 784]).expect_err("not a number");
    println!("{refused}");
    assert_eq!(
        ask(1, vec![0.0; 3]).expect_err("too short").to_string(),
        "number of inputs: expected 784, found 3"
    );
    Ok(())
}

#[test]
fn what_it_claims_holds() -> Result<()> {
    main()
}
