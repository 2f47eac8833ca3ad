//! Strategies: how the next point to try is chosen.
//!
//! | name | next point | source |
//! |---|---|---|
//! | `random` | uniform in the space | Bergstra & Bengio 2012 |
//! | `grid:points=3` | the next of a grid with so many values a dimension, ends included; options all | |
//! | `bayesian:initial=0` | a Latin hypercube of `initial` points, then the largest expected improvement under a Gaussian process | Snoek, Larochelle & Adams 2012 |
//!
//! `initial=0` stands for one point more than there are dimensions, at least 4.
//! The last dimension of a grid varies fastest. Only a grid comes to an end.

use crate::menu::{Menu, Parameter, menu_text};

/// How the next point is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Without looking at what came out.
    Random,
    /// One after the other, on a grid.
    Grid {
        /// Values of each real or integer dimension.
        points: usize,
    },
    /// Where a model of what came out expects most.
    Bayesian {
        /// Points before the model is asked; 0: as many as the dimensions need.
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
            "grid:points: expected a whole number from 1, found \"0\""
        );
    }
}
