//! A tutorial: one training step worked out by hand, with runnable code.
//!
//! A network turns an *input* into an *output*, both rows of numbers. *Training* shows the
//! network inputs whose correct outputs, the *targets*, are known, and changes the network a
//! little each time, so that its outputs come closer to the targets. This page takes one such
//! step with a network small enough for pencil and paper, in four short calculations, and
//! repeats it with the library at the end. The formulas are from *Neural Networks for Newbies*,
//! section 2.7, and from Schoofs, *Artificial Neural Networks*, whose equation numbers are in
//! brackets.
//!
//! # The network
//! The input has two values. Two *neurons* compute with them, and two more neurons
//! compute the output from the results of the first two:
//!
//! ```text
//!   input       hidden layer       output layer
//!   x = 1 ──────── neuron ───────── neuron ─────→ a
//!         ╲      ╱         ╲      ╱
//!         ╱      ╲         ╱      ╲
//!   x = 2 ──────── neuron ───────── neuron ─────→ a
//! ```
//!
//! Every line is a *weight* (w), a factor that multiplies the value passing along it, and every
//! neuron adds a *bias* (b). These twelve numbers are the *parameters*; nothing else changes in
//! training. A neuron adds up the weighted values and its bias, and applies an *activation
//! function* φ to the sum:
//!
//! ```text
//! z = Σ w·x + b       the weighted sum                                (1)
//! a = φ(z)            the activation                                  (3)
//! ```
//!
//! Here the hidden layer has φ(z) = max(0, z), called *relu*, and the output
//! layer φ(z) = 1/(1 + e⁻ᶻ), the *sigmoid*, which lies between 0 and 1.
//!
//! | | weights W: one row per input, one column per neuron | biases b |
//! |---|---|---|
//! | hidden layer | ½, 1 / ½, −1 | ½, ½ |
//! | output layer | ½, −1 / 1, 2 | −1, 2 |
//!
//! The input is x = (1, 2), the target y = (1, 0).
//!
//! # 1. Forward: from the input to the output
//! A layer computes all its neurons at once. With the weights as a matrix W, its
//! sums are z = x·W + b: the *j*-th is row x times column *j*. The first hidden
//! neuron gets 1·½ + 2·½ + ½ = 2, the second 1·1 − 2·1 + ½ = −½. Relu keeps
//! the 2 and makes the −½ a 0. (Schoofs stores W the other way round, one row
//! per neuron, and writes Wᵀ in its place; the values are the same.)
//!
//! ```
//! use nn_core::ndarray::{Array2, array};
//! use nn_core::{Activation, Threads, stage::dense};
//!
//! // z = x·W + b    (3), (10)     stage/dense.rs
//! let threads = Threads::single();
//! let x = array![[1.0_f64, 2.0]];
//! let w = array![[0.5, 1.0], [0.5, -1.0]];
//! let mut z = Array2::zeros((1, 2));
//! dense::forward(x.view(), w.view(), &[0.5, 0.5], z.view_mut(), &threads);
//! assert_eq!(z, array![[2.0, -0.5]]);
//!
//! // a = φ(z)       (3), (10)     activation.rs
//! let mut a = [2.0, -0.5];
//! Activation::Relu.apply(&mut a, 2);
//! assert_eq!(a, [2.0, 0.0]);
//!
//! // The output layer does the same with the outputs of the hidden layer. The
//! // sums are 2·½ + 0·1 − 1 = 0 and 2·(−1) + 0·2 + 2 = 0.
//! let a = array![[2.0, 0.0]];
//! let w = array![[0.5, -1.0], [1.0, 2.0]];
//! dense::forward(a.view(), w.view(), &[-1.0, 2.0], z.view_mut(), &threads);
//! assert_eq!(z, array![[0.0, 0.0]]);
//!
//! // 1/(1 + e⁰) = ½, twice: the network is undecided.
//! let mut a = [0.0, 0.0];
//! Activation::Sigmoid.apply(&mut a, 2);
//! assert_eq!(a, [0.5, 0.5]);
//! ```
//!
//! # 2. Loss: how wrong is the output?
//! The *loss* C is one number, which is 0 if the output equals the target and grows as the
//! output gets worse. Schoofs uses half the sum of the squared differences, C = ½·Σ(a − y)² =
//! ½·(¼ + ¼) = ¼.
//!
//! To reduce the loss, training needs the direction in which to change the output.
//! A *derivative* says how fast C changes when one number changes and all others
//! stay the same. The backward pass
//! starts with the derivative with respect to the output layer's sums. This
//! derivative is called the *error* of these neurons and is written δ (delta). C
//! changes with a at the rate a − y, and a changes with z at the rate φ′(z), the
//! derivative of φ. By the *chain rule*, C changes with z at the product of these
//! rates:
//!
//! ```text
//! δ = ∂C/∂z = (a − y)·φ′(z)                                   above (5)
//! ```
//!
//! The derivative of the sigmoid is a·(1 − a), here ½·½ = ¼, so δ = (−½·¼, ½·¼) =
//! (−⅛, ⅛): the first sum should grow, the second should shrink.
//!
//! ```
//! use nn_core::{Activation, Loss};
//!
//! // C and δ        (5)           loss.rs, and φ′ in activation.rs
//! let (z, a, y) = ([0.0, 0.0], [0.5, 0.5], [1.0, 0.0]);
//! let mut delta = [0.0; 2];
//! let loss = Loss::Quadratic.of_row(Activation::Sigmoid, &z, &a, &y, &mut delta);
//! assert_eq!(loss, 0.25);
//! assert_eq!(delta, [-0.125, 0.125]);
//! ```
//!
//! # 3. Backward: how much does each parameter contribute?
//! The derivatives of C with respect to *all* parameters together are called the
//! *gradient*. If a bias grows by 1, so does the sum of its neuron. If a weight
//! grows by 1, the sum grows by the value that passes along the line. So, for
//! every layer,
//!
//! ```text
//! ∂C/∂b = δ                                                           (5)
//! ∂C/∂W = aᵀ·δ    a: what came into the layer; entry i, j is aᵢ·δⱼ    (6), (12)
//! ```
//!
//! The errors of this layer are sent back along the same lines and multiplied by
//! φ′ of the layer below, which gives the errors of the layer below:
//!
//! ```text
//! δ below = (δ·Wᵀ)·φ′(z below)                                        (7), (13)
//! ```
//!
//! For the first hidden neuron, δ·Wᵀ is −⅛·½ + ⅛·(−1) = −3/16; for the second, it is −⅛·1 + ⅛·2
//! = ⅛. But the second neuron has z = −½, where relu is flat and its derivative is 0. A small
//! change of this sum has no effect, so the error of the neuron is 0, and the neuron learns
//! nothing from this input.
//!
//! ```
//! use nn_core::ndarray::{Array2, array};
//! use nn_core::{Activation, Threads, stage::dense};
//!
//! let threads = Threads::single();
//! let delta = array![[-0.125_f64, 0.125]];
//!
//! // Output layer: aᵀ·δ and δ   (5), (6), (12)     stage/dense.rs
//! let (mut dw, mut db) = (Array2::zeros((2, 2)), [0.0; 2]);
//! let a = array![[2.0, 0.0]];
//! dense::add_gradients(a.view(), delta.view(), dw.view_mut(), &mut db, &threads);
//! assert_eq!(dw, array![[-0.25, 0.25], [0.0, 0.0]]);
//! assert_eq!(db, [-0.125, 0.125]);
//!
//! // δ·Wᵀ                       (7), (13)          stage/dense.rs
//! let w = array![[0.5, -1.0], [1.0, 2.0]];
//! let mut below = Array2::zeros((1, 2));
//! dense::backward(delta.view(), w.view(), below.view_mut(), &threads);
//! assert_eq!(below, array![[-0.1875, 0.125]]);
//!
//! // times φ′(z)                (7), (13)          activation.rs
//! let (z, a) = ([2.0, -0.5], [2.0, 0.0]);
//! let mut delta = [-0.1875, 0.125];
//! Activation::Relu.backward(&z, &a, &mut delta, 2);
//! assert_eq!(delta, [-0.1875, 0.0]);
//!
//! // Hidden layer: xᵀ·δ and δ
//! let (mut dw, mut db) = (Array2::zeros((2, 2)), [0.0; 2]);
//! let (x, delta) = (array![[1.0, 2.0]], array![[-0.1875, 0.0]]);
//! dense::add_gradients(x.view(), delta.view(), dw.view_mut(), &mut db, &threads);
//! assert_eq!(dw, array![[-0.1875, 0.0], [-0.375, 0.0]]);
//! assert_eq!(db, [-0.1875, 0.0]);
//! ```
//!
//! # 4. Update: a small step
//! If a derivative is positive, a larger parameter means a larger loss. So every
//! parameter moves *against* its derivative, and the *learning rate* η says how
//! far:
//!
//! ```text
//! w ← w − η·∂C/∂w                                                     (4)
//! ```
//!
//! With η = 1 the output layer's first weight goes from ½ to ½ + ¼.
//!
//! ```
//! use nn_core::optimizer::{Optimizer, OptimizerState};
//! use nn_core::Threads;
//!
//! // w ← w − η·∂C/∂w            (4), (5), (6)      optimizer.rs
//! let mut w = [0.5_f64, -1.0, 1.0, 2.0];
//! let gradient = [-0.25, 0.25, 0.0, 0.0];
//! let mut optimizer = OptimizerState::new(Optimizer::Sgd, w.len(), 1.0)?;
//! optimizer.step(&mut w, &gradient, 1.0, &Threads::single());
//! assert_eq!(w, [0.75, -1.25, 1.0, 2.0]);
//! # Ok::<(), nn_core::Error>(())
//! ```
//!
//! # The same step by the library
//! A [`Network`](crate::Network) keeps all parameters in one buffer: the hidden
//! layer's weights and biases, then the output layer's. Each step of a
//! [`Trainer`](crate::Trainer) does all of the above.
//!
//! ```
//! use nn_core::ndarray::array;
//! use nn_core::{
//!     Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Optimizer, Samples, Targets,
//!     Threads, Trainer, TrainingConfig,
//! };
//!
//! let layers = vec![
//!     LayerConfig::new(2, Activation::Relu),
//!     LayerConfig::new(2, Activation::Sigmoid),
//! ];
//! let mut network = Network::<f64>::zeros(&NetworkConfig { n_inputs: 2, layers })?;
//! network.parameters_mut().copy_from_slice(&[
//!     0.5, 1.0, 0.5, -1.0, 0.5, 0.5,
//!     0.5, -1.0, 1.0, 2.0, -1.0, 2.0,
//! ]);
//! let (x, y) = (array![[1.0, 2.0]], array![[1.0, 0.0]]);
//! let samples = Samples::new(Inputs::values(x.view()), Targets::values(y.view()))?;
//! let mut config = TrainingConfig::new(Loss::Quadratic, Optimizer::Sgd);
//! (config.learning_rate, config.epochs) = (1.0, 1);
//!
//! let trainer = Trainer::new(network, samples, None, config, Threads::single())?;
//! let network = trainer.finish()?;
//! assert_eq!(network.parameters(), [
//!     0.6875, 1.0, 0.875, -1.0, 0.6875, 0.5,
//!     0.75, -1.25, 1.0, 2.0, -0.875, 1.875,
//! ]);
//!
//! // The step helped: the loss was 0.25.
//! let a = network.predict(&[1.0, 2.0])?;
//! let loss = 0.5 * ((a[0] - 1.0_f64).powi(2) + (a[1] - 0.0_f64).powi(2));
//! assert!(loss < 0.05);
//! # Ok::<(), nn_core::Error>(())
//! ```
//!
//! # Where to go next
//! - **Many samples.** With one sample per row, x, z, a and δ become matrices,
//!   (8) to (11), and the same calls work on all rows at once. The gradient is
//!   the mean of the rows' gradients: the 1/m of (12). `training.rs` shuffles the
//!   rows, splits them into *batches* and takes a step for each; a pass over all
//!   rows is an *epoch*.
//! - **Classes.** To tell which of ten digits an image shows, the output layer is
//!   a *softmax*, whose outputs add up to 1, and the loss is the *cross-entropy*,
//!   −ln of the output of the true class. Then δ is simply a − y, without a
//!   factor φ′ that can be nearly 0: see `loss.rs`.
//! - **Optimizers.** `optimizer.rs` contains update rules that work better than a fixed
//!   multiple of the gradient.
//! - **Initial weights.** If all weights are 0, the neurons of a layer stay equal
//!   and cannot learn different things. `init.rs` draws random weights of a
//!   suitable size.
//! - **Gradient check.** `gradient_check.rs` increases and decreases single
//!   parameters a little and compares the change of the loss with the gradient.
//! - **Your own training loop.** `examples/02_own_training_loop.rs` shows how to
//!   write one.
