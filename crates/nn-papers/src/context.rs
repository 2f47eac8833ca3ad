//! What a claim runs in: the data, the trainings, and what is remembered of
//! them.
//!
//! A training is given as the flags of an `nn train` command and goes the way
//! of that command (`settings`, `selection`, `plan`, `Trainer`), so that the
//! command repeats it, weights included. What a claim wants to know of a
//! network, it measures after epochs that it names.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use clap::Parser;
use ndarray::{Array2, ArrayView2, Axis};
use nn_core::metrics::evaluate;
use nn_core::model_file::weights_sha256;
use nn_core::network::ForwardCache;
use nn_core::training::{EpochReport, Event};
use nn_core::{Loss, Network, Samples, Trainer};
use nn_data::checksum::sha256;
use nn_tensor::Threads;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::args;
use crate::deformation;
use crate::interrupt::Interrupt;
use crate::figure::Image;
use crate::outcome::Command;
use crate::store::Store;
use crate::terminal;
use nn_train::DataRequest;
use nn_train::Plan;
use nn_train::SplitOptions;
use nn_train::data::{Data, GLYPHS, Splits};
use nn_train::{Error, ErrorKind, Result};

/// Divided data sets that are kept at hand.
const MAX_DATA: usize = 2;

/// Rows that are asked for their answers together.
const BLOCK_ROWS: usize = 1000;

/// Trainings below so many seconds are not told of.
const MIN_REPORTED: f64 = 0.5;

/// What a claim runs in.
pub(crate) struct Context<'a> {
    pub(crate) data_dir: PathBuf,
    /// After `--data`: `mnist` or `glyphs`.
    pub(crate) data_name: String,
    /// SHA-256 of all images and labels.
    pub(crate) data_sha256: String,
    pub(crate) is_quick: bool,
    pub(crate) threads: Threads,
    pub(crate) interrupt: Interrupt,
    pub(crate) store: RefCell<&'a mut Store>,
    /// Whether what was remembered by an earlier run does not count.
    pub(crate) again: bool,
    /// What this run has added to what is remembered.
    pub(crate) fresh: RefCell<HashSet<String>>,
    pub(crate) loaded: RefCell<VecDeque<(String, Rc<Data>)>>,
}

/// After which epochs to measure; 0 is the untrained network.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// So many epochs after each other, beginning with that number, and after
    /// the last.
    Every(usize),
    /// After these.
    At(Vec<usize>),
    /// After the last.
    End,
}

impl When {
    fn includes(&self, epoch: usize, last: usize) -> bool {
        match self {
            Self::Every(step) => epoch > 0 && (epoch.is_multiple_of(*step) || epoch == last),
            Self::At(epochs) => epochs.contains(&epoch),
            Self::End => epoch == last,
        }
    }
}

/// What is kept of a training.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Training<T> {
    pub(crate) command: Command,
    /// One entry an epoch.
    pub(crate) curve: Vec<Point>,
    /// Epoch and what was measured after it.
    pub(crate) measured: Vec<(usize, T)>,
    /// If the loss ran away: what was said about it.
    pub(crate) diverged: Option<String>,
}

/// What training says of an epoch. Its rows are taken as they come up, so that
/// with full batches the numbers are those before the epoch's only step.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) epoch: usize,
    /// Steps since the beginning.
    pub(crate) step: u64,
    pub(crate) loss: f64,
    pub(crate) accuracy: Option<f64>,
    pub(crate) validation_loss: Option<f64>,
    pub(crate) validation_accuracy: Option<f64>,
}

impl Point {
    fn new(report: &EpochReport) -> Self {
        let validation = report.validation.as_ref();
        Self {
            epoch: report.epoch,
            step: report.step,
            loss: report.train_loss,
            accuracy: report.train_accuracy,
            validation_loss: validation.map(|validation| validation.loss),
            validation_accuracy: validation.and_then(|validation| validation.accuracy),
        }
    }
}

impl<T> Training<T> {
    /// What was measured after `epoch`.
    pub(crate) fn after(&self, epoch: usize) -> Option<&T> {
        let found = self.measured.iter().find(|(at, _)| *at == epoch);
        found.map(|(_, value)| value)
    }

    /// What was measured last.
    pub(crate) fn last(&self) -> Option<&T> {
        self.measured.last().map(|(_, value)| value)
    }

    /// The loss of each epoch.
    pub(crate) fn losses(&self) -> Vec<(usize, f64)> {
        let points = self.curve.iter();
        points.map(|point| (point.epoch, point.loss)).collect()
    }
}

/// A network after some epochs, to be measured.
pub(crate) struct View<'v, 'd> {
    pub(crate) network: &'v Network,
    pub(crate) parts: &'v Splits<'d>,
    pub(crate) data: &'v Data,
    pub(crate) loss: Loss,
    threads: &'v Threads,
}

impl View<'_, '_> {
    /// In percent.
    pub(crate) fn test_accuracy(&self) -> Result<f64> {
        match &self.parts.test {
            Some(test) => self.accuracy(test),
            None => Ok(f64::NAN),
        }
    }

    /// In percent.
    pub(crate) fn train_accuracy(&self) -> Result<f64> {
        self.accuracy(&self.parts.train)
    }

    fn accuracy(&self, samples: &Samples<'_>) -> Result<f64> {
        let evaluation = evaluate(self.network, samples, self.loss, self.threads)?;
        Ok(100.0 * evaluation.accuracy.unwrap_or(f64::NAN))
    }

    /// Calls `each` with the traces of `samples`, block by block, and the
    /// position of a block's first row.
    pub(crate) fn forward(
        &self,
        samples: &Samples<'_>,
        mut each: impl FnMut(usize, &ForwardCache<f32>),
    ) {
        let rows = samples.len().clamp(1, BLOCK_ROWS);
        let mut inputs = Array2::zeros((rows, samples.n_inputs()));
        let mut cache = ForwardCache::new(self.network, rows);
        for start in (0..samples.len()).step_by(rows) {
            let n = rows.min(samples.len() - start);
            for (offset, mut row) in inputs.rows_mut().into_iter().take(n).enumerate() {
                let row = row.as_slice_mut().expect("a row of a fresh matrix");
                let read = samples.copy_inputs(start + offset, row);
                read.expect("the samples are in memory");
            }
            let block: ArrayView2<'_, f32> = inputs.slice_axis(Axis(0), (..n).into());
            self.network.forward(block, &mut cache, self.threads);
            each(start, &cache);
        }
    }

    /// The test images at `positions` with the network's answers.
    pub(crate) fn test_images(&self, positions: impl Iterator<Item = usize>) -> Vec<Image> {
        let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) = (
            &self.data.dataset.test.inputs,
            &self.data.dataset.test.targets,
        ) else {
            return Vec::new();
        };
        let image = |position: usize| {
            let row = pixels.row(position).to_vec();
            let inputs: Vec<f32> = row.iter().map(|&pixel| f32::from(pixel) / 255.0).collect();
            let outputs = self.network.predict(&inputs).ok()?;
            let answer = self.loss.predicted_class(&outputs);
            Some(Image::new(&row, labels[position], answer as u32))
        };
        let n = pixels.nrows();
        positions
            .filter(|&position| position < n)
            .filter_map(image)
            .collect()
    }
}

impl Context<'_> {
    /// Whether the data are those of the papers.
    pub(crate) fn is_mnist(&self) -> bool {
        self.data_name != GLYPHS
    }

    /// `full`, or with `--quick` `quick`.
    pub(crate) fn pick<T>(&self, full: T, quick: T) -> T {
        if self.is_quick { quick } else { full }
    }

    /// The data set, undivided.
    pub(crate) fn data(&self) -> Result<Rc<Data>> {
        let settings = self.settings("--validation 0")?;
        self.load(&SplitOptions::new(&settings)?)
    }

    /// Trains as `nn train --data … FLAGS` does, and measures the networks on
    /// the way; `what` names the measure. What was trained before is
    /// remembered.
    pub(crate) fn train<T: Serialize + DeserializeOwned>(
        &self,
        flags: &str,
        when: &When,
        what: &str,
        measure: impl Fn(&View<'_, '_>) -> Result<T>,
    ) -> Result<Training<T>> {
        let flags = self.complete(flags);
        self.remember(&format!("{flags}; {what} {when:?}"), || {
            let start = Instant::now();
            let training = self.run(&flags, when, measure)?;
            let seconds = start.elapsed().as_secs_f64();
            if seconds >= MIN_REPORTED {
                terminal::report(format!(
                    "     {}   {}",
                    training.command.command,
                    terminal::seconds(seconds)
                ));
            }
            Ok(training)
        })
    }

    /// As [`train`](Self::train), measuring the test accuracy in percent.
    pub(crate) fn train_and_test(&self, flags: &str, when: &When) -> Result<Training<f64>> {
        self.train(flags, when, "test accuracy", |view| view.test_accuracy())
    }

    /// What `compute` gives, or gave before under this key with the same data.
    pub(crate) fn remember<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        compute: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let key = format!("{key} {}", self.data_sha256);
        let counts = !self.again || self.fresh.borrow().contains(&key);
        let known = self.store.borrow().work(&key);
        if let (Some(known), true) = (known, counts) {
            return Ok(known);
        }
        let value = compute()?;
        self.store.borrow_mut().add_work(&key, &value)?;
        self.fresh.borrow_mut().insert(key);
        Ok(value)
    }

    /// SHA-256 of all images and labels.
    pub(crate) fn hash_data(&self) -> Result<String> {
        let data = self.data()?;
        let mut bytes = Vec::new();
        for part in [&data.dataset.train, &data.dataset.test] {
            if let nn_data::Inputs::Pixels(pixels) = &part.inputs {
                bytes.extend(pixels.iter());
            }
            if let nn_data::Targets::Classes(labels) = &part.targets {
                bytes.extend(labels.iter().map(|&label| label as u8));
            }
        }
        Ok(sha256(&bytes[..]).expect("memory can be read"))
    }

    /// The plan of a training, and its data.
    pub(crate) fn plan(&self, flags: &str) -> Result<(Plan, Rc<Data>)> {
        let settings = self.settings(&self.complete(flags))?;
        let data = self.load(&SplitOptions::new(&settings)?)?;
        Ok((Plan::new(&settings, &data)?, data))
    }

    /// An error if the user has asked to stop.
    pub(crate) fn check_interrupt(&self) -> Result<()> {
        match self.interrupt.kind() {
            None => Ok(()),
            Some(code) => Err(Error::new(code, "stopped by a signal")
                .with_help("run the command again: what is finished is kept")),
        }
    }

    /// The flags with those that every training of this context has.
    fn complete(&self, flags: &str) -> String {
        let limit = if self.is_mnist() || flags.contains("--limit-train") {
            ""
        } else {
            " --limit-train 2000"
        };
        format!("--data {}{limit} {flags}", self.data_name)
    }

    fn settings(&self, flags: &str) -> Result<nn_train::Settings> {
        let words = flags
            .split_whitespace()
            .map(|word| if word == "\"\"" { "" } else { word });
        let words = ["nn", "train"].into_iter().chain(words);
        match args::Arguments::try_parse_from(words).map(|arguments| arguments.command) {
            Ok(args::Command::Train(arguments)) => Ok(arguments.settings),
            Ok(_) => Err(Error::usage("not a training")),
            Err(error) => Err(Error::usage(format!("nn train {flags}: {error}"))),
        }
    }

    fn load(&self, selection: &SplitOptions) -> Result<Rc<Data>> {
        let key = format!("{selection:?}");
        let mut loaded = self.loaded.borrow_mut();
        if let Some((_, data)) = loaded.iter().find(|(known, _)| *known == key) {
            return Ok(Rc::clone(data));
        }
        let request = DataRequest::for_training(&self.data_name, &self.data_dir, selection);
        let data = Rc::new(Data::load(&request, &self.threads)?);
        loaded.truncate(MAX_DATA - 1);
        loaded.push_front((key, Rc::clone(&data)));
        Ok(data)
    }

    fn run<T>(
        &self,
        flags: &str,
        when: &When,
        measure: impl Fn(&View<'_, '_>) -> Result<T>,
    ) -> Result<Training<T>> {
        let settings = self.settings(flags)?;
        let data = self.load(&SplitOptions::new(&settings)?)?;
        let plan = Plan::new(&settings, &data)?;
        let parts = data.splits()?;
        let view = |network: &Network| {
            measure(&View {
                network,
                parts: &parts,
                data: &data,
                loss: plan.training.loss,
                threads: &self.threads,
            })
        };
        let network: Network = Network::new(&plan.network, plan.training.seed)?;
        let last = plan.training.epochs;
        let mut measured = Vec::new();
        if when.includes(0, last) {
            measured.push((0, view(&network)?));
        }
        let mut trainer = Trainer::new(
            network,
            parts.train.clone(),
            Some(parts.validation.clone()),
            plan.training.clone(),
            self.threads.clone(),
        )?;
        if let Some(deformation) = deformation::of_plan(&plan, &data) {
            trainer.augment(deformation)?;
        }
        let mut curve = Vec::new();
        let mut diverged = None;
        loop {
            self.check_interrupt()?;
            match trainer.advance() {
                Ok(None) => break,
                Ok(Some(Event::Batch(_))) => {}
                Ok(Some(Event::Epoch(report))) => {
                    curve.push(Point::new(&report));
                    if when.includes(report.epoch, last) {
                        measured.push((report.epoch, view(&trainer.network())?));
                    }
                }
                Err(error) => {
                    let failure = Error::from(error);
                    if failure.kind() != ErrorKind::Diverged {
                        return Err(failure);
                    }
                    diverged = Some(failure.to_string().to_owned());
                    break;
                }
            }
        }
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
