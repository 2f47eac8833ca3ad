//! Injected disk errors: strace makes the system calls of `nn` that write, open, rename, …
//! fail.
//!
//! For each kind of call, the first call fails, then the second, and so on, until no call
//! is left. A fault affects one call, or that call and all later calls. The program must
//! continue or end with exit code 5. After a restart, the weights must be the same as
//! after an undisturbed training run, downloaded files must have the published contents,
//! and no temporary files may be left.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{points, scratch, strace};
use crate::error::{Error, Result};
use crate::workspace;

/// Kinds of system calls with the error to inject: no space for calls that allocate space.
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

/// Exit code of the dynamic loader if it fails before the program starts.
const NOT_LOADED: i32 = 127;

/// An upper bound for the number of calls of a kind.
const ENDLESS: u32 = 2000;

const FLAGS: &str = "--data points.csv --hidden 4 --epochs 2 --batch-size 40 --threads 1 \
    --no-report --checkpoint-interval 0";

/// Makes every system call fail in turn; returns an error if the program violates a
/// guarantee.
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
        None => println!("skipped: MNIST is missing; `cargo xtask fetch-data` downloads it"),
    }
    // Files that stay in the temporary folder do no harm.
    let _ = fs::remove_dir_all(&folder);
    println!(
        "{} faults: {} ended with exit code 5, {} continued; {} violated a guarantee",
        told.ended + told.went_on,
        told.ended,
        told.went_on,
        told.harmed
    );
    if told.harmed > 0 {
        return Err(Error::Broken {
            what: "guarantee",
            count: told.harmed,
        });
    }
    Ok(())
}

/// The results so far.
#[derive(Debug, Default)]
struct Told {
    ended: usize,
    went_on: usize,
    harmed: usize,
}

/// A command of `nn` that writes files.
struct Work {
    name: &'static str,
    /// The arguments of `nn` for a new start.
    begin: Vec<String>,
    /// A file that exists if the run can be resumed, and the arguments to resume it.
    resume: Option<(PathBuf, Vec<String>)>,
    /// The folder of the output, removed before a new start.
    output: PathBuf,
    /// The files that must be identical to the expected ones.
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

    /// Copying of MNIST; `None` if MNIST is not in the data folder.
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

    /// Makes the n-th call of each kind fail, for all n.
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
                let how = if mode == "+" { "from then on" } else { "once" };
                println!(
                    "{:<9} {call:<16} {how:<12} {n_ended:>4} exit code 5, {n_went_on:>4} continued",
                    work.name
                );
            }
        }
        Ok(())
    }

    /// Returns the exit code with the fault, or `None` if the fault did not occur.
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

    /// Restarts the program without faults; returns a violated guarantee, if there is one.
    fn harm(&self, work: &Work, code: i32) -> io::Result<Option<String>> {
        if code != 0 {
            let goes_on = work.resume.as_ref().filter(|(begun, _)| begun.exists());
            let code = match goes_on {
                Some((_, resume)) => self.run(resume)?,
                None if work.resume.is_some() => {
                    // The run had not started.
                    scratch::remove(&work.output)?;
                    self.run(&work.begin)?
                }
                None => self.run(&work.begin)?,
            };
            if code != Some(0) {
                return Ok(Some(format!(
                    "the next start ended with exit code {code:?}"
                )));
            }
        }
        let found = work.result.iter().map(|path| fs::read(path).ok());
        if !found.eq(work.expected.iter().cloned()) {
            return Ok(Some("the result differs".to_owned()));
        }
        let left_over = scratch::left_over(&work.output)?;
        Ok(left_over.map(|name| format!("the temporary file {name} was left")))
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
