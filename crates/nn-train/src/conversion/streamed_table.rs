//! Converts a text table that is larger than memory to a file of rows, in two passes over blocks of
//! lines.
//!
//! 1. Draws random training lines (reservoir sampling, Vitter 1985, algorithm R), and fits the types
//!    of the columns and the preprocessing to them.
//! 2. Reads the file in blocks of whole lines by the rules of this preprocessing, as a table for a
//!    trained model is read, and appends the encoded rows to the splits.
//!
//! The split of a line is a function of the seed and of the number of the line: its uniform number u
//! from the stream (seed, Split, 3 + line) assigns it to the test rows if u < t, and otherwise
//! to the validation rows if u < t + (1 − t)·v, for the fractions t and v of the settings. So no
//! list of rows is in memory. The splits are not stratified.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use nn_data::{Dataset, Inputs, Targets, checksum};
use nn_files::{known_format, regular_file};
use nn_rows::{RowInputs, RowsWriter, Target};
use nn_settings::{Error, ErrorKind, Result};
use nn_table::preprocessing::Purpose;
use nn_table::{Header, Preprocessing, Progress, Table, TargetEncoding, UnseenCategory};
use nn_tensor::random::{Purpose as Random, Streams};

use super::contents::{Contents, Conversion, Converted};
use crate::note::Note;
use crate::rows_data::{number, of_rows};
use crate::split::Split;
use crate::split_options::SplitOptions;
use crate::task::with_counterpart;

/// Number of bytes of the lines that are parsed together.
const BLOCK_BYTES: usize = 16 << 20;

/// A text table and how it is converted.
#[derive(Debug)]
pub(crate) struct StreamedTable<'a> {
    pub(crate) path: &'a Path,
    pub(crate) options: &'a SplitOptions,
    /// Number of lines to which the preprocessing is fitted.
    pub(crate) n_fitted: usize,
    pub(crate) progress: Progress<'a>,
}

/// The preprocessing of a streamed table.
struct Fitted {
    preprocessing: Preprocessing,
    notes: Vec<nn_table::Note>,
    /// The first line, if it holds the column names.
    header: Option<Vec<u8>>,
}

impl StreamedTable<'_> {
    /// Converts the table to the file of rows `to`.
    pub(crate) fn convert(
        &self,
        conversion: &Conversion<'_>,
        source: &str,
        to: &Path,
    ) -> Result<(Converted, Vec<Note>)> {
        self.check()?;
        let sha256 = checksum::sha256(regular_file::open(self.path)?);
        let sha256 = sha256.map_err(|error| Error::io(self.path, &error))?;
        let fitted = self.fit()?;
        let preprocessing = &fitted.preprocessing;
        let contents = Contents {
            name: to,
            source,
            source_sha256: Some(sha256),
            n_inputs: preprocessing.n_inputs(),
            has_bytes: preprocessing.image_size().is_some(),
            class_names: preprocessing.class_names(),
            n_values: match &preprocessing.target {
                TargetEncoding::Classification { .. } => None,
                _ => Some(preprocessing.n_outputs()),
            },
            has_weights: preprocessing.sample_weight.is_some(),
            image_size: preprocessing.image_size(),
            is_image_folder: false,
            preprocessing: Some(preprocessing),
        };
        let mut writer = RowsWriter::create(to, conversion.layout(&contents)).map_err(of_rows)?;
        self.write(&fitted, &mut writer)?;
        if writer.n_rows()[number(Split::Train)] == 0 {
            let problem = format!("{}: no training rows are left", self.path.display());
            return Err(Error::usage(problem)
                .with_help("set smaller values of `validation` and `test-split`"));
        }
        let converted = conversion.finish(writer, &contents)?;
        Ok((
            converted,
            fitted.notes.into_iter().map(Note::Table).collect(),
        ))
    }

    /// Returns an error for a table that cannot be read line by line.
    fn check(&self) -> Result<()> {
        let table = &self.options.table;
        let columns = [
            ("group", &table.group),
            ("order-by", &table.order_by),
            ("split-column", &table.split_column),
        ];
        if let Some((name, _)) = columns.iter().find(|(_, column)| column.is_some()) {
            let problem = format!("`{name}`: needs the whole table in memory");
            return Err(
                Error::usage(problem).with_help(format!("leave out `{name}` or --fit-rows"))
            );
        }
        let mut start = Vec::new();
        let file = regular_file::open(self.path)?;
        std::io::Read::read_to_end(&mut std::io::Read::take(file, 16), &mut start)
            .map_err(|error| Error::io(self.path, &error))?;
        let binary = [&b"PAR1"[..], b"ARROW1", b"\x93NUMPY"];
        let is_binary = binary.iter().any(|magic| start.starts_with(magic));
        match known_format(&start) {
            None if !is_binary => Ok(()),
            found => Err(Error::new(
                ErrorKind::Data,
                format!(
                    "expected a text table to read in blocks, found {}",
                    found.unwrap_or("a binary table")
                ),
            )
            .at(self.path.display())
            .with_help("convert the file as a whole, without --fit-rows")),
        }
    }

    /// The first pass: fits the preprocessing to random training lines.
    fn fit(&self) -> Result<Fitted> {
        let mut lines = Lines::open(self.path)?;
        let first = lines.next_line()?.unwrap_or_default().to_vec();
        let mut stream = Streams::new(self.options.seed).stream(Random::Split, 2);
        let mut drawn: Vec<(u32, Vec<u8>)> = Vec::new();
        let mut n_seen = 0_u64;
        while let Some(line) = lines.next_line()? {
            let line = line.to_vec();
            let number = lines.number;
            if line.trim_ascii().is_empty() || self.split(number) != Split::Train {
                continue;
            }
            n_seen += 1;
            if drawn.len() < self.n_fitted {
                drawn.push((number, line));
            } else {
                let place = (stream.uniform() * n_seen as f64) as usize;
                if let Some(slot) = drawn.get_mut(place) {
                    *slot = (number, line);
                }
            }
            if number % 65536 == 0 {
                (self.progress.0)(lines.n_bytes, 2 * lines.file_bytes);
            }
        }
        drawn.sort_unstable_by_key(|&(number, _)| number);
        let mut text = first.clone();
        drawn
            .iter()
            .for_each(|(_, line)| text.extend_from_slice(line));
        let mut table = Table::parse(self.path, &text, &self.options.table)?;
        drop((text, drawn));
        let options = &self.options.table;
        let dropped = Preprocessing::drop_missing_targets(&mut table, options)?;
        let rows: Vec<usize> = (0..table.n_rows()).collect();
        let (mut preprocessing, notes) = Preprocessing::fit(&table, &rows, options)?;
        if let TargetEncoding::Classification { names, .. } = &mut preprocessing.target {
            with_counterpart(names);
        }
        Ok(Fitted {
            header: table.has_header().then_some(first),
            notes: table
                .notes()
                .iter()
                .cloned()
                .chain(dropped)
                .chain(notes)
                .collect(),
            preprocessing,
        })
    }

    /// The second pass: encodes all lines.
    fn write(&self, fitted: &Fitted, writer: &mut RowsWriter) -> Result<()> {
        let mut lines = Lines::open(self.path)?;
        if fitted.header.is_some() {
            lines.next_line()?;
        }
        loop {
            let first_line = lines.number + 1;
            let mut text = fitted.header.clone().unwrap_or_default();
            let start = text.len();
            while text.len() < BLOCK_BYTES {
                let Some(line) = lines.next_line()? else {
                    break;
                };
                text.extend_from_slice(line);
            }
            if text.len() == start {
                return Ok(());
            }
            if text[start..].trim_ascii().is_empty() {
                continue;
            }
            let encoded = self.encode(fitted, &text, writer, first_line);
            encoded.map_err(|error| {
                error.at(format_args!("in the lines from line {first_line} on"))
            })?;
            (self.progress.0)(lines.file_bytes + lines.n_bytes, 2 * lines.file_bytes);
        }
    }

    /// Encodes a block of lines, of which the first one after the header has this number.
    fn encode(
        &self,
        fitted: &Fitted,
        text: &[u8],
        writer: &mut RowsWriter,
        first_line: u32,
    ) -> Result<()> {
        let preprocessing = &fitted.preprocessing;
        let (header, n_before) = match fitted.header {
            Some(_) => (Header::Yes, 2),
            None => (Header::No, 1),
        };
        let mut table = preprocessing.parse(self.path, text, header, Purpose::Evaluate)?;
        preprocessing.drop_rows_without_target(&mut table)?;
        let lines: Vec<u32> = table
            .lines()
            .iter()
            .map(|line| line - n_before + first_line)
            .collect();
        let (dataset, weights, _) = preprocessing.into_dataset(table, UnseenCategory::Zeros)?;
        for (row, &line) in lines.iter().enumerate() {
            let weight = weights.as_ref().map(|weights| weights[row]);
            push(writer, self.split(line), &dataset, row, weight)?;
        }
        Ok(())
    }

    /// The split of a line.
    fn split(&self, line: u32) -> Split {
        let mut stream = Streams::new(self.options.seed).stream(Random::Split, 3 + u64::from(line));
        let (u, test) = (stream.uniform(), self.options.test_split);
        if u < test {
            Split::Test
        } else if u < test + (1.0 - test) * self.options.validation {
            Split::Validation
        } else {
            Split::Train
        }
    }
}

/// Appends a row of a data set to a split.
fn push(
    writer: &mut RowsWriter,
    split: Split,
    dataset: &Dataset,
    row: usize,
    weight: Option<f32>,
) -> Result<()> {
    let whole = "a data set is stored in row-major order";
    let (inputs, values);
    let inputs = match &dataset.train.inputs {
        Inputs::Pixels(all) => RowInputs::Bytes({
            inputs = all.row(row);
            inputs.to_slice().expect(whole)
        }),
        Inputs::Features(all) => RowInputs::Values({
            values = all.row(row);
            values.to_slice().expect(whole)
        }),
    };
    let target = match &dataset.train.targets {
        Targets::Classes(classes) => Target::Class(classes[row]),
        Targets::Values(values) => Target::Values(values.row(row).to_slice().expect(whole)),
    };
    let row = nn_rows::Row {
        inputs,
        target,
        weight,
    };
    writer.push(number(split), row).map_err(of_rows)
}

/// The lines of a file, with their line ends.
struct Lines<'a> {
    path: &'a Path,
    file: BufReader<File>,
    file_bytes: u64,
    n_bytes: u64,
    line: Vec<u8>,
    /// The number of the last line, counted from 1.
    number: u32,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let file = regular_file::open(path)?;
        let file_bytes = file.metadata().map_err(|error| Error::io(path, &error))?;
        Ok(Self {
            path,
            file_bytes: file_bytes.len(),
            file: BufReader::with_capacity(1 << 20, file),
            n_bytes: 0,
            line: Vec::new(),
            number: 0,
        })
    }

    /// Reads the next line; `None` at the end of the file.
    fn next_line(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        let read = self.file.read_until(b'\n', &mut self.line);
        let n_bytes = read.map_err(|error| Error::io(self.path, &error))?;
        if n_bytes == 0 {
            return Ok(None);
        }
        self.n_bytes += n_bytes as u64;
        self.number = self.number.checked_add(1).ok_or_else(|| {
            Error::new(ErrorKind::Data, "more than 4294967295 lines").at(self.path.display())
        })?;
        if !self.line.ends_with(b"\n") {
            self.line.push(b'\n');
        }
        let n_quotes = self.line.iter().filter(|&&byte| byte == b'"').count();
        if n_quotes % 2 == 1 {
            let problem = format!(
                "line {}: a quoted field does not end in its line",
                self.number
            );
            return Err(Error::new(ErrorKind::Data, problem)
                .at(self.path.display())
                .with_help("convert the file as a whole, without --fit-rows"));
        }
        Ok(Some(&self.line))
    }
}
