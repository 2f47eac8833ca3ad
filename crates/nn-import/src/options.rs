//! The options of an import: what a file does not say about a model.

use nn_core::Activation;
use nn_table::Task;

/// What a file does not say about a model.
///
/// The inputs of the network are `(x/divide − mean)/std`, where x is a value of the data set.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportOptions {
    /// Activation functions of the hidden layers: one for all, or one per layer. Only for files
    /// of weights, which do not state them; empty means relu.
    pub activations: Vec<Activation>,
    /// Activation function of the outputs, if the file does not state one.
    pub output_activation: Option<Activation>,
    /// The learning task.
    pub task: Option<Task>,
    /// Names of the classes or labels, in the order of the outputs.
    pub class_names: Vec<String>,
    /// Names of the table columns that are the inputs, in their order.
    pub columns: Vec<String>,
    /// Names of the target columns of the table.
    pub targets: Vec<String>,
    /// Height and width of the images that are the inputs.
    pub image_size: Option<[usize; 2]>,
    /// Divisor of the values.
    pub divide: f64,
    /// Numbers that are subtracted from the divided values: one for all inputs or one per input.
    pub mean: Vec<f64>,
    /// Divisors of the differences: one for all inputs or one per input.
    pub std: Vec<f64>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            activations: Vec::new(),
            output_activation: None,
            task: None,
            class_names: Vec::new(),
            columns: Vec::new(),
            targets: Vec::new(),
            image_size: None,
            divide: 1.0,
            mean: vec![0.0],
            std: vec![1.0],
        }
    }
}
