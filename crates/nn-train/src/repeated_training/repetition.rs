//! The training runs that the settings `sizes`, `folds` and `seeds` ask for.

use nn_settings::settings::default;
use nn_settings::{Choice, Error, Result, Settings, Sizes};

use crate::data::Data;

/// Largest number of sizes of an automatic learning curve.
const MAX_SIZES: u32 = 6;

/// An automatic learning curve has no smaller number of training samples.
const MIN_SIZE: usize = 20;

/// The settings in which one of several training runs differs from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repetition {
    /// Number of training samples, for a learning curve.
    pub size: Option<usize>,
    /// Number of the fold, counted from 1, for a cross-validation.
    pub fold: Option<usize>,
    /// The seed, for several seeds.
    pub seed: Option<u64>,
}

impl Repetition {
    /// Lists all combinations of sizes, folds and seeds.
    ///
    /// # Errors
    /// Returns an error for fewer than two folds or seeds, for a seed that is too large, and
    /// for sizes that are still to be chosen.
    pub fn all(settings: &Settings) -> Result<Vec<Self>> {
        let sizes = match settings.sizes.as_ref().map(Choice::value) {
            None => vec![None],
            Some(Sizes::Numbers(sizes)) => sizes.iter().copied().map(Some).collect(),
            Some(Sizes::Auto) => {
                return Err(Error::usage("`sizes`: expected numbers, found auto"));
            }
        };
        let folds = match settings.folds.filter(|_| settings.fold.is_none()) {
            None => vec![None],
            Some(n) => (1..=at_least_two("folds", n)?).map(Some).collect(),
        };
        let seeds = match settings.seeds {
            None => vec![None],
            Some(n) => seeds(settings, n)?.map(Some).collect(),
        };
        let mut all = Vec::with_capacity(sizes.len() * folds.len() * seeds.len());
        for &size in &sizes {
            for &fold in &folds {
                all.extend(seeds.iter().map(|&seed| Self { size, fold, seed }));
            }
        }
        Ok(all)
    }

    /// The settings of the first training run, with all training samples.
    ///
    /// # Errors
    /// Returns an error for fewer than two folds or seeds, and for a seed that is too large.
    pub fn first(settings: &Settings) -> Result<Settings> {
        let all_samples = Settings {
            sizes: None,
            ..settings.clone()
        };
        let all = Self::all(&all_samples)?;
        Ok(all[0].settings(&all_samples))
    }

    /// The settings of this training run. All seeds have the split of the first.
    pub fn settings(&self, of_all: &Settings) -> Settings {
        let first_seed = of_all.seed.unwrap_or(default::SEED);
        Settings {
            sizes: None,
            train_size: self.size.or(of_all.train_size),
            fold: self.fold.or(of_all.fold),
            seeds: None,
            seed: self.seed.or(of_all.seed),
            split_seed: of_all.split_seed.or(self.seed.map(|_| first_seed)),
            ..of_all.clone()
        }
    }

    /// Name of the directory of this training run, such as `size-100-fold-2-seed-0`.
    pub fn directory(&self) -> String {
        self.parts("-").join("-")
    }

    /// The parts that are set, such as `fold 2`; `space` is between name and number.
    pub fn parts(&self, space: &str) -> Vec<String> {
        let size = self.size.map(|size| format!("size{space}{size}"));
        let fold = self.fold.map(|fold| format!("fold{space}{fold}"));
        let seed = self.seed.map(|seed| format!("seed{space}{seed}"));
        [size, fold, seed].into_iter().flatten().collect()
    }
}

/// Replaces `auto` by numbers of training samples: all that `data` has, and that number halved
/// up to five times.
///
/// # Errors
/// Returns an error for a number above that of all training samples.
pub(super) fn chosen_sizes(settings: &Settings, data: &Data) -> Result<Option<Choice<Sizes>>> {
    let Some(sizes) = &settings.sizes else {
        return Ok(None);
    };
    let splits = data.splits()?;
    let n_all = splits.train.len() + splits.validation.len();
    match sizes.value() {
        Sizes::Auto => {
            let halved = (0..MAX_SIZES).rev().map(|times| n_all >> times);
            let sizes = halved.filter(|&size| size >= MIN_SIZE || size == n_all);
            Ok(Some(Choice::new(Sizes::Numbers(sizes.collect()))))
        }
        Sizes::Numbers(numbers) => match numbers.iter().find(|&&size| size > n_all) {
            None => Ok(Some(sizes.clone())),
            Some(size) => Err(Error::usage(format!(
                "`sizes`: expected at most {n_all}, the number of training and validation \
                 samples, found {size}"
            ))),
        },
    }
}

/// The seed of the settings and the next `n - 1` numbers.
fn seeds(settings: &Settings, n: usize) -> Result<std::ops::Range<u64>> {
    let first = settings.seed.unwrap_or(default::SEED);
    let n = at_least_two("seeds", n)? as u64;
    match first.checked_add(n).filter(|&end| end <= i64::MAX as u64) {
        Some(end) => Ok(first..end),
        None => Err(Error::usage(format!(
            "`seeds = {n}`: the last seed is above {}; choose a smaller `seed`",
            i64::MAX
        ))),
    }
}

fn at_least_two(name: &str, n: usize) -> Result<usize> {
    if n >= 2 {
        return Ok(n);
    }
    Err(Error::usage(format!(
        "`{name}`: expected a whole number from 2, found {n}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            folds: Some(2),
            seeds: Some(2),
            seed: Some(7),
            sizes: Some("50,20".parse().expect("two sizes")),
            ..Settings::default()
        }
    }

    #[test]
    fn all_combinations_are_trained() {
        let all = Repetition::all(&settings()).expect("the settings are right");
        let names: Vec<String> = all.iter().map(Repetition::directory).collect();
        assert_eq!(names.len(), 8);
        assert_eq!(names[0], "size-20-fold-1-seed-7");
        assert_eq!(names[7], "size-50-fold-2-seed-8");
    }

    #[test]
    fn seeds_share_the_split() {
        let all = Repetition::all(&settings()).expect("the settings are right");
        let last = all[7].settings(&settings());
        assert!(!last.is_repeated());
        assert_eq!((last.seed, last.split_seed), (Some(8), Some(7)));
        assert_eq!((last.train_size, last.fold), (Some(50), Some(2)));
        let own_split = Settings {
            split_seed: Some(3),
            ..settings()
        };
        assert_eq!(all[7].settings(&own_split).split_seed, Some(3));
    }

    #[test]
    fn impossible_numbers_are_refused() {
        let problem = |settings: Settings| {
            let error = Repetition::all(&settings).expect_err("it is wrong");
            error.to_string()
        };
        let one_seed = Settings {
            seeds: Some(1),
            ..settings()
        };
        assert_eq!(
            problem(one_seed),
            "`seeds`: expected a whole number from 2, found 1"
        );
        let large_seed = Settings {
            seed: Some(i64::MAX as u64),
            ..settings()
        };
        assert!(problem(large_seed).contains("the last seed is above"));
    }
}
