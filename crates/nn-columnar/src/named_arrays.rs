//! The arrays of a NumPy archive (`.npz`), by name and with their shapes.

use crate::npy_file::{Array, Element};
use crate::typed_file::{Kind, Value};
use crate::zip_archive;
use crate::{Error, FileFormat, Result};

/// Maximum length of all arrays: `MIN_BYTES`, or `MAX_RATIO` times the length of the file, because
/// a small archive can hold many equal numbers.
const MIN_BYTES: usize = 1 << 24;
const MAX_RATIO: usize = 20;

/// An array of a NumPy archive.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Name in the archive, without `.npy`.
    pub name: String,
    /// The length of each dimension; empty for a single value.
    pub shape: Vec<usize>,
    /// The elements in row-major order.
    pub elements: Elements,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// Real numbers with their number of bytes, such as 2 for half precision.
    Reals(Vec<f64>, usize),
    /// Whole numbers or booleans.
    Integers(Vec<f64>),
    /// Strings.
    Texts(Vec<String>),
    /// Elements that cannot be read, with a description such as `Python objects`.
    Unsupported(String),
}

/// Reads all arrays of a NumPy archive, in the order of the file.
///
/// ```
/// use nn_columnar::named_arrays;
///
/// let error = named_arrays(b"PK\x03\x04").unwrap_err();
/// assert!(error.to_string().contains("truncated"));
/// ```
///
/// # Errors
/// Returns [`Error::BadFile`] for a damaged archive or array.
pub fn named_arrays(bytes: &[u8]) -> Result<Vec<NamedArray>> {
    read(bytes).map_err(|reason| Error::BadFile {
        format: FileFormat::Npz,
        reason,
    })
}

fn read(bytes: &[u8]) -> Result<Vec<NamedArray>, String> {
    let mut arrays = Vec::new();
    let mut n_bytes = 0_usize;
    for entry in zip_archive::entries(bytes)? {
        let Some(name) = entry.name.strip_suffix(".npy") else {
            continue;
        };
        let of_array = |reason: String| format!("array {}: {reason}", name.escape_debug());
        let content = entry.read()?;
        n_bytes = n_bytes.saturating_add(content.len());
        if n_bytes > MIN_BYTES.max(MAX_RATIO.saturating_mul(bytes.len())) {
            return Err(format!(
                "the arrays are more than {MAX_RATIO} times as long as the file"
            ));
        }
        let array = Array::parse_any(content).map_err(of_array)?;
        arrays.push(NamedArray {
            name: name.to_owned(),
            shape: array.shape().to_vec(),
            elements: elements(&array).map_err(of_array)?,
        });
    }
    Ok(arrays)
}

fn elements(array: &Array<'_>) -> Result<Elements, String> {
    let Some(element) = array.element() else {
        return Ok(Elements::Unsupported(
            "several fields per element".to_owned(),
        ));
    };
    let numbers = |element: &Element| {
        let numbers = array.row_major().map(|bytes| element.number(bytes));
        let numbers: Option<Vec<f64>> = numbers.collect();
        numbers.ok_or_else(|| "elements of this type cannot be read".to_owned())
    };
    Ok(match element.kind() {
        Kind::Number if element.is_real() => Elements::Reals(numbers(element)?, element.length()),
        Kind::Number | Kind::Boolean => Elements::Integers(numbers(element)?),
        Kind::Text => {
            let texts = array.row_major().map(|bytes| match element.value(bytes)? {
                Value::Text(text) => Ok(text.into_owned()),
                _ => Ok(String::new()),
            });
            Elements::Texts(texts.collect::<Result<_, String>>()?)
        }
        Kind::Unsupported(what) => Elements::Unsupported(what),
        _ => Elements::Unsupported("dates".to_owned()),
    })
}
