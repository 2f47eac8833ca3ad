//! Projected BFGS, which minimizes a smooth function within bounds.
//!
//! ```text
//! d = −H·g over the coordinates that are free
//! x ← P(x + t·d)               P clamps to the bounds; t = 1, ½, ¼, … until
//!                              f falls by at least 10⁻⁴ of the decrease
//!                              that the gradient predicts
//! H ← (I − ρ·s·yᵀ)·H·(I − ρ·y·sᵀ) + ρ·s·sᵀ      s = Δx, y = Δg, ρ = 1/yᵀs
//! ```
//!
//! Sources: Nocedal & Wright 2006, equations 6.17 and 3.4; Bertsekas 1982 for the bounds.
//! A coordinate is free unless it is at a bound and its gradient points outwards. When
//! the free coordinates change, `H` is reset to `I`.

use crate::cholesky::dot;

const MAX_ITERATIONS: usize = 60;
const MAX_HALVINGS: usize = 25;
/// Armijo's fraction of the predicted decrease.
const SUFFICIENT: f64 = 1e-4;
/// Minimum decrease of the function; a smaller one ends the iteration.
const TOLERANCE: f64 = 1e-6;
/// Maximum length of the first step, so that a steep start does not jump to a bound.
const FIRST_STEP: f64 = 1.0;

/// A minimum: position and value.
#[derive(Clone, Debug)]
pub(crate) struct Minimum {
    pub(crate) at: Vec<f64>,
    pub(crate) value: f64,
}

/// Minimizes `function` from `start`. The function returns its value and writes its
/// gradient; it returns infinity where it is undefined.
pub(crate) fn minimize(
    mut function: impl FnMut(&[f64], &mut [f64]) -> f64,
    start: &[f64],
    bounds: &[(f64, f64)],
) -> Minimum {
    let n = start.len();
    let mut at = clamped(start, bounds);
    let mut gradient = vec![0.0; n];
    let mut value = function(&at, &mut gradient);
    let mut inverse_hessian = InverseHessian::identity(n);
    let mut free = free_coordinates(&at, &gradient, bounds);
    for _ in 0..MAX_ITERATIONS {
        let direction = inverse_hessian.direction(&gradient, &free);
        let Some(step) = descend(&mut function, &at, value, &gradient, &direction, bounds) else {
            break;
        };
        let fall = value - step.value;
        inverse_hessian.update(
            &difference(&step.at, &at),
            &difference(&step.gradient, &gradient),
        );
        (at, value, gradient) = (step.at, step.value, step.gradient);
        let now_free = free_coordinates(&at, &gradient, bounds);
        if now_free != free {
            free = now_free;
            inverse_hessian = InverseHessian::identity(n);
        } else if fall < TOLERANCE {
            break;
        }
    }
    Minimum { at, value }
}

struct Step {
    at: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// Backtracking line search.
fn descend(
    function: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    from: &[f64],
    value: f64,
    gradient: &[f64],
    direction: &[f64],
    bounds: &[(f64, f64)],
) -> Option<Step> {
    let mut length = 1.0;
    let mut new_gradient = vec![0.0; from.len()];
    for _ in 0..MAX_HALVINGS {
        let moved: Vec<f64> = from
            .iter()
            .zip(direction)
            .map(|(x, d)| x + length * d)
            .collect();
        let at = clamped(&moved, bounds);
        let promised = dot(gradient, &difference(&at, from));
        if promised > -f64::MIN_POSITIVE {
            return None;
        }
        let new_value = function(&at, &mut new_gradient);
        if new_value <= value + SUFFICIENT * promised {
            return Some(Step {
                at,
                value: new_value,
                gradient: new_gradient,
            });
        }
        length *= 0.5;
    }
    None
}

/// The BFGS approximation of the inverse Hessian.
struct InverseHessian {
    n: usize,
    /// Row by row; `None` means the identity, scaled to a short step.
    matrix: Option<Vec<f64>>,
}

impl InverseHessian {
    fn identity(n: usize) -> Self {
        Self { n, matrix: None }
    }

    /// `−H·g`, restricted to the free coordinates.
    fn direction(&self, gradient: &[f64], free: &[bool]) -> Vec<f64> {
        let gradient: Vec<f64> = gradient
            .iter()
            .zip(free)
            .map(|(&g, &free)| if free { g } else { 0.0 })
            .collect();
        match &self.matrix {
            None => {
                let scale = FIRST_STEP / dot(&gradient, &gradient).sqrt().max(FIRST_STEP);
                gradient.iter().map(|g| -scale * g).collect()
            }
            Some(matrix) => matrix
                .chunks_exact(self.n)
                .zip(free)
                .map(|(row, &free)| if free { -dot(row, &gradient) } else { 0.0 })
                .collect(),
        }
    }

    /// Updates the approximation after a step, unless the curvature is negative.
    fn update(&mut self, s: &[f64], y: &[f64]) {
        let (n, curvature) = (self.n, dot(s, y));
        if curvature <= 1e-10 * dot(y, y) {
            return;
        }
        let matrix = self.matrix.get_or_insert_with(|| {
            let scale = curvature / dot(y, y);
            let entries = 0..n * n;
            entries
                .map(|entry| if entry % (n + 1) == 0 { scale } else { 0.0 })
                .collect()
        });
        let hy: Vec<f64> = matrix.chunks_exact(n).map(|row| dot(row, y)).collect();
        let outer = (1.0 + dot(y, &hy) / curvature) / curvature;
        for (i, row) in matrix.chunks_exact_mut(n).enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry += outer * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / curvature;
            }
        }
    }
}

fn free_coordinates(at: &[f64], gradient: &[f64], bounds: &[(f64, f64)]) -> Vec<bool> {
    let coordinates = at.iter().zip(gradient).zip(bounds);
    coordinates
        .map(|((&x, &g), &(low, high))| !(x <= low && g > 0.0 || x >= high && g < 0.0))
        .collect()
}

fn clamped(at: &[f64], bounds: &[(f64, f64)]) -> Vec<f64> {
    let coordinates = at.iter().zip(bounds);
    coordinates
        .map(|(x, &(low, high))| x.clamp(low, high))
        .collect()
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
        let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
        gradient[0] = -2.0 * a - 400.0 * b * x[0];
        gradient[1] = 200.0 * b;
        a * a + 100.0 * b * b
    }

    #[test]
    fn the_bottom_of_a_curved_valley() {
        let found = minimize(rosenbrock, &[-1.2, 1.0], &[(-5.0, 5.0); 2]);
        assert!(found.value < 1e-6, "{found:?}");
        assert!(found.at.iter().all(|x| (x - 1.0).abs() < 1e-2), "{found:?}");
    }

    #[test]
    fn a_minimum_on_a_bound() {
        let found = minimize(rosenbrock, &[-1.0, 0.0], &[(-2.0, 0.5), (-2.0, 2.0)]);
        assert_eq!(found.at[0], 0.5);
        assert!((found.at[1] - 0.25).abs() < 1e-3, "{found:?}");
    }

    #[test]
    fn a_region_without_values_is_left_alone() {
        let function = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = 1.0 - 1.0 / x[0];
            if x[0] > 0.0 {
                x[0] - x[0].ln()
            } else {
                f64::INFINITY
            }
        };
        let found = minimize(function, &[3.0], &[(-10.0, 10.0)]);
        assert!((found.at[0] - 1.0).abs() < 1e-3, "{found:?}");
    }
}
