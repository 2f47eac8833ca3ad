//! Lists of the numbers of rows that are not 0, or of columns.
//!
//! Kernels read them without looking whether an index is one of the matrix's
//! rows. What makes that sound is kept here: the fields are private, and an
//! index is written only into the segment that it belongs to.

use std::ops::Range;

use ndarray::ArrayView1;

use super::simd::prefetch;

/// Some numbers of a row or column that are not 0: where, and which byte.
pub(crate) type Entries<'a> = (&'a [u16], &'a [u8]);

/// Longest segment. With the width of the kernels' tiles it says how much of a
/// matrix has to stay in the first-level cache.
const MAX_SEGMENT: usize = 256;

/// Most values that an index can have.
const MAX_INDICES: usize = 1 << 16;

/// Lists of entries, one after the other, each with ascending indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lists {
    n_lists: usize,
    /// All indices are smaller.
    n_indices: usize,
    /// Where each segment of each list starts; one more at the end. Segment s
    /// of a list has the indices `s * segment_len..(s + 1) * segment_len`.
    starts: Vec<u32>,
    indices: Vec<u16>,
    bytes: Vec<u8>,
}

impl Lists {
    /// No lists.
    pub(crate) fn empty() -> Self {
        Self {
            n_lists: 0,
            n_indices: 0,
            starts: vec![0],
            indices: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// A list for each row, which together have `n_entries` numbers that are
    /// not 0; `None` if columns or entries are too many to be counted.
    ///
    /// # Panics
    /// If the rows differ in length.
    pub(crate) fn of_rows<'r>(
        rows: impl ExactSizeIterator<Item = ArrayView1<'r, u8>>,
        n_columns: usize,
        n_entries: usize,
    ) -> Option<Self> {
        u32::try_from(n_entries).ok()?;
        if n_columns > MAX_INDICES {
            return None;
        }
        let n_segments = n_columns.div_ceil(MAX_SEGMENT);
        let mut lists = Self {
            n_lists: rows.len(),
            n_indices: n_columns,
            starts: Vec::with_capacity(rows.len() * n_segments + 1),
            indices: Vec::with_capacity(n_entries),
            bytes: Vec::with_capacity(n_entries),
        };
        lists.starts.push(0);
        for row in rows {
            assert_eq!(row.len(), n_columns, "rows of one length");
            match row.to_slice() {
                Some(row) => lists.push(row),
                None => lists.push(&row.to_vec()),
            }
        }
        Some(lists)
    }

    /// Becomes the lists of other rows with as many columns.
    ///
    /// # Panics
    /// If `values` are not whole rows.
    pub(crate) fn refill(&mut self, values: &[u8]) {
        let n_columns = self.n_indices.max(1);
        assert!(
            values.len().is_multiple_of(n_columns) && u32::try_from(values.len()).is_ok(),
            "{} values are not rows of {n_columns}",
            values.len()
        );
        self.n_lists = 0;
        self.starts.clear();
        self.indices.clear();
        self.bytes.clear();
        self.starts.push(0);
        for row in values.chunks_exact(n_columns) {
            self.push(row);
        }
        self.n_lists = values.len() / n_columns;
    }

    fn push(&mut self, row: &[u8]) {
        const WORD: usize = size_of::<u64>();
        let segment_len = self.segment_len();
        for (segment, start) in row
            .chunks(segment_len)
            .zip((0_usize..).step_by(segment_len))
        {
            for (word, first) in segment.chunks(WORD).zip((start..).step_by(WORD)) {
                // Most of an image is paper: eight zeros at a time.
                if <[u8; WORD]>::try_from(word).is_ok_and(|word| u64::from_ne_bytes(word) == 0) {
                    continue;
                }
                for (column, &value) in (first..).zip(word) {
                    if value != 0 {
                        self.indices.push(column as u16);
                        self.bytes.push(value);
                    }
                }
            }
            let end = u32::try_from(self.indices.len()).expect("the entries were counted");
            self.starts.push(end);
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.n_lists
    }

    /// All indices are smaller than this.
    pub(crate) fn n_indices(&self) -> usize {
        self.n_indices
    }

    pub(super) fn n_segments(&self) -> usize {
        self.n_indices.div_ceil(MAX_SEGMENT)
    }

    /// Indices in a segment; the last one may have fewer.
    pub(super) fn segment_len(&self) -> usize {
        self.n_indices.div_ceil(self.n_segments().max(1)).max(1)
    }

    /// All indices, list after list.
    pub(crate) fn indices(&self) -> &[u16] {
        &self.indices
    }

    /// All entries of a list.
    ///
    /// # Panics
    /// If there is no such list.
    #[inline(always)]
    pub(crate) fn entries(&self, list: u32) -> Entries<'_> {
        let first = list as usize * self.n_segments();
        let range = self.starts[first] as usize..self.starts[first + self.n_segments()] as usize;
        (&self.indices[range.clone()], &self.bytes[range])
    }

    /// The entries of some segments of a list.
    ///
    /// # Safety
    /// The list and the segments must exist.
    #[inline(always)]
    pub(super) unsafe fn segments(&self, list: u32, segments: Range<usize>) -> Entries<'_> {
        let first = list as usize * self.n_segments();
        // SAFETY: the caller vouches for the starts; they are ascending and
        // none is larger than the number of entries.
        unsafe {
            let start = *self.starts.get_unchecked(first + segments.start) as usize;
            let end = *self.starts.get_unchecked(first + segments.end) as usize;
            (
                self.indices.get_unchecked(start..end),
                self.bytes.get_unchecked(start..end),
            )
        }
    }

    /// Asks for the entries of a list before they are needed.
    pub(crate) fn prefetch(&self, list: u32) {
        const LINE: usize = 64;
        let lines = |from: *const i8, n_bytes: usize| {
            (0..n_bytes)
                .step_by(LINE)
                .for_each(|offset| prefetch(from.wrapping_add(offset)));
        };
        let (indices, bytes) = self.entries(list);
        lines(indices.as_ptr().cast(), size_of_val(indices));
        lines(bytes.as_ptr().cast(), bytes.len());
    }

    /// Becomes the columns `columns` of some rows: list k has an entry for
    /// every row with a number in column `columns.start + k`, whose index is
    /// the position of the row among `chosen`. A counting sort.
    ///
    /// # Panics
    /// If a row or a column does not exist, or the rows are more than 65536.
    pub(crate) fn transpose(&mut self, rows: &Self, chosen: &[u32], columns: &Range<usize>) {
        assert!(
            chosen.len() <= MAX_INDICES && columns.end <= rows.n_indices,
            "columns {columns:?} of {} rows of {} columns",
            chosen.len(),
            rows.n_indices
        );
        // From here until the end there are no lists, whatever happens.
        self.n_lists = 0;
        self.n_indices = chosen.len();
        let (n_segments, segment_len) = (self.n_segments(), self.segment_len());
        self.starts.clear();
        self.starts.resize(columns.len() * n_segments + 1, 0);
        let place = |index: u16, position: usize| {
            (usize::from(index) - columns.start) * n_segments + position / segment_len
        };
        for (position, &row) in chosen.iter().enumerate() {
            for &index in part_of(rows.entries(row), columns).0 {
                self.starts[place(index, position) + 1] += 1;
            }
        }
        for place in 1..self.starts.len() {
            self.starts[place] += self.starts[place - 1];
        }
        let n_entries = self.starts[self.starts.len() - 1] as usize;
        if self.indices.len() < n_entries {
            self.indices.resize(n_entries, 0);
            self.bytes.resize(n_entries, 0);
        }
        for (position, &row) in chosen.iter().enumerate() {
            let (indices, bytes) = part_of(rows.entries(row), columns);
            for (&index, &byte) in indices.iter().zip(bytes) {
                let slot = &mut self.starts[place(index, position)];
                self.indices[*slot as usize] = position as u16;
                self.bytes[*slot as usize] = byte;
                *slot += 1;
            }
        }
        // Every start has moved to the next one's place.
        let last = self.starts.len() - 1;
        self.starts.copy_within(..last, 1);
        self.starts[0] = 0;
        self.n_lists = columns.len();
    }
}

/// The entries of a row that lie in `columns`.
fn part_of<'a>((indices, bytes): Entries<'a>, columns: &Range<usize>) -> Entries<'a> {
    let place = |column: usize| indices.partition_point(|&index| usize::from(index) < column);
    let range = place(columns.start)..place(columns.end);
    (&indices[range.clone()], &bytes[range])
}
