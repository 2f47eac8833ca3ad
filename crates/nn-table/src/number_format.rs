//! The formats of numbers in text: decimal commas, thousands separators, currencies
//! and units.
//!
//! A format is inferred from a whole column, because one cell is ambiguous: `1,234`
//! is 1234 beside `1,234,567`, and 1.234 beside `0,5`.

use serde::{Deserialize, Serialize};

/// Currency symbols and codes before or after a number.
const CURRENCIES: [&str; 12] = [
    "$", "€", "£", "¥", "₹", "US$", "USD", "EUR", "GBP", "CHF", "Rs.", "Rs",
];

/// Characters that separate thousands.
const THOUSANDS: [char; 4] = [',', '.', ' ', '\''];

/// The format of the numbers in a column. The default is a number with a decimal
/// point, such as `-12.5` or `1e-3`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumberFormat {
    /// The decimal separator.
    #[serde(skip_serializing_if = "is_point")]
    pub decimal: Decimal,
    /// The thousands separator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// The currency before the number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The unit or currency after the number.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// The decimal separator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decimal {
    /// A point, as in `1.5`.
    #[default]
    #[serde(rename = ".")]
    Point,
    /// A comma, as in `1,5`.
    #[serde(rename = ",")]
    Comma,
}

impl Decimal {
    /// The character of the decimal separator.
    pub fn sign(self) -> char {
        match self {
            Self::Point => '.',
            Self::Comma => ',',
        }
    }
}

fn is_point(decimal: &Decimal) -> bool {
    *decimal == Decimal::Point
}

/// What a column of formatted numbers could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inferred {
    pub(crate) format: NumberFormat,
    /// The other decimal separator would fit as well, as in a column of `1,234` only.
    pub(crate) is_ambiguous: bool,
}

impl NumberFormat {
    /// Returns `true` for the default format: a decimal point and nothing else.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// Parses a number; `None` if the text does not have this format.
    ///
    /// ```
    /// use nn_table::{Decimal, NumberFormat};
    ///
    /// let format = NumberFormat {
    ///     decimal: Decimal::Comma,
    ///     thousands: Some('.'),
    ///     unit: "€".to_owned(),
    ///     ..NumberFormat::default()
    /// };
    /// assert_eq!(format.parse("1.388.782,53 €"), Some(1388782.53));
    /// assert_eq!(format.parse("1,234.5 €"), None);
    /// ```
    pub fn parse(&self, text: &str) -> Option<f64> {
        if self.is_plain() {
            return parse_plain(text);
        }
        let parts = Parts::of(text)?;
        if parts.prefix != self.prefix || parts.unit != self.unit {
            return None;
        }
        let digits = with_point(&parts.digits, self.decimal, self.thousands)?;
        let number: f64 = digits.parse().ok()?;
        Some(if parts.is_negative { -number } else { number })
    }

    /// The format in which all of `words` are numbers; `None` without such a format.
    /// `prefer_comma` chooses the decimal comma where both signs fit.
    pub(crate) fn infer<'a>(
        words: impl Iterator<Item = &'a str>,
        prefer_comma: bool,
    ) -> Option<Inferred> {
        let mut affixes: Option<(String, String)> = None;
        let mut candidates = Candidate::all();
        let mut has_sign = false;
        for word in words {
            let parts = Parts::of(word)?;
            let (prefix, unit) =
                affixes.get_or_insert_with(|| (parts.prefix.to_owned(), parts.unit.to_owned()));
            if *prefix != parts.prefix || *unit != parts.unit {
                return None;
            }
            has_sign |= parts.digits.contains(['.', ',']);
            candidates.retain_mut(|candidate| candidate.admits(&parts.digits));
            if candidates.is_empty() {
                return None;
            }
        }
        let (prefix, unit) = affixes?;
        let best = |decimal| candidates.iter().find(|it| it.decimal == decimal);
        let (point, comma) = (best(Decimal::Point), best(Decimal::Comma));
        let chosen = if prefer_comma {
            comma.or(point)
        } else {
            point.or(comma)
        }?;
        Some(Inferred {
            format: Self {
                decimal: chosen.decimal,
                thousands: chosen.thousands.filter(|_| chosen.has_groups),
                prefix,
                unit,
            },
            is_ambiguous: has_sign && point.is_some() && comma.is_some(),
        })
    }
}

/// Parses a number with a decimal point; `None` for NaN.
pub(crate) fn parse_plain(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| !number.is_nan())
}

/// Whether a word could be a number without a unit, in any format: `1,5` and `$1.234`,
/// but not `5 kg`.
pub(crate) fn has_only_digits_and_signs(word: &str) -> bool {
    let is_plain = word.parse::<f64>().is_ok();
    is_plain || Parts::of(word).is_some_and(|parts| parts.unit.is_empty())
}

/// A decimal separator and a thousands separator that fit all words so far.
struct Candidate {
    decimal: Decimal,
    thousands: Option<char>,
    /// Whether a word has a thousands separator.
    has_groups: bool,
}

impl Candidate {
    /// All candidates; those without a thousands separator come first.
    fn all() -> Vec<Self> {
        let separators = [None].into_iter().chain(THOUSANDS.map(Some));
        let of = |decimal: Decimal, thousands: Option<char>| Self {
            decimal,
            thousands,
            has_groups: false,
        };
        separators
            .flat_map(|thousands| [of(Decimal::Point, thousands), of(Decimal::Comma, thousands)])
            .filter(|it| it.thousands != Some(it.decimal.sign()))
            .collect()
    }

    fn admits(&mut self, digits: &str) -> bool {
        self.has_groups |= self.thousands.is_some_and(|sign| digits.contains(sign));
        with_point(digits, self.decimal, self.thousands).is_some()
    }
}

/// A number in text, split into its parts.
struct Parts<'a> {
    is_negative: bool,
    prefix: &'a str,
    digits: String,
    unit: &'a str,
}

impl<'a> Parts<'a> {
    /// Splits `-$1,234.5` into sign, prefix, digits and unit; `None` if the text is
    /// no such number.
    fn of(text: &'a str) -> Option<Self> {
        let is_digit_or_sign = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
        let start = text.find(is_digit_or_sign)?;
        let end = text.rfind(|c: char| c.is_ascii_digit())? + 1;
        let (front, digits, back) = (text[..start].trim(), text.get(start..end)?, &text[end..]);
        let (is_negative, prefix) = split_sign(front);
        if !prefix.is_empty() && !CURRENCIES.contains(&prefix) {
            return None;
        }
        let digits = digits
            .chars()
            .map(|c| match c {
                '\u{a0}' | '\u{202f}' | '\u{2009}' | '_' => ' ',
                '\u{2019}' => '\'',
                c => c,
            })
            .collect();
        is_unit(back).then_some(Self {
            is_negative,
            prefix,
            digits,
            unit: back.trim(),
        })
    }
}

/// Takes the sign from the text in front of a number: `-$` or `$-`.
fn split_sign(front: &str) -> (bool, &str) {
    for (sign, is_negative) in [('-', true), ('\u{2212}', true), ('+', false)] {
        if let Some(prefix) = front
            .strip_prefix(sign)
            .or_else(|| front.strip_suffix(sign))
        {
            return (is_negative, prefix.trim());
        }
    }
    (false, front)
}

/// Whether the text behind a number is a unit: a percent or degree sign or a
/// currency, or words behind a blank. `A11` and `12B` are codes, not quantities.
fn is_unit(back: &str) -> bool {
    let unit = back.trim();
    let is_symbol = unit.starts_with(['%', '°', '‰']) || CURRENCIES.contains(&unit);
    let is_word = back.starts_with([' ', '\u{a0}']) && !unit.contains(|c: char| c.is_ascii_digit());
    unit.is_empty() || is_symbol || is_word
}

/// The digits with a decimal point and without thousands separators; `None` if they
/// are not grouped by three.
fn with_point(digits: &str, decimal: Decimal, thousands: Option<char>) -> Option<String> {
    let (whole, fraction) = match digits.split_once(decimal.sign()) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !fraction.is_none_or(are_digits) {
        return None;
    }
    let mut number = match thousands {
        Some(sign) if whole.contains(sign) => {
            let mut groups = whole.split(sign);
            let first = groups.next()?;
            let is_grouped = (1..=3).contains(&first.len())
                && are_digits(first)
                && groups.all(|group| group.len() == 3 && are_digits(group));
            is_grouped.then(|| whole.replace(sign, ""))?
        }
        _ => are_digits(whole).then(|| whole.to_owned())?,
    };
    if let Some(fraction) = fraction {
        number.push('.');
        number.push_str(fraction);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(words: &[&str], prefer_comma: bool) -> Option<(Vec<f64>, bool)> {
        let found = NumberFormat::infer(words.iter().copied(), prefer_comma)?;
        let numbers = words.iter().map(|word| found.format.parse(word));
        Some((numbers.collect::<Option<_>>()?, found.is_ambiguous))
    }

    #[test]
    fn a_whole_column_decides_the_format() {
        let certain = |words: &[&str], numbers: &[f64]| {
            for prefer_comma in [false, true] {
                let expected = Some((numbers.to_vec(), false));
                assert_eq!(inferred(words, prefer_comma), expected, "{words:?}");
            }
        };
        certain(&["1.388.782,53", "12,5"], &[1_388_782.53, 12.5]);
        certain(&["1,234,567", "12"], &[1_234_567.0, 12.0]);
        certain(&["$1,234,567", "-$5"], &[1_234_567.0, -5.0]);
        certain(&["0,5", "1,234"], &[0.5, 1.234]);
        certain(&["1 234", "12"], &[1234.0, 12.0]);
        certain(&["1\u{a0}234,5", "1\u{202f}234"], &[1234.5, 1234.0]);
        certain(&["1'234.50", "7"], &[1234.5, 7.0]);
        certain(&["1248 CC", "998 CC"], &[1248.0, 998.0]);
        certain(&["12.5%", "-3%"], &[12.5, -3.0]);
        certain(&["99,90 €", "5 €"], &[99.9, 5.0]);
        certain(&["\u{2212}5 kg", "+6 kg"], &[-5.0, 6.0]);
    }

    #[test]
    fn a_comma_before_three_digits_depends_on_the_context() {
        let words = ["1,234", "12,345"];
        assert_eq!(inferred(&words, false), Some((vec![1234.0, 12345.0], true)));
        assert_eq!(inferred(&words, true), Some((vec![1.234, 12.345], true)));
    }

    #[test]
    fn codes_and_mixtures_are_not_numbers() {
        for words in [
            &["A11", "A12"][..],
            &["12B", "13C"],
            &["5 kg", "5 lb"],
            &["1,23,4"],
            &["1.2.3"],
            &["1,234.5", "1.234,5"],
            &["2020-01-02"],
            &["12:30"],
            &["blue"],
            &["1 2"],
        ] {
            assert_eq!(inferred(words, false), None, "{words:?}");
        }
    }
}
