//! Formatting of numbers for readers: `0.0832`, `97.5 %`, `235 146`, `1e-5`.

/// The text for a missing number: a dash.
pub const NO_NUMBER: &str = "–";

/// Number of significant digits.
const DIGITS: i32 = 4;

/// The space between groups of three digits, and between a number and its unit.
const NARROW_SPACE: char = '\u{202F}';

/// Formats a number with four significant digits. Very large and very small numbers are in
/// scientific notation; NaN and infinite values are a dash.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return NO_NUMBER.to_owned();
    }
    // Rounding comes first, so that 0.00009999999 and 0.0001 give the same text.
    let digits = DIGITS as usize - 1;
    let size = format!("{:.digits$e}", value.abs())
        .parse()
        .unwrap_or(0.0_f64);
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e9).contains(&size) {
        return scientific(value, digits);
    }
    let before_point = size.log10().floor() as i32 + 1;
    let decimals = (DIGITS - before_point).max(0) as usize;
    with_minus(&trimmed(&format!("{value:.decimals$}")))
}

/// Formats a fraction as a percentage with two decimals. NaN and infinite values are a dash.
pub fn percent(fraction: f64) -> String {
    if fraction.is_finite() {
        with_minus(&format!("{:.2}{NARROW_SPACE}%", 100.0 * fraction))
    } else {
        NO_NUMBER.to_owned()
    }
}

/// Formats a fraction as a percentage with at most one decimal.
pub(crate) fn short_percent(fraction: f64) -> String {
    if fraction.is_finite() {
        let text = trimmed(&format!("{:.1}", 100.0 * fraction));
        with_minus(&format!("{text}{NARROW_SPACE}%"))
    } else {
        NO_NUMBER.to_owned()
    }
}

/// Formats a duration, given in seconds, as in `12.75 s` or `6.5 ms`.
pub fn seconds(seconds: f64) -> String {
    if seconds.is_finite() && seconds < 0.1 {
        format!("{}{NARROW_SPACE}ms", number(1e3 * seconds))
    } else {
        format!("{}{NARROW_SPACE}s", number(seconds))
    }
}

/// Formats a whole number with digits in groups of three, as in `235 146`.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Formats the label of a tick, with the decimals that `step` needs.
pub(crate) fn tick(value: f64, step: f64) -> String {
    let size = value.abs().max(step);
    if value == 0.0 {
        return "0".to_owned();
    }
    if !(1e-4..1e6).contains(&size) {
        let digits = (size / step).log10().ceil().clamp(0.0, 6.0) as usize;
        return scientific(value, digits);
    }
    let decimals = (-step.log10()).ceil().clamp(0.0, 9.0) as usize;
    // A step such as 2.5 needs one more decimal than its magnitude.
    let decimals = decimals + usize::from(!is_whole(step * 10_f64.powi(decimals as i32)));
    let text = format!("{value:.decimals$}");
    // Rounding a tick at zero can give "-0.0".
    match text.parse() {
        Ok(0.0_f64) => "0".to_owned(),
        _ if decimals == 0 => with_minus(&grouped(&text)),
        _ => with_minus(&text),
    }
}

/// Formats the label of a tick on a logarithmic axis.
pub(crate) fn log_tick(value: f64) -> String {
    if (1e-4..1e5).contains(&value) {
        number(value)
    } else {
        scientific(value, 0)
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 * value.abs().max(1.0)
}

fn scientific(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    with_minus(&format!("{}e{exponent}", trimmed(mantissa)))
}

/// Removes trailing zeros of the decimals.
fn trimmed(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        grouped(text)
    }
}

/// Groups the digits of numbers with at least five digits.
fn grouped(text: &str) -> String {
    let digits = text.trim_start_matches('-');
    if digits.len() < 5 {
        return text.to_owned();
    }
    let sign = &text[..text.len() - digits.len()];
    let mut spaced = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            spaced.push(NARROW_SPACE);
        }
        spaced.push(digit);
    }
    spaced
}

/// Replaces the hyphen of a negative number by a minus sign, but not the hyphen of an
/// exponent, so that `1e-5` can be copied to a command line.
fn with_minus(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(rest) => format!("−{rest}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_significant_digits() {
        let cases = [
            (0.0, "0"),
            (0.083_219, "0.08322"),
            (1.5, "1.5"),
            (-3.0, "−3"),
            (1234.56, "1235"),
            (235_146.0, "235\u{202F}146"),
            (1e-5, "1e-5"),
            (0.000_1, "0.0001"),
            (0.000_099_999_99, "0.0001"),
            (-0.000_999_999_9, "−0.001"),
            (9.999_96, "10"),
            (999_999_999.9, "1e9"),
            (-2.5e12, "−2.5e12"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn ticks_have_the_decimals_of_their_step() {
        assert_eq!(tick(0.5, 0.25), "0.50");
        assert_eq!(tick(0.3, 0.1), "0.3");
        assert_eq!(tick(-1e-17, 0.1), "0");
        assert_eq!(tick(20.0, 10.0), "20");
        assert_eq!(tick(50_000.0, 50_000.0), "50\u{202F}000");
        assert_eq!(tick(0.0, 2e-5), "0");
        assert_eq!(tick(2e7, 1e7), "2e7");
        assert_eq!(tick(1.5e-7, 5e-8), "1.5e-7");
    }

    #[test]
    fn whole_numbers_are_grouped() {
        assert_eq!(count(999), "999");
        assert_eq!(count(60_000), "60\u{202F}000");
        assert_eq!(seconds(0.012), "12\u{202F}ms");
        assert_eq!(percent(0.983_8), "98.38\u{202F}%");
    }
}
