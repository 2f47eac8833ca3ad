//! Builds a model of nn-core from what a file and the user say.

use nn_core::model_file::{Description, InputDescription, Json};
use nn_core::{Activation, Loss, Model};
use nn_table::preprocessing::{InputColumn, InputEncoding};
use nn_table::{
    ColumnEncoding, NumberEncoding, NumberScaling, Preprocessing, Standardization, TargetColumn,
    TargetEncoding, Task, Transform,
};

use crate::error::{Error, Result};
use crate::foreign::{Foreign, Meaning};
use crate::options::ImportOptions;
use crate::step::{Affine, of_column};

/// Number of pixels of an MNIST image.
const MNIST: usize = 784;

/// Builds the model, and adds notes about everything that was assumed.
pub(crate) fn build(foreign: &mut Foreign, options: &ImportOptions) -> Result<Model> {
    let meaning = decide_outputs(foreign, options)?;
    let names = names(foreign, options, meaning)?;
    let input = decide_inputs(foreign, options, meaning, &names)?;
    let network = foreign.networks.network()?;
    let output = network.output_layer().activation;
    let usual = match output {
        Activation::Softmax => Loss::CrossEntropy,
        Activation::Sigmoid => Loss::BinaryCrossEntropy,
        _ => Loss::Mse,
    };
    let own = foreign.own.loss;
    let loss = own.filter(|loss| loss.check_output(output).is_ok());
    Ok(Model {
        network,
        loss: loss.unwrap_or(usual),
        description: Description {
            class_names: match meaning {
                Meaning::Values => Vec::new(),
                Meaning::Classes | Meaning::Labels => names,
            },
            input,
            training: foreign.own.training.take().unwrap_or_default(),
            table_sha256: foreign.own.table_sha256.take(),
        },
    })
}

/// The meaning of a task.
fn meaning_of(task: Task) -> Option<Meaning> {
    match task {
        Task::Auto => None,
        Task::Classification => Some(Meaning::Classes),
        Task::Regression => Some(Meaning::Values),
        Task::MultiLabel => Some(Meaning::Labels),
    }
}

/// Decides the meaning of the outputs and their activation function.
fn decide_outputs(foreign: &mut Foreign, options: &ImportOptions) -> Result<Meaning> {
    let stated = foreign.networks.output_activation();
    let n_outputs = foreign.networks.n_outputs();
    let asked = options.output_activation;
    if stated != Activation::Identity {
        if asked.is_some_and(|asked| asked != stated) {
            let problem = format!("the outputs of the file have the activation function {stated}");
            return Err(Error::option("output-activation", problem));
        }
        let known = options.task.and_then(meaning_of).or(foreign.meaning);
        return Ok(known.unwrap_or(match (stated, n_outputs) {
            (Activation::Softmax, _) | (Activation::Sigmoid, 1) => Meaning::Classes,
            (Activation::Sigmoid, _) => Meaning::Labels,
            _ => Meaning::Values,
        }));
    }
    let meaning = open_meaning(foreign, options, n_outputs);
    let is_own = foreign.own.loss.is_some();
    let is_mean = foreign.networks.is_mean();
    let activation = asked.unwrap_or(match (meaning, n_outputs) {
        _ if is_own || is_mean => Activation::Identity,
        (Meaning::Values, _) => Activation::Identity,
        (Meaning::Classes, 1) | (Meaning::Labels, _) => Activation::Sigmoid,
        (Meaning::Classes, _) => Activation::Softmax,
    });
    if activation != Activation::Identity {
        foreign.networks.activate_outputs(activation)?;
        if asked.is_none() {
            foreign.notes.push(added_activation(activation, n_outputs));
        }
    }
    Ok(meaning)
}

fn added_activation(activation: Activation, n_outputs: usize) -> String {
    format!(
        "the file has no activation function for its {n_outputs} outputs: {activation} was added, \
         so that they are probabilities; for predicted numbers, use `task` regression"
    )
}

/// The meaning of outputs without a stated activation function.
fn open_meaning(foreign: &mut Foreign, options: &ImportOptions, n_outputs: usize) -> Meaning {
    let stated = options.task.and_then(meaning_of).or(foreign.meaning);
    let of_activation = match options.output_activation {
        Some(Activation::Softmax) => Some(Meaning::Classes),
        Some(Activation::Sigmoid) if n_outputs == 1 => Some(Meaning::Classes),
        Some(Activation::Sigmoid) => Some(Meaning::Labels),
        Some(_) => Some(Meaning::Values),
        None => None,
    };
    let has_names = !options.class_names.is_empty() || foreign.names.is_some();
    stated.or(of_activation).unwrap_or_else(|| {
        if n_outputs > 1 && !foreign.networks.is_mean() || has_names {
            return Meaning::Classes;
        }
        if !foreign.states_activation {
            foreign.notes.push(
                "the only output is taken as a predicted number; for the probability of the \
                 second of two classes, use `output-activation` sigmoid"
                    .to_owned(),
            );
        }
        Meaning::Values
    })
}

/// The names of the classes, labels or predicted columns.
fn names(foreign: &Foreign, options: &ImportOptions, meaning: Meaning) -> Result<Vec<String>> {
    let n_outputs = foreign.networks.n_outputs();
    let n_names = match (meaning, n_outputs) {
        (Meaning::Classes, 1) => 2,
        _ => n_outputs,
    };
    let given = match meaning {
        Meaning::Classes | Meaning::Labels => (&options.class_names, "classes"),
        Meaning::Values => (&options.targets, "target"),
    };
    let (names, option) = given;
    if !names.is_empty() {
        let distinct: std::collections::HashSet<&String> = names.iter().collect();
        if distinct.len() < names.len() {
            return Err(Error::option(
                option,
                "expected different names, found a name twice",
            ));
        }
        return match names.len() == n_names {
            true => Ok(names.clone()),
            false => Err(Error::option(
                option,
                format!("expected {n_names} names, found {}", names.len()),
            )),
        };
    }
    if meaning == Meaning::Values && !options.class_names.is_empty() {
        let problem = "the outputs are predicted numbers, which have no classes";
        return Err(Error::option("classes", problem));
    }
    let stated = foreign
        .names
        .as_ref()
        .filter(|names| names.len() == n_names);
    let numbered = || {
        (0..n_names).map(|index| match meaning {
            Meaning::Classes => index.to_string(),
            Meaning::Labels => format!("label{index}"),
            Meaning::Values => format!("output{index}"),
        })
    };
    Ok(stated.cloned().unwrap_or_else(|| numbered().collect()))
}

/// Decides the description of the inputs, and merges the rest of the conversion of the inputs
/// into the network.
fn decide_inputs(
    foreign: &mut Foreign,
    options: &ImportOptions,
    meaning: Meaning,
    names: &[String],
) -> Result<InputDescription> {
    let n_inputs = foreign.networks.n_inputs();
    let outside = outside_conversion(options, n_inputs)?;
    if let Some(preprocessing) = foreign.own.preprocessing.take() {
        return of_own_table(foreign, options, preprocessing);
    }
    let whole = outside.then(foreign.networks.input());
    let is_finite = |list: &[f64]| list.iter().all(|number| number.is_finite());
    if !is_finite(&whole.scale) || !is_finite(&whole.shift) {
        return Err(Error::chain(
            "the standardization of the inputs is not finite: a divisor is 0",
        ));
    }
    if !options.columns.is_empty() {
        if options.targets.is_empty() && meaning == Meaning::Classes {
            let note = "the column of the classes is assumed to be named \"target\"; to change \
                 this, use `target`";
            foreign.notes.push(note.to_owned());
        }
        let target = target(options, meaning, names);
        return of_columns(foreign, options, &whole, target);
    }
    if foreign.networks.substitutes().is_some() {
        foreign.notes.push(
            "missing values are not replaced; to keep the numbers that replace them, name the \
             `columns`"
                .to_owned(),
        );
    }
    let shape = shape(foreign, options)?;
    let scale = scale_of(&whole, options);
    foreign.networks.merge_input(&Affine {
        scale: whole.scale.iter().map(|whole| whole / scale).collect(),
        shift: whole.shift,
    })?;
    if shape.len() > 1 && scale == 1.0 {
        foreign.notes.push(
            "pixels from 0 to 255 are the inputs as they are; if the network was trained on \
             pixels from 0 to 1, use `divide` 255"
                .to_owned(),
        );
    }
    Ok(InputDescription {
        shape,
        scale,
        preprocessing: None,
    })
}

/// `(x/divide − mean)/std`
fn outside_conversion(options: &ImportOptions, n_inputs: usize) -> Result<Affine> {
    let check = |option: &'static str, list: &[f64], is_divisor: bool| {
        let n = list.len();
        if n != 1 && n != n_inputs {
            let problem = format!("expected 1 or {n_inputs} numbers, found {n}");
            return Err(Error::option(option, problem));
        }
        match list
            .iter()
            .find(|it| !it.is_finite() || is_divisor && **it <= 0.0)
        {
            None => Ok(()),
            Some(number) => {
                let expected = if is_divisor {
                    "numbers above 0"
                } else {
                    "finite numbers"
                };
                let problem = format!("expected {expected}, found {number}");
                Err(Error::option(option, problem))
            }
        }
    };
    check("divide", &[options.divide], true)?;
    check("mean", &options.mean, false)?;
    check("std", &options.std, true)?;
    let step = |scale: Vec<f64>, shift: Vec<f64>| Affine { scale, shift };
    let divided = step(vec![1.0 / options.divide], vec![0.0]);
    let mean = options.mean.iter().map(|mean| -mean).collect();
    let std = options.std.iter().map(|std| 1.0 / std).collect();
    let centered = divided.then(&step(vec![1.0], mean));
    Ok(centered.then(&step(std, vec![0.0])))
}

/// The inputs of a network that was trained on a table, in a file that `nn export` wrote.
fn of_own_table(
    foreign: &mut Foreign,
    options: &ImportOptions,
    preprocessing: Json,
) -> Result<InputDescription> {
    let usual = ImportOptions::default();
    for (option, is_given) in [
        ("columns", !options.columns.is_empty()),
        ("target", !options.targets.is_empty()),
        ("classes", !options.class_names.is_empty()),
        ("shape", options.image_size.is_some()),
        ("divide", options.divide != usual.divide),
        ("mean", options.mean != usual.mean),
        ("std", options.std != usual.std),
    ] {
        if is_given {
            let problem = "the file states the preprocessing of its table; leave this option out";
            return Err(Error::option(option, problem));
        }
    }
    let first = foreign.networks.input().clone();
    foreign.networks.merge_input(&first)?;
    Ok(InputDescription {
        shape: vec![foreign.networks.n_inputs()],
        scale: foreign.own.input_scale.unwrap_or(1.0),
        preprocessing: Some(preprocessing),
    })
}

/// The inputs of a network of the columns of a table.
fn of_columns(
    foreign: &mut Foreign,
    options: &ImportOptions,
    whole: &Affine,
    target: TargetEncoding,
) -> Result<InputDescription> {
    let (columns, n_inputs) = (&options.columns, foreign.networks.n_inputs());
    if columns.len() != n_inputs {
        let found = columns.len();
        let problem = format!("expected {n_inputs} names, one per input, found {found}");
        return Err(Error::option("columns", problem));
    }
    let mut all = std::collections::HashSet::new();
    let others = target.columns();
    let mut names = columns.iter().chain(&others);
    if let Some(name) = names.find(|name| !all.insert(name.as_str())) {
        let problem = format!("{:?} is given twice", crate::error::shown(name));
        return Err(Error::option("columns", problem));
    }
    let substitutes = foreign.networks.substitutes().map(<[f64]>::to_vec);
    // Standardization divides by a number above 0.
    let is_standardization = whole.scale.iter().all(|&scale| scale > 0.0);
    let first = match is_standardization {
        true => Affine::identity(),
        false => whole.clone(),
    };
    foreign.networks.merge_input(&first)?;
    let column = |(index, name): (usize, &String)| {
        let (scale, shift) = match is_standardization {
            true => (
                of_column(&whole.scale, index),
                of_column(&whole.shift, index),
            ),
            false => (1.0, 0.0),
        };
        let scaling = Standardization {
            mean: -shift / scale,
            std: 1.0 / scale,
        };
        let median = substitutes.as_ref().map(|substitutes| {
            let (scale, shift) = (
                of_column(&whole.scale, index),
                of_column(&whole.shift, index),
            );
            (substitutes[index] - shift) / scale
        });
        InputColumn {
            name: name.clone(),
            encoding: ColumnEncoding::Standardize(NumberEncoding {
                scaling: NumberScaling::Standard(scaling),
                median: median.filter(|median| median.is_finite()),
                has_indicator: false,
            }),
        }
    };
    let preprocessing = Preprocessing {
        inputs: InputEncoding::Columns(columns.iter().enumerate().map(column).collect()),
        target,
        sample_weight: None,
        split_columns: Vec::new(),
        has_header: true,
        schema: None,
    };
    Ok(InputDescription {
        shape: vec![n_inputs],
        scale: 1.0,
        preprocessing: Some(Json::new(&preprocessing).map_err(|error| {
            Error::chain(format!("the standardization of the inputs: {error}"))
        })?),
    })
}

/// The encoding of the target columns.
fn target(options: &ImportOptions, meaning: Meaning, names: &[String]) -> TargetEncoding {
    match meaning {
        Meaning::Classes => TargetEncoding::Classification {
            column: options
                .targets
                .first()
                .map_or("target", String::as_str)
                .to_owned(),
            names: names.to_vec(),
        },
        Meaning::Labels => TargetEncoding::MultiLabel(match options.targets.is_empty() {
            true => names.to_vec(),
            false => options.targets.clone(),
        }),
        Meaning::Values => {
            let column = |name: &String| TargetColumn {
                name: name.clone(),
                standardization: Standardization {
                    mean: 0.0,
                    std: 1.0,
                },
                transform: Transform::Identity,
                range: None,
            };
            TargetEncoding::Regression(names.iter().map(column).collect())
        }
    }
}

/// The shape of one input.
fn shape(foreign: &mut Foreign, options: &ImportOptions) -> Result<Vec<usize>> {
    let n_inputs = foreign.networks.n_inputs();
    if let Some([height, width]) = options.image_size {
        return match height.checked_mul(width) {
            Some(n) if n == n_inputs => Ok(vec![height, width]),
            _ => Err(Error::option(
                "shape",
                format!(
                    "expected a height and a width of {n_inputs} pixels, found {height}x{width}"
                ),
            )),
        };
    }
    if let Some([height, width]) = foreign.image_shape {
        return Ok(vec![height, width]);
    }
    if n_inputs == MNIST {
        let note = "784 inputs are taken as images of 28x28 pixels";
        foreign.notes.push(note.to_owned());
        return Ok(vec![28, 28]);
    }
    Ok(vec![n_inputs])
}

/// The factor of the description of the inputs: the whole conversion if it is one, otherwise the
/// divisor of the options.
fn scale_of(whole: &Affine, options: &ImportOptions) -> f64 {
    let first = whole.scale[0];
    let is_uniform = whole.scale.iter().all(|&scale| scale == first);
    match is_uniform && first > 0.0 && whole.is_scaling() {
        true => first,
        false => 1.0 / options.divide,
    }
}
