//! The cells of a column, and the inference of its type.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::column::{ColumnType, is_missing};
use crate::date_format::{self, DateFormat};
use crate::error::CellProblem;
use crate::note::Note;
use crate::number_format::{NumberFormat, has_only_digits_and_signs, parse_plain};
use crate::numbers::{self, Numbers};

/// The code of a missing word.
pub(crate) const MISSING: u32 = u32::MAX;

/// Whole numbers beyond this magnitude are not exact as `f64`.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// The cells of one column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cells {
    /// Whole numbers 0..=255 only, such as pixels.
    Bytes(Vec<u8>),
    /// Finite numbers in the range of `f32`; NaN for a missing value.
    Numbers(Numbers),
    /// Words: row `i` holds `words[codes[i]]`, or none if the code is [`MISSING`].
    Words { words: Vec<String>, codes: Vec<u32> },
    /// A skipped column.
    Ignored,
}

impl Cells {
    pub(crate) fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Bytes(_) | Self::Ignored => false,
            Self::Numbers(values) => values.is_missing(row),
            Self::Words { codes, .. } => codes[row] == MISSING,
        }
    }

    /// A cell as text; a number in its shortest form, a missing value as `""`.
    pub(crate) fn word(&self, row: usize) -> Cow<'_, str> {
        match self {
            Self::Bytes(values) => values[row].to_string().into(),
            Self::Numbers(values) if values.is_missing(row) => "".into(),
            // Adding 0 makes -0 and 0 the same.
            Self::Numbers(values) => (values.get(row) + 0.0).to_string().into(),
            Self::Words { words, codes } => words
                .get(codes[row] as usize)
                .map_or("", String::as_str)
                .into(),
            Self::Ignored => "".into(),
        }
    }

    /// The numbers, NaN for missing values; `None` for words.
    pub(crate) fn numbers(&self) -> Option<Cow<'_, [f64]>> {
        self.numbers_of(0..self.n_rows())
    }

    /// The numbers of some rows, NaN for missing values; `None` for words.
    pub(crate) fn numbers_of(&self, rows: Range<usize>) -> Option<Cow<'_, [f64]>> {
        match self {
            Self::Bytes(values) => Some(values[rows].iter().map(|&it| f64::from(it)).collect()),
            Self::Numbers(values) => Some(values.range(rows)),
            Self::Words { .. } | Self::Ignored => None,
        }
    }

    /// A number, NaN if it is missing or a word.
    pub(crate) fn number(&self, row: usize) -> f64 {
        match self {
            Self::Bytes(values) => f64::from(values[row]),
            Self::Numbers(values) => values.get(row),
            Self::Words { .. } | Self::Ignored => f64::NAN,
        }
    }

    fn n_rows(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Numbers(values) => values.len(),
            Self::Words { codes, .. } => codes.len(),
            Self::Ignored => 0,
        }
    }

    /// A number that is the same for equal cells only.
    pub(crate) fn key(&self, row: usize) -> u64 {
        match self {
            Self::Bytes(values) => u64::from(values[row]),
            // Adding 0 makes -0 and 0 the same.
            Self::Numbers(values) => (values.get(row) + 0.0).to_bits(),
            Self::Words { codes, .. } if codes[row] == MISSING => u64::MAX,
            Self::Words { codes, .. } => u64::from(codes[row]),
            Self::Ignored => 0,
        }
    }

    /// Keeps only these rows.
    pub(crate) fn keep(&mut self, rows: &[usize]) {
        match self {
            Self::Bytes(values) => numbers::keep(values, rows),
            Self::Numbers(values) => values.keep(rows),
            Self::Words { codes, .. } => numbers::keep(codes, rows),
            Self::Ignored => {}
        }
    }

    /// Keeps only the first rows, and frees the memory of the others.
    pub(crate) fn truncate(&mut self, n_rows: usize) {
        match self {
            Self::Bytes(values) => numbers::truncate(values, n_rows),
            Self::Numbers(values) => values.truncate(n_rows),
            Self::Words { codes, .. } => numbers::truncate(codes, n_rows),
            Self::Ignored => {}
        }
    }

    pub(crate) fn n_missing(&self, rows: impl Iterator<Item = usize>) -> usize {
        rows.filter(|&row| self.is_missing(row)).count()
    }
}

/// The cells of a column with their type.
pub(crate) struct TypedCells {
    pub(crate) column_type: ColumnType,
    pub(crate) cells: Cells,
    /// The first cell that does not have the type: its row, text and problem.
    pub(crate) bad: Option<(usize, String, CellProblem)>,
    /// Number of such cells.
    pub(crate) n_bad: usize,
    /// The word that represents a missing value in this column only.
    pub(crate) mark: Option<String>,
}

impl TypedCells {
    fn good(column_type: ColumnType, cells: Cells) -> Self {
        Self {
            column_type,
            cells,
            bad: None,
            n_bad: 0,
            mark: None,
        }
    }
}

/// A column that is being read.
pub(crate) struct Builder {
    /// The expected type; `None` infers it.
    expected: Option<ColumnType>,
    /// The word that represents a missing value in this column only.
    mark: Option<String>,
    state: State,
}

enum State {
    Ignored,
    Numbers(NumberBuilder),
    Words(WordBuilder),
}

impl Builder {
    /// A column of a known type.
    pub(crate) fn of_type(expected: ColumnType) -> Self {
        let state = match &expected {
            ColumnType::Ignored => State::Ignored,
            ColumnType::Number(format) if format.is_plain() => State::Numbers(NumberBuilder::new()),
            ColumnType::Number(_) | ColumnType::Date(_) | ColumnType::Category => {
                State::Words(WordBuilder::default())
            }
        };
        Self {
            expected: Some(expected),
            mark: None,
            state,
        }
    }

    /// Treats a word as a missing value.
    pub(crate) fn with_mark(mut self, mark: Option<String>) -> Self {
        self.mark = mark;
        self
    }

    /// A column of numbers, or of dates as seconds, that need no parsing. Without an
    /// expected type, words among the numbers make the column one of words.
    pub(crate) fn of_numbers(expected: Option<ColumnType>) -> Self {
        Self {
            expected,
            mark: None,
            state: State::Numbers(NumberBuilder::new()),
        }
    }

    /// A column whose type is inferred; `sample` are its first cells.
    pub(crate) fn inferred<'a>(sample: impl Iterator<Item = &'a str>, marks: &[String]) -> Self {
        let (mut n_numbers, mut n_others) = (0, 0);
        for cell in sample {
            if parse_plain(cell).is_some() && !is_code(cell) {
                n_numbers += 1;
            } else if !is_missing(cell, marks) {
                n_others += 1;
            }
        }
        Self {
            expected: None,
            mark: None,
            state: if n_others == 0 && n_numbers > 0 {
                State::Numbers(NumberBuilder::new())
            } else {
                State::Words(WordBuilder::default())
            },
        }
    }

    /// An empty builder of the same kind, for another part of the rows.
    pub(crate) fn fresh(&self) -> Self {
        Self {
            expected: self.expected.clone(),
            mark: self.mark.clone(),
            state: match self.state {
                State::Ignored => State::Ignored,
                State::Numbers(_) => State::Numbers(NumberBuilder::new()),
                State::Words(_) => State::Words(WordBuilder::default()),
            },
        }
    }

    /// Appends the cells of a builder of the same kind.
    pub(crate) fn append(&mut self, more: Self) {
        match (&mut self.state, more.state) {
            (State::Numbers(numbers), State::Numbers(more)) => numbers.append(more),
            (State::Words(words), State::Words(more)) => words.append(more),
            _ => {}
        }
    }

    pub(crate) fn is_ignored(&self) -> bool {
        matches!(self.state, State::Ignored)
    }

    pub(crate) fn push(&mut self, cell: &str, marks: &[String]) {
        let is_marked = self.mark.as_deref() == Some(cell);
        let cell = if is_marked { "" } else { cell };
        match &mut self.state {
            State::Ignored => {}
            State::Numbers(numbers) => numbers.push(cell, marks),
            State::Words(words) => words.push(cell, marks),
        }
    }

    /// Appends a number that needs no parsing; returns `false` if the column does not
    /// read numbers, so that the text is needed.
    pub(crate) fn push_number(&mut self, number: f64) -> bool {
        match &mut self.state {
            State::Ignored => true,
            State::Numbers(numbers) => {
                numbers.push_number(number);
                true
            }
            State::Words(_) => false,
        }
    }

    /// Whether a column that was read as numbers has other cells, so that its type
    /// must be inferred from its words.
    pub(crate) fn needs_words(&self) -> bool {
        let is_inferred = self.expected.is_none();
        matches!(&self.state, State::Numbers(numbers) if is_inferred && !numbers.are_plain())
    }

    /// Starts again with words.
    pub(crate) fn start_words(&mut self) {
        self.state = State::Words(WordBuilder::default());
    }

    /// The type and the cells; notes about what was understood are added.
    pub(crate) fn finish(
        self,
        name: &str,
        prefer_comma: bool,
        notes: &mut Vec<Note>,
    ) -> TypedCells {
        let mut mark = self.mark;
        let typed = match (self.state, self.expected) {
            (State::Ignored, _) => TypedCells::good(ColumnType::Ignored, Cells::Ignored),
            (State::Numbers(numbers), expected) => numbers.finish(expected),
            (State::Words(words), Some(ColumnType::Number(format))) => {
                let words = words.finish();
                let parse = |word: &str| format.parse(word).or_else(|| unambiguous(word, &format));
                words.into_numbers(ColumnType::Number(format.clone()), parse)
            }
            (State::Words(words), Some(ColumnType::Date(format))) => words
                .finish()
                .into_numbers(ColumnType::Date(format.clone()), |word| format.parse(word)),
            (State::Words(words), Some(_)) => words.finish().into_categories(),
            (State::Words(words), None) => {
                let mut words = words.finish();
                mark = words.take_assumed_mark(name, notes);
                words.inferred(name, prefer_comma, notes)
            }
        };
        TypedCells { mark, ..typed }
    }
}

/// A plain number in a column of formatted ones, if no comma or point is in doubt.
fn unambiguous(word: &str, format: &NumberFormat) -> Option<f64> {
    let has_point = word.contains('.');
    let is_clear = !has_point || format.decimal == crate::number_format::Decimal::Point;
    parse_plain(word).filter(|_| is_clear)
}

/// Reads plain numbers.
struct NumberBuilder {
    cells: Cells,
    n_rows: usize,
    /// Number of cells that are whole numbers but look like codes.
    n_codes: usize,
    n_bad: usize,
    first_bad: Option<(usize, String, CellProblem)>,
}

impl NumberBuilder {
    fn new() -> Self {
        Self {
            cells: Cells::Bytes(Vec::new()),
            n_rows: 0,
            n_codes: 0,
            n_bad: 0,
            first_bad: None,
        }
    }

    fn are_plain(&self) -> bool {
        self.n_codes == 0 && self.n_bad == 0
    }

    fn push(&mut self, cell: &str, marks: &[String]) {
        let row = self.n_rows;
        self.n_rows += 1;
        self.n_codes += usize::from(is_code(cell));
        if let (Cells::Bytes(values), Some(value)) = (&mut self.cells, small_integer(cell)) {
            values.push(value);
            return;
        }
        let is_marked = || marks.iter().any(|mark| mark == cell);
        let number = match parse_plain(cell) {
            Some(number) if is_in_range(number) && !is_marked() => number,
            _ if is_missing(cell, marks) => f64::NAN,
            number => {
                self.n_bad += 1;
                let problem = number.map_or(CellProblem::NotANumber, |_| CellProblem::NotFinite);
                self.first_bad
                    .get_or_insert_with(|| (row, cell.to_owned(), problem));
                f64::NAN
            }
        };
        self.wide_numbers().push(number);
    }

    /// Appends a number, NaN for a missing value.
    fn push_number(&mut self, number: f64) {
        let row = self.n_rows;
        self.n_rows += 1;
        if let Cells::Bytes(values) = &mut self.cells
            && (0.0..=255.0).contains(&number)
            && number.fract() == 0.0
        {
            values.push(number as u8);
            return;
        }
        let is_bad = !number.is_nan() && !is_in_range(number);
        if is_bad {
            self.n_bad += 1;
            let bad = || (row, number.to_string(), CellProblem::NotFinite);
            self.first_bad.get_or_insert_with(bad);
        }
        let number = if is_bad { f64::NAN } else { number };
        self.wide_numbers().push(number);
    }

    fn append(&mut self, more: Self) {
        let n_rows = self.n_rows;
        self.n_rows += more.n_rows;
        self.n_codes += more.n_codes;
        self.n_bad += more.n_bad;
        let bad = more
            .first_bad
            .map(|(row, cell, problem)| (n_rows + row, cell, problem));
        self.first_bad = self.first_bad.take().or(bad);
        match (&mut self.cells, more.cells) {
            (cells, more) if n_rows == 0 => *cells = more,
            (Cells::Bytes(values), Cells::Bytes(more)) => values.extend(more),
            (_, Cells::Bytes(more)) => self.wide_numbers().append(Numbers::from_bytes(&more)),
            (_, Cells::Numbers(more)) => self.wide_numbers().append(more),
            (_, Cells::Words { .. } | Cells::Ignored) => {}
        }
    }

    /// The numbers so far, converted from bytes.
    fn wide_numbers(&mut self) -> &mut Numbers {
        if let Cells::Bytes(values) = &self.cells {
            self.cells = Cells::Numbers(Numbers::from_bytes(values));
        }
        match &mut self.cells {
            Cells::Numbers(values) => values,
            _ => unreachable!("a column of numbers that is read holds bytes or numbers"),
        }
    }

    fn finish(self, expected: Option<ColumnType>) -> TypedCells {
        TypedCells {
            column_type: expected.unwrap_or_else(ColumnType::plain_number),
            cells: self.cells,
            bad: self.first_bad,
            n_bad: self.n_bad,
            mark: None,
        }
    }
}

/// Reads words.
#[derive(Default)]
struct WordBuilder {
    known: HashMap<String, u32>,
    codes: Vec<u32>,
}

impl WordBuilder {
    fn push(&mut self, cell: &str, marks: &[String]) {
        let code = match self.known.get(cell) {
            Some(&code) => code,
            None if is_missing(cell, marks) => MISSING,
            None => self.insert(cell.to_owned()),
        };
        self.codes.push(code);
    }

    fn append(&mut self, more: Self) {
        if self.codes.is_empty() {
            *self = more;
            return;
        }
        let more = more.finish();
        let codes: Vec<u32> = more
            .words
            .into_iter()
            .map(|word| match self.known.get(&word) {
                Some(&code) => code,
                None => self.insert(word),
            })
            .collect();
        let code = |code: u32| codes.get(code as usize).copied().unwrap_or(MISSING);
        self.codes.extend(more.codes.into_iter().map(code));
    }

    /// Adds a new word, and returns its code.
    fn insert(&mut self, word: String) -> u32 {
        let code = self.known.len() as u32;
        self.known.insert(word, code);
        code
    }

    fn finish(self) -> Words {
        let mut words = vec![String::new(); self.known.len()];
        for (word, code) in self.known {
            words[code as usize] = word;
        }
        Words {
            words,
            codes: self.codes,
        }
    }
}

/// A column of words that has been read.
struct Words {
    /// The distinct words, in the order of their first row.
    words: Vec<String>,
    /// The index of the word of each row, or [`MISSING`].
    codes: Vec<u32>,
}

impl Words {
    fn into_categories(self) -> TypedCells {
        TypedCells::good(
            ColumnType::Category,
            Cells::Words {
                words: self.words,
                codes: self.codes,
            },
        )
    }

    /// Converts words to numbers; words that are not become missing and bad.
    fn into_numbers(
        self,
        column_type: ColumnType,
        parse: impl Fn(&str) -> Option<f64>,
    ) -> TypedCells {
        let numbers: Vec<Result<f64, CellProblem>> = self
            .words
            .iter()
            .map(|word| match parse(word) {
                Some(number) if is_in_range(number) => Ok(number),
                Some(_) => Err(CellProblem::NotFinite),
                None => Err(problem_for(&column_type)),
            })
            .collect();
        let mut bad = None;
        let mut n_bad = 0;
        let mut values = Numbers::new();
        for (row, &code) in self.codes.iter().enumerate() {
            values.push(match numbers.get(code as usize) {
                None => f64::NAN,
                Some(Ok(number)) => *number,
                Some(Err(problem)) => {
                    n_bad += 1;
                    let word = &self.words[code as usize];
                    bad.get_or_insert_with(|| (row, word.clone(), problem.clone()));
                    f64::NAN
                }
            });
        }
        TypedCells {
            column_type,
            cells: Cells::Numbers(values),
            bad,
            n_bad,
            mark: None,
        }
    }

    /// Infers the type from all distinct words.
    fn inferred(self, name: &str, prefer_comma: bool, notes: &mut Vec<Note>) -> TypedCells {
        let example = self.words.first().cloned().unwrap_or_default();
        let column = name.to_owned();
        let are_all = |is_such: fn(&str) -> bool| self.words.iter().all(|word| is_such(word));
        let are_numbers = !self.words.is_empty() && are_all(|word| parse_plain(word).is_some());
        if let Some(code) = self.common_code()
            && (are_all(is_whole) || !are_numbers)
        {
            notes.push(Note::Codes {
                column,
                example: code,
            });
            return self.into_categories();
        }
        if are_numbers {
            if let Some(code) = self.words.iter().find(|word| is_code(word)) {
                notes.push(Note::FormattedNumbers {
                    column,
                    n_more: 0,
                    example: code.clone(),
                    value: parse_plain(code).unwrap_or(f64::NAN),
                    is_ambiguous: true,
                });
            }
            return self.into_numbers(ColumnType::plain_number(), parse_plain);
        }
        let words = self.words.iter().map(String::as_str);
        if let Some(inferred) = NumberFormat::infer(words.clone(), prefer_comma) {
            let format = inferred.format;
            let same = |note: &&mut Note| matches!(note, Note::FormattedNumbers { is_ambiguous, .. } if *is_ambiguous == inferred.is_ambiguous);
            if let Some(Note::FormattedNumbers { n_more, .. }) = notes.iter_mut().find(same) {
                *n_more += 1;
            } else {
                notes.push(Note::FormattedNumbers {
                    column,
                    n_more: 0,
                    value: format.parse(&example).unwrap_or(f64::NAN),
                    example,
                    is_ambiguous: inferred.is_ambiguous,
                });
            }
            let column_type = ColumnType::Number(format.clone());
            return self.into_numbers(column_type, |word| format.parse(word));
        }
        if let Some(inferred) = DateFormat::infer(words) {
            let format = inferred.format;
            notes.push(Note::Dates {
                column,
                value: format
                    .parse(&example)
                    .map(date_format::shown)
                    .unwrap_or_default(),
                example,
                is_ambiguous: inferred.is_ambiguous,
            });
            let column_type = ColumnType::Date(format.clone());
            return self.into_numbers(column_type, |word| format.parse(word));
        }
        if self.are_mostly(has_only_digits_and_signs) {
            return self.into_numbers(ColumnType::plain_number(), parse_plain);
        }
        let quoted = || self.words.iter().filter(|word| word.contains('"'));
        if let Some(example) = quoted().next() {
            notes.push(Note::Quotes {
                column: column.clone(),
                n_cells: quoted().count(),
                example: example.chars().take(40).collect(),
            });
        }
        if self.are_mostly(is_mostly_digits) {
            let examples = self.words.iter().take(2).cloned().collect();
            notes.push(Note::MostlyDigits { column, examples });
        }
        self.into_categories()
    }

    /// The first code, if more than one cell of a hundred is a code.
    fn common_code(&self) -> Option<String> {
        let counts = self.counts();
        let codes = || {
            self.words
                .iter()
                .zip(&counts)
                .filter(|(word, _)| is_code(word))
        };
        let n_codes: usize = codes().map(|(_, count)| count).sum();
        let (first, _) = codes().next()?;
        (n_codes * 100 > counts.iter().sum()).then(|| first.clone())
    }

    /// Number of rows per word.
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.words.len()];
        for &code in self.codes.iter().filter(|&&code| code != MISSING) {
            counts[code as usize] += 1;
        }
        counts
    }

    /// Whether more than half of the rows hold such a word.
    fn are_mostly(&self, is_such: impl Fn(&str) -> bool) -> bool {
        let counts = self.counts();
        let n: usize = counts.iter().sum();
        let such = self
            .words
            .iter()
            .zip(&counts)
            .filter(|(word, _)| is_such(word));
        such.map(|(_, count)| count).sum::<usize>() * 2 > n
    }

    /// The only word among numbers, if it occurs more than once: probably the mark
    /// of missing values.
    fn assumed_mark(&self) -> Option<u32> {
        let is_number = |word: &&String| has_only_digits_and_signs(word);
        let mut others = self
            .words
            .iter()
            .zip(0..)
            .filter(|(word, _)| !is_number(word));
        let (mark, code) = others.next()?;
        let is_only = others.next().is_none() && self.words.len() > 2;
        let is_word = mark.chars().all(|c| !c.is_ascii_digit());
        let n_rows = self.codes.iter().filter(|&&other| other == code).count();
        (is_only && is_word && n_rows > 1).then_some(code)
    }

    /// Treats the assumed mark as missing, and returns it.
    fn take_assumed_mark(&mut self, column: &str, notes: &mut Vec<Note>) -> Option<String> {
        let mark = self.assumed_mark()?;
        let word = self.words.remove(mark as usize);
        let mut n_rows = 0;
        for code in &mut self.codes {
            if *code == mark {
                *code = MISSING;
                n_rows += 1;
            } else if *code != MISSING && *code > mark {
                *code -= 1;
            }
        }
        notes.push(Note::AssumedMark {
            column: column.to_owned(),
            mark: word.clone(),
            n_rows,
        });
        Some(word)
    }
}

fn problem_for(column_type: &ColumnType) -> CellProblem {
    match column_type {
        ColumnType::Date(format) => CellProblem::NotADate(format.as_str().to_owned()),
        _ => CellProblem::NotANumber,
    }
}

fn is_in_range(number: f64) -> bool {
    (number as f32).is_finite()
}

/// Parses one to three digits up to 255: a fast path for tables of pixels.
fn small_integer(cell: &str) -> Option<u8> {
    if cell.is_empty() || 3 < cell.len() {
        return None;
    }
    let value = cell.bytes().try_fold(0_u16, |value, byte| {
        byte.is_ascii_digit()
            .then(|| value * 10 + u16::from(byte - b'0'))
    });
    value.and_then(|value| u8::try_from(value).ok())
}

/// Whether a cell consists of digits only.
fn is_whole(cell: &str) -> bool {
    !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a whole number would lose something as a number: leading zeros, or digits
/// beyond 2^53.
fn is_code(cell: &str) -> bool {
    match cell.as_bytes() {
        [b'0', _, ..] => is_whole(cell),
        bytes if bytes.len() < 16 => false,
        _ => is_whole(cell) && cell.parse().is_ok_and(|number: f64| number >= MAX_EXACT),
    }
}

/// Whether a cell begins like a number and more than half of its characters are digits.
fn is_mostly_digits(cell: &str) -> bool {
    let begins_like_number = cell.starts_with(|c: char| !c.is_alphabetic());
    begins_like_number && cell.bytes().filter(u8::is_ascii_digit).count() * 2 > cell.len()
}

/// Whether a cell is a number, in some format, or a date.
pub(crate) fn is_value(cell: &str) -> bool {
    let is_number = parse_plain(cell).is_some();
    let one = || std::iter::once(cell);
    is_number || NumberFormat::infer(one(), false).is_some() || DateFormat::infer(one()).is_some()
}
