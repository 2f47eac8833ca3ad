//! The directory of a search that several workers share. In addition to the files of any search:
//!
//! | file | contents |
//! |---|---|
//! | `journal.K.jsonl` | the trials that worker K has run; only worker K writes this file |
//! | `workers/origin.json` | program, data and instruction set, which all workers must have |
//! | `workers/worker-K.*`, `workers/trial-I.*` | the claims of worker numbers and trials |
//! | `workers/trials-N` | an empty file for each number of trials to which the search was extended |
//!
//! No file is locked, because locks fail or stay for ever on some network file systems. Two
//! workers never write the same file: the files of the search are created exclusively by the first
//! worker, and `journal.jsonl`, `trials.csv`, `summary.json` and the report are written only by
//! `--merge`.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, ErrorKind as IoErrorKind};
use std::path::{Path, PathBuf};

use nn_files::{create_dir_all, disk, regular_file};
use nn_search::{EndedTrial, Settings, Strategy, Study, WorkerJournal};
use nn_train::run_dir::{WORKERS, create_shared_directory, publish, replace};
use nn_train::{Error, ErrorKind, Origin, Result};

use super::arguments::SearchArguments;
use super::config::{CONFIG, Config, locate, refuse_settings};
use super::failed::failed;
use super::folder::Folder;

const EXTENDED: &str = "trials-";

/// An open directory of a shared search.
#[derive(Debug)]
pub(super) struct SharedFolder {
    path: PathBuf,
    config: Config,
    study: Settings,
}

impl SharedFolder {
    /// Opens the directory of the search, and creates it if this is the first worker.
    ///
    /// # Errors
    /// Returns an error if the search has other settings, data or another program, or if it is not
    /// shared.
    pub(super) fn join(
        arguments: &SearchArguments,
        config: Config,
        old: Option<PathBuf>,
        origin: &Origin,
    ) -> Result<Self> {
        let path = match (old, arguments.name()) {
            (Some(path), _) => path,
            (None, Some(name)) => create_shared_directory(&arguments.work.runs_dir, name)?,
            (None, None) => return Err(without_name("--worker")),
        };
        let workers = path.join(WORKERS);
        if path.join(CONFIG).exists() && !workers.exists() {
            return Err(Error::usage(format!(
                "--worker: {} is a search of one process",
                path.display()
            ))
            .with_help("choose another --name, or resume the search without --worker"));
        }
        create_dir_all(&workers).map_err(|error| Error::io(&workers, &error))?;
        publish(&path, CONFIG, config.to_toml().as_bytes())?;
        config.expect_same(&Config::read(&path)?, &path)?;
        origin.agree_in(&workers)?;
        let asked = arguments
            .trials
            .or((arguments.resume.is_none()).then_some(config.trials));
        let mut folder = Self::open(path)?;
        folder.extend(asked)?;
        Ok(folder)
    }

    /// Opens the directory of the shared search that `arguments` name.
    pub(super) fn find(arguments: &SearchArguments, flag: &str) -> Result<Self> {
        let given = arguments.resume.as_deref();
        let name = arguments.name().map(Path::new).or(given);
        let name = name.ok_or_else(|| without_name(flag))?;
        let path = locate(name, &arguments.work.runs_dir).map_err(|error| error.at(flag))?;
        refuse_settings(arguments, flag, &path)?;
        if !is_shared(&path) {
            return Err(Error::usage(format!(
                "{flag}: {} is a search of one process, without workers",
                path.display()
            ))
            .with_help("its results are in trials.csv, summary.json and report.html"));
        }
        Self::open(path)
    }

    fn open(path: PathBuf) -> Result<Self> {
        let config = Config::read(&path)?;
        let study = config.study()?;
        let mut folder = Self {
            path,
            config,
            study,
        };
        folder.config.trials = folder.n_trials()?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The configuration, with the number of trials to which the search was extended.
    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The settings of the study.
    pub(super) fn study(&self) -> &Settings {
        &self.study
    }

    /// The folder of the claims.
    pub(super) fn workers(&self) -> PathBuf {
        self.path.join(WORKERS)
    }

    /// Opens the directory for the result of the search.
    pub(super) fn into_folder(self) -> Result<Folder> {
        Folder::reopen(self.path, self.config)
    }

    /// Extends the search to `asked` trials.
    fn extend(&mut self, asked: Option<usize>) -> Result<()> {
        let n_trials = self.config.trials;
        match asked {
            Some(asked) if asked < n_trials => Err(Error::usage(format!(
                "--trials: {} has {n_trials} trials, this worker has {asked}",
                self.path.display()
            ))
            .with_help(format!("set --trials {n_trials} for all workers"))),
            Some(asked) if asked > n_trials => {
                // A new file per number: two workers may extend the search at the same time.
                let path = self.workers().join(format!("{EXTENDED}{asked}"));
                match disk::create_new(&path) {
                    Err(error) if error.kind() != IoErrorKind::AlreadyExists => {
                        return Err(Error::io(&path, &error));
                    }
                    _ => self.config.trials = asked,
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The largest number of trials that a worker was started with.
    fn n_trials(&self) -> Result<usize> {
        let names = file_names(&self.workers())?;
        let extended = names
            .iter()
            .filter_map(|name| name.strip_prefix(EXTENDED)?.parse().ok());
        Ok(extended.fold(self.config.trials, usize::max))
    }

    /// The number of trials of the search, which a grid can have fewer than it may.
    pub(super) fn n_planned(&self) -> Result<usize> {
        let n_trials = self.config.trials;
        if !matches!(self.study.strategy, Strategy::Grid { .. }) {
            return Ok(n_trials);
        }
        let mut grid = Study::new(self.study.clone(), std::io::sink()).map_err(failed)?;
        while grid.trials().len() < n_trials && grid.ask().map_err(failed)?.is_some() {}
        Ok(grid.trials().len())
    }

    /// The ended trials of all workers. If several workers have run the same trial, the result of
    /// the worker with the lowest number is used.
    ///
    /// # Errors
    /// Returns an error if a journal is damaged, or if two workers have different results of the
    /// same trial.
    pub(super) fn ended_trials(&self) -> Result<BTreeMap<usize, EndedTrial>> {
        let mut all: BTreeMap<usize, (usize, EndedTrial)> = BTreeMap::new();
        for worker in self.journals()? {
            for ended in self.read_journal(worker)? {
                let id = ended.trial.id;
                match all.get(&id) {
                    Some((other, known)) if !known.trial.is_same(&ended.trial) => {
                        return Err(self.disagreement(id, [*other, worker]));
                    }
                    Some(_) => {}
                    None => {
                        all.insert(id, (worker, ended));
                    }
                }
            }
        }
        let trials = all.into_iter();
        Ok(trials.map(|(id, (_, ended))| (id, ended)).collect())
    }

    /// The numbers of the workers that have a journal, in increasing order.
    fn journals(&self) -> Result<Vec<usize>> {
        let number = |name: &String| {
            let number = name.strip_prefix("journal.")?.strip_suffix(".jsonl")?;
            number.parse().ok()
        };
        let mut workers: Vec<usize> = file_names(&self.path)?.iter().filter_map(number).collect();
        workers.sort_unstable();
        Ok(workers)
    }

    fn read_journal(&self, worker: usize) -> Result<Vec<EndedTrial>> {
        let path = self.path.join(journal_name(worker));
        let journal = BufReader::new(regular_file::open(&path)?);
        EndedTrial::read_all(&self.study, journal)
            .map_err(|error| failed(error).of_data().at(path.display()))
    }

    fn disagreement(&self, id: usize, [first, second]: [usize; 2]) -> Error {
        Error::new(
            ErrorKind::Data,
            format!(
                "{}: trial {}: {} and {} have different results",
                self.path.display(),
                id + 1,
                journal_name(first),
                journal_name(second)
            ),
        )
        .with_help(
            "the same trial must give the same result on all machines; start a new search, or \
             remove the journal of the worker that is wrong",
        )
    }

    /// Opens the journal of a worker to append to it.
    ///
    /// The file is replaced, with the same ended trials: this removes the unfinished trial of a
    /// worker that was killed, and a suspended process with the same number that continues later
    /// writes to the old file, where its lines do no harm.
    pub(super) fn begin_journal(&self, worker: usize) -> Result<WorkerJournal<File>> {
        let name = journal_name(worker);
        let path = self.path.join(&name);
        let ended = match path.exists() {
            true => self.read_journal(worker)?,
            false => Vec::new(),
        };
        let mut bytes = Vec::new();
        let mut journal = WorkerJournal::begin(&self.study, &mut bytes).map_err(failed)?;
        for trial in &ended {
            journal.append(trial).map_err(failed)?;
        }
        replace(&self.path, &name, &bytes)?;
        let file = OpenOptions::new().append(true).open(&path);
        let file = file.map_err(|error| Error::io(&path, &error))?;
        Ok(WorkerJournal::resume(file))
    }

    /// Waits until the journal of a worker will survive a power failure, and until other machines
    /// can read it.
    pub(super) fn sync_journal(&self, worker: usize) -> Result<()> {
        let path = self.path.join(journal_name(worker));
        let synced = OpenOptions::new()
            .append(true)
            .open(&path)
            .and_then(|file| file.sync_all());
        synced.map_err(|error| Error::io(&path, &error))
    }
}

/// Name of the claim of a trial.
pub(super) fn unit(id: usize) -> String {
    format!("trial-{}", id + 1)
}

/// Returns an error if the search in `path` is shared by workers.
pub(super) fn refuse_shared(path: &Path) -> Result<()> {
    match is_shared(path) {
        false => Ok(()),
        true => Err(Error::usage(format!(
            "{}: this search is shared by workers",
            path.display()
        ))
        .with_help(format!(
            "run it with --worker, for example --worker 0/1; `nn search {} --merge` writes its \
             result",
            path.display()
        ))),
    }
}

fn is_shared(path: &Path) -> bool {
    path.join(WORKERS).exists()
}

fn without_name(flag: &str) -> Error {
    Error::usage(format!("{flag}: expected the name of a search")).with_help(format!(
        "give the name, for example `nn search NAME {flag}`"
    ))
}

fn journal_name(worker: usize) -> String {
    format!("journal.{worker}.jsonl")
}

fn file_names(folder: &Path) -> Result<Vec<String>> {
    let io = |error| Error::io(folder, &error);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        names.extend(entry.map_err(io)?.file_name().into_string());
    }
    Ok(names)
}
