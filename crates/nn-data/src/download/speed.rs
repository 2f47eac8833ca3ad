//! Minimum speed and maximum time of a transfer.

use std::time::Instant;

use super::limits::Limits;
use crate::error::MirrorFailure;

/// Measures the speed of a transfer per time window, and its total time.
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

    /// Adds `n` bytes, and fails if the transfer is too slow or takes too long.
    pub(super) fn check(&mut self, n: usize) -> Result<(), MirrorFailure> {
        let now = now();
        if now - self.start > self.limits.transfer {
            return Err(MirrorFailure::Timeout {
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
    reason = "a slow server can only be detected with a clock; no result depends on it"
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
    fn a_transfer_that_takes_too_long_fails_at_any_speed() {
        let limits = Limits {
            transfer: Duration::from_millis(20),
            ..Limits::default()
        };
        let mut speed = Speed::new(&limits);
        assert_eq!(speed.check(1 << 30), Ok(()));
        thread::sleep(Duration::from_millis(30));
        let limit = limits.transfer;
        assert_eq!(speed.check(1 << 30), Err(MirrorFailure::Timeout { limit }));
    }
}
