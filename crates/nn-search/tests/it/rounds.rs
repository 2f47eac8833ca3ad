//! Rounds of trials: the result does not depend on which trials run in parallel, or where.

use std::io;

use nn_search::{
    Decision, EndedTrial, Error, Outcome, Settings, Stopping, Study, Trial, WorkerJournal,
};

use crate::functions::{TestFunction, mixed};

const MEDIAN: Stopping = Stopping::Median {
    trials: 3,
    steps: 1,
};

fn settings(strategy: &str, stopping: Stopping) -> Settings {
    Settings {
        strategy: strategy.parse().unwrap(),
        stopping,
        round: 4,
        ..Settings::new(mixed().space())
    }
}

/// The value after a step; every seventh trial diverges.
fn value(trial: &Trial, step: u64) -> f64 {
    let TestFunction { value, .. } = mixed();
    match trial.id % 7 {
        6 => f64::NAN,
        _ => value(&trial.point) + 1.0 / step as f64,
    }
}

/// Evaluates a trial; `report` returns whether to continue.
fn evaluate(trial: &Trial, mut report: impl FnMut(u64, f64) -> Decision) -> Outcome {
    for step in 1..=4 {
        if report(step, value(trial, step)) == Decision::Stop {
            return Outcome::Stopped;
        }
    }
    Outcome::Finished(value(trial, 4))
}

/// Runs `n` trials one after the other; returns the journal.
fn run_alone(settings: &Settings, n: usize) -> String {
    let mut journal = Vec::new();
    let mut study = Study::new(settings.clone(), &mut journal).unwrap();
    for _ in 0..n {
        let trial = study.ask().unwrap().unwrap();
        let report = |step, value| study.report(trial.id, step, value).unwrap();
        let outcome = evaluate(&trial, report);
        study.tell(trial.id, outcome).unwrap();
    }
    String::from_utf8(journal).unwrap()
}

/// Runs `n` trials in parallel, as many as can start, and lets the last one end first.
fn run_in_parallel(settings: &Settings, n: usize) -> Vec<Trial> {
    let mut study = Study::new(settings.clone(), io::sink()).unwrap();
    let mut running: Vec<Trial> = Vec::new();
    while study.trials().len() < n || !running.is_empty() {
        if study.trials().len() < n && study.is_ready() {
            running.push(study.ask().unwrap().unwrap());
            continue;
        }
        let trial = running.pop().unwrap();
        let report = |step, value| study.report(trial.id, step, value).unwrap();
        let outcome = evaluate(&trial, report);
        study.tell(trial.id, outcome).unwrap();
    }
    study.trials().to_vec()
}

/// The journal of a study with these trials.
fn journal_of(settings: &Settings, trials: &[Trial]) -> String {
    let mut journal = Vec::new();
    let mut study = Study::new(settings.clone(), &mut journal).unwrap();
    trials.iter().for_each(|trial| study.adopt(trial).unwrap());
    String::from_utf8(journal).unwrap()
}

#[test]
fn the_order_within_a_round_does_not_matter() {
    for strategy in ["random", "grid:points=2", "bayesian"] {
        for stopping in [Stopping::None, MEDIAN] {
            let settings = settings(strategy, stopping);
            let alone = run_alone(&settings, 18);
            let parallel = run_in_parallel(&settings, 18);
            assert_eq!(
                journal_of(&settings, &parallel),
                alone,
                "{strategy} {stopping}"
            );
        }
    }
    let stopped = run_alone(&settings("random", MEDIAN), 18);
    assert!(stopped.contains("\"outcome\":\"stopped\""), "{stopped}");
}

#[test]
fn trials_wait_only_for_results_that_they_use() {
    for (strategy, stopping, n_ready) in [
        ("random", Stopping::None, 20),
        ("grid", Stopping::None, 20),
        ("random", MEDIAN, 4),
        ("bayesian", Stopping::None, 4),
    ] {
        let mut study = Study::new(settings(strategy, stopping), io::sink()).unwrap();
        while study.is_ready() && study.trials().len() < 20 {
            study.ask().unwrap().unwrap();
        }
        assert_eq!(study.trials().len(), n_ready, "{strategy} {stopping}");
        (0..n_ready).for_each(|id| study.tell(id, Outcome::Failed).unwrap());
        assert!(study.is_ready());
    }
}

/// Later trials of the same round have no influence.
#[test]
fn stopping_uses_earlier_rounds_only() {
    let settings = Settings {
        round: 8,
        ..settings("random", MEDIAN)
    };
    let mut study = Study::new(settings, io::sink()).unwrap();
    let mut decide = |value: f64| {
        let id = study.ask().unwrap().unwrap().id;
        study.report(id, 1, value).unwrap();
        let decision = study.report(id, 2, value).unwrap();
        study.tell(id, Outcome::Finished(value)).unwrap();
        decision
    };
    for value in 1..=8 {
        assert_eq!(decide(f64::from(value)), Decision::Continue, "{value}");
    }
    assert_eq!(decide(4.5), Decision::Continue);
    assert_eq!(decide(4.6), Decision::Stop);
}

#[test]
fn the_journals_of_workers_give_the_journal_of_one_process() {
    let settings = settings("bayesian", MEDIAN);
    let trials = run_in_parallel(&settings, 14);
    let mut journals = [Vec::new(), Vec::new(), Vec::new()];
    let mut writers: Vec<_> = journals
        .iter_mut()
        .map(|journal| WorkerJournal::begin(&settings, journal).unwrap())
        .collect();
    for trial in trials.iter().rev() {
        let details = format!("trial {}", trial.id);
        let ended = EndedTrial {
            trial: trial.clone(),
            details,
        };
        writers[trial.id % 3].append(&ended).unwrap();
    }
    let mut all: Vec<EndedTrial> = Vec::new();
    for journal in &journals {
        all.extend(EndedTrial::read_all(&settings, &journal[..]).unwrap());
    }
    all.sort_by_key(|ended| ended.trial.id);
    assert_eq!(all[13].details, "trial 13");
    let trials: Vec<Trial> = all.into_iter().map(|ended| ended.trial).collect();
    assert_eq!(journal_of(&settings, &trials), run_alone(&settings, 14));
}

#[test]
fn the_journal_of_a_worker_may_be_cut_off_anywhere() {
    let settings = settings("random", Stopping::None);
    let trials = run_in_parallel(&settings, 3);
    let mut journal = Vec::new();
    let mut writer = WorkerJournal::begin(&settings, &mut journal).unwrap();
    for trial in &trials {
        let details = "a,\"b\"".to_owned();
        let trial = trial.clone();
        writer.append(&EndedTrial { trial, details }).unwrap();
    }
    for length in 0..journal.len() {
        let ended = EndedTrial::read_all(&settings, &journal[..length]).unwrap();
        let lines = journal[..length].split(|&byte| byte == b'\n');
        let told =
            lines.filter(|line| line.starts_with(b"{\"event\":\"told\"") && line.ends_with(b"}"));
        assert_eq!(ended.len(), told.count(), "{length} bytes");
    }
    // An interrupted trial is started again.
    let start = journal.split(|&byte| byte == b'\n').nth(1).unwrap();
    let again = [&journal[..], start, b"\n", start, b"\n"].concat();
    assert_eq!(
        EndedTrial::read_all(&settings, &again[..]).unwrap().len(),
        3
    );
    let error = EndedTrial::read_all(&settings, &b"{\"event\":\"resumed\"}\n"[..]).unwrap_err();
    assert!(matches!(error, Error::NotAJournal));
    let other = Settings {
        round: 5,
        ..settings
    };
    let error = EndedTrial::read_all(&other, &journal[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the journal belongs to a different search: expected round 5, found 4"
    );
}

#[test]
fn different_results_of_a_trial_are_an_error() {
    let settings = settings("random", Stopping::None);
    let trials = run_in_parallel(&settings, 7);
    let mut study = Study::new(settings, io::sink()).unwrap();
    for trial in &trials {
        assert_eq!(study.ask().unwrap().unwrap().point, trial.point);
        study.adopt(trial).unwrap();
        // Another worker has the same result, also if it is NaN.
        study.adopt(trial).unwrap();
    }
    let other_result = Trial {
        outcome: Some(Outcome::Finished(0.0)),
        ..trials[6].clone()
    };
    let other_point = Trial {
        point: trials[5].point.clone(),
        ..trials[6].clone()
    };
    for other in [other_result, other_point] {
        let error = study.adopt(&other).unwrap_err();
        assert!(matches!(error, Error::Disagreement { id: 6 }), "{error}");
    }
    let running = Trial {
        outcome: None,
        ..trials[6].clone()
    };
    let later = Trial {
        id: 9,
        ..trials[6].clone()
    };
    for (trial, id) in [(running, 6), (later, 9)] {
        let error = study.adopt(&trial).unwrap_err();
        assert!(
            matches!(error, Error::NotRunning { id: other } if other == id),
            "{error}"
        );
    }
}

/// Journals of versions without rounds have one trial per round.
#[test]
fn old_journals_are_resumed() {
    let old = "{\"event\":\"search\",\"version\":1,\"space\":[\"x=0..1\"],\"strategy\":\"random\",\
        \"goal\":\"minimize\",\"stopping\":\"none\",\"seed\":7}\n";
    let settings = Settings {
        strategy: nn_search::Strategy::Random,
        seed: 7,
        ..Settings::new("x=0..1".parse().unwrap())
    };
    Study::resume(settings.clone(), old.as_bytes(), io::sink()).unwrap();
    let mut journal = Vec::new();
    Study::new(settings.clone(), &mut journal).unwrap();
    assert_eq!(String::from_utf8(journal).unwrap(), old);
    let rounds = Settings {
        round: 8,
        ..settings
    };
    let error = Study::resume(rounds, old.as_bytes(), io::sink()).unwrap_err();
    assert!(
        error.to_string().ends_with("expected round 8, found 1"),
        "{error}"
    );
}
