//! The file `metrics.csv`: one row per finished epoch.
//!
//! A row is written at the end of its epoch, so that other programs see it. All rows are
//! synced before a checkpoint is saved, so a power failure loses no row of a
//! checkpointed epoch.
//!
//! When a run is resumed, the rows of the epochs before its checkpoint are kept; later
//! rows and an incomplete row are removed and written again.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use nn_files::{disk, regular_file};
use nn_settings::{Error, ErrorKind, Result};

use crate::epoch_metrics::EpochMetrics;

const HEADER: &str = "epoch,step,learning_rate,train_loss,train_accuracy,\
    validation_loss,validation_accuracy,train_seconds,evaluate_seconds\n";

impl EpochMetrics {
    fn parse(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |index: usize| cells[index].parse::<f64>().ok();
        let optional = |index: usize| match cells[index] {
            "" => Some(None),
            cell => cell.parse().ok().map(Some),
        };
        if cells.len() != HEADER.split(',').count() {
            return None;
        }
        Some(Self {
            epoch: cells[0].parse().ok()?,
            step: cells[1].parse().ok()?,
            learning_rate: number(2)?,
            train_loss: number(3)?,
            train_accuracy: optional(4)?,
            validation_loss: optional(5)?,
            validation_accuracy: optional(6)?,
            train_seconds: number(7)?,
            evaluate_seconds: optional(8)?,
        })
    }

    fn line(&self) -> String {
        let cell = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        format!(
            "{},{},{},{},{},{},{},{},{}\n",
            self.epoch,
            self.step,
            self.learning_rate,
            self.train_loss,
            cell(self.train_accuracy),
            cell(self.validation_loss),
            cell(self.validation_accuracy),
            self.train_seconds,
            cell(self.evaluate_seconds),
        )
    }
}

/// The open metrics file.
#[derive(Debug)]
pub struct MetricsFile {
    path: PathBuf,
    file: File,
    /// Whether rows were added since the last sync.
    is_unsynced: bool,
}

impl MetricsFile {
    /// Creates a file without rows.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn create(path: PathBuf) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.create_new(true).append(true);
        let create = || {
            let mut file = disk::open(&options, &path)?;
            disk::write(&mut file, &path, HEADER.as_bytes())?;
            disk::sync_folder_of(&path)?;
            Ok(file)
        };
        let file = create().map_err(|error| Error::io(&path, &error))?;
        Ok(Self {
            path,
            file,
            is_unsynced: true,
        })
    }

    /// Opens the file of a run that resumes after `n_epochs` epochs, and returns their
    /// rows.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or written, or lacks rows of finished epochs.
    pub fn resume(path: PathBuf, n_epochs: usize) -> Result<(Self, Vec<EpochMetrics>)> {
        let text = match regular_file::find_text(&path)? {
            None if n_epochs == 0 => return Ok((Self::create(path)?, Vec::new())),
            text => text.unwrap_or_default(),
        };
        let mut file = disk::open(OpenOptions::new().append(true), &path)
            .map_err(|error| Error::io(&path, &error))?;
        let (rows, length) = first_rows(&text, n_epochs);
        if rows.len() < n_epochs {
            return Err(too_few(&path, rows.len(), n_epochs));
        }
        let kept = if length == 0 {
            // Killed before the header was written.
            disk::set_len(&file, &path, 0)
                .and_then(|()| disk::write(&mut file, &path, HEADER.as_bytes()))
        } else {
            disk::set_len(&file, &path, length as u64)
        };
        kept.and_then(|()| disk::sync(&file, &path))
            .map_err(|error| Error::io(&path, &error))?;
        let metrics = Self {
            path,
            file,
            is_unsynced: false,
        };
        Ok((metrics, rows))
    }

    /// Adds the row of a finished epoch.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn add(&mut self, row: &EpochMetrics) -> Result<()> {
        self.is_unsynced = true;
        disk::write(&mut self.file, &self.path, row.line().as_bytes())
            .map_err(|error| Error::io(&self.path, &error))
    }

    /// Syncs all rows to the disk.
    ///
    /// # Errors
    /// Returns an error if a file operation fails.
    pub fn sync(&mut self) -> Result<()> {
        if self.is_unsynced {
            disk::sync(&self.file, &self.path).map_err(|error| Error::io(&self.path, &error))?;
            self.is_unsynced = false;
        }
        Ok(())
    }
}

/// Reads all rows of a `metrics.csv`.
///
/// # Errors
/// Returns an error if the file cannot be read, or [`ErrorKind::Data`] for an incomplete row.
pub fn read_metrics(path: &Path) -> Result<Vec<EpochMetrics>> {
    let text = regular_file::read_text(path)?;
    let rows = (2..).zip(text.lines().skip(1));
    rows.map(|(line, row)| {
        EpochMetrics::parse(row).ok_or_else(|| {
            let problem = format!(
                "{}:{line}: expected {} numbers, found \"{}\"",
                path.display(),
                HEADER.split(',').count(),
                row.escape_debug()
            );
            Error::new(ErrorKind::Data, problem)
                .with_help("remove that line; it may be the rest of an interrupted write")
        })
    })
    .collect()
}

/// Up to `n` complete rows, numbered from epoch 1, and the end of the last one.
fn first_rows(text: &str, n: usize) -> (Vec<EpochMetrics>, usize) {
    let mut rows = Vec::new();
    let Some(rest) = text.strip_prefix(HEADER) else {
        return (rows, 0);
    };
    let mut length = HEADER.len();
    for line in rest.split_inclusive('\n').take(n) {
        let row = line.strip_suffix('\n').and_then(EpochMetrics::parse);
        match row {
            Some(row) if row.epoch == rows.len() + 1 => rows.push(row),
            _ => break,
        }
        length += line.len();
    }
    (rows, length)
}

fn too_few(path: &Path, found: usize, expected: usize) -> Error {
    Error::new(
        ErrorKind::Data,
        format!(
            "{}: expected one row for each of the {expected} epochs of the checkpoint, found \
             {found} valid rows",
            path.display()
        ),
    )
    .with_help("restore the file, or train again with another `name`")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use nn_files::disk::fault;

    const ROW: EpochMetrics = EpochMetrics {
        epoch: 1,
        step: 30,
        learning_rate: 0.1,
        train_loss: 1.0 / 3.0,
        train_accuracy: None,
        validation_loss: Some(0.25),
        validation_accuracy: Some(0.5),
        train_seconds: 1.5,
        evaluate_seconds: Some(1e-7),
    };

    #[test]
    fn rows_round_trip() {
        let line = ROW.line();
        assert_eq!(EpochMetrics::parse(line.trim_end()), Some(ROW));
        assert_eq!(EpochMetrics::parse("1,30,0.1"), None);
        assert_eq!(EpochMetrics::parse("1,30,x,1,,1,1,1,1"), None);
    }

    #[test]
    fn only_whole_rows_of_finished_epochs_are_kept() {
        let second = EpochMetrics { epoch: 2, ..ROW };
        let text = format!("{HEADER}{}{}2,60,0.1,0.", ROW.line(), second.line());
        let both = text.len() - "2,60,0.1,0.".len();
        assert_eq!(first_rows(&text, 9), (vec![ROW, second], both));
        assert_eq!(
            first_rows(&text, 1),
            (vec![ROW], HEADER.len() + ROW.line().len())
        );
        assert_eq!(first_rows(&text, 0), (Vec::new(), HEADER.len()));
        assert_eq!(first_rows("epoch,st", 0), (Vec::new(), 0));
        // A row is missing.
        let text = format!("{HEADER}{}", second.line());
        assert_eq!(first_rows(&text, 2), (Vec::new(), HEADER.len()));
    }

    /// A path without a file.
    fn scratch(name: &str) -> PathBuf {
        let id = std::process::id();
        let path = std::env::temp_dir().join(format!("nn-metrics-{name}-{id}.csv"));
        fs::remove_file(&path).ok();
        path
    }

    #[test]
    fn a_resumed_file_continues_after_the_rows_of_its_checkpoint() {
        let path = scratch("resumed");
        let second = EpochMetrics { epoch: 2, ..ROW };
        let mut metrics = MetricsFile::create(path.clone()).unwrap();
        for row in [ROW, second, EpochMetrics { epoch: 3, ..ROW }] {
            metrics.add(&row).unwrap();
        }
        assert_eq!(read_metrics(&path).unwrap().len(), 3);
        let (mut metrics, rows) = MetricsFile::resume(path.clone(), 1).unwrap();
        assert_eq!(rows, [ROW]);
        metrics.add(&second).unwrap();
        assert_eq!(read_metrics(&path).unwrap(), [ROW, second]);
        let error = MetricsFile::resume(path.clone(), 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().ends_with("found 2 valid rows"), "{error}");
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_missing_or_has_no_header_is_begun_again() {
        let path = scratch("begun");
        MetricsFile::resume(path.clone(), 1).unwrap_err();
        let (_, rows) = MetricsFile::resume(path.clone(), 0).unwrap();
        assert!(rows.is_empty());
        assert_eq!(fs::read_to_string(&path).unwrap(), HEADER);
        fs::write(&path, &HEADER[..9]).unwrap();
        MetricsFile::resume(path.clone(), 0).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), HEADER);
        MetricsFile::create(path.clone()).unwrap_err();
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn rows_are_synced_once() {
        let path = scratch("synced");
        let (metrics, operations) = fault::record(|| {
            let mut metrics = MetricsFile::create(path.clone()).unwrap();
            metrics.sync().unwrap();
            metrics.sync().unwrap();
            metrics.add(&ROW).unwrap();
            metrics.sync().unwrap();
            metrics
        });
        let names: Vec<&str> = operations.iter().map(|(name, _)| *name).collect();
        let expected = ["open", "write", "sync_folder", "sync", "write", "sync"];
        assert_eq!(names, expected);
        drop(metrics);
        let (resumed, operations) = fault::record(|| MetricsFile::resume(path.clone(), 1));
        let mut metrics = resumed.unwrap().0;
        let names: Vec<&str> = operations.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["open", "set_len", "sync"]);
        let (synced, operations) = fault::record(|| metrics.sync());
        synced.unwrap();
        assert!(operations.is_empty());
        fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_damaged_row_is_named_with_its_line() {
        let path = scratch("damaged");
        fs::write(&path, format!("{HEADER}{}2,60,x\n", ROW.line())).unwrap();
        let error = read_metrics(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        let place = format!("{}:3: expected 9 numbers", path.display());
        assert!(error.to_string().starts_with(&place), "{error}");
        fs::remove_file(&path).unwrap();
    }
}
