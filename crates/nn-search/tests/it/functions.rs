//! Functions with known minima, for tests and for the comparison of strategies.

use std::f64::consts::PI;

use nn_search::{Point, Space};
use nn_tensor::random::{Purpose, Streams};

/// A function whose minimum is known.
pub(crate) struct TestFunction {
    pub(crate) name: &'static str,
    space: &'static str,
    /// The value without noise.
    pub(crate) value: fn(&Point) -> f64,
    /// The value with the noise of a trial, given by its number.
    pub(crate) noisy_value: fn(&Point, usize) -> f64,
    pub(crate) minimum: f64,
}

impl TestFunction {
    pub(crate) fn space(&self) -> Space {
        self.space.parse().expect("the text of a test is right")
    }
}

/// Branin's function, with three equal minima.
pub(crate) fn branin() -> TestFunction {
    TestFunction {
        name: "branin",
        space: "x=-5..10 y=0..15",
        value: branin_value,
        noisy_value: |point, _| branin_value(point),
        minimum: 0.397887,
    }
}

/// Branin's function with normal noise of standard deviation 1.
pub(crate) fn noisy_branin() -> TestFunction {
    TestFunction {
        name: "noisy branin",
        noisy_value: |point, trial| {
            let mut stream = Streams::new(99).stream(Purpose::Test, trial as u64);
            branin_value(point) + stream.normal()
        },
        ..branin()
    }
}

fn branin_value(point: &Point) -> f64 {
    let (x, y) = (point.real("x"), point.real("y"));
    let parabola = y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0;
    parabola * parabola + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0
}

/// Hartmann's function of six variables.
pub(crate) fn hartmann_6() -> TestFunction {
    TestFunction {
        name: "hartmann-6",
        space: "a=0..1 b=0..1 c=0..1 d=0..1 e=0..1 f=0..1",
        value: hartmann_6_value,
        noisy_value: |point, _| hartmann_6_value(point),
        minimum: -3.32237,
    }
}

fn hartmann_6_value(point: &Point) -> f64 {
    const ALPHA: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let x = ["a", "b", "c", "d", "e", "f"].map(|name| point.real(name));
    let terms = ALPHA.iter().zip(A).zip(P).map(|((alpha, a), p)| {
        let exponent: f64 = (0..6).map(|i| a[i] * (x[i] - p[i]).powi(2)).sum();
        alpha * (-exponent).exp()
    });
    -terms.sum::<f64>()
}

/// Similar to a training run: the best learning rate depends on the optimizer, the
/// best width is inside its range, and the batch size has little effect. The
/// minimum is at `adam`, learning rate 0.003, width 100, batch size 32.
pub(crate) fn mixed() -> TestFunction {
    TestFunction {
        name: "mixed",
        space: "lr=log:1e-5..1 width=int-log:8..512 optimizer=sgd|momentum|adam batch=16|32|64",
        value: mixed_value,
        noisy_value: |point, _| mixed_value(point),
        minimum: 0.0,
    }
}

fn mixed_value(point: &Point) -> f64 {
    let (best_rate, offset) = match point.category("optimizer") {
        "sgd" => (0.3, 0.3),
        "momentum" => (0.05, 0.1),
        _ => (0.003, 0.0),
    };
    let rate = (point.real("lr") / best_rate).log10();
    let width = (point.integer("width") as f64 / 100.0).ln();
    let batch = if point.category("batch") == "32" {
        0.0
    } else {
        0.02
    };
    0.2 * rate * rate + 0.1 * width * width + offset + batch
}
