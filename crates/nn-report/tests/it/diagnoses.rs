//! Trains runs with known problems and looks at the first cure.
#![allow(
    clippy::print_stdout,
    reason = "the campaign, which is started by hand, shows every case"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nn_core::Samples;
use nn_core::metrics::evaluate;
use nn_report::{Diagnosis, Finding, Suggestion};
use nn_tensor::Threads;
use nn_train::{Data, Experiment, Result, TrainedRun, flags};

use crate::doctor_cases::{Case, Cure, REPORTED, ROUNDS, Round};
use crate::doctor_tables::images;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nn-report-test-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Self(folder)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("the temporary folder is writable");
        fs::write(&path, bytes).expect("the temporary folder is writable");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// The folder of the data sets that were downloaded.
const DATASETS: &str = "../../datasets";

/// Whether the data of a case are there: generated ones always, public ones if they were
/// downloaded.
fn has_data(case: &Case) -> bool {
    match case.flags.split(' ').next() {
        Some("mnist") => Path::new(DATASETS).join("mnist").exists(),
        Some("glyphs" | "dim-images") => true,
        _ => !(case.table)().trim().is_empty(),
    }
}

/// The words of a case's command line, with its data set, which is written to `folder`.
fn words(case: &Case, folder: &Folder) -> Vec<String> {
    let fault = case.fault.split(' ').filter(|word| !word.is_empty());
    let words: Vec<&str> = case.flags.split(' ').chain(fault).collect();
    let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
    match words[0].as_str() {
        "glyphs" | "mnist" => {}
        "dim-images" => {
            let [pixels, labels] = images(1);
            folder.write("dim-images/train-images-idx3-ubyte", pixels);
            folder.write("dim-images/train-labels-idx1-ubyte", labels);
            words[0] = folder.0.join("dim-images").to_string_lossy().into_owned();
        }
        _ => words.insert(0, folder.write("table.csv", (case.table)())),
    }
    words.insert(0, "--data".to_owned());
    let mut words = without_repeats(&words);
    for pair in words.chunks_exact_mut(2) {
        if pair == ["--hidden", "none"] {
            pair[1].clear();
        }
    }
    words
}

fn train(words: &[String], run: &Path) -> Result<TrainedRun> {
    let settings = flags::parse(words)?;
    Experiment::load(&settings, DATASETS)?.train(run, &mut ())
}

/// The mean recall, accuracy of labels or R² on the validation and test samples.
fn held_out_score(words: &[String], trained: &TrainedRun) -> f64 {
    let settings = flags::parse(words).expect("they were parsed before");
    let data = Data::for_training(&settings, Path::new(DATASETS), &Threads::all());
    let data = data.expect("it was loaded before");
    let splits = data.splits().expect("it was split before");
    let held_out = [Some(splits.validation), splits.test].into_iter().flatten();
    let scores = held_out.map(|samples| {
        [
            samples.len() as f64 * score(trained, &samples),
            samples.len() as f64,
        ]
    });
    let [sum, n] = scores.fold([0.0; 2], |sums, it| [sums[0] + it[0], sums[1] + it[1]]);
    sum / n
}

fn score(trained: &TrainedRun, samples: &Samples<'_>) -> f64 {
    let model = trained.run.model();
    let found = evaluate(&model.network, samples, model.loss, &Threads::all());
    let found = found.expect("the samples fit");
    match (&found.confusion, &found.regression) {
        (Some(confusion), _) => {
            let classes = 0..confusion.counts().n_rows();
            let recalls: Vec<f64> = classes
                .filter_map(|class| confusion.scores(class).recall)
                .collect();
            recalls.iter().sum::<f64>() / recalls.len() as f64
        }
        (None, Some(regression)) => regression.r_squared.expect("several rows"),
        (None, None) => found.accuracy.expect("labels have an accuracy"),
    }
}

/// What came of a case.
struct Outcome {
    words: Vec<String>,
    diagnosis: Diagnosis,
    /// The score without the fault.
    healthy: Option<f64>,
    /// The score before and after the first cure, if it changes settings. A
    /// run that diverged has no score before.
    scores: Option<(Option<f64>, Option<f64>)>,
}

impl Outcome {
    fn new(case: &Case, treats: bool) -> Self {
        let folder = Folder::new();
        let words = words(case, &folder);
        let run = folder.0.join("run");
        let trained = train(&words, &run);
        let diagnosis = Diagnosis::new(&run, Path::new(DATASETS), false);
        let diagnosis = diagnosis.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let cure = diagnosis.cures().next().map(|(_, cure)| cure.clone());
        let scores = cure
            .filter(|cure| treats && !cure.settings.is_empty())
            .map(|cure| {
                let mut cured = words.clone();
                for (name, value) in &cure.settings {
                    cured.extend([format!("--{name}"), value.clone()]);
                }
                let cured = without_repeats(&cured);
                let after = train(&cured, &folder.0.join("cured"));
                (
                    trained.ok().map(|trained| held_out_score(&words, &trained)),
                    after.ok().map(|after| held_out_score(&cured, &after)),
                )
            });
        let healthy = (treats && !case.fault.is_empty()).then(|| {
            let without = Case { fault: "", ..*case };
            let words = self::words(&without, &folder);
            let trained = train(&words, &folder.0.join("healthy"));
            held_out_score(&words, &trained.expect("it is healthy"))
        });
        Self {
            healthy,
            words,
            diagnosis,
            scores,
        }
    }

    fn is_right(&self, case: &Case) -> bool {
        case.cure.is_met_by(self.first(), &self.words)
    }

    fn first(&self) -> Option<&Suggestion> {
        self.diagnosis.cures().next().map(|(_, cure)| cure)
    }

    fn has_improved(&self) -> Option<bool> {
        let (before, after) = self.scores?;
        Some(after.is_some_and(|after| before.is_none_or(|before| after >= before)))
    }

    fn show(&self, case: &Case) {
        let problems = self
            .diagnosis
            .checks
            .iter()
            .filter_map(|check| match &check.finding {
                Finding::Problem(evidence, _) => Some(match check.explained_by {
                    Some(cause) => format!("    ({} <- {cause}: {evidence})", check.name),
                    None => format!("    {}: {evidence}", check.name),
                }),
                _ => None,
            });
        let problems: Vec<String> = problems.collect();
        let first = self.first().map(|it| format!("{} {}", it.flags(), it.what));
        let verdict = if self.is_right(case) {
            "right"
        } else {
            "WRONG"
        };
        println!(
            "{verdict}  {}: {}\n    expected {:?}; without the fault {:?}; scores {:?}\n{}",
            case.name,
            first.unwrap_or_default(),
            case.cure,
            self.healthy,
            self.scores,
            problems.join("\n")
        );
    }
}

/// Only the last value of each flag.
fn without_repeats(words: &[String]) -> Vec<String> {
    let mut kept: Vec<[String; 2]> = Vec::new();
    for pair in words.chunks_exact(2) {
        kept.retain(|known| known[0] != pair[0]);
        kept.push([pair[0].clone(), pair[1].clone()]);
    }
    kept.into_iter().flatten().collect()
}

impl Cure {
    fn is_met_by(self, first: Option<&Suggestion>, words: &[String]) -> bool {
        let Some(first) = first else {
            return self == Self::Nothing;
        };
        let value = |name: &str| {
            let found = first.settings.iter().find(|(found, _)| *found == name);
            found.map(|(_, value)| value.clone())
        };
        let before = |name: &str| {
            let place = words.iter().position(|word| *word == format!("--{name}"));
            place.map(|place| words[place + 1].clone())
        };
        let number = |text: Option<String>| text.and_then(|text| text.parse::<f64>().ok());
        match self {
            Self::Nothing => false,
            Self::LowerRate => number(value("lr")) < number(before("lr")) && value("lr").is_some(),
            Self::HigherRate => number(value("lr")) > number(before("lr")),
            Self::MoreEpochs => number(value("epochs")) > number(before("epochs")),
            Self::LargerNetwork => value("hidden").is_some(),
            Self::Setting(names) => names.iter().any(|name| value(name).is_some()),
            Self::Flags(flags) => first.flags().contains(flags),
            Self::Advice(text) => first.settings.is_empty() && first.what.contains(text),
        }
    }
}

/// How many first cures are right; how many were tried, and how many of those did not
/// lower the score.
#[derive(Debug, Default)]
struct Count {
    cases: usize,
    right: usize,
    tried: usize,
    improved: usize,
}

impl Count {
    fn of(title: &str, cases: &[Case]) -> Self {
        let mut count = Self::default();
        println!("\n== {title}");
        for case in cases {
            if !has_data(case) {
                println!("skipped  {}: its data are not there", case.name);
                continue;
            }
            let outcome = Outcome::new(case, true);
            outcome.show(case);
            let is_right = outcome.is_right(case);
            count.cases += 1;
            count.right += usize::from(is_right);
            // Without the column that gives the target away, the score is lower.
            let helps = is_right
                && !matches!(case.cure, Cure::Flags(flags) if flags.starts_with("--ignore"));
            if let Some(improved) = outcome.has_improved().filter(|_| helps) {
                count.tried += 1;
                count.improved += usize::from(improved);
            }
        }
        println!(
            "== {title}: {} of {} first cures are right; {} were tried, {} improved the run",
            count.right, count.cases, count.tried, count.improved
        );
        count
    }

    fn and(self, other: Self) -> Self {
        Self {
            cases: self.cases + other.cases,
            right: self.right + other.right,
            tried: self.tried + other.tried,
            improved: self.improved + other.improved,
        }
    }
}

/// Those of the first and the last round that take less than a second.
#[test]
fn the_first_cure_is_the_right_one() {
    let [first, .., last] = &ROUNDS;
    let rounds = [first, last].into_iter();
    let cases = rounds.flat_map(|round| round.ill.iter().chain(round.healthy));
    let is_small = |case: &&Case| {
        let n_lines = (case.table)().lines().count();
        (2..=801).contains(&n_lines)
    };
    for case in cases.filter(is_small) {
        let outcome = Outcome::new(case, false);
        let first = outcome.first();
        assert!(outcome.is_right(case), "{}: {first:?}", case.name);
    }
}

#[test]
fn the_first_cure_of_reported_runs_is_the_right_one() {
    for case in REPORTED {
        let outcome = Outcome::new(case, false);
        let first = outcome.first();
        assert!(outcome.is_right(case), "{}: {first:?}", case.name);
    }
}

/// The verdicts of the checks with these names.
fn verdicts(table: &str, flags: &str, names: &[&str]) -> Vec<(&'static str, String)> {
    let folder = Folder::new();
    let data = folder.write("table.csv", table);
    let mut words = vec!["--data".to_owned(), data];
    words.extend(flags.split(' ').map(str::to_owned));
    let run = folder.0.join("run");
    train(&words, &run).expect("it is trained");
    let diagnosis = Diagnosis::new(&run, Path::new(DATASETS), false).expect("it is diagnosed");
    let checks = diagnosis.checks.iter();
    let checks = checks.filter(|check| names.contains(&check.name));
    let verdict = checks.map(|check| match &check.finding {
        Finding::Ok(text) => ("ok", text.clone()),
        Finding::Problem(text, _) => ("problem", text.clone()),
        Finding::NotChecked(text) => ("not checked", text.clone()),
        _ => ("unknown", String::new()),
    });
    verdict.collect()
}

#[test]
fn a_few_samples_are_not_judged() {
    let header = "u,v,kind\n";
    let row = |i: usize| format!("{i},{},{}\n", i % 3, ["oak", "elm"][i % 2]);
    let table = |n: usize| header.to_owned() + &(0..n).map(row).collect::<String>();
    let flags = "--target kind --task classification --hidden 8 --epochs 30";
    let found = verdicts(&table(2), flags, &["no better than the baseline"]);
    let text = "there are only 2 training samples, too few for a judgement";
    assert_eq!(found, [("not checked", text.to_owned())]);
    let found = verdicts(&table(10), flags, &["overfitting"]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "not checked", "{found:?}");
    assert!(found[0].1.contains("too few"), "{found:?}");
}

/// More epochs would not change a run that early stopping has ended.
#[test]
fn early_stopping_is_not_too_soon() {
    let table = crate::doctor_tables::coin_flips();
    let rows: Vec<&str> = table.lines().take(61).collect();
    let flags = "--target side --hidden 8 --lr 0.01 --patience 2 --epochs 200";
    let found = verdicts(&rows.join("\n"), flags, &["stopped too soon"]);
    assert_eq!(found[0].0, "ok", "{found:?}");
    assert!(found[0].1.contains("early stopping"), "{found:?}");
}

/// A weight does not help a class without training samples.
#[test]
fn the_smallest_class_has_training_samples() {
    let table = crate::doctor_tables::late_class();
    let flags = "--target kind --order-by time --hidden 16 --lr 0.01 --epochs 40";
    let names = ["unbalanced classes", "class without training samples"];
    let found = verdicts(&table, flags, &names);
    let [absent, balance] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(
        absent.0 == "problem" && absent.1.ends_with(": ash"),
        "{absent:?}"
    );
    assert!(
        balance.0 == "ok" && !balance.1.contains("ash"),
        "{balance:?}"
    );
}

#[test]
#[ignore = "trains 900 networks; `cargo test -p nn-report --test it campaign -- --ignored --nocapture`"]
fn campaign() {
    // The name of a round in NN_ROUND leaves out all others.
    let only = std::env::var("NN_ROUND").ok();
    let is_wanted = |round: &&Round| only.as_ref().is_none_or(|only| only == round.title);
    let of_all = |cases: fn(&Round) -> &'static [Case]| {
        let rounds = ROUNDS.iter().filter(is_wanted);
        let counts = rounds.map(|round| Count::of(round.title, cases(round)));
        counts.fold(Count::default(), Count::and)
    };
    let ill = of_all(|round| round.ill);
    let healthy = of_all(|round| round.healthy);
    println!("\n{ill:?}\nhealthy {healthy:?}");
    assert!(10 * ill.right >= 9 * ill.cases);
    assert_eq!(healthy.right, healthy.cases);
    assert!(4 * ill.improved >= 3 * ill.tried);
}
