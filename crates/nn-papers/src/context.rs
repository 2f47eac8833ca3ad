//! The context of a claim: its data, its training runs, and their cache.
//!
//! A training run is defined by flags of `nn train`. `nn train` with these flags reproduces the
//! weights bit for bit, because this crate and the command use the same settings, plan and trainer.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use nn_core::model_file::weights_sha256;
use nn_core::training::{EpochReport, Event};
use nn_core::{Network, NetworkConfig, Trainer};
use nn_tensor::{Scalar, Threads};
use nn_train::data::GLYPHS;
use nn_train::trainer::trainer;
use nn_train::{Data, DataRequest, Error, ErrorKind, Plan, Result, Settings, SplitOptions, flags};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::outcome::Command;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::training::{CurvePoint, MeasuredEpochs, Training};

/// Number of loaded data sets to keep.
const MAX_DATA: usize = 2;

/// Training runs of fewer seconds are not reported.
const MIN_REPORTED: f64 = 0.5;

/// Number of training samples of the built-in digits, unless a claim chooses it.
const N_GLYPHS: usize = 2000;

/// Options for running claims.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Folder of the data sets.
    pub data_dir: &'a Path,
    /// Name of the data set: `mnist` or `glyphs`, the built-in digits.
    pub data: &'a str,
    /// Whether to run the quick version of each experiment that has one.
    pub is_quick: bool,
    /// Whether to ignore the results of earlier runs.
    pub rerun: bool,
    /// The thread pool; results do not depend on the number of threads.
    pub threads: Threads,
}

impl Options<'_> {
    /// Checks the name of the data set.
    pub(crate) fn check(&self) -> Result<()> {
        if ["mnist", GLYPHS].contains(&self.data) {
            return Ok(());
        }
        Err(Error::usage(format!(
            "`data`: expected mnist or {GLYPHS}, found \"{}\"",
            self.data.escape_debug()
        ))
        .with_help("the printed numbers of the papers were measured on MNIST"))
    }
}

/// The context of a claim.
pub(crate) struct Context<'a> {
    pub(crate) options: &'a Options<'a>,
    progress: &'a dyn Fn(&str),
    should_stop: &'a dyn Fn() -> bool,
    data_sha256: String,
    store: RefCell<&'a mut Store>,
    /// Keys of the values that this run has added to the cache.
    new_keys: RefCell<HashSet<String>>,
    loaded: RefCell<VecDeque<(String, Rc<Data>)>>,
}

impl<'a> Context<'a> {
    /// Loads the data.
    pub(crate) fn new(
        options: &'a Options<'a>,
        store: &'a mut Store,
        progress: &'a dyn Fn(&str),
        should_stop: &'a dyn Fn() -> bool,
    ) -> Result<Self> {
        let mut context = Self {
            options,
            progress,
            should_stop,
            data_sha256: String::new(),
            store: RefCell::new(store),
            new_keys: RefCell::default(),
            loaded: RefCell::default(),
        };
        context.data_sha256 = context.data()?.dataset.sha256();
        Ok(context)
    }

    /// Returns `true` if the data set is MNIST, as in the papers.
    pub(crate) fn is_mnist(&self) -> bool {
        self.options.data != GLYPHS
    }

    /// SHA-256 of all images and labels.
    pub(crate) fn data_sha256(&self) -> &str {
        &self.data_sha256
    }

    /// The results so far.
    pub(crate) fn store(&self) -> &RefCell<&'a mut Store> {
        &self.store
    }

    /// `full`, or `quick` in the quick form.
    pub(crate) fn full_or_quick<T>(&self, full: T, quick: T) -> T {
        if self.options.is_quick { quick } else { full }
    }

    /// The seeds of the training runs behind a value that depends on the seed.
    pub(crate) fn seeds(&self) -> Range<u64> {
        0..self.full_or_quick(5, 3)
    }

    /// Trains once per seed.
    pub(crate) fn per_seed<T>(&self, train: impl FnMut(u64) -> Result<T>) -> Result<Vec<T>> {
        self.seeds().map(train).collect()
    }

    /// Reports a line about the progress.
    pub(crate) fn report(&self, line: impl AsRef<str>) {
        (self.progress)(line.as_ref());
    }

    /// An error of the kind [`Interrupted`](ErrorKind::Interrupted) if the caller
    /// asks to stop.
    pub(crate) fn check_stop(&self) -> Result<()> {
        if (self.should_stop)() {
            return Err(Error::new(ErrorKind::Interrupted, "stopped by a signal")
                .with_help("to continue, run the command again; finished claims and training runs are kept"));
        }
        Ok(())
    }

    /// The data set without a validation split.
    pub(crate) fn data(&self) -> Result<Rc<Data>> {
        self.load(&self.settings("--validation 0")?)
    }

    /// The plan of a training run, and its data.
    pub(crate) fn plan(&self, flags: &str) -> Result<(Plan, Rc<Data>)> {
        let settings = self.settings(&self.complete(flags))?;
        let data = self.load(&settings)?;
        Ok((Plan::new(&settings, &data)?, data))
    }

    /// Trains as `nn train --data … FLAGS` does and measures the network after some
    /// epochs. The result is cached; `quantity` names the measurement in the cache.
    pub(crate) fn train<T: Serialize + DeserializeOwned>(
        &self,
        flags: &str,
        epochs: &MeasuredEpochs,
        quantity: &str,
        measure: impl Fn(&Snapshot<'_, '_>) -> Result<T>,
    ) -> Result<Training<T>> {
        self.train_from(flags, &|_| {}, epochs, quantity, measure)
    }

    /// As [`train`](Self::train), from initial values that no flags describe:
    /// `initialize` sets them, and `quantity` names them, too.
    pub(crate) fn train_from<T: Serialize + DeserializeOwned>(
        &self,
        flags: &str,
        initialize: &dyn Fn(&mut NetworkConfig),
        epochs: &MeasuredEpochs,
        quantity: &str,
        measure: impl Fn(&Snapshot<'_, '_>) -> Result<T>,
    ) -> Result<Training<T>> {
        let key = format!("{}; {quantity} {epochs:?}", self.complete(flags));
        self.cached(&key, || {
            let start = Instant::now();
            let training = self.run(flags, initialize, epochs, measure)?;
            let seconds = start.elapsed().as_secs_f64();
            if seconds >= MIN_REPORTED {
                let command = &training.command.command;
                self.report(format!("     {command}   {seconds:.2} s"));
            }
            Ok(training)
        })
    }

    /// Trains like [`train`](Self::train), without measurements.
    pub(crate) fn train_only(&self, flags: &str) -> Result<Training<()>> {
        self.train(flags, &MeasuredEpochs::At(Vec::new()), "", |_| Ok(()))
    }

    /// Trains like [`train`](Self::train), and measures the test accuracy in percent.
    pub(crate) fn train_and_test(
        &self,
        flags: &str,
        epochs: &MeasuredEpochs,
    ) -> Result<Training<f64>> {
        self.train(flags, epochs, "test accuracy", |snapshot| {
            snapshot.test_accuracy()
        })
    }

    /// Trains to the last epoch and calls `each` after every epoch.
    ///
    /// # Errors
    /// Returns an error if the training diverges, `each` fails, or the caller asks to stop.
    pub(crate) fn for_each_epoch<S: Scalar>(
        &self,
        trainer: &mut Trainer<'_, S>,
        mut each: impl FnMut(&Trainer<'_, S>, &EpochReport) -> Result<()>,
    ) -> Result<()> {
        loop {
            self.check_stop()?;
            match trainer.advance()? {
                None => return Ok(()),
                Some(Event::Batch(_)) => {}
                Some(Event::Epoch(report)) => each(trainer, &report)?,
            }
        }
    }

    /// The value cached under this key for the same data, or else the value of
    /// `compute`.
    pub(crate) fn cached<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        compute: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let key = format!("{key} {}", self.data_sha256);
        let may_use_cache = !self.options.rerun || self.new_keys.borrow().contains(&key);
        if may_use_cache && let Some(value) = self.store.borrow().cached(&key) {
            return Ok(value);
        }
        let value = compute()?;
        self.store.borrow_mut().add_to_cache(&key, &value)?;
        self.new_keys.borrow_mut().insert(key);
        Ok(value)
    }

    /// Adds the flags that all training runs of this context have.
    fn complete(&self, flags: &str) -> String {
        let data = self.options.data;
        if self.is_mnist() || flags.contains("--limit-train") {
            format!("--data {data} {flags}")
        } else {
            format!("--data {data} --limit-train {N_GLYPHS} {flags}")
        }
    }

    fn settings(&self, flags: &str) -> Result<Settings> {
        let words = flags.split_whitespace();
        let words = words.map(|word| if word == "\"\"" { "" } else { word });
        flags::parse(words).map_err(|error| error.at(format!("nn train {flags}")))
    }

    fn load(&self, settings: &Settings) -> Result<Rc<Data>> {
        let mut split = SplitOptions::new(settings)?;
        if split.validation == 0.0 {
            // Without validation samples, all seeds have the same samples.
            split.seed = 0;
        }
        let key = format!("{split:?}");
        let mut loaded = self.loaded.borrow_mut();
        if let Some((_, data)) = loaded.iter().find(|(known, _)| *known == key) {
            return Ok(Rc::clone(data));
        }
        let Options { data, data_dir, .. } = *self.options;
        let request = DataRequest::for_training(data, data_dir, &split);
        let data = Rc::new(Data::load(&request, &self.options.threads)?);
        loaded.truncate(MAX_DATA - 1);
        loaded.push_front((key, Rc::clone(&data)));
        Ok(data)
    }

    /// As [`train_from`](Self::train_from), without the cache.
    pub(crate) fn run<T>(
        &self,
        flags: &str,
        initialize: &dyn Fn(&mut NetworkConfig),
        epochs: &MeasuredEpochs,
        measure: impl Fn(&Snapshot<'_, '_>) -> Result<T>,
    ) -> Result<Training<T>> {
        let flags = self.complete(flags);
        let settings = self.settings(&flags)?;
        let data = self.load(&settings)?;
        let mut plan = Plan::new(&settings, &data)?;
        initialize(&mut plan.network);
        let splits = data.splits()?;
        let threads = &self.options.threads;
        let measure = |network: &Network| {
            measure(&Snapshot {
                network,
                splits: &splits,
                data: &data,
                loss: plan.training.loss,
                threads,
            })
        };
        let network = plan.network()?;
        let last = plan.training.epochs;
        let mut measured = Vec::new();
        if epochs.contains(0, last) {
            measured.push((0, measure(&network)?));
        }
        let mut trainer = trainer(&plan, &data, &splits, network, threads)?;
        let mut curve = Vec::new();
        let ended = self.for_each_epoch(&mut trainer, |trainer, report| {
            curve.push(CurvePoint::new(report));
            if epochs.contains(report.epoch, last) {
                measured.push((report.epoch, measure(&trainer.network())?));
            }
            Ok(())
        });
        let diverged = match ended {
            Ok(()) => None,
            Err(error) if error.kind() == ErrorKind::Diverged => Some(error.to_string()),
            Err(error) => return Err(error),
        };
        Ok(Training {
            command: Command {
                command: format!("nn train {flags}"),
                seed: plan.training.seed,
                weights_sha256: weights_sha256(&trainer.network()),
            },
            curve,
            measured,
            diverged,
        })
    }
}
