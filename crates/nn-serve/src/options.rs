//! The options of the server.

use std::path::PathBuf;

/// The options of the server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Run directory, name of a run in `runs_dir`, or model file whose network classifies drawn
    /// digits. If this is `None`, the page trains a small network when it is opened.
    pub run: Option<PathBuf>,
    /// Port on the loopback address; 0 chooses a free port.
    pub port: u16,
    /// Folder of the runs.
    pub runs_dir: PathBuf,
    /// Folder of the data sets.
    pub data_dir: PathBuf,
    /// The name of the program in the commands that the page shows.
    pub program: String,
}

impl Default for Options {
    /// No run, the port 8784, the folders `runs` and `datasets`, the program `nn`.
    fn default() -> Self {
        Self {
            run: None,
            port: 8784,
            runs_dir: "runs".into(),
            data_dir: "datasets".into(),
            program: "nn".to_owned(),
        }
    }
}
