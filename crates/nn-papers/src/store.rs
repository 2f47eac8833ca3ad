//! The results of earlier runs: `results.json` with the outcome of every claim,
//! and `work.json`, which caches the finished training runs of long claims.
//!
//! Both files are replaced as a whole after every claim and every training run, so an
//! interruption loses at most one training run. Each of several workers that share the claims has
//! a store of its own in the folder `worker-K`, because two processes must not write the same file.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nn_files::{atomic_file, create_dir_all, regular_file};
use nn_train::{Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// Start of the name of the folder of a worker.
const WORKER: &str = "worker-";

/// Version of the format of `results.json`.
const FORMAT: u32 = 2;

/// The results stored in a folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    results: Results,
    cache: BTreeMap<String, serde_json::Value>,
    /// The stores of workers, read only.
    workers: Vec<Self>,
}

/// The contents of `results.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Results {
    format: u32,
    /// Results by the id of the claim.
    claims: BTreeMap<String, ClaimResult>,
    /// Evidence for errata, by paper and number.
    errata: BTreeMap<String, String>,
}

/// The result of a claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClaimResult {
    /// Identifies the claim's settings and data. A result with another
    /// fingerprint is out of date.
    pub(crate) fingerprint: String,
    /// The data set: `mnist` or `glyphs`.
    pub data: String,
    /// SHA-256 of all images and labels.
    pub data_sha256: String,
    /// Whether the result comes from a quick experiment.
    pub is_quick: bool,
    /// Version of this crate that ran the claim.
    pub version: String,
    /// Duration of the experiment, in seconds.
    pub seconds: f64,
    /// The outcome of the claim.
    pub outcome: Outcome,
}

impl Store {
    /// Reads the results in `folder`, which need not exist. Files with a different
    /// format, such as files of a different version, are ignored.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let mut store = Self::open_one(&folder)?;
        store.workers = worker_folders(&folder)?
            .iter()
            .map(|folder| Self::open_one(folder))
            .collect::<Result<_>>()?;
        Ok(store)
    }

    /// Opens the store of one of several workers that share the claims in `folder`.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read.
    pub fn open_worker(folder: &Path, worker: usize) -> Result<Self> {
        Self::open_one(&folder.join(format!("{WORKER}{worker}")))
    }

    fn open_one(folder: &Path) -> Result<Self> {
        let results = read(&folder.join("results.json"))?;
        let cache = read(&folder.join("work.json"))?;
        Ok(Self {
            folder: folder.to_owned(),
            workers: Vec::new(),
            results: results
                .filter(|results: &Results| results.format == FORMAT)
                .unwrap_or(Results {
                    format: FORMAT,
                    claims: BTreeMap::new(),
                    errata: BTreeMap::new(),
                }),
            cache: cache.unwrap_or_default(),
        })
    }

    /// The path of the page with all results.
    pub fn report(&self) -> PathBuf {
        self.folder.join("report.html")
    }

    /// The result of a claim, if it was run.
    pub fn result(&self, claim: &str) -> Option<&ClaimResult> {
        self.results.claims.get(claim)
    }

    /// The results of a claim in this store and in those of the workers.
    pub(crate) fn all_results(&self, claim: &str) -> impl Iterator<Item = &ClaimResult> {
        let workers = self.workers.iter();
        let results = workers.filter_map(move |worker| worker.result(claim));
        self.result(claim).into_iter().chain(results)
    }

    /// The evidence for an erratum, if its check was run.
    pub(crate) fn evidence(&self, erratum: &str) -> Option<&str> {
        self.results.errata.get(erratum).map(String::as_str)
    }

    /// A cached value.
    pub(crate) fn cached<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let workers = self.workers.iter();
        let value = self.cache.get(key);
        let value = value.or_else(|| workers.filter_map(|it| it.cache.get(key)).next())?;
        serde_json::from_value(value.clone()).ok()
    }

    /// Creates the folder, if it does not exist.
    pub(crate) fn create_folder(&self) -> Result<()> {
        create_dir_all(&self.folder).map_err(|error| Error::io(&self.folder, &error))
    }

    pub(crate) fn add_result(&mut self, claim: &str, result: ClaimResult) -> Result<()> {
        self.results.claims.insert(claim.to_owned(), result);
        self.write("results.json", &self.results)
    }

    pub(crate) fn add_evidence(&mut self, erratum: String, evidence: String) -> Result<()> {
        self.results.errata.insert(erratum, evidence);
        self.write("results.json", &self.results)
    }

    pub(crate) fn add_to_cache(&mut self, key: &str, value: &impl Serialize) -> Result<()> {
        let value = serde_json::to_value(value).expect("cached values are plain JSON");
        self.cache.insert(key.to_owned(), value);
        self.write("work.json", &self.cache)
    }

    /// Replaces the page with all results.
    pub(crate) fn write_report(&self, html: &str) -> Result<()> {
        replace(&self.report(), html)
    }

    fn write(&self, name: &str, contents: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(contents).expect("results are plain JSON");
        replace(&self.folder.join(name), &format!("{text}\n"))
    }
}

/// The folders of the workers in `folder`, sorted.
fn worker_folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(folder, &error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| Error::io(folder, &error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(WORKER) && path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = regular_file::find_text(path)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

fn replace(path: &Path, text: &str) -> Result<()> {
    atomic_file::replace(path, text.as_bytes()).map_err(|error| Error::io(path, &error))
}
