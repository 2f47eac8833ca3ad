//! Measures the peak performance of the machine: multiply-adds in registers, and
//! memory bandwidth. `cargo xtask bench` compares the workloads with it.
//!
//! ```console
//! $ cargo run -p nn-tensor --example peak
//! ```
//!
//! A multiply-add counts as two operations. Independent chains of multiply-adds
//! measure throughput, not latency.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]
#![allow(
    clippy::disallowed_methods,
    reason = "a measuring program reads the clock"
)]

use std::hint::black_box;
use std::time::Instant;

use nn_tensor::{InstructionSet, Kernel, Threads, vectorize};

/// Number of values: few enough for the L1 cache, enough for many independent chains
/// of multiply-adds.
const N_VALUES: usize = 2048;

/// Number of multiply-adds on a value between loading and storing it.
const CHAIN: usize = 4 * 4;

const ROUNDS: usize = 2000;

/// Number of bytes that each thread reads, more than the caches hold.
const N_BYTES: usize = 256 << 20;

const REPETITIONS: usize = 40;

fn main() {
    let all = Threads::all();
    let single = Threads::single();
    println!(
        "{{\"instruction_set\": \"{}\", \"threads\": {}, \"gflops_single\": {:.1}, \"gflops\": {:.1}, \
         \"gigabytes_per_second\": {:.1}}}",
        InstructionSet::current().name(),
        all.count(),
        gflops(&single),
        gflops(&all),
        gigabytes_per_second(&all),
    );
}

/// The best of several measurements, since other programs only make it slower.
fn gflops(threads: &Threads) -> f64 {
    let operations = 2 * CHAIN * N_VALUES * ROUNDS * threads.count();
    let mut values = vec![vec![1.0; N_VALUES]; threads.count()];
    let seconds = best_seconds(|| {
        threads.for_each(&mut values, |_, values| multiply_adds(values));
    });
    black_box(values);
    operations as f64 / seconds / 1e9
}

/// Uses fused multiply-adds where that is an instruction and not a function call.
fn multiply_adds(values: &mut [f32]) {
    let is_portable = InstructionSet::current() == InstructionSet::Portable;
    if cfg!(target_arch = "x86_64") && is_portable {
        vectorize(MultiplyAdds::<false>(values));
    } else {
        vectorize(MultiplyAdds::<true>(values));
    }
}

fn gigabytes_per_second(threads: &Threads) -> f64 {
    let parts: Vec<Vec<u64>> = vec![vec![1; N_BYTES / 8]; threads.count()];
    let seconds = best_seconds(|| {
        let mut sums = vec![0; threads.count()];
        threads.for_each(&mut sums, |index, sum| *sum = vectorize(Sum(&parts[index])));
        black_box(sums);
    });
    (N_BYTES * threads.count()) as f64 / seconds / 1e9
}

fn best_seconds(mut work: impl FnMut()) -> f64 {
    let seconds = (0..REPETITIONS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

/// [`ROUNDS`] times [`CHAIN`] multiply-adds `x ← x·a + b` for every value, fused or
/// not.
struct MultiplyAdds<'a, const FUSED: bool>(&'a mut [f32]);

impl<const FUSED: bool> Kernel for MultiplyAdds<'_, FUSED> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (a, b) = (black_box(0.999_f32), black_box(0.001_f32));
        for _ in 0..ROUNDS {
            for x in &mut *self.0 {
                *x = four(*x, |x| four(x, |x| step::<FUSED>(x, a, b)));
            }
        }
    }
}

/// Four steps without a loop, which would prevent vectorizing over `x`.
#[inline(always)]
fn four(x: f32, step: impl Fn(f32) -> f32) -> f32 {
    step(step(step(step(x))))
}

#[inline(always)]
fn step<const FUSED: bool>(x: f32, a: f32, b: f32) -> f32 {
    if FUSED { x.mul_add(a, b) } else { x * a + b }
}

/// The sum of integers, in any order.
struct Sum<'a>(&'a [u64]);

impl Kernel for Sum<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(self) -> u64 {
        self.0.iter().fold(0, |sum, &x| sum.wrapping_add(x))
    }
}
