//! Schoofs' figures 1 to 4, drawn from networks trained on the data.

use ndarray::{Array2, ArrayView2};
use nn_core::network::{ForwardCache, Randomness};
use nn_core::{Gradients, Loss, Network, Samples};
use nn_tensor::Threads;

use crate::context::Context;
use crate::snapshot::Snapshot;
use crate::training::MeasuredEpochs;
use crate::figure::Figure;
use crate::outcome::{Outcome, Row};
use nn_train::Result;

/// Points a side of the grid that the layer maps.
const GRID: usize = 13;

/// Points a side of the cost surface.
const SURFACE: usize = 41;

/// The surface reaches so far to either side.
const REACH: f64 = 6.0;

/// Samples behind the cost surface.
const SAMPLES: usize = 500;

/// Steps down the surface, and their rate.
const STEPS: usize = 60;
const RATE: f64 = 10.0;

/// Where the descent starts.
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
        |snapshot| CostOfTwo::new(snapshot).map(|mut cost| cost.descend()),
    )?;
    let space = map.last().cloned().unwrap_or_default();
    let path = descent.last().cloned().unwrap_or_default();
    let rises = path
        .costs
        .windows(2)
        .filter(|pair| pair[1] > pair[0])
        .count();
    let ends = [path.costs.first(), path.costs.last()];
    let [start, end] = ends.map(|cost| cost.copied().unwrap_or(f64::NAN));
    let rows = vec![
        Row::holds(
            "figure 2: points of the plane, points in space",
            "",
            format!("{}, {}", GRID * GRID, space.len()),
            space.len() == GRID * GRID,
        ),
        Row::holds(
            "figures 3, 4: steps in which the cost rises",
            "0",
            format!("{rises}"),
            rises == 0,
        ),
        Row::holds(
            "cost at the start and at the end of the path",
            "lower",
            format!("{start:.4}, {end:.4}"),
            end < start,
        ),
        Row::at_most(
            "slopes against differences of the surface (relative)",
            path.slope_error,
            1e-4,
        ),
    ];
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
            xs: path.xs,
            ys: path.ys,
            values: path.values,
            path: path.path,
        },
    ];
    Ok(Outcome::judged(
        rows,
        format!(
            "Figure 2: the second hidden layer of 784-2-3-10 on the square of its inputs. Figures 3 \
             and 4: the quadratic cost of {SAMPLES} training samples over two output biases of \
             784-64-10, all else fixed, with {STEPS} steps of rate {RATE} from {START:?}."
        ),
    )
    .with_figures(figures)
    .with_commands(vec![map.command, descent.command]))
}

/// A grid over the unit square, where the activations of sigmoids lie.
fn plane() -> Vec<[f64; 2]> {
    let side = |index: usize| index as f64 / (GRID - 1) as f64;
    (0..GRID * GRID)
        .map(|point| [side(point % GRID), side(point / GRID)])
        .collect()
}

/// Where the second layer, of two inputs and three neurons, puts the grid.
fn layer_map(network: &Network) -> Vec<[f64; 3]> {
    let (weights, bias) = (network.weights(1), network.bias(1));
    let image = |[x, y]: [f64; 2]| {
        std::array::from_fn(|neuron| {
            let w = |input: usize| f64::from(weights[[input, neuron]]);
            let z = x * w(0) + y * w(1) + f64::from(bias[neuron]);
            1.0 / (1.0 + (-z).exp())
        })
    };
    plane().into_iter().map(image).collect()
}

/// A cost surface and the way down.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Descent {
    xs: Vec<f64>,
    ys: Vec<f64>,
    values: Vec<Vec<f64>>,
    path: Vec<[f64; 2]>,
    costs: Vec<f64>,
    /// Of the gradient against difference quotients, relative.
    slope_error: f64,
}

/// The cost of some samples as a function of two parameters.
struct CostOfTwo {
    network: Network<f64>,
    parameters: [usize; 2],
    inputs: Array2<f64>,
    targets: Array2<f64>,
    cache: ForwardCache<f64>,
    gradients: Gradients<f64>,
}

impl CostOfTwo {
    /// Over the biases of output neurons 3 and 8.
    fn new(snapshot: &Snapshot<'_, '_>) -> Result<Self> {
        let network = snapshot.network.cast::<f64>();
        let first = network.output_layer().bias().start;
        let samples: &Samples<'_> = &snapshot.splits.train;
        let n = samples.len().min(SAMPLES);
        let rows = |width: usize, copy: &dyn Fn(usize, &mut [f32])| {
            let mut row = vec![0.0; width];
            let mut values = Array2::zeros((n, width));
            for (position, mut to) in values.rows_mut().into_iter().enumerate() {
                copy(position, &mut row);
                to.iter_mut()
                    .zip(&row)
                    .for_each(|(to, &from)| *to = f64::from(from));
            }
            values
        };
        Ok(Self {
            parameters: [first + 3, first + 8],
            inputs: rows(network.n_inputs(), &|position, row| {
                let read = samples.copy_inputs(position, row);
                read.expect("the samples are in memory");
            }),
            targets: rows(network.n_outputs(), &|position, row| {
                samples.copy_target(position, 0.0, row);
            }),
            cache: ForwardCache::new(&network, n),
            gradients: Gradients::new(&network, n),
            network,
        })
    }

    fn cost(&mut self, at: [f64; 2]) -> f64 {
        for (parameter, value) in self.parameters.into_iter().zip(at) {
            self.network.parameters_mut()[parameter] = value;
        }
        let inputs: ArrayView2<'_, f64> = self.inputs.view();
        self.network.forward_in_training(
            inputs,
            &mut self.cache,
            Randomness::new(0, 0),
            &Threads::single(),
        );
        self.gradients.loss_of_batch(
            Loss::Quadratic,
            &self.network,
            self.targets.as_slice().expect("a fresh matrix"),
            &self.cache,
        )
    }

    /// The cost and its slopes.
    fn slopes(&mut self, at: [f64; 2]) -> (f64, [f64; 2]) {
        let cost = self.cost(at);
        self.gradients.values_mut().fill(0.0);
        self.gradients.backward(
            &self.network,
            self.inputs.view(),
            &self.cache,
            &Threads::single(),
        );
        let values = self.gradients.values();
        (cost, self.parameters.map(|parameter| values[parameter]))
    }

    fn descend(&mut self) -> Descent {
        let axis: Vec<f64> = (0..SURFACE)
            .map(|index| REACH * (2.0 * index as f64 / (SURFACE - 1) as f64 - 1.0))
            .collect();
        let mut descent = Descent {
            slope_error: self.slope_error(START),
            xs: axis.clone(),
            ys: axis.clone(),
            ..Descent::default()
        };
        for &y in &axis {
            descent
                .values
                .push(axis.iter().map(|&x| self.cost([x, y])).collect());
        }
        let mut at = START;
        for _ in 0..=STEPS {
            let (cost, slopes) = self.slopes(at);
            descent.path.push(at);
            descent.costs.push(cost);
            at = [at[0] - RATE * slopes[0], at[1] - RATE * slopes[1]];
        }
        descent
    }

    fn slope_error(&mut self, at: [f64; 2]) -> f64 {
        const H: f64 = 1e-4;
        let (_, slopes) = self.slopes(at);
        let mut largest = 0.0_f64;
        for (axis, slope) in slopes.into_iter().enumerate() {
            let [mut up, mut down] = [at, at];
            up[axis] += H;
            down[axis] -= H;
            let numeric = (self.cost(up) - self.cost(down)) / (2.0 * H);
            largest = largest.max(((numeric - slope) / slope).abs());
        }
        largest
    }
}
