//! Searches for initial values that reproduce table II.
//!
//! The network is 784-64-10 with ten independent sigmoid outputs, trained as in
//! [`Setup`](crate::bordeaux::setup::Setup). The search varies the mean and the scale
//! of the initial weights and the initial biases of both layers, and minimizes the mean
//! absolute difference from the printed accuracies:
//!
//! | stage | initial values | images | learning rates | seeds |
//! |---|---|---|---|---|
//! | Bayesian optimization, per prediction rule | 30 | 1000 | 7 of 11 | 1 |
//! | best setup of each prediction rule | 2 | 4000 | 11 | 1 |
//! | best setup | 1 | 10 000 | 11 | 3 |
//! | best setup | 1 | 60 000 | 11 | claim B2 |
//!
//! With full-batch gradient descent, the accuracies of a run on some of the images are
//! nearly the same as on all images, so few images are enough for the first stages.

use nn_core::NetworkConfig;
use nn_search::{Point, Settings, Study};
use nn_train::{Error, Result};

use crate::bordeaux::initial_values::InitialValues;
use crate::bordeaux::setup::{Rule, flags, training_accuracies};
use crate::bordeaux::table::{Distance, EPOCHS, PRINTED};
use crate::context::{Context, Options};
use crate::interval::Interval;
use crate::store::Store;
use crate::training::MeasuredEpochs;

/// The learning rates of the first step.
const SEARCH_RATES: [f64; 7] = [2.0, 1.0, 0.6, 0.4, 0.2, 0.1, 0.01];

/// The rules, each with the region of its search, found by wider searches on 1000
/// images. A region of [`Rule::Largest`] with hidden means above 0, standard deviations
/// up to 0.08 and output biases up to 4 came within 4.77 points on 4000 images, less
/// near than this one (3.74).
const REGIONS: [(Rule, &str); 2] = [
    (
        Rule::Largest,
        "hidden-mean=-0.02..0.002 hidden-std=log:0.008..0.05 hidden-bias=0..2 \
         output-mean=0.06..0.1 output-radius=log:0.01..0.15 output-bias=0..2",
    ),
    (
        Rule::AboveHalf,
        "hidden-mean=0.015..0.045 hidden-std=log:0.0003..0.003 hidden-bias=-1..0.5 \
         output-mean=0.12..0.22 output-radius=log:0.4..0.7 output-bias=1.5..4",
    ),
];

/// How much to compute.
struct Effort {
    /// The columns of the table that are measured.
    epochs: &'static [usize],
    n_trials: usize,
    n_finalists: usize,
    n_seeds: u64,
    /// Number of images per step.
    n_images: [usize; 3],
}

const FULL: Effort = Effort {
    epochs: &EPOCHS,
    n_trials: 30,
    n_finalists: 2,
    n_seeds: 3,
    n_images: [1000, 4000, 10_000],
};

const QUICK: Effort = Effort {
    epochs: EPOCHS.split_at(1).0,
    n_trials: 2,
    n_finalists: 1,
    n_seeds: 2,
    n_images: [100, 100, 100],
};

/// A setup of the search, with its mean absolute difference from the table.
type Candidate = (f64, Rule, InitialValues);

/// Searches for the weight initialization that best reproduces table II of the paper
/// *bordeaux*, and reports the best configurations of each stage with their accuracies.
/// The store keeps the results of finished configurations, so an interrupted search can be
/// resumed.
///
/// # Errors
/// Returns the errors of [`run`](crate::run()).
pub fn fit_table_two(
    options: &Options<'_>,
    store: &mut Store,
    progress: &dyn Fn(&str),
    should_stop: &dyn Fn() -> bool,
) -> Result<()> {
    options.check()?;
    store.create_folder()?;
    let context = Context::new(options, store, progress, should_stop)?;
    let effort = context.full_or_quick(&FULL, &QUICK);
    let mut finalists = Vec::new();
    for (rule, region) in REGIONS {
        finalists.extend(best_of_region(&context, effort, rule, region)?);
    }
    let best = best_candidate(&context, effort, &finalists)?;
    repeat_with_seeds(&context, effort, best)
}

/// The best candidates of a region, by Bayesian optimization.
fn best_of_region(
    context: &Context<'_>,
    effort: &Effort,
    rule: Rule,
    region: &str,
) -> Result<Vec<Candidate>> {
    context.report(format!("{rule:?}, {} images", effort.n_images[0]));
    let space = region.parse().map_err(Error::usage)?;
    let mut study = Study::new(Settings::new(space), std::io::sink()).map_err(Error::usage)?;
    let mut candidates = Vec::new();
    for _ in 0..effort.n_trials {
        let Some(trial) = study.ask().map_err(Error::usage)? else {
            break;
        };
        let values = initial_values(&trial.point);
        let part = Part {
            n_images: effort.n_images[0],
            seed: 0,
            rates: &SEARCH_RATES,
        };
        let distance = measure(context, effort, rule, &values, &part)?.mean;
        let outcome = nn_search::Outcome::Finished(distance);
        study.tell(trial.id, outcome).map_err(Error::usage)?;
        candidates.push((distance, rule, values));
    }
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    candidates.truncate(effort.n_finalists);
    Ok(candidates)
}

/// The values of a point, with four significant digits.
fn initial_values(point: &Point) -> InitialValues {
    let value = |name: &str| {
        let value = point.real(name);
        format!("{value:.3e}").parse().unwrap_or(value)
    };
    InitialValues {
        hidden_mean: value("hidden-mean"),
        hidden_std: value("hidden-std"),
        hidden_bias: value("hidden-bias"),
        output_mean: value("output-mean"),
        output_radius: value("output-radius"),
        output_bias: value("output-bias"),
    }
}

/// The candidate nearest to the table on more images, at all learning rates.
fn best_candidate(
    context: &Context<'_>,
    effort: &Effort,
    finalists: &[Candidate],
) -> Result<Candidate> {
    let rates = PRINTED.map(|(rate, _)| rate);
    let part = Part {
        n_images: effort.n_images[1],
        seed: 0,
        rates: &rates,
    };
    context.report(format!("best setup of each rule, {} images", part.n_images));
    let mut best: Option<Candidate> = None;
    for &(_, rule, values) in finalists {
        let distance = measure(context, effort, rule, &values, &part)?.mean;
        if best.is_none_or(|(least, ..)| distance < least) {
            best = Some((distance, rule, values));
        }
    }
    best.ok_or_else(|| Error::usage("the search has no finished trial"))
}

/// Measures a candidate with several seeds.
fn repeat_with_seeds(context: &Context<'_>, effort: &Effort, best: Candidate) -> Result<()> {
    let (_, rule, values) = best;
    let rates = PRINTED.map(|(rate, _)| rate);
    context.report(format!(
        "best setup: {rule:?}, {values:?}, {} images",
        effort.n_images[2]
    ));
    let (mut means, mut within) = (Vec::new(), Vec::new());
    for seed in 0..effort.n_seeds {
        let part = Part {
            n_images: effort.n_images[2],
            seed,
            rates: &rates,
        };
        let distance = measure(context, effort, rule, &values, &part)?;
        means.push(distance.mean);
        within.push(distance.n_within as f64);
    }
    context.report(format!(
        "mean difference {}, accuracies within the tolerance: {}",
        Interval::of(&means).text(2),
        Interval::of(&within).text(1)
    ));
    Ok(())
}

/// The training runs of a measurement.
struct Part<'a> {
    n_images: usize,
    seed: u64,
    rates: &'a [f64],
}

/// The distance of initial values from the table.
fn measure(
    context: &Context<'_>,
    effort: &Effort,
    rule: Rule,
    values: &InitialValues,
    part: &Part<'_>,
) -> Result<Distance> {
    let printed = PRINTED.into_iter();
    let mut pairs = Vec::new();
    let mut text = Vec::new();
    for (rate, printed) in printed.filter(|(rate, _)| part.rates.contains(rate)) {
        let by_rule = accuracies(context, effort.epochs, values, part, rate)?;
        let ours = by_rule.iter().map(|by_rule| by_rule[rule as usize]);
        let shown: Vec<_> = ours.clone().map(|ours| format!("{ours:.1}")).collect();
        text.push(format!("{rate}: {}", shown.join("/")));
        pairs.extend(printed.into_iter().zip(ours));
    }
    let distance = Distance::of(pairs);
    context.report(format!(
        "     {:.2} points, {} of {} accuracies within the tolerance, seed {}, {values:?}, {}",
        distance.mean,
        distance.n_within,
        distance.n,
        part.seed,
        text.join(", ")
    ));
    Ok(distance)
}

/// The training accuracies in percent after these epochs, each by the two rules.
fn accuracies(
    context: &Context<'_>,
    epochs: &[usize],
    values: &InitialValues,
    part: &Part<'_>,
    rate: f64,
) -> Result<Vec<[f64; 2]>> {
    let Part { n_images, seed, .. } = part;
    let loss = format!("--limit-train {n_images} --loss binary-cross-entropy");
    let last = epochs.iter().copied().max().unwrap_or(1);
    let flags = flags(&loss, rate, last, *seed);
    context.cached(&format!("{flags}, {values:?}"), || {
        let initialize = |network: &mut NetworkConfig| values.apply(network);
        let at = MeasuredEpochs::At(epochs.to_vec());
        let training = context.run(&flags, &initialize, &at, training_accuracies)?;
        let of = |epoch: &usize| training.after(*epoch).copied().unwrap_or([f64::NAN; 2]);
        Ok(epochs.iter().map(of).collect())
    })
}
