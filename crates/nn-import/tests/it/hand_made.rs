//! Small files written by hand, and the messages about files that cannot be imported.

use nn_core::{Activation, Loss};
use nn_export::proto::Message;
use nn_import::{Error, Format, ImportOptions, import};
use nn_table::Task;

/// A safetensors file of float32 tensors.
fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut header = Vec::new();
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let end = data.len();
        header.push(format!(
            r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        ));
    }
    let header = format!("{{{}}}", header.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn error_of(bytes: &[u8], options: &ImportOptions) -> String {
    import(bytes, options).expect_err("not a model").to_string()
}

/// By hand: (1, 2)·Wᵀ + b = (1 + 2 + 1, −1 + 4 − 1) = (4, 2); tanh; (1, −1)·(…) + ½.
#[test]
fn weights_of_pytorch_are_transposed() {
    let bytes = safetensors(&[
        ("net.2.bias", &[1], &[0.5]),
        ("net.0.weight", &[2, 2], &[1.0, 1.0, -1.0, 2.0]),
        ("net.2.weight", &[1, 2], &[1.0, -1.0]),
        ("net.0.bias", &[2], &[1.0, -1.0]),
    ]);
    let options = ImportOptions {
        activations: vec![Activation::Tanh],
        ..ImportOptions::default()
    };
    let imported = import(&bytes, &options).unwrap();
    assert_eq!(imported.format, Format::Safetensors);
    let output = imported.model.predict_row(&[1.0, 2.0]).unwrap()[0];
    let expected = 4_f32.tanh() - 2_f32.tanh() + 0.5;
    assert!((output - expected).abs() < 1e-6, "{output} {expected}");
    assert_eq!(imported.model.loss, Loss::Mse);
}

#[test]
fn the_task_decides_the_activation_function_of_the_outputs() {
    let bytes = safetensors(&[("w", &[1, 2], &[1.0, 2.0]), ("b", &[2], &[0.0, 0.5])]);
    for (task, output, loss, n_names) in [
        (None, Activation::Softmax, Loss::CrossEntropy, 2),
        (Some(Task::Regression), Activation::Identity, Loss::Mse, 0),
        (
            Some(Task::MultiLabel),
            Activation::Sigmoid,
            Loss::BinaryCrossEntropy,
            2,
        ),
    ] {
        let options = ImportOptions {
            task,
            ..ImportOptions::default()
        };
        let imported = import(&bytes, &options).unwrap();
        let model = imported.model;
        assert_eq!(model.network.output_layer().activation, output);
        assert_eq!(model.loss, loss);
        assert_eq!(model.description.class_names.len(), n_names);
        let is_noted = imported.notes.iter().any(|note| note.contains("was added"));
        assert_eq!(
            is_noted,
            output != Activation::Identity,
            "{:?}",
            imported.notes
        );
    }
}

/// By hand: ((51/255 − 0.1)/0.5)·1 + ((255/255 − 0.1)/0.5)·2 = 0.2 + 3.6.
#[test]
fn the_conversion_of_the_inputs_is_part_of_the_model() {
    let bytes = safetensors(&[("w", &[2, 1], &[1.0, 2.0])]);
    let options = ImportOptions {
        divide: 255.0,
        mean: vec![0.1],
        std: vec![0.5],
        image_size: Some([1, 2]),
        ..ImportOptions::default()
    };
    let model = import(&bytes, &options).unwrap().model;
    assert_eq!(model.description.input.shape, [1, 2]);
    assert_eq!(model.description.input.scale, 1.0 / 255.0);
    let output = model.predict_row(&[51.0, 255.0]).unwrap()[0];
    assert!((output - 3.8).abs() < 1e-6, "{output}");
    let text = error_of(
        &bytes,
        &ImportOptions {
            mean: vec![1.0, 2.0, 3.0],
            ..options
        },
    );
    assert_eq!(text, "`mean`: expected 1 or 2 numbers, found 3");
}

/// By hand: the third of (x − 1)/2 is 3, so x is 7; the network doubles the standardized number.
#[test]
fn missing_values_of_columns_are_replaced() {
    let nodes = || {
        vec![
            node("Sub", &["x", "one"], "a"),
            node("Div", &["a", "two"], "b"),
            node("IsNaN", &["b"], "c"),
            node("Where", &["c", "three", "b"], "d"),
            node("MatMul", &["d", "w"], "y"),
        ]
    };
    let constant = |name: &str, value: f32| tensor(name, &[1], &[value]);
    let constants = || {
        let weights = tensor("w", &[1, 1], &[2.0]);
        vec![
            constant("one", 1.0),
            constant("two", 2.0),
            constant("three", 3.0),
            weights,
        ]
    };
    let bytes = onnx(nodes(), constants());
    let imported = import(&bytes, &ImportOptions::default()).unwrap();
    assert_eq!(imported.model.predict_row(&[5.0]).unwrap(), [4.0]);
    let is_noted = imported
        .notes
        .iter()
        .any(|note| note.starts_with("missing values"));
    assert!(is_noted, "{:?}", imported.notes);
    let options = ImportOptions {
        columns: vec!["size".to_owned()],
        task: Some(Task::Regression),
        ..ImportOptions::default()
    };
    let model = import(&bytes, &options).unwrap().model;
    let json = model.description.input.preprocessing.expect("a table");
    let preprocessing = nn_table::Preprocessing::from_json(json.as_str()).unwrap();
    let nn_table::preprocessing::InputEncoding::Columns(columns) = preprocessing.inputs else {
        panic!("{:?}", preprocessing.inputs);
    };
    let nn_table::ColumnEncoding::Standardize(number) = &columns[0].encoding else {
        panic!("{columns:?}");
    };
    assert_eq!(number.median, Some(7.0));
    assert_eq!(
        [number.scaling.center(), number.scaling.scale()],
        [1.0, 2.0]
    );
    // After a dense layer, nothing is missing.
    let mut wrong = nodes();
    wrong.swap(0, 4);
    wrong[0] = node("MatMul", &["x", "w"], "a");
    wrong[4] = node("MatMul", &["d", "w"], "y");
    wrong[1] = node("Relu", &["a"], "b");
    let error = error_of(&onnx(wrong, constants()), &ImportOptions::default());
    let expected =
        "node the-node (Where): replaces missing values of values that are not the inputs";
    assert_eq!(error, expected);
}

#[test]
fn columns_make_a_table() {
    let bytes = safetensors(&[("w", &[2, 2], &[1.0, 2.0, 3.0, 4.0])]);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let options = ImportOptions {
        columns: names(&["size", "age"]),
        targets: names(&["kind"]),
        class_names: names(&["new", "old"]),
        mean: vec![10.0, 20.0],
        std: vec![2.0, 4.0],
        ..ImportOptions::default()
    };
    let model = import(&bytes, &options).unwrap().model;
    let json = model.description.input.preprocessing.expect("a table");
    let table = nn_table::Preprocessing::from_json(json.as_str()).unwrap();
    let text = "age,size,kind\n28,14,new\n";
    let header = nn_table::Header::Auto;
    let purpose = nn_table::preprocessing::Purpose::Evaluate;
    let parsed = table.parse("t.csv".as_ref(), text.as_bytes(), header, purpose);
    let samples = table
        .transform(&parsed.unwrap(), Default::default())
        .unwrap();
    let nn_table_inputs = format!("{:?}", samples.inputs);
    assert!(nn_table_inputs.contains("[2.0, 2.0]"), "{nn_table_inputs}");
    let text = error_of(
        &bytes,
        &ImportOptions {
            columns: names(&["size"]),
            ..ImportOptions::default()
        },
    );
    assert_eq!(text, "`columns`: expected 2 names, one per input, found 1");
}

#[test]
fn weights_that_are_no_chain_are_refused() {
    for (tensors, expected) in [
        (
            &[
                ("0.weight", &[3, 2][..], &[0.0; 6][..]),
                ("1.weight", &[4, 2], &[0.0; 8]),
            ][..],
            "the layers do not form a chain in which each has as many inputs as the layer before \
             it has outputs: 0 [3, 2], 1 [4, 2]",
        ),
        (
            &[("conv.weight", &[1, 1, 3, 3], &[0.0; 9])],
            "tensor conv.weight: has the shape [1, 1, 3, 3]; expected the matrix of a dense layer",
        ),
        (
            &[("lstm.weight_ih_l0", &[2, 2], &[0.0; 4])],
            "tensor lstm.weight_ih_l0: expected a name such as 0.weight and 0.bias (PyTorch), ",
        ),
        (
            &[("0.bias", &[2], &[0.0; 2])],
            "tensor 0.bias: expected the weight and the bias",
        ),
        (&[], "the file has no weight matrix"),
        (
            &[("0.weight", &[1, 2], &[1.0, f32::NAN])],
            "tensor 0.weight: element 1 is NaN, expected a finite number",
        ),
    ] {
        let text = error_of(&safetensors(tensors), &ImportOptions::default());
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_model_file_of_nn_needs_no_import() {
    let header = r#"{"__metadata__":{"nn":"{}"}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    let error = import(&bytes, &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, Error::OwnModel));
}

/// `NodeProto`
fn node(operator: &str, inputs: &[&str], output: &str) -> Message {
    let add = |message: Message, input: &&str| message.text(1, input);
    let message = inputs.iter().fold(Message::new(), add);
    message
        .text(2, output)
        .text(3, "the-node")
        .text(4, operator)
}

fn tensor(name: &str, shape: &[i64], values: &[f32]) -> Message {
    let message = Message::new().integers(1, shape.iter().copied());
    message.integer(2, 1).floats(4, values).text(8, name)
}

/// An ONNX file with the input `x` and the output `y`.
fn onnx(nodes: Vec<Message>, tensors: Vec<Message>) -> Vec<u8> {
    let graph = Message::new()
        .messages(1, nodes)
        .messages(5, tensors)
        .message(11, Message::new().text(1, "x"))
        .message(12, Message::new().text(1, "y"));
    Message::new().integer(1, 8).message(7, graph).into_bytes()
}

#[test]
fn operators_that_cannot_be_imported_are_named() {
    let weights = || tensor("w", &[2, 1], &[1.0, 2.0]);
    for (nodes, expected) in [
        (
            vec![node("Conv", &["x", "w"], "y")],
            "node the-node (Conv): not supported; supported are Gemm, MatMul, Add",
        ),
        (
            vec![node("MatMul", &["x", "x"], "y")],
            "node the-node (MatMul): expected the values times a constant weight matrix",
        ),
        (
            vec![node("Relu", &["x"], "y")],
            "the file has no dense layer",
        ),
        (
            vec![node("MatMul", &["z", "w"], "y")],
            "expected an ONNX file: node the-node (MatMul): its input z is not computed before it",
        ),
        (
            vec![
                node("MatMul", &["x", "w"], "z"),
                node("ArgMax", &["z"], "y"),
            ],
            "the graph: has no output of numbers",
        ),
        (
            vec![
                node("MatMul", &["x", "w"], "z"),
                node("Softmax", &["z"], "s"),
                node("MatMul", &["s", "v"], "y"),
            ],
            "layer 1: softmax is allowed in the output layer only",
        ),
    ] {
        let bytes = onnx(nodes, vec![weights(), tensor("v", &[1, 1], &[1.0])]);
        let text = error_of(&bytes, &ImportOptions::default());
        assert!(text.starts_with(expected), "{text}");
    }
}

/// By hand: (3 − 1)·½ = 1 and (6 − 2)·½ = 2; 1·1 + 2·2 + 1 = 6; relu; 6·(−1) + 2 = −4.
#[test]
fn constants_around_dense_layers_are_merged() {
    let nodes = vec![
        node("Sub", &["x", "mean"], "a"),
        node("Mul", &["half", "a"], "b"),
        node("Reshape", &["b", "shape"], "c"),
        node("MatMul", &["c", "w"], "d"),
        node("Add", &["d", "one"], "e"),
        node("Relu", &["e"], "f"),
        node("Neg", &["f"], "g"),
        node("Gemm", &["g", "v", "one"], "h"),
        node("Add", &["one", "h"], "y"),
    ];
    let tensors = vec![
        tensor("mean", &[1, 2], &[1.0, 2.0]),
        tensor("half", &[], &[0.5]),
        tensor("shape", &[2], &[-1.0, 2.0]),
        tensor("w", &[2, 1], &[1.0, 2.0]),
        tensor("one", &[1], &[1.0]),
        tensor("v", &[1, 1], &[1.0]),
    ];
    let imported = import(&onnx(nodes, tensors), &ImportOptions::default()).unwrap();
    assert_eq!(imported.model.network.widths(), [2, 1, 1]);
    assert_eq!(imported.model.predict_row(&[3.0, 6.0]).unwrap(), [-4.0]);
    assert_eq!(imported.notes, [""; 0]);
}

/// The mean over dimension 1, which is left out.
fn mean(input: &str, output: &str) -> Message {
    let axes = Message::new().text(1, "axes").integers(8, [1]);
    let keeps_dimension = Message::new().text(1, "keepdims").integer(3, 0);
    node("ReduceMean", &[input], output).messages(5, [axes, keeps_dimension])
}

/// The nodes of two members of two inputs: with factors, an output layer each, and their mean.
fn nodes_of_members() -> Vec<Message> {
    vec![
        node("Reshape", &["x", "row"], "a"),
        node("Mul", &["a", "factors"], "b"),
        node("Reshape", &["b", "rows"], "c"),
        node("Reshape", &["c", "groups"], "d"),
        node("MatMul", &["d", "weights"], "e"),
        node("Reshape", &["e", "members"], "f"),
        mean("f", "y"),
    ]
}

fn constants_of_members() -> Vec<Message> {
    vec![
        tensor("row", &[3], &[-1.0, 1.0, 2.0]),
        tensor("factors", &[2, 2], &[1.0, 1.0, -1.0, 2.0]),
        tensor("rows", &[2], &[-1.0, 2.0]),
        tensor("groups", &[4], &[-1.0, 2.0, 1.0, 2.0]),
        tensor("weights", &[2, 2, 1], &[1.0, 1.0, 2.0, 1.0]),
        tensor("members", &[3], &[-1.0, 2.0, 1.0]),
        tensor("w", &[2, 1], &[1.0, 1.0]),
    ]
}

/// By hand: (1, 2) becomes (1, 2) and (−1, 4); 1 + 2 = 3 and −2 + 4 = 2, with the mean 2.5.
#[test]
fn members_that_share_layers_are_recognized() {
    let bytes = onnx(nodes_of_members(), constants_of_members());
    let imported = import(&bytes, &ImportOptions::default()).unwrap();
    let model = imported.model;
    assert_eq!(model.network.n_shared_members(), 2);
    assert_eq!(model.predict_row(&[1.0, 2.0]).unwrap(), [2.5]);
}

#[test]
fn members_that_a_network_cannot_express_are_refused() {
    let without = |removed: std::ops::Range<usize>, replacement: Message| {
        let mut nodes = nodes_of_members();
        nodes.splice(removed, [replacement]);
        error_of(
            &onnx(nodes, constants_of_members()),
            &ImportOptions::default(),
        )
    };
    // A shared output layer.
    let error = without(3..5, node("MatMul", &["c", "w"], "e"));
    assert!(
        error.starts_with("expected an output layer for each of the 2 members"),
        "{error}"
    );
    // No factors.
    let error = without(0..3, node("Identity", &["x"], "c"));
    let expected = "node the-node (MatMul): is of 2 members, but the network has 1";
    assert_eq!(error, expected);
    // A sum in place of the mean.
    let error = without(6..7, node("ReduceSum", &["f"], "y"));
    assert!(
        error.starts_with("node the-node (ReduceSum): not supported"),
        "{error}"
    );
    // Nothing may follow the mean.
    let mut nodes = nodes_of_members();
    nodes[6] = mean("f", "g");
    nodes.push(node("Relu", &["g"], "y"));
    let bytes = onnx(nodes, constants_of_members());
    let error = error_of(&bytes, &ImportOptions::default());
    let expected =
        "node the-node (Relu): expected the outputs directly after the mean of the members";
    assert_eq!(error, expected);
    // Nothing is added to the mean.
    let options = ImportOptions {
        output_activation: Some(Activation::Sigmoid),
        ..ImportOptions::default()
    };
    let error = error_of(&onnx(nodes_of_members(), constants_of_members()), &options);
    assert!(error.contains("a mean of several members"), "{error}");
}

/// By hand: ((1 + 2) + (2 + 2·2))/2 = 4.5; the networks of an ensemble have the same layers.
#[test]
fn the_mean_of_networks_is_an_ensemble() {
    let network = |weights: &str, output: &str| node("MatMul", &["x", weights], output);
    let half = || tensor("half", &[], &[0.5]);
    let nodes = vec![
        network("w", "a"),
        network("v", "b"),
        node("Add", &["a", "b"], "c"),
        node("Mul", &["c", "half"], "y"),
    ];
    let constants = || {
        let other = tensor("v", &[2, 1], &[2.0, 2.0]);
        vec![tensor("w", &[2, 1], &[1.0, 1.0]), other, half()]
    };
    let imported = import(&onnx(nodes, constants()), &ImportOptions::default()).unwrap();
    assert_eq!(imported.model.network.n_networks(), 2);
    assert_eq!(imported.model.predict_row(&[1.0, 2.0]).unwrap(), [4.5]);
    let nodes = vec![
        network("w", "a"),
        node("Relu", &["a"], "r"),
        network("v", "b"),
        node("Add", &["r", "b"], "c"),
        node("Mul", &["c", "half"], "y"),
    ];
    let error = error_of(&onnx(nodes, constants()), &ImportOptions::default());
    assert!(
        error.contains("adds the output of an earlier layer"),
        "{error}"
    );
}

/// Many nodes that use one large constant would need far more memory than the file.
#[test]
fn shared_weights_cannot_exhaust_the_memory() {
    let values = vec![0.0_f32; 1 << 20];
    let mut nodes = vec![node("MatMul", &["x", "w"], "v0")];
    for index in 1..100 {
        let (input, output) = (format!("v{}", index - 1), format!("v{index}"));
        nodes.push(node("MatMul", &[&input, "w"], &output));
    }
    nodes.push(node("Relu", &["v99"], "y"));
    let bytes = onnx(nodes, vec![tensor("w", &[1024, 1024], &values)]);
    let text = error_of(&bytes, &ImportOptions::default());
    assert!(
        text.ends_with("have more parameters than the file"),
        "{text}"
    );
}

#[test]
fn options_that_do_not_match_the_file_are_refused() {
    let bytes = onnx(
        vec![
            node("MatMul", &["x", "w"], "z"),
            node("Sigmoid", &["z"], "y"),
        ],
        vec![tensor("w", &[1, 1], &[1.0])],
    );
    let default = ImportOptions::default;
    for (options, expected) in [
        (
            ImportOptions {
                activations: vec![Activation::Relu],
                ..default()
            },
            "`activation`: an ONNX file states the activation functions; leave this option out",
        ),
        (
            ImportOptions {
                output_activation: Some(Activation::Identity),
                ..default()
            },
            "`output-activation`: the outputs of the file have the activation function sigmoid",
        ),
        (
            ImportOptions {
                class_names: vec!["a".to_owned()],
                ..default()
            },
            "`classes`: expected 2 names, found 1",
        ),
        (
            ImportOptions {
                divide: 0.0,
                ..default()
            },
            "`divide`: expected numbers above 0, found 0",
        ),
        (
            ImportOptions {
                image_size: Some([2, 2]),
                ..default()
            },
            "`shape`: expected a height and a width of 1 pixels, found 2x2",
        ),
    ] {
        let error = import(&bytes, &options).unwrap_err();
        assert!(matches!(error, Error::BadOption { .. }));
        assert_eq!(error.to_string(), expected);
    }
}
