//! Downloads that are killed again and again.
//!
//! `nn data fetch mnist` from a slow server on this machine, killed at random
//! moments and started again. After each kill, whatever lies under a final
//! name must be the published file; when a download is left alone, it must
//! come to its end with all files right and nothing beside them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::random::Random;
use super::server::{Files, Server};
use crate::error::{Error, Result};
use crate::workspace;

/// The files of MNIST.
pub(super) const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// A download is stopped within so many milliseconds.
const LONGEST_LIFE: u64 = 250;

/// Within this time one that is left alone must have come to its end.
const LONGEST_DOWNLOAD: Duration = Duration::from_secs(60);

/// Kills so many times, and fails if a wrong file was ever there.
pub(super) fn check(n_kills: u32, seed: u64) -> Result<()> {
    let Some(files) = published() else {
        println!("skipped: no MNIST to serve; `cargo xtask fetch-data` brings it");
        return Ok(());
    };
    let folder = std::env::temp_dir().join(format!("nn-torture-download-{}", std::process::id()));
    let io = |source: io::Error| Error::unreadable(&folder, source);
    fs::create_dir_all(&folder).map_err(io)?;
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
    let n_faults = told.failed + told.wrong + told.left_over;
    if n_faults > 0 {
        println!("what is left lies in {}", folder.display());
        return Err(Error::Broken {
            what: "download",
            count: n_faults as usize,
        });
    }
    // What stays in the temporary folder harms nobody.
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}

/// MNIST, where it was fetched before.
pub(super) fn published() -> Option<Files> {
    let default = || workspace::root().join("datasets");
    let folder = std::env::var_os("NN_DATA_DIR").map_or_else(default, PathBuf::from);
    let read = |name: &str| {
        let bytes = fs::read(folder.join("mnist").join(name)).ok()?;
        Some((name.to_owned(), bytes))
    };
    NAMES.into_iter().map(read).collect()
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Told {
    kills: u32,
    /// Kills that left part of a file behind.
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

    /// A download that was left alone: everything must be there. The next one
    /// begins anew.
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
                println!("left over: {name}");
                self.told.left_over += 1;
            }
        }
        let missing = NAMES.iter().filter(|name| !folder.join(name).exists());
        self.told.wrong += missing.count() as u32;
        fs::remove_dir_all(&self.data_dir)
    }

    /// Whatever lies under a final name must be the published file.
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

/// Waits, but not for ever.
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
