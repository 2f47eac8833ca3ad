//! The high-level interface: fitting, predicting, saving, and refused data.

use nn_core::mlp::Classification;
use nn_core::training::BatchSize;
use nn_core::{
    Activation, FittedMlp, LayerConfig, Loss, Mlp, Network, NetworkConfig, Result, Rows, Samples,
    Threads, Trainer, TrainingConfig,
};

/// Three stripes of a square, with columns of different units.
fn stripes(n: usize) -> (Vec<[f32; 2]>, Vec<u32>) {
    let place = |row, step: usize| ((step * row) % 101) as f32;
    let row = |row| [1000.0 + place(row, 37), 0.01 * place(row, 48)];
    let x: Vec<_> = (0..n).map(row).collect();
    let labels = x.iter().map(|row| ((row[0] - 1000.0) / 34.0) as u32);
    let labels = labels.collect();
    (x, labels)
}

/// A target far from 0 and 1.
fn slope(n: usize) -> (Vec<[f32; 2]>, Vec<f32>) {
    let (x, _) = stripes(n);
    let y = x
        .iter()
        .map(|row| 5e4 + 300.0 * (row[0] - 1000.0) - 8e3 * row[1]);
    let y = y.collect();
    (x, y)
}

#[test]
fn classes_of_unscaled_columns_are_learned() {
    let (x, labels) = stripes(300);
    let settings = Mlp::classifier()
        .hidden([16])
        .learning_rate(0.02)
        .epochs(40);
    let model = settings.fit(&x, &labels).unwrap();
    assert!(model.score(&x, &labels).unwrap() > 0.95);
    // Without standardization, the same settings do not learn the classes.
    let raw = settings
        .clone()
        .standardize(false)
        .fit(&x, &labels)
        .unwrap();
    assert!(raw.score(&x, &labels).unwrap() < 0.8);
    // A single row gives the same prediction.
    let alone = model.model().predict_row(&x[7]).unwrap();
    assert_eq!(alone, model.predict_proba(&x).unwrap().row(7));
}

#[test]
fn predictions_are_in_the_units_of_the_targets() {
    let (x, y) = slope(300);
    let settings = Mlp::regressor().hidden([16]).learning_rate(0.02).epochs(60);
    let model = settings.fit(&x, &y).unwrap();
    assert!(model.score(&x, &y).unwrap() > 0.98);
    let predicted = model.predict(&x).unwrap();
    assert!(
        (predicted[0] - y[0]).abs() < 5e3,
        "{} {}",
        predicted[0],
        y[0]
    );
    assert_eq!(model.history().len(), 60);
}

/// Compares the weights bit for bit.
#[test]
fn fit_equals_training_with_a_trainer() {
    let (x, labels) = stripes(90);
    let settings = Mlp::classifier()
        .hidden([5, 4])
        .epochs(3)
        .batch_size(16)
        .seed(8);
    let settings = settings.standardize(false).validation(0.2);
    let fitted = settings.fit(&x, &labels).unwrap();
    let layers = vec![
        LayerConfig::new(5, Activation::Relu),
        LayerConfig::new(4, Activation::Relu),
        LayerConfig::new(3, Activation::Softmax),
    ];
    let network = Network::new(
        &NetworkConfig {
            n_inputs: 2,
            layers,
        },
        8,
    )
    .unwrap();
    let samples = Samples::classification(&x, &labels, 3).unwrap();
    let [train, validation] = samples.split(&[0.8, 0.2], 8).unwrap();
    let mut config = TrainingConfig::new(Loss::CrossEntropy, "adam".parse().unwrap());
    (config.epochs, config.seed, config.batch_size) = (3, 8, BatchSize::Rows(16));
    let threads = Threads::single();
    let trainer = Trainer::new(network, train, Some(validation), config, threads).unwrap();
    assert_eq!(fitted.model().network, trainer.finish().unwrap());
    assert!(
        fitted
            .history()
            .iter()
            .all(|epoch| epoch.validation.is_some())
    );
}

/// Validation rows have no effect on means and standard deviations.
#[test]
fn standardization_uses_the_training_rows_only() {
    let (mut x, labels) = stripes(50);
    let settings = Mlp::classifier().epochs(1).validation(0.2).seed(3);
    let first = settings.fit(&x, &labels).unwrap();
    let samples = Samples::classification(x.clone(), &labels, 3).unwrap();
    let [_, validation] = samples.split(&[0.8, 0.2], 3).unwrap();
    let mut held_back = [0.0; 2];
    validation.copy_inputs(0, &mut held_back).unwrap();
    let row = x.iter_mut().find(|row| **row == held_back);
    row.expect("it is one of the rows")[0] = 1e6;
    let second = settings.fit(&x, &labels).unwrap();
    assert_eq!(first.model(), second.model());
}

#[test]
fn saved_and_loaded() {
    let (x, labels) = stripes(60);
    let settings = Mlp::classifier()
        .epochs(2)
        .class_names(["left", "middle", "right"]);
    let model = settings.fit(&x, &labels).unwrap();
    let mut file = Vec::new();
    model.save(&mut file).unwrap();
    let mut loaded = settings.clone().load(&file[..]).unwrap();
    assert_eq!(loaded.model(), model.model());
    assert_eq!(loaded.predict(&x).unwrap(), model.predict(&x).unwrap());
    loaded.partial_fit(&x, &labels).unwrap();
    assert_ne!(loaded.model(), model.model());
    let error = Mlp::regressor().load(&file[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a regressor for one target, found a model with 3 softmax outputs"
    );
}

#[test]
fn partial_fits_learn() {
    let (x, y) = slope(200);
    let mut model = Mlp::regressor().epochs(1).fit(&x, &y).unwrap();
    let mut again = model.clone();
    let before = model.score(&x, &y).unwrap();
    for _ in 0..30 {
        model.partial_fit(&x, &y).unwrap();
    }
    assert!(model.score(&x, &y).unwrap() > before.max(0.9));
    (0..30).for_each(|_| again.partial_fit(&x, &y).unwrap());
    assert_eq!(again.model(), model.model());
    let kept = model.clone();
    model.partial_fit(&x, &y[1..]).unwrap_err();
    assert_eq!(model.model(), kept.model());
}

#[test]
fn invalid_data_and_settings_are_refused() {
    let (mut x, mut labels) = stripes(30);
    let settings = || Mlp::classifier().epochs(1);
    let message = |it: Result<FittedMlp<Classification>>| it.unwrap_err().to_string();
    assert_eq!(
        message(settings().fit(&x, &labels[1..])),
        "number of targets: expected 30, found 29"
    );
    assert_eq!(message(settings().fit(Rows::new(&[], 2), &[])), "0 samples");
    assert_eq!(
        message(settings().validation(1.0).fit(&x, &labels)),
        "validation: expected a number from 0 to below 1, found 1"
    );
    assert_eq!(
        message(settings().hidden([0]).fit(&x, &labels)),
        "width of layer 1: expected 1 to 16777216, found 0"
    );
    labels[4] = 2;
    let named = settings().class_names(["a", "b"]);
    assert!(message(named.fit(&x, &labels)).ends_with("expected a class below 2"));
    let model = settings().fit(&x, &labels).unwrap();
    let error = model.predict(&[[0.0; 3]]).unwrap_err();
    assert_eq!(error.to_string(), "number of inputs: expected 2, found 3");
    let error = model.score(&x, &labels[2..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "number of targets: expected 30, found 28"
    );
    x[3][1] = f32::NAN;
    let expected = "input 1 of sample 3 is NaN; expected a finite number";
    assert_eq!(message(settings().fit(&x, &labels)), expected);
    assert_eq!(model.predict(&x).unwrap_err().to_string(), expected);
}
