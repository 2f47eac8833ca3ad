//! strace records the system calls of a program and can make them fail.

use std::process::{Command, Stdio};

/// Whether strace is installed; prints a line if it is not.
pub(super) fn is_there() -> bool {
    let status = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    let is_there = status.is_ok_and(|status| status.success());
    if !is_there {
        println!("skipped: strace is not installed (it exists on Linux only)");
    }
    is_there
}
