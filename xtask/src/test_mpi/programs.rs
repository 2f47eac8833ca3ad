//! The programs `nn` and `nn-mpi`, and the runs that the tests compare.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

use super::launcher::Launcher;

/// The flags of all runs.
pub(super) const FLAGS: &str = "--validation 0.1 --epochs 2 --hidden 40,24";

/// Images, whose pixels are read as sparse rows.
pub(super) const IMAGES: &str = "--data glyphs --limit-train 300";

/// A table, which loads faster.
pub(super) const TABLE: &str = "--data points.csv";

/// The two programs, and the folder of their runs.
pub(super) struct Programs {
    pub(super) nn: PathBuf,
    pub(super) launcher: Launcher,
    pub(super) folder: PathBuf,
}

impl Programs {
    /// Trains with `nn` and returns the bytes of the model.
    pub(super) fn train_alone(&self, name: &str, flags: &str) -> io::Result<Vec<u8>> {
        let line = format!("train --name {name} {flags} --threads 1 --no-report --json");
        let output = Command::new(&self.nn)
            .args(line.split_whitespace())
            .current_dir(&self.folder)
            .output()?;
        if !output.status.success() {
            println!("{}", String::from_utf8_lossy(&output.stderr));
        }
        self.model(name)
    }

    pub(super) fn model(&self, name: &str) -> io::Result<Vec<u8>> {
        let run = self.folder.join("runs").join(name);
        fs::read(run.join("model.safetensors"))
    }
}
