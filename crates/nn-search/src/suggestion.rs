//! Computes the next point of each search strategy.
//!
//! Expected improvement has many local maxima and, for integers and options, no gradient. Expected
//! improvement is therefore evaluated at many random points and near the best trials. A pattern
//! search (Hooke & Jeeves 1961) then starts from the best of these points and halves its steps when
//! none of them is an improvement.

use nn_tensor::random::{Purpose, Stream, Streams};

use crate::design::latin_hypercube;
use crate::dimension::Domain;
use crate::expected_improvement::augmented_expected_improvement;
use crate::settings::Settings;
use crate::surrogate::Surrogate;
use crate::{Dimension, Point, Space, Strategy, Trial};

/// Index of the random stream of the initial design; trials use smaller indices.
const DESIGN: u64 = 1 << 48;

const N_RANDOM: usize = 1000;
const N_INCUMBENTS: usize = 4;
/// Number of candidates around each incumbent.
const N_NEAR: usize = 50;
/// Standard deviations of their distances, used in turn.
const NEARNESS: [f64; 3] = [0.1, 0.03, 0.01];
/// Number of candidates from which the pattern search starts.
const N_CLIMBS: usize = 5;
const FIRST_STEP: f64 = 0.08;
const LAST_STEP: f64 = 2e-4;

/// The point of the next trial; `None` at the end of a grid.
///
/// `earlier` are the trials of the rounds before, and `round` the trials of the same round, whose
/// outcomes are not used.
pub(crate) fn suggest(settings: &Settings, earlier: &[Trial], round: &[Trial]) -> Option<Point> {
    let Settings { space, seed, .. } = settings;
    let n_trials = earlier.len() + round.len();
    let index = n_trials as u64;
    let mut stream = Streams::new(*seed).stream(Purpose::Search, index);
    match settings.strategy {
        Strategy::Random => Some(random_point(space, &mut stream)),
        Strategy::Grid { points } => grid_point(space, index, points as u64),
        Strategy::Bayesian { initial } => {
            let n_initial = match initial {
                0 => (space.dimensions().len() + 1).max(4).max(settings.round),
                initial => initial,
            };
            if n_trials < n_initial {
                return Some(design_point(space, *seed, n_initial, n_trials));
            }
            let point = Surrogate::fit(space, earlier, round, settings.goal)
                .map(|surrogate| most_promising(&surrogate, &mut stream));
            point.or_else(|| Some(random_point(space, &mut stream)))
        }
    }
}

fn random_point(space: &Space, stream: &mut Stream) -> Point {
    let position: Vec<f64> = space
        .dimensions()
        .iter()
        .map(|_| stream.uniform())
        .collect();
    space.point_at(&position)
}

/// The point of a grid; the last dimension varies fastest.
fn grid_point(space: &Space, index: u64, points: u64) -> Option<Point> {
    let mut rest = index;
    let mut values = Vec::with_capacity(space.dimensions().len());
    for dimension in space.dimensions().iter().rev() {
        let n = grid_size(dimension, points);
        values.push(dimension.grid_value(rest % n, n));
        rest /= n;
    }
    values.reverse();
    (rest == 0).then(|| space.point_of(values))
}

fn grid_size(dimension: &Dimension, points: u64) -> u64 {
    match dimension.domain() {
        Domain::Categorical { options } => options.len() as u64,
        Domain::Integer { .. } | Domain::Real { .. } => dimension
            .n_values()
            .map_or(points, |n_values| points.min(n_values)),
    }
}

fn design_point(space: &Space, seed: u64, n_initial: usize, index: usize) -> Point {
    let mut stream = Streams::new(seed).stream(Purpose::Search, DESIGN);
    let design = latin_hypercube(n_initial, space.dimensions().len(), &mut stream);
    space.point_at(&design[index])
}

/// The untried point with the largest expected improvement.
fn most_promising(surrogate: &Surrogate, stream: &mut Stream) -> Point {
    let space = surrogate.space();
    let improvement = Improvement::new(surrogate);
    let mut candidates: Vec<Candidate> = candidates(surrogate, stream)
        .into_iter()
        .map(|coordinates| improvement.candidate(coordinates))
        .collect();
    best_first(&mut candidates);
    let climbed: Vec<Candidate> = candidates
        .iter()
        .take(N_CLIMBS)
        .map(|start| improvement.climb(start.clone()))
        .collect();
    candidates.extend(climbed);
    best_first(&mut candidates);
    let is_new = |point: &Point| !surrogate.tried().contains(&space.encode(point));
    candidates
        .iter()
        .map(|candidate| space.decode(&candidate.coordinates))
        .find(is_new)
        .unwrap_or_else(|| space.decode(&candidates[0].coordinates))
}

/// Coordinates of random points in the space and near the best trials.
fn candidates(surrogate: &Surrogate, stream: &mut Stream) -> Vec<Vec<f64>> {
    let space = surrogate.space();
    let width = space.width();
    let mut candidates: Vec<Vec<f64>> = (0..N_RANDOM)
        .map(|_| (0..width).map(|_| stream.uniform()).collect())
        .collect();
    for (_, incumbent) in surrogate.incumbents().into_iter().take(N_INCUMBENTS) {
        for std in NEARNESS.into_iter().cycle().take(N_NEAR) {
            let near = incumbent.iter().map(|x| x + std * stream.normal());
            candidates.push(near.collect());
        }
    }
    for candidate in &mut candidates {
        space.snap(candidate);
    }
    candidates
}

#[derive(Clone, Debug)]
struct Candidate {
    improvement: f64,
    coordinates: Vec<f64>,
}

/// Sorts by improvement, largest first; a stable sort is deterministic.
fn best_first(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| b.improvement.total_cmp(&a.improvement));
}

/// Expected improvement as a function of coordinates.
struct Improvement<'a> {
    surrogate: &'a Surrogate,
    lowest: f64,
    noise: f64,
}

impl<'a> Improvement<'a> {
    fn new(surrogate: &'a Surrogate) -> Self {
        let incumbents = surrogate.incumbents();
        Self {
            surrogate,
            lowest: incumbents[0].0,
            noise: surrogate.standardized_noise(),
        }
    }

    /// Creates a candidate; a point that was tried before ranks last.
    fn candidate(&self, coordinates: Vec<f64>) -> Candidate {
        let improvement = if self.surrogate.tried().contains(&coordinates) {
            -1.0
        } else {
            let (mean, std) = self.surrogate.standardized(&coordinates);
            augmented_expected_improvement(self.lowest, mean, std, self.noise)
        };
        Candidate {
            improvement,
            coordinates,
        }
    }

    fn climb(&self, start: Candidate) -> Candidate {
        let mut best = start;
        let mut step = FIRST_STEP;
        while step > LAST_STEP {
            let higher = self.sweep(&best, step);
            if higher.improvement > best.improvement {
                best = higher;
            } else {
                step *= 0.5;
            }
        }
        best
    }

    /// One step along each dimension, keeping improvements.
    fn sweep(&self, from: &Candidate, step: f64) -> Candidate {
        let space = self.surrogate.space();
        let mut best = from.clone();
        for (dimension, block) in space.blocks() {
            for neighbor in neighbors(dimension, &best.coordinates[block.clone()], step) {
                let mut coordinates = best.coordinates.clone();
                coordinates[block.clone()].copy_from_slice(&neighbor);
                let candidate = self.candidate(coordinates);
                if candidate.improvement > best.improvement {
                    best = candidate;
                }
            }
        }
        best
    }
}

/// Neighbors along one dimension: one step up and down, the adjacent integers, or
/// all other options.
fn neighbors(dimension: &Dimension, block: &[f64], step: f64) -> Vec<Vec<f64>> {
    let attempts: Vec<Vec<f64>> = match dimension.domain() {
        Domain::Real { .. } => [-step, step].map(|step| vec![block[0] + step]).into(),
        Domain::Integer { .. } => {
            let mut attempts: Vec<Vec<f64>> =
                [-step, step].map(|step| vec![block[0] + step]).into();
            attempts.extend(dimension.adjacent(block));
            attempts
        }
        Domain::Categorical { options } => (0..options.len())
            .map(|chosen| {
                let mut option = vec![0.0; options.len()];
                option[chosen] = 1.0;
                option
            })
            .collect(),
    };
    let snapped = attempts.into_iter().map(|mut attempt| {
        dimension.snap(&mut attempt);
        attempt
    });
    snapped.filter(|attempt| attempt != block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(text: &str) -> Space {
        text.parse().unwrap()
    }

    fn grid(text: &str, points: u64) -> Vec<String> {
        let space = space(text);
        (0..)
            .map_while(|index| grid_point(&space, index, points))
            .map(|point| point.to_string())
            .collect()
    }

    #[test]
    fn a_grid_has_all_combinations_once() {
        assert_eq!(
            grid("lr=log:0.01..1 o=a|b", 3),
            [
                "--lr=0.01 --o=a",
                "--lr=0.01 --o=b",
                "--lr=0.1 --o=a",
                "--lr=0.1 --o=b",
                "--lr=1 --o=a",
                "--lr=1 --o=b"
            ]
        );
        assert_eq!(grid("n=int:1..3", 5), ["--n=1", "--n=2", "--n=3"]);
        assert_eq!(grid("n=int:0..100", 3), ["--n=0", "--n=50", "--n=100"]);
        assert_eq!(grid("x=0..1", 1), ["--x=0.5"]);
    }

    #[test]
    fn neighbors_exist_and_differ() {
        let neighbors = |text: &str, block: &[f64]| {
            let space = space(text);
            let dimension = &space.dimensions()[0];
            let mut values: Vec<String> = neighbors(dimension, block, 0.001)
                .iter()
                .map(|block| dimension.decode(block).to_string())
                .collect();
            values.dedup();
            values
        };
        assert_eq!(neighbors("n=int:0..9", &[0.45]), ["3", "5"]);
        assert_eq!(neighbors("n=int:0..9", &[0.05]), ["1"]);
        assert_eq!(neighbors("x=0..1", &[1.0]), ["0.999"]);
        let half = std::f64::consts::FRAC_1_SQRT_2;
        assert_eq!(neighbors("o=a|b|c", &[0.0, half, 0.0]), ["a", "c"]);
    }

    /// On a logarithmic scale the step to the next integer is longest at the lower
    /// bound.
    #[test]
    fn the_next_integer_is_reached_on_a_logarithmic_scale() {
        let space = space("n=int-log:1..1000");
        let dimension = &space.dimensions()[0];
        for n in 1..1000 {
            let mut block = Vec::new();
            dimension.encode(&crate::Value::Integer(n), &mut block);
            assert!(!neighbors(dimension, &block, 1e-4).is_empty(), "{n}");
        }
    }
}
