//! The text form of paths, including paths that are not UTF-8.
//!
//! A UTF-8 path is unchanged. In other paths, every byte that is not part of a UTF-8
//! sequence becomes U+0000 and two hexadecimal digits, because `config.toml` and the
//! metadata of a model are text. The text is unambiguous, because no path contains
//! U+0000:
//!
//! ```text
//! caf\xe9.csv   in config.toml   data = "caf\u0000E9.csv"
//! ```

use std::ffi::OsString;
use std::path::PathBuf;

/// Before the digits of a byte.
const MARK: char = '\0';

/// Returns the path as shown to users.
pub fn shown(text: &str) -> String {
    path(text).to_string_lossy().into_owned()
}

/// Converts a path to text.
///
/// # Errors
/// Returns an error for a path that is not Unicode, on systems other than Unix.
#[cfg(unix)]
pub fn escaped(word: OsString) -> Result<String, String> {
    use std::os::unix::ffi::OsStrExt;

    let mut text = String::new();
    for chunk in word.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("{MARK}{byte:02X}"));
        }
    }
    Ok(text)
}

/// Converts the text of a path back to the path.
#[cfg(unix)]
pub fn path(text: &str) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;

    let mut parts = text.split(MARK);
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let Some((byte, rest)) = first_byte(part) else {
            // Nobody escaped this; no file has such a name.
            return PathBuf::from(text);
        };
        bytes.push(byte);
        bytes.extend(rest.as_bytes());
    }
    PathBuf::from(OsString::from_vec(bytes))
}

/// The escaped byte, and the text after it.
#[cfg(unix)]
fn first_byte(part: &str) -> Option<(u8, &str)> {
    let (digits, rest) = part.split_at_checked(2)?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    (!byte.is_ascii() && digits == format!("{byte:02X}")).then_some((byte, rest))
}

/// Converts a path to text.
///
/// # Errors
/// Returns an error for a path that is not Unicode.
#[cfg(not(unix))]
pub fn escaped(word: OsString) -> Result<String, String> {
    word.into_string()
        .map_err(|_| "expected a path in Unicode".to_owned())
}

/// Converts the text of a path back to the path.
#[cfg(not(unix))]
pub fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};

    use super::*;

    #[test]
    fn every_path_is_told_from_every_other() {
        let mut texts = Vec::new();
        let bytes = [b'a', b'0', b'%', b'\\', 0xc3, 0xa9, 0xff, 0x80];
        for first in bytes {
            for second in bytes {
                for third in bytes {
                    let word = OsString::from_vec(vec![first, second, third]);
                    let text = escaped(word.clone()).expect("any bytes are a path");
                    assert_eq!(path(&text).as_os_str().as_bytes(), word.as_bytes());
                    if let Some(unchanged) = word.to_str() {
                        assert_eq!(text, unchanged);
                    }
                    assert_eq!(shown(&text), word.to_string_lossy());
                    texts.push(text);
                }
            }
        }
        let n_texts = texts.len();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), n_texts);
    }

    #[test]
    fn what_nobody_escaped_is_no_other_path() {
        for text in [
            "\0",
            "a\0z",
            "\0+1",
            "\0+F",
            "\u{0}2F",
            "\0ff",
            "a\0G0.csv",
            "\0é",
        ] {
            assert_eq!(path(text).as_os_str(), text, "{text:?}");
        }
    }
}
