//! Natural order of names, in which numbers are compared by value: `class2` comes before
//! `class10`.

use std::cmp::Ordering;

/// Compares two names in natural order: consecutive digits form one number. Names that differ only
/// in leading zeros are compared as text, so that the order is total.
///
/// ```
/// use nn_image::natural_order;
///
/// let mut names = ["10", "9", "b", "a2", "a10"];
/// names.sort_by(|a, b| natural_order(a, b));
/// assert_eq!(names, ["9", "10", "a2", "a10", "b"]);
/// ```
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    loop {
        let (part_a, part_b) = (first_part(rest_a), first_part(rest_b));
        if part_a.is_empty() || part_b.is_empty() {
            return rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b));
        }
        let order = if starts_with_digit(part_a) && starts_with_digit(part_b) {
            by_value(part_a, part_b)
        } else {
            part_a.cmp(part_b)
        };
        if order != Ordering::Equal {
            return order;
        }
        rest_a = &rest_a[part_a.len()..];
        rest_b = &rest_b[part_b.len()..];
    }
}

/// The last number in a name, without leading zeros.
pub(crate) fn last_number(name: &str) -> Option<&str> {
    let end = name.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let digits = name[..end].bytes().rev().take_while(u8::is_ascii_digit);
    let start = end - digits.count();
    Some(name[start..end].trim_start_matches('0'))
}

/// Compares two numbers, written in digits.
pub(crate) fn by_value(a: &str, b: &str) -> Ordering {
    let [a, b] = [a, b].map(|digits| digits.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// A number, or the text before the next one.
fn first_part(text: &str) -> &str {
    let is_number = starts_with_digit(text);
    let end = text.find(|letter: char| letter.is_ascii_digit() != is_number);
    &text[..end.unwrap_or(text.len())]
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_their_value() {
        let sorted = [
            "",
            "0",
            "00",
            "01",
            "1",
            "2",
            "10",
            "18446744073709551616",
            "a",
            "a1b",
            "a1b2",
            "a2",
            "a02b",
            "a10",
            "b",
            "ä",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(natural_order(a, b), i.cmp(&j), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn the_last_number_is_found() {
        for (name, number) in [
            ("img_0012.png", Some("12")),
            ("cat.7.jpg", Some("7")),
            ("3-of-10", Some("10")),
            ("000", Some("")),
            ("cat", None),
            ("é5ü", Some("5")),
        ] {
            assert_eq!(last_number(name), number, "{name}");
        }
    }
}
