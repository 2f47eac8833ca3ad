//! Models of tables and of images: values in the units of the data.

use std::path::Path;

use nn_core::model_file::{Description, InputDescription, Json};
use nn_core::stage::CategoryEmbedding;
use nn_core::{Activation, LayerConfig, Loss, Mlp, Model, Network, NetworkConfig, Rows};
use nn_export::{ExportedModel, Meaning, Outcome};
use nn_table::preprocessing::Purpose;
use nn_table::{
    Header, Preprocessing, Scaling, Table, TableOptions, TargetTransform, UnseenCategory,
};

/// Numbers (one with missing values, one far from 0), categories (one with missing values) and
/// dates (one missing).
const TABLE: &str = "\
size,year,color,state,sold,price,kind
1.5,2001,red,new,2024-01-05 10:30:00,10.5,a
,2003,blue,old,2023-11-30 23:59:59,200.25,b
3.25,1999,,new,2022-06-15 00:00:00,3000.0,a
-4,2010,green,,,0.5,b
2.5,2004,red,old,2021-03-03 12:00:01,77.0,a
";

pub(crate) fn preprocessing(options: &TableOptions) -> (Preprocessing, Table) {
    let table = Table::parse(Path::new("t.csv"), TABLE.as_bytes(), options).unwrap();
    let (preprocessing, _) = Preprocessing::fit(&table, &[0, 1, 2, 3, 4], options).unwrap();
    (preprocessing, table)
}

pub(crate) fn model(preprocessing: &Preprocessing, activation: Activation, loss: Loss) -> Model {
    let n_outputs = match activation {
        Activation::Sigmoid => 1,
        _ => preprocessing.n_outputs(),
    };
    let layers = [(7, Activation::Relu), (n_outputs, activation)];
    let config = NetworkConfig::new(preprocessing.n_inputs(), layers);
    Model {
        network: Network::new(&config, 3).unwrap(),
        loss,
        description: Description {
            class_names: preprocessing.class_names().to_vec(),
            input: InputDescription {
                shape: vec![preprocessing.n_inputs()],
                scale: 1.0,
                preprocessing: Some(Json::new(preprocessing).unwrap()),
            },
            training: serde_json::json!({"data": "t.csv"}),
            ..Description::default()
        },
    }
}

/// Options with these targets, without the column of the other target.
pub(crate) fn options(target: &str, other: &str) -> TableOptions {
    TableOptions {
        target: Some(target.to_owned()),
        ignore: vec![other.to_owned()],
        ..TableOptions::default()
    }
}

/// The rows of the table as inputs of the network.
fn inputs(preprocessing: &Preprocessing, table: &Table) -> Vec<Vec<f32>> {
    let samples = preprocessing
        .transform(table, UnseenCategory::Error)
        .unwrap();
    let nn_data::Inputs::Features(features) = samples.inputs else {
        panic!("not a table of images");
    };
    features
        .rows()
        .into_iter()
        .map(|row| row.to_vec())
        .collect()
}

#[test]
fn the_values_of_a_table_are_its_cells() {
    let (preprocessing, table) = preprocessing(&options("kind", "price"));
    let model = model(&preprocessing, Activation::Softmax, Loss::CrossEntropy);
    let exported = ExportedModel::new(&model).unwrap();
    let names: Vec<&str> = exported
        .values()
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(names[..4], ["size", "year", "color", "state"]);
    assert_eq!(names[4..6], ["sold.day", "sold.second"]);
    let expected = Meaning::Category(["", "blue", "green", "red"].map(str::to_owned).to_vec());
    assert_eq!(exported.values()[2].meaning, expected);

    let rows = inputs(&preprocessing, &table);
    let values = exported.values_of(&rows[0]);
    // 2024-01-05 is a Friday.
    assert_eq!(values[..6], [1.5, 2001.0, 3.0, 1.0, 19727.0, 37800.0]);
    assert_eq!(
        values[names.iter().position(|&it| it == "sold.weekday").unwrap()],
        4.0
    );
    assert_eq!(
        values[names.iter().position(|&it| it == "sold.hour").unwrap()],
        10.0
    );
    assert!(exported.values_of(&rows[1])[0].is_nan());
    for row in &rows {
        let found = exported.predict(&exported.values_of(row));
        let expected = model.network.predict(row).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
    exported.check(&exported.random_values(300, 0)).unwrap();
}

#[test]
fn one_output_gives_the_probabilities_of_both_classes() {
    let (preprocessing, _) = preprocessing(&options("kind", "price"));
    let model = model(
        &preprocessing,
        Activation::Sigmoid,
        Loss::BinaryCrossEntropy,
    );
    let exported = ExportedModel::new(&model).unwrap();
    assert_eq!(exported.n_outputs(), 2);
    assert_eq!(exported.outcome().names(), ["a", "b"]);
    let rows = exported.random_values(300, 1);
    exported.check(&rows).unwrap();
    for row in rows.rows() {
        let output = exported.predict(row);
        let class = usize::from(output[1] > 0.5);
        assert_eq!(exported.outcome().class(&output), Some(class));
    }
}

#[test]
fn predicted_numbers_have_the_units_of_the_table() {
    for target_transform in [TargetTransform::None, TargetTransform::Log] {
        let options = TableOptions {
            target_transform,
            ..options("price", "kind")
        };
        let (preprocessing, table) = preprocessing(&options);
        let model = model(&preprocessing, Activation::Identity, Loss::Mse);
        let exported = ExportedModel::new(&model).unwrap();
        let names = vec!["price".to_owned()];
        assert_eq!(*exported.outcome(), Outcome::Values { names });
        exported.check(&exported.random_values(300, 2)).unwrap();
        let row = &inputs(&preprocessing, &table)[1];
        let mut expected = ndarray::arr2(&[[model.network.predict(row).unwrap()[0]]]);
        preprocessing.inverse_transform(expected.view_mut());
        let found = exported.predict(&exported.values_of(row))[0];
        assert!(
            (found / expected[[0, 0]] - 1.0).abs() < 1e-5,
            "{found} {expected}"
        );
    }
}

/// A table as the preset `tabular` reads it: robust scaling with an outlier, a column with many
/// categories, and clipped outputs.
pub(crate) fn tabular_preprocessing(target: &str) -> (Preprocessing, Table) {
    let mut text = "size,city,price,kind\n".to_owned();
    for row in 0..40 {
        let (size, city, price) = (row * row % 17, row % 11, row * 7 % 13);
        text += &format!("{size},city {city},{price},{}\n", ["a", "b"][row % 2]);
    }
    text += "1e9,city 3,5,a\n,city 4,6,b\n";
    let options = TableOptions {
        target: Some(target.to_owned()),
        scaling: Scaling::Robust,
        orders_for_embeddings: true,
        indexes_categories: true,
        clips_outputs: true,
        ..TableOptions::default()
    };
    let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &options).unwrap();
    let rows: Vec<usize> = (0..40).collect();
    let (preprocessing, _) = Preprocessing::fit(&table, &rows, &options).unwrap();
    (preprocessing, table)
}

/// A model with an embedding of the categories, whose outputs are large.
pub(crate) fn tabular_model(preprocessing: &Preprocessing, activation: Activation) -> Model {
    let mut model = model(preprocessing, activation, Loss::Mse);
    let columns = preprocessing.category_counts().map(|n| [n, 3]).collect();
    let n_outputs = model.network.n_outputs();
    let mut layers = [(7, Activation::Relu), (n_outputs, activation)].map(LayerConfig::from);
    layers[0].inputs.push(CategoryEmbedding { columns }.into());
    let config = NetworkConfig::new(preprocessing.n_inputs(), layers);
    model.network = Network::new(&config, 5).unwrap();
    model
        .network
        .weights_mut(1)
        .iter_mut()
        .for_each(|weight| *weight *= 3.0);
    model
}

#[test]
fn robust_scaling_embedded_categories_and_clipped_outputs_are_exported() {
    let (preprocessing, table) = tabular_preprocessing("price");
    let model = tabular_model(&preprocessing, Activation::Identity);
    let exported = ExportedModel::new(&model).unwrap();
    let names = exported.values().iter().map(|it| it.name.as_str());
    // Numbers come first, categories last.
    assert_eq!(names.collect::<Vec<_>>(), ["size", "kind", "city"]);
    let rows = inputs(&preprocessing, &table);
    let mut all_values = Vec::new();
    for row in &rows {
        let values = exported.values_of(row);
        let mut expected = ndarray::arr2(&[[model.network.predict(row).unwrap()[0]]]);
        preprocessing.inverse_transform(expected.view_mut());
        let (found, expected) = (exported.predict(&values)[0], expected[[0, 0]]);
        assert!(
            (found - expected).abs() < 1e-4,
            "{values:?}: {found} {expected}"
        );
        assert!((0.0..=12.0).contains(&found), "{found}");
        all_values.push(values);
    }
    assert_eq!(
        all_values[2],
        [4.0, 0.0, 3.0],
        "city 2 comes after cities 0, 1 and 10"
    );
    // Numbers far outside, a missing number, and a city that is not in the list.
    let outliers = [
        [1e20, 0.0, 1.0],
        [-1e20, 1.0, f32::NAN],
        [f32::NAN, 1.0, 77.0],
    ];
    let outliers = Rows::new(outliers.concat(), 3);
    exported.check(&outliers).unwrap();
    exported.check(&exported.random_values(300, 2)).unwrap();
}

/// A threshold between two 32-bit floats is rounded up, so that no prediction changes.
#[test]
fn thresholds_decide_between_two_classes() {
    let (preprocessing, _) = tabular_preprocessing("kind");
    let model = tabular_model(&preprocessing, Activation::Softmax);
    let exported = ExportedModel::new(&model).unwrap();
    let threshold = 0.3_f64;
    let with = exported.with_thresholds(&[threshold]).unwrap();
    for second in [0.29, 0.299_999_98, 0.3_f32, 0.300_000_04, 0.49, 0.7] {
        let output = [1.0 - second, second];
        let expected = usize::from(f64::from(second) >= threshold);
        assert_eq!(with.outcome().class(&output), Some(expected), "{second}");
        let usual = usize::from(second > 0.5);
        assert_eq!(exported.outcome().class(&output), Some(usual), "{second}");
    }
    let (preprocessing, _) = tabular_preprocessing("price");
    let regression = tabular_model(&preprocessing, Activation::Identity);
    let exported = ExportedModel::new(&regression).unwrap();
    let error = exported.with_thresholds(&[0.3]).unwrap_err().to_string();
    assert!(
        error.starts_with("threshold: expected a model with probabilities"),
        "{error}"
    );
}

#[test]
fn a_column_far_from_zero_keeps_its_digits() {
    let text = "x,y\n1000001,0\n1000002,1\n1000003,2\n1000004,5\n";
    let options = TableOptions {
        target: Some("y".to_owned()),
        ..TableOptions::default()
    };
    let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &options).unwrap();
    let (preprocessing, _) = Preprocessing::fit(&table, &[0, 1, 2, 3], &options).unwrap();
    let model = model(&preprocessing, Activation::Identity, Loss::Mse);
    let exported = ExportedModel::new(&model).unwrap();
    let rows = [1_000_001.0, 1_000_002.5, 1_000_004.0];
    exported.check(&Rows::new(&rows[..], 1)).unwrap();
    // The distance of 32-bit floats near a million is 1/16, and the deviation is above 1.
    let [(value, error)] = exported.rounded_values().collect::<Vec<_>>()[..] else {
        panic!("one column is rounded");
    };
    assert_eq!(value.name, "x");
    assert!((0.02..0.06).contains(&error), "{error}");
}

/// Two images of 28 x 28 pixels from 0 to 16, with labels.
fn table_of_levels() -> String {
    let header: Vec<String> = (0..784).map(|pixel| format!("pixel{pixel}")).collect();
    let row = |factor: usize| -> String {
        let pixels = (0..784).map(|pixel| (pixel * factor % 17).to_string());
        pixels.collect::<Vec<String>>().join(",")
    };
    let header = header.join(",");
    format!("label,{header}\n1,{}\n0,{}\n", row(3), row(5))
}

/// A model of images with pixels from 0 to 16.
pub(crate) fn model_of_levels() -> (Preprocessing, Model) {
    let options = TableOptions {
        target: Some("label".to_owned()),
        ..TableOptions::default()
    };
    let text = table_of_levels();
    let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &options).unwrap();
    let (preprocessing, _) = Preprocessing::fit(&table, &[0, 1], &options).unwrap();
    let mut model = model(&preprocessing, Activation::Softmax, Loss::CrossEntropy);
    model.description.input.scale = 1.0 / 255.0;
    (preprocessing, model)
}

#[test]
fn levels_of_gray_are_values_as_in_the_table() {
    let (preprocessing, model) = model_of_levels();
    let exported = ExportedModel::new(&model).unwrap();
    assert_eq!(exported.values()[0].meaning, Meaning::Pixel { largest: 16 });
    exported.check(&exported.random_values(20, 0)).unwrap();
    let text = table_of_levels();
    let table = preprocessing
        .parse(
            Path::new("new.csv"),
            text.as_bytes(),
            Header::Auto,
            Purpose::Evaluate,
        )
        .unwrap();
    let samples = preprocessing
        .transform(&table, UnseenCategory::Error)
        .unwrap();
    let nn_data::Inputs::Pixels(pixels) = samples.inputs else {
        panic!("pixels");
    };
    let scale = model.description.input.scale as f32;
    let inputs = pixels.row(0).mapv(|byte| f32::from(byte) * scale);
    let values = exported.values_of(inputs.as_slice().unwrap());
    let levels = (0..784).map(|pixel| (pixel * 3 % 17) as f32);
    assert!(values.iter().copied().eq(levels));
}

#[test]
fn models_of_the_high_level_interface_are_exported() {
    let x = ndarray::array![[10.0, 0.1], [20.0, 0.3], [30.0, 0.2], [40.0, 0.5]];
    let fitted = Mlp::regressor()
        .epochs(5)
        .fit(&x, &[100.0, 200.0, 150.0, 400.0])
        .unwrap();
    let exported = ExportedModel::new(fitted.model()).unwrap();
    let predicted = fitted.predict(&x).unwrap();
    for (row, expected) in x.rows().into_iter().zip(predicted) {
        let found = exported.predict(row.as_slice().unwrap())[0];
        assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected}");
    }
    exported.check(&exported.random_values(100, 0)).unwrap();
}
