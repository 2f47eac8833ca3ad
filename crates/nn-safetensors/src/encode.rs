//! Writes safetensors files.

use std::fmt::Write as _;
use std::io::Write;

use nn_error::{Error, Result};
use nn_tensor::Scalar;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::checksum::{NO_CHECKSUM, find, hexadecimal};
use crate::kind::{Kind, MAX_HEADER, dtype_of};

/// A tensor to write. The number of values must match the shape.
#[derive(Debug)]
pub struct Tensor<'a, S> {
    /// The name of the tensor.
    pub name: String,
    /// The size of each dimension.
    pub shape: Vec<usize>,
    /// The values; the last dimension varies fastest.
    pub values: &'a [S],
}

/// An encoded file, ready to be written.
#[derive(Debug)]
pub struct Encoded<'a, S> {
    header: String,
    tensors: Vec<Tensor<'a, S>>,
}

impl<'a, S: Scalar> Encoded<'a, S> {
    /// Encodes a file. The first field `sha256` of `metadata` must be
    /// [`NO_CHECKSUM`], with no user-provided text before it.
    ///
    /// # Errors
    /// Returns [`Error::HeaderTooLong`] for a header above 100 MB, and [`Error::ModelFile`] if
    /// `metadata` has no field `sha256` with [`NO_CHECKSUM`].
    pub fn new(mut tensors: Vec<Tensor<'a, S>>, kind: Kind, metadata: &str) -> Result<Self> {
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        let sizes = tensors.iter().map(|it| (it.name.as_str(), &*it.shape));
        let mut header = header::<S>(sizes, kind, metadata)?;
        let mut sum = Sha256::new()
            .chain_update(length_of(&header))
            .chain_update(&header);
        for_each_chunk(&tensors, |bytes| {
            sum.update(bytes);
            Ok(())
        })?;
        let place = find(header.as_bytes(), NO_CHECKSUM).ok_or_else(|| {
            Error::invalid_file("its metadata has no field for the checksum".to_owned())
        })?;
        let digits = hexadecimal(sum.finalize().as_slice());
        header.replace_range(place..place + digits.len(), &digits);
        Ok(Self { header, tensors })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Returns the same errors as `writer`.
    pub fn write(&self, writer: &mut dyn Write) -> Result<()> {
        writer.write_all(&length_of(&self.header))?;
        writer.write_all(self.header.as_bytes())?;
        for_each_chunk(&self.tensors, |bytes| Ok(writer.write_all(bytes)?))
    }

    /// Returns the file as bytes.
    ///
    /// # Errors
    /// Returns [`Error::OutOfMemory`] if the file does not fit into memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let n_values: usize = self.tensors.iter().map(|tensor| tensor.values.len()).sum();
        let len = size_of::<u64>() + self.header.len() + n_values * S::BYTES;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(len)
            .map_err(|_| Error::OutOfMemory { bytes: len as u64 })?;
        self.write(&mut bytes)?;
        Ok(bytes)
    }
}

fn length_of(header: &str) -> [u8; 8] {
    (header.len() as u64).to_le_bytes()
}

/// The SHA-256 of the values of all tensors, in the order of the file.
pub fn values_sha256<S: Scalar>(mut tensors: Vec<Tensor<'_, S>>) -> String {
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut sum = Sha256::new();
    // Hashing cannot fail.
    let _ = for_each_chunk(&tensors, |bytes| {
        sum.update(bytes);
        Ok(())
    });
    hexadecimal(sum.finalize().as_slice())
}

/// The JSON header of tensors with the given names and shapes, padded with spaces so that the
/// values are aligned.
///
/// # Errors
/// Returns [`Error::HeaderTooLong`] for a header above 100 MB.
pub fn header<'n, S: Scalar>(
    tensors: impl Iterator<Item = (&'n str, &'n [usize])>,
    kind: Kind,
    metadata: &str,
) -> Result<String> {
    let mut header = format!(
        "{{\"__metadata__\":{{\"{}\":{}}}",
        kind.key,
        Value::from(metadata)
    );
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += shape.iter().product::<usize>() * S::BYTES;
        // Writing to a string cannot fail.
        let _ = write!(
            header,
            ",{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{start},{end}]}}",
            Value::from(name),
            dtype_of::<S>(),
            Value::from(shape),
        );
    }
    header.push('}');
    let padding = header.len().next_multiple_of(8) - header.len();
    header.extend(std::iter::repeat_n(' ', padding));
    check_header_length(header.len() as u64)?;
    Ok(header)
}

/// Checks that a header of this length can be read again.
fn check_header_length(found: u64) -> Result<()> {
    if found <= MAX_HEADER {
        return Ok(());
    }
    Err(Error::HeaderTooLong {
        found,
        most: MAX_HEADER,
    })
}

/// Passes the values of all tensors to `work` as bytes, in chunks.
fn for_each_chunk<S: Scalar>(
    tensors: &[Tensor<'_, S>],
    mut work: impl FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    const CHUNK: usize = 1 << 14;
    let mut bytes = Vec::with_capacity(CHUNK * S::BYTES);
    for values in tensors
        .iter()
        .flat_map(|tensor| tensor.values.chunks(CHUNK))
    {
        bytes.clear();
        values.iter().for_each(|value| value.write_le(&mut bytes));
        work(&bytes)?;
    }
    Ok(())
}
