//! Benchmark of the overhead of a general library: a step of gradient descent on one
//! sample through 6-64-8-4, by the library and by code written for this network only.
//!
//! ```console
//! $ cargo bench -p nn-core --bench small_network
//! ```
//!
//! Both do the same steps on the same samples. Their weights are compared after some
//! hundred steps, before the measurement.

use divan::Bencher;
use divan::counter::ItemsCount;
use nn_core::ndarray::Array2;
use nn_core::training::{BatchSize, Event};
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Samples, Targets, Threads,
    Trainer, TrainingConfig,
};
use nn_tensor::{Kernel, vectorize};

const N_SAMPLES: usize = 4096;
const LEARNING_RATE: f32 = 1e-3;

fn main() {
    check_that_both_do_the_same();
    divan::main();
}

/// Number of steps per time measurement.
const N_STEPS: usize = 64;

#[divan::bench(max_time = 1)]
fn library(bencher: Bencher<'_, '_>) {
    let (inputs, labels) = samples();
    let mut trainer = trainer(&inputs, &labels);
    bencher
        .counter(ItemsCount::new(N_STEPS))
        .bench_local(|| (0..N_STEPS).for_each(|_| advance_by_a_batch(&mut trainer)));
}

#[divan::bench(max_time = 1)]
fn straight_line(bencher: Bencher<'_, '_>) {
    bench_steps(bencher, |step| step.run());
}

/// The same code, compiled for the widest vector instructions of this machine.
#[divan::bench(max_time = 1)]
fn straight_line_widest(bencher: Bencher<'_, '_>) {
    bench_steps(bencher, |step| vectorize(step));
}

#[inline(always)]
fn bench_steps(bencher: Bencher<'_, '_>, run: impl Fn(Step<'_>) -> f32) {
    let (inputs, labels) = samples();
    let mut network = StraightLine::new(network().parameters());
    let mut row = 0;
    bencher
        .counter(ItemsCount::new(N_STEPS))
        .bench_local(move || {
            for _ in 0..N_STEPS {
                row = (row + 1) % N_SAMPLES;
                run(Step {
                    network: &mut network,
                    inputs: six(&inputs, row),
                    label: labels[row] as usize,
                });
            }
        });
}

/// A step of [`StraightLine`], to be compiled for several instruction sets.
struct Step<'a> {
    network: &'a mut StraightLine,
    inputs: &'a [f32; 6],
    label: usize,
}

impl Kernel for Step<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        self.network.step(self.inputs, self.label)
    }
}

fn six(inputs: &Array2<f32>, row: usize) -> &[f32; 6] {
    let numbers = inputs.as_slice().expect("a new array is contiguous");
    &numbers.as_chunks().0[row]
}

fn samples() -> (Array2<f32>, Vec<u32>) {
    let noise = |row: usize, column: usize| ((row * 31 + column * 17) % 251) as f32 / 250.0;
    let inputs = Array2::from_shape_fn((N_SAMPLES, 6), |(row, column)| noise(row, column));
    let labels = (0..N_SAMPLES).map(|row| (row % 4) as u32).collect();
    (inputs, labels)
}

fn network() -> Network {
    let layers = vec![
        LayerConfig::new(64, Activation::Relu),
        LayerConfig::new(8, Activation::Relu),
        LayerConfig::new(4, Activation::Softmax),
    ];
    Network::new(
        &NetworkConfig {
            n_inputs: 6,
            layers,
        },
        0,
    )
    .expect("widths are above 0")
}

fn trainer<'a>(inputs: &'a Array2<f32>, labels: &'a [u32]) -> Trainer<'a> {
    let targets = Targets::classes(labels, 4);
    let samples = Samples::new(Inputs::values(inputs.view()), targets)
        .expect("labels are below the number of classes");
    let sgd = "sgd".parse().expect("a name from the menu");
    let config = TrainingConfig {
        learning_rate: LEARNING_RATE.into(),
        batch_size: BatchSize::Rows(1),
        shuffle: false,
        epochs: usize::MAX >> 16,
        ..TrainingConfig::new(Loss::CrossEntropy, sgd)
    };
    Trainer::new(network(), samples, None, config, Threads::single())
        .expect("network, samples and configuration fit")
}

/// Does one step, and the end of the epoch if it is reached.
fn advance_by_a_batch(trainer: &mut Trainer<'_>) {
    while let Some(Event::Epoch(_)) = trainer.advance().expect("the loss stays finite") {}
}

fn check_that_both_do_the_same() {
    let (inputs, labels) = samples();
    let mut trainer = trainer(&inputs, &labels);
    let mut ours = StraightLine::new(network().parameters());
    for (row, &label) in labels[..500].iter().enumerate() {
        advance_by_a_batch(&mut trainer);
        ours.step(six(&inputs, row), label as usize);
    }
    let network = trainer.network();
    for (library, straight) in network.parameters().iter().zip(ours.parameters()) {
        assert!(
            (library - straight).abs() < 1e-5,
            "{library} is not {straight}"
        );
    }
}

/// A network 6-64-8-4 with relu and softmax, without any options.
struct StraightLine {
    w1: [[f32; 64]; 6],
    b1: [f32; 64],
    w2: [[f32; 8]; 64],
    b2: [f32; 8],
    w3: [[f32; 4]; 8],
    b3: [f32; 4],
}

impl StraightLine {
    /// Copies the library's parameters: for each layer W by rows, then b.
    fn new(parameters: &[f32]) -> Self {
        let mut next = parameters.iter().copied();
        let mut number = move || next.next().expect("as many parameters");
        Self {
            w1: std::array::from_fn(|_| std::array::from_fn(|_| number())),
            b1: std::array::from_fn(|_| number()),
            w2: std::array::from_fn(|_| std::array::from_fn(|_| number())),
            b2: std::array::from_fn(|_| number()),
            w3: std::array::from_fn(|_| std::array::from_fn(|_| number())),
            b3: std::array::from_fn(|_| number()),
        }
    }

    fn parameters(&self) -> Vec<f32> {
        let layers: [(&[f32], &[f32]); 3] = [
            (self.w1.as_flattened(), &self.b1),
            (self.w2.as_flattened(), &self.b2),
            (self.w3.as_flattened(), &self.b3),
        ];
        layers
            .into_iter()
            .flat_map(|(w, b)| [w, b].concat())
            .collect()
    }

    /// Does one step, W ← W − η·aᵀδ, and returns the cross-entropy loss.
    #[inline(always)]
    fn step(&mut self, x: &[f32; 6], label: usize) -> f32 {
        let mut a1 = affine(x, &self.w1, &self.b1);
        relu(&mut a1);
        let mut a2 = affine(&a1, &self.w2, &self.b2);
        relu(&mut a2);
        let z3 = affine(&a2, &self.w3, &self.b3);

        let max = z3.iter().copied().fold(f32::MIN, f32::max);
        let mut d3 = z3.map(|z| (z - max).exp());
        let sum: f32 = d3.iter().sum();
        d3.iter_mut().for_each(|p| *p /= sum);
        let loss = -d3[label].ln();
        d3[label] -= 1.0;

        let d2 = errors_below(&d3, &self.w3, &a2);
        let d1 = errors_below(&d2, &self.w2, &a1);
        descend(&mut self.w3, &mut self.b3, &a2, &d3);
        descend(&mut self.w2, &mut self.b2, &a1, &d2);
        descend(&mut self.w1, &mut self.b1, x, &d1);
        loss
    }
}

/// z = b + aW
#[inline(always)]
fn affine<const M: usize, const N: usize>(
    a: &[f32; M],
    w: &[[f32; N]; M],
    b: &[f32; N],
) -> [f32; N] {
    let mut z = *b;
    for (a, row) in a.iter().zip(w) {
        for (z, w) in z.iter_mut().zip(row) {
            *z += a * w;
        }
    }
    z
}

#[inline(always)]
fn relu(a: &mut [f32]) {
    a.iter_mut().for_each(|a| *a = a.max(0.0));
}

/// δ = (δ'Wᵀ) ⊙ relu′
#[inline(always)]
fn errors_below<const M: usize, const N: usize>(
    errors: &[f32; N],
    w: &[[f32; N]; M],
    a: &[f32; M],
) -> [f32; M] {
    std::array::from_fn(|i| {
        let sum: f32 = w[i].iter().zip(errors).map(|(w, d)| w * d).sum();
        if a[i] > 0.0 { sum } else { 0.0 }
    })
}

/// W ← W − η·aᵀδ, b ← b − ηδ
#[inline(always)]
fn descend<const M: usize, const N: usize>(
    w: &mut [[f32; N]; M],
    b: &mut [f32; N],
    a: &[f32; M],
    errors: &[f32; N],
) {
    let steps = errors.map(|d| LEARNING_RATE * d);
    for (a, row) in a.iter().zip(w) {
        for (w, step) in row.iter_mut().zip(steps) {
            *w -= a * step;
        }
    }
    for (b, step) in b.iter_mut().zip(steps) {
        *b -= step;
    }
}
