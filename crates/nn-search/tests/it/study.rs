//! Studies: journal, rules, and resuming after an interruption.

use std::cell::RefCell;
use std::io::{self, Write};

use nn_search::{
    Decision, Error, ErrorKind, Goal, Outcome, Settings, Stopping, Strategy, Study, Trial,
};

use crate::functions::{TestFunction, mixed};

fn settings() -> Settings {
    Settings::new(mixed().space())
}

fn value(trial: &Trial) -> f64 {
    let TestFunction { value, .. } = mixed();
    value(&trial.point)
}

/// Asks for and finishes `n` trials; every fifth fails.
fn run(study: &mut Study<impl Write>, n: usize) {
    for _ in 0..n {
        let trial = study.ask().unwrap().unwrap();
        for step in 1..=3 {
            let loss = value(&trial) + 1.0 / step as f64;
            study.report(trial.id, step, loss).unwrap();
        }
        let outcome = match trial.id % 5 {
            4 => Outcome::Failed,
            _ => Outcome::Finished(value(&trial)),
        };
        study.tell(trial.id, outcome).unwrap();
    }
}

#[test]
fn a_resumed_study_goes_on_as_if_nothing_had_happened() {
    for strategy in ["random", "grid", "bayesian"] {
        let settings = Settings {
            strategy: strategy.parse().unwrap(),
            ..settings()
        };
        let mut whole = Study::new(settings.clone(), Vec::new()).unwrap();
        run(&mut whole, 14);

        let mut journal = Vec::new();
        let mut first = Study::new(settings.clone(), &mut journal).unwrap();
        run(&mut first, 8);
        let interrupted = first.ask().unwrap().unwrap();
        first.report(interrupted.id, 1, 123.0).unwrap();
        let written = journal.clone();
        let mut second = Study::resume(settings.clone(), &written[..], &mut journal).unwrap();
        run(&mut second, 2);
        let written = journal.clone();
        let mut third = Study::resume(settings, &written[..], &mut journal).unwrap();
        run(&mut third, 4);
        assert_eq!(third.trials(), whole.trials(), "{strategy}");
    }
}

#[test]
fn a_journal_may_be_cut_off_anywhere() {
    let mut journal = Vec::new();
    let mut whole = Study::new(settings(), &mut journal).unwrap();
    run(&mut whole, 7);
    let expected = whole.trials().to_vec();
    let header = journal.iter().position(|&byte| byte == b'\n').unwrap();
    for length in (header..journal.len()).step_by(37) {
        let mut rest = journal[..length].to_vec();
        let written = rest.clone();
        let mut study = Study::resume(settings(), &written[..], &mut rest).unwrap();
        let n_ended = study.trials().iter().filter(|t| t.outcome.is_some());
        let n_ended = n_ended.count();
        run(&mut study, 7 - n_ended);
        assert_eq!(study.trials(), expected, "cut off after {length} bytes");
        let again = Study::resume(settings(), &rest[..], io::sink()).unwrap();
        assert_eq!(again.trials(), expected, "cut off after {length} bytes");
    }
}

#[test]
fn several_trials_at_once_go_to_different_places() {
    let mut study = Study::new(settings(), io::sink()).unwrap();
    run(&mut study, 10);
    let batch: Vec<Trial> = (0..4).map(|_| study.ask().unwrap().unwrap()).collect();
    for (index, trial) in batch.iter().enumerate() {
        for other in &batch[..index] {
            let rates = [trial, other].map(|trial| trial.point.real("lr").ln());
            let same_options = trial.point.category("optimizer")
                == other.point.category("optimizer")
                && trial.point.category("batch") == other.point.category("batch");
            let widths = [trial, other].map(|trial| trial.point.integer("width"));
            assert!(
                !same_options || (rates[0] - rates[1]).abs() > 1e-3 || widths[0] != widths[1],
                "{} and {}",
                trial.point,
                other.point
            );
        }
    }
}

#[test]
fn a_small_space_is_searched_without_repetition() {
    let settings = Settings::new("a=x|y|z n=int:1..4".parse().unwrap());
    let mut study = Study::new(settings, io::sink()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let trial = study.ask().unwrap().unwrap();
        study.tell(trial.id, Outcome::Finished(1.0)).unwrap();
    }
    seen.extend(study.trials().iter().map(|trial| trial.point.to_string()));
    seen.sort_unstable();
    seen.dedup();
    for _ in seen.len()..12 {
        let trial = study.ask().unwrap().unwrap();
        let text = trial.point.to_string();
        assert!(!seen.contains(&text), "{text} again");
        seen.push(text);
        study.tell(trial.id, Outcome::Finished(1.0)).unwrap();
    }
    assert!(study.ask().unwrap().is_some(), "then it repeats");
}

#[test]
fn a_grid_comes_to_an_end() {
    let settings = Settings {
        strategy: Strategy::Grid { points: 2 },
        ..settings()
    };
    let mut study = Study::new(settings, io::sink()).unwrap();
    run(&mut study, 2 * 2 * 3 * 3);
    assert!(study.ask().unwrap().is_none());
}

#[test]
fn another_seed_is_another_search() {
    let points = |seed| {
        let settings = Settings { seed, ..settings() };
        let mut study = Study::new(settings, io::sink()).unwrap();
        run(&mut study, 7);
        let points = study.trials().iter().map(|trial| trial.point.clone());
        points.collect::<Vec<_>>()
    };
    assert_eq!(points(0), points(0));
    let (zero, one) = (points(0), points(1));
    assert!(zero.iter().zip(&one).all(|(zero, one)| zero != one));
}

/// Golden values: a change here changes every published search.
#[test]
fn suggestions_never_change() {
    let mut study = Study::new(settings(), io::sink()).unwrap();
    run(&mut study, 7);
    let texts = study.trials().iter().map(|trial| trial.point.to_string());
    let texts: Vec<String> = texts.collect();
    assert_eq!(
        [&texts[0], &texts[6]],
        [
            "--lr=0.0002408 --width=98 --optimizer=sgd --batch=32",
            "--lr=0.006455 --width=512 --optimizer=adam --batch=64"
        ]
    );
}

#[test]
fn the_best_is_the_best_finished() {
    let settings = Settings {
        goal: Goal::Maximize,
        ..Settings::new("x=0..1".parse().unwrap())
    };
    let mut study = Study::new(settings, io::sink()).unwrap();
    assert!(study.best().is_none() && study.surrogate().is_none());
    for outcome in [
        Outcome::Failed,
        Outcome::Finished(0.5),
        Outcome::Finished(f64::INFINITY),
        Outcome::Finished(0.7),
        Outcome::Finished(0.7),
        Outcome::Stopped,
    ] {
        let trial = study.ask().unwrap().unwrap();
        study.tell(trial.id, outcome).unwrap();
    }
    assert_eq!(study.best().unwrap().id, 3);
}

#[test]
fn the_surrogate_speaks_the_units_of_the_objective() {
    let settings = Settings {
        goal: Goal::Maximize,
        ..Settings::new("x=0..1 idle=0..1".parse().unwrap())
    };
    let mut study = Study::new(settings, io::sink()).unwrap();
    for _ in 0..20 {
        let trial = study.ask().unwrap().unwrap();
        let objective = 90.0 - 40.0 * (trial.point.real("x") - 0.3).powi(2);
        study.tell(trial.id, Outcome::Finished(objective)).unwrap();
    }
    let surrogate = study.surrogate().unwrap();
    let space = &study.settings().space;
    for u in [0.1, 0.3, 0.5] {
        let prediction = surrogate.predict(&space.point_at(&[u, 0.5]));
        let truth = 90.0 - 40.0 * (u - 0.3_f64).powi(2);
        let error = (prediction.mean - truth).abs();
        assert!(error < 1.0 && prediction.std < 2.0, "{u}: {prediction:?}");
    }
    let scales: Vec<(&str, f64)> = surrogate.length_scales().collect();
    assert_eq!((scales[0].0, scales[1].0), ("x", "idle"));
    assert!(scales[1].1 > 2.0 * scales[0].1, "{scales:?}");
    assert!(surrogate.noise() < 1.0, "{}", surrogate.noise());
}

#[test]
fn bad_trials_are_stopped() {
    let settings = Settings {
        stopping: Stopping::Median {
            trials: 3,
            steps: 1,
        },
        ..settings()
    };
    let mut study = Study::new(settings, io::sink()).unwrap();
    for _ in 0..3 {
        let trial = study.ask().unwrap().unwrap();
        for step in 1..=3 {
            let decision = study.report(trial.id, step, 1.0 / step as f64).unwrap();
            assert_eq!(decision, Decision::Continue);
        }
        study.tell(trial.id, Outcome::Finished(0.3)).unwrap();
    }
    let bad = study.ask().unwrap().unwrap();
    assert_eq!(study.report(bad.id, 1, 0.9).unwrap(), Decision::Continue);
    assert_eq!(study.report(bad.id, 2, 0.8).unwrap(), Decision::Stop);
    study.tell(bad.id, Outcome::Stopped).unwrap();
    assert!(study.ask().unwrap().is_some());
}

#[test]
fn only_running_trials_can_be_told() {
    let mut study = Study::new(settings(), io::sink()).unwrap();
    let error = study.tell(0, Outcome::Failed).unwrap_err();
    assert_eq!(error.to_string(), "trial 0 is not running");
    run(&mut study, 1);
    let again = study.tell(0, Outcome::Failed);
    assert!(matches!(again, Err(Error::NotRunning { id: 0 })));
    assert!(matches!(
        study.report(0, 1, 0.5),
        Err(Error::NotRunning { id: 0 })
    ));
}

#[test]
fn a_journal_of_another_search_is_refused() {
    let mut journal = Vec::new();
    run(&mut Study::new(settings(), &mut journal).unwrap(), 2);
    let resume = |settings, written: &[u8]| {
        let study = Study::resume(settings, written, io::sink());
        study.map(|_| ()).unwrap_err()
    };
    let other = Settings {
        seed: 1,
        ..settings()
    };
    let error = resume(other, &journal);
    assert_eq!(
        error.to_string(),
        "the journal belongs to a different search: expected seed 1, found 0"
    );
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(matches!(resume(settings(), b""), Error::NotAJournal));
    let line = b"{\"event\":\"told\",\"trial\":9,\"outcome\":\"failed\"}\n";
    let impossible = [&journal[..], line].concat();
    let error = resume(settings(), &impossible);
    assert!(
        error.to_string().ends_with(": trial 9 is not running"),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Data);
}

#[test]
fn what_cannot_be_written_has_not_happened() {
    let disk = RefCell::new(Disk::default());
    let mut study = Study::new(settings(), Shared(&disk)).unwrap();
    disk.borrow_mut().is_full = true;
    assert_eq!(study.ask().unwrap_err().kind(), ErrorKind::Io);
    assert!(study.trials().is_empty());
    disk.borrow_mut().is_full = false;
    run(&mut study, 3);
    let written = disk.borrow().content.clone();
    let resumed = Study::resume(settings(), &written[..], io::sink()).unwrap();
    assert_eq!(resumed.trials(), study.trials());
}

/// The content of a disk, and whether it is full.
#[derive(Default)]
struct Disk {
    content: Vec<u8>,
    is_full: bool,
}

struct Shared<'a>(&'a RefCell<Disk>);

impl Write for Shared<'_> {
    /// A full disk writes only the first half.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.0.borrow_mut();
        if disk.is_full {
            disk.content.extend(&bytes[..bytes.len() / 2]);
            return Err(io::ErrorKind::StorageFull.into());
        }
        disk.content.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
