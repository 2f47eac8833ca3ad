//! Agreement with PyTorch: golden values from `scripts/reference.py` in double
//! precision. Tests iterate over the menus, so an entry without golden values
//! fails.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::ControlFlow;
use std::str::FromStr;

use ndarray::{Array2, ArrayD};
use nn_core::network::ForwardCache;
use nn_core::optimizer::OptimizerState;
use nn_core::schedule::{Plateau, Position};
use nn_core::training::{BatchSize, ClassWeights, Event, Reduction, Trainer, TrainingConfig};
use nn_core::{
    Activation, LayerConfig, Loss, Menu, Model, Network, NetworkConfig, Optimizer, Schedule,
};
use nn_tensor::{Scalar, Threads};
use serde::Deserialize;

use crate::support::{Classes, assert_close, first_batch, full_batch, read_golden};

/// Relative and absolute tolerance in double precision.
const EXACT: [f64; 2] = [1e-10, 1e-14];

/// Relative and absolute tolerance in single precision.
const SINGLE: [f64; 2] = [1e-5, 1e-6];

#[derive(Deserialize)]
struct Activations {
    z: Vec<Vec<f64>>,
    delta: Vec<Vec<f64>>,
    entries: BTreeMap<String, ActivationNumbers>,
}

#[derive(Deserialize)]
struct ActivationNumbers {
    value: Vec<Vec<f64>>,
    /// Σⱼ δⱼ·∂φⱼ/∂zᵢ
    delta_times_slope: Vec<Vec<f64>>,
}

#[test]
fn activations_and_their_derivatives() {
    let golden: Activations = read_golden("activations");
    for (activation, numbers) in entries::<Activation, _>(&golden.entries) {
        let width = golden.z[0].len();
        let z = golden.z.concat();
        let mut a = z.clone();
        activation.apply(&mut a, width);
        let mut delta = golden.delta.concat();
        activation.backward(&z, &a, &mut delta, width);
        let what = activation.to_string();
        assert_close(&what, &a, &numbers.value.concat(), EXACT);
        let derivatives = numbers.delta_times_slope.concat();
        assert_close(
            &format!("derivative of {what}"),
            &delta,
            &derivatives,
            EXACT,
        );

        let mut a: Vec<f32> = cast(&z);
        activation.apply(&mut a, width);
        let what = format!("{what} in f32");
        assert_close(&what, &cast(&a), &numbers.value.concat(), SINGLE);
    }
}

#[derive(Deserialize)]
struct Losses {
    entries: Vec<LossNumbers>,
    batches: LossBatches,
}

/// A loss over an output layer, for several rows.
#[derive(Deserialize)]
struct LossNumbers {
    loss: String,
    output: String,
    z: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    value: Vec<f64>,
    gradient: Vec<Vec<f64>>,
}

#[test]
fn losses_and_their_errors() {
    let golden: Losses = read_golden("losses");
    for &loss in Loss::ALL {
        let outputs: Vec<Activation> = match loss.required_output() {
            Some(output) => vec![output],
            None => Activation::ALL.to_vec(),
        };
        for output in outputs {
            let name = [loss.to_string(), output.to_string()];
            let mut found = golden.entries.iter();
            assert!(
                found.any(|entry| entry.loss == name[0] && entry.output == name[1]),
                "{}",
                missing_numbers(Loss::KIND, &[format!("{loss} over {output}").as_str()])
            );
        }
    }
    for numbers in &golden.entries {
        check_loss::<f64>(numbers, EXACT);
        check_loss::<f32>(numbers, SINGLE);
    }
}

fn check_loss<S: Scalar>(numbers: &LossNumbers, tolerance: [f64; 2]) {
    let loss: Loss = parse(&numbers.loss);
    let output: Activation = parse(&numbers.output);
    let rows = numbers.z.iter().zip(&numbers.y);
    let results = numbers.value.iter().zip(&numbers.gradient);
    for ((z, y), (&value, gradient)) in rows.zip(results) {
        let (z, y): (Vec<S>, Vec<S>) = (cast(z), cast(y));
        let mut a = z.clone();
        output.apply(&mut a, z.len());
        let mut error = vec![S::zero(); z.len()];
        let found = loss.of_row(output, &z, &a, &y, &mut error);
        let what = format!("{loss} over {output} of {z:?} in {}", S::NAME);
        assert_close(&what, &[found.into_f64()], &[value], tolerance);
        assert_close(
            &format!("error of {what}"),
            &cast(&error),
            gradient,
            tolerance,
        );
    }
}

/// A batch through one dense layer, softmax and cross-entropy.
#[derive(Deserialize)]
struct LossBatches {
    inputs: Vec<Vec<f64>>,
    labels: Vec<u32>,
    parameters: Vec<f64>,
    label_smoothing: f64,
    class_weights: Vec<f64>,
    sample_weights: Vec<f64>,
    results: BTreeMap<String, LossBatch>,
}

#[derive(Deserialize)]
struct LossBatch {
    loss: f64,
    gradient: Vec<f64>,
}

#[test]
fn reduction_smoothing_and_weights() {
    let golden: Losses = read_golden("losses");
    let golden = golden.batches;
    let data = Classes {
        inputs: matrix(&golden.inputs),
        labels: golden.labels,
        n_classes: golden.class_weights.len(),
    };
    let layers = vec![LayerConfig::new(data.n_classes, Activation::Softmax)];
    let network = with_parameters(data.inputs.ncols(), layers, &golden.parameters);
    let plain = full_batch(Loss::CrossEntropy);
    for (form, numbers) in golden.results {
        let (mut config, mut samples) = (plain.clone(), data.samples());
        match form.as_str() {
            "plain" => {}
            "sum" => config.reduction = Reduction::Sum,
            "label-smoothing" => config.label_smoothing = golden.label_smoothing,
            "class-weights" => {
                config.class_weights = ClassWeights::Given(golden.class_weights.clone());
            }
            "sample-weights" => {
                samples = samples
                    .with_weights(&golden.sample_weights)
                    .expect("the weights fit");
            }
            _ => panic!("no test for {form}"),
        }
        let (loss, gradient) = first_batch(&network, samples, &config);
        // Reported losses are means for every reduction of the gradient.
        let n = if form == "sum" { data.labels.len() } else { 1 };
        assert_close(&form, &[loss * n as f64], &[numbers.loss], EXACT);
        assert_close(
            &format!("gradient of {form}"),
            &gradient,
            &numbers.gradient,
            EXACT,
        );
    }
}

#[derive(Deserialize)]
struct Optimizers {
    start: Vec<f64>,
    gradients: Vec<Vec<f64>>,
    entries: BTreeMap<String, OptimizerNumbers>,
}

#[derive(Deserialize)]
struct OptimizerNumbers {
    learning_rate: f64,
    /// After every step.
    parameters: Vec<Vec<f64>>,
}

#[test]
fn five_steps_of_every_optimizer() {
    let golden: Optimizers = read_golden("optimizers");
    for (optimizer, numbers) in entries::<Optimizer, _>(&golden.entries) {
        let mut parameters = golden.start.clone();
        let rate = numbers.learning_rate;
        let mut state = OptimizerState::new(optimizer, parameters.len(), rate)
            .expect("the values are in range");
        for (step, gradient) in golden.gradients.iter().enumerate() {
            state.step(&mut parameters, gradient, rate, &Threads::single());
            let what = format!("{optimizer} after step {}", step + 1);
            assert_close(&what, &parameters, &numbers.parameters[step], EXACT);
        }
    }
}

#[derive(Deserialize)]
struct Schedules {
    steps_per_epoch: u64,
    epochs: u64,
    /// At the end of every epoch.
    losses: Vec<f64>,
    /// Of every step.
    entries: BTreeMap<String, Vec<f64>>,
}

#[test]
fn every_step_of_every_schedule() {
    let golden: Schedules = read_golden("schedules");
    for (schedule, expected) in entries::<Schedule, _>(&golden.entries) {
        let mut plateau = Plateau::default();
        let mut factors = Vec::new();
        for step in 0..golden.steps_per_epoch * golden.epochs {
            let position = Position {
                step,
                steps_per_epoch: golden.steps_per_epoch,
                epochs: golden.epochs,
            };
            factors.push(schedule.factor(position) * plateau.factor);
            if (step + 1) % golden.steps_per_epoch == 0 {
                let epoch = (step / golden.steps_per_epoch) as usize;
                plateau.observe(schedule, golden.losses[epoch]);
            }
        }
        assert_close(&schedule.to_string(), &factors, expected, EXACT);
    }
}

#[derive(Deserialize)]
struct Training {
    inputs: Vec<Vec<f64>>,
    labels: Vec<u32>,
    batch_size: usize,
    learning_rate: f64,
    start: Vec<f64>,
    /// Before every step.
    losses: Vec<f64>,
    end: Vec<f64>,
    statistics: Vec<f64>,
    state_dict: BTreeMap<String, serde_json::Value>,
    /// Of the trained network in use.
    #[serde(rename = "answers")]
    outputs: Vec<Vec<f64>>,
}

#[test]
fn twenty_steps_with_batch_normalization() {
    let golden: Training = read_golden("network");
    let data = Classes {
        inputs: matrix(&golden.inputs),
        labels: golden.labels,
        n_classes: 3,
    };
    let hidden = LayerConfig {
        batch_norm: true,
        ..LayerConfig::new(5, Activation::Tanh)
    };
    let layers = vec![hidden, LayerConfig::new(3, Activation::Softmax)];
    let network = with_parameters(4, layers, &golden.start);
    let config = TrainingConfig {
        batch_size: BatchSize::Rows(golden.batch_size),
        learning_rate: golden.learning_rate,
        epochs: 4,
        shuffle: false,
        ..TrainingConfig::new(Loss::CrossEntropy, parse("adam"))
    };
    let threads = Threads::single();
    let mut trainer = Trainer::new(network, data.samples(), None, config, threads)
        .expect("a valid configuration");
    let mut losses = Vec::new();
    let observed = trainer.run(|event| {
        if let Event::Batch(report) = event {
            losses.push(report.loss);
        }
        ControlFlow::Continue(())
    });
    observed.expect("the loss is finite");
    let trained = trainer.network();
    assert_eq!(losses.len(), 20);
    assert_close("losses", &losses, &golden.losses, EXACT);
    // Batch normalization cancels the bias before it, so its gradient is only
    // rounding error, about 1e-17, which Adam divides by at least 1e-8. The running
    // mean compensates the change of the bias.
    let touched_by_rounding = [1e-10, 1e-9];
    let bias = trained.layers()[0].bias();
    let [found, expected] = [trained.parameters(), &golden.end].map(|all| all.split_at(bias.start));
    assert_close("first weights", found.0, expected.0, EXACT);
    let [found, expected] = [found.1, expected.1].map(|rest| rest.split_at(bias.len()));
    assert_close("cancelled bias", found.0, expected.0, touched_by_rounding);
    assert_close("parameters after it", found.1, expected.1, EXACT);
    assert_close(
        "statistics",
        trained.statistics(),
        &golden.statistics,
        touched_by_rounding,
    );

    let outputs = golden.outputs.concat();
    assert_close(
        "outputs",
        &outputs_of::<f64>(&trained, &data.inputs),
        &outputs,
        touched_by_rounding,
    );
    assert_close(
        "outputs in f32",
        &outputs_of::<f32>(&trained, &data.inputs),
        &outputs,
        SINGLE,
    );
}

/// The trained network from PyTorch's tensors.
#[test]
fn tensors_of_pytorch() {
    let golden: Training = read_golden("network");
    let inputs = matrix(&golden.inputs);
    let hidden = LayerConfig {
        batch_norm: true,
        ..LayerConfig::new(5, Activation::Tanh)
    };
    let layers = vec![hidden, LayerConfig::new(3, Activation::Softmax)];
    let config = NetworkConfig {
        n_inputs: 4,
        layers,
    };
    let tensors = golden.state_dict.iter();
    let tensors: Vec<_> = tensors
        .map(|(name, it)| (name.as_str(), tensor(it)))
        .collect();
    let model = Model::from_tensors(&config, Loss::CrossEntropy, tensors.clone())
        .expect("the tensors are those of the network");
    let outputs = golden.outputs.concat();
    let found = outputs_of::<f64>(&model.network, &inputs);
    assert_close("outputs", &found, &outputs, EXACT);
    let written = model.to_tensors().unwrap();
    assert_eq!(
        written.len(),
        tensors.len() - 1,
        "all but num_batches_tracked"
    );
    for (name, values) in written {
        assert!(tensors.contains(&(name.as_str(), values.into())), "{name}");
    }
}

/// Converts nested lists of numbers.
fn tensor(json: &serde_json::Value) -> ArrayD<f64> {
    let rows = |list: &serde_json::Value| list.as_array().map(Vec::len);
    let mut shape = Vec::new();
    let mut first = json;
    while let Some(n) = rows(first) {
        shape.push(n);
        first = &first[0];
    }
    fn numbers(json: &serde_json::Value) -> Vec<f64> {
        match json.as_array() {
            Some(list) => list.iter().flat_map(numbers).collect(),
            None => vec![json.as_f64().expect("a number")],
        }
    }
    ArrayD::from_shape_vec(shape, numbers(json)).expect("the lists are of one length")
}

fn outputs_of<S: Scalar>(network: &Network<f64>, inputs: &Array2<f64>) -> Vec<f64> {
    let network: Network<S> = network.cast();
    let inputs = inputs.mapv(S::from_f64);
    let mut cache = ForwardCache::new(&network, inputs.nrows());
    let outputs = network.forward(inputs.view(), &mut cache, &Threads::single());
    let outputs = outputs.as_slice().iter();
    outputs.map(|output| output.into_f64()).collect()
}

#[test]
fn an_entry_without_golden_values_fails() {
    let mut golden: Activations = read_golden("activations");
    golden.entries.remove("mish");
    let missing = missing::<Activation, _>(&golden.entries);
    assert_eq!(missing, ["mish"]);
    let message = missing_numbers(Activation::KIND, &missing);
    assert!(message.contains("activation mish") && message.contains("scripts/reference.py"));
}

/// All golden values of a menu; fails if an entry has none.
#[track_caller]
fn entries<M, N>(golden: &BTreeMap<String, N>) -> impl Iterator<Item = (M, &N)>
where
    M: Menu + FromStr<Err: Debug>,
{
    let missing = missing::<M, N>(golden);
    assert!(missing.is_empty(), "{}", missing_numbers(M::KIND, &missing));
    golden
        .iter()
        .map(|(entry, numbers)| (parse(entry), numbers))
}

/// Entries of a menu without golden values for their default parameters.
fn missing<M: Menu, N>(golden: &BTreeMap<String, N>) -> Vec<&'static str> {
    let names = M::ALL.iter().map(M::name);
    names.filter(|&name| !golden.contains_key(name)).collect()
}

fn missing_numbers(kind: &str, names: &[&str]) -> String {
    format!(
        "no golden numbers for {kind} {}: add it to the tables of scripts/reference.py and run that",
        names.join(", ")
    )
}

#[track_caller]
fn parse<M: FromStr<Err: Debug>>(text: &str) -> M {
    text.parse().unwrap_or_else(|error| {
        panic!("scripts/reference.py knows {text}, nn-core does not: {error:?}")
    })
}

fn with_parameters(n_inputs: usize, layers: Vec<LayerConfig>, parameters: &[f64]) -> Network<f64> {
    let mut network = Network::zeros(&NetworkConfig { n_inputs, layers }).expect("a valid network");
    network.parameters_mut().copy_from_slice(parameters);
    network
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).expect("rows of one width")
}

fn cast<S: Scalar, T: Scalar>(values: &[S]) -> Vec<T> {
    let cast = |value: &S| T::from_f64(value.into_f64());
    values.iter().map(cast).collect()
}
