//! The checks that scikit-learn requires of every estimator
//! (`sklearn/utils/estimator_checks.py`), for every kind of network.
//!
//! The types already guarantee two of its rules: a network that was never fitted has
//! initial weights, and a matrix of samples has two dimensions.

use ndarray::{Array2, ArrayView2, Axis, ShapeBuilder, array, s};
use nn_core::model_file::{Description, Model};
use nn_core::training::{BatchSize, Trainer, TrainingConfig};
use nn_core::{
    Activation, Error, ErrorKind, Inputs, LayerConfig, Loss, Network, NetworkConfig, Optimizer,
    Predictor, Result, Samples, Targets, evaluate,
};
use nn_tensor::Threads;
use nn_tensor::random::{Purpose, Stream, Streams};
use nn_tensor::reduce::argmax;

const N_SAMPLES: usize = 40;
const N_INPUTS: usize = 5;

/// The task of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Task {
    Classes(usize),
    Flags(usize),
    Values(usize),
}

/// A kind of network and how it is trained.
#[derive(Clone, Debug)]
struct Estimator {
    name: &'static str,
    task: Task,
    hidden: Vec<LayerConfig>,
    output: LayerConfig,
    config: TrainingConfig,
}

impl Estimator {
    fn new(name: &'static str, task: Task, loss: Loss, output: Activation) -> Self {
        let n_outputs = match task {
            Task::Classes(2) if loss == Loss::BinaryCrossEntropy => 1,
            Task::Classes(n) | Task::Flags(n) | Task::Values(n) => n,
        };
        Self {
            name,
            task,
            hidden: vec![LayerConfig::new(7, Activation::Relu)],
            output: LayerConfig::new(n_outputs, output),
            config: TrainingConfig {
                learning_rate: 0.02,
                batch_size: BatchSize::Rows(16),
                epochs: 4,
                seed: 3,
                ..TrainingConfig::new(loss, Optimizer::Sgd)
            },
        }
    }

    /// Estimators that cover all kinds of settings.
    fn all() -> Vec<Self> {
        let classes = Task::Classes(3);
        let cross_entropy =
            |name| Self::new(name, classes, Loss::CrossEntropy, Activation::Softmax);
        let normalized = LayerConfig {
            batch_norm: true,
            dropout: 0.3,
            ..LayerConfig::new(7, Activation::Tanh)
        };
        let mut adam = cross_entropy("batch norm, dropout, adam, averaging");
        adam.hidden = vec![normalized, LayerConfig::new(6, Activation::Gelu)];
        adam.config.optimizer = "adam".parse().expect("a menu entry");
        adam.config.averaging = Some(0.9);
        vec![
            cross_entropy("softmax classifier"),
            Self {
                hidden: Vec::new(),
                ..cross_entropy("no hidden layer")
            },
            adam,
            Self::new(
                "two classes, one output",
                Task::Classes(2),
                Loss::BinaryCrossEntropy,
                Activation::Sigmoid,
            ),
            Self::new("hinge", classes, Loss::Hinge, Activation::Identity),
            Self::new(
                "several labels",
                Task::Flags(4),
                Loss::BinaryCrossEntropy,
                Activation::Sigmoid,
            ),
            Self::new(
                "regression",
                Task::Values(2),
                Loss::Mse,
                Activation::Identity,
            ),
        ]
    }

    fn fit(&self, data: &Data) -> Result<Model> {
        self.fit_on(data.samples(data.inputs.view())?, data.inputs.ncols())
    }

    fn fit_on(&self, samples: Samples<'_>, n_inputs: usize) -> Result<Model> {
        let mut layers = self.hidden.clone();
        layers.push(self.output.clone());
        let network = Network::new(&NetworkConfig { n_inputs, layers }, self.config.seed)?;
        let threads = Threads::single();
        let trainer = Trainer::new(network, samples, None, self.config.clone(), threads)?;
        assert_eq!(
            trainer.config(),
            &self.config,
            "{}: the configuration is left alone",
            self.name
        );
        let class_names = match self.task {
            Task::Classes(n) => (0..n).map(|class| format!("class {class}")).collect(),
            _ => Vec::new(),
        };
        Ok(Model {
            network: trainer.finish()?,
            loss: self.config.loss,
            description: Description {
                class_names,
                ..Description::default()
            },
        })
    }

    fn data(&self, n_samples: usize, n_inputs: usize) -> Data {
        Data::random(self.task, n_samples, n_inputs)
    }

    /// Data and a model fitted to them.
    fn fitted(&self) -> (Data, Model) {
        let data = self.data(N_SAMPLES, N_INPUTS);
        let model = self.fit(&data).expect("ordinary data");
        (data, model)
    }
}

/// The predictions for all rows at once.
fn predict(model: &Model, inputs: ArrayView2<'_, f32>) -> Array2<f32> {
    let mut cache = nn_core::network::ForwardCache::new(&model.network, inputs.nrows());
    let outputs = model
        .network
        .forward(inputs, &mut cache, &Threads::single());
    outputs.into()
}

fn bytes(model: &Model) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("memory can be written");
    bytes
}

/// Rows with their targets.
#[derive(Clone, Debug)]
struct Data {
    inputs: Array2<f32>,
    /// One class per row, for classification.
    labels: Vec<u32>,
    n_classes: usize,
    values: Array2<f32>,
}

impl Data {
    fn random(task: Task, n_samples: usize, n_inputs: usize) -> Self {
        let mut stream = Streams::new(1).stream(Purpose::Test, n_samples as u64);
        let inputs = normal([n_samples, n_inputs], &mut stream);
        let (n_classes, values) = match task {
            Task::Classes(n) => (n, Array2::zeros((n_samples, 0))),
            Task::Flags(n) => {
                let flags = normal([n_samples, n], &mut stream);
                (0, flags.mapv(|value| f32::from(u8::from(value > 0.0))))
            }
            Task::Values(n) => (0, normal([n_samples, n], &mut stream)),
        };
        Self {
            inputs,
            labels: (0..n_samples as u32)
                .map(|row| row % n_classes.max(1) as u32)
                .collect(),
            n_classes,
            values,
        }
    }

    /// Samples of these targets with any inputs.
    fn samples<'a>(&'a self, inputs: ArrayView2<'a, f32>) -> Result<Samples<'a>> {
        let targets = match self.n_classes {
            0 => Targets::values(self.values.view()),
            n_classes => Targets::classes(&self.labels, n_classes),
        };
        Samples::new(Inputs::values(inputs), targets)
    }
}

fn normal([rows, columns]: [usize; 2], stream: &mut Stream) -> Array2<f32> {
    Array2::from_shape_simple_fn((rows, columns), || stream.normal() as f32)
}

/// The checks of every estimator, with their names.
type Check = (&'static str, fn(&Estimator));

const CHECKS: [Check; 14] = [
    ("one_label", one_label),
    ("one_sample", one_sample),
    ("one_feature", one_feature),
    ("empty_data", empty_data),
    ("not_finite", not_finite),
    ("wrong_feature_count", wrong_feature_count),
    ("subset_invariance", subset_invariance),
    ("sample_order_invariance", sample_order_invariance),
    ("fit_is_idempotent", fit_is_idempotent),
    (
        "predict_does_not_change_the_model",
        predict_does_not_change_the_model,
    ),
    ("saved_and_loaded", saved_and_loaded),
    ("memory_layout", memory_layout),
    (
        "argmax_agrees_with_probabilities",
        argmax_agrees_with_probabilities,
    ),
    ("classes_preserved", classes_preserved),
];

#[test]
#[expect(
    clippy::print_stderr,
    reason = "shown where a check fails, to say which, and of what"
)]
fn every_estimator_passes_every_check() {
    for estimator in Estimator::all() {
        for (name, check) in CHECKS {
            eprintln!("{}: {name}", estimator.name);
            check(&estimator);
        }
    }
}

/// If all rows have one class, it is learned and predicted.
fn one_label(estimator: &Estimator) {
    let mut data = estimator.data(N_SAMPLES, N_INPUTS);
    let Task::Classes(n_classes) = estimator.task else {
        return;
    };
    let only = n_classes as u32 - 1;
    data.labels.fill(only);
    let mut patient = estimator.clone();
    patient.config.epochs = 200;
    patient.config.averaging = None;
    let model = patient.fit(&data).expect("one class is enough");
    for output in predict(&model, data.inputs.view()).rows() {
        let class = model.loss.predicted_class(&output.to_vec());
        assert_eq!(class, only as usize);
    }
}

fn one_sample(estimator: &Estimator) {
    let data = estimator.data(1, N_INPUTS);
    if estimator.hidden.iter().any(|layer| layer.batch_norm) {
        let error = estimator.fit(&data).expect_err("one value has no variance");
        assert_eq!(
            error.to_string(),
            "batch normalization: needs batches of at least 2 rows, found 1"
        );
        return;
    }
    let model = estimator.fit(&data).expect("one sample is enough");
    let outputs = predict(&model, data.inputs.view());
    assert!(outputs.iter().all(|output| output.is_finite()));
}

fn one_feature(estimator: &Estimator) {
    let data = estimator.data(N_SAMPLES, 1);
    let model = estimator.fit(&data).expect("one feature is enough");
    let outputs = predict(&model, data.inputs.view());
    assert!(outputs.iter().all(|output| output.is_finite()));
}

fn empty_data(estimator: &Estimator) {
    let nothing = estimator.data(0, N_INPUTS);
    let error = estimator.fit(&nothing).expect_err("nothing to learn");
    assert!(matches!(error, Error::Empty), "{error}");
    assert_eq!(error.to_string(), "0 samples");
    let (_, model) = estimator.fitted();
    let samples = nothing.samples(nothing.inputs.view()).expect("no rows fit");
    let error = evaluate(&model.network, &samples, model.loss, &Threads::single())
        .expect_err("nothing to evaluate");
    assert!(matches!(error, Error::Empty), "{error}");
    let outputs = predict(&model, nothing.inputs.view());
    assert_eq!(outputs.nrows(), 0, "no rows, no outputs");
}

/// NaN and infinite values are refused, in inputs and targets.
fn not_finite(estimator: &Estimator) {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = estimator.data(N_SAMPLES, N_INPUTS);
        data.inputs[[7, 2]] = value;
        let error = estimator.fit(&data).expect_err("not a number");
        let shown = f64::from(value);
        assert_eq!(
            error.to_string(),
            format!("input 2 of sample 7 is {shown}; expected a finite number")
        );
        assert_eq!(error.kind(), ErrorKind::Data);
        let mut data = estimator.data(N_SAMPLES, N_INPUTS);
        if data.n_classes == 0 {
            data.values[[9, 1]] = value;
            let error = estimator.fit(&data).expect_err("not a number");
            assert_eq!(
                error.to_string(),
                format!("target 1 of sample 9 is {shown}; expected a finite number")
            );
        }
    }
}

fn wrong_feature_count(estimator: &Estimator) {
    let (_, model) = estimator.fitted();
    for n_inputs in [N_INPUTS - 1, N_INPUTS + 1] {
        let other = estimator.data(N_SAMPLES, n_inputs);
        let samples = other
            .samples(other.inputs.view())
            .expect("rows and targets");
        let threads = Threads::single();
        let error =
            evaluate(&model.network, &samples, model.loss, &threads).expect_err("another width");
        assert!(
            matches!(error, Error::Shape { expected: N_INPUTS, found, .. } if found == n_inputs),
            "{error}"
        );
        let error = estimator
            .fit_on(samples, N_INPUTS)
            .expect_err("another width");
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    }
}

/// A row has the same prediction, bit for bit, alone as among others.
fn subset_invariance(estimator: &Estimator) {
    let (data, model) = estimator.fitted();
    let whole = predict(&model, data.inputs.view());
    let mut predictor = Predictor::new(model.network.clone().into(), 1);
    let mut output = vec![0.0; model.network.n_outputs()];
    for (row, expected) in data.inputs.rows().into_iter().zip(whole.rows()) {
        let row = row.to_vec();
        predictor
            .predict_into(&row, &mut output)
            .expect("the row fits");
        assert_eq!(output, expected.to_vec());
        assert_eq!(model.network.predict(&row).expect("the row fits"), output);
    }
    for size in [2, 3, 17] {
        let parts = data.inputs.axis_chunks_iter(Axis(0), size);
        for (part, expected) in parts.zip(whole.axis_chunks_iter(Axis(0), size)) {
            assert_eq!(predict(&model, part), expected, "{size} rows at once");
        }
    }
}

fn sample_order_invariance(estimator: &Estimator) {
    let (data, model) = estimator.fitted();
    let whole = predict(&model, data.inputs.view());
    let order: Vec<usize> = (0..N_SAMPLES).rev().collect();
    let reversed = predict(&model, data.inputs.select(Axis(0), &order).view());
    assert_eq!(reversed, whole.select(Axis(0), &order));
}

fn fit_is_idempotent(estimator: &Estimator) {
    let (data, model) = estimator.fitted();
    let again = estimator.fit(&data).expect("ordinary data");
    assert_eq!(bytes(&again), bytes(&model));
    // The result does not depend on other fits in between.
    estimator
        .fit(&estimator.data(11, N_INPUTS))
        .expect("ordinary data");
    let again = estimator.fit(&data).expect("ordinary data");
    assert_eq!(bytes(&again), bytes(&model));
}

fn predict_does_not_change_the_model(estimator: &Estimator) {
    let (data, model) = estimator.fitted();
    let before = bytes(&model);
    let first = predict(&model, data.inputs.view());
    let samples = data.samples(data.inputs.view()).expect("ordinary data");
    evaluate(&model.network, &samples, model.loss, &Threads::single()).expect("valid samples");
    assert_eq!(predict(&model, data.inputs.view()), first);
    assert_eq!(bytes(&model), before);
}

fn saved_and_loaded(estimator: &Estimator) {
    let (data, model) = estimator.fitted();
    let loaded = Model::read(&bytes(&model)[..]).expect("just written");
    assert_eq!(loaded, model);
    assert_eq!(bytes(&loaded), bytes(&model));
    assert_eq!(
        predict(&loaded, data.inputs.view()),
        predict(&model, data.inputs.view())
    );
}

/// The memory layout has no effect: column-major, every other column, reversed.
fn memory_layout(estimator: &Estimator) {
    let (data, model) = estimator.fitted();
    let expected = predict(&model, data.inputs.view());
    let mut columns = Array2::zeros((N_SAMPLES, N_INPUTS).f());
    columns.assign(&data.inputs);
    let mut wide = Array2::from_elem((2 * N_SAMPLES, 3 * N_INPUTS), f32::NAN);
    wide.slice_mut(s![..;2, ..;3]).assign(&data.inputs);
    let mut reversed = Array2::from_shape_fn((N_SAMPLES, N_INPUTS), |(row, column)| {
        data.inputs[[row, N_INPUTS - 1 - column]]
    });
    reversed.invert_axis(Axis(1));
    for inputs in [columns.view(), wide.slice(s![..;2, ..;3]), reversed.view()] {
        assert!(!inputs.is_standard_layout());
        assert_eq!(predict(&model, inputs), expected);
        let samples = data.samples(inputs).expect("the same numbers");
        let fitted = estimator
            .fit_on(samples, N_INPUTS)
            .expect("the same numbers");
        assert_eq!(bytes(&fitted), bytes(&model));
    }
}

fn argmax_agrees_with_probabilities(estimator: &Estimator) {
    let Task::Classes(n_classes) = estimator.task else {
        return;
    };
    let (data, model) = estimator.fitted();
    for output in predict(&model, data.inputs.view()).rows() {
        let output = output.to_vec();
        let probabilities = match output[..] {
            [one] => vec![1.0 - one, one],
            _ => output.clone(),
        };
        assert_eq!(probabilities.len(), n_classes);
        assert_eq!(model.loss.predicted_class(&output), argmax(&probabilities));
        if model.loss != Loss::Hinge {
            let sum: f32 = probabilities.iter().sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
    }
}

/// Classes keep their index and their names, including those that never occur.
fn classes_preserved(estimator: &Estimator) {
    let Task::Classes(n_classes) = estimator.task else {
        return;
    };
    let mut data = estimator.data(N_SAMPLES, N_INPUTS);
    data.labels
        .iter_mut()
        .for_each(|label| *label = (*label).min(1));
    let model = estimator.fit(&data).expect("a class may be missing");
    let loaded = Model::<f32>::read(&bytes(&model)[..]).expect("just written");
    let names = &loaded.description.class_names;
    assert_eq!(names.len(), n_classes);
    assert_eq!(names, &model.description.class_names);
    assert!(
        predict(&model, data.inputs.view())
            .rows()
            .into_iter()
            .all(|output| model.loss.predicted_class(&output.to_vec()) < n_classes)
    );
}

#[test]
fn a_single_row_of_another_width_is_refused_with_both_numbers() {
    let estimator = &Estimator::all()[0];
    let (_, model) = estimator.fitted();
    let error = model
        .network
        .predict(&[0.0; N_INPUTS - 1])
        .expect_err("one is missing");
    let expected = format!(
        "number of inputs: expected {N_INPUTS}, found {}",
        N_INPUTS - 1
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn more_targets_than_rows_are_refused_with_both_numbers() {
    let inputs = array![[1.0_f32, 2.0], [3.0, 4.0]];
    for labels in [&[0_u32][..], &[0, 1, 0]] {
        let targets = Targets::classes(labels, 2);
        let error = Samples::new(Inputs::values(inputs.view()), targets).expect_err("two rows");
        assert_eq!(
            error.to_string(),
            format!("number of targets: expected 2, found {}", labels.len())
        );
    }
}
