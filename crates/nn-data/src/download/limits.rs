//! Limits of a download: times, speed, attempts, redirects.

use std::time::Duration;

/// Limits of a download: times, speed, attempts, redirects.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Maximum time to connect (7 s, so that two unreachable mirrors take less than 15 s).
    pub connect: Duration,
    /// Time over which the speed of a transfer is measured, and maximum time without data
    /// from a mirror (30 s).
    pub window: Duration,
    /// Minimum speed of a mirror, in bytes per second (1024).
    pub least_speed: u64,
    /// Maximum time for one response (30 minutes). The next mirror continues after the bytes
    /// already received.
    pub transfer: Duration,
    /// Pauses before further attempts at the same mirror (1, 2 and 4 s).
    pub pauses: Vec<Duration>,
    /// Maximum random time added to a pause, as a fraction of the pause (0.5).
    pub jitter: f64,
    /// Maximum pause that a server may request (30 s).
    pub longest_pause: Duration,
    /// Maximum number of redirects (5).
    pub redirects: usize,
    /// Whether the mirrors of the catalog may have `http://` addresses on this machine (`false`).
    /// An [`Origin`](super::Origin) may always have such an address.
    pub local_http: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(7),
            window: Duration::from_secs(30),
            least_speed: 1024,
            transfer: Duration::from_secs(30 * 60),
            pauses: [1, 2, 4].map(Duration::from_secs).to_vec(),
            jitter: 0.5,
            longest_pause: Duration::from_secs(30),
            redirects: 5,
            local_http: false,
        }
    }
}
