//! Downloads that are killed at random times.
//!
//! `nn data fetch mnist` downloads from a slow server on this machine, is killed at random
//! times and started again. After each kill, every file under its final name must be the
//! published file. A download that is not killed must finish with all files correct and no
//! other files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::random::Random;
use super::server::{Files, Server};
use crate::error::{Error, Result};
use crate::test_folder;
use crate::workspace;

/// The files of MNIST.
pub(super) const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// Maximum time before a download is killed, in milliseconds.
const LONGEST_LIFE: u64 = 250;

/// Maximum time of a download that is not killed.
const LONGEST_DOWNLOAD: Duration = Duration::from_secs(60);

/// Kills downloads `n_kills` times; returns an error if a file was ever wrong.
pub(super) fn check(n_kills: u32, seed: u64) -> Result<()> {
    let Some(files) = published() else {
        println!("skipped: MNIST is missing; `cargo xtask fetch-data` downloads it");
        return Ok(());
    };
    test_folder::run("nn-torture-download", "download", |folder| {
        let io = |source: io::Error| Error::unreadable(folder, source);
        let server = Server::start(files.clone(), seed).map_err(io)?;
        let mut chamber = Chamber {
            program: super::build()?,
            url: server.url(),
            data_dir: folder.join("data"),
            files,
            random: Random::new(seed),
            told: Told::default(),
        };
        let outcome = chamber.torture(n_kills).map_err(io);
        let told = &chamber.told;
        println!(
            "{} kills, {} of them within a file, {} downloads continued; {} came to their end, \
             {} failed; {} wrong files, {} left over",
            told.kills,
            told.within,
            server.continued(),
            told.ended,
            told.failed,
            told.wrong,
            told.left_over
        );
        outcome?;
        Ok((told.failed + told.wrong + told.left_over) as usize)
    })
}

/// The files of MNIST; `None` if MNIST is not in the data folder.
pub(super) fn published() -> Option<Files> {
    let default = || workspace::root().join("datasets");
    let folder = std::env::var_os("NN_DATA_DIR").map_or_else(default, PathBuf::from);
    let read = |name: &str| {
        let bytes = fs::read(folder.join("mnist").join(name)).ok()?;
        Some((name.to_owned(), bytes))
    };
    NAMES.into_iter().map(read).collect()
}

/// The results so far.
#[derive(Debug, Default)]
struct Told {
    kills: u32,
    /// Kills that left a partial file.
    within: u32,
    ended: u32,
    failed: u32,
    wrong: u32,
    left_over: u32,
}

struct Chamber {
    program: PathBuf,
    url: String,
    data_dir: PathBuf,
    files: Files,
    random: Random,
    told: Told,
}

impl Chamber {
    fn torture(&mut self, n_kills: u32) -> io::Result<()> {
        while self.told.kills < n_kills {
            let mut child = self.start()?;
            thread::sleep(Duration::from_millis(self.random.below(LONGEST_LIFE)));
            match child.try_wait()? {
                Some(status) => self.end(status)?,
                None => {
                    child.kill()?;
                    child.wait()?;
                    self.told.kills += 1;
                    self.look();
                }
            }
        }
        let mut child = self.start()?;
        let status = wait(&mut child)?;
        self.end(status)
    }

    fn start(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .args(["data", "fetch", "mnist", "--from", &self.url, "--data-dir"])
            .arg(&self.data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
    }

    /// Checks a download that was not killed: all files must exist. Removes the files, so
    /// that the next download starts from the beginning.
    fn end(&mut self, status: ExitStatus) -> io::Result<()> {
        if !status.success() {
            self.told.failed += 1;
            return Ok(());
        }
        self.look();
        self.told.ended += 1;
        let folder = self.folder();
        for entry in fs::read_dir(&folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !NAMES.contains(&&*name) && name != ".fetch.lock" {
                println!("unexpected file: {name}");
                self.told.left_over += 1;
            }
        }
        let missing = NAMES.iter().filter(|name| !folder.join(name).exists());
        self.told.wrong += missing.count() as u32;
        fs::remove_dir_all(&self.data_dir)
    }

    /// Checks that every file under its final name is the published file.
    fn look(&mut self) {
        for (name, expected) in &self.files {
            let found = fs::read(self.folder().join(name));
            if found.is_ok_and(|found| found != *expected) {
                println!("{name} is wrong after {} kills", self.told.kills);
                self.told.wrong += 1;
            }
        }
        let has_part = |name: &&str| {
            let part = self.folder().join(format!("{name}.partial"));
            fs::metadata(part).is_ok_and(|part| part.len() > 0)
        };
        self.told.within += u32::from(NAMES.iter().any(has_part));
    }

    fn folder(&self) -> PathBuf {
        Path::new(&self.data_dir).join("mnist")
    }
}

/// Waits for the end of a download, up to a time limit.
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < LONGEST_DOWNLOAD {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()
}
