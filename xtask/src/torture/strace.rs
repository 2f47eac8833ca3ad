//! strace, which shows a program's calls of the system and can let them fail.

use std::process::{Command, Stdio};

/// Whether strace is installed; says so if it is not.
pub(super) fn is_there() -> bool {
    let status = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    let is_there = status.is_ok_and(|status| status.success());
    if !is_there {
        println!("skipped: no strace, which Linux alone has");
    }
    is_there
}
