//! Dates and times in text, as seconds since 1970-01-01 00:00 UTC.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::Offset;
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

/// The format of the dates in a column: `iso` for ISO 8601, such as `2024-05-31` or
/// `2024-05-31T23:59:00Z`, otherwise a `strftime` pattern, such as `%d.%m.%Y`.
///
/// ```
/// use nn_table::DateFormat;
///
/// let format = DateFormat::new("%d.%m.%Y %H:%M");
/// assert_eq!(format.parse("02.01.1970 00:01"), Some(86_460.0));
/// assert_eq!(format.parse("1970-01-02"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DateFormat {
    /// `iso`, or a pattern of `strftime`.
    format: String,
}

/// Patterns to try, besides ISO 8601. The first of each pair has the month first.
const PATTERNS: [&str; 13] = [
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%d-%b-%Y",
    "%d %b %Y",
    "%b %d, %Y",
];

/// Patterns of a time of day.
const TIMES: [&str; 2] = ["%H:%M", "%H:%M:%S"];

const ISO: &str = "iso";

const SECONDS_PER_DAY: f64 = 86_400.0;

/// An inferred format of dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inferred {
    pub(crate) format: DateFormat,
    /// Day and month could be the other way round.
    pub(crate) is_ambiguous: bool,
}

impl DateFormat {
    /// A `strftime` pattern, or `iso`.
    pub fn new(format: &str) -> Self {
        Self {
            format: format.to_owned(),
        }
    }

    /// The format as text: `iso`, or a `strftime` pattern.
    pub fn as_str(&self) -> &str {
        &self.format
    }

    /// Seconds since 1970-01-01 00:00 UTC; a time of day alone gives the seconds
    /// since midnight. `None` if the text does not have this format.
    pub fn parse(&self, text: &str) -> Option<f64> {
        if self.format == ISO {
            return parse_iso(text);
        }
        let parsed = strtime::parse(&self.format, text).ok()?;
        let time = parsed.to_time().unwrap_or(civil::Time::midnight());
        match parsed.to_date() {
            Ok(date) => seconds(date.to_datetime(time)),
            Err(_) => seconds(civil::date(1970, 1, 1).to_datetime(time)),
        }
    }

    /// The format that all of `words` have; `None` without such a format.
    pub(crate) fn infer<'a>(words: impl Iterator<Item = &'a str> + Clone) -> Option<Inferred> {
        let first = words.clone().next()?;
        if !first.contains(['-', '/', '.', ':', ' '])
            || !first.contains(|c: char| c.is_ascii_digit())
        {
            return None;
        }
        let all = [ISO].into_iter().chain(PATTERNS).chain(TIMES);
        let mut fitting = all.map(Self::new).filter(|format| {
            let mut words = words.clone();
            words.all(|word| format.parse(word).is_some())
        });
        let format = fitting.next()?;
        let is_ambiguous = format.format.starts_with("%m/%d") && {
            let swapped = Self::new(&format.format.replacen("%m/%d", "%d/%m", 1));
            fitting.any(|other| other == swapped)
        };
        Some(Inferred {
            format,
            is_ambiguous,
        })
    }
}

fn parse_iso(text: &str) -> Option<f64> {
    let is_date = text.len() >= 10 && text.as_bytes()[4] == b'-';
    if !is_date {
        return None;
    }
    // A civil date ignores an offset such as +02:00, which a timestamp requires.
    match text.parse::<Timestamp>() {
        Ok(time) => Some(time.as_duration().as_secs_f64()),
        Err(_) => text.parse::<DateTime>().ok().and_then(seconds),
    }
}

fn seconds(time: DateTime) -> Option<f64> {
    let timestamp = Offset::UTC.to_timestamp(time).ok()?;
    Some(timestamp.as_duration().as_secs_f64())
}

/// The parts of a date that repeat: weekday 0 to 6 from Monday, month 0 to 11 and
/// hour 0 to 23.
pub(crate) fn cycles(seconds: f64) -> [usize; 3] {
    let time = Timestamp::from_second(seconds.floor() as i64).map(|it| Offset::UTC.to_datetime(it));
    let Ok(time) = time else {
        return [0; 3];
    };
    [
        time.weekday().to_monday_zero_offset() as usize,
        time.month() as usize - 1,
        time.hour() as usize,
    ]
}

/// A number of seconds as a date, or as date and time.
pub(crate) fn shown(seconds: f64) -> String {
    let time = Timestamp::from_second(seconds.floor() as i64).map(|it| Offset::UTC.to_datetime(it));
    match time {
        Ok(time) if seconds % SECONDS_PER_DAY == 0.0 => time.date().to_string(),
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => seconds.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(words: &[&str]) -> Option<(String, bool)> {
        let found = DateFormat::infer(words.iter().copied())?;
        Some((found.format.format, found.is_ambiguous))
    }

    /// Seconds by `date -u -d ... +%s`.
    #[test]
    fn dates_become_seconds() {
        let iso = DateFormat::new(ISO);
        for (text, expected) in [
            ("1970-01-01", 0.0),
            ("2024-05-31", 1_717_113_600.0),
            ("2024-05-31 23:59:30", 1_717_199_970.0),
            ("2024-05-31T23:59:30Z", 1_717_199_970.0),
            ("2024-05-31T23:59:30+02:00", 1_717_192_770.0),
            ("1969-12-31", -86_400.0),
        ] {
            assert_eq!(iso.parse(text), Some(expected), "{text}");
        }
        assert_eq!(cycles(1_717_199_970.0), [4, 4, 23]);
        assert_eq!(shown(1_717_113_600.0), "2024-05-31");
        assert_eq!(shown(1_717_199_970.0), "2024-05-31 23:59:30");
    }

    #[test]
    fn the_whole_column_decides_which_number_is_the_day() {
        let found = |format: &str, is_ambiguous| Some((format.to_owned(), is_ambiguous));
        assert_eq!(
            inferred(&["31/12/2020", "01/02/2020"]),
            found("%d/%m/%Y", false)
        );
        assert_eq!(
            inferred(&["12/31/2020", "01/02/2020"]),
            found("%m/%d/%Y", false)
        );
        assert_eq!(inferred(&["01/02/2020"]), found("%m/%d/%Y", true));
        assert_eq!(inferred(&["31.12.2020"]), found("%d.%m.%Y", false));
        assert_eq!(inferred(&["5-Jan-2020"]), found("%d-%b-%Y", false));
        assert_eq!(inferred(&["23:59", "0:10"]), found("%H:%M", false));
        assert_eq!(
            inferred(&["2020-01-02", "2020-01-02 10:00"]),
            found("iso", false)
        );
        for words in [
            &["2020-13-02"][..],
            &["12.5"],
            &["555-1234"],
            &["2020-01-02", "x"],
        ] {
            assert_eq!(inferred(words), None, "{words:?}");
        }
    }
}
