//! How long to wait before a server in trouble is asked again: as long as it
//! says (`Retry-After`, RFC 9110 section 10.2.3), otherwise the usual pause and
//! a random part more, so that clients that failed together do not come back
//! together.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// What `Retry-After` asks for: seconds, or the time of a date from that of
/// the answer's own `Date`, so that the clock of this machine does not matter.
pub(super) fn wish(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let text = retry_after?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let (then, now) = (seconds_since_1970(text)?, seconds_since_1970(date?.trim())?);
    Some(Duration::from_secs(then.saturating_sub(now)))
}

/// `usual` and up to `share` of it more, at random.
pub(super) fn jittered(usual: Duration, share: f64) -> Duration {
    // Keys of hash maps are the randomness that the standard library has; no
    // result depends on it.
    let bits = RandomState::new().hash_one(usual);
    let random = (bits >> 11) as f64 / (1_u64 << 53) as f64;
    usual.mul_f64(1.0 + share * random)
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of a date that servers
/// may send (RFC 9110 section 5.6.7); dates before 1970 are none.
fn seconds_since_1970(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = text.split_once(", ")?;
    let [day, month, year, time, "GMT"] = rest.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let month = 1 + MONTHS.iter().position(|&name| name == month)? as u64;
    let [hour, minute, second] = time
        .split(':')
        .map(|part| number(part, 2))
        .collect::<Option<Vec<_>>>()?[..]
    else {
        return None;
    };
    let days = days_since_1970(number(year, 4)?, month, number(day, 2)?)?;
    let is_time = hour < 24 && minute < 60 && second <= 60;
    is_time.then_some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Just so many digits.
fn number(text: &str, n_digits: usize) -> Option<u64> {
    let is_plain = text.len() == n_digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Hinnant,
/// "chrono-compatible low-level date algorithms", `days_from_civil`): years
/// begin in March, so that a leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month > 2 { year } else { year - 1 };
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of `date -u -d DATE +%s`.
    #[test]
    fn dates_are_counted_in_seconds() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Wed, 21 Oct 2065 07:28:00 GMT", 3_023_335_680),
        ] {
            assert_eq!(seconds_since_1970(text), Some(seconds), "{text}");
        }
        for wrong in [
            "",
            "soon",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nob 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
        ] {
            assert_eq!(seconds_since_1970(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_wish_is_in_seconds_or_a_date() {
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let later = Some("Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(wish(Some(" 7 "), None), Some(Duration::from_secs(7)));
        assert_eq!(wish(later, date), Some(Duration::from_secs(30)));
        assert_eq!(wish(date, later), Some(Duration::ZERO));
        assert_eq!(wish(later, None), None);
        assert_eq!(wish(Some("-1"), date), None);
        assert_eq!(wish(None, date), None);
    }

    #[test]
    fn jitter_adds_up_to_its_share() {
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
