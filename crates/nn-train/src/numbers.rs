//! Formats numbers as text.

/// Formats a number with its digits in groups of three: 203530 is `203 530`.
///
/// ```
/// assert_eq!(nn_train::grouped(203_530), "203 530");
/// ```
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// The shortest text that is parsed to the same number; very large and very small
/// numbers have an exponent.
///
/// ```
/// let texts = [0.001, 20.0, 1e99, 1e-7].map(nn_train::shortest);
/// assert_eq!(texts, ["0.001", "20", "1e99", "1e-7"]);
/// ```
pub fn shortest(number: f64) -> String {
    let text = format!("{number:?}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1 000");
        assert_eq!(grouped(12_345_678), "12 345 678");
    }
}
