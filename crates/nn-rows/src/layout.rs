//! The sizes and types of the values of a file, and its header.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Number of splits: training, validation and test rows.
pub const N_SPLITS: usize = 3;

/// The version of the file format.
pub const VERSION: u32 = 1;

/// The first bytes of a file. A conversion of line ends would change them.
pub(crate) const MAGIC: [u8; 8] = *b"NNROWS\r\n";

/// The last bytes of a file.
pub(crate) const END_MAGIC: [u8; 8] = *b"\r\nNNROWS";

/// Number of bytes of the trailer.
pub(crate) const TRAILER_BYTES: usize = 24;

/// Blocks have about this number of bytes: one read of this size takes a disk longer than
/// finding its place.
const BLOCK_BYTES: usize = 1 << 20;

/// Number of blocks whose rows are shuffled together.
const WINDOW_BLOCKS: u32 = 64;

/// Returns `true` if the first bytes of a file are those of a file of rows.
pub fn is_rows_file(start: &[u8]) -> bool {
    start.starts_with(&MAGIC)
}

/// The inputs of a file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Inputs {
    /// `f32` values.
    Values,
    /// Bytes; the network reads `scale·byte`.
    Bytes {
        /// Factor that multiplies each byte.
        scale: f64,
    },
}

/// The targets of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Targets {
    /// One of this number of classes per row.
    Classes(usize),
    /// This number of values per row.
    Values(usize),
}

/// The sizes and types of the values of a file, and the blocks in which they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Number of inputs per row.
    pub n_inputs: usize,
    /// Type of the inputs.
    pub inputs: Inputs,
    /// Type of the targets.
    pub targets: Targets,
    /// Whether each row has a weight.
    pub has_weights: bool,
    /// Number of rows per block.
    pub block_rows: u32,
    /// Number of blocks whose rows are shuffled together in training.
    pub window_blocks: u32,
}

impl Layout {
    /// A layout without weights, with blocks of about one megabyte.
    pub fn new(n_inputs: usize, inputs: Inputs, targets: Targets) -> Self {
        let mut layout = Self {
            n_inputs,
            inputs,
            targets,
            has_weights: false,
            block_rows: 1,
            window_blocks: WINDOW_BLOCKS,
        };
        let row_bytes = RowSizes::of(&layout).inputs.max(1);
        layout.block_rows = (BLOCK_BYTES / row_bytes).max(1) as u32;
        layout
    }

    /// The first problem of a layout, if it has one.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        let n_targets = match self.targets {
            Targets::Classes(n) | Targets::Values(n) => n,
        };
        let is_finite = match self.inputs {
            Inputs::Values => true,
            Inputs::Bytes { scale } => scale.is_finite(),
        };
        let sizes = RowSizes::of(self);
        let row_bytes = sizes.inputs.checked_add(sizes.targets_and_weight);
        let block_bytes = row_bytes.and_then(|bytes| bytes.checked_mul(self.block_rows as usize));
        match block_bytes {
            _ if self.n_inputs == 0 => Some("no inputs"),
            _ if n_targets == 0 => Some("no targets"),
            _ if self.block_rows == 0 => Some("blocks without rows"),
            _ if self.window_blocks == 0 => Some("windows without blocks"),
            _ if !is_finite => Some("a scale that is not finite"),
            Some(bytes) if bytes < isize::MAX as usize => None,
            _ => Some("blocks that are larger than memory"),
        }
    }
}

/// Numbers of bytes of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowSizes {
    pub(crate) inputs: usize,
    pub(crate) targets: usize,
    pub(crate) targets_and_weight: usize,
}

impl RowSizes {
    /// The sizes of a layout; `usize::MAX` for a size that does not fit, see [`Layout::problem`].
    pub(crate) fn of(layout: &Layout) -> Self {
        let value_bytes = |n: usize| n.saturating_mul(size_of::<f32>());
        let targets = match layout.targets {
            Targets::Classes(0..=256) => 1,
            Targets::Classes(_) => size_of::<u32>(),
            Targets::Values(n) => value_bytes(n),
        };
        Self {
            inputs: match layout.inputs {
                Inputs::Values => value_bytes(layout.n_inputs),
                Inputs::Bytes { .. } => layout.n_inputs,
            },
            targets,
            targets_and_weight: targets.saturating_add(value_bytes(layout.has_weights.into())),
        }
    }
}

/// The header of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Sizes and types of the values.
    pub layout: Layout,
    /// Number of blocks.
    pub n_blocks: usize,
    /// CRC-32 of the table of blocks.
    pub table_crc32: u32,
    /// The description that the writer of the file gave, such as the names of the classes.
    pub description: Value,
}
