//! The pause before a request is repeated: as long as the server requests
//! (`Retry-After`, RFC 9110 section 10.2.3), otherwise the default pause plus a
//! random part, so that clients that failed together do not retry together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use httpdate::parse_http_date;

/// The pause that `Retry-After` requests, in seconds or as a date. A date is
/// compared with the `Date` of the response, not with the clock of this machine.
pub(super) fn requested(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let text = retry_after?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = parse_http_date(text).ok()?;
    let now = parse_http_date(date?.trim()).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

/// `pause` plus a random part of up to `fraction * pause`.
pub(super) fn jittered(pause: Duration, fraction: f64) -> Duration {
    // The standard library has no other source of randomness than the keys of
    // hash maps; no result depends on it.
    let bits = RandomState::new().hash_one(pause);
    let random = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    pause.mul_f64(1.0 + fraction * random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_requests_seconds_or_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let later = Some("Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(requested(Some(" 7 "), None), Some(Duration::from_secs(7)));
        assert_eq!(requested(later, date), Some(Duration::from_secs(30)));
        assert_eq!(requested(date, later), Some(Duration::ZERO));
        assert_eq!(requested(later, None), None);
        assert_eq!(requested(Some("-1"), date), None);
        assert_eq!(requested(None, date), None);
    }

    #[test]
    fn jitter_adds_up_to_its_fraction() {
        let usual = Duration::from_secs(2);
        assert_eq!(jittered(usual, 0.0), usual);
        let pauses: Vec<_> = (0..20).map(|_| jittered(usual, 0.5)).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (2.0..3.0).contains(&pause.as_secs_f64()))
        );
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
    }
}
