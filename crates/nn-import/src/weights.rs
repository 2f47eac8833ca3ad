//! Dense layers from named weights, as PyTorch, Keras, scikit-learn and NumPy programs save them.
//!
//! | program | weight | bias | normalization |
//! |---|---|---|---|
//! | PyTorch | `net.0.weight [n_outputs, n_inputs]` | `net.0.bias` | `net.1.weight`, `bias`, `running_mean`, `running_var` |
//! | Keras | `dense/kernel [n_inputs, n_outputs]` | `dense/bias` | `gamma`, `beta`, `moving_mean`, `moving_variance` |
//! | Keras, `.weights.h5` | `layers/dense/vars/0` | `layers/dense/vars/1` | `layers/batch_normalization/vars/0` to `3` |
//! | scikit-learn | `coefs_0 [n_inputs, n_outputs]` | `intercepts_0` | |
//! | NumPy | `W1 [n_inputs, n_outputs]` | `b1` | |
//! | NumPy | `arr_0`, `arr_2`, ... | `arr_1`, `arr_3`, ... | |
//!
//! The layers are ordered by the numbers in their names. If the shapes do not fit together in this
//! order, the order of the file is used, and then the only order in which they fit.

mod order;

use nn_core::Activation;

use crate::error::{Error, Result, shown};
use crate::options::ImportOptions;
use crate::step::{BatchNorm, Dense, Step, StepKind};
use crate::tensor::{Tensor, shape_text};
use order::{natural_key, order_of};

/// ε of batch normalization in PyTorch and in Keras.
const PYTORCH_EPSILON: f64 = 1e-5;
const KERAS_EPSILON: f64 = 1e-3;

/// Supported names, for error messages.
const SUPPORTED: &str = "expected a name such as 0.weight and 0.bias (PyTorch), dense/kernel and \
     dense/bias (Keras), coefs_0 and intercepts_0 (scikit-learn), or W1 and b1";

/// The steps of a network of named weights, with notes.
pub(crate) fn steps(
    tensors: Vec<Tensor>,
    options: &ImportOptions,
) -> Result<(Vec<Step>, Vec<String>)> {
    let mut notes = conversion_notes(&tensors);
    let modules = modules(tensors)?;
    let (norms, dense): (Vec<Module>, Vec<Module>) = modules
        .into_iter()
        .partition(|module| module.weight.is_none());
    let dense = ordered(dense, &mut notes)?;
    let activations = activations(options, dense.len() - 1, &mut notes)?;
    let places = places(&norms, &dense)?;
    if !norms.is_empty() {
        notes.push("normalization is assumed to be before the activation function".to_owned());
    }
    let mut steps = Steps::default();
    let mut norms: Vec<(usize, Module)> = places.into_iter().zip(norms).collect();
    norms.sort_by_key(|&(place, _)| place);
    let mut norms = norms.into_iter().peekable();
    for (index, module) in dense.into_iter().enumerate() {
        steps.push(module.name.clone(), StepKind::Dense(module.into_dense()));
        while let Some((_, norm)) = norms.next_if(|&(place, _)| place == index) {
            steps.push(norm.name.clone(), norm.into_norm()?);
        }
        if let Some(&activation) = activations.get(index) {
            let kind = StepKind::Activation(activation);
            steps.push(format!("activation {}", index + 1), kind);
        }
    }
    Ok((steps.0, notes))
}

/// Steps in the order of computation.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn push(&mut self, name: String, kind: StepKind) {
        let input = self.0.len();
        self.0.push(Step {
            kind,
            place: format!("layer {}", shown(&name)),
            input,
            output: input + 1,
        });
    }
}

/// Notes about numbers that are rounded to single precision or come from a shorter type.
fn conversion_notes(tensors: &[Tensor]) -> Vec<String> {
    let types = ["float64", "float16", "bfloat16"];
    let note = |name: &&str| {
        let converted = tensors
            .iter()
            .filter(|it| it.element.converted() == Some(*name));
        match converted.count() {
            0 => None,
            n => Some(format!("{n} tensors of {name} were converted to float32")),
        }
    };
    types.iter().filter_map(note).collect()
}

/// The activation functions of the hidden layers.
fn activations(
    options: &ImportOptions,
    n_hidden: usize,
    notes: &mut Vec<String>,
) -> Result<Vec<Activation>> {
    match options.activations[..] {
        [] if n_hidden == 0 => Ok(Vec::new()),
        [] => {
            notes.push(
                "the file does not state the activation functions: the hidden layers have relu; \
                 to change this, use `activation`"
                    .to_owned(),
            );
            Ok(vec![Activation::Relu; n_hidden])
        }
        [activation] => Ok(vec![activation; n_hidden]),
        ref list if list.len() == n_hidden => Ok(list.to_vec()),
        ref list => Err(Error::option(
            "activation",
            format!(
                "expected 1 or {n_hidden} names for {n_hidden} hidden layers, found {}",
                list.len()
            ),
        )),
    }
}

/// The layout of a weight matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Layout {
    /// `[n_inputs, n_outputs]`
    #[default]
    InputsFirst,
    /// `[n_outputs, n_inputs]`
    OutputsFirst,
}

/// The tensors of one layer.
#[derive(Debug, Default)]
struct Module {
    name: String,
    /// `[n_inputs, n_outputs]` once the layers are ordered.
    weight: Option<Tensor>,
    layout: Layout,
    bias: Option<Tensor>,
    gamma: Option<Tensor>,
    beta: Option<Tensor>,
    mean: Option<Tensor>,
    variance: Option<Tensor>,
    /// Whether the names are those of Keras.
    is_keras: bool,
    /// Tensors of a module without names.
    numbered: Vec<(u64, Tensor)>,
}

/// The role of a tensor in its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Weight(Layout),
    Bias,
    Gamma,
    Beta,
    Mean,
    Variance,
    /// The number of a variable of Keras.
    Numbered(u64),
    /// A counter that inference does not need.
    Unused,
}

/// The module of a tensor and its role there.
fn parse(name: &str) -> Option<(String, Role)> {
    let name = name.strip_suffix(":0").unwrap_or(name);
    let (parent, last) = name.rsplit_once(['.', '/']).unwrap_or(("", name));
    let role = match last {
        "weight" => Role::Weight(Layout::OutputsFirst),
        "kernel" => Role::Weight(Layout::InputsFirst),
        "bias" => Role::Bias,
        "gamma" => Role::Gamma,
        "beta" => Role::Beta,
        "running_mean" | "moving_mean" => Role::Mean,
        "running_var" | "moving_variance" => Role::Variance,
        "num_batches_tracked" | "seed_generator_state" => Role::Unused,
        // A linear model of scikit-learn.
        "coef_" => Role::Weight(Layout::OutputsFirst),
        "intercept_" => Role::Bias,
        _ => return parse_numbered(parent, last),
    };
    Some((parent.to_owned(), role))
}

/// Names that end in a number: `coefs_0`, `W1`, `vars/0`.
fn parse_numbered(parent: &str, last: &str) -> Option<(String, Role)> {
    const WEIGHTS: [&str; 6] = ["coefs", "coef", "weights", "weight", "w", "kernel"];
    const BIASES: [&str; 5] = ["intercepts", "intercept", "biases", "bias", "b"];
    let stem = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &last[stem.len()..];
    if stem.is_empty() {
        let module = parent.strip_suffix("vars")?.trim_end_matches(['.', '/']);
        return Some((module.to_owned(), Role::Numbered(digits.parse().ok()?)));
    }
    let stem = stem.trim_end_matches('_').to_ascii_lowercase();
    let role = if WEIGHTS.contains(&&*stem) {
        Role::Weight(Layout::InputsFirst)
    } else if BIASES.contains(&&*stem) {
        Role::Bias
    } else {
        return None;
    };
    Some((format!("{parent}{digits}"), role))
}

/// Groups the tensors by layer, in the order of the file.
fn modules(tensors: Vec<Tensor>) -> Result<Vec<Module>> {
    if is_numbered_list(&tensors) {
        return modules_of_list(tensors);
    }
    let mut modules: Vec<Module> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for tensor in tensors {
        let (name, role) =
            parse(&tensor.name).ok_or_else(|| Error::unsupported(tensor.place(), SUPPORTED))?;
        if role == Role::Unused {
            continue;
        }
        tensor.check_finite()?;
        let place = *places.entry(name.clone()).or_insert_with(|| {
            modules.push(Module {
                name,
                ..Module::default()
            });
            modules.len() - 1
        });
        modules[place].add(role, tensor)?;
    }
    modules.into_iter().map(Module::complete).collect()
}

/// Returns `true` for the names of `numpy.savez` without names: `arr_0`, `arr_1`, ...
fn is_numbered_list(tensors: &[Tensor]) -> bool {
    let mut names = tensors.iter().map(|it| it.name.strip_prefix("arr_"));
    !tensors.is_empty() && names.all(|rest| rest.is_some_and(|rest| rest.parse::<u64>().is_ok()))
}

/// A matrix begins a layer, and a list after it is its bias.
fn modules_of_list(mut tensors: Vec<Tensor>) -> Result<Vec<Module>> {
    tensors.sort_by_key(|tensor| natural_key(&tensor.name));
    let mut modules: Vec<Module> = Vec::new();
    for tensor in tensors {
        tensor.check_finite()?;
        if tensor.shape.len() == 2 {
            modules.push(Module {
                name: tensor.name.clone(),
                ..Module::default()
            });
        }
        let role = match tensor.shape.len() {
            2 => Role::Weight(Layout::InputsFirst),
            _ => Role::Bias,
        };
        let module = modules.last_mut().ok_or_else(|| {
            Error::unsupported(tensor.place(), "expected a weight matrix before this array")
        })?;
        module.add(role, tensor)?;
    }
    modules.into_iter().map(Module::complete).collect()
}

impl Module {
    fn add(&mut self, role: Role, tensor: Tensor) -> Result<()> {
        if let Role::Weight(layout) = role {
            self.layout = layout;
        }
        let of_keras = [Role::Gamma, Role::Beta].contains(&role);
        self.is_keras |= of_keras || tensor.name.contains("moving_");
        let slot = match role {
            Role::Weight(_) => &mut self.weight,
            Role::Bias => &mut self.bias,
            Role::Gamma => &mut self.gamma,
            Role::Beta => &mut self.beta,
            Role::Mean => &mut self.mean,
            Role::Variance => &mut self.variance,
            Role::Numbered(number) => {
                self.is_keras = true;
                self.numbered.push((number, tensor));
                return Ok(());
            }
            Role::Unused => return Ok(()),
        };
        let place = tensor.place();
        match slot.replace(tensor) {
            None => Ok(()),
            Some(other) => Err(Error::unsupported(
                place,
                format!("belongs to the same layer as {}", other.place()),
            )),
        }
    }

    /// Gives numbered tensors and lists named `weight` their roles, and checks the shapes.
    fn complete(mut self) -> Result<Self> {
        let mut numbered = std::mem::take(&mut self.numbered);
        numbered.sort_by_key(|&(number, _)| number);
        let is_dense = numbered.first().is_some_and(|(_, it)| it.shape.len() > 1);
        let roles = match is_dense {
            true => &[Role::Weight(Layout::InputsFirst), Role::Bias][..],
            false => &[Role::Gamma, Role::Beta, Role::Mean, Role::Variance],
        };
        for (index, (_, tensor)) in numbered.into_iter().enumerate() {
            let role = roles.get(index).ok_or_else(|| {
                let problem = "the layer has more variables than a dense or normalization layer";
                Error::unsupported(tensor.place(), problem)
            })?;
            self.add(*role, tensor)?;
        }
        if self
            .weight
            .as_ref()
            .is_some_and(|weight| weight.shape.len() == 1)
        {
            self.gamma = self.weight.take();
            self.beta = self.bias.take();
        }
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<()> {
        if let Some(weight) = self.weight.as_ref().filter(|it| it.matrix().is_none()) {
            return Err(Error::unsupported(
                weight.place(),
                format!(
                    "has the shape {}; expected the matrix of a dense layer",
                    shape_text(&weight.shape)
                ),
            ));
        }
        let lists = [
            &self.bias,
            &self.gamma,
            &self.beta,
            &self.mean,
            &self.variance,
        ];
        let present = || lists.into_iter().flatten();
        if let Some(list) = present().find(|it| it.values.is_empty() || it.shape.len() > 1) {
            let shape = shape_text(&list.shape);
            let problem = format!("has the shape {shape}; expected a list");
            return Err(Error::unsupported(list.place(), problem));
        }
        let norms = [&self.gamma, &self.beta, &self.mean, &self.variance];
        let n_norms = norms.into_iter().flatten().count();
        match (&self.weight, present().next()) {
            (Some(_), _) if n_norms == 0 => Ok(()),
            (None, Some(_)) if n_norms > 0 && self.bias.is_none() => Ok(()),
            (_, Some(list)) => Err(Error::unsupported(
                list.place(),
                "expected the weight and the bias of a dense layer, or the numbers of a \
                 normalization",
            )),
            (_, None) => Err(Error::chain(format!(
                "layer {} is empty",
                shown(&self.name)
            ))),
        }
    }

    /// Number of outputs of a normalization.
    fn width(&self) -> usize {
        let lists = [&self.gamma, &self.beta, &self.mean, &self.variance];
        let lengths = lists.into_iter().flatten().map(|list| list.values.len());
        lengths.max().unwrap_or(0)
    }

    /// `[n_inputs, n_outputs]` of the weight matrix with this layout.
    fn widths(&self, is_flipped: bool) -> [usize; 2] {
        let [rows, columns] = self
            .weight
            .as_ref()
            .and_then(Tensor::matrix)
            .unwrap_or([0; 2]);
        match (self.layout, is_flipped) {
            (Layout::InputsFirst, false) | (Layout::OutputsFirst, true) => [rows, columns],
            _ => [columns, rows],
        }
    }

    fn into_dense(self) -> Dense {
        let weight = self.weight.expect("partitioned by their weights");
        let [n_inputs, n_outputs] = weight.matrix().expect("checked before");
        Dense {
            bias: match self.bias {
                Some(bias) => crate::step::expanded(&bias.values, n_outputs),
                None => vec![0.0; n_outputs],
            },
            weights: weight.values,
            n_inputs,
            n_members: 1,
        }
    }

    fn into_norm(self) -> Result<StepKind> {
        let or = |list: Option<Tensor>, default: f64| list.map_or(vec![default], |it| it.values);
        let is_of_batch = self.mean.is_some() || self.variance.is_some();
        let (gamma, beta) = (or(self.gamma, 1.0), or(self.beta, 0.0));
        if is_of_batch {
            return Ok(StepKind::BatchNorm(BatchNorm {
                gamma,
                beta,
                mean: or(self.mean, 0.0),
                variance: or(self.variance, 1.0),
                epsilon: if self.is_keras {
                    KERAS_EPSILON
                } else {
                    PYTORCH_EPSILON
                },
            }));
        }
        match self.is_keras {
            false => Ok(StepKind::LayerNorm { gamma, beta }),
            true => Err(Error::unsupported(
                format!("layer {}", shown(&self.name)),
                format!(
                    "layer normalization of Keras has the epsilon {KERAS_EPSILON}; supported is \
                     {PYTORCH_EPSILON}"
                ),
            )),
        }
    }
}

/// The dense layers in the order of computation, with weights `[n_inputs, n_outputs]`.
fn ordered(mut modules: Vec<Module>, notes: &mut Vec<String>) -> Result<Vec<Module>> {
    if modules.is_empty() {
        return Err(Error::chain("the file has no weight matrix"));
    }
    let keys: Vec<_> = modules
        .iter()
        .map(|module| natural_key(&module.name))
        .collect();
    let found = [false, true].into_iter().find_map(|is_flipped| {
        let widths: Vec<[usize; 2]> = modules.iter().map(|it| it.widths(is_flipped)).collect();
        let biases = modules.iter().zip(&widths).all(|(module, widths)| {
            let length = module.bias.as_ref().map(|bias| bias.values.len());
            length.is_none_or(|length| length == widths[1])
        });
        let order = order_of(&widths, &keys).filter(|_| biases)?;
        Some((order, is_flipped))
    });
    let Some((order, is_flipped)) = found else {
        return Err(no_chain(&modules));
    };
    if is_flipped {
        notes.push("the weight matrices were transposed, as their shapes require".to_owned());
    }
    if let Some(note) = order.note {
        notes.push(note.to_owned());
    }
    let mut ordered = Vec::with_capacity(modules.len());
    for index in order.indices {
        let mut module = std::mem::take(&mut modules[index]);
        if (module.layout == Layout::OutputsFirst) != is_flipped {
            module.weight = module.weight.map(|weight| weight.transposed());
        }
        ordered.push(module);
    }
    Ok(ordered)
}

fn no_chain(modules: &[Module]) -> Error {
    let shapes = modules.iter().take(20).map(|module| {
        let weight = module.weight.as_ref();
        let shape = weight.map_or_else(String::new, |weight| shape_text(&weight.shape));
        let bias = module.bias.as_ref();
        let bias = bias.map_or_else(String::new, |bias| {
            format!(" + {}", shape_text(&bias.shape))
        });
        format!("{} {shape}{bias}", shown(&module.name))
    });
    let shapes: Vec<String> = shapes.collect();
    Error::chain(format!(
        "the layers do not form a chain in which each has as many inputs as the layer before it \
         has outputs: {}",
        shapes.join(", ")
    ))
}

/// For each normalization, the index of the dense layer before it: in a list of numbered modules,
/// the one with the next smaller number; otherwise, the next one of the same width.
fn places(norms: &[Module], dense: &[Module]) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..norms.len()).collect();
    order.sort_by_key(|&index| natural_key(&norms[index].name));
    let number = |module: &Module| {
        let (parent, last) = module.name.rsplit_once('.').unwrap_or(("", &module.name));
        Some((parent.to_owned(), last.parse::<u64>().ok()?))
    };
    let numbers: Option<Vec<(String, u64)>> = dense.iter().map(number).collect();
    let mut places = vec![0; norms.len()];
    let mut next = 0;
    for index in order {
        let norm = &norms[index];
        let before = numbers
            .as_ref()
            .zip(number(norm))
            .and_then(|(numbers, own)| {
                let is_before = |it: &(String, u64)| it.0 == own.0 && it.1 < own.1;
                numbers.iter().rposition(is_before)
            });
        let width = norm.width();
        let has_width = |place: &usize| {
            let weight = dense[*place].weight.as_ref().and_then(Tensor::matrix);
            weight.is_some_and(|[_, n_outputs]| n_outputs == width)
        };
        let fitting = before.or_else(|| (next..dense.len()).find(has_width));
        let place = fitting.ok_or_else(|| {
            Error::unsupported(
                format!("layer {}", shown(&norm.name)),
                format!("expected a dense layer with {width} outputs before this normalization"),
            )
        })?;
        places[index] = place;
        next = place + 1;
    }
    Ok(places)
}
