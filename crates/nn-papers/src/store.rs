//! What is kept between runs: `results.json` with the outcome of every claim,
//! and `work.json` with what long claims have finished on their way.
//!
//! Both are written beside their place and renamed, after every claim and
//! every training, so that stopping loses one training at most.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use nn_train::atomic_file;
use nn_train::disk;
use nn_train::regular_file;
use nn_train::{Error, Result};

/// Changes when old files can no longer be used.
const FORMAT: u32 = 1;

/// What is kept, and where.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    results: Results,
    work: BTreeMap<String, serde_json::Value>,
}

/// The contents of `results.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) format: u32,
    pub(crate) claims: BTreeMap<String, Entry>,
    /// Errata by paper and number.
    pub(crate) errata: BTreeMap<String, String>,
}

/// A claim that was run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Of the claim's settings and data; another fingerprint means to run again.
    pub(crate) fingerprint: String,
    /// `mnist` or `glyphs`
    pub(crate) data: String,
    pub(crate) data_sha256: String,
    /// Whether it was a quick run.
    pub(crate) is_quick: bool,
    /// Version of this program.
    pub(crate) version: String,
    pub(crate) seconds: f64,
    pub(crate) outcome: Outcome,
}

impl Store {
    /// What lies in `folder`, which need not exist. Files that cannot be
    /// understood, such as those of another version, count as not there.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        disk::create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
        let results: Option<Results> = read(&folder.join("results.json"))?;
        Ok(Self {
            folder: folder.to_owned(),
            results: results
                .filter(|results| results.format == FORMAT)
                .unwrap_or(Results {
                    format: FORMAT,
                    ..Results::default()
                }),
            work: read(&folder.join("work.json"))?.unwrap_or_default(),
        })
    }

    /// The same, to be read only: the folder is not made.
    pub(crate) fn read_only(folder: &Path) -> Result<Self> {
        if folder.exists() {
            return Self::open(folder);
        }
        Ok(Self {
            folder: folder.to_owned(),
            results: Results::default(),
            work: BTreeMap::new(),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn results(&self) -> &Results {
        &self.results
    }

    /// The outcome of a claim, if it was run just so.
    pub(crate) fn entry(&self, claim: &str, fingerprint: &str) -> Option<&Entry> {
        let entry = self.results.claims.get(claim)?;
        (entry.fingerprint == fingerprint).then_some(entry)
    }

    pub(crate) fn add_entry(&mut self, claim: &str, entry: Entry) -> Result<()> {
        self.results.claims.insert(claim.to_owned(), entry);
        self.write_results()
    }

    pub(crate) fn add_erratum(&mut self, key: String, evidence: String) -> Result<()> {
        self.results.errata.insert(key, evidence);
        self.write_results()
    }

    pub(crate) fn work<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let value = self.work.get(key)?;
        serde_json::from_value(value.clone()).ok()
    }

    pub(crate) fn add_work(&mut self, key: &str, value: &impl Serialize) -> Result<()> {
        let value = serde_json::to_value(value).expect("what is kept is plain JSON");
        self.work.insert(key.to_owned(), value);
        self.write("work.json", &self.work)
    }

    /// Puts a file into the folder: all of it, or nothing.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let target = self.folder.join(name);
        atomic_file::replace(&target, bytes).map_err(|error| Error::io(&target, &error))?;
        Ok(target)
    }

    fn write_results(&self) -> Result<()> {
        self.write("results.json", &self.results)
    }

    fn write(&self, name: &str, contents: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(contents).expect("what is kept is plain JSON");
        self.replace(name, format!("{text}\n").as_bytes())?;
        Ok(())
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = regular_file::find_text(path)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
