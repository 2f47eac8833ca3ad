//! Splits text into records: comment lines, the separator, and fields with their line
//! numbers.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::Path;

use csv::{ByteRecord, Position, ReaderBuilder};

use crate::column::Separator;

/// Number of bytes and of records from which the separator is inferred.
const SAMPLE_BYTES: usize = 64 * 1024;
const SAMPLE_RECORDS: usize = 200;

/// The layout of the lines in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) separator: Separator,
    /// Another separator that fits almost as well.
    pub(crate) alternative: Option<Separator>,
    /// Numbers of the comment lines, counted from 1.
    pub(crate) comment_lines: Vec<u64>,
    /// Number of lines before the table: a line `sep=;`.
    n_skipped: u64,
}

/// The text of a table whose layout is known.
pub(crate) struct Lines<'a> {
    text: Cow<'a, str>,
    may_have_line_breaks: bool,
    pub(crate) layout: Layout,
}

impl<'a> Lines<'a> {
    /// Infers the layout of `text`, unless the separator is given.
    pub(crate) fn new(
        path: &Path,
        text: &'a str,
        separator: Option<Separator>,
        preferred: Option<Separator>,
    ) -> Self {
        let (announced, text) = split_announcement(text);
        let n_skipped = u64::from(announced.is_some());
        let comment_lines = comment_lines(text, n_skipped);
        let has_comments = !comment_lines.is_empty();
        let (separator, alternative) = match separator.or(announced) {
            Some(separator) => (separator, None),
            None => infer_separator(text, has_comments, preferred.or_else(|| announced_by(path))),
        };
        Self::of(
            text,
            Layout {
                separator,
                alternative,
                comment_lines,
                n_skipped,
            },
        )
    }

    fn of(text: &'a str, layout: Layout) -> Self {
        let text = with_single_separators(text, layout.separator);
        Self {
            may_have_line_breaks: may_have_line_breaks(&text, layout.separator),
            text,
            layout,
        }
    }

    /// The lines of a later block, with the same layout, after `n_before` lines.
    pub(crate) fn following<'b>(&self, text: &'b str, n_before: u64) -> Lines<'b> {
        let layout = Layout {
            n_skipped: n_before,
            ..self.layout.clone()
        };
        Lines::of(text, layout)
    }

    /// Number of lines before these.
    pub(crate) fn n_before(&self) -> u64 {
        self.layout.n_skipped
    }

    /// Number of lines before and in these.
    pub(crate) fn n_until_end(&self) -> u64 {
        self.n_before() + count_lines(self.text.as_bytes())
    }

    /// The text without a line that announces the separator.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a field may contain a line break.
    pub(crate) fn may_have_line_breaks(&self) -> bool {
        self.may_have_line_breaks
    }

    /// A reader of the records and their line numbers.
    pub(crate) fn records(&self) -> Records<'_> {
        self.records_of(&self.text, self.layout.n_skipped)
    }

    /// Readers of the records from byte `start` on, which is the start of a line, in at
    /// most `n` parts of whole lines. There is one part if a field may contain a line
    /// break, or a line ends in CR alone.
    pub(crate) fn parts(&self, start: usize, n: usize) -> Vec<Records<'_>> {
        let bytes = self.text.as_bytes();
        let ends_line = |at: usize| bytes.get(at + 1) != Some(&b'\n');
        let is_simple = !self.may_have_line_breaks
            && self.layout.comment_lines.is_empty()
            && !memchr::memchr_iter(b'\r', bytes).any(ends_line);
        let n = if is_simple { n } else { 1 };
        // A reader stops between CR and LF.
        let line_ends = bytes[start..].iter().take_while(|b| b"\r\n".contains(b));
        let start = start + line_ends.count();
        let mut ends: Vec<usize> = (1..n)
            .map(|part| start + (bytes.len() - start) / n * part)
            .filter_map(|at| memchr::memchr(b'\n', &bytes[at..]).map(|line_end| at + line_end + 1))
            .collect();
        ends.push(bytes.len());
        ends.dedup();
        let mut from = start;
        let mut n_before = self.layout.n_skipped + count_lines(&bytes[..start]);
        let mut parts = Vec::with_capacity(ends.len());
        for end in ends {
            parts.push(self.records_of(&self.text[from..end], n_before));
            n_before += count_lines(&bytes[from..end]);
            from = end;
        }
        parts
    }

    fn records_of<'b>(&self, text: &'b str, n_before: u64) -> Records<'b> {
        let has_comments = !self.layout.comment_lines.is_empty();
        Records {
            reader: reader(text, self.layout.separator, has_comments),
            bytes: text.as_bytes(),
            has_comments,
            counted: 0,
            line: 1,
            n_before,
        }
    }
}

/// Whether a field may contain a line break: a quote is not closed in its line.
fn may_have_line_breaks(text: &str, separator: Separator) -> bool {
    let mut rest = text.as_bytes();
    while let Some(quote) = memchr::memchr(b'"', rest) {
        let start = memchr::memrchr(b'\n', &rest[..quote]).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &rest[quote..]).map_or(rest.len(), |at| quote + at);
        if !are_quotes_closed(&rest[start..end], separator.byte()) {
            return true;
        }
        rest = &rest[end..];
    }
    false
}

/// Whether each field of a line is without quotes, or one quoted text as in RFC 4180.
fn are_quotes_closed(line: &[u8], separator: u8) -> bool {
    let mut rest = line.strip_suffix(b"\r").unwrap_or(line);
    if rest.contains(&b'\r') {
        return false;
    }
    loop {
        let end = match rest.strip_prefix(b"\"") {
            Some(quoted) => match closing_quote(quoted) {
                Some(at) => at + 2,
                None => return false,
            },
            None => memchr::memchr2(separator, b'"', rest).unwrap_or(rest.len()),
        };
        match rest.get(end) {
            None => return true,
            Some(&byte) if byte == separator => rest = &rest[end + 1..],
            Some(_) => return false,
        }
    }
}

/// The quote that ends a quoted text: the first one that is not doubled.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr(b'"', &text[from..])?;
        if text.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
}

/// Number of lines in a text, with any line endings.
fn count_lines(bytes: &[u8]) -> u64 {
    let ends = memchr::memchr2_iter(b'\n', b'\r', bytes);
    let is_second = |&at: &usize| bytes[at] == b'\n' && at > 0 && bytes[at - 1] == b'\r';
    ends.filter(|at| !is_second(at)).count() as u64
}

/// Takes a first line `sep=;`, which spreadsheets write.
fn split_announcement(text: &str) -> (Option<Separator>, &str) {
    let line_end = text.find(['\r', '\n']).unwrap_or(text.len());
    let (line, rest) = text.split_at(line_end);
    let announced = line
        .trim_matches('"')
        .strip_prefix("sep=")
        .and_then(|separator| separator.parse().ok());
    match announced {
        Some(separator) => {
            let rest = rest.strip_prefix('\r').unwrap_or(rest);
            (Some(separator), rest.strip_prefix('\n').unwrap_or(rest))
        }
        None => (None, text),
    }
}

/// Numbers of the lines that begin with `#`, unless most lines do.
fn comment_lines(text: &str, n_skipped: u64) -> Vec<u64> {
    if !text.starts_with('#') && !text.contains("\n#") {
        return Vec::new();
    }
    let lines = (1 + n_skipped..).zip(text.lines());
    let found: Vec<u64> = lines
        .filter(|(_, line)| line.starts_with('#'))
        .map(|(number, _)| number)
        .collect();
    let is_header = text.starts_with('#') && found.len() == 1 && !text[1..].starts_with([' ', '#']);
    if is_header || found.len() * 2 > text.lines().count() {
        return Vec::new();
    }
    found
}

fn reader(text: &str, separator: Separator, has_comments: bool) -> csv::Reader<Cursor<&[u8]>> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator.byte())
        .comment(has_comments.then_some(b'#'))
        .from_reader(Cursor::new(text.as_bytes()))
}

/// Replaces runs of blanks between fields by one separator, and removes blanks
/// before a quote that opens a field.
fn with_single_separators(text: &str, separator: Separator) -> Cow<'_, str> {
    let byte = char::from(separator.byte());
    let before_quotes = format!("{byte} \"");
    if separator != Separator::Blanks && !text.contains(&before_quotes) {
        return text.into();
    }
    let is_blank = |c: char| c == ' ' || c == '\t';
    let is_between = |c: char| match separator {
        Separator::Blanks => is_blank(c),
        _ => c == byte,
    };
    let mut result = String::with_capacity(text.len());
    for line in text.split_inclusive(['\n', '\r']) {
        let content = line.trim_end_matches(['\n', '\r']);
        let end = &line[content.len()..];
        let content = if separator == Separator::Blanks {
            content.trim_matches(is_blank)
        } else {
            content
        };
        let (mut in_quotes, mut at_start) = (false, true);
        for (at, c) in content.char_indices() {
            let opens_quote = || content[at..].trim_start_matches(is_blank).starts_with('"');
            match c {
                _ if in_quotes => {
                    in_quotes = c != '"';
                    result.push(c);
                }
                '"' if at_start => {
                    (in_quotes, at_start) = (true, false);
                    result.push(c);
                }
                c if separator == Separator::Blanks && is_blank(c) => {
                    if !at_start {
                        result.push(byte);
                    }
                    at_start = true;
                }
                c if is_between(c) => {
                    result.push(c);
                    at_start = true;
                }
                c if at_start && is_blank(c) && opens_quote() => {}
                c => {
                    at_start = false;
                    result.push(c);
                }
            }
        }
        result.push_str(end);
    }
    result.into()
}

/// The separator that splits most lines into the same number of fields, more than
/// one, with the fewest other separators within fields. The second value is another
/// separator that is almost as good.
fn infer_separator(
    text: &str,
    has_comments: bool,
    preferred: Option<Separator>,
) -> (Separator, Option<Separator>) {
    let sample = sample_of(text);
    let mut scores: Vec<(f64, Separator)> = Separator::ALL
        .into_iter()
        .map(|separator| {
            let bonus = if preferred == Some(separator) {
                1.5
            } else {
                1.0
            };
            (bonus * score(sample, separator, has_comments), separator)
        })
        .collect();
    // The sort is stable: of equal scores, the first separator wins.
    scores.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    match scores[..] {
        [(best, separator), (second, other), ..] if best > 0.0 => {
            (separator, (second > 0.9 * best).then_some(other))
        }
        _ => (Separator::Comma, None),
    }
}

/// The separator that the ending `.tsv` or `.tab` of a name announces.
fn announced_by(path: &Path) -> Option<Separator> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let is_tsv = name.ends_with(".tsv") || name.ends_with(".tab");
    is_tsv.then_some(Separator::Tab)
}

/// The first lines of a text, or the beginning of a long line.
fn sample_of(text: &str) -> &str {
    if text.len() <= SAMPLE_BYTES {
        return text;
    }
    let end = (0..=SAMPLE_BYTES)
        .rev()
        .find(|&end| text.is_char_boundary(end));
    let start = &text[..end.unwrap_or_default()];
    let end = memchr::memrchr2(b'\n', b'\r', start.as_bytes());
    end.map_or(start, |end| &start[..end])
}

/// Fraction of records with the most common number of fields, times the fraction of
/// their fields that hold no other separator; 0 if most records have one field.
fn score(sample: &str, separator: Separator, has_comments: bool) -> f64 {
    let text = with_single_separators(sample, separator);
    if !text.as_bytes().contains(&separator.byte()) {
        return 0.0;
    }
    let mut reader = reader(&text, separator, has_comments);
    let mut by_width: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut n_records = 0;
    for record in reader.byte_records().take(SAMPLE_RECORDS) {
        let record = record.expect("bytes in memory are read without error");
        let clean = record
            .iter()
            .filter(|field| is_clean(field, separator))
            .count();
        let (count, n_clean) = by_width.entry(record.len()).or_default();
        *count += 1;
        *n_clean += clean;
        n_records += 1;
    }
    let usual = by_width.into_iter().max_by_key(|(_, (count, _))| *count);
    match usual {
        Some((width, (count, n_clean))) if width > 1 => {
            let consistency = count as f64 / f64::from(n_records);
            consistency * n_clean as f64 / (count * width) as f64
        }
        _ => 0.0,
    }
}

/// Whether a field holds no separator other than a decimal comma.
fn is_clean(field: &[u8], separator: Separator) -> bool {
    let has = |byte: u8| field.contains(&byte);
    let is_number = || {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.,eE ".contains(byte);
        let is_inside = |end: Option<&u8>| end.is_some_and(|&byte| byte != b',');
        is_inside(field.first()) && is_inside(field.last()) && field.iter().all(is_part)
    };
    let is_row_of_numbers = || {
        let text = String::from_utf8_lossy(field);
        let words = text.split_ascii_whitespace();
        words.filter(|word| word.parse::<f64>().is_ok()).count() > 1
    };
    Separator::ALL.into_iter().all(|other| match other {
        _ if other == separator => true,
        Separator::Blanks => !is_row_of_numbers(),
        Separator::Comma => !has(b',') || is_number() || is_prose(field),
        _ => !has(other.byte()),
    })
}

/// Whether a blank follows every comma, as in `Aster, Ann`.
fn is_prose(field: &[u8]) -> bool {
    let mut commas = (0..field.len()).filter(|&at| field[at] == b',');
    commas.all(|at| field.get(at + 1) == Some(&b' '))
}

/// Reads records with the numbers of their lines.
pub(crate) struct Records<'a> {
    reader: csv::Reader<Cursor<&'a [u8]>>,
    bytes: &'a [u8],
    /// Whether lines that begin with # are skipped.
    has_comments: bool,
    /// Number of bytes whose line endings are counted in `line`.
    counted: usize,
    line: u64,
    /// Number of lines before these records.
    n_before: u64,
}

impl Records<'_> {
    /// Seeks to the first row of data.
    pub(crate) fn rewind(&mut self, has_header: bool) {
        self.reader
            .seek(Position::new())
            .expect("bytes in memory have a beginning");
        (self.counted, self.line) = (0, 1);
        if has_header {
            self.read(&mut ByteRecord::new());
        }
    }

    /// Reads the next record and returns the number of its first line.
    ///
    /// The `csv` crate counts LF only; here CR and CRLF count as well.
    pub(crate) fn read(&mut self, record: &mut ByteRecord) -> Option<u64> {
        let before = self.reader.position().byte() as usize;
        let read = self.reader.read_byte_record(record);
        if !read.expect("bytes in memory, of any number of fields, read without error") {
            return None;
        }
        // Comment lines are skipped together with the line endings in front.
        let start = match record.position() {
            Some(position) if position.byte() as usize > before => position.byte() as usize,
            _ => before,
        };
        let start = self.after_comments(start);
        for at in self.counted..start {
            let ends_line = match self.bytes[at] {
                b'\n' => at == 0 || self.bytes[at - 1] != b'\r',
                byte => byte == b'\r',
            };
            self.line += u64::from(ends_line);
        }
        self.counted = start;
        Some(self.line + self.n_before)
    }

    /// The first byte from `start` on that is neither a line ending nor in a comment line.
    fn after_comments(&self, mut start: usize) -> usize {
        let is_line_end = |byte: &u8| b"\r\n".contains(byte);
        loop {
            let rest = &self.bytes[start..];
            start += rest.iter().take_while(|byte| is_line_end(byte)).count();
            let rest = &self.bytes[start..];
            if !self.has_comments || rest.first() != Some(&b'#') {
                return start;
            }
            start += rest.iter().take_while(|byte| !is_line_end(byte)).count();
        }
    }

    /// Byte of the text behind the last record.
    pub(crate) fn byte(&self) -> usize {
        self.reader.position().byte() as usize
    }

    /// The text of the last record.
    pub(crate) fn raw(&self) -> &[u8] {
        let raw = &self.bytes[self.counted..self.byte().min(self.bytes.len())];
        raw.trim_ascii_end()
    }

    /// Whether a field that begins or ends with a blank was quoted.
    pub(crate) fn is_quoted(&self, field: &[u8]) -> bool {
        let raw = self.raw();
        if !raw.contains(&b'"') {
            return false;
        }
        let mut quoted = vec![b'"'];
        for &byte in field {
            quoted.push(byte);
            if byte == b'"' {
                quoted.push(byte);
            }
        }
        quoted.push(b'"');
        memchr::memmem::find(raw, &quoted).is_some()
    }
}
