//! The command `nn import`: imports a model of another program as a run.

use std::path::PathBuf;

use clap::Args;
use nn_core::Activation;
use nn_image::ImageSize;
use nn_table::Task;
use nn_train::{Activations, Choice, ImportOptions, ImportedRun, Result};

use crate::args::RunsFolder;
use crate::exit;
use crate::inspect;
use crate::terminal;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nn import model.onnx --name mlp --divide 255\n  \
    nn import weights.safetensors --activation tanh --classes setosa,versicolor,virginica \\\n    \
        --columns sepal-length,sepal-width,petal-length,petal-width --target kind\n\n\
    The network reads (x/divide - mean)/std, where x is a value of the data set.\n\
    The run has no data set: `nn evaluate RUN --data DATA` evaluates it.")]
pub(crate) struct ImportArguments {
    /// ONNX file, safetensors file, or NumPy archive (.npz); recognized by its content
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the run [default: the name of the file with the next free number]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    runs: RunsFolder,
    /// Activation functions of the hidden layers, for files of weights: one for all, or one per
    /// layer [default: relu]
    #[arg(long, value_name = "NAME,...")]
    activation: Option<Choice<Activations>>,
    /// Activation function of the outputs, if the file states none [default: softmax for several
    /// outputs, identity for one]
    #[arg(long, value_name = "NAME", alias = "output")]
    output_activation: Option<Choice<Activation>>,
    /// Task: classification, regression or multi-label
    #[arg(long, value_name = "TASK")]
    task: Option<Choice<Task>>,
    /// Names of the classes or labels, in the order of the outputs
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    classes: Vec<String>,
    /// Names of the table columns that are the inputs, in their order
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    columns: Vec<String>,
    /// Names of the target columns of the table
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    target: Vec<String>,
    /// Height and width of the images that are the inputs
    #[arg(long, value_name = "HxW", conflicts_with = "columns")]
    shape: Option<Choice<ImageSize>>,
    /// Divisor of the values, such as 255 for a network of pixels from 0 to 1
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0)]
    divide: f64,
    /// Numbers subtracted from the divided values: one, or one per input
    #[arg(
        long,
        value_name = "NUMBER,...",
        value_delimiter = ',',
        default_value = "0",
        allow_negative_numbers = true
    )]
    mean: Vec<f64>,
    /// Divisors of the differences: one, or one per input
    #[arg(
        long,
        value_name = "NUMBER,...",
        value_delimiter = ',',
        default_value = "1"
    )]
    std: Vec<f64>,
}

pub(crate) fn run(arguments: &ImportArguments) -> Result<()> {
    let file = &arguments.file;
    let name = arguments.name.as_deref();
    let imported = ImportedRun::create(file, &options(arguments), &arguments.runs.runs_dir, name)?;
    imported.notes.iter().for_each(exit::note);
    let producer = imported.producer.as_ref();
    let producer = producer.map_or_else(String::new, |name| {
        format!(" written by {}", name.escape_debug())
    });
    terminal::line(format!("imported  {}{producer}", imported.format));
    terminal::line(format!("run       {}", imported.path.display()));
    terminal::line("");
    inspect::show_layers(imported.run.model());
    Ok(())
}

fn options(arguments: &ImportArguments) -> ImportOptions {
    let activations = arguments.activation.as_ref();
    let size = arguments.shape.as_ref().map(|size| *size.value());
    ImportOptions {
        activations: activations.map_or_else(Vec::new, |it| it.value().0.clone()),
        output_activation: arguments.output_activation.as_ref().map(|it| *it.value()),
        task: arguments.task.as_ref().map(|task| *task.value()),
        class_names: arguments.classes.clone(),
        columns: arguments.columns.clone(),
        targets: arguments.target.clone(),
        image_size: size.map(|size| [size.height, size.width]),
        divide: arguments.divide,
        mean: arguments.mean.clone(),
        std: arguments.std.clone(),
    }
}
