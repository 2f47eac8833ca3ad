//! Memory that runs out: the program under strace, with the first large request for
//! memory refused, then the second, …; once, and from then on.
//!
//! Sizes are checked before memory is allocated, but other programs take memory, too,
//! so an allocation may fail in spite of the check. Whatever fails, the program must
//! end with a message and an exit code or go on, and nothing that was saved may be
//! harmed.
//!
//! glibc is set up to ask the system for each block of 64 KiB or more by itself
//! (`mmap`), and never to extend one (`brk`, `mremap`).

mod ended;
mod live_page;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{points, scratch, strace};
use crate::error::{Error, Result};
use ended::Ended;

/// Requests of at least this many bytes fail.
const LARGE: usize = 64 << 10;

/// This many of them fail, one after the other.
const MOST: usize = 40;

/// The allocator asks again in other ways for what it was refused.
const RETRIES: usize = 3;

/// The loader of the system gives up before the program begins.
const NOT_LOADED: i32 = 127;

const TRAIN: &str = "train --name a --data glyphs --limit-train 300 --hidden 100 --epochs 1 \
    --threads 1 --no-report --checkpoint-interval 0";

const PREDICT: &str = "predict m rows.csv --output predictions.csv";

const OLD: &str = "predictions that were there before\n";

/// Lets memory run out, and fails if that did harm.
pub(super) fn check() -> Result<()> {
    if !strace::is_there() {
        return Ok(());
    }
    let name = "nn-torture-memory";
    let folder =
        scratch::create(name).map_err(|source| Error::unreadable(name.as_ref(), source))?;
    let io = |source: io::Error| Error::unreadable(&folder, source);
    let mut chamber = Chamber {
        program: super::build()?,
        folder: folder.clone(),
        n_faults: 0,
        n_harmed: 0,
    };
    chamber.prepare().map_err(io)?;
    chamber.train().map_err(io)?;
    chamber.predict().map_err(io)?;
    chamber.serve().map_err(io)?;
    // What stays in the temporary folder harms nobody.
    let _ = fs::remove_dir_all(&folder);
    println!("{} faults, {} did harm", chamber.n_faults, chamber.n_harmed);
    if chamber.n_harmed > 0 {
        return Err(Error::Broken {
            what: "promise",
            count: chamber.n_harmed,
        });
    }
    Ok(())
}

/// A request for memory that is refused.
#[derive(Clone, Copy, Debug)]
struct Fault {
    /// Counted from 1 in each thread.
    number: usize,
    /// Whether all later ones are refused, too.
    forever: bool,
}

struct Chamber {
    program: PathBuf,
    folder: PathBuf,
    n_faults: usize,
    n_harmed: usize,
}

impl Chamber {
    /// A trained model `m`, and rows to predict.
    fn prepare(&self) -> io::Result<()> {
        fs::write(self.folder.join("points.csv"), points::table(120))?;
        fs::write(self.folder.join("rows.csv"), points::table(20_000))?;
        self.run("train --name m --data points.csv --hidden 4 --epochs 1 --no-report --threads 1")
            .map(drop)
    }

    fn train(&mut self) -> io::Result<()> {
        let run = self.folder.join("runs/a");
        self.run(TRAIN)?;
        let expected = fs::read(run.join("model.safetensors"))?;
        let is_resumed = |chamber: &Self, ended: &Ended| {
            let code = match ended.code {
                Some(0) => Some(0),
                _ if run.join("config.toml").exists() => {
                    chamber.run("train --resume a --threads 1 --no-report")?
                }
                _ => {
                    scratch::remove(&run)?;
                    chamber.run(TRAIN)?
                }
            };
            if code != Some(0) {
                return Ok(Some(format!("the next start ends with {code:?}")));
            }
            let found = fs::read(run.join("model.safetensors"))?;
            Ok((found != expected).then(|| "other weights".to_owned()))
        };
        self.torture("train", TRAIN, |_| scratch::remove(&run), is_resumed)
    }

    fn predict(&mut self) -> io::Result<()> {
        let output = self.folder.join("predictions.csv");
        self.run(PREDICT)?;
        let expected = fs::read(&output)?;
        let is_whole = |_: &Self, ended: &Ended| {
            let found = fs::read(&output)?;
            let wanted = match ended.code {
                Some(0) => &expected[..],
                _ => OLD.as_bytes(),
            };
            Ok((found != wanted).then(|| "the file of predictions is harmed".to_owned()))
        };
        self.torture("predict", PREDICT, |_| fs::write(&output, OLD), is_whole)
    }

    fn serve(&mut self) -> io::Result<()> {
        let requests = match self.visit(None) {
            Ok(_) => large(&fs::read_to_string(self.trace())?),
            Err(error) => {
                println!("skipped: strace cannot watch a server here: {error}");
                return Ok(());
            }
        };
        let model = self.folder.join("runs/m/model.safetensors");
        let expected = fs::read(&model)?;
        let (mut n_ended, mut n_went_on) = (0, 0);
        for fault in faults(&requests) {
            let visit = self.visit(Some(fault))?;
            if !was_met(&self.trace())? {
                continue;
            }
            self.n_faults += 1;
            // A server that goes on is ended by our signal.
            let mut harm = if visit.code == Some(130) {
                n_went_on += 1;
                None
            } else {
                n_ended += 1;
                visit.harm()
            };
            if harm.is_none() && fs::read(&model)? != expected {
                harm = Some("a model is harmed".to_owned());
            }
            let saved = self.folder.join("runs/saved/model.safetensors");
            if harm.is_none() && saved.exists() && self.run("inspect saved")? != Some(0) {
                harm = Some("the saved model is harmed".to_owned());
            }
            self.note("serve", fault, harm);
        }
        println!("serve    {n_ended:>4} ended with a message, {n_went_on:>4} went on");
        Ok(())
    }

    /// Visits the live page; requests for memory count from when it is served.
    fn visit(&self, fault: Option<Fault>) -> io::Result<Ended> {
        scratch::remove(&self.folder.join("runs/saved"))?;
        let mut server = Command::new(&self.program);
        server.args(live_page::LINE.split_whitespace());
        live_page::visit(self.set_up(server), &self.options(fault))
    }

    /// Lets each large request of a command fail. `before` lays out its files,
    /// `harm` looks at what it left.
    fn torture(
        &mut self,
        name: &str,
        line: &str,
        before: impl Fn(&Self) -> io::Result<()>,
        harm: impl Fn(&Self, &Ended) -> io::Result<Option<String>>,
    ) -> io::Result<()> {
        before(self)?;
        self.strace(line, None).output()?;
        let requests = large(&fs::read_to_string(self.trace())?);
        let (mut n_ended, mut n_went_on) = (0, 0);
        for fault in faults(&requests) {
            before(self)?;
            let output = self
                .strace(line, Some(fault))
                .stderr(Stdio::piped())
                .output()?;
            let ended = Ended {
                code: output.status.code(),
                message: String::from_utf8_lossy(&output.stderr).into_owned(),
            };
            if !was_met(&self.trace())? || ended.code == Some(NOT_LOADED) {
                continue;
            }
            self.n_faults += 1;
            match ended.code {
                Some(0) => n_went_on += 1,
                _ => n_ended += 1,
            }
            let harm = match ended.harm() {
                None => harm(self, &ended)?,
                harm => harm,
            };
            self.note(name, fault, harm);
        }
        println!("{name:<8} {n_ended:>4} ended with a message, {n_went_on:>4} went on");
        Ok(())
    }

    fn note(&mut self, name: &str, fault: Fault, harm: Option<String>) {
        if let Some(harm) = harm {
            println!("{name}, {fault:?}: {}", harm.trim_end());
            self.n_harmed += 1;
        }
    }

    /// `nn`, under strace.
    fn strace(&self, line: &str, fault: Option<Fault>) -> Command {
        let mut strace = Command::new("strace");
        strace
            .args(self.options(fault))
            .arg("-qq")
            .arg(&self.program)
            .args(line.split_whitespace());
        self.set_up(strace)
    }

    /// What strace does: it records requests for memory in the file `trace`, lets blocks
    /// not be extended, and refuses requests.
    fn options(&self, fault: Option<Fault>) -> Vec<String> {
        let mut options = vec!["-f", "-e", "signal=none"];
        options.extend(["-e", "trace=mmap,brk,mremap,rt_sigaction"]);
        options.extend(["-e", "inject=brk:retval=0"]);
        options.extend(["-e", "inject=mremap:error=ENOMEM"]);
        let mut options: Vec<String> = options.into_iter().map(String::from).collect();
        if let Some(Fault { number, forever }) = fault {
            let numbers = if forever {
                format!("{number}+")
            } else {
                format!("{number}..{}", number + RETRIES)
            };
            let refusal = format!("inject=mmap:error=ENOMEM:when={numbers}");
            options.extend(["-e".to_owned(), refusal]);
        }
        let trace = self.trace().to_string_lossy().into_owned();
        options.extend(["-o".to_owned(), trace]);
        options
    }

    fn set_up(&self, mut command: Command) -> Command {
        command
            .env("MALLOC_MMAP_THRESHOLD_", LARGE.to_string())
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    fn trace(&self) -> PathBuf {
        self.folder.join("trace")
    }

    fn run(&self, line: &str) -> io::Result<Option<i32>> {
        let status = Command::new(&self.program)
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(status.code())
    }
}

/// Each request fails once, and then with all that follow it.
fn faults(requests: &BTreeSet<usize>) -> Vec<Fault> {
    let faults = requests
        .iter()
        .take(MOST)
        .flat_map(|&number| [false, true].map(|forever| Fault { number, forever }));
    faults.collect()
}

/// The numbers of the large requests for memory, counted in each thread from 1. Those
/// before `main`, where Rust's runtime would give up, do not count: `main` begins with
/// the handler of SIGABRT.
fn large(trace: &str) -> BTreeSet<usize> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut numbers = BTreeSet::new();
    for line in trace.lines() {
        if line.contains(" rt_sigaction(SIGABRT") {
            numbers.clear();
        }
        let Some((thread, call)) = line.split_once(' ') else {
            continue;
        };
        let Some(request) = call.trim_start().strip_prefix("mmap(NULL, ") else {
            let is_other = call.trim_start().starts_with("mmap(");
            *counts.entry(thread).or_default() += usize::from(is_other);
            continue;
        };
        let count = counts.entry(thread).or_default();
        *count += 1;
        let (size, rest) = request.split_once(", ").unwrap_or_default();
        let is_memory = rest.starts_with("PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1");
        if is_memory && size.parse().is_ok_and(|size: usize| size >= LARGE) {
            numbers.insert(*count);
        }
    }
    numbers
}

/// Whether a request for memory was refused.
fn was_met(trace: &Path) -> io::Result<bool> {
    let trace = fs::read_to_string(trace)?;
    let mut lines = trace.lines();
    Ok(lines.any(|line| line.contains(" mmap(") && line.contains("(INJECTED)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_requests_are_counted_in_each_thread() {
        let trace = "1 mmap(NULL, 90000, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0\n\
            1 rt_sigaction(SIGABRT, {}, NULL, 8) = 0\n\
            1 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 1\n\
            1 mmap(0x7f00, 999999, PROT_READ, MAP_PRIVATE|MAP_FIXED, 3, 0) = 2\n\
            1 mmap(NULL, 266240, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 3\n\
            2 mmap(NULL, 266240, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>\n\
            2 <... mmap resumed>) = 4\n\
            2 mmap(NULL, 266240, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK, -1, 0) = 5\n\
            2 brk(NULL) = 0\n";
        assert_eq!(large(trace), BTreeSet::from([1, 4]));
    }
}
