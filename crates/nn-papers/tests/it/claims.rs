//! Claims that run, results that are kept, and runs that are refused or stopped.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};

use nn_papers::{Options, Paper, Store, Verdict, claims, fit_table_two, run, text};
use nn_tensor::Threads;
use nn_train::{ErrorKind, Result};

/// A folder that is removed at the end of a test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("nn-papers-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        Self(folder)
    }

    /// Runs the quick form of claims and returns the lines of the progress.
    fn run(&self, ids: &[&str], change: impl FnOnce(&mut Options<'_>)) -> Result<Vec<String>> {
        let lines = RefCell::new(Vec::new());
        let report = |line: &str| lines.borrow_mut().push(line.to_owned());
        self.run_until(ids, change, &report, &|| false)?;
        Ok(lines.take())
    }

    fn run_until(
        &self,
        ids: &[&str],
        change: impl FnOnce(&mut Options<'_>),
        progress: &dyn Fn(&str),
        should_stop: &dyn Fn() -> bool,
    ) -> Result<()> {
        let mut options = Options {
            data_dir: Path::new("no-data-folder"),
            data: "glyphs",
            is_quick: true,
            rerun: false,
            threads: Threads::single(),
        };
        change(&mut options);
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let claims = claims(&Paper::ALL, &ids)?;
        run(&claims, &options, &mut self.store(), progress, should_stop)
    }

    fn store(&self) -> Store {
        Store::open(&self.0).expect("readable results")
    }

    fn verdict(&self, id: &str) -> Option<Verdict> {
        self.store().result(id).map(|result| result.outcome.verdict)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The evidence of an error can be a claim that is not on the page.
#[test]
fn claims_that_were_not_run_are_named() {
    let scratch = Scratch::new("named");
    scratch.run(&["H1"], |_| {}).expect("a run");
    let page = fs::read_to_string(scratch.store().report()).expect("the page");
    assert!(page.contains("claim H1<"), "{page}");
    assert!(page.contains("claim H3, not run yet"), "{page}");
}

#[test]
fn claims_run_and_their_results_are_kept() {
    let scratch = Scratch::new("kept");
    let lines = scratch.run(&["H1", "H3", "S1"], |_| {}).expect("a run");
    assert!(lines.iter().any(|line| line.contains("explained after")));
    assert_eq!(scratch.verdict("H1"), Some(Verdict::Explained));
    assert_eq!(scratch.verdict("H3"), Some(Verdict::Explained));
    assert_eq!(scratch.verdict("S1"), Some(Verdict::Reproduced));
    assert_eq!(scratch.verdict("H2"), None);

    let page = fs::read_to_string(scratch.store().report()).expect("the page");
    for part in ["0.68 for 2 y3", "Errata", "y3 = 0.2365", "nn train --data"] {
        assert!(page.contains(part), "{part}");
    }
    let store = scratch.store();
    let results = text::results(&store, &claims(&Paper::ALL, &[]).expect("all claims"));
    assert!(
        results.contains(&"explained       H1 H3".to_owned()),
        "{results:?}"
    );
    let overview = text::overview(&store);
    assert_eq!(
        overview
            .iter()
            .filter(|line| line.ends_with("not run yet"))
            .count(),
        18
    );

    let earlier = scratch.run(&["H1", "H3", "S1"], |_| {}).expect("a run");
    assert_eq!(earlier.len(), 3);
    assert!(
        earlier
            .iter()
            .all(|line| line.contains("from an earlier run"))
    );
    let rerun = scratch.run(&["H3"], |options| options.rerun = true);
    assert!(!rerun.expect("a run").concat().contains("earlier run"));
}

/// The printed values are about MNIST.
#[test]
fn claims_about_mnist_are_not_judged_on_the_built_in_digits() {
    let scratch = Scratch::new("not-judged");
    let lines = scratch.run(&["G2"], |_| {}).expect("a run");
    assert!(
        lines
            .concat()
            .contains("--quick: 3 seeds and 500 iterations instead of 5 and 1000")
    );
    assert_eq!(scratch.verdict("G2"), Some(Verdict::NotJudged));
    let store = scratch.store();
    let command = &store.result("G2").expect("a result").outcome.commands[0];
    assert!(command.command.contains("--epochs 500"), "{command:?}");
    assert_eq!(command.weights_sha256.len(), 64);
}

#[test]
fn a_stopped_run_keeps_finished_training_runs() {
    let scratch = Scratch::new("stopped");
    let n_questions = Cell::new(0);
    let should_stop = || {
        n_questions.set(n_questions.get() + 1);
        n_questions.get() > 60
    };
    let stopped = scratch.run_until(&["N1"], |_| {}, &|_| {}, &should_stop);
    let error = stopped.expect_err("stopped");
    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(error.help().is_some());
    assert_eq!(scratch.verdict("N1"), None);
    let cache = fs::read_to_string(scratch.0.join("work.json")).expect("the cache");
    assert!(cache.contains("--init xavier"), "{cache}");

    // The second run trains all networks, the first one only those that are not cached.
    let all = Cell::new(0);
    let count = || {
        all.set(all.get() + 1);
        false
    };
    scratch
        .run_until(&["N1"], |_| {}, &|_| {}, &count)
        .expect("a run");
    let resumed = all.replace(0);
    scratch
        .run_until(&["N1"], |options| options.rerun = true, &|_| {}, &count)
        .expect("a run");
    assert!(resumed < all.get(), "{resumed} < {}", all.get());
}

/// The setups that were tried are cached, and the search tries the same ones again.
#[test]
fn the_search_for_table_two_resumes() {
    let scratch = Scratch::new("fit");
    let options = Options {
        data_dir: Path::new("no-data-folder"),
        data: "glyphs",
        is_quick: true,
        rerun: false,
        threads: Threads::single(),
    };
    let search = || {
        let (lines, n_steps) = (RefCell::new(Vec::new()), Cell::new(0));
        let progress = |line: &str| lines.borrow_mut().push(line.to_owned());
        let should_stop = || {
            n_steps.set(n_steps.get() + 1);
            false
        };
        fit_table_two(&options, &mut scratch.store(), &progress, &should_stop).expect("a search");
        (lines.take(), n_steps.get())
    };
    let (first, n_steps) = search();
    assert!(n_steps > 0);
    let last = first.last().expect("the result");
    assert!(
        last.starts_with("mean difference") && last.contains("(2 seeds)"),
        "{last}"
    );
    assert_eq!(search(), (first, 0));
}

#[test]
fn unknown_names_are_refused() {
    let scratch = Scratch::new("refused");
    let error = scratch.run(&["X9"], |_| {}).expect_err("no such claim");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("expected one of N1"), "{error}");
    let error = scratch
        .run(&["H1"], |options| options.data = "fashion-mnist")
        .expect_err("no such data set");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(
        error.to_string().contains("expected mnist or glyphs"),
        "{error}"
    );
    assert!(!scratch.0.exists(), "a refused run creates no folder");
    assert!(Paper::find("nobody").is_err());
}
