//! What several tests need: a folder of one's own, the program in it, and
//! small data sets.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use nn_data::idx::{Idx, IdxData};
use serde_json::Value;

/// A folder of its own for one test, removed at its end. The program is
/// started in it, so `runs` and `datasets` lie there too.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nn-cli-test-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Self(folder)
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn file(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let folder = path.parent().expect("a file is in a folder");
        fs::create_dir_all(folder).expect("the temporary folder is writable");
        fs::write(&path, bytes).expect("the temporary folder is writable");
        path
    }

    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn json(&self, name: impl AsRef<Path>) -> Value {
        serde_json::from_str(&self.read(name)).expect("the file is JSON")
    }

    /// The program, ready to start, as a user without cargo would start it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nn"));
        command
            .current_dir(&self.0)
            .env_remove("CARGO")
            .env_remove("NN_DATA_DIR")
            .env_remove("RUST_BACKTRACE")
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs `nn` with the words of `line`, a quoted empty word being `""`.
    pub(crate) fn nn(&self, line: &str) -> Ended {
        let words = line.split_whitespace();
        self.nn_args(words.map(|word| if word == "\"\"" { "" } else { word }))
    }

    pub(crate) fn nn_args<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        Ended::new(self.command().args(arguments))
    }

    /// Runs a script of the shell in the folder.
    pub(crate) fn shell(&self, script: &str) -> Ended {
        let mut shell = Command::new("sh");
        shell
            .current_dir(&self.0)
            .env_remove("CARGO")
            .env_remove("NN_DATA_DIR");
        Ended::new(shell.args(["-c", script]))
    }

    /// Trains, and gives the run's summary.
    pub(crate) fn train(&self, name: &str, flags: &str) -> Value {
        self.nn(&format!("train --name {name} {flags}")).succeeds();
        self.json(format!("runs/{name}/summary.json"))
    }

    /// What `nn evaluate RUN` says as JSON.
    pub(crate) fn evaluate(&self, run: &str, flags: &str) -> Value {
        let ended = self.nn(&format!("evaluate {run} --json {flags}"));
        // Notes about other data are on standard error.
        let output = ended.succeeds_with_note("");
        serde_json::from_str(&output).expect("one JSON object")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// The program after its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn new(command: &mut Command) -> Self {
        Self::from(command.output().expect("the program starts"))
    }

    /// Standard output of a success without a word on standard error.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.stderr, "", "standard error of a success");
        self.stdout
    }

    /// The one error, after checking what every error must be: one line that
    /// begins with `error: `, a line of help, nothing else.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        let lines: Vec<&str> = self.stderr.lines().collect();
        assert!(lines[0].starts_with("error: "), "{}", self.stderr);
        let errors = lines.iter().filter(|line| line.starts_with("error"));
        assert_eq!(errors.count(), 1, "{}", self.stderr);
        assert!(
            lines
                .last()
                .is_some_and(|line| line.starts_with("  help: ")),
            "no help: {}",
            self.stderr
        );
        for word in ["panicked", "backtrace", "Err(", "thread '"] {
            assert!(!self.stderr.contains(word), "{}", self.stderr);
        }
        self.stderr
    }

    /// Standard output of a success that has something to note.
    #[track_caller]
    pub(crate) fn succeeds_with_note(self, note: &str) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(note), "{}", self.stderr);
        self.stdout
    }

    /// A failure before the first line of output whose error has all `parts`.
    #[track_caller]
    pub(crate) fn refuses(self, code: i32, parts: &[&str]) {
        assert_eq!(self.stdout, "", "{}", self.stderr);
        let error = self.fails(code);
        for part in parts {
            assert!(error.contains(part), "{part:?} is missing in: {error}");
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }
}

/// A small training on the built-in digits; how long is still to be said.
pub(crate) const SMALL: &str = "--data glyphs --limit-train 300 --hidden 16 --batch-size 32";

/// The same for two epochs.
pub(crate) const TWO_EPOCHS: &str =
    "--data glyphs --limit-train 300 --hidden 16 --batch-size 32 --epochs 2";

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// `n` images of 2 x 3 pixels.
pub(crate) fn idx_images(n: usize) -> Vec<u8> {
    idx_bytes(vec![n, 2, 3], (0..n * 6).map(|i| (i % 251) as u8).collect())
}

pub(crate) fn idx_labels(labels: &[u8]) -> Vec<u8> {
    idx_bytes(vec![labels.len()], labels.to_vec())
}

pub(crate) fn idx_bytes(dims: Vec<usize>, bytes: Vec<u8>) -> Vec<u8> {
    let data = IdxData::U8(bytes);
    let mut written = Vec::new();
    Idx { dims, data }
        .write(&mut written)
        .expect("memory can be written");
    written
}

/// Numbers from -1 to 1 that are the same in every test.
pub(crate) fn noise(n: usize) -> Vec<f64> {
    let mut state = 1_u64;
    (0..n)
        .map(|_| {
            // Knuth's MMIX generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        })
        .collect()
}

/// A header (where a column called `y` would be taken for the target), then a
/// row for each pair of numbers from -3 to 3.
pub(crate) fn csv(header: &str, n_rows: usize, row: impl Fn(usize, f64, f64) -> String) -> String {
    let numbers = noise(2 * n_rows);
    let rows = numbers
        .chunks_exact(2)
        .enumerate()
        .map(|(i, pair)| row(i, 3.0 * pair[0], 3.0 * pair[1]));
    std::iter::once(header.to_owned())
        .chain(rows)
        .map(|line| line + "\n")
        .collect()
}

pub(crate) fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value}: not a number"))
}

/// 240 rows of three trees around three centres, with a colour that means
/// nothing.
pub(crate) fn trees() -> String {
    csv("u,v,colour,tree", 240, |i, x, y| {
        let (tree, at_x, at_y) = [("oak", 0.0, 0.0), ("elm", 5.0, 0.0), ("ash", 0.0, 5.0)][i % 3];
        let colour = ["red", "green", "blue"][i / 3 % 3];
        format!(
            "{:.4},{:.4},{colour},{tree}",
            at_x + 0.6 * x,
            at_y + 0.6 * y
        )
    })
}

/// MNIST's folder, where it was fetched; otherwise says that a test is skipped.
pub(crate) fn mnist_dir() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let data_dir = match std::env::var_os("NN_DATA_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => workspace
            .expect("a crate is in a workspace")
            .join("datasets"),
    };
    let is_there = data_dir.join("mnist/t10k-labels-idx1-ubyte.gz").exists();
    if !is_there {
        eprintln!("skipped: no MNIST in {}", data_dir.display());
    }
    is_there.then_some(data_dir)
}
