//! Starts `nn-mpi` with Open MPI's `mpirun`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Settings of Open MPI. Containers often run as root, and several processes per core must
/// not wait actively.
const ENVIRONMENT: [(&str, &str); 4] = [
    ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
    ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
    ("OMPI_MCA_mpi_yield_when_idle", "1"),
    // Containers often forbid reading the memory of another process.
    ("OMPI_MCA_btl_vader_single_copy_mechanism", "none"),
];

/// Starts one program on several processes.
pub(super) struct Launcher {
    program: PathBuf,
    folder: PathBuf,
}

/// How a run ended.
pub(super) struct Outcome {
    /// The exit code, or -1 after a signal.
    pub(super) code: i32,
    /// What was printed to standard error.
    pub(super) errors: String,
}

impl Launcher {
    pub(super) fn new(program: PathBuf, folder: &Path) -> Self {
        Self {
            program,
            folder: folder.to_owned(),
        }
    }

    /// Runs the same command line on `n_processes` processes.
    pub(super) fn run(&self, n_processes: u32, line: &str) -> io::Result<Outcome> {
        let output = self.command(n_processes, line).output()?;
        Ok(Outcome {
            code: output.status.code().unwrap_or(-1),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a command line per process; `variable` sets an environment variable of a process.
    pub(super) fn run_each<'v>(
        &self,
        lines: &[String],
        variable: impl Fn(usize) -> Option<(&'v str, &'v str)>,
    ) -> io::Result<Outcome> {
        let mut command = self.mpirun();
        for (process, line) in lines.iter().enumerate() {
            if process > 0 {
                command.arg(":");
            }
            command.args(["-n", "1"]);
            if let Some((name, value)) = variable(process) {
                command.args(["-x", &format!("{name}={value}")]);
            }
            command.arg(&self.program).args(line.split_whitespace());
        }
        let output = command.output()?;
        Ok(Outcome {
            code: output.status.code().unwrap_or(-1),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts the processes, and discards what they print.
    pub(super) fn start(&self, n_processes: u32, line: &str) -> io::Result<Child> {
        let mut command = self.command(n_processes, line);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }

    /// The process ids of the processes that `mpirun` started.
    pub(super) fn children(mpirun: &Child) -> Vec<u32> {
        let folders = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = folders.filter_map(|folder| folder.file_name().to_str()?.parse().ok());
        let is_child = |process: &u32| {
            let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            // The name in parentheses may contain spaces.
            let after_name = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
            let parent = after_name.split(' ').nth(1).and_then(|id| id.parse().ok());
            parent == Some(mpirun.id())
        };
        processes.filter(is_child).collect()
    }

    fn command(&self, n_processes: u32, line: &str) -> Command {
        let mut command = self.mpirun();
        command.args(["-n", &n_processes.to_string()]);
        command.arg(&self.program).args(line.split_whitespace());
        command
    }

    fn mpirun(&self) -> Command {
        let mut command = Command::new("mpirun");
        command
            .args(["--oversubscribe", "--bind-to", "none"])
            .envs(ENVIRONMENT)
            .stdin(Stdio::null())
            .current_dir(&self.folder);
        command
    }
}
