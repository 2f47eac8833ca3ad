//! Optimizers: rules that update the parameters w from their gradient g.
//!
//! η is the learning rate, t counts steps from 1, and all operations are
//! elementwise.
//!
//! | name | rule | source |
//! |---|---|---|
//! | `sgd` | w ← w − η·g | newbies 2.4; Schoofs (4) |
//! | `momentum:momentum=0.9` | v ← γ·v + g, w ← w − η·v | Polyak 1964; newbies 5.2.11 |
//! | `nesterov:momentum=0.9` | v ← γ·v + g, w ← w − η·(g + γ·v) | Sutskever et al. 2013 |
//! | `adagrad:epsilon=1e-10` | s ← s + g², w ← w − η·g/(√s + ε) | Duchi et al. 2011 |
//! | `adadelta:rho=0.9:epsilon=1e-6` | s ← ρ·s + (1−ρ)·g², d = g·√(u + ε)/√(s + ε), u ← ρ·u + (1−ρ)·d², w ← w − η·d | Zeiler 2012 |
//! | `rmsprop:rho=0.9:epsilon=1e-8` | s ← ρ·s + (1−ρ)·g², w ← w − η·g/(√s + ε) | Hinton 2012, lecture 6e |
//! | `adam:beta1=0.9:beta2=0.999:epsilon=1e-8` | m ← β₁·m + (1−β₁)·g, s ← β₂·s + (1−β₂)·g², w ← w − η·m̂/(√ŝ + ε) with m̂ = m/(1−β₁ᵗ), ŝ = s/(1−β₂ᵗ) | Kingma & Ba 2015, algorithm 1 |
//! | `adamw:…:weight-decay=0.01` | w ← w − η·λ·w, then as `adam` | Loshchilov & Hutter 2019 |
//! | `rprop:increase=1.2:decrease=0.5` | the step grows while the sign of g stays the same and shrinks when it changes | Riedmiller & Braun 1993, without backtracking |
//!
//! Every rule follows PyTorch. Differences from other frameworks:
//!
//! - The velocity v is a sum of gradients, without η, so a change of the
//!   learning rate takes effect immediately. Keras, scikit-learn and newbies
//!   5.2.11 include η (v ← γ·v + η·g, w ← w − v). The two rules agree for a
//!   constant η; under a schedule, the rule v ← γ·v + η·g keeps using the old η for about
//!   1/(1 − γ) steps.
//! - In `rmsprop` and `adagrad`, ε is added to the square root; Keras adds ε under the square root.
//! - `rho` of `rmsprop` corresponds to PyTorch's `alpha`. The default is 0.9, as in
//!   Hinton's lecture and Keras; PyTorch uses 0.99.
//!
//! `rprop` starts with steps of size η and is meant for full batches.
//!
//! # Subnormal numbers
//! The state of an optimizer is never subnormal. Subnormal values become 0, because arithmetic with
//! them is many times slower and a decaying average would stay subnormal forever. Where (1 − ρ)·g²
//! is added to an average, it is computed as h² with h = √(1 − ρ)·g, and an h whose square would be
//! subnormal counts as 0. For `adam` in single precision, this affects only |g| below 3.4·10⁻¹⁸,
//! which is negligible compared with ε.

use nn_error::Result;
use nn_tensor::{AlignedSlice, Kernel, Scalar, Threads, vectorize};

use std::ops;
use std::sync::Arc;

use crate::menu::{Menu, Parameter, Range, menu_text};
use crate::update_rule::{PieceRule, UpdateRule, UpdateStep};

/// An optimizer: the rule that updates the parameters from their gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent (SGD).
    Sgd,
    /// Gradient descent with momentum.
    Momentum {
        /// γ, the fraction of the velocity that each step keeps.
        momentum: f64,
    },
    /// Gradient descent with Nesterov momentum.
    Nesterov {
        /// γ, the fraction of the velocity that each step keeps.
        momentum: f64,
    },
    /// Adagrad: steps divided by the root of the sum of squared gradients.
    Adagrad {
        /// ε, added to the divisor to avoid division by 0.
        epsilon: f64,
    },
    /// Adadelta: steps scaled by moving averages of squared gradients and squared steps.
    Adadelta {
        /// ρ, decay rate of the moving averages.
        rho: f64,
        /// ε, added to both averages; determines the first steps.
        epsilon: f64,
    },
    /// RMSprop: steps divided by the root of a moving average of squared gradients.
    Rmsprop {
        /// ρ, decay rate of the moving average.
        rho: f64,
        /// ε, added to the divisor to avoid division by 0.
        epsilon: f64,
    },
    /// Adam: moving averages of gradients and squared gradients, both with bias correction.
    Adam {
        /// β₁, decay rate of the moving average of gradients.
        beta1: f64,
        /// β₂, decay rate of the moving average of squared gradients.
        beta2: f64,
        /// ε, added to the divisor to avoid division by 0.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// β₁, decay rate of the moving average of gradients.
        beta1: f64,
        /// β₂, decay rate of the moving average of squared gradients.
        beta2: f64,
        /// ε, added to the divisor to avoid division by 0.
        epsilon: f64,
        /// λ, weight decay: each step multiplies the parameters by 1 − η·λ.
        weight_decay: f64,
    },
    /// Rprop: step sizes that depend only on the sign of the gradient.
    Rprop {
        /// Factor that multiplies the step size while the sign stays the same.
        increase: f64,
        /// Factor that multiplies the step size when the sign changes.
        decrease: f64,
    },
}

/// Minimum and maximum step size of Rprop.
const RPROP_STEPS: [f64; 2] = [1e-6, 50.0];

impl Menu for Optimizer {
    const KIND: &'static str = "optimizer";

    const ALL: &'static [Self] = &[
        Self::Sgd,
        Self::Momentum { momentum: 0.9 },
        Self::Nesterov { momentum: 0.9 },
        Self::Adagrad { epsilon: 1e-10 },
        Self::Adadelta {
            rho: 0.9,
            epsilon: 1e-6,
        },
        Self::Rmsprop {
            rho: 0.9,
            epsilon: 1e-8,
        },
        Self::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        },
        Self::AdamW {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.01,
        },
        Self::Rprop {
            increase: 1.2,
            decrease: 0.5,
        },
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum { .. } => "momentum",
            Self::Nesterov { .. } => "nesterov",
            Self::Adagrad { .. } => "adagrad",
            Self::Adadelta { .. } => "adadelta",
            Self::Rmsprop { .. } => "rmsprop",
            Self::Adam { .. } => "adam",
            Self::AdamW { .. } => "adamw",
            Self::Rprop { .. } => "rprop",
        }
    }

    /// g is the gradient, η the learning rate and t the step, counted from 1.
    fn formula(&self) -> &'static str {
        match self {
            Self::Sgd => "w ← w − η·g",
            Self::Momentum { .. } => "v ← γ·v + g,  w ← w − η·v",
            Self::Nesterov { .. } => "v ← γ·v + g,  w ← w − η·(g + γ·v)",
            Self::Adagrad { .. } => "s ← s + g²,  w ← w − η·g/(√s + ε)",
            Self::Adadelta { .. } => {
                "s ← ρ·s + (1−ρ)·g²,  d = g·√(u + ε)/√(s + ε),  u ← ρ·u + (1−ρ)·d²,  w ← w − η·d"
            }
            Self::Rmsprop { .. } => "s ← ρ·s + (1−ρ)·g²,  w ← w − η·g/(√s + ε)",
            Self::Adam { .. } => {
                "m ← β₁·m + (1−β₁)·g,  s ← β₂·s + (1−β₂)·g²,  w ← w − η·m̂/(√ŝ + ε),  \
                 m̂ = m/(1−β₁ᵗ),  ŝ = s/(1−β₂ᵗ)"
            }
            Self::AdamW { .. } => {
                "w ← w − η·λ·w,  m ← β₁·m + (1−β₁)·g,  s ← β₂·s + (1−β₂)·g²,  \
                 w ← w − η·m̂/(√ŝ + ε),  m̂ = m/(1−β₁ᵗ),  ŝ = s/(1−β₂ᵗ)"
            }
            Self::Rprop { .. } => {
                "s ← increase·s while the sign of g stays the same, decrease·s when it changes,  w ← w − s·sign(g)"
            }
        }
    }

    fn source(&self) -> &'static str {
        match self {
            Self::Sgd => "newbies 2.4; Schoofs (4)",
            Self::Momentum { .. } => "Polyak 1964",
            Self::Nesterov { .. } => "Sutskever et al. 2013",
            Self::Adagrad { .. } => "Duchi et al. 2011",
            Self::Adadelta { .. } => "Zeiler 2012",
            Self::Rmsprop { .. } => "Hinton 2012, lecture 6e",
            Self::Adam { .. } => "Kingma & Ba 2015, algorithm 1",
            Self::AdamW { .. } => "Loshchilov & Hutter 2019",
            Self::Rprop { .. } => "Riedmiller & Braun 1993",
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::Sgd => Vec::new(),
            Self::Momentum { momentum } | Self::Nesterov { momentum } => {
                vec![Parameter::new("momentum", momentum, Range::Fraction)]
            }
            Self::Adagrad { epsilon } => vec![Parameter::new("epsilon", epsilon, Range::Positive)],
            Self::Adadelta { rho, epsilon } | Self::Rmsprop { rho, epsilon } => vec![
                Parameter::new("rho", rho, Range::Fraction),
                Parameter::new("epsilon", epsilon, Range::Positive),
            ],
            Self::Adam {
                beta1,
                beta2,
                epsilon,
            } => vec![
                Parameter::new("beta1", beta1, Range::Fraction),
                Parameter::new("beta2", beta2, Range::Fraction),
                Parameter::new("epsilon", epsilon, Range::Positive),
            ],
            Self::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => vec![
                Parameter::new("beta1", beta1, Range::Fraction),
                Parameter::new("beta2", beta2, Range::Fraction),
                Parameter::new("epsilon", epsilon, Range::Positive),
                Parameter::new("weight-decay", weight_decay, Range::NotNegative),
            ],
            Self::Rprop { increase, decrease } => vec![
                Parameter::new("increase", increase, Range::Positive),
                Parameter::new("decrease", decrease, Range::Factor),
            ],
        }
    }
}

menu_text!(Optimizer);

impl Optimizer {
    /// The default learning rate of the optimizer.
    pub fn default_learning_rate(self) -> f64 {
        match self {
            Self::Sgd => 0.1,
            Self::Momentum { .. } | Self::Nesterov { .. } | Self::Adagrad { .. } => 0.01,
            Self::Adadelta { .. } => 1.0,
            Self::Rmsprop { .. } | Self::Adam { .. } | Self::AdamW { .. } => 0.001,
            Self::Rprop { .. } => 0.001,
        }
    }

    /// Number of state values per parameter.
    pub fn n_slots(self) -> usize {
        match self {
            Self::Sgd => 0,
            Self::Momentum { .. }
            | Self::Nesterov { .. }
            | Self::Adagrad { .. }
            | Self::Rmsprop { .. } => 1,
            Self::Adadelta { .. } | Self::Adam { .. } | Self::AdamW { .. } | Self::Rprop { .. } => {
                2
            }
        }
    }
}

/// A range of parameters and the factor that multiplies their learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterGroup {
    /// The indices of the parameters in the group.
    pub range: ops::Range<usize>,
    /// Factor that multiplies the learning rate.
    pub rate_factor: f64,
    /// Factor that multiplies the optimizer's own weight decay, besides the learning rate.
    pub decay_factor: f64,
}

/// The learning rate and the weight decay factor of one step, with their schedules
/// applied.
#[derive(Clone, Copy, Debug)]
pub struct StepRates {
    /// η, the learning rate.
    pub learning_rate: f64,
    /// Factor that multiplies the optimizer's own weight decay.
    pub decay_factor: f64,
}

/// An optimizer with its state between steps.
#[derive(Clone, Debug)]
pub struct OptimizerState<S> {
    rule: RuleChoice<S>,
    steps: u64,
    /// Buffers laid out like the parameters; unused ones are empty.
    slots: [AlignedSlice<S>; 2],
}

/// A built-in or a user-defined update rule.
#[derive(Clone, Debug)]
enum RuleChoice<S> {
    Menu(Optimizer),
    Custom(Arc<dyn PieceRule<S>>),
}

impl<S: Scalar> OptimizerState<S> {
    /// Creates the state before the first step.
    ///
    /// # Errors
    /// Returns the same errors as [`Menu::check`], and
    /// [`Error::OutOfRange`](nn_error::Error::OutOfRange) for a learning rate that is not
    /// above 0.
    pub fn new(optimizer: Optimizer, n_parameters: usize, learning_rate: f64) -> Result<Self> {
        optimizer.check()?;
        Range::Positive.check("learning rate", learning_rate)?;
        let slot = |index: usize, start: f64| {
            let len = if index < optimizer.n_slots() {
                n_parameters
            } else {
                0
            };
            AlignedSlice::new(S::from_f64(start), len)
        };
        let second = if matches!(optimizer, Optimizer::Rprop { .. }) {
            learning_rate
        } else {
            0.0
        };
        Ok(Self {
            rule: RuleChoice::Menu(optimizer),
            steps: 0,
            slots: [slot(0, 0.0), slot(1, second)],
        })
    }

    /// Creates the state of a user-defined rule before the first step.
    pub fn custom(rule: impl UpdateRule, n_parameters: usize) -> Self {
        let n_slots = rule.n_slots();
        let slot = |index: usize| {
            let len = if index < n_slots { n_parameters } else { 0 };
            AlignedSlice::new(S::zero(), len)
        };
        Self {
            rule: RuleChoice::Custom(Arc::new(rule)),
            steps: 0,
            slots: [slot(0), slot(1)],
        }
    }

    /// The name of the optimizer, including its parameters.
    pub fn name(&self) -> String {
        match &self.rule {
            RuleChoice::Menu(optimizer) => optimizer.to_string(),
            RuleChoice::Custom(rule) => rule.name(),
        }
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The state buffers, laid out like the parameters; unused buffers are empty.
    pub fn slots(&self) -> [&[S]; 2] {
        [&self.slots[0], &self.slots[1]]
    }

    /// Mutable access to the [`slots`](Self::slots).
    pub fn slots_mut(&mut self) -> [&mut [S]; 2] {
        let [first, second] = &mut self.slots;
        [first, second]
    }

    /// Restores a saved state of the same optimizer.
    ///
    /// # Panics
    /// Panics if a saved buffer has a different length.
    pub fn restore(&mut self, steps: u64, slots: [&[S]; 2]) {
        self.steps = steps;
        for (slot, saved) in self.slots.iter_mut().zip(slots) {
            slot.copy_from_slice(saved);
        }
    }

    /// Updates `parameters` by one step.
    ///
    /// # Panics
    /// Panics if the lengths differ.
    pub fn step(
        &mut self,
        parameters: &mut [S],
        gradient: &[S],
        learning_rate: f64,
        threads: &Threads,
    ) {
        let all = ParameterGroup {
            range: 0..parameters.len(),
            rate_factor: 1.0,
            decay_factor: 1.0,
        };
        let rates = StepRates {
            learning_rate,
            decay_factor: 1.0,
        };
        self.step_groups(&[all], parameters, gradient, rates, threads);
    }

    /// Updates the parameters by one step, as [`step`](Self::step) does, but with a separate
    /// learning rate for each group of parameters.
    ///
    /// # Panics
    /// Panics if the lengths differ or a group reaches beyond the parameters.
    pub fn step_groups(
        &mut self,
        groups: &[ParameterGroup],
        parameters: &mut [S],
        gradient: &[S],
        rates: StepRates,
        threads: &Threads,
    ) {
        self.update_groups(
            groups,
            parameters,
            Gradient::Complete(gradient),
            rates,
            threads,
        );
    }

    /// Updates the parameters as [`step_groups`](Self::step_groups) does, with a gradient
    /// that is computed piece by piece: `complete(range, gradient)` writes the gradient of
    /// a range of parameters, which the update then reads while it is in the cache.
    ///
    /// # Panics
    /// Panics under the same conditions as [`step_groups`](Self::step_groups).
    pub fn step_groups_of(
        &mut self,
        groups: &[ParameterGroup],
        parameters: &mut [S],
        gradient: &mut [S],
        complete: &(dyn Fn(ops::Range<usize>, &mut [S]) + Sync),
        rates: StepRates,
        threads: &Threads,
    ) {
        let gradient = Gradient::Incomplete(gradient, complete);
        self.update_groups(groups, parameters, gradient, rates, threads);
    }

    fn update_groups(
        &mut self,
        groups: &[ParameterGroup],
        parameters: &mut [S],
        mut gradient: Gradient<'_, S>,
        rates: StepRates,
        threads: &Threads,
    ) {
        assert_eq!(
            parameters.len(),
            gradient.len(),
            "one gradient per parameter"
        );
        self.steps += 1;
        for group in groups {
            let step = UpdateStep {
                learning_rate: rates.learning_rate * group.rate_factor,
                decay_factor: rates.decay_factor * group.decay_factor,
                step: self.steps,
            };
            let gradient = gradient.part(group.range.clone());
            self.update(group.range.clone(), step, parameters, gradient, threads);
        }
    }

    /// Updates a range of the parameters, in pieces.
    #[inline]
    fn update(
        &mut self,
        range: ops::Range<usize>,
        step: UpdateStep,
        parameters: &mut [S],
        mut gradient: Gradient<'_, S>,
        threads: &Threads,
    ) {
        let rule = match &self.rule {
            RuleChoice::Menu(optimizer) => StepRule::Menu(Rule::new(*optimizer, step)),
            RuleChoice::Custom(rule) => StepRule::Custom(&**rule, step),
        };
        let start = range.start;
        let parameters = &mut parameters[range.clone()];
        let len = parameters.len().div_ceil(MAX_PIECES).max(MIN_PIECE);
        let [first, second] = &mut self.slots;
        let mut firsts = first
            .get_mut(range.clone())
            .unwrap_or_default()
            .chunks_mut(len);
        let mut seconds = second.get_mut(range).unwrap_or_default().chunks_mut(len);
        let mut pieces: [Option<Piece<'_, S>>; MAX_PIECES] = Default::default();
        let mut n_pieces = 0;
        for (piece, parameters) in pieces.iter_mut().zip(parameters.chunks_mut(len)) {
            *piece = Some(Piece {
                start: start + n_pieces * len,
                gradient: gradient.split_off(parameters.len()),
                parameters,
                first: firsts.next().unwrap_or_default(),
                second: seconds.next().unwrap_or_default(),
            });
            n_pieces += 1;
        }
        threads.for_each(&mut pieces[..n_pieces], |_, piece| {
            let mut piece = piece.take().expect("each piece is updated once");
            while let Some(part) = piece.next_part() {
                match rule {
                    StepRule::Menu(rule) => vectorize(Update { rule, part }),
                    StepRule::Custom(rule, step) => {
                        let slots = [part.first, part.second];
                        rule.update(step, part.parameters, part.gradient, slots);
                    }
                }
            }
        });
    }
}

/// The gradient of some parameters.
enum Gradient<'a, S> {
    Complete(&'a [S]),
    /// A buffer, and the function that writes the gradient of a range of parameters.
    Incomplete(
        &'a mut [S],
        &'a (dyn Fn(ops::Range<usize>, &mut [S]) + Sync),
    ),
}

impl<S> Gradient<'_, S> {
    fn len(&self) -> usize {
        match self {
            Self::Complete(values) => values.len(),
            Self::Incomplete(values, _) => values.len(),
        }
    }

    fn part(&mut self, range: ops::Range<usize>) -> Gradient<'_, S> {
        match self {
            Self::Complete(values) => Gradient::Complete(&values[range]),
            Self::Incomplete(values, complete) => {
                Gradient::Incomplete(&mut values[range], *complete)
            }
        }
    }
}

impl<'a, S> Gradient<'a, S> {
    /// Splits off the first `n` values.
    fn split_off(&mut self, n: usize) -> Self {
        match self {
            Self::Complete(values) => {
                let (first, rest) = values.split_at(n);
                *values = rest;
                Self::Complete(first)
            }
            Self::Incomplete(values, complete) => {
                let (first, rest) = std::mem::take(values).split_at_mut(n);
                *values = rest;
                Self::Incomplete(first, *complete)
            }
        }
    }

    /// The values, which are the gradient from the parameter `start` on.
    fn complete(self, start: usize) -> &'a [S] {
        match self {
            Self::Complete(values) => values,
            Self::Incomplete(values, complete) => {
                complete(start..start + values.len(), values);
                values
            }
        }
    }
}

/// Maximum number of pieces that an update is split into for threads.
const MAX_PIECES: usize = 16;

/// Minimum number of parameters per piece.
const MIN_PIECE: usize = 4096;

/// Number of parameters that are updated at a time: their gradient stays in the cache.
const PART: usize = 1024;

/// The constants of one step.
#[derive(Clone, Copy)]
struct Rule {
    optimizer: Optimizer,
    rate: f64,
    decay_factor: f64,
    /// 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ)
    corrections: [f64; 2],
}

impl Rule {
    fn new(optimizer: Optimizer, step: UpdateStep) -> Self {
        let correction = |beta: f64| 1.0 / (1.0 - beta.powf(step.step as f64));
        let corrections = match optimizer {
            Optimizer::Adam { beta1, beta2, .. } | Optimizer::AdamW { beta1, beta2, .. } => {
                [correction(beta1), correction(beta2)]
            }
            _ => [1.0; 2],
        };
        Self {
            optimizer,
            rate: step.learning_rate,
            decay_factor: step.decay_factor,
            corrections,
        }
    }
}

/// The update rule of one step, with its constants.
#[derive(Clone, Copy)]
enum StepRule<'r, S> {
    Menu(Rule),
    Custom(&'r dyn PieceRule<S>, UpdateStep),
}

struct Update<'a, S> {
    rule: Rule,
    part: Part<'a, S>,
}

/// The parameters that a thread updates, with their gradient and optimizer state.
struct Piece<'a, S> {
    /// Index of the first parameter.
    start: usize,
    parameters: &'a mut [S],
    gradient: Gradient<'a, S>,
    first: &'a mut [S],
    second: &'a mut [S],
}

impl<'a, S> Piece<'a, S> {
    /// Splits off the next part, with its gradient.
    fn next_part(&mut self) -> Option<Part<'a, S>> {
        let n = PART.min(self.parameters.len());
        if n == 0 {
            return None;
        }
        let start = self.start;
        self.start += n;
        Some(Part {
            parameters: split_off(&mut self.parameters, n),
            gradient: self.gradient.split_off(n).complete(start),
            first: split_off(&mut self.first, n),
            second: split_off(&mut self.second, n),
        })
    }
}

/// Splits off the first `n` values, or as many as there are.
fn split_off<'a, S>(values: &mut &'a mut [S], n: usize) -> &'a mut [S] {
    let n = n.min(values.len());
    let (first, rest) = std::mem::take(values).split_at_mut(n);
    *values = rest;
    first
}

/// Some parameters with their gradient and optimizer state.
struct Part<'a, S> {
    parameters: &'a mut [S],
    gradient: &'a [S],
    first: &'a mut [S],
    second: &'a mut [S],
}

impl<S: Scalar> Kernel for Update<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { rule, part } = self;
        let Part {
            parameters,
            gradient,
            first,
            second,
        } = part;
        let rate = S::from_f64(rule.rate);
        let one = S::one();
        let each = parameters.iter_mut().zip(gradient);
        match rule.optimizer {
            Optimizer::Sgd => {
                for (w, &g) in each {
                    *w -= rate * g;
                }
            }
            Optimizer::Momentum { momentum } => {
                let momentum = S::from_f64(momentum);
                for ((w, &g), v) in each.zip(first) {
                    let velocity = (momentum * *v + g).flushed();
                    *w -= rate * velocity;
                    *v = velocity;
                }
            }
            Optimizer::Nesterov { momentum } => {
                let momentum = S::from_f64(momentum);
                for ((w, &g), v) in each.zip(first) {
                    let velocity = (momentum * *v + g).flushed();
                    *w -= rate * (g + momentum * velocity);
                    *v = velocity;
                }
            }
            Optimizer::Adagrad { epsilon } => {
                let epsilon = S::from_f64(epsilon);
                for ((w, &g), s) in each.zip(first) {
                    let g = g.flushed_root();
                    let sum = *s + g * g;
                    *w -= rate * g / (sum.sqrt() + epsilon);
                    *s = sum;
                }
            }
            Optimizer::Adadelta { rho, epsilon } => {
                // h = √(1 − ρ)·g, k = √(1 − ρ)·d
                let root = (1.0 - rho).sqrt();
                let rate = S::from_f64(rule.rate / root);
                let [rho, epsilon, root] = [rho, epsilon, root].map(S::from_f64);
                for ((w, &g), (s, u)) in each.zip(first.iter_mut().zip(second)) {
                    let h = (root * g).flushed_root();
                    let mean = flushed_mean(rho * *s + h * h);
                    let k = (h * (*u + epsilon).sqrt() / (mean + epsilon).sqrt()).flushed_root();
                    *u = flushed_mean(rho * *u + k * k);
                    *w -= rate * k;
                    *s = mean;
                }
            }
            Optimizer::Rmsprop { rho, epsilon } => {
                let root = (1.0 - rho).sqrt();
                let rate = S::from_f64(rule.rate / root);
                let [rho, epsilon, root] = [rho, epsilon, root].map(S::from_f64);
                for ((w, &g), s) in each.zip(first) {
                    let h = (root * g).flushed_root();
                    let mean = flushed_mean(rho * *s + h * h);
                    *w -= rate * h / (mean.sqrt() + epsilon);
                    *s = mean;
                }
            }
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                let constants = [beta1, beta2, epsilon, 0.0];
                adam(rule, constants, each, first.iter_mut().zip(second), |w| w);
            }
            Optimizer::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => {
                let constants = [beta1, beta2, epsilon, weight_decay * rule.decay_factor];
                let slots = first.iter_mut().zip(second);
                adam(rule, constants, each, slots, S::flushed);
            }
            Optimizer::Rprop { increase, decrease } => {
                let [increase, decrease] = [increase, decrease].map(S::from_f64);
                let [smallest, largest] = RPROP_STEPS.map(S::from_f64);
                for ((w, &g), (last, step)) in each.zip(first.iter_mut().zip(second)) {
                    let g = g.flushed();
                    let turn = g * *last;
                    let factor = if turn > S::zero() {
                        increase
                    } else if turn < S::zero() {
                        decrease
                    } else {
                        one
                    };
                    *step = (*step * factor).max(smallest).min(largest);
                    let g = if turn < S::zero() { S::zero() } else { g };
                    let sign = if g > S::zero() {
                        one
                    } else if g < S::zero() {
                        -one
                    } else {
                        // 0, or NaN.
                        g
                    };
                    *w -= sign * *step;
                    *last = g;
                }
            }
        }
    }
}

/// Flushes a subnormal mean of squares to 0; NaN stays NaN. Takes fewer
/// instructions than [`Scalar::flushed`], because the mean is not negative.
#[inline(always)]
fn flushed_mean<S: Scalar>(mean: S) -> S {
    if mean < S::min_positive_value() {
        S::zero()
    } else {
        mean
    }
}

#[inline(always)]
fn adam<'a, S: Scalar>(
    rule: Rule,
    [beta1, beta2, epsilon, weight_decay]: [f64; 4],
    each: impl Iterator<Item = (&'a mut S, &'a S)>,
    slots: impl Iterator<Item = (&'a mut S, &'a mut S)>,
    decayed: impl Fn(S) -> S,
) {
    // h = √(1 − β₂)·g, (1 − β₁)·g = rest·h
    let root = (1.0 - beta2).sqrt();
    let rest = (1.0 - beta1) / root;
    let [mean_correction, square_correction] = rule.corrections;
    let rate = S::from_f64(rule.rate * mean_correction);
    let kept = S::from_f64(1.0 - rule.rate * weight_decay);
    let square_correction = S::from_f64(square_correction);
    let [beta1, beta2, epsilon, root, rest] = [beta1, beta2, epsilon, root, rest].map(S::from_f64);
    for ((w, &g), (m, s)) in each.zip(slots) {
        let h = (root * g).flushed_root();
        let mean = (beta1 * *m + rest * h).flushed();
        let square = flushed_mean(beta2 * *s + h * h);
        let step = rate * mean / ((square * square_correction).sqrt() + epsilon);
        *w = decayed(*w * kept - step);
        *m = mean;
        *s = square;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menu() {
        crate::menu::tests::check::<Optimizer>();
    }

    fn run(optimizer: Optimizer, rate: f64, n: usize, gradient: impl Fn(f64) -> f64) -> f64 {
        let mut w = [1.0_f64];
        let mut state = OptimizerState::new(optimizer, 1, rate).unwrap();
        for _ in 0..n {
            let g = [gradient(w[0])];
            state.step(&mut w, &g, rate, &Threads::single());
        }
        w[0]
    }

    #[test]
    fn every_optimizer_minimizes_a_parabola() {
        for &optimizer in Optimizer::ALL {
            // Adadelta starts from steps of √ε and needs time to grow them.
            let n = if matches!(optimizer, Optimizer::Adadelta { .. }) {
                20_000
            } else {
                3000
            };
            let w = run(
                optimizer,
                optimizer.default_learning_rate().max(0.01),
                n,
                |w| 2.0 * (w - 0.5),
            );
            assert!((w - 0.5).abs() < 0.02, "{optimizer}: {w}");
        }
    }

    #[test]
    fn momentum_agrees_with_a_hand_calculation() {
        // g = 1: v = 1, 1.9; w = 1 − 0.1 − 0.19.
        let w = run(Optimizer::Momentum { momentum: 0.9 }, 0.1, 2, |_| 1.0);
        assert!((w - 0.71).abs() < 1e-15);
    }

    /// Calculated by hand with the formula in PyTorch's documentation of SGD: g
    /// is 1, and the learning rate falls to a tenth after the first step.
    #[test]
    fn a_lower_learning_rate_takes_effect_immediately() {
        for (name, expected) in [
            // v = 1, 1.5, 1.75; w = −(1·1 + 0.1·1.5 + 0.1·1.75)
            ("momentum:momentum=0.5", 1.0 - 1.325),
            // g + γv = 1.5, 1.75, 1.875
            ("nesterov:momentum=0.5", 1.0 - (1.5 + 0.175 + 0.1875)),
        ] {
            let mut w = [1.0_f64];
            let mut state = OptimizerState::new(name.parse().unwrap(), 1, 1.0).unwrap();
            for rate in [1.0, 0.1, 0.1] {
                state.step(&mut w, &[1.0], rate, &Threads::single());
            }
            assert!((w[0] - expected).abs() < 1e-15, "{name}: {}", w[0]);
        }
    }

    /// One step of an optimizer, as in [`Optimizer::formula`]; `t` counts from 1.
    fn textbook(optimizer: Optimizer, t: i32, eta: f64, g: f64, w: &mut f64, slots: &mut [f64; 2]) {
        let [a, b] = slots;
        match optimizer {
            Optimizer::Sgd => *w -= eta * g,
            Optimizer::Momentum { momentum } => {
                *a = momentum * *a + g;
                *w -= eta * *a;
            }
            Optimizer::Nesterov { momentum } => {
                *a = momentum * *a + g;
                *w -= eta * (g + momentum * *a);
            }
            Optimizer::Adagrad { epsilon } => {
                *a += g * g;
                *w -= eta * g / (a.sqrt() + epsilon);
            }
            Optimizer::Adadelta { rho, epsilon } => {
                *a = rho * *a + (1.0 - rho) * g * g;
                let d = g * (*b + epsilon).sqrt() / (*a + epsilon).sqrt();
                *b = rho * *b + (1.0 - rho) * d * d;
                *w -= eta * d;
            }
            Optimizer::Rmsprop { rho, epsilon } => {
                *a = rho * *a + (1.0 - rho) * g * g;
                *w -= eta * g / (a.sqrt() + epsilon);
            }
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                *a = beta1 * *a + (1.0 - beta1) * g;
                *b = beta2 * *b + (1.0 - beta2) * g * g;
                let (m_hat, s_hat) = (*a / (1.0 - beta1.powi(t)), *b / (1.0 - beta2.powi(t)));
                *w -= eta * m_hat / (s_hat.sqrt() + epsilon);
            }
            Optimizer::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => {
                *w -= eta * weight_decay * *w;
                let adam = Optimizer::Adam {
                    beta1,
                    beta2,
                    epsilon,
                };
                textbook(adam, t, eta, g, w, slots);
            }
            Optimizer::Rprop { increase, decrease } => {
                let size = if t == 1 { eta } else { *b };
                let sign = g * *a;
                *b = match sign {
                    _ if sign > 0.0 => size * increase,
                    _ if sign < 0.0 => size * decrease,
                    _ => size,
                };
                *a = if sign < 0.0 { 0.0 } else { g };
                *w -= if *a == 0.0 { 0.0 } else { b.copysign(*a) };
            }
        }
    }

    #[test]
    fn every_optimizer_agrees_with_its_formula() {
        for &optimizer in Optimizer::ALL {
            let (mut w, mut expected) = ([0.7_f64], 0.7);
            let mut state = OptimizerState::new(optimizer, 1, 0.05).unwrap();
            let mut slots = [0.0; 2];
            for (t, g) in (1..).zip([0.5, 0.25, -2.0, -1.0, 0.0, -1.5, 3.0]) {
                state.step(&mut w, &[g], 0.05, &Threads::single());
                textbook(optimizer, t, 0.05, g, &mut expected, &mut slots);
                let difference = (w[0] - expected).abs();
                assert!(difference < 1e-12, "{optimizer}, step {t}: {difference}");
            }
        }
    }

    /// Plain gradient descent with a number of slots.
    #[derive(Debug)]
    struct WithSlots(usize);

    impl UpdateRule for WithSlots {
        fn name(&self) -> String {
            "with-slots".to_owned()
        }

        fn n_slots(&self) -> usize {
            self.0
        }

        fn update<S: Scalar>(&self, step: UpdateStep, w: &mut [S], g: &[S], _: [&mut [S]; 2]) {
            let rate = S::from_f64(step.learning_rate);
            w.iter_mut().zip(g).for_each(|(w, &g)| *w -= rate * g);
        }
    }

    #[test]
    fn a_user_defined_rule_has_the_slots_that_it_asks_for() {
        for (n_slots, expected) in [(0, [0, 0]), (1, [3, 0]), (2, [3, 3])] {
            let state = OptimizerState::<f32>::custom(WithSlots(n_slots), 3);
            assert_eq!(state.slots().map(<[f32]>::len), expected);
        }
    }

    fn check_that_nothing_is_subnormal<S: Scalar>(optimizer: Optimizer) {
        let smallest = S::min_positive_value().into_f64();
        let roots = [smallest.sqrt(), smallest.powf(0.25), 1.0];
        let sizes = [0.0, 0.4 * smallest, smallest, 1e3 * smallest];
        let sizes: Vec<f64> = sizes.into_iter().chain(roots).collect();
        let gradient: Vec<S> = sizes.iter().map(|&size| S::from_f64(size)).collect();
        let mut w = vec![S::from_f64(-2.0 * smallest); gradient.len()];
        let rate = 0.01;
        let mut state = OptimizerState::new(optimizer, w.len(), rate).unwrap();
        let zeros = vec![S::zero(); w.len()];
        let mut observe = |gradient: &[S]| {
            state.step(&mut w, gradient, rate, &Threads::single());
            let [first, second] = state.slots();
            // Only the weight decay of adamw drives weights towards 0.
            let is_decayed = matches!(optimizer, Optimizer::AdamW { .. });
            let w = if is_decayed { &w[..] } else { &[] };
            for value in first.iter().chain(second).chain(w) {
                let is_tiny = *value != S::zero() && value.abs() < S::min_positive_value();
                assert!(!is_tiny && !value.is_nan(), "{optimizer}: {value}");
            }
        };
        (0..50).for_each(|_| observe(&gradient));
        // β₂ = 0.999 needs 88 000 steps from 1 to the smallest normal f32.
        let n = if S::BYTES == 4 { 120_000 } else { 10_000 };
        (0..n).for_each(|_| observe(&zeros));
    }

    #[test]
    fn no_state_becomes_subnormal() {
        for &optimizer in Optimizer::ALL {
            check_that_nothing_is_subnormal::<f32>(optimizer);
            check_that_nothing_is_subnormal::<f64>(optimizer);
        }
    }

    #[test]
    fn a_nan_gradient_makes_the_parameters_nan() {
        for &optimizer in Optimizer::ALL {
            assert!(run(optimizer, 0.1, 1, |_| f64::NAN).is_nan(), "{optimizer}");
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let new = |optimizer, rate| OptimizerState::<f32>::new(optimizer, 1, rate).unwrap_err();
        assert_eq!(
            new(Optimizer::Momentum { momentum: 7.0 }, 0.1).to_string(),
            "momentum:momentum: expected a number from 0 to below 1, found 7"
        );
        assert_eq!(
            new(Optimizer::Sgd, 0.0).to_string(),
            "learning rate: expected a number above 0, found 0"
        );
    }

    #[test]
    fn first_step_of_adam_is_the_learning_rate() {
        let adam = Optimizer::Adam {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
        };
        assert!((run(adam, 0.01, 1, |_| 123.0) - 0.99).abs() < 1e-9);
    }

    #[test]
    fn a_gradient_that_is_completed_in_pieces_is_the_whole_gradient() {
        let n = 100_003;
        let value = |index: usize| (index * 37 % 101) as f64;
        let group = |range| ParameterGroup {
            range,
            rate_factor: 1.0,
            decay_factor: 1.0,
        };
        let groups = [group(0..1000), group(1000..n)];
        let rates = StepRates {
            learning_rate: 0.5,
            decay_factor: 1.0,
        };
        let complete = |range: ops::Range<usize>, gradient: &mut [f64]| {
            for (index, gradient) in range.zip(gradient) {
                *gradient = value(index);
            }
        };
        let (mut w, mut gradient) = (vec![0.0; n], vec![f64::NAN; n]);
        let mut state = OptimizerState::new(Optimizer::Sgd, n, 0.5).expect("valid");
        let threads = Threads::new(2);
        state.step_groups_of(&groups, &mut w, &mut gradient, &complete, rates, &threads);
        assert!((0..n).all(|index| w[index] == -0.5 * value(index)));
    }

    #[test]
    fn groups_have_their_own_rates_and_decay() {
        let optimizer: Optimizer = "adamw:weight-decay=0.5".parse().expect("valid");
        let group = |index, rate_factor, decay_factor| ParameterGroup {
            range: index..index + 1,
            rate_factor,
            decay_factor,
        };
        let groups = [group(0, 2.0, 0.25), group(1, 0.5, 4.0)];
        let rates = StepRates {
            learning_rate: 0.1,
            decay_factor: 0.5,
        };
        let mut state = OptimizerState::new(optimizer, 2, 0.1).expect("valid");
        let mut w = [1.0_f64; 2];
        state.step_groups(&groups, &mut w, &[0.0; 2], rates, &Threads::single());
        // A gradient of 0 leaves the decay: w − (rate·factor)·0.5·(0.5·factor)·w.
        assert!((w[0] - (1.0 - 0.2 * 0.5 * 0.125)).abs() < 1e-12, "{w:?}");
        assert!((w[1] - (1.0 - 0.05 * 0.5 * 2.0)).abs() < 1e-12, "{w:?}");
    }

    #[test]
    fn a_restored_state_continues_as_the_saved_one() {
        let adam: Optimizer = "adam".parse().expect("valid");
        let new = || OptimizerState::new(adam, 1, 0.1).expect("valid");
        let (mut saved, mut w) = (new(), [1.0_f64]);
        saved.step(&mut w, &[3.0], 0.1, &Threads::single());
        let mut restored = new();
        restored.restore(saved.steps(), saved.slots());
        let mut other = w;
        saved.step(&mut w, &[-1.0], 0.1, &Threads::single());
        restored.step(&mut other, &[-1.0], 0.1, &Threads::single());
        assert_eq!((other, restored.steps()), (w, 2));
    }

    #[test]
    fn the_name_of_a_state_is_that_of_its_optimizer() {
        let name = "momentum:momentum=0.5";
        let optimizer: Optimizer = name.parse().expect("valid");
        let state = OptimizerState::<f32>::new(optimizer, 1, 0.1).expect("valid");
        assert_eq!(state.name(), name);
        let custom = OptimizerState::<f32>::custom(WithSlots(1), 1);
        assert_eq!(custom.name(), "with-slots");
    }

    #[test]
    fn pieces_and_threads_do_not_change_a_bit() {
        let n = 100_003;
        let gradient: Vec<f32> = (0..n)
            .map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0)
            .collect();
        for &optimizer in Optimizer::ALL {
            let run = |threads: &Threads| {
                let mut w = vec![0.5_f32; n];
                let mut state = OptimizerState::new(optimizer, n, 0.01).unwrap();
                (0..3).for_each(|_| state.step(&mut w, &gradient, 0.01, threads));
                w
            };
            let single = run(&Threads::single());
            assert_eq!(single, run(&Threads::new(3)), "{optimizer}");
            assert_eq!(single[1..2], single[102..103], "{optimizer}");
        }
    }
}
