//! A low-latency service: workers share one network, and each has its own predictor,
//! which does not allocate and returns an error for an invalid request.
//! `cargo run -p nn-core --example 07_serve`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::sync::{Arc, mpsc};
use std::thread;

use nn_core::{Activation, Network, NetworkConfig, Predictor, Result};

type Request = (Vec<f32>, mpsc::Sender<Result<[f32; 10]>>);

/// Starts a worker, which replies to every request.
fn worker(network: &Arc<Network>) -> mpsc::Sender<Request> {
    let mut predictor = Predictor::new(Arc::clone(network), 1);
    let (sender, requests) = mpsc::channel::<Request>();
    thread::spawn(move || {
        for (pixels, reply) in requests {
            let mut probabilities = [0.0; 10];
            let outcome = predictor.predict_into(&pixels, &mut probabilities);
            let _ = reply.send(outcome.map(|()| probabilities)); // Fails if the client is gone.
        }
    });
    sender
}

#[cfg_attr(test, test)]
fn main() -> Result<()> {
    let layers = [(128, Activation::Relu), (10, Activation::Softmax)];
    let network = Arc::new(Network::new(&NetworkConfig::new(784, layers), 0)?);
    let workers = [worker(&network), worker(&network)];
    let ask = |index: usize, pixels: Vec<f32>| {
        let (reply, response) = mpsc::channel();
        workers[index]
            .send((pixels, reply))
            .expect("the worker runs");
        response.recv().expect("the worker replies")
    };
    assert_eq!(ask(0, vec![0.5; 784])?, ask(1, vec![0.5; 784])?);
    let refused = [vec![f32::NAN; 784], vec![0.0; 3]].map(|pixels| ask(0, pixels).unwrap_err());
    refused.iter().for_each(|error| println!("{error}"));
    assert_eq!(
        refused[1].to_string(),
        "number of inputs: expected 784, found 3"
    );
    Ok(())
}
