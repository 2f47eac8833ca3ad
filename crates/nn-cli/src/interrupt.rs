//! Being asked to stop: SIGINT (Ctrl-C), SIGTERM, and SIGHUP when the terminal
//! goes away.
//!
//! The first signal is only noted, so that the batch in progress can be
//! finished and its result saved. A second one ends the program at once, except
//! SIGHUP, which a closing terminal may well send twice.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
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
        let signal = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(AtomicBool::new(false));
        for number in [SIGINT, SIGTERM, SIGHUP] {
            if number == SIGHUP && is_hangup_ignored() {
                continue;
            }
            // In this order: the first signal arms the second one's effect.
            if number != SIGHUP {
                flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&seen))?;
            }
            flag::register(number, Arc::clone(&seen))?;
            flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        // A file that may not grow is an error of the write, not the end.
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(Self { signal })
    }

    /// The exit code that belongs to the signal, once there was one.
    pub(crate) fn code(&self) -> Option<Code> {
        match self.signal.load(Ordering::Relaxed) as i32 {
            0 => None,
            SIGINT => Some(Code::Interrupted),
            _ => Some(Code::Terminated),
        }
    }
}

/// Whether the program was started with `nohup`, as far as Linux tells: the
/// lowest bit of the mask of ignored signals.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}
