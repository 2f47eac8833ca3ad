//! Search strategies, which choose the next point.
//!
//! | name | next point | source |
//! |---|---|---|
//! | `random` | uniformly distributed in the search space | Bergstra & Bengio 2012 |
//! | `grid:points=3` | the next point of a grid with `points` values per dimension, bounds included, and all options | |
//! | `bayesian:initial=0` | a Latin hypercube of `initial` points, then the point with the largest expected improvement of a Gaussian process | Snoek, Larochelle & Adams 2012 |
//!
//! `initial=0` means the number of dimensions plus one, at least 4. The last dimension of a grid
//! varies fastest. Random and Bayesian searches never end on their own; a grid search ends after
//! its last point.

use crate::menu::{Menu, Parameter, menu_text};

/// The strategy that suggests the next point of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Random search.
    Random,
    /// Grid search.
    Grid {
        /// Number of values per real or integer dimension.
        points: usize,
    },
    /// Bayesian optimization with a Gaussian process.
    Bayesian {
        /// Number of initial points; 0 means the number of dimensions plus one, at least
        /// 4.
        initial: usize,
    },
}

impl Menu for Strategy {
    const KIND: &'static str = "strategy";

    const ALL: &'static [Self] = &[
        Self::Random,
        Self::Grid { points: 3 },
        Self::Bayesian { initial: 0 },
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Grid { .. } => "grid",
            Self::Bayesian { .. } => "bayesian",
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::Random => Vec::new(),
            Self::Grid { points } => vec![Parameter::new("points", points, 1)],
            Self::Bayesian { initial } => vec![Parameter::new("initial", initial, 0)],
        }
    }
}

menu_text!(Strategy);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menu() {
        crate::menu::tests::check::<Strategy>();
        let error = "grid:points=0".parse::<Strategy>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "grid:points: expected a whole number of at least 1, found \"0\""
        );
    }
}
