//! Conversion of weights to and from named tensors in PyTorch's layout.
//!
//! The names are the same as in the `state_dict` of a `torch.nn.Sequential` that has
//! these modules for every layer of the network, in this order:
//!
//! | module | where | tensors of module I, counted from 0 |
//! |---|---|---|
//! | `Linear` | | `I.weight [n_outputs, n_inputs]`, `I.bias [n_outputs]` |
//! | `BatchNorm1d` | with batch normalization | `I.weight` (γ), `I.bias` (β), `I.running_mean`, `I.running_var`, each `[n_outputs]` |
//! | the activation | unless it is `identity` | |
//! | `Dropout` | with dropout | |
//!
//! A layer of nn-core computes `x @ W + b` with W `[n_inputs, n_outputs]`, and a `Linear`
//! module computes `x @ weight.T + bias`, so the weights are transposed. The tensors contain
//! only parameters and running averages: neither the activation functions, nor the scale of the
//! inputs, nor the preprocessing of a table.

use std::collections::HashMap;

use nn_error::{Error, Result};
use nn_functions::{Activation, Loss};
use nn_tensor::Scalar;

use crate::layer::Layer;
use crate::model_file::{Description, Model};
use crate::network::{Network, NetworkConfig};

/// An array of any number of dimensions, with the elements in row-major order.
///
/// With the feature `ndarray`, a tensor converts to and from arrays of the crate
/// `ndarray`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<S = f32> {
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The elements; the last dimension varies fastest.
    pub values: Vec<S>,
}

impl<S> Tensor<S> {
    /// Creates a tensor of the given shape.
    ///
    /// # Panics
    /// Panics if the number of values does not match the shape.
    pub fn new(shape: impl Into<Vec<usize>>, values: impl Into<Vec<S>>) -> Self {
        let (shape, values): (Vec<usize>, Vec<S>) = (shape.into(), values.into());
        let len: usize = shape.iter().product();
        assert_eq!(
            values.len(),
            len,
            "number of values of a tensor of shape {shape:?}"
        );
        Self { shape, values }
    }
}

#[cfg(feature = "ndarray")]
impl<S: Clone, D: ndarray::Dimension> From<ndarray::Array<S, D>> for Tensor<S> {
    fn from(array: ndarray::Array<S, D>) -> Self {
        Self::new(array.shape(), array.iter().cloned().collect::<Vec<S>>())
    }
}

#[cfg(feature = "ndarray")]
impl<S> From<Tensor<S>> for ndarray::ArrayD<S> {
    fn from(tensor: Tensor<S>) -> Self {
        Self::from_shape_vec(tensor.shape, tensor.values)
            .expect("the number of values matches the shape")
    }
}

impl<S: Scalar> Model<S> {
    /// Creates a model with the weights of a PyTorch module.
    ///
    /// The tensors may come from any `state_dict` with the same layers. Only the last part of a
    /// name matters (`weight`, `bias`, `running_mean`, `running_var`; `num_batches_tracked` is
    /// ignored), and tensors with the same prefix belong to one module. Modules whose prefixes
    /// differ only in a number, such as `net.0` and `net.10`, are ordered by this number; other
    /// modules keep the given order. A `Linear` without a bias gets a bias of 0.
    ///
    /// Tensors do not specify the activation functions, which come from `network`, nor
    /// the position of batch normalization, which must be before the activation.
    ///
    /// ```
    /// use nn_core::tensors::Tensor;
    /// use nn_core::{Activation, LayerConfig, Loss, Model, NetworkConfig};
    ///
    /// let network = NetworkConfig {
    ///     n_inputs: 3,
    ///     layers: vec![LayerConfig::new(2, Activation::Softmax)],
    /// };
    /// // torch.nn.Linear(3, 2): [n_outputs, n_inputs].
    /// let weight = Tensor::new([2, 3], [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    /// let tensors = [("0.weight", weight), ("0.bias", Tensor::new([2], [0.5, -0.5]))];
    /// let model = Model::from_tensors(&network, Loss::CrossEntropy, tensors.clone())?;
    /// assert_eq!(model.network.weights(0).row(0), [1.0, 4.0]);
    /// let back = model.to_tensors()?;
    /// assert!(back.iter().zip(&tensors).all(|(a, b)| a.0 == b.0 && a.1 == b.1));
    ///
    /// let transposed = [("0.weight", Tensor::new([3, 2], [0.0_f32; 6]))];
    /// let error = Model::from_tensors(&network, Loss::CrossEntropy, transposed).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "layer 1: tensor 0.weight: expected shape [2, 3], found [3, 2]"
    /// );
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::TensorShape`] with the layer and both shapes,
    /// [`Error::Tensors`] for tensors that are missing, unknown or superfluous,
    /// [`Error::NotFiniteWeight`] for a weight that is NaN or infinite, and the errors
    /// of [`NetworkConfig::check`] and [`Loss::check_output`].
    pub fn from_tensors<N: Into<String>>(
        network: &NetworkConfig,
        loss: Loss,
        tensors: impl IntoIterator<Item = (N, impl Into<Tensor<S>>)>,
    ) -> Result<Self> {
        let tensors = tensors.into_iter();
        let tensors = tensors.map(|(name, tensor)| (name.into(), tensor.into()));
        Self::from_named_tensors(network, loss, tensors.collect())
    }

    /// As [`from_tensors`](Self::from_tensors).
    #[inline(never)]
    pub(crate) fn from_named_tensors(
        network: &NetworkConfig,
        loss: Loss,
        tensors: Vec<(String, Tensor<S>)>,
    ) -> Result<Self> {
        let mut network = Network::zeros(network)?;
        loss.check_output(network.output_layer().activation)?;
        let modules = modules(tensors)?;
        let layers = network.layers().to_vec();
        check_stages(&layers)?;
        check_number(&layers, &modules)?;
        let mut modules = modules.into_iter();
        for (index, layer) in layers.iter().enumerate() {
            let mut next = || {
                modules
                    .next()
                    .expect("there are as many as the layers need")
            };
            fill_linear(&mut network, index, layer, next())?;
            if layer.batch_norm {
                fill_batch_norm(&mut network, index, layer, next())?;
            }
        }
        Ok(Self {
            network,
            loss,
            description: Description::default(),
        })
    }

    /// Converts the weights to tensors for PyTorch's `Sequential.load_state_dict`, in
    /// the order of its modules.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] for a stage without an equivalent PyTorch module, for an
    /// ensemble, and for a temperature other than 1.
    #[inline(never)]
    pub fn to_tensors(&self) -> Result<Vec<(String, Tensor<S>)>> {
        let network = &self.network;
        check_single(network)?;
        check_stages(network.layers())?;
        let (parameters, statistics) = (network.parameters(), network.statistics());
        let mut tensors = Vec::new();
        let mut module = 0;
        for (index, layer) in network.layers().iter().enumerate() {
            let weights = Tensor {
                shape: vec![layer.n_outputs, layer.n_inputs],
                values: transposed(network.weights(index).as_slice(), layer.n_outputs),
            };
            tensors.push((format!("{module}.weight"), weights));
            tensors.push((format!("{module}.bias"), list(&parameters[layer.bias()])));
            module += 1;
            if layer.batch_norm {
                for (name, values) in [
                    ("weight", &parameters[layer.gamma()]),
                    ("bias", &parameters[layer.beta()]),
                    ("running_mean", &statistics[layer.running_mean()]),
                    ("running_var", &statistics[layer.running_variance()]),
                ] {
                    tensors.push((format!("{module}.{name}"), list(values)));
                }
                module += 1;
            }
            module += usize::from(layer.activation != Activation::Identity);
            module += usize::from(layer.dropout > 0.0);
        }
        Ok(tensors)
    }
}

fn list<S: Scalar>(values: &[S]) -> Tensor<S> {
    Tensor::new([values.len()], values)
}

/// Transposes a matrix of `n_columns` columns.
fn transposed<S: Scalar>(values: &[S], n_columns: usize) -> Vec<S> {
    let columns = (0..n_columns).flat_map(|column| values[column..].iter().step_by(n_columns));
    columns.copied().collect()
}

/// The tensors whose names have the same prefix.
struct Module<S> {
    name: String,
    tensors: HashMap<&'static str, Tensor<S>>,
}

/// The last parts of the names of tensors.
const KINDS: [&str; 4] = ["weight", "bias", "running_mean", "running_var"];

impl<S: Scalar> Module<S> {
    fn full_name(&self, kind: &str) -> String {
        match &*self.name {
            "" => kind.to_owned(),
            name => format!("{name}.{kind}"),
        }
    }

    /// Removes a tensor, after a check of its shape and values.
    fn take(&mut self, kind: &str, layer: usize, expected: &[usize]) -> Result<Option<Vec<S>>> {
        let Some(Tensor { shape, values }) = self.tensors.remove(kind) else {
            return Ok(None);
        };
        let tensor = self.full_name(kind);
        if shape != expected {
            return Err(Error::TensorShape {
                layer: layer + 1,
                tensor,
                expected: expected.to_vec(),
                found: shape,
            });
        }
        let mut elements = values.iter().enumerate();
        match elements.find(|(_, value)| !value.is_finite()) {
            None => Ok(Some(values)),
            Some((index, value)) => Err(Error::NotFiniteWeight {
                tensor,
                index,
                value: value.into_f64(),
            }),
        }
    }

    fn take_required(&mut self, kind: &str, layer: usize, shape: &[usize]) -> Result<Vec<S>> {
        let found = self.take(kind, layer, shape)?;
        found.ok_or_else(|| {
            let tensor = self.full_name(kind);
            problem(format!("layer {}: tensor {tensor} is missing", layer + 1))
        })
    }

    fn check_used(&self, layer: usize) -> Result<()> {
        match KINDS.iter().find(|&&kind| self.tensors.contains_key(kind)) {
            None => Ok(()),
            Some(kind) => Err(problem(format!(
                "layer {}: tensor {} does not belong to a dense layer; the network may lack \
                 batch normalization in this layer",
                layer + 1,
                self.full_name(kind)
            ))),
        }
    }
}

fn fill_linear<S: Scalar>(
    network: &mut Network<S>,
    index: usize,
    layer: &Layer,
    mut module: Module<S>,
) -> Result<()> {
    let shape = [layer.n_outputs, layer.n_inputs];
    let weights = module.take_required("weight", index, &shape)?;
    network
        .weights_mut(index)
        .copy_from_slice(&transposed(&weights, layer.n_inputs));
    if let Some(bias) = module.take("bias", index, &shape[..1])? {
        network.bias_mut(index).copy_from_slice(&bias);
    }
    module.check_used(index)
}

/// Checks that the outputs are those of one network of PyTorch.
fn check_single<S: Scalar>(network: &Network<S>) -> Result<()> {
    let problem = if network.n_networks() > 1 {
        format!(
            "an ensemble of {} networks has no tensors in PyTorch's layout",
            network.n_networks()
        )
    } else if network.temperature() != 1.0 {
        format!(
            "the temperature {} has no tensor in PyTorch's layout",
            network.temperature()
        )
    } else {
        return Ok(());
    };
    Err(Error::Conflict {
        what: "network".to_owned(),
        problem,
    })
}

/// Checks that all stages of the layers exist in PyTorch.
fn check_stages(layers: &[Layer]) -> Result<()> {
    for (index, layer) in layers.iter().enumerate() {
        if let Some(stage) = layer.further_stages().next() {
            return Err(Error::Conflict {
                what: format!("layer {}", index + 1),
                problem: format!("stage {stage} has no tensors in PyTorch's layout"),
            });
        }
    }
    Ok(())
}

fn fill_batch_norm<S: Scalar>(
    network: &mut Network<S>,
    index: usize,
    layer: &Layer,
    mut module: Module<S>,
) -> Result<()> {
    let width = [layer.n_outputs];
    for (kind, range) in [("weight", layer.gamma()), ("bias", layer.beta())] {
        let values = module.take_required(kind, index, &width)?;
        network.parameters_mut()[range].copy_from_slice(&values);
    }
    for (kind, range) in [
        ("running_mean", layer.running_mean()),
        ("running_var", layer.running_variance()),
    ] {
        let values = module.take_required(kind, index, &width)?;
        network.statistics_mut()[range].copy_from_slice(&values);
    }
    Ok(())
}

/// Groups the tensors by module.
fn modules<S: Scalar>(tensors: Vec<(String, Tensor<S>)>) -> Result<Vec<Module<S>>> {
    let mut modules: Vec<Module<S>> = Vec::new();
    for (full_name, values) in tensors {
        let (name, kind) = full_name.rsplit_once('.').unwrap_or(("", &full_name));
        if kind == "num_batches_tracked" {
            continue;
        }
        let Some(kind) = KINDS.into_iter().find(|&known| known == kind) else {
            return Err(problem(format!(
                "tensor {full_name}: expected a name that ends in {}",
                KINDS.join(", ")
            )));
        };
        let place = modules.iter().position(|module| module.name == name);
        let place = place.unwrap_or_else(|| {
            modules.push(Module {
                name: name.to_owned(),
                tensors: HashMap::new(),
            });
            modules.len() - 1
        });
        if modules[place].tensors.insert(kind, values).is_some() {
            return Err(problem(format!("tensor {full_name} is given twice")));
        }
    }
    let is_sequential = {
        let mut parents = modules
            .iter()
            .map(|module| numbered(&module.name).map(|it| it.0));
        let first = parents.next().flatten();
        first.is_some() && parents.all(|parent| parent == first)
    };
    if is_sequential {
        modules.sort_by_key(|module| numbered(&module.name).map(|it| it.1));
    }
    Ok(modules)
}

/// `net.3` → `net` and 3
fn numbered(name: &str) -> Option<(&str, u64)> {
    let (parent, number) = name.rsplit_once('.').unwrap_or(("", name));
    Some((parent, number.parse().ok()?))
}

fn check_number<S>(layers: &[Layer], modules: &[Module<S>]) -> Result<()> {
    let n_batch_norm = layers.iter().filter(|layer| layer.batch_norm).count();
    let expected = layers.len() + n_batch_norm;
    if modules.len() == expected {
        return Ok(());
    }
    let names: Vec<&str> = modules.iter().map(|module| &*module.name).collect();
    Err(problem(format!(
        "expected tensors of {expected} modules ({} Linear, {n_batch_norm} BatchNorm1d), found {}: {}",
        layers.len(),
        names.len(),
        names.join(", ")
    )))
}

fn problem(problem: String) -> Error {
    Error::Tensors { problem }
}
