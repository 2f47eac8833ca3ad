//! Identifies a process across machines and containers.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A process that has claimed work.
///
/// A process number alone does not identify a process: it is used again after the process has
/// ended, and containers number their processes separately, often under the name of their host. On
/// Linux, the time at which the process started, the boot of the kernel and the namespace of the
/// process numbers make it unique. On other systems they are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Name of the machine.
    pub host: String,
    /// Process number.
    pub id: u32,
    /// Start of the process in clock ticks since the boot.
    started: Option<u64>,
    /// Identifies the boot of the kernel.
    boot: Option<String>,
    /// Namespace of the process number.
    namespace: Option<String>,
}

impl Process {
    /// This process.
    pub fn current() -> Self {
        let id = std::process::id();
        let read = |path: &str| {
            let text = fs::read_to_string(path).ok()?;
            Some(text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let host = read("/proc/sys/kernel/hostname")
            .or_else(|| std::env::var("HOSTNAME").ok())
            .or_else(|| std::env::var("COMPUTERNAME").ok());
        let namespace = fs::read_link("/proc/self/ns/pid").ok();
        Self {
            host: host.unwrap_or_else(|| "unknown host".to_owned()),
            id,
            started: started(id),
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace: namespace.map(|name| name.to_string_lossy().into_owned()),
        }
    }

    /// Returns `true` if it is certain that the process has ended: it was started by the same
    /// kernel in the same namespace as the process `current`, and no longer exists.
    pub(crate) fn has_ended(&self, current: &Self) -> bool {
        let is_same_system = self.boot.is_some()
            && self.namespace.is_some()
            && self.boot == current.boot
            && self.namespace == current.namespace;
        // With the mount option hidepid, /proc has only the processes of the user, so a process
        // that is not found may exist.
        let are_all_visible = Path::new("/proc/1").exists();
        is_same_system
            && are_all_visible
            && self.started.is_some()
            && started(self.id) != self.started
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.id, self.host)
    }
}

/// The start of a running process, in clock ticks since the boot: field 22 of `/proc/PID/stat`.
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is the name of the program in parentheses, which may contain spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    // A zombie has ended; only its exit status remains.
    let is_running = !matches!(state, "Z" | "X");
    fields.nth(18)?.parse().ok().filter(|_| is_running)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn this_process_has_not_ended() {
        let current = Process::current();
        assert!(!current.has_ended(&current));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_a_process_of_this_system_is_known_to_have_ended() {
        let current = Process::current();
        let mut child = Command::new("sleep")
            .arg("60")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let process = Process {
            id: child.id(),
            started: started(child.id()),
            ..current.clone()
        };
        assert!(!process.has_ended(&current));
        child.kill().unwrap();
        // A killed process is a zombie until its parent has read the exit status.
        while started(child.id()).is_some() {
            std::thread::yield_now();
        }
        assert!(process.has_ended(&current));
        child.wait().unwrap();
        assert!(process.has_ended(&current));
        let elsewhere = Process {
            boot: Some("another boot".to_owned()),
            ..process.clone()
        };
        assert!(!elsewhere.has_ended(&current));
        let contained = Process {
            namespace: Some("another namespace".to_owned()),
            ..process.clone()
        };
        assert!(!contained.has_ended(&current));
        // The number of an ended process is used again. The processes of this test may have
        // started within the same clock tick, so the ended one is an older process.
        let reused = Process {
            id: current.id,
            started: Some(0),
            ..process
        };
        assert!(reused.has_ended(&current));
    }
}
