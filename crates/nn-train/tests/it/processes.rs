//! Runs that several processes share, here threads, have the files of runs of one process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nn_core::Exchange;
use nn_core::training::BatchReport;
use nn_train::{
    Error, ErrorKind, Experiment, Observer, OnDivergence, Processes, RepeatedTraining, Repetition,
    Result, Settings, StoppedRun, Threads,
};

use crate::thread_exchange::run;

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a new folder");
        Self(path)
    }

    fn model(&self, run: &str) -> Vec<u8> {
        fs::read(self.0.join(run).join("model.safetensors")).expect("the run is finished")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Files that stay in the temporary folder do no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn settings() -> Settings {
    Settings {
        data: Some("glyphs".into()),
        limit_train: Some(120),
        hidden: Some("12,8".parse().expect("widths")),
        optimizer: Some("adam".parse().expect("an optimizer")),
        batch_size: Some("16".parse().expect("a batch size")),
        epochs: Some(2),
        ..Settings::default()
    }
}

/// Trains on process 0 while the others follow; returns the result of process 0.
fn shared<T: Send>(
    n_processes: usize,
    train: impl Fn(&Processes) -> Result<T> + Sync,
) -> Result<T> {
    let mut results = run(n_processes, |_, exchange: Arc<dyn Exchange<f32>>| {
        let processes = Processes::new(exchange);
        if processes.is_first() {
            let trained = train(&processes);
            processes.end(7).expect("the exchange works");
            return Some(trained);
        }
        let code = processes.follow("datasets".as_ref(), &Threads::single());
        assert_eq!(code.expect("process 0 trains"), 7);
        None
    });
    results.remove(0).expect("process 0 trained")
}

fn experiment(settings: &Settings) -> Result<Experiment> {
    let experiment = Experiment::load(settings, "datasets")?;
    Ok(experiment.with_threads(Threads::single()))
}

#[test]
fn runs_and_ensembles_have_the_model_of_one_process() {
    let folder = Folder::new("shared");
    let ensemble = Settings {
        ensemble: Some(2),
        ..settings()
    };
    let rollback = Settings {
        on_divergence: Some(OnDivergence::HalveRate.into()),
        optimizer: Some("sgd".parse().expect("an optimizer")),
        lr: Some(1e5),
        ..settings()
    };
    for (name, settings) in [
        ("one", settings()),
        ("ensemble", ensemble),
        ("rollback", rollback),
    ] {
        let alone = experiment(&settings).and_then(|it| it.train(folder.0.join(name), &mut ()));
        let found = shared(3, |processes| {
            let path = folder.0.join(format!("{name}-3"));
            let experiment = experiment(&settings)?.with_processes(processes.clone());
            experiment.train(path, &mut ())
        });
        match alone {
            Ok(_) => {
                found.expect("it is trained as well");
                let models = [folder.model(name), folder.model(&format!("{name}-3"))];
                assert!(models[0] == models[1], "{name}");
            }
            Err(error) => {
                let found = found.expect_err("it fails as well");
                assert_eq!(found.kind(), error.kind(), "{name}: {error}, {found}");
            }
        }
    }
}

/// Stops a run after a number of batches.
struct StopAfter(usize);

impl Observer for StopAfter {
    fn batch(&mut self, _: &BatchReport, _: f64) {
        self.0 = self.0.saturating_sub(1);
    }

    fn should_stop(&mut self) -> bool {
        self.0 == 0
    }
}

fn resume(path: &Path, processes: &Processes, observer: &mut dyn Observer) -> Result<()> {
    let stopped = StoppedRun::open(path, "datasets", Threads::single(), |_| {})?;
    let stopped = stopped.with_checkpoint_interval(Duration::ZERO);
    stopped.with_processes(processes.clone()).train(observer)?;
    Ok(())
}

#[test]
fn a_stopped_run_is_resumed_with_another_number_of_processes() {
    let folder = Folder::new("stopped");
    let alone = experiment(&settings()).and_then(|it| it.train(folder.0.join("alone"), &mut ()));
    alone.expect("it does not diverge");
    let path = folder.0.join("stopped");
    let is_interrupted = |error: Error| error.kind() == ErrorKind::Interrupted;
    let stopped = shared(2, |processes| {
        let experiment = experiment(&settings())?.with_processes(processes.clone());
        let experiment = experiment.with_checkpoint_interval(Duration::ZERO);
        experiment.train(&path, &mut StopAfter(3))
    });
    assert!(is_interrupted(stopped.expect_err("it is stopped")));
    let stopped = shared(3, |processes| resume(&path, processes, &mut StopAfter(2)));
    assert!(is_interrupted(stopped.expect_err("it is stopped")));
    shared(1, |processes| resume(&path, processes, &mut ())).expect("it is finished");
    assert!(folder.model("stopped") == folder.model("alone"));
}

#[test]
fn the_runs_of_a_cross_validation_are_shared() {
    let folder = Folder::new("folds");
    let asked = Settings {
        seeds: Some(2),
        ..settings()
    };
    let train = |name: &str, processes: &Processes| {
        let first = experiment(&Repetition::first(&asked)?)?;
        let data_dir = Path::new("datasets");
        let runs = RepeatedTraining::create(&asked, &first, data_dir, &folder.0, Some(name))?;
        let runs = runs.with_processes(processes.clone());
        let mut names = Vec::new();
        runs.train(&mut (), |run| {
            let name = run
                .path
                .strip_prefix(&folder.0)
                .expect("a run of the folder");
            names.push(name.to_string_lossy().into_owned());
        })?;
        Ok(names)
    };
    let alone = shared(1, |processes| train("alone", processes)).expect("it is trained");
    let several = shared(2, |processes| train("several", processes)).expect("it is trained");
    assert_eq!(alone.len(), 2);
    for (alone, several) in alone.iter().zip(&several) {
        assert!(folder.model(alone) == folder.model(several), "{alone}");
    }
}
