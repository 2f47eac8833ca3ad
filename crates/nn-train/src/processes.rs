//! Training runs that several processes share, possibly on several machines.
//!
//! Process 0 is the only one that creates run directories, evaluates and prints; it trains as
//! without other processes. The other processes call [`Processes::follow`], which receives the
//! settings of each run, loads the data, and takes part in every step and in the evaluation
//! of the validation samples. The weights are the same, bit for bit, for any number of
//! processes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nn_core::exchange::{broadcast, check_same};
use nn_core::{Exchange, Trainer};
use nn_files::escaped_path;
use nn_settings::{Error, Result, Settings};
use nn_tensor::Threads;
use serde::{Deserialize, Serialize};

use crate::data::{Data, Splits};
use crate::instruction_set;
use crate::plan::Plan;
use crate::table::STDIN;
use crate::trainer::{initial_network, trainer};
use crate::training_memory;

/// The processes that share training runs.
///
/// ```
/// use std::sync::Arc;
///
/// use nn_train::nn_core::{Exchange, Result};
/// use nn_train::{Experiment, Processes, Settings};
///
/// # #[derive(Debug)]
/// # struct SingleProcess;
/// # impl Exchange<f32> for SingleProcess {
/// #     fn rank(&self) -> usize { 0 }
/// #     fn n_processes(&self) -> usize { 1 }
/// #     fn all_gather(&self, _: &mut [f32], _: &[usize]) -> Result<()> { Ok(()) }
/// #     fn all_gather_bytes(&self, _: &mut [u8], _: &[usize]) -> Result<()> { Ok(()) }
/// # }
/// # let exchange = Arc::new(SingleProcess);
/// # let settings = Settings {
/// #     data: Some("glyphs".into()),
/// #     limit_train: Some(100),
/// #     hidden: Some("16".parse()?),
/// #     epochs: Some(1),
/// #     ..Settings::default()
/// # };
/// # let folder = std::env::temp_dir().join(format!("nn-processes-{}", std::process::id()));
/// let processes = Processes::new(exchange);
/// if processes.is_first() {
///     let experiment = Experiment::load(&settings, "datasets")?.with_processes(processes.clone());
///     experiment.train(folder.join("digits"), &mut ())?;
///     processes.end(0)?;
/// } else {
///     processes.follow("datasets".as_ref(), &nn_train::Threads::all())?;
/// }
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Processes {
    exchange: Arc<dyn Exchange<f32>>,
}

/// What process 0 sends to the others before a run starts, and at the end.
#[derive(Debug, Serialize, Deserialize)]
enum Message {
    /// A training run starts.
    Run {
        /// The resolved settings, as in `config.toml`.
        settings: String,
        /// The path of the run directory.
        run: String,
    },
    /// There are no more runs; all processes exit with this code.
    End { exit_code: u8 },
}

impl Processes {
    /// The processes of an exchange.
    pub fn new(exchange: Arc<dyn Exchange<f32>>) -> Self {
        Self { exchange }
    }

    /// The number of this process, counted from 0.
    pub fn rank(&self) -> usize {
        self.exchange.rank()
    }

    /// Returns `true` for process 0, which creates the run directories.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// Checks that facts, such as the command line, are the same on all processes; all
    /// processes call this method.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) on all processes if one differs
    /// from process 0.
    pub fn check_same(&self, facts: &[(String, String)]) -> Result<()> {
        Ok(check_same(&*self.exchange, facts)?)
    }

    /// Starts to share a training run of process 0 with the other processes.
    pub(crate) fn share(&self, trainer: &mut Trainer<'_>, plan: &Plan, run: &Path) -> Result<()> {
        if self.exchange.n_processes() == 1 {
            return Ok(());
        }
        if plan.settings.data.as_deref() == Some(STDIN) {
            let problem = "`data = \"-\"`: only process 0 can read standard input, but every \
                           process reads the data";
            return Err(Error::usage(problem).with_help("give the path of a file as `data`"));
        }
        self.send(&Message::Run {
            settings: plan.settings.to_toml(),
            run: escaped_path::escaped(run.as_os_str().to_owned()).map_err(Error::usage)?,
        })?;
        self.divide(trainer, plan).map_err(|error| {
            if !is_of_all_processes(&error) {
                self.exchange.abandon();
            }
            error.into()
        })
    }

    /// Tells the other processes that there are no more runs. Only process 0 calls this method.
    ///
    /// # Errors
    /// Returns an error if the exchange fails.
    pub fn end(&self, exit_code: u8) -> Result<()> {
        self.send(&Message::End { exit_code })
    }

    /// Takes part in the training runs of process 0 until it calls [`end`](Self::end), and
    /// returns its exit code. All other processes call this method.
    ///
    /// # Errors
    /// Returns an error if this process differs from process 0, for example in its data, or
    /// cannot load the data.
    pub fn follow(&self, data_dir: &Path, threads: &Threads) -> Result<u8> {
        loop {
            match self.receive()? {
                Message::End { exit_code } => return Ok(exit_code),
                Message::Run { settings, run } => {
                    let run = escaped_path::path(&run);
                    self.follow_run(&settings, &run, data_dir, threads)?;
                }
            }
        }
    }

    fn follow_run(
        &self,
        settings: &str,
        run: &Path,
        data_dir: &Path,
        threads: &Threads,
    ) -> Result<()> {
        let settings = Settings::parse(&PathBuf::from("process 0"), settings.as_bytes())?;
        let data = Data::of_run(&settings, run, data_dir, threads)?;
        let plan = Plan::new(&settings, &data)?;
        let splits: Splits<'_> = data.splits()?;
        training_memory::check(&plan, &splits)?;
        let network = initial_network(&plan, &splits.train, threads)?;
        let mut trainer = trainer(&plan, &data, &splits, network, threads)?;
        match self.divide(&mut trainer, &plan) {
            Ok(()) => Ok(trainer.follow()?),
            // Process 0 has the same error and reports it.
            Err(error) if is_of_all_processes(&error) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares the processes, and divides the training steps.
    fn divide(&self, trainer: &mut Trainer<'_>, plan: &Plan) -> nn_core::Result<()> {
        trainer.divide(Arc::clone(&self.exchange), &facts(plan))
    }

    fn send(&self, message: &Message) -> Result<()> {
        let text = serde_json::json!(message).to_string();
        broadcast(&*self.exchange, text.into_bytes())?;
        Ok(())
    }

    fn receive(&self) -> Result<Message> {
        let bytes = broadcast(&*self.exchange, Vec::new())?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::usage(format!("invalid message of process 0: {error}")))
    }
}

/// Returns `true` for the error that the processes differ, which all of them have.
fn is_of_all_processes(error: &nn_core::Error) -> bool {
    matches!(error, nn_core::Error::Conflict { .. })
}

/// What must be the same on all processes, besides the configuration of the training run and
/// its samples.
fn facts(plan: &Plan) -> Vec<(String, String)> {
    let program = [
        ("version of the program", env!("CARGO_PKG_VERSION")),
        ("instruction set", instruction_set::name()),
    ];
    let program = program.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = plan.settings.to_json();
    let settings = settings.as_object().cloned().unwrap_or_default();
    let settings = settings.into_iter();
    let settings = settings.map(|(name, value)| (format!("`{name}`"), value.to_string()));
    program.into_iter().chain(settings).collect()
}
