//! Reads ONNX files and computes them with the definitions of the ONNX operators, in double
//! precision; the outputs are those of the network.

#[path = "../../tests/it/random_model.rs"]
mod random_model;

use std::collections::HashMap;

use nn_core::stage::CategoryEmbedding;
use nn_core::{Activation, LayerConfig, Menu, Model, NetworkConfig, Rows};

use super::{InputForm, new_name};
use crate::exported_model::{ExportedModel, TOLERANCE};
use crate::proto::{Field, fields};
use random_model::{Random, config_of, model_of, random_ensemble, random_inputs, random_model};

/// A tensor of numbers; integers and booleans are numbers, too. A tensor of text has texts.
#[derive(Clone, Debug, Default, PartialEq)]
struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
    texts: Vec<String>,
}

impl Tensor {
    fn new(shape: &[usize], values: Vec<f64>) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{shape:?}");
        Self {
            shape: shape.to_vec(),
            values,
            texts: Vec::new(),
        }
    }

    fn map(&self, function: impl Fn(f64) -> f64) -> Self {
        let values = self.values.iter().map(|&x| function(x)).collect();
        Self::new(&self.shape, values)
    }

    /// The element at a place of a larger shape.
    fn broadcast(&self, shape: &[usize], mut place: usize) -> f64 {
        let (mut index, mut stride) = (0, 1);
        for (axis, &length) in shape.iter().enumerate().rev() {
            let at = place % length;
            place /= length;
            let missing = shape.len() - self.shape.len();
            if axis >= missing {
                let own_length = self.shape[axis - missing];
                assert!(own_length == length || own_length == 1, "{shape:?}");
                index += stride * if own_length == 1 { 0 } else { at };
                stride *= own_length;
            }
        }
        self.values[index]
    }
}

/// The shape that all tensors are broadcast to.
fn common_shape(tensors: &[&Tensor]) -> Vec<usize> {
    let n_axes = tensors.iter().map(|it| it.shape.len()).max().unwrap();
    let length = |axis: usize| {
        let lengths = tensors.iter().filter_map(|it| {
            let missing = n_axes - it.shape.len();
            (axis >= missing).then(|| it.shape[axis - missing])
        });
        lengths.max().unwrap()
    };
    (0..n_axes).map(length).collect()
}

/// Computes each element from the elements of all tensors at its place.
fn elementwise(tensors: &[&Tensor], function: impl Fn(&[f64]) -> f64) -> Tensor {
    let shape = common_shape(tensors);
    let places = 0..shape.iter().product();
    let element = |place| {
        let elements: Vec<f64> = tensors
            .iter()
            .map(|it| it.broadcast(&shape, place))
            .collect();
        function(&elements)
    };
    let values = places.map(element).collect();
    Tensor::new(&shape, values)
}

#[derive(Default)]
struct Node {
    operator: String,
    inputs: Vec<String>,
    output: String,
    floats: HashMap<String, Vec<f64>>,
    texts: Vec<String>,
}

#[derive(Default)]
struct File {
    nodes: Vec<Node>,
    tensors: HashMap<String, Tensor>,
    inputs: Vec<String>,
    outputs: Vec<String>,
    metadata: HashMap<String, String>,
    domains: Vec<String>,
}

fn all(bytes: &[u8]) -> Vec<(u32, Field<'_>)> {
    fields(bytes)
        .map(|field| field.expect("a whole field"))
        .collect()
}

fn bytes_of(field: Field<'_>) -> &[u8] {
    match field {
        Field::Bytes(bytes) => bytes,
        other => panic!("expected bytes, found {other:?}"),
    }
}

fn text_of(field: Field<'_>) -> String {
    String::from_utf8(bytes_of(field).to_vec()).expect("text")
}

fn integer_of(field: Field<'_>) -> i64 {
    match field {
        Field::Integer(value) => value as i64,
        other => panic!("expected an integer, found {other:?}"),
    }
}

fn floats_of(bytes: &[u8]) -> Vec<f64> {
    let numbers = bytes
        .chunks_exact(4)
        .map(|it| f32::from_le_bytes(it.try_into().unwrap()));
    numbers.map(f64::from).collect()
}

fn varints_of(bytes: &[u8]) -> Vec<f64> {
    // Each integer becomes a field by a key in front of it.
    let mut numbers = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = rest.iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
        let keyed = [&[0x08], &rest[..length]].concat();
        numbers.push(integer_of(all(&keyed)[0].1) as f64);
        rest = &rest[length..];
    }
    numbers
}

fn read_node(bytes: &[u8]) -> Node {
    let mut node = Node::default();
    for (number, field) in all(bytes) {
        match number {
            1 => node.inputs.push(text_of(field)),
            2 => node.output = text_of(field),
            4 => node.operator = text_of(field),
            5 => {
                let (mut name, mut values) = (String::new(), Vec::new());
                for (number, field) in all(bytes_of(field)) {
                    match (number, field) {
                        (1, field) => name = text_of(field),
                        (2, Field::Fixed32(bits)) => values.push(f32::from_bits(bits).into()),
                        (3, field) => values.push(integer_of(field) as f64),
                        (7, field) => values = floats_of(bytes_of(field)),
                        (8, field) => values = varints_of(bytes_of(field)),
                        (9, field) => node.texts.push(text_of(field)),
                        _ => {}
                    }
                }
                node.floats.insert(name, values);
            }
            _ => {}
        }
    }
    node
}

fn read_tensor(bytes: &[u8]) -> (String, Tensor) {
    let (mut name, mut shape, mut element, mut raw) = (String::new(), vec![], 0, &[][..]);
    for (number, field) in all(bytes) {
        match number {
            1 => {
                let lengths = varints_of(bytes_of(field));
                shape = lengths.iter().map(|&it| it as usize).collect();
            }
            2 => element = integer_of(field),
            8 => name = text_of(field),
            9 => raw = bytes_of(field),
            _ => panic!("field {number} of a tensor"),
        }
    }
    let integer = |bytes: &[u8]| i64::from_le_bytes(bytes.try_into().unwrap()) as f64;
    let values = match element {
        1 => floats_of(raw),
        7 => raw.chunks_exact(8).map(integer).collect(),
        9 => raw.iter().map(|&byte| byte.into()).collect(),
        _ => panic!("element type {element}"),
    };
    (name, Tensor::new(&shape, values))
}

fn read_file(bytes: &[u8]) -> File {
    let mut file = File::default();
    for (number, field) in all(bytes) {
        match number {
            1 => assert_eq!(integer_of(field), 8, "IR version"),
            7 => {
                for (number, field) in all(bytes_of(field)) {
                    match number {
                        1 => file.nodes.push(read_node(bytes_of(field))),
                        5 => file.tensors.extend([read_tensor(bytes_of(field))]),
                        11 => file.inputs.push(text_of(all(bytes_of(field))[0].1)),
                        12 => file.outputs.push(text_of(all(bytes_of(field))[0].1)),
                        _ => {}
                    }
                }
            }
            8 => file.domains.push(text_of(all(bytes_of(field))[0].1)),
            14 => {
                let entry = all(bytes_of(field));
                file.metadata
                    .insert(text_of(entry[0].1), text_of(entry[1].1));
            }
            _ => {}
        }
    }
    file
}

impl File {
    /// Computes all tensors.
    fn run(mut self, inputs: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        self.tensors.extend(inputs);
        for node in &self.nodes {
            let inputs = node.inputs.iter().map(|name| {
                let tensor = self.tensors.get(name);
                tensor.unwrap_or_else(|| panic!("no tensor {name}"))
            });
            let inputs: Vec<&Tensor> = inputs.collect();
            let output = compute(node, &inputs);
            let before = self.tensors.insert(node.output.clone(), output);
            assert!(before.is_none(), "{} is computed twice", node.output);
        }
        self
    }
}

/// Computes an operator as the specification of ONNX defines it.
fn compute(node: &Node, inputs: &[&Tensor]) -> Tensor {
    let x = inputs[0];
    let attribute = |name: &str| node.floats[name][0];
    let truth = |value: bool| f64::from(u8::from(value));
    let pair = |function: fn(f64, f64) -> f64| elementwise(inputs, |it| function(it[0], it[1]));
    match node.operator.as_str() {
        "Identity" => x.clone(),
        "Add" => pair(|x, y| x + y),
        "Sub" => pair(|x, y| x - y),
        "Mul" => pair(|x, y| x * y),
        "Div" => pair(|x, y| x / y),
        "Max" => pair(f64::max),
        "Min" => pair(f64::min),
        "Equal" => elementwise(inputs, |it| truth(it[0] == it[1])),
        "Less" => elementwise(inputs, |it| truth(it[0] < it[1])),
        "Greater" => elementwise(inputs, |it| truth(it[0] > it[1])),
        "Where" => elementwise(inputs, |it| if it[0] != 0.0 { it[1] } else { it[2] }),
        "Clip" => elementwise(inputs, |it| it[0].max(it[1]).min(it[2])),
        "Not" => x.map(|x| truth(x == 0.0)),
        "IsNaN" => x.map(|x| truth(x.is_nan())),
        "Cast" if attribute("to") == 7.0 => x.map(f64::trunc),
        "Cast" => x.clone(),
        "Floor" => x.map(f64::floor),
        "Sqrt" => x.map(f64::sqrt),
        "Exp" => x.map(f64::exp),
        "Log" => x.map(f64::ln),
        "Cos" => x.map(f64::cos),
        "Erf" => x.map(erf),
        "Relu" => x.map(|x| x.max(0.0)),
        "LeakyRelu" => x.map(|x| if x < 0.0 { attribute("alpha") * x } else { x }),
        "Elu" => x.map(|x| {
            if x < 0.0 {
                attribute("alpha") * x.exp_m1()
            } else {
                x
            }
        }),
        "Sigmoid" => x.map(|x| 1.0 / (1.0 + (-x).exp())),
        "Tanh" => x.map(f64::tanh),
        "Softplus" => x.map(|x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        "HardSigmoid" => x.map(|x| (attribute("alpha") * x + attribute("beta")).clamp(0.0, 1.0)),
        "Softmax" => of_rows(x, |row| {
            let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let powers: Vec<f64> = row.iter().map(|x| (x - largest).exp()).collect();
            let sum: f64 = powers.iter().sum();
            powers.iter().map(|power| power / sum).collect()
        }),
        "ReduceMean" if attribute("keepdims") == 0.0 => {
            let &[n_rows, n_members, width] = &x.shape[..] else {
                panic!("{:?}", x.shape);
            };
            let mean = |place: usize| {
                let values = &x.values[place / width * n_members * width + place % width..];
                let sum: f64 = values.iter().step_by(width).take(n_members).sum();
                sum / n_members as f64
            };
            Tensor::new(&[n_rows, width], (0..n_rows * width).map(mean).collect())
        }
        "ReduceMean" => of_rows(x, |row| vec![row.iter().sum::<f64>() / row.len() as f64]),
        "ArgMax" => {
            let largest = of_rows(x, |row| {
                let best =
                    (1..row.len()).fold(0, |best, it| if row[it] > row[best] { it } else { best });
                vec![best as f64]
            });
            Tensor::new(&largest.shape[..1], largest.values)
        }
        "Gemm" => of_rows(x, |row| product(row, inputs[1], 0, &inputs[2].values)),
        "MatMul" => {
            // [batch, groups, 1, n_inputs] times [groups, n_inputs, n_outputs]
            let (&[n_rows, n_groups, 1, n_inputs], weights) = (&x.shape[..], inputs[1]) else {
                panic!("{:?}", x.shape);
            };
            let n_outputs = weights.shape[2];
            let rows = x.values.chunks_exact(n_inputs).enumerate();
            let zeros = vec![0.0; n_outputs];
            let products = rows.flat_map(|(at, row)| product(row, weights, at % n_groups, &zeros));
            Tensor::new(&[n_rows, n_groups, 1, n_outputs], products.collect())
        }
        "Reshape" => {
            let n = x.values.len();
            let lengths = inputs[1].values.iter();
            let known: f64 = lengths.clone().filter(|&&length| length > 0.0).product();
            let lengths = lengths.enumerate().map(|(axis, &length)| match length {
                0.0 => x.shape[axis],
                -1.0 => n / known as usize,
                length => length as usize,
            });
            Tensor::new(&lengths.collect::<Vec<_>>(), x.values.clone())
        }
        "Concat" => {
            let row = |row: usize| {
                inputs.iter().flat_map(move |it| {
                    let width = it.shape[1];
                    it.values[row * width..(row + 1) * width].iter().copied()
                })
            };
            let width = inputs.iter().map(|it| it.shape[1]).sum();
            Tensor::new(
                &[x.shape[0], width],
                (0..x.shape[0]).flat_map(row).collect(),
            )
        }
        "Gather" if attribute("axis") == 1.0 => of_rows(x, |row| {
            inputs[1]
                .values
                .iter()
                .map(|&index| row[index as usize])
                .collect()
        }),
        "Gather" => {
            let width = x.shape[1];
            let rows = inputs[1].values.iter();
            let rows = rows.flat_map(|&index| &x.values[index as usize * width..][..width]);
            let shape = [&inputs[1].shape[..], &[width]].concat();
            Tensor::new(&shape, rows.copied().collect())
        }
        "LabelEncoder" => {
            let number = |text: &String| {
                let found = node.texts.iter().position(|key| key == text);
                let number = found.map(|index| node.floats["values_floats"][index]);
                number.unwrap_or(attribute("default_float"))
            };
            Tensor::new(&x.shape, x.texts.iter().map(number).collect())
        }
        other => panic!("operator {other}"),
    }
}

fn of_rows(x: &Tensor, function: impl Fn(&[f64]) -> Vec<f64>) -> Tensor {
    let rows = x.values.chunks_exact(x.shape[1]);
    let rows: Vec<Vec<f64>> = rows.map(function).collect();
    Tensor::new(&[x.shape[0], rows[0].len()], rows.concat())
}

/// A row times a matrix of `weights`, plus a bias.
fn product(row: &[f64], weights: &Tensor, matrix: usize, bias: &[f64]) -> Vec<f64> {
    let weights = &weights.values[matrix * row.len() * bias.len()..];
    let mut sums = bias.to_vec();
    for (x, weights) in row.iter().zip(weights.chunks_exact(bias.len())) {
        sums.iter_mut()
            .zip(weights)
            .for_each(|(sum, w)| *sum += x * w);
    }
    sums
}

/// The error function, by Simpson's rule.
fn erf(x: f64) -> f64 {
    const N: usize = 1000;
    let width = x / N as f64;
    let term = |i: usize| {
        let factor = if i == 0 || i == N {
            1.0
        } else {
            2.0 + 2.0 * (i % 2) as f64
        };
        let t = width * i as f64;
        factor * (-t * t).exp()
    };
    let sum: f64 = (0..=N).map(term).sum();
    std::f64::consts::FRAC_2_SQRT_PI * width / 3.0 * sum
}

/// Checks the outputs of the file on rows of values.
fn check(exported: &ExportedModel<'_>, rows: &Rows<'_, f32>) -> File {
    let file = read_file(&exported.to_onnx(InputForm::Values).unwrap());
    assert_eq!(file.domains, [""]);
    let values = rows.iter().map(|&value| value.into()).collect();
    let input = Tensor::new(&rows.shape(), values);
    let name = file.inputs[0].clone();
    let file = file.run([(name, input)]);
    check_outputs(exported, rows, &file);
    file
}

fn check_outputs(exported: &ExportedModel<'_>, rows: &Rows<'_, f32>, file: &File) {
    let scores = file
        .outputs
        .iter()
        .find(|it| ["probabilities", "values"].contains(&it.as_str()));
    let scores = &file.tensors[scores.expect("one of the outputs")];
    assert_eq!(scores.shape, [rows.n_rows(), exported.n_outputs()]);
    let found = scores.values.chunks_exact(exported.n_outputs());
    for (at, (row, found)) in rows.rows().zip(found).enumerate() {
        let expected = exported.predict_with_network(row).unwrap();
        for (&found, &expected) in found.iter().zip(&expected) {
            let difference = (found as f32 - expected).abs() / expected.abs().max(1.0);
            let is_equal = difference <= TOLERANCE || found.is_nan() && expected.is_nan();
            assert!(is_equal, "row {at}: {found} {expected}");
        }
        let found: Vec<f32> = found.iter().map(|&it| it as f32).collect();
        if let Some(class) = exported.outcome().class(&found) {
            assert_eq!(file.tensors["label"].values[at], class as f64);
        }
    }
}

#[test]
fn files_of_random_networks_compute_their_outputs() {
    for seed in 0..60 {
        for model in [random_model(seed), random_ensemble(seed)] {
            let rows = random_inputs(&config_of(&model), 12, &mut Random::new(seed));
            check(&ExportedModel::new(&model).unwrap(), &rows);
        }
    }
}

#[test]
fn every_activation_is_written() {
    for &activation in Activation::ALL {
        let config = NetworkConfig::new(3, [LayerConfig::new(4, activation)]);
        let mut random = Random::new(2);
        let model = model_of(&config, &mut random);
        let rows = random_inputs(&config, 12, &mut random);
        check(&ExportedModel::new(&model).unwrap(), &rows);
    }
}

/// A model of a table with this text, with random weights.
fn model_of_table(text: &str, target: &str, outputs: (usize, Activation)) -> Model {
    let options = nn_table::TableOptions {
        target: Some(target.to_owned()),
        target_transform: nn_table::TargetTransform::Auto,
        ..Default::default()
    };
    model_with_options(text, &options, outputs)
}

/// A model of a table that is read with these options, with random weights.
fn model_with_options(
    text: &str,
    options: &nn_table::TableOptions,
    outputs: (usize, Activation),
) -> Model {
    let table = nn_table::Table::parse("t.csv".as_ref(), text.as_bytes(), options).unwrap();
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let (preprocessing, _) = nn_table::Preprocessing::fit(&table, &rows, options).unwrap();
    let mut layers = [(5, Activation::Tanh), outputs].map(LayerConfig::from);
    let columns: Vec<[usize; 2]> = preprocessing.category_counts().map(|n| [n, 3]).collect();
    if !columns.is_empty() {
        layers[0].inputs.push(CategoryEmbedding { columns }.into());
    }
    let config = NetworkConfig::new(preprocessing.n_inputs(), layers);
    let mut model = model_of(&config, &mut Random::new(4));
    model.description.input.preprocessing =
        Some(nn_core::model_file::Json::new(&preprocessing).unwrap());
    model.description.training = serde_json::json!({"data": "t.csv"});
    model
}

const TABLE: &str = "size,label,sold,price,state\n1.5,red,2024-01-05,10.5,new\n\
    ,blue,2023-11-30,200.25,old\n3.25,,,3000.0,new\n-4,red,2021-05-01,77.0,old\n\
    2.5,green,2021-03-03,9000.0,new\n";

#[test]
fn tables_are_preprocessed_in_the_file() {
    for (target, outputs) in [
        ("state", (1, Activation::Sigmoid)),
        ("state", (2, Activation::Softmax)),
        ("price", (1, Activation::Identity)),
        ("size,price", (2, Activation::Identity)),
    ] {
        let text = match target {
            "size,price" => &TABLE.replace("\n,blue", "\n0.5,blue"),
            _ => TABLE,
        };
        let model = model_of_table(text, target, outputs);
        let exported = ExportedModel::new(&model).unwrap();
        let file = check(&exported, &exported.random_values(200, 7));
        let names = if target == "state" {
            "class_names"
        } else {
            "output_names"
        };
        let found: Vec<String> = serde_json::from_str(&file.metadata[names]).unwrap();
        assert_eq!(found, exported.outcome().names());
    }
}

/// Robust scaling, indices of categories, clipped outputs and decision thresholds.
#[test]
fn tables_of_the_tabular_preset_are_preprocessed_in_the_file() {
    let mut text = "size,city,sold,price,state\n".to_owned();
    for row in 0..40 {
        let (size, city, day) = (row * row, row % 11, 1 + row % 28);
        let (price, state) = (row * 7 % 13, row * 5 % 3 % 2);
        text += &format!("{size},city {city},2024-01-{day:02},{price}.5,{state}\n");
    }
    // A date and a number are missing, and a number is an outlier.
    text += ",city 1,,2.5,0\n1e9,,2024-05-05,3.5,1\n";
    let options = |target: &str| nn_table::TableOptions {
        target: Some(target.to_owned()),
        scaling: nn_table::Scaling::Robust,
        orders_for_embeddings: true,
        indexes_categories: true,
        clips_outputs: true,
        ..Default::default()
    };
    let model = model_with_options(&text, &options("price"), (1, Activation::Identity));
    let exported = ExportedModel::new(&model).unwrap();
    let rows = exported.random_values(300, 7);
    let file = check(&exported, &rows);
    let outputs = &file.tensors["values"].values;
    assert!(outputs.iter().all(|output| (0.5..=12.5).contains(output)));
    assert!(outputs.contains(&0.5) && outputs.contains(&12.5));

    for outputs in [(1, Activation::Sigmoid), (2, Activation::Softmax)] {
        let model = model_with_options(&text, &options("state"), outputs);
        let usual = ExportedModel::new(&model).unwrap();
        let exported = usual.with_thresholds(&[0.3]).unwrap();
        let file = check(&exported, &rows_of(&exported));
        let usual = check(&usual, &rows_of(&exported));
        let n_positive = |file: &File| file.tensors["label"].values.iter().sum::<f64>();
        assert!(n_positive(&file) > n_positive(&usual));
        exported.with_thresholds(&[0.3, 0.4]).unwrap_err();
    }
}

fn rows_of(exported: &ExportedModel<'_>) -> Rows<'static, f32> {
    exported.random_values(300, 8)
}

/// Images with pixels from 0 to 16.
#[test]
fn levels_of_gray_become_bytes_in_the_file() {
    let names: Vec<String> = (0..784).map(|pixel| format!("pixel{pixel}")).collect();
    let pixels = |factor: usize| {
        let pixels = (0..784).map(|pixel| (pixel * factor % 17).to_string());
        pixels.collect::<Vec<String>>().join(",")
    };
    let names = names.join(",");
    let text = format!("label,{names}\na,{}\nb,{}\n", pixels(3), pixels(5));
    let mut model = model_of_table(&text, "label", (2, Activation::Softmax));
    model.description.input.scale = 1.0 / 255.0;
    let exported = ExportedModel::new(&model).unwrap();
    check(&exported, &exported.random_values(10, 0));
}

#[test]
fn categories_are_text_in_files_with_columns() {
    let model = model_of_table(TABLE, "state", (2, Activation::Softmax));
    let exported = ExportedModel::new(&model).unwrap();
    let file = read_file(&exported.to_onnx(InputForm::Columns).unwrap());
    assert_eq!(file.domains, ["", "ai.onnx.ml"]);
    // The names of the outputs are taken.
    assert_eq!(file.inputs[..2], ["size", "label_"]);
    let rows = exported.random_values(100, 3);
    let inputs = file.inputs.iter().zip(exported.values()).enumerate();
    let inputs = inputs.map(|(column, (name, value))| {
        let numbers = rows.column(column).map(|&it| f64::from(it));
        let mut tensor = Tensor::new(&[rows.n_rows(), 1], numbers.collect());
        if let crate::Meaning::Category(names) = &value.meaning {
            let text = |&number: &f64| names.get(number as usize).cloned();
            tensor.texts = tensor
                .values
                .iter()
                .map(|it| text(it).unwrap_or("?".into()))
                .collect();
        }
        (name.clone(), tensor)
    });
    let inputs: Vec<_> = inputs.collect();
    check_outputs(&exported, &rows, &file.run(inputs));
}

#[test]
fn names_of_inputs_differ() {
    let mut taken = std::collections::HashSet::from(["label".to_owned()]);
    assert_eq!(new_name(&mut taken, "label"), "label_");
    assert_eq!(new_name(&mut taken, "label_"), "label__");
    assert_eq!(new_name(&mut taken, "size"), "size");
}
