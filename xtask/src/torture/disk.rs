//! A disk that fails: the program itself, under strace, with the first call of
//! the system that writes, opens, renames, … answered by an error, then the
//! second, until the program gets through; once, and for good.
//!
//! Whatever fails, the program must end with exit code 5 or go on, and when it
//! is started again, the weights must be those of an undisturbed training, the
//! files those that were published, with nothing left over.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{points, scratch, strace};
use crate::error::{Error, Result};
use crate::workspace;

/// Calls of the system, with their errors: no space where space is taken.
const CALLS: [(&str, &str); 9] = [
    ("write", "ENOSPC"),
    ("openat", "EIO"),
    ("read", "EIO"),
    ("fsync", "EIO"),
    ("ftruncate", "EIO"),
    ("rename", "EIO"),
    ("link,linkat", "EIO"),
    ("unlink,unlinkat", "EIO"),
    ("mkdir", "ENOSPC"),
];

/// The loader of the system gives up before the program begins.
const NOT_LOADED: i32 = 127;

/// More calls of a kind than there are.
const ENDLESS: u32 = 2000;

const FLAGS: &str = "--data points.csv --hidden 4 --epochs 2 --batch-size 40 --threads 1 \
    --no-report --checkpoint-interval 0";

/// Lets every call fail, and fails if that did harm.
pub(super) fn check() -> Result<()> {
    if !strace::is_there() {
        return Ok(());
    }
    let folder = std::env::temp_dir().join(format!("nn-torture-disk-{}", std::process::id()));
    let io = |source: io::Error| Error::unreadable(&folder, source);
    fs::create_dir_all(&folder).map_err(io)?;
    let chamber = Chamber {
        program: super::build()?,
        folder: folder.clone(),
    };
    let mut told = Told::default();
    let training = chamber.training()?;
    chamber.torture(&training, &mut told).map_err(io)?;
    match chamber.download() {
        Some(download) => chamber.torture(&download, &mut told).map_err(io)?,
        None => println!("skipped: no MNIST to copy; `cargo xtask fetch-data` brings it"),
    }
    // What stays in the temporary folder harms nobody.
    let _ = fs::remove_dir_all(&folder);
    println!(
        "{} faults: {} ended with exit code 5, {} went on; {} did harm",
        told.ended + told.went_on,
        told.ended,
        told.went_on,
        told.harmed
    );
    if told.harmed > 0 {
        return Err(Error::Broken {
            what: "promise",
            count: told.harmed,
        });
    }
    Ok(())
}

/// What has happened so far.
#[derive(Debug, Default)]
struct Told {
    ended: usize,
    went_on: usize,
    harmed: usize,
}

/// Something that writes files.
struct Work {
    name: &'static str,
    /// The arguments of `nn`.
    begin: Vec<String>,
    /// How to go on after a failure, if it had begun.
    resume: Option<(PathBuf, Vec<String>)>,
    /// Where it writes, to be removed before it begins anew.
    output: PathBuf,
    /// The result, of which no bit may differ.
    result: Vec<PathBuf>,
    expected: Vec<Option<Vec<u8>>>,
}

struct Chamber {
    program: PathBuf,
    folder: PathBuf,
}

impl Chamber {
    fn training(&self) -> Result<Work> {
        let io = |source: io::Error| Error::unreadable(&self.folder, source);
        fs::write(self.folder.join("points.csv"), points::table(120)).map_err(io)?;
        let output = self.folder.join("runs/a");
        let mut work = Work {
            name: "training",
            begin: words(&format!("train --name a {FLAGS}")),
            resume: Some((
                output.join("config.toml"),
                words("train --resume a --no-report"),
            )),
            result: vec![output.join("model.safetensors")],
            output,
            expected: Vec::new(),
        };
        self.undisturbed(&mut work).map_err(io)?;
        Ok(work)
    }

    /// Copying MNIST, where it was fetched before.
    fn download(&self) -> Option<Work> {
        let default = || workspace::root().join("datasets");
        let data_dir = std::env::var_os("NN_DATA_DIR").map_or_else(default, PathBuf::from);
        let origin = fs::canonicalize(data_dir.join("mnist")).ok()?;
        let output = self.folder.join("data");
        let names = super::download::NAMES;
        let expected: Vec<_> = names
            .iter()
            .map(|name| fs::read(origin.join(name)).ok())
            .collect();
        expected.iter().all(Option::is_some).then(|| Work {
            name: "download",
            begin: [
                words("data fetch mnist --data-dir data --from"),
                vec![origin.to_string_lossy().into_owned()],
            ]
            .concat(),
            resume: None,
            result: names.map(|name| output.join("mnist").join(name)).to_vec(),
            output,
            expected,
        })
    }

    /// Lets the n-th call of each kind fail.
    fn torture(&self, work: &Work, told: &mut Told) -> io::Result<()> {
        for (call, error) in CALLS {
            for mode in ["", "+"] {
                let (mut n_ended, mut n_went_on) = (0, 0);
                for n in 1..ENDLESS {
                    let fault = format!("inject={call}:error={error}:when={n}{mode}");
                    let Some(code) = self.disturbed(work, call, &fault)? else {
                        break;
                    };
                    match code {
                        0 => n_went_on += 1,
                        5 => n_ended += 1,
                        NOT_LOADED => continue,
                        other => {
                            println!("{}, {fault}: exit code {other}", work.name);
                            told.harmed += 1;
                        }
                    }
                    if let Some(harm) = self.harm(work, code)? {
                        println!("{}, {fault}: {harm}", work.name);
                        told.harmed += 1;
                    }
                }
                told.ended += n_ended;
                told.went_on += n_went_on;
                let how = if mode == "+" { "for good" } else { "once" };
                println!(
                    "{:<9} {call:<16} {how:<9} {n_ended:>4} ended with 5, {n_went_on:>4} went on",
                    work.name
                );
            }
        }
        Ok(())
    }

    /// The exit code with the fault, or `None` if it was not met.
    fn disturbed(&self, work: &Work, call: &str, fault: &str) -> io::Result<Option<i32>> {
        scratch::remove(&work.output)?;
        let trace = self.folder.join("trace");
        let status = Command::new("strace")
            .args(["-f", "--seccomp-bpf", "-e", &format!("trace={call}")])
            .args(["-e", fault, "-o"])
            .arg(&trace)
            .arg(&self.program)
            .args(&work.begin)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        let is_met = fs::read_to_string(&trace)?.contains("(INJECTED)");
        Ok(is_met.then(|| status.code().unwrap_or(-1)))
    }

    /// What is wrong after the fault, once the disk is whole again.
    fn harm(&self, work: &Work, code: i32) -> io::Result<Option<String>> {
        if code != 0 {
            let goes_on = work.resume.as_ref().filter(|(begun, _)| begun.exists());
            let code = match goes_on {
                Some((_, resume)) => self.run(resume)?,
                None if work.resume.is_some() => {
                    // It never began.
                    scratch::remove(&work.output)?;
                    self.run(&work.begin)?
                }
                None => self.run(&work.begin)?,
            };
            if code != Some(0) {
                return Ok(Some(format!("the next start ends with {code:?}")));
            }
        }
        let found = work.result.iter().map(|path| fs::read(path).ok());
        if !found.eq(work.expected.iter().cloned()) {
            return Ok(Some("another result".to_owned()));
        }
        Ok(scratch::left_over(&work.output)?.map(|name| format!("{name} is left over")))
    }

    fn undisturbed(&self, work: &mut Work) -> io::Result<()> {
        self.run(&work.begin)?;
        let read = |path: &PathBuf| fs::read(path).map(Some);
        work.expected = work.result.iter().map(read).collect::<io::Result<_>>()?;
        Ok(())
    }

    fn run(&self, arguments: &[String]) -> io::Result<Option<i32>> {
        let status = Command::new(&self.program)
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(status.code())
    }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(String::from).collect()
}
