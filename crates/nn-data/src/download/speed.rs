//! Watches a transfer: one that drips, or that never comes to its end, is left.

use std::time::Instant;

use super::limits::Limits;
use crate::error::MirrorFailure;

/// The speed of a transfer, window by window, and its time in all.
pub(super) struct Speed<'a> {
    limits: &'a Limits,
    start: Instant,
    window_start: Instant,
    bytes: u64,
}

impl<'a> Speed<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        let start = now();
        Self {
            limits,
            start,
            window_start: start,
            bytes: 0,
        }
    }

    /// Counts `n` bytes more.
    pub(super) fn check(&mut self, n: usize) -> Result<(), MirrorFailure> {
        let now = now();
        if now - self.start > self.limits.transfer {
            return Err(MirrorFailure::Overdue {
                limit: self.limits.transfer,
            });
        }
        self.bytes += n as u64;
        let elapsed = now - self.window_start;
        if elapsed < self.limits.window {
            return Ok(());
        }
        if (self.bytes as f64) < self.limits.least_speed as f64 * elapsed.as_secs_f64() {
            return Err(self.too_slow());
        }
        self.window_start = now;
        self.bytes = 0;
        Ok(())
    }

    pub(super) fn too_slow(&self) -> MirrorFailure {
        MirrorFailure::TooSlow {
            least: self.limits.least_speed,
            window: self.limits.window,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server that drips can only be told by a clock; no result depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_transfer_that_does_not_end_is_left_however_fast_it_is() {
        let limits = Limits {
            transfer: Duration::from_millis(20),
            ..Limits::default()
        };
        let mut speed = Speed::new(&limits);
        assert_eq!(speed.check(1 << 30), Ok(()));
        thread::sleep(Duration::from_millis(30));
        let limit = limits.transfer;
        assert_eq!(speed.check(1 << 30), Err(MirrorFailure::Overdue { limit }));
    }
}
