//! Being asked to stop: SIGINT (Ctrl-C), SIGTERM, and SIGHUP when the terminal
//! goes away.
//!
//! The first signal is only noted, so that the batch in progress can be
//! finished and its result saved. A second one ends the program at once, except
//! SIGHUP, which a closing terminal may well send twice.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::failure::Code;

/// Whether, and how, the program was asked to stop.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Starts to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupt = Self {
            signal: Arc::new(AtomicUsize::new(0)),
        };
        let seen = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM] {
            // In this order: the first signal arms the second one's effect.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&seen))?;
            interrupt.note(number, &seen)?;
        }
        #[cfg(unix)]
        unix::listen(&interrupt, &seen)?;
        Ok(interrupt)
    }

    /// The exit code that belongs to the signal, once there was one.
    pub(crate) fn code(&self) -> Option<Code> {
        match self.signal.load(Ordering::Relaxed) as i32 {
            0 => None,
            SIGINT => Some(Code::Interrupted),
            _ => Some(Code::Terminated),
        }
    }

    fn note(&self, number: i32, seen: &Arc<AtomicBool>) -> io::Result<()> {
        flag::register(number, Arc::clone(seen))?;
        flag::register_usize(number, Arc::clone(&self.signal), number as usize)?;
        Ok(())
    }
}

/// Makes a file that may not grow any further (`ulimit -f`) an error of the
/// write, with a message and an exit code, instead of the end of the program.
pub(crate) fn survive_file_size_limit() {
    // Where it cannot be done, the signal ends the program as it always has.
    #[cfg(unix)]
    let _ = flag::register(
        signal_hook::consts::SIGXFSZ,
        Arc::new(AtomicBool::new(false)),
    );
}

/// Signals that not every system has.
#[cfg(unix)]
mod unix {
    use std::fs;
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use signal_hook::consts::SIGHUP;

    use super::Interrupt;

    pub(super) fn listen(interrupt: &Interrupt, seen: &Arc<AtomicBool>) -> io::Result<()> {
        if !is_hangup_ignored() {
            interrupt.note(SIGHUP, seen)?;
        }
        Ok(())
    }

    /// Whether the program was started with `nohup`, as far as Linux tells: a
    /// bit of the mask of ignored signals.
    fn is_hangup_ignored() -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
    }
}
