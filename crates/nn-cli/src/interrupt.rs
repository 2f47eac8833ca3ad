//! Being asked to stop: SIGINT (Ctrl-C) and SIGTERM.
//!
//! The first signal is only noted, so that the batch in progress can be
//! finished and the model saved. A second one ends the program at once.

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
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGINT, SIGTERM] {
            let seen = Arc::new(AtomicBool::new(false));
            // In this order: the first signal arms the second one's effect.
            flag::register_conditional_shutdown(number, 128 + number, Arc::clone(&seen))?;
            flag::register(number, seen)?;
            flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        Ok(Self { signal })
    }

    /// The exit code that belongs to the signal, once there was one.
    pub(crate) fn code(&self) -> Option<Code> {
        match self.signal.load(Ordering::Relaxed) as i32 {
            0 => None,
            SIGTERM => Some(Code::Terminated),
            _ => Some(Code::Interrupted),
        }
    }
}
