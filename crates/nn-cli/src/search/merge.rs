//! `nn search NAME --merge`: the result of a shared search, as one process would have written it.

use std::io::Sink;

use nn_search::{EndedTrial, Study};
use nn_train::run_dir::replace;
use nn_train::{Error, ErrorKind, Origin, Result};
use nn_workers::Exclusive;

use crate::args::threads;
use crate::progress::Progress;

use super::arguments::SearchArguments;
use super::conclusion::Conclusion;
use super::failed::failed;
use super::folder::JOURNAL;
use super::row::Row;
use super::shared_folder::SharedFolder;
use super::space::Flags;

/// Merges the results of the workers. The directory is then that of a search of one process.
pub(super) fn run(arguments: &SearchArguments) -> Result<()> {
    let mut progress = Progress::new(arguments.work.json, arguments.work.plain);
    let shared = SharedFolder::find(arguments, "--merge")?;
    // Two processes would write the same temporary files.
    let _merge = Exclusive::claim(&shared.workers(), "merge", arguments.workers.claim_timeout)
        .map_err(|error| Error::from(error).at(shared.path().display()))?;
    let ended = complete(&shared)?;
    let (journal, study) = replayed(&shared, &ended)?;
    let rows = ended.iter().map(|trial| row(&shared, trial));
    let rows = rows.collect::<Result<Vec<_>>>()?;
    let origin = Origin::read(&shared.workers())?;
    let folder = shared.into_folder()?;
    folder.write_trials(&study, &rows)?;
    replace(folder.path(), JOURNAL, &journal)?;
    let flags = Flags::new(folder.config().train.clone(), folder.config().space()?);
    let conclusion = Conclusion {
        folder: &folder,
        study: &study,
        rows: &rows,
        flags: &flags,
        dataset: &origin.dataset,
        data_dir: &arguments.folder.data_dir,
    };
    conclusion.conclude(arguments, &mut progress, &threads(arguments.work.threads))
}

/// All trials of the search, or an error if some have not ended.
fn complete(shared: &SharedFolder) -> Result<Vec<EndedTrial>> {
    let mut ended = shared.ended_trials()?;
    let n_trials = shared.n_planned()?;
    let trials: Vec<EndedTrial> = (0..n_trials).filter_map(|id| ended.remove(&id)).collect();
    let n_missing = n_trials - trials.len();
    if n_missing == 0 {
        return Ok(trials);
    }
    let path = shared.path().display();
    Err(Error::usage(format!(
        "--merge: {path}: {n_missing} of {n_trials} trials have not ended"
    ))
    .with_help(format!(
        "`nn search {path} --status` shows them; to run them, start the workers again"
    )))
}

/// The journal and the study of one process that has run the trials in their order.
fn replayed(shared: &SharedFolder, trials: &[EndedTrial]) -> Result<(Vec<u8>, Study<Sink>)> {
    let mut journal = Vec::new();
    let mut study = Study::new(shared.study().clone(), &mut journal).map_err(failed)?;
    for ended in trials {
        study.adopt(&ended.trial).map_err(failed)?;
    }
    let study = Study::resume(shared.study().clone(), &journal[..], std::io::sink());
    let study = study.map_err(failed)?;
    Ok((journal, study))
}

fn row(shared: &SharedFolder, ended: &EndedTrial) -> Result<Row> {
    let has_spread = shared.config().is_repeated();
    Row::from_csv(&ended.details, has_spread).ok_or_else(|| {
        let (path, trial) = (shared.path().display(), ended.trial.id + 1);
        Error::new(
            ErrorKind::Data,
            format!("{path}: trial {trial}: its journal lacks the row of the trial"),
        )
        .with_help("restore the journal, or start a new search")
    })
}
