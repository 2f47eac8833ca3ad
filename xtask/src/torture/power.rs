//! A power failure at every moment of a training, a search and a download.
//!
//! Each of them runs once and its operations on files are recorded. Then, for every
//! state that a power failure may have left ([`Record::failures`]), the program is
//! started again on that state. Files under their final names must be as they were
//! saved, and the program must come to the result of an undisturbed run, without
//! doing again what it had reported as done.

use std::collections::HashSet;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::file_system::{Failure, Record, Tree};
use super::server::{Files, Server};
use super::{download, points, recording, scratch, strace};
use crate::error::{Error, Result};

/// A checkpoint after every batch, of which there are six.
const TRAINING: &str = "--data points.csv --hidden 4 --epochs 2 --batch-size 40 --patience 3 \
    --threads 1 --no-report";

const SEARCH: &str = "search --data points.csv --name s --hidden 4 --epochs 2 --threads 1 \
    --space lr=log:1e-3..1 --trials 3 --stopping median";

/// As many harmed states of a scenario are shown.
const SHOWN: usize = 5;

/// The files that are downloaded; the others, which are large, are there already.
const DOWNLOADED: [&str; 2] = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];

/// Lets the power fail at every moment, of a training alone if `quick`, and returns an
/// error if that did harm. `without_syncs` also leaves out each sync in turn.
pub(super) fn check(quick: bool, without_syncs: bool) -> Result<()> {
    if !strace::is_there() {
        return Ok(());
    }
    let name = "nn-torture-power";
    let folder =
        scratch::create(name).map_err(|source| Error::unreadable(name.as_ref(), source))?;
    let mut chamber = Chamber {
        program: super::build()?,
        folder: folder.clone(),
        without_syncs,
        n_states: 0,
        n_harmed: 0,
    };
    let training = chamber.torture(&Training::begun())?;
    if !quick {
        chamber.torture(&Training::resumed(&training))?;
        chamber.torture(&Search)?;
        chamber.torture_downloads()?;
    }
    // What stays in the temporary folder harms nobody.
    let _ = fs::remove_dir_all(&folder);
    println!("{} states, {} harmed", chamber.n_states, chamber.n_harmed);
    if chamber.n_harmed > 0 {
        return Err(Error::Broken {
            what: "promise",
            count: chamber.n_harmed,
        });
    }
    Ok(())
}

/// Something that the program does.
trait Scenario {
    fn name(&self) -> &'static str;

    /// Lays the files out that are there before.
    fn prepare(&self, folder: &Path) -> io::Result<()>;

    /// The arguments of `nn`.
    fn arguments(&self) -> Vec<String>;

    /// Starts the program again, and says what is wrong.
    fn harm(&self, after: &Aftermath<'_>) -> io::Result<Option<String>>;
}

/// What a power failure left behind.
struct Aftermath<'a> {
    program: &'a Path,
    /// A folder with these files.
    folder: &'a Path,
    tree: &'a Tree,
    /// All that had been printed.
    printed: &'a str,
    /// The files of the undisturbed run at its end.
    undisturbed: &'a Tree,
}

impl Aftermath<'_> {
    fn run(&self, line: &str) -> io::Result<Output> {
        Command::new(self.program)
            .args(line.split_whitespace())
            .current_dir(self.folder)
            .stdin(Stdio::null())
            .output()
    }

    /// Runs the program, and says what is wrong if it does not succeed.
    fn failure(&self, line: &str) -> io::Result<Option<String>> {
        let output = self.run(line)?;
        let text = String::from_utf8_lossy(&output.stderr);
        let harm = format!("`nn {line}`: {}: {}", output.status, text.trim_end());
        Ok((!output.status.success()).then_some(harm))
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(path)).ok()
    }
}

struct Chamber {
    program: PathBuf,
    folder: PathBuf,
    without_syncs: bool,
    n_states: usize,
    n_harmed: usize,
}

impl Chamber {
    fn torture_downloads(&mut self) -> Result<()> {
        let Some(files) = download::published() else {
            println!("skipped: no MNIST to fetch; `cargo xtask fetch-data` brings it");
            return Ok(());
        };
        let published = self.folder.join("published");
        let io = |source: io::Error| Error::unreadable(&published, source);
        fs::create_dir(&published).map_err(io)?;
        for (name, bytes) in &files {
            fs::write(published.join(name), bytes).map_err(io)?;
        }
        self.torture(&Download::from_folder(&published))?;
        self.torture(&Download::from_server(&published, files).map_err(io)?)?;
        Ok(())
    }

    fn torture(&mut self, scenario: &dyn Scenario) -> Result<Record> {
        let folder = self.folder.join("recorded");
        let io = |source: io::Error| Error::unreadable(&folder, source);
        self.clear(&folder).map_err(io)?;
        scenario.prepare(&folder).map_err(io)?;
        let record = recording::record(&self.program, &scenario.arguments(), &folder)?;
        let undisturbed = record.tree(record.len());
        let mut seen = HashSet::new();
        let (mut n_states, mut n_harmed) = (0, 0);
        for failure in record.failures() {
            let tree = record.after(&failure);
            let printed = record.printed(failure.n);
            let mut harm = record.harm(&failure, &tree);
            // The program is started once on states that are the same to it and to us.
            if harm.is_none() && seen.insert(hash(&(&tree, &printed))) {
                n_states += 1;
                harm = self
                    .start_again(scenario, &tree, &printed, &undisturbed)
                    .map_err(io)?;
            }
            if let Some(harm) = harm {
                n_harmed += 1;
                if n_harmed <= SHOWN {
                    let operations = record.last_operations(failure.n);
                    println!("{}, {failure}: {harm}\n{operations}", scenario.name());
                }
            }
        }
        println!(
            "{:<28} {:>4} operations, {:>5} power failures, {n_states:>5} states, {n_harmed} harmed",
            scenario.name(),
            record.len(),
            record.failures().len(),
        );
        self.n_states += n_states;
        self.n_harmed += n_harmed;
        if self.without_syncs {
            self.leave_out_syncs(scenario, &record)?;
        }
        Ok(record)
    }

    /// Leaves out each sync of a scenario in turn, and prints those whose absence does no
    /// harm that is found.
    fn leave_out_syncs(&self, scenario: &dyn Scenario, record: &Record) -> Result<()> {
        let io = |source: io::Error| Error::unreadable(&self.folder, source);
        let (syncs, mut n_found) = (record.syncs(), 0);
        for &index in &syncs {
            if self.is_missed(scenario, record, index).map_err(io)? {
                n_found += 1;
            } else {
                let operations = record.last_operations(index + 1);
                println!("{}, not missed:\n{operations}", scenario.name());
            }
        }
        let n = syncs.len();
        println!(
            "{:<28} {n_found} of {n} syncs are missed if they are left out",
            scenario.name()
        );
        Ok(())
    }

    /// Whether harm is found without this sync.
    fn is_missed(
        &self,
        scenario: &dyn Scenario,
        record: &Record,
        index: usize,
    ) -> io::Result<bool> {
        let undisturbed = record.tree(record.len());
        let without = record.without_sync(index);
        let failures = without.failures().into_iter();
        let states: Vec<_> = failures
            .filter(|failure| failure.n > index)
            .map(|failure| (without.after(&failure), failure))
            .collect();
        let is_harmed = |(tree, failure): &(Tree, Failure)| without.harm(failure, tree).is_some();
        if states.iter().any(is_harmed) {
            return Ok(true);
        }
        let mut seen = HashSet::new();
        for (tree, failure) in &states {
            let printed = without.printed(failure.n);
            if seen.insert(hash(&(tree, &printed)))
                && self
                    .start_again(scenario, tree, &printed, &undisturbed)?
                    .is_some()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn start_again(
        &self,
        scenario: &dyn Scenario,
        tree: &Tree,
        printed: &str,
        undisturbed: &Tree,
    ) -> io::Result<Option<String>> {
        let folder = self.folder.join("left");
        self.clear(&folder)?;
        tree.write(&folder)?;
        scenario.harm(&Aftermath {
            program: &self.program,
            folder: &folder,
            tree,
            printed,
            undisturbed,
        })
    }

    fn clear(&self, folder: &Path) -> io::Result<()> {
        scratch::remove(folder)?;
        fs::create_dir(folder)
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(String::from).collect()
}

/// A training, from its beginning or from a checkpoint.
struct Training {
    name: &'static str,
    line: String,
    /// The files before it.
    start: Option<Tree>,
}

impl Training {
    fn begun() -> Self {
        Self {
            name: "training",
            line: format!("train --name a --checkpoint-interval 0 {TRAINING}"),
            start: None,
        }
    }

    /// Resumes a training that was killed in the middle.
    fn resumed(begun: &Record) -> Self {
        Self {
            name: "training, resumed",
            line: "train --resume a --checkpoint-interval 0 --threads 1 --no-report".to_owned(),
            start: Some(begun.tree(begun.len() / 2)),
        }
    }
}

impl Scenario for Training {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prepare(&self, folder: &Path) -> io::Result<()> {
        match &self.start {
            Some(tree) => tree.write(folder),
            None => fs::write(folder.join("points.csv"), points::table(120)),
        }
    }

    fn arguments(&self) -> Vec<String> {
        words(&self.line)
    }

    fn harm(&self, after: &Aftermath<'_>) -> io::Result<Option<String>> {
        const METRICS: &str = "runs/a/metrics.csv";
        if after.tree.file("runs/a/config.toml").is_none() {
            // It never began.
            return Ok(None);
        }
        if after.tree.file("runs/a/summary.json").is_some() {
            if after.tree.file(METRICS) != after.undisturbed.file(METRICS) {
                return Ok(Some("rows of a finished run are lost".to_owned()));
            }
            return after.failure("predict a points.csv");
        }
        // Fewer checkpoints take less time.
        let resume = "train --resume a --checkpoint-interval 60 --threads 1 --no-report";
        if let Some(harm) = after.failure(resume)? {
            return Ok(Some(harm));
        }
        let model = "runs/a/model.safetensors";
        if after.read(model).as_deref() != after.undisturbed.file(model) {
            return Ok(Some("other weights".to_owned()));
        }
        let left_over = scratch::left_over(&after.folder.join("runs"))?;
        Ok(left_over.map(|name| format!("the temporary file {name} was left")))
    }
}

/// A search, from its beginning.
struct Search;

impl Search {
    /// The rows of the table, without the time of trials that may have run again.
    fn rows(table: &[u8], n_reported: usize) -> Vec<String> {
        let table = String::from_utf8_lossy(table);
        let rows = table.lines().enumerate();
        let row = |(index, row): (usize, &str)| match row.rsplit_once(',') {
            Some((rest, _)) if index > n_reported => rest.to_owned(),
            _ => row.to_owned(),
        };
        rows.map(row).collect()
    }
}

impl Scenario for Search {
    fn name(&self) -> &'static str {
        "search"
    }

    fn prepare(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join("points.csv"), points::table(120))
    }

    fn arguments(&self) -> Vec<String> {
        words(SEARCH)
    }

    fn harm(&self, after: &Aftermath<'_>) -> io::Result<Option<String>> {
        const TABLE: &str = "runs/s/trials.csv";
        if after.tree.file("runs/s/config.toml").is_none() {
            // It never began.
            return Ok(None);
        }
        if let Some(harm) = after.failure("search --resume s --threads 1")? {
            return Ok(Some(harm));
        }
        let n_reported = after.printed.matches("\ntrial ").count()
            + usize::from(after.printed.starts_with("trial "));
        let rows = |table: &[u8]| Self::rows(table, n_reported);
        let (found, expected) = (after.read(TABLE), after.undisturbed.file(TABLE));
        if found.as_deref().map(rows) != expected.map(rows) {
            let harm = format!("not the {n_reported} trials that were reported, or other ones");
            return Ok(Some(harm));
        }
        let model = "runs/s/best/model.safetensors";
        if after.read(model).as_deref() != after.undisturbed.file(model) {
            return Ok(Some("other weights of the final network".to_owned()));
        }
        let left_over = scratch::left_over(&after.folder.join("runs"))?;
        Ok(left_over.map(|name| format!("the temporary file {name} was left")))
    }
}

/// `nn data fetch`.
struct Download {
    name: &'static str,
    /// A folder or an address.
    origin: String,
    /// A folder with all files.
    published: PathBuf,
    _server: Option<Server>,
}

impl Download {
    fn from_folder(published: &Path) -> Self {
        Self {
            name: "download from a folder",
            origin: published.to_string_lossy().into_owned(),
            published: published.to_owned(),
            _server: None,
        }
    }

    fn from_server(published: &Path, files: Files) -> io::Result<Self> {
        let server = Server::start(files, 0)?;
        Ok(Self {
            name: "download from a server",
            origin: server.url(),
            published: published.to_owned(),
            _server: Some(server),
        })
    }

    fn line(&self) -> String {
        format!("data fetch mnist --data-dir data --from {}", self.origin)
    }
}

impl Scenario for Download {
    fn name(&self) -> &'static str {
        self.name
    }

    /// Links lead to the files that are not downloaded.
    fn prepare(&self, folder: &Path) -> io::Result<()> {
        let data = folder.join("data/mnist");
        fs::create_dir_all(&data)?;
        for name in download::NAMES {
            if !DOWNLOADED.contains(&name) {
                link(&self.published.join(name), &data.join(name))?;
            }
        }
        Ok(())
    }

    fn arguments(&self) -> Vec<String> {
        words(&self.line())
    }

    fn harm(&self, after: &Aftermath<'_>) -> io::Result<Option<String>> {
        self.prepare(after.folder)?;
        let is_reported = after.printed.contains("checksums match");
        if is_reported
            && let Some(harm) = after.failure("data fetch mnist --data-dir data --offline")?
        {
            return Ok(Some(harm));
        }
        if let Some(harm) = after.failure(&self.line())? {
            return Ok(Some(harm));
        }
        for name in DOWNLOADED {
            let path = format!("data/mnist/{name}");
            if after.read(&path).as_deref() != after.undisturbed.file(&path) {
                return Ok(Some(format!("{name} is wrong")));
            }
        }
        let left_over = scratch::left_over(&after.folder.join("data"))?;
        Ok(left_over.map(|name| format!("the temporary file {name} was left")))
    }
}

#[cfg(unix)]
fn link(file: &Path, name: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(file, name)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
