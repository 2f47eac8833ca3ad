//! Benchmarks of the matrix products and the element-wise functions.
//!
//! ```console
//! $ cargo bench -p nn-tensor                # all, about ten seconds
//! $ cargo bench -p nn-tensor -- forward     # those whose name contains this word
//! ```
//!
//! An item of a product is one of its 2·m·k·n additions and multiplications, so
//! `Gitem/s` is GFLOP/s; an item of a function is one element. `1` and `2` below a
//! name are numbers of threads.

use std::fmt;

use divan::Bencher;
use divan::counter::ItemsCount;
use ndarray::{Array2, ArrayView2};
use nn_tensor::{Threads, function, matmul, softmax};

fn main() {
    divan::main();
}

/// The shape of a product of a layer: batch size, inputs and outputs.
#[derive(Clone, Copy)]
struct Shape {
    batch_size: usize,
    n_inputs: usize,
    n_outputs: usize,
}

impl Shape {
    const fn new(batch_size: usize, n_inputs: usize, n_outputs: usize) -> Self {
        Self {
            batch_size,
            n_inputs,
            n_outputs,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}x{}x{}",
            self.batch_size, self.n_inputs, self.n_outputs
        )
    }
}

const SHAPES: [Shape; 5] = [
    Shape::new(1, 784, 64),
    Shape::new(32, 784, 128),
    Shape::new(128, 784, 512),
    Shape::new(1024, 784, 1024),
    Shape::new(60_000, 784, 10),
];

/// Forward product `Z = A·W`.
#[divan::bench(args = SHAPES, consts = [1, 2], max_time = 0.2)]
fn forward<const THREADS: usize>(bencher: Bencher<'_, '_>, shape: Shape) {
    let a = matrix(shape.batch_size, shape.n_inputs);
    let w = matrix(shape.n_inputs, shape.n_outputs);
    product(bencher, a.view(), w.view(), THREADS);
}

/// Gradient of the weights `ΔW = Aᵀ·Δ`.
#[divan::bench(args = SHAPES, consts = [1, 2], max_time = 0.2)]
fn weights_gradient<const THREADS: usize>(bencher: Bencher<'_, '_>, shape: Shape) {
    let a = matrix(shape.batch_size, shape.n_inputs);
    let delta = matrix(shape.batch_size, shape.n_outputs);
    product(bencher, a.t(), delta.view(), THREADS);
}

/// Error of the layer below `Δ' = Δ·Wᵀ`.
#[divan::bench(args = SHAPES, consts = [1, 2], max_time = 0.2)]
fn error_below<const THREADS: usize>(bencher: Bencher<'_, '_>, shape: Shape) {
    let delta = matrix(shape.batch_size, shape.n_outputs);
    let w = matrix(shape.n_inputs, shape.n_outputs);
    product(bencher, delta.view(), w.t(), THREADS);
}

fn product(
    bencher: Bencher<'_, '_>,
    a: ArrayView2<'_, f32>,
    b: ArrayView2<'_, f32>,
    n_threads: usize,
) {
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    let mut c = Array2::zeros((m, n));
    let threads = Threads::new(n_threads);
    bencher
        .counter(ItemsCount::new(2 * m * k * n))
        .bench_local(|| matmul(a, b, c.view_mut(), &threads));
}

/// Values between -1 and 1 in a pattern that does not affect the speed.
fn matrix(rows: usize, columns: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, columns), |(i, j)| {
        ((7 * i + 13 * j) % 101) as f32 / 50.0 - 1.0
    })
}

const N_VALUES: usize = 128 * 512;

#[divan::bench(max_time = 0.2)]
fn exp(bencher: Bencher<'_, '_>) {
    element_wise(bencher, function::exp);
}

#[divan::bench(max_time = 0.2)]
fn sigmoid(bencher: Bencher<'_, '_>) {
    element_wise(bencher, function::sigmoid);
}

#[divan::bench(max_time = 0.2)]
fn tanh(bencher: Bencher<'_, '_>) {
    element_wise(bencher, function::tanh);
}

/// Softmax of rows of ten logits.
#[divan::bench(max_time = 0.2)]
fn softmax_rows(bencher: Bencher<'_, '_>) {
    element_wise(bencher, |values| {
        let whole_rows = values.len() / 10 * 10;
        softmax::softmax_rows(&mut values[..whole_rows], 10);
    });
}

/// Measures a function on the same values each time, not on its own results.
fn element_wise(bencher: Bencher<'_, '_>, function: impl Fn(&mut [f32])) {
    let start = matrix(1, N_VALUES).into_raw_vec_and_offset().0;
    bencher
        .counter(ItemsCount::new(N_VALUES))
        .with_inputs(|| start.clone())
        .bench_local_refs(|values| function(values));
}
