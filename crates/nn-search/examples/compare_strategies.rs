//! Compares random search and Bayesian optimization on functions with known minima.
//!
//! Prints, for each test function, the quartiles over seeds of the difference
//! between the best trial and the minimum.
//!
//! `cargo run -p nn-search --example compare_strategies [SEEDS] [ROUND]`
#![allow(clippy::print_stdout, reason = "it prints a table")]

#[path = "../tests/it/functions.rs"]
mod functions;

use functions::{TestFunction, branin, hartmann_6, mixed, noisy_branin};
use nn_search::{Outcome, Result, Settings, Strategy, Study};

const STRATEGIES: [Strategy; 2] = [Strategy::Random, Strategy::Bayesian { initial: 0 }];

fn main() -> Result<()> {
    let argument = |n| std::env::args().nth(n)?.parse().ok();
    let (n_seeds, round) = (argument(1).unwrap_or(20), argument(2).unwrap_or(1));
    println!("function        evaluations  strategy            quartiles of best - minimum");
    for (function, evaluations) in [
        (branin(), 35),
        (noisy_branin(), 40),
        (mixed(), 30),
        (hartmann_6(), 60),
    ] {
        for strategy in STRATEGIES {
            let mut gaps = Vec::new();
            for seed in 0..n_seeds {
                gaps.push(gap(&function, strategy, evaluations, round, seed)?);
            }
            gaps.sort_unstable_by(f64::total_cmp);
            let quartile = |k: usize| gaps[(gaps.len() - 1) * k / 4];
            println!(
                "{:<16}{evaluations:>11}  {:<20}{:.5}  {:.5}  {:.5}",
                function.name,
                strategy.to_string(),
                quartile(1),
                quartile(2),
                quartile(3)
            );
        }
    }
    Ok(())
}

fn gap(
    function: &TestFunction,
    strategy: Strategy,
    evaluations: usize,
    round: u64,
    seed: u64,
) -> Result<f64> {
    let settings = Settings {
        strategy,
        seed,
        round: round as usize,
        ..Settings::new(function.space())
    };
    let mut study = Study::new(settings, std::io::sink())?;
    for _ in 0..evaluations {
        let trial = study.ask()?.expect("only a grid search ends");
        let objective = (function.noisy_value)(&trial.point, trial.id);
        study.tell(trial.id, Outcome::Finished(objective))?;
    }
    let values = study
        .trials()
        .iter()
        .map(|trial| (function.value)(&trial.point));
    Ok(values.fold(f64::INFINITY, f64::min) - function.minimum)
}
