//! Signal handling: SIGINT (Ctrl-C), SIGTERM, and SIGHUP when the terminal is closed.
//!
//! The first signal only sets a flag, so that the program can finish the current batch
//! and save its result. A second signal ends the program at once, except SIGHUP, which
//! a closing terminal may send twice.

use std::io;
#[cfg(unix)]
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use nn_train::{Error, ErrorKind, Result};
#[cfg(unix)]
use signal_hook::consts::SIGABRT;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The last signal, 0 before the first.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// The flag that a signal sets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupt(());

impl Interrupt {
    /// Starts to listen for signals.
    pub(crate) fn listen() -> Result<Self> {
        Self::register().map_err(|error| {
            let problem = format!("cannot listen for signals: {error}");
            Error::new(ErrorKind::Io, problem)
        })
    }

    fn register() -> io::Result<Self> {
        let interrupt = Self(());
        let seen = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order, because the first signal enables the shutdown by the second.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&seen))?;
            interrupt.note(number, &seen)?;
        }
        #[cfg(unix)]
        unix::listen(interrupt, &seen)?;
        Ok(interrupt)
    }

    /// Returns `true` if a signal has arrived.
    pub(crate) fn is_set(self) -> bool {
        SIGNAL.load(Ordering::Relaxed) != 0
    }

    fn note(self, number: i32, seen: &Arc<AtomicBool>) -> io::Result<()> {
        flag::register(number, Arc::clone(seen))?;
        flag::register_usize(number, Arc::clone(&SIGNAL), number as usize)?;
        Ok(())
    }
}

/// The exit code of the last signal: 143 for SIGTERM and SIGHUP, otherwise 130.
pub(crate) fn exit_code() -> u8 {
    match SIGNAL.load(Ordering::Relaxed) as i32 {
        0 | SIGINT => 130,
        _ => 143,
    }
}

/// Turns the file size limit (`ulimit -f`) into a write error with a message and an
/// exit code; by default the signal SIGXFSZ ends the program.
pub(crate) fn survive_file_size_limit() {
    // If the registration fails, the signal still ends the program.
    #[cfg(unix)]
    let _ = flag::register(
        signal_hook::consts::SIGXFSZ,
        Arc::new(AtomicBool::new(false)),
    );
}

/// Turns a failed allocation into exit code 2, as for any operation that needs more
/// memory than there is. The standard library prints how many bytes it wanted and aborts
/// the program by a signal. After a panic, an abort is a bug and stays a crash.
pub(crate) fn survive_failed_allocations() {
    #[cfg(unix)]
    {
        let is_without_panic = Arc::new(AtomicBool::new(true));
        let condition = Arc::clone(&is_without_panic);
        // If the registration fails, the signal still ends the program.
        let _ = flag::register_conditional_shutdown(SIGABRT, 2, condition);
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            is_without_panic.store(false, Ordering::Relaxed);
            print(info);
        }));
    }
}

/// Signals of Unix systems.
#[cfg(unix)]
mod unix {
    use std::fs;
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::SIGHUP;

    use super::Interrupt;

    pub(super) fn listen(interrupt: Interrupt, seen: &Arc<AtomicBool>) -> io::Result<()> {
        if !is_hangup_ignored() {
            interrupt.note(SIGHUP, seen)?;
        }
        Ok(())
    }

    /// Returns `true` if the program was started with `nohup`: on Linux, a bit of the mask of
    /// ignored signals.
    fn is_hangup_ignored() -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
    }
}
