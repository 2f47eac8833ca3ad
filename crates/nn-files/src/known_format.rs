//! Recognizes file formats.

/// The format that the first bytes of a file indicate, with an indefinite article; `None`
/// if they match no known format.
///
/// ```
/// use nn_files::known_format;
///
/// assert_eq!(known_format(b"%PDF-1.7"), Some("a PDF document"));
/// assert_eq!(known_format(b"1,2,3"), None);
/// ```
pub fn known_format(start: &[u8]) -> Option<&'static str> {
    const SIGNATURES: [(&[u8], &str); 15] = [
        (b"NNROWS\r\n", "a file of rows"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"GIF8", "a GIF image"),
        (b"BM", "a BMP image"),
        (b"RIFF", "a WebP image"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"%PDF", "a PDF document"),
        (b"\x1f\x8b", "gzip-compressed data"),
        (b"PK\x03\x04", "a zip archive or spreadsheet"),
        (b"\0\0\x08", "an IDX file"),
        (b"\xff\xfe", "UTF-16 text"),
        (b"\xfe\xff", "UTF-16 text"),
        (b"<", "HTML or XML text"),
    ];
    SIGNATURES
        .iter()
        .find(|(signature, _)| start.starts_with(signature))
        .map(|&(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_files_are_named() {
        assert_eq!(
            known_format(b"\xff\xd8\xff\xe0\0\x10JFIF"),
            Some("a JPEG image")
        );
        assert_eq!(known_format(b"<!DOCTYPE html>"), Some("HTML or XML text"));
        assert_eq!(
            known_format(&[0x1f, 0x8b, 8, 0]),
            Some("gzip-compressed data")
        );
        assert_eq!(known_format(b"1,2,3"), None);
        assert_eq!(known_format(b""), None);
    }
}
