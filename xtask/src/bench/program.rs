//! A program that is built once and started several times.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::command::{Cargo, build_executable};
use crate::error::{Error, Result};

/// Time limit after which a program is killed.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Time between two checks of a process: short compared with the measured times, but long
/// enough not to disturb the process.
const PAUSE: Duration = Duration::from_millis(2);

/// An executable with its first arguments.
#[derive(Clone, Debug)]
pub(super) struct Program {
    path: PathBuf,
    first: Vec<OsString>,
    environment: Vec<(&'static str, String)>,
}

impl Program {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            first: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Builds the executable `name` with `cargo build` and these arguments, in the profile
    /// of `cargo run`.
    pub(super) fn cargo(arguments: &str, name: &str) -> Result<Self> {
        Self::built_by(Cargo::new(&format!("build -q {arguments}")), name)
    }

    /// Builds the executable `name` with a call of `cargo build`.
    pub(super) fn built_by(build: Cargo, name: &str) -> Result<Self> {
        build_executable(build, name).map(Self::new)
    }

    pub(super) fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.first.push(argument.into());
        self
    }

    pub(super) fn environment(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Runs the program to its end and returns its standard output.
    ///
    /// # Errors
    /// [`Error::Said`] with the last line of standard error if the program fails, and if it
    /// is not finished after [`TIMEOUT`].
    pub(super) fn output(&self, arguments: &[String]) -> Result<String> {
        self.watched_output(arguments, |_| ())
    }

    /// Runs the program as [`output`](Self::output) does, and repeatedly calls `look` with
    /// the process ID.
    pub(super) fn watched_output(
        &self,
        arguments: &[String],
        mut look: impl FnMut(u32),
    ) -> Result<String> {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| self.not_started(source))?;
        // Both pipes are read meanwhile, so that a full one stops nobody.
        let [out, err] = [read_all(child.stdout.take()), read_all(child.stderr.take())];
        let start = Instant::now();
        let status = loop {
            look(child.id());
            if let Some(status) = child
                .try_wait()
                .map_err(|source| self.not_started(source))?
            {
                break status;
            }
            if start.elapsed() > TIMEOUT {
                let killed = child.kill().and_then(|()| child.wait());
                killed.map_err(|source| self.not_started(source))?;
                return Err(self.said(format!("not finished after {} s", TIMEOUT.as_secs())));
            }
            std::thread::sleep(PAUSE);
        };
        let (out, err) = (joined(out), joined(err));
        if status.success() {
            return Ok(out);
        }
        let last = err.lines().rfind(|line| !line.trim().is_empty());
        Err(self.said(last.map_or(status.to_string(), |line| line.trim().to_owned())))
    }

    /// Runs the program to its end, however long it takes; its output is that of this program.
    pub(super) fn run_visibly(&self, arguments: &[String]) -> Result<()> {
        let status = self.command(arguments).status();
        let status = status.map_err(|source| self.not_started(source))?;
        match status.success() {
            true => Ok(()),
            false => Err(self.said(status.to_string())),
        }
    }

    /// The executable.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs the program and returns the wall time in seconds.
    pub(super) fn seconds(&self, arguments: &[String]) -> Result<f64> {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        let status = command
            .status()
            .map_err(|source| self.not_started(source))?;
        let seconds = start.elapsed().as_secs_f64();
        match status.success() {
            true => Ok(seconds),
            false => Err(self.said(status.to_string())),
        }
    }

    fn said(&self, text: String) -> Error {
        let program = self.name();
        Error::Said { program, text }
    }

    fn command(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(&self.first)
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The name of the program in messages: a script rather than its interpreter.
    pub(super) fn name(&self) -> String {
        let file = self
            .first
            .first()
            .map_or(&*self.path, |first| Path::new(first));
        let name = file.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    fn not_started(&self, source: std::io::Error) -> Error {
        Error::NotStarted {
            command: self.path.display().to_string(),
            source,
        }
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is all there is to show.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn joined(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_program_that_fails_is_quoted() {
        let program = Program::new("/bin/sh").argument("-c");
        assert_eq!(program.output(&["echo a".to_owned()]).expect("runs"), "a\n");
        let error = program
            .output(&["echo first >&2; echo last >&2; exit 3".to_owned()])
            .expect_err("3 is not 0");
        assert_eq!(error.to_string(), "-c: last");
    }
}
