//! Schoofs' figures 1 to 4, drawn from networks trained on the data.

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::stage::dense;
use nn_core::{Activation, Loss, Network, Rows};
use nn_tensor::Threads;
use nn_train::Result;

use crate::context::Context;
use crate::figure::Figure;
use crate::gradient::Batch;
use crate::outcome::{Outcome, Row};
use crate::snapshot::Snapshot;
use crate::training::MeasuredEpochs;

/// Number of points per side of the grid that the layer maps.
const GRID: usize = 13;

/// Number of points per side of the cost surface.
const SURFACE: usize = 41;

/// The surface extends from minus this value to this value in both directions.
const REACH: f64 = 6.0;

/// Number of samples of the cost.
const SAMPLES: usize = 500;

/// Number of steps of gradient descent, and their learning rate.
const STEPS: usize = 60;
const RATE: f64 = 10.0;

/// Where gradient descent starts.
const START: [f64; 2] = [4.5, 4.5];

pub(super) fn pictures(context: &Context<'_>) -> Result<Outcome> {
    let map = context.train(
        "--hidden 2,3 --activation sigmoid --init xavier --lr 0.005 --epochs 3 --validation 0 --seed 0",
        &MeasuredEpochs::End,
        "layer as a map",
        |snapshot| Ok(layer_map(snapshot.network)),
    )?;
    let descent = context.train(
        "--hidden 64 --activation sigmoid --output-activation sigmoid --loss quadratic \
         --optimizer sgd --lr 1 --init lecun --batch-size 10 --epochs 1 --validation 0 --seed 0",
        &MeasuredEpochs::End,
        "cost surface",
        |snapshot| Ok(CostOfTwo::new(snapshot)?.descend()),
    )?;
    let space = map.last().cloned().unwrap_or_default();
    let surface = descent.last().cloned().unwrap_or_default();
    let rows = rows(&space, &surface);
    let figures = vec![
        Figure::Network {
            title: "Figure 1: a neural network".to_owned(),
            widths: vec![784, 64, 10],
        },
        Figure::Map {
            title: "Figure 2: a layer of three neurons maps the plane into space".to_owned(),
            columns: GRID,
            plane: plane(),
            space,
        },
        Figure::Surface {
            title: "Figures 3, 4: cost and gradient descent".to_owned(),
            x: "bias of output 3".to_owned(),
            y: "bias of output 8".to_owned(),
            xs: surface.xs,
            ys: surface.ys,
            values: surface.values,
            path: surface.path,
        },
    ];
    Ok(Outcome::judged(
        rows,
        format!(
            "Figure 2: the second hidden layer of 784-2-3-10 on the unit square of its inputs. \
             Figures 3 and 4: the quadratic cost of {SAMPLES} training samples as a function of two \
             output biases of 784-64-10, all other parameters fixed, with {STEPS} steps of gradient \
             descent at learning rate {RATE} from {START:?}."
        ),
    )
    .with_figures(figures)
    .with_commands(vec![map.command, descent.command]))
}

fn rows(space: &[[f64; 3]], surface: &Surface) -> Vec<Row> {
    let pairs = surface.costs.windows(2);
    let rises = pairs.filter(|pair| pair[1] > pair[0]).count();
    let ends = [surface.costs.first(), surface.costs.last()];
    let [start, end] = ends.map(|cost| cost.copied().unwrap_or(f64::NAN));
    vec![
        Row::holds(
            "figure 2: number of points in the plane and in space",
            "",
            format!("{}, {}", GRID * GRID, space.len()),
            space.len() == GRID * GRID,
        ),
        Row::holds(
            "figures 3, 4: number of steps in which the cost rises",
            "0",
            rises.to_string(),
            rises == 0,
        ),
        Row::holds(
            "cost at the start and at the end of gradient descent",
            "lower",
            format!("{start:.4}, {end:.4}"),
            end < start,
        ),
        Row::at_most(
            "relative difference between the gradient and finite differences of the surface",
            surface.gradient_error,
            1e-4,
        ),
    ]
}

/// A grid over the unit square, which holds all activations of two sigmoid neurons.
fn plane() -> Vec<[f64; 2]> {
    let side = |index: usize| index as f64 / (GRID - 1) as f64;
    (0..GRID * GRID)
        .map(|point| [side(point % GRID), side(point / GRID)])
        .collect()
}

/// The outputs of the second layer, of two inputs and three neurons, for the grid.
fn layer_map(network: &Network) -> Vec<[f64; 3]> {
    let network = network.cast::<f64>();
    let plane = plane();
    let mut outputs = Array2::zeros((plane.len(), 3));
    dense::forward(
        &Rows::from(&plane),
        &network.weights(1),
        network.bias(1),
        outputs.view_mut(),
        &Threads::single(),
    );
    let mut outputs = outputs.into_raw_vec_and_offset().0;
    Activation::Sigmoid.apply(&mut outputs, 3);
    let points = outputs.chunks_exact(3);
    points.map(|point| [point[0], point[1], point[2]]).collect()
}

/// The cost as a function of two parameters, and a path of gradient descent.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Surface {
    xs: Vec<f64>,
    ys: Vec<f64>,
    values: Vec<Vec<f64>>,
    path: Vec<[f64; 2]>,
    costs: Vec<f64>,
    /// The largest relative error of the gradient against finite differences.
    #[serde(rename = "slope_error")]
    gradient_error: f64,
}

/// The cost of some samples as a function of two parameters.
struct CostOfTwo {
    network: Network<f64>,
    parameters: [usize; 2],
    batch: Batch<f64>,
}

impl CostOfTwo {
    /// The cost as a function of the biases of output neurons 3 and 8.
    fn new(snapshot: &Snapshot<'_, '_>) -> Result<Self> {
        let network = snapshot.network.cast::<f64>();
        let first = network.output_layer().bias().start;
        let n = snapshot.splits.train.len().min(SAMPLES);
        let samples = first_in_double(&snapshot.splits.train, n, network.n_outputs())?;
        let mut batch = Batch::new(&network, n);
        batch.read(&samples, 0..n)?;
        Ok(Self {
            parameters: [first + 3, first + 8],
            network,
            batch,
        })
    }

    fn set(&mut self, at: [f64; 2]) {
        for (parameter, value) in self.parameters.into_iter().zip(at) {
            self.network.parameters_mut()[parameter] = value;
        }
    }

    fn cost(&mut self, at: [f64; 2]) -> f64 {
        self.set(at);
        let threads = Threads::single();
        self.batch
            .loss(Loss::Quadratic, &mut self.network, &threads)
    }

    fn cost_and_gradient(&mut self, at: [f64; 2]) -> (f64, [f64; 2]) {
        self.set(at);
        let threads = Threads::single();
        let network = &mut self.network;
        let (cost, gradient) = self
            .batch
            .loss_and_gradient(Loss::Quadratic, network, &threads);
        (cost, self.parameters.map(|parameter| gradient[parameter]))
    }

    fn descend(&mut self) -> Surface {
        let axis: Vec<f64> = (0..SURFACE)
            .map(|index| REACH * (2.0 * index as f64 / (SURFACE - 1) as f64 - 1.0))
            .collect();
        let mut surface = Surface {
            gradient_error: self.gradient_error(START),
            xs: axis.clone(),
            ys: axis.clone(),
            ..Surface::default()
        };
        for &y in &axis {
            let row = axis.iter().map(|&x| self.cost([x, y]));
            surface.values.push(row.collect());
        }
        let mut at = START;
        for _ in 0..=STEPS {
            let (cost, gradient) = self.cost_and_gradient(at);
            surface.path.push(at);
            surface.costs.push(cost);
            at = [at[0] - RATE * gradient[0], at[1] - RATE * gradient[1]];
        }
        surface
    }

    fn gradient_error(&mut self, at: [f64; 2]) -> f64 {
        const H: f64 = 1e-4;
        let (_, gradient) = self.cost_and_gradient(at);
        let mut largest = 0.0_f64;
        for (axis, derivative) in gradient.into_iter().enumerate() {
            let [mut up, mut down] = [at, at];
            up[axis] += H;
            down[axis] -= H;
            let numeric = (self.cost(up) - self.cost(down)) / (2.0 * H);
            largest = largest.max(((numeric - derivative) / derivative).abs());
        }
        largest
    }
}

/// The first `n` samples with their values converted to double precision.
fn first_in_double(
    samples: &Samples<'_>,
    n: usize,
    n_outputs: usize,
) -> Result<Samples<'static, f64>> {
    let positions: Vec<u32> = (0..n as u32).collect();
    let mut inputs = vec![0.0; n * samples.n_inputs()];
    samples.read_inputs(&positions, &mut inputs)?;
    let mut targets = vec![0.0; n * n_outputs];
    for (position, target) in targets.chunks_exact_mut(n_outputs).enumerate() {
        samples.copy_target(position, 0.0, target);
    }
    let doubles = |values: Vec<f32>, n_columns| {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        Rows::new(values, n_columns)
    };
    Ok(Samples::new(
        Inputs::values(doubles(inputs, samples.n_inputs())),
        Targets::values(doubles(targets, n_outputs)),
    )?)
}
