//! Optimizers: how a gradient g becomes a step of the parameters w.
//!
//! η is the learning rate, t counts steps from 1, all operations are for each
//! parameter by itself.
//!
//! | name | rule | source |
//! |---|---|---|
//! | `sgd` | w ← w − η·g | newbies 2.4; Schoofs (4) |
//! | `momentum:momentum=0.9` | v ← γ·v + η·g, w ← w − v | newbies 5.2.11 |
//! | `nesterov:momentum=0.9` | v ← γ·v + η·g, w ← w − (γ·v + η·g) | Sutskever et al. 2013 |
//! | `adagrad:epsilon=1e-10` | s ← s + g², w ← w − η·g/(√s + ε) | Duchi et al. 2011 |
//! | `adadelta:rho=0.9:epsilon=1e-6` | s ← ρ·s + (1−ρ)·g², d = g·√(u + ε)/√(s + ε), u ← ρ·u + (1−ρ)·d², w ← w − η·d | Zeiler 2012 |
//! | `rmsprop:rho=0.9:epsilon=1e-8` | s ← ρ·s + (1−ρ)·g², w ← w − η·g/(√s + ε) | Hinton 2012, lecture 6e |
//! | `adam:beta1=0.9:beta2=0.999:epsilon=1e-8` | m ← β₁·m + (1−β₁)·g, s ← β₂·s + (1−β₂)·g², w ← w − η·m̂/(√ŝ + ε) with m̂ = m/(1−β₁ᵗ), ŝ = s/(1−β₂ᵗ) | Kingma & Ba 2015, algorithm 1 |
//! | `adamw:…:weight-decay=0.01` | w ← w − η·λ·w, then as `adam` | Loshchilov & Hutter 2019 |
//! | `rprop:increase=1.2:decrease=0.5` | step grows while the sign of g stays, shrinks when it turns | Riedmiller & Braun 1993, without backtracking |
//!
//! With a constant η the two forms of momentum agree with PyTorch's, which
//! keeps η out of v. `rprop` starts with steps of η and is for full batches.

use nn_tensor::{AlignedSlice, Kernel, Scalar, Threads, vectorize};

use crate::menu::{Menu, Parameter, Range, menu_text};

/// How a gradient becomes a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Gradient descent.
    Sgd,
    /// Gradient descent with momentum.
    Momentum {
        /// γ, the share of the last step that is kept.
        momentum: f64,
    },
    /// Momentum that looks ahead.
    Nesterov {
        /// γ, the share of the last step that is kept.
        momentum: f64,
    },
    /// Steps divided by the root of the sum of all squared gradients.
    Adagrad {
        /// ε, keeps the divisor from 0.
        epsilon: f64,
    },
    /// Steps in the units of the parameters.
    Adadelta {
        /// ρ, memory of the averages.
        rho: f64,
        /// ε, keeps the divisor from 0 and starts the averages.
        epsilon: f64,
    },
    /// Steps divided by the root of a running mean of squared gradients.
    Rmsprop {
        /// ρ, memory of the average.
        rho: f64,
        /// ε, keeps the divisor from 0.
        epsilon: f64,
    },
    /// Momentum and scaled steps, both corrected for their start at 0.
    Adam {
        /// β₁, memory of the mean gradient.
        beta1: f64,
        /// β₂, memory of the mean squared gradient.
        beta2: f64,
        /// ε, keeps the divisor from 0.
        epsilon: f64,
    },
    /// Adam with decoupled weight decay.
    AdamW {
        /// β₁, memory of the mean gradient.
        beta1: f64,
        /// β₂, memory of the mean squared gradient.
        beta2: f64,
        /// ε, keeps the divisor from 0.
        epsilon: f64,
        /// λ, share of the parameters that is taken away per step and η.
        weight_decay: f64,
    },
    /// Steps that depend on the sign of the gradient alone.
    Rprop {
        /// Growth of the step while the sign stays.
        increase: f64,
        /// Shrinkage of the step when the sign turns.
        decrease: f64,
    },
}

/// Smallest and largest step of Rprop.
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
    /// The learning rate one would start with.
    pub fn default_learning_rate(self) -> f64 {
        match self {
            Self::Sgd => 0.1,
            Self::Momentum { .. } | Self::Nesterov { .. } | Self::Adagrad { .. } => 0.01,
            Self::Adadelta { .. } => 1.0,
            Self::Rmsprop { .. } | Self::Adam { .. } | Self::AdamW { .. } => 0.001,
            Self::Rprop { .. } => 0.001,
        }
    }

    /// The rule as text, for people: g is the gradient, η the learning rate, t
    /// the number of the step, from 1.
    pub fn formula(self) -> &'static str {
        match self {
            Self::Sgd => "w ← w − η·g",
            Self::Momentum { .. } => "v ← γ·v + η·g,  w ← w − v",
            Self::Nesterov { .. } => "v ← γ·v + η·g,  w ← w − (γ·v + η·g)",
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
                "s ← increase·s while the sign of g stays, decrease·s when it turns,  w ← w − s·sign(g)"
            }
        }
    }

    /// Numbers remembered for every parameter.
    pub(crate) fn n_slots(self) -> usize {
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

/// An optimizer with what it remembers between steps.
#[derive(Clone, Debug)]
pub struct OptimizerState<S> {
    optimizer: Optimizer,
    steps: u64,
    /// One or two buffers laid out like the parameters, or empty ones.
    slots: [AlignedSlice<S>; 2],
}

impl<S: Scalar> OptimizerState<S> {
    /// Before the first step.
    pub fn new(optimizer: Optimizer, n_parameters: usize, learning_rate: f64) -> Self {
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
        Self {
            optimizer,
            steps: 0,
            slots: [slot(0, 0.0), slot(1, second)],
        }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What is remembered for every parameter.
    pub fn slots(&self) -> [&[S]; 2] {
        [&self.slots[0], &self.slots[1]]
    }

    /// Continues where another state of the same optimizer stood.
    ///
    /// # Panics
    /// If a slot differs in length.
    pub fn restore(&mut self, steps: u64, slots: [&[S]; 2]) {
        self.steps = steps;
        for (slot, saved) in self.slots.iter_mut().zip(slots) {
            slot.copy_from_slice(saved);
        }
    }

    /// Changes `parameters` by one step against `gradient`.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn step(
        &mut self,
        parameters: &mut [S],
        gradient: &[S],
        learning_rate: f64,
        threads: &Threads,
    ) {
        assert_eq!(parameters.len(), gradient.len(), "one gradient a parameter");
        self.steps += 1;
        let rule = Rule::new(self.optimizer, learning_rate, self.steps);
        let chunk = parameters.len().div_ceil(MAX_PIECES).max(MIN_PIECE);
        let [first, second] = &mut self.slots;
        let mut pieces: [Option<Update<'_, S>>; MAX_PIECES] = Default::default();
        let mut firsts = first.chunks_mut(chunk);
        let mut seconds = second.chunks_mut(chunk);
        let mut n_pieces = 0;
        for (parameters, gradient) in parameters.chunks_mut(chunk).zip(gradient.chunks(chunk)) {
            pieces[n_pieces] = Some(Update {
                rule,
                parameters,
                gradient,
                first: firsts.next().unwrap_or_default(),
                second: seconds.next().unwrap_or_default(),
            });
            n_pieces += 1;
        }
        threads.for_each(&mut pieces[..n_pieces], |_, piece| {
            vectorize(piece.take().expect("each piece is updated once"));
        });
    }
}

/// Most pieces, and fewest parameters in one, that an update is cut into for
/// several threads.
const MAX_PIECES: usize = 16;
const MIN_PIECE: usize = 4096;

/// The constants of one step.
#[derive(Clone, Copy)]
struct Rule<S> {
    optimizer: Optimizer,
    learning_rate: S,
    /// 1/(1 − β₁ᵗ) and 1/(1 − β₂ᵗ)
    corrections: [S; 2],
}

impl<S: Scalar> Rule<S> {
    fn new(optimizer: Optimizer, learning_rate: f64, step: u64) -> Self {
        let correction = |beta: f64| S::from_f64(1.0 / (1.0 - beta.powf(step as f64)));
        let corrections = match optimizer {
            Optimizer::Adam { beta1, beta2, .. } | Optimizer::AdamW { beta1, beta2, .. } => {
                [correction(beta1), correction(beta2)]
            }
            _ => [S::one(); 2],
        };
        Self {
            optimizer,
            learning_rate: S::from_f64(learning_rate),
            corrections,
        }
    }
}

struct Update<'a, S> {
    rule: Rule<S>,
    parameters: &'a mut [S],
    gradient: &'a [S],
    first: &'a mut [S],
    second: &'a mut [S],
}

impl<S: Scalar> Kernel for Update<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            rule,
            parameters,
            gradient,
            first,
            second,
        } = self;
        let rate = rule.learning_rate;
        let one = S::one();
        match rule.optimizer {
            Optimizer::Sgd => {
                for (w, &g) in parameters.iter_mut().zip(gradient) {
                    *w -= rate * g;
                }
            }
            Optimizer::Momentum { momentum } => {
                let momentum = S::from_f64(momentum);
                for ((w, &g), v) in parameters.iter_mut().zip(gradient).zip(first) {
                    *v = momentum * *v + rate * g;
                    *w -= *v;
                }
            }
            Optimizer::Nesterov { momentum } => {
                let momentum = S::from_f64(momentum);
                for ((w, &g), v) in parameters.iter_mut().zip(gradient).zip(first) {
                    *v = momentum * *v + rate * g;
                    *w -= momentum * *v + rate * g;
                }
            }
            Optimizer::Adagrad { epsilon } => {
                let epsilon = S::from_f64(epsilon);
                for ((w, &g), s) in parameters.iter_mut().zip(gradient).zip(first) {
                    *s += g * g;
                    *w -= rate * g / (s.sqrt() + epsilon);
                }
            }
            Optimizer::Adadelta { rho, epsilon } => {
                let [rho, epsilon] = [rho, epsilon].map(S::from_f64);
                let slots = first.iter_mut().zip(second);
                for ((w, &g), (s, u)) in parameters.iter_mut().zip(gradient).zip(slots) {
                    *s = rho * *s + (one - rho) * g * g;
                    let d = g * (*u + epsilon).sqrt() / (*s + epsilon).sqrt();
                    *u = rho * *u + (one - rho) * d * d;
                    *w -= rate * d;
                }
            }
            Optimizer::Rmsprop { rho, epsilon } => {
                let [rho, epsilon] = [rho, epsilon].map(S::from_f64);
                for ((w, &g), s) in parameters.iter_mut().zip(gradient).zip(first) {
                    *s = rho * *s + (one - rho) * g * g;
                    *w -= rate * g / (s.sqrt() + epsilon);
                }
            }
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            } => {
                let constants = [beta1, beta2, epsilon, 0.0];
                adam(rule, constants, parameters, gradient, first, second);
            }
            Optimizer::AdamW {
                beta1,
                beta2,
                epsilon,
                weight_decay,
            } => {
                let constants = [beta1, beta2, epsilon, weight_decay];
                adam(rule, constants, parameters, gradient, first, second);
            }
            Optimizer::Rprop { increase, decrease } => {
                let [increase, decrease] = [increase, decrease].map(S::from_f64);
                let [smallest, largest] = RPROP_STEPS.map(S::from_f64);
                let slots = first.iter_mut().zip(second);
                for ((w, &g), (last, step)) in parameters.iter_mut().zip(gradient).zip(slots) {
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
                        S::zero()
                    };
                    *w -= sign * *step;
                    *last = g;
                }
            }
        }
    }
}

#[inline(always)]
fn adam<S: Scalar>(
    rule: Rule<S>,
    constants: [f64; 4],
    parameters: &mut [S],
    gradient: &[S],
    means: &mut [S],
    squares: &mut [S],
) {
    let rate = rule.learning_rate;
    let [beta1, beta2, epsilon, weight_decay] = constants.map(S::from_f64);
    let [rest1, rest2] = [constants[0], constants[1]].map(|beta| S::from_f64(1.0 - beta));
    let [mean_correction, square_correction] = rule.corrections;
    let kept = S::one() - rate * weight_decay;
    let slots = means.iter_mut().zip(squares);
    for ((w, &g), (m, s)) in parameters.iter_mut().zip(gradient).zip(slots) {
        *m = beta1 * *m + rest1 * g;
        *s = beta2 * *s + rest2 * g * g;
        let step = rate * (*m * mean_correction) / ((*s * square_correction).sqrt() + epsilon);
        *w = *w * kept - step;
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
        let mut state = OptimizerState::new(optimizer, 1, rate);
        for _ in 0..n {
            let g = [gradient(w[0])];
            state.step(&mut w, &g, rate, &Threads::single());
        }
        w[0]
    }

    #[test]
    fn every_optimizer_finds_the_bottom_of_a_parabola() {
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
    fn momentum_by_hand() {
        // g = 1: v = 0.1, 0.19; w = 1 − 0.1 − 0.19.
        let w = run(Optimizer::Momentum { momentum: 0.9 }, 0.1, 2, |_| 1.0);
        assert!((w - 0.71).abs() < 1e-15);
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
    fn pieces_and_threads_do_not_change_a_bit() {
        let n = 100_003;
        let gradient: Vec<f32> = (0..n)
            .map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0)
            .collect();
        for &optimizer in Optimizer::ALL {
            let run = |threads: &Threads| {
                let mut w = vec![0.5_f32; n];
                let mut state = OptimizerState::new(optimizer, n, 0.01);
                (0..3).for_each(|_| state.step(&mut w, &gradient, 0.01, threads));
                w
            };
            let single = run(&Threads::single());
            assert_eq!(single, run(&Threads::new(3)), "{optimizer}");
            assert_eq!(single[1..2], single[102..103], "{optimizer}");
        }
    }
}
