//! CompressedRows of the numbers of rows that are not 0, or of columns.
//!
//! Kernels read them without looking whether an index is one of the matrix's
//! rows. What makes that sound is kept here: the fields are private, and an
//! index is written only into the segment that it belongs to.

use std::ops::Range;

use super::simd::prefetch;

/// Indices and bytes of the nonzero elements of a row or column. In grouped
/// lists, each index has one byte per member of the group.
pub(crate) type Entries<'a> = (&'a [u16], &'a [u8]);

/// Maximum number of rows in a group.
pub(crate) const MAX_GROUP: usize = 16;

/// Longest segment. With the width of the kernels' tiles it says how much of a
/// matrix has to stay in the first-level cache.
const MAX_SEGMENT: usize = 256;

/// Number of values that an index can have.
const MAX_INDICES: usize = 1 << 16;

/// CompressedRows of entries, one after the other, each with ascending indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompressedRows {
    n_lists: usize,
    /// Rows that share a list: an entry has a byte for each, 0 where that one has
    /// no number. 1 in lists that were not [grouped](Self::grouped).
    group: usize,
    /// All indices are smaller.
    n_indices: usize,
    n_segments: usize,
    /// Number of indices in a segment; the last one may have fewer.
    segment_len: usize,
    /// Where each segment of each list starts; one more at the end. Segment s
    /// of a list has the indices `s * segment_len..(s + 1) * segment_len`.
    starts: Vec<u32>,
    indices: Vec<u16>,
    bytes: Vec<u8>,
}

impl CompressedRows {
    /// No lists, with room for [`transpose`](Self::transpose) to make `n_lists`
    /// of them of up to `n_indices` rows that have at most `longest` entries each.
    pub(crate) fn with_capacity(n_lists: usize, n_indices: usize, longest: usize) -> Self {
        let n_entries = n_indices * longest.min(n_lists);
        let mut starts = Vec::with_capacity(n_lists * n_indices.div_ceil(MAX_SEGMENT) + 1);
        starts.push(0);
        Self {
            n_lists: 0,
            group: 1,
            n_indices: 0,
            n_segments: 0,
            segment_len: 1,
            starts,
            indices: vec![0; n_entries],
            bytes: vec![0; n_entries],
        }
    }

    /// Whether `n_columns` columns can be indexed.
    pub(crate) fn can_count(n_columns: usize) -> bool {
        n_columns <= MAX_INDICES
    }

    /// A list for each row, which together have `n_entries` numbers that are
    /// not 0; `None` if columns or entries are too many to be counted.
    ///
    /// # Panics
    /// If the rows differ in length.
    pub(crate) fn of_rows<'r>(
        rows: impl ExactSizeIterator<Item = &'r [u8]>,
        n_columns: usize,
        n_entries: usize,
    ) -> Option<Self> {
        u32::try_from(n_entries).ok()?;
        if !Self::can_count(n_columns) {
            return None;
        }
        let [n_segments, segment_len] = segments_of(n_columns, MAX_SEGMENT);
        let mut lists = Self {
            n_lists: rows.len(),
            group: 1,
            n_indices: n_columns,
            n_segments,
            segment_len,
            starts: Vec::with_capacity(rows.len() * n_segments + 1),
            indices: Vec::with_capacity(n_entries),
            bytes: Vec::with_capacity(n_entries),
        };
        lists.starts.push(0);
        for row in rows {
            assert_eq!(row.len(), n_columns, "rows of one length");
            lists.push(row);
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
        self.group = 1;
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

    /// Number of lists.
    pub(crate) fn len(&self) -> usize {
        self.n_lists
    }

    /// Number of rows or columns that share a list.
    pub(crate) fn group(&self) -> usize {
        self.group
    }

    /// All indices are smaller than this.
    pub(crate) fn n_indices(&self) -> usize {
        self.n_indices
    }

    pub(crate) fn n_segments(&self) -> usize {
        self.n_segments
    }

    /// Number of indices in a segment; the last one may have fewer.
    pub(crate) fn segment_len(&self) -> usize {
        self.segment_len
    }

    /// The indices that are a segment's.
    ///
    /// # Panics
    /// If there is no such segment.
    pub(crate) fn segment_indices(&self, segment: usize) -> Range<usize> {
        let start = segment * self.segment_len();
        assert!(start < self.n_indices, "segment {segment} does not exist");
        start..self.n_indices.min(start + self.segment_len())
    }

    /// All indices, list after list.
    pub(crate) fn indices(&self) -> &[u16] {
        &self.indices
    }

    /// Number of entries of the longest list.
    pub(crate) fn longest(&self) -> usize {
        let n_segments = self.n_segments().max(1);
        let ends = self.starts.iter().step_by(n_segments);
        let pairs = ends.clone().zip(ends.skip(1));
        pairs
            .map(|(start, end)| (end - start) as usize)
            .max()
            .unwrap_or(0)
    }

    /// All entries of a list.
    ///
    /// # Panics
    /// If there is no such list.
    #[inline(always)]
    pub(crate) fn entries(&self, list: u32) -> Entries<'_> {
        let first = list as usize * self.n_segments();
        let range = self.starts[first] as usize..self.starts[first + self.n_segments()] as usize;
        (
            &self.indices[range.clone()],
            &self.bytes[self.bytes_of(range)],
        )
    }

    /// Where the bytes of some entries lie.
    #[inline(always)]
    fn bytes_of(&self, entries: Range<usize>) -> Range<usize> {
        entries.start * self.group..entries.end * self.group
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
                self.bytes.get_unchecked(self.bytes_of(start..end)),
            )
        }
    }

    /// Prefetches the entries of a list.
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

    /// The lists `chosen` in groups of `group` that follow one another, in at
    /// least `n_segments` segments if there are so many indices: an index that
    /// any member has is there once, with a byte of each. The last group may
    /// have fewer members; the bytes of the others are 0.
    ///
    /// # Panics
    /// If a list does not exist or is grouped already, or a group is to have
    /// no members or more than [`MAX_GROUP`].
    pub(crate) fn grouped(&self, chosen: &[u32], group: usize, n_segments: usize) -> Self {
        assert!(
            self.group == 1 && (1..=MAX_GROUP).contains(&group),
            "groups of {group} of lists in groups of {}",
            self.group
        );
        let n_lists = chosen.len().div_ceil(group);
        let max_segment = (self.n_indices / n_segments.max(1)).clamp(1, MAX_SEGMENT);
        let [n_segments, segment_len] = segments_of(self.n_indices, max_segment);
        let mut grouped = Self {
            n_lists,
            group,
            n_indices: self.n_indices,
            n_segments,
            segment_len,
            starts: Vec::with_capacity(n_lists * n_segments + 1),
            indices: Vec::new(),
            bytes: Vec::new(),
        };
        grouped.starts.push(0);
        let mut union = Union::new(self.n_indices);
        for members in chosen.chunks(group) {
            for (member, &list) in members.iter().enumerate() {
                union.add(member, self.entries(list));
            }
            grouped.push_union(&mut union);
        }
        grouped.indices.shrink_to_fit();
        grouped.bytes.shrink_to_fit();
        grouped
    }

    /// Appends a group, and empties `union` for the next one.
    fn push_union(&mut self, union: &mut Union) {
        let (segment_len, group) = (self.segment_len(), self.group);
        for start in (0..self.n_indices).step_by(segment_len) {
            let segment = start..self.n_indices.min(start + segment_len);
            union.take(segment, |index, bytes| {
                self.indices.push(index);
                self.bytes.extend_from_slice(&bytes[..group]);
            });
            let end = u32::try_from(self.indices.len()).expect("the entries were counted");
            self.starts.push(end);
        }
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
        self.group = 1;
        self.n_indices = chosen.len();
        let [n_segments, segment_len] = segments_of(chosen.len(), MAX_SEGMENT);
        (self.n_segments, self.segment_len) = (n_segments, segment_len);
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

    /// A list for every index, with an entry for every list that has it: the
    /// number of that list, and the same bytes. Segments of up to `max_segment`.
    ///
    /// # Panics
    /// If the lists are more than 65536.
    pub(crate) fn transposed(&self, max_segment: usize) -> Self {
        assert!(self.n_lists <= MAX_INDICES, "{} lists", self.n_lists);
        let [n_segments, segment_len] = segments_of(self.n_lists, max_segment);
        let place =
            |index: u16, list: u32| usize::from(index) * n_segments + list as usize / segment_len;
        let mut starts = vec![0; self.n_indices * n_segments + 1];
        for list in 0..self.n_lists as u32 {
            for &index in self.entries(list).0 {
                starts[place(index, list) + 1] += 1;
            }
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut next = starts.clone();
        let mut indices = vec![0; self.indices.len()];
        let mut bytes = vec![0; self.bytes.len()];
        for list in 0..self.n_lists as u32 {
            let (own_indices, own_bytes) = self.entries(list);
            for (&index, own) in own_indices.iter().zip(own_bytes.chunks_exact(self.group)) {
                let entry = next[place(index, list)] as usize;
                next[place(index, list)] += 1;
                indices[entry] = list as u16;
                bytes[entry * self.group..][..self.group].copy_from_slice(own);
            }
        }
        Self {
            n_lists: self.n_indices,
            group: self.group,
            n_indices: self.n_lists,
            n_segments,
            segment_len,
            starts,
            indices,
            bytes,
        }
    }
}

/// How many segments so many indices are cut into, and how many each but the
/// last has, at most `longest`.
fn segments_of(n_indices: usize, longest: usize) -> [usize; 2] {
    let n_segments = n_indices.div_ceil(longest);
    [n_segments, n_indices.div_ceil(n_segments.max(1)).max(1)]
}

/// The bytes of the members of a group at each index.
struct Union {
    bytes: Vec<[u8; MAX_GROUP]>,
    /// One bit per index: whether any member has it.
    is_there: Vec<u64>,
}

impl Union {
    fn new(n_indices: usize) -> Self {
        Self {
            bytes: vec![[0; MAX_GROUP]; n_indices],
            is_there: vec![0; n_indices.div_ceil(u64::BITS as usize)],
        }
    }

    fn add(&mut self, member: usize, (indices, bytes): Entries<'_>) {
        for (&index, &byte) in indices.iter().zip(bytes) {
            let index = usize::from(index);
            self.bytes[index][member] = byte;
            self.is_there[index / 64] |= 1 << (index % 64);
        }
    }

    /// Hands over the entries in a range of indices, in ascending order.
    fn take(&mut self, range: Range<usize>, mut each: impl FnMut(u16, [u8; MAX_GROUP])) {
        if range.is_empty() {
            return;
        }
        for word in range.start / 64..=(range.end - 1) / 64 {
            let first = word * 64;
            let from = range.start.saturating_sub(first);
            let to = (range.end - first).min(64);
            let within = u64::MAX >> (64 - (to - from)) << from;
            let mut bits = self.is_there[word] & within;
            self.is_there[word] &= !within;
            while bits != 0 {
                let index = first + bits.trailing_zeros() as usize;
                each(index as u16, std::mem::take(&mut self.bytes[index]));
                bits &= bits - 1;
            }
        }
    }
}

/// The entries of a row that lie in `columns`.
fn part_of<'a>((indices, bytes): Entries<'a>, columns: &Range<usize>) -> Entries<'a> {
    let place = |column: usize| indices.partition_point(|&index| usize::from(index) < column);
    let range = place(columns.start)..place(columns.end);
    (&indices[range.clone()], &bytes[range])
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn a_group_has_every_number_of_its_members_once() {
        let dense = Array2::from_shape_fn((11, 600), |(row, column)| {
            let noise = (row * 600 + column).wrapping_mul(0x9e37_79b9) >> 13;
            if noise.is_multiple_of(5) {
                noise as u8
            } else {
                0
            }
        });
        let n_entries = dense.iter().filter(|&&byte| byte != 0).count();
        let lists =
            CompressedRows::of_rows(dense.as_slice().unwrap().chunks(600), 600, n_entries).unwrap();
        let chosen = [7, 3, 10, 0, 5, 5, 2, 9, 1];
        for group in [1, 4, MAX_GROUP] {
            let grouped = lists.grouped(&chosen, group, 4);
            assert_eq!(grouped.len(), chosen.len().div_ceil(group));
            for (list, members) in (0..).zip(chosen.chunks(group)) {
                let (indices, bytes) = grouped.entries(list);
                assert!(indices.is_sorted_by(|a, b| a < b));
                for (member, &row) in members.iter().enumerate() {
                    let mut found = vec![0; 600];
                    for (&index, bytes) in indices.iter().zip(bytes.chunks(group)) {
                        found[usize::from(index)] = bytes[member];
                    }
                    assert_eq!(dense.row(row as usize).to_vec(), found);
                }
                let surplus = members.len()..group;
                assert!(
                    bytes
                        .chunks(group)
                        .all(|bytes| bytes[surplus.clone()].iter().all(|&b| b == 0))
                );
                for segment in 0..grouped.n_segments() {
                    // SAFETY: the list and the segment exist.
                    let (indices, _) = unsafe { grouped.segments(list, segment..segment + 1) };
                    let len = grouped.segment_len();
                    assert!(
                        indices
                            .iter()
                            .all(|&index| usize::from(index) / len == segment)
                    );
                }
            }
        }
    }
}
