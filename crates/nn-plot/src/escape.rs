//! Escaping of untrusted text, such as names of classes, runs and files, for XML
//! and HTML.

/// Escapes `text` for element content and attribute values.
///
/// The five special characters become entities; characters that XML 1.0 (§2.2)
/// does not allow become U+FFFD.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if is_allowed(c) => safe.push(c),
            _ => safe.push(char::REPLACEMENT_CHARACTER),
        }
    }
    safe
}

/// Returns `true` if XML (`Char`) and HTML allow a character.
fn is_allowed(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        c => !c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escaped("<script>alert('1' & \"2\")</script>"),
            "&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;"
        );
    }

    #[test]
    fn what_xml_forbids_is_replaced() {
        assert_eq!(
            escaped("a\0b\u{1b}c\u{FFFF}d\n"),
            "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\n"
        );
    }
}
