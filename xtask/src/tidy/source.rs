//! Rust source with comments, literals or tests blanked out, so that rules do not match
//! inside them.
//!
//! Blanked text becomes spaces, so lines and columns do not change.

/// Blanks out comments, strings and characters in `text`.
pub(super) fn code_only(text: &str) -> String {
    let mut scanner = Scanner {
        rest: text,
        code: String::with_capacity(text.len()),
    };
    while let Some(next) = scanner.rest.chars().next() {
        match scanner.literal_length(next) {
            Some(length) => scanner.blank(length),
            None => scanner.keep(next.len_utf8()),
        }
    }
    scanner.code
}

/// Blanks out items under `#[cfg(test)]` in `code` (see [`code_only`]).
pub(super) fn without_tests(code: &str) -> String {
    let mut kept = code.to_owned();
    for marker in ["#[cfg(test)]", "#[cfg(all(test"] {
        while let Some(start) = kept.find(marker) {
            let end = start + item_length(&kept[start..]);
            let blanked = blank(&kept[start..end]);
            kept.replace_range(start..end, &blanked);
        }
    }
    kept
}

/// Blanks out inline modules in `code` (see [`code_only`]).
pub(super) fn without_inline_modules(code: &str) -> String {
    let mut kept = code.to_owned();
    for start in find_word(code, "mod") {
        let length = item_length(&code[start..]);
        if code[start..start + length].ends_with('}') {
            kept.replace_range(start..start + length, &blank(&code[start..start + length]));
        }
    }
    kept
}

/// Offsets of `word` in `code`, except inside longer names.
pub(super) fn find_word<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(offset, _)| offset)
        .filter(move |&offset| {
            let before = code[..offset].chars().next_back();
            let after = code[offset + word.len()..].chars().next();
            !before.is_some_and(is_name_char) && !after.is_some_and(is_name_char)
        })
}

/// The line number of a byte offset, counted from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset].matches('\n').count()
}

/// The name at the beginning of `text`; empty if there is none.
pub(super) fn leading_name(text: &str) -> &str {
    let end = text.find(|c| !is_name_char(c)).unwrap_or(text.len());
    &text[..end]
}

pub(super) fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Scanner<'a> {
    rest: &'a str,
    code: String,
}

impl Scanner<'_> {
    /// Length in bytes of the comment or literal that begins here, if there is one.
    fn literal_length(&self, next: char) -> Option<usize> {
        match next {
            '/' if self.rest.starts_with("//") => Some(line_length(self.rest)),
            '/' if self.rest.starts_with("/*") => Some(block_comment_length(self.rest)),
            '"' => Some(match self.raw_string_hashes() {
                Some(n_hashes) => raw_string_length(self.rest, n_hashes),
                None => quoted_length(self.rest, '"'),
            }),
            '\'' if self.begins_character() => Some(quoted_length(self.rest, '\'')),
            _ => None,
        }
    }

    /// Number of `#` between an `r` and the quote that begins here.
    fn raw_string_hashes(&self) -> Option<usize> {
        let before = self.code.trim_end_matches('#');
        let n_hashes = self.code.len() - before.len();
        before.ends_with('r').then_some(n_hashes)
    }

    /// Returns `true` if a quote begins a character such as `'a'` or `'\n'`, not a lifetime
    /// such as `'a`.
    fn begins_character(&self) -> bool {
        let mut after_quote = self.rest.chars().skip(1);
        match after_quote.next() {
            Some('\\') => true,
            Some(_) => after_quote.next() == Some('\''),
            None => false,
        }
    }

    fn keep(&mut self, length: usize) {
        let (kept, rest) = self.rest.split_at(length);
        self.code.push_str(kept);
        self.rest = rest;
    }

    fn blank(&mut self, length: usize) {
        let (blanked, rest) = self.rest.split_at(length);
        self.code.push_str(&blank(blanked));
        self.rest = rest;
    }
}

/// Replaces each byte by a space and keeps line breaks.
pub(super) fn blank(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte == b'\n' { '\n' } else { ' ' })
        .collect()
}

fn line_length(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

fn block_comment_length(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut offset = 0;
    while offset < text.len() {
        let rest = &text.as_bytes()[offset..];
        if rest.starts_with(b"/*") {
            depth += 1;
            offset += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            offset += 2;
            if depth == 0 {
                return offset;
            }
        } else {
            offset += 1;
        }
    }
    text.len()
}

fn raw_string_length(text: &str, n_hashes: usize) -> usize {
    let end = format!("\"{}", "#".repeat(n_hashes));
    text[1..]
        .find(&end)
        .map_or(text.len(), |offset| 1 + offset + end.len())
}

/// Length up to the closing `quote`; a backslash escapes the next character.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if c == '\\' {
            is_escaped = true;
        } else if c == quote {
            return offset + c.len_utf8();
        }
    }
    text.len()
}

/// Length in bytes of the item at the start of `code`: up to its `;`, or to the end of its
/// braces.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (offset, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return offset + 1,
            '{' => depth += 1,
            '}' if depth <= 1 => return offset + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(code: &str) -> Vec<&str> {
        code.split_whitespace().collect()
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        let code = code_only("a // b\n/* c /* d */ e */ f \"g \\\" h\" i 'j' k '\\'' l");
        assert_eq!(words(&code), ["a", "f", "i", "k", "l"]);
    }

    #[test]
    fn raw_strings_end_at_their_own_hashes() {
        let code = code_only("a r#\"b \" c\"# d r\"e\\\" f");
        assert_eq!(words(&code), ["a", "r#", "d", "r", "f"]);
    }

    #[test]
    fn lifetimes_are_no_characters() {
        let code = code_only("fn a<'b>(c: &'b str) -> &'b str { 'd' }");
        assert_eq!(code, "fn a<'b>(c: &'b str) -> &'b str {     }");
    }

    #[test]
    fn offsets_stay_put() {
        let text = "let π = \"2·π\"; // ≈ 3\nnext";
        let code = code_only(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(code.find("next"), text.find("next"));
    }

    #[test]
    fn tests_are_blanked_and_nothing_else() {
        let code = "a;\n#[cfg(test)]\nmod tests { fn b() { c } }\nd;\n#[cfg(test)]\nuse e;\nf;";
        assert_eq!(words(&without_tests(code)), ["a;", "d;", "f;"]);
    }

    #[test]
    fn modules_with_a_body_are_blanked_and_nothing_else() {
        let code = without_inline_modules("mod a; mod b { mod c { d } mod e; } f {}");
        assert_eq!(words(&code), ["mod", "a;", "f", "{}"]);
    }

    #[test]
    fn a_word_is_a_whole_name() {
        let found: Vec<usize> =
            find_word("unsafe_code unsafe not_unsafe (unsafe)", "unsafe").collect();
        assert_eq!(found, [12, 31]);
    }
}
