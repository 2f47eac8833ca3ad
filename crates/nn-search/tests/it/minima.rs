//! Distances of the best trials from known minima.

use nn_search::{Outcome, Settings, Strategy, Study};

use crate::functions::{TestFunction, branin, hartmann_6, mixed, noisy_branin};

const BAYESIAN: Strategy = Strategy::Bayesian { initial: 0 };

/// Median over seeds of the difference between the best value without noise and the
/// minimum.
fn median_gap(function: &TestFunction, strategy: Strategy, n_trials: usize, n_seeds: u64) -> f64 {
    median_gap_in_rounds(function, strategy, n_trials, n_seeds, 1)
}

fn median_gap_in_rounds(
    function: &TestFunction,
    strategy: Strategy,
    n_trials: usize,
    n_seeds: u64,
    round: usize,
) -> f64 {
    let mut gaps: Vec<f64> = (0..n_seeds)
        .map(|seed| gap(function, strategy, n_trials, seed, round))
        .collect();
    gaps.sort_unstable_by(f64::total_cmp);
    let middle = gaps.len() / 2;
    let median = 0.5 * (gaps[middle] + gaps[(gaps.len() - 1) / 2]);
    println!(
        "{}, {n_trials} trials, {strategy}: median gap {median:.5} of {n_seeds} seeds",
        function.name
    );
    median
}

fn gap(
    function: &TestFunction,
    strategy: Strategy,
    n_trials: usize,
    seed: u64,
    round: usize,
) -> f64 {
    let settings = Settings {
        strategy,
        seed,
        round,
        ..Settings::new(function.space())
    };
    let mut study = Study::new(settings, std::io::sink()).unwrap();
    for _ in 0..n_trials {
        let trial = study.ask().unwrap().unwrap();
        let objective = (function.noisy_value)(&trial.point, trial.id);
        study.tell(trial.id, Outcome::Finished(objective)).unwrap();
    }
    let values = study.trials().iter();
    let values = values.map(|trial| (function.value)(&trial.point));
    values.fold(f64::INFINITY, f64::min) - function.minimum
}

#[test]
fn branin_is_solved_in_35_trials() {
    let bayesian = median_gap(&branin(), BAYESIAN, 35, 20);
    let random = median_gap(&branin(), Strategy::Random, 35, 20);
    assert!(bayesian < 0.01, "{bayesian}");
    assert!(random > 0.1, "{random}: the function has become too easy");
}

#[test]
fn hartmann_6_is_much_lower_than_by_random_search() {
    let bayesian = median_gap(&hartmann_6(), BAYESIAN, 60, 7);
    let random = median_gap(&hartmann_6(), Strategy::Random, 60, 7);
    assert!(bayesian < 0.15, "{bayesian}");
    assert!(random > 5.0 * bayesian, "{random}");
}

#[test]
fn a_space_with_integers_and_options_is_searched_well() {
    let bayesian = median_gap(&mixed(), BAYESIAN, 30, 9);
    let random = median_gap(&mixed(), Strategy::Random, 30, 9);
    assert!(bayesian < 0.005, "{bayesian}");
    assert!(random > 10.0 * bayesian, "{random}");
}

/// The trials of a round know nothing of each other's results.
#[test]
fn rounds_of_eight_are_much_better_than_random_search() {
    let bayesian = median_gap_in_rounds(&mixed(), BAYESIAN, 32, 9, 8);
    let random = median_gap(&mixed(), Strategy::Random, 32, 9);
    assert!(bayesian < 0.01, "{bayesian}");
    assert!(random > 5.0 * bayesian, "{random}");
}

#[test]
fn noise_does_not_mislead() {
    let bayesian = median_gap(&noisy_branin(), BAYESIAN, 40, 9);
    let random = median_gap(&noisy_branin(), Strategy::Random, 40, 9);
    assert!(bayesian < 0.15, "{bayesian}");
    assert!(random > 3.0 * bayesian, "{random}");
}

#[test]
fn diverged_trials_do_not_mislead() {
    let function = branin();
    let mut gaps: Vec<f64> = (0..9)
        .map(|seed| gap_with_failures(&function, seed))
        .collect();
    gaps.sort_unstable_by(f64::total_cmp);
    assert!(gaps[4] < 0.05, "{gaps:?}");
}

/// Branin's function, infinite or huge on a quarter of the square.
fn gap_with_failures(function: &TestFunction, seed: u64) -> f64 {
    let settings = Settings {
        seed,
        ..Settings::new(function.space())
    };
    let mut study = Study::new(settings, std::io::sink()).unwrap();
    for _ in 0..35 {
        let trial = study.ask().unwrap().unwrap();
        let outcome = match (trial.point.real("x"), trial.point.real("y")) {
            (x, y) if x > 6.0 && y > 5.0 => Outcome::Failed,
            (x, _) if x > 6.0 => Outcome::Finished(f64::NAN),
            (x, y) if x < -4.0 && y < 5.0 => Outcome::Finished(1e30),
            _ => Outcome::Finished((function.value)(&trial.point)),
        };
        study.tell(trial.id, outcome).unwrap();
    }
    study.best().unwrap().objective().unwrap() - function.minimum
}
