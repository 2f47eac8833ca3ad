//! Exported source code is compiled and run, if the machine has a compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nn_core::{Activation, LayerConfig, Loss, Menu, Model, Network, NetworkConfig, Rows};
use nn_export::ExportedModel;
use nn_table::{Preprocessing, Table, TableOptions, TargetTransform};

use crate::random_model::{
    Random, config_of, model_of, random_ensemble, random_inputs, random_model,
};
use crate::tables;

const C_FLAGS: [&str; 6] = [
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-pedantic",
    "-O2",
];

/// An empty folder.
fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("nn-export-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Returns `true` if a program is there; otherwise says that the test is skipped.
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Compiles the C code of a model without warnings and runs its self-test.
fn check_c(exported: &ExportedModel<'_>, rows: &Rows<'_, f32>, folder: &Path) {
    let (source, program) = (folder.join("model.c"), folder.join("model"));
    fs::write(&source, exported.to_c(rows).unwrap()).unwrap();
    let object = folder.join("model.o");
    run(Command::new("gcc")
        .args(C_FLAGS)
        .arg("-c")
        .arg(&source)
        .arg("-o")
        .arg(&object));
    let mut compile = Command::new("gcc");
    compile.args(C_FLAGS).args(["-O3", "-DNN_SELF_TEST"]);
    run(compile.arg(&source).arg("-o").arg(&program).arg("-lm"));
    run(&mut Command::new(&program));
}

/// Compiles the Rust code of a model without warnings and runs its test.
fn check_rust(exported: &ExportedModel<'_>, rows: &Rows<'_, f32>, folder: &Path) {
    let (source, program) = (folder.join("model.rs"), folder.join("tests"));
    fs::write(&source, exported.to_rust(rows).unwrap()).unwrap();
    let compile = |kind: &[&str], to: &Path| {
        let mut compile = Command::new("rustc");
        compile
            .args(["--edition", "2021", "-D", "warnings"])
            .args(kind);
        run(compile.arg(&source).arg("-o").arg(to));
    };
    compile(&["--crate-type", "lib"], &folder.join("libmodel.rlib"));
    compile(&["--test"], &program);
    run(&mut Command::new(&program));
}

/// A network with every activation function and every stage.
fn networks() -> Vec<NetworkConfig> {
    let elementwise = Activation::ALL
        .iter()
        .filter(|&&it| it != Activation::Softmax);
    let activations = elementwise.map(|&activation| LayerConfig {
        sums: vec![format!("parametric:{activation}").parse().unwrap()],
        ..LayerConfig::new(5, activation)
    });
    let output = LayerConfig::new(3, Activation::Softmax);
    let activations = activations.chain([output.clone()]);
    let mut networks = vec![NetworkConfig::new(4, activations)];
    let stages = [
        [
            "category-embedding:4x3,3x2",
            "periodic-embedding:3x4:std=0.5",
        ],
        ["piecewise-linear-embedding:4x3", "layer-norm"],
        ["periodic-embedding:3x4:std=0.5", "members:3:signs"],
    ];
    for stages in stages {
        let first = LayerConfig {
            inputs: stages.iter().map(|name| name.parse().unwrap()).collect(),
            ..LayerConfig::new(5, Activation::Tanh)
        };
        let second = LayerConfig {
            batch_norm: true,
            outputs: vec!["scaling".parse().unwrap(), "residual".parse().unwrap()],
            ..LayerConfig::new(5, Activation::Relu)
        };
        networks.push(NetworkConfig::new(6, [first, second, output.clone()]));
    }
    networks
}

#[test]
fn c_code_of_every_stage_and_activation_computes_what_the_network_computes() {
    if !is_there("gcc") {
        return;
    }
    let folder = scratch("c");
    for config in networks() {
        let mut random = Random::new(1);
        let model = model_of(&config, &mut random);
        let rows = random_inputs(&config, 32, &mut random);
        check_c(&ExportedModel::new(&model).unwrap(), &rows, &folder);
    }
    let model = calibrated_members();
    let exported = ExportedModel::new(&model).unwrap();
    let rows = exported.random_values(32, 0);
    check_c(&exported, &rows, &folder);
    check_c(&exported.to_int8(&rows).unwrap(), &rows, &folder);
    for seed in 0..12 {
        let model = match seed % 3 {
            2 => random_ensemble(seed),
            _ => random_model(seed),
        };
        let rows = random_inputs(&config_of(&model), 32, &mut Random::new(seed));
        let exported = ExportedModel::new(&model).unwrap();
        check_c(&exported, &rows, &folder);
        check_c(&exported.to_int8(&rows).unwrap(), &rows, &folder);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn rust_code_of_every_stage_and_activation_computes_what_the_network_computes() {
    if !is_there("rustc") {
        return;
    }
    let folder = scratch("rust");
    for config in networks() {
        let mut random = Random::new(1);
        let model = model_of(&config, &mut random);
        let rows = random_inputs(&config, 32, &mut random);
        let exported = ExportedModel::new(&model).unwrap();
        check_rust(&exported, &rows, &folder);
        check_rust(&exported.to_int8(&rows).unwrap(), &rows, &folder);
    }
    let model = calibrated_members();
    let exported = ExportedModel::new(&model).unwrap();
    check_rust(&exported, &exported.random_values(32, 0), &folder);
    fs::remove_dir_all(folder).unwrap();
}

/// Members that share layers, with a temperature.
fn calibrated_members() -> Model {
    let first = LayerConfig {
        inputs: vec!["members:3:signs".parse().unwrap()],
        ..LayerConfig::new(5, Activation::Relu)
    };
    let config = NetworkConfig::new(4, [first, LayerConfig::new(3, Activation::Sigmoid)]);
    let model = model_of(&config, &mut Random::new(1));
    let network = model.network.clone().with_temperature(2.0).unwrap();
    Model { network, ..model }
}

/// Compiles the C code of a model with `NN_EXACT` and returns the largest difference that its
/// self-test prints, or `None` if it does not compile.
fn exact_difference(
    exported: &ExportedModel<'_>,
    rows: &Rows<'_, f32>,
    folder: &Path,
) -> Option<f32> {
    let (source, program) = (folder.join("exact.c"), folder.join("exact"));
    fs::write(&source, exported.to_c(rows).unwrap()).unwrap();
    let mut compile = Command::new("gcc");
    compile.args(C_FLAGS).args(["-DNN_SELF_TEST", "-DNN_EXACT"]);
    let compiled = compile.arg(&source).arg("-o").arg(&program).arg("-lm");
    let compiled = compiled.output().unwrap();
    if !compiled.status.success() {
        let message = String::from_utf8(compiled.stderr).unwrap();
        assert!(message.contains("NN_EXACT: this model has"), "{message}");
        return None;
    }
    let output = run(&mut Command::new(&program)).stdout;
    let printed = String::from_utf8(output).unwrap();
    let (_, difference) = printed.trim_end().rsplit_once(' ').unwrap();
    Some(difference.parse().unwrap())
}

/// Returns `true` if networks add the exact products: 0.1² − (0.1² rounded) is not 0.
fn has_fused_multiply_add() -> bool {
    let config = NetworkConfig::new(2, [(1, Activation::Identity)]);
    let mut network: Network = Network::zeros(&config).unwrap();
    network.weights_mut(0).copy_from_slice(&[-(0.1 * 0.1), 0.1]);
    network.predict(&[1.0, 0.1]).unwrap() != [0.0]
}

/// The instruction set without fused multiply-add rounds each product, so its bits differ.
#[test]
fn exact_c_code_gives_the_bits_of_the_network() {
    if !is_there("gcc") || !has_fused_multiply_add() {
        return;
    }
    let folder = scratch("exact");
    let inexact = [Activation::Gelu, Activation::Mish, Activation::Softplus];
    for &activation in Activation::ALL {
        let layers = match activation {
            Activation::Softmax => vec![(20, Activation::Tanh), (5, activation)],
            _ => vec![(20, activation), (1, Activation::Sigmoid)],
        };
        // More inputs than nn adds in one block.
        let config = NetworkConfig::new(600, layers);
        let mut random = Random::new(3);
        let mut model = model_of(&config, &mut random);
        model.description.input.shape = vec![20, 30];
        model.description.input.scale = 1.0 / 255.0;
        let exported = ExportedModel::new(&model).unwrap();
        let rows = exported.random_values(32, 1);
        let expected = (!inexact.contains(&activation)).then_some(0.0);
        let found = exact_difference(&exported, &rows, &folder);
        assert_eq!(found, expected, "{activation}");
    }
    for seed in 0..6 {
        let model = random_model(seed);
        let exported = ExportedModel::new(&model).unwrap();
        let rows = exported.random_values(32, 0);
        let found = exact_difference(&exported, &rows, &folder);
        assert!(
            found.is_none_or(|difference| difference == 0.0),
            "seed {seed}: {found:?}"
        );
    }
    fs::remove_dir_all(folder).unwrap();
}

/// Numbers, categories, dates and missing values; a target on a logarithmic scale; and images
/// with few levels of gray.
#[test]
fn source_code_of_tables_computes_what_the_network_computes() {
    let options = |target, other| TableOptions {
        target_transform: TargetTransform::Log,
        ..tables::options(target, other)
    };
    let model = |target, other, activation, loss| {
        let (preprocessing, _) = tables::preprocessing(&options(target, other));
        tables::model(&preprocessing, activation, loss)
    };
    let (sigmoid, identity) = (Activation::Sigmoid, Activation::Identity);
    let models = [
        model("kind", "price", sigmoid, Loss::BinaryCrossEntropy),
        model("price", "kind", identity, Loss::Mse),
        tables::model_of_levels().1,
        tables::tabular_model(&tables::tabular_preprocessing("price").0, identity),
        tables::tabular_model(
            &tables::tabular_preprocessing("kind").0,
            Activation::Softmax,
        ),
    ];
    let folder = scratch("tables");
    for model in &models {
        let exported = ExportedModel::new(model).unwrap();
        let rows = exported.random_values(32, 0);
        check_with_compilers(&exported, &rows, &folder);
    }
    fs::remove_dir_all(folder).unwrap();
}

/// Compiles the source code with the compilers of this machine, and checks its outputs.
fn check_with_compilers(exported: &ExportedModel<'_>, rows: &Rows<'_, f32>, folder: &Path) {
    if is_there("gcc") {
        check_c(exported, rows, folder);
    }
    if is_there("rustc") {
        check_rust(exported, rows, folder);
    }
}

/// Names that end comments or strings, and a letter that changes the direction of text.
#[test]
fn hostile_names_do_not_break_the_source_code() {
    let text = "\"a*/ b\",\"c??/\",km/h,\"k\u{202e}ind\"\n1,\"/*\",3,\"x\"\"y\\\"\n2,\"*/\",4,\"??=\"\n\
                3,\"//\",1,\"\u{fc}\u{202e}\"\n";
    let options = TableOptions {
        target: Some("k\u{202e}ind".to_owned()),
        ..TableOptions::default()
    };
    let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &options).unwrap();
    let (preprocessing, _) = Preprocessing::fit(&table, &[0, 1, 2], &options).unwrap();
    let model = tables::model(&preprocessing, Activation::Softmax, Loss::CrossEntropy);
    let exported = ExportedModel::new(&model).unwrap();
    assert_eq!(exported.outcome().names().len(), 3);
    let rows = exported.random_values(8, 0);
    let folder = scratch("names");
    assert!(exported.to_c(&rows).unwrap().contains("\"km/h\""));
    check_with_compilers(&exported, &rows, &folder);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_self_test_with_a_wrong_constant_fails() {
    if !is_there("gcc") {
        return;
    }
    let folder = scratch("wrong");
    let config = NetworkConfig::new(3, [(4, Activation::Tanh), (2, Activation::Softmax)]);
    let mut random = Random::new(1);
    let model = model_of(&config, &mut random);
    let rows = random_inputs(&config, 32, &mut random);
    let exported = ExportedModel::new(&model).unwrap();
    let code = exported.to_c(&rows).unwrap();
    let wrong = code.replace("0.16666667f", "0.17f");
    assert_ne!(code, wrong);
    let (source, program) = (folder.join("model.c"), folder.join("model"));
    fs::write(&source, wrong).unwrap();
    let mut compile = Command::new("gcc");
    compile.args(C_FLAGS).arg("-DNN_SELF_TEST").arg(&source);
    run(compile.arg("-o").arg(&program).arg("-lm"));
    assert_eq!(
        Command::new(&program).output().unwrap().status.code(),
        Some(1)
    );
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn sizes_count_constants_buffers_and_products() {
    let config = NetworkConfig::new(784, [(128, Activation::Relu), (10, Activation::Softmax)]);
    let mut random = Random::new(1);
    let mut model = model_of(&config, &mut random);
    model.description.input.scale = 1.0 / 255.0;
    let exported = ExportedModel::new(&model).unwrap();
    let sizes = exported.sizes().unwrap();
    assert_eq!(sizes.n_multiply_adds, 784 * 128 + 128 * 10);
    assert_eq!(sizes.flash_bytes, 4 * (784 * 128 + 128 + 128 * 10 + 10));
    assert_eq!(sizes.ram_bytes, 4 * (784 + 128));
    let rows = exported.random_values(20, 0);
    let int8 = exported.to_int8(&rows).unwrap().sizes().unwrap();
    let constants_of_outputs = 3 * 4 * (128 + 10);
    assert_eq!(
        int8.flash_bytes,
        784 * 128 + 128 * 10 + constants_of_outputs
    );
    assert_eq!(int8.ram_bytes, 4 * (784 + 128) + 784);
}
