//! Compressed sparse rows (CSR) of bytes, or columns (CSC), with rows optionally in
//! groups that share one index list.
//!
//! Kernels use the indices without bounds checks. This module guarantees that the indices are
//! valid: the fields are private, and every index is smaller than `n_indices` and lies in the
//! segment that it belongs to.

use std::ops::Range;

use super::simd::prefetch_slice;

/// Indices and bytes of the nonzero elements of a list: a row or column, or a group of
/// them with one byte per member at each index.
pub(crate) type Entries<'a> = (&'a [u16], &'a [u8]);

/// Maximum number of rows in a group.
pub(crate) const MAX_GROUP: usize = 16;

/// Maximum length of a segment. With the width of the kernels' tiles, it limits how
/// much of a matrix has to stay in the L1 cache.
pub(crate) const MAX_SEGMENT: usize = 256;

/// Number of distinct indices of 16 bits.
const MAX_INDICES: usize = 1 << 16;

/// Lists of the nonzero elements of rows or columns, with ascending indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompressedRows {
    n_lists: usize,
    /// Number of rows that share a list, and of bytes per entry. 1 unless
    /// [grouped](Self::grouped).
    group: usize,
    /// Exclusive upper bound of the indices.
    n_indices: usize,
    n_segments: usize,
    /// Number of indices in a segment; the last segment may have fewer.
    segment_len: usize,
    /// First entry of each segment of each list, and the number of entries. Segment s
    /// of a list has the indices `s * segment_len..(s + 1) * segment_len`.
    starts: Vec<u32>,
    indices: Vec<u16>,
    bytes: Vec<u8>,
}

impl CompressedRows {
    /// No lists, with room to [`transpose`](Self::transpose) `n_indices` rows of at most
    /// `longest` entries each into `n_lists` lists.
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

    /// Returns `true` if indices of `n_columns` columns fit in 16 bits.
    pub(crate) fn can_count(n_columns: usize) -> bool {
        n_columns <= MAX_INDICES
    }

    /// Compresses rows with `n_entries` nonzero elements in total; `None` if there are
    /// too many columns or entries.
    ///
    /// # Panics
    /// Panics if the rows differ in length.
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
            assert_eq!(row.len(), n_columns, "expected rows of equal length");
            lists.push(row);
        }
        Some(lists)
    }

    /// Replaces all lists with the lists of new rows of the same length.
    ///
    /// # Panics
    /// Panics if `values` does not divide into rows.
    pub(crate) fn refill(&mut self, values: &[u8]) {
        let n_columns = self.n_indices.max(1);
        assert!(
            values.len().is_multiple_of(n_columns) && u32::try_from(values.len()).is_ok(),
            "{} values cannot be divided into rows of {n_columns}",
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
                // Most pixels of an image are 0: skip eight at a time.
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
            let end = u32::try_from(self.indices.len()).expect("the number of entries was checked");
            self.starts.push(end);
        }
    }

    /// Number of lists.
    pub(crate) fn len(&self) -> usize {
        self.n_lists
    }

    /// Number of rows or columns that share a list, and of bytes per entry.
    pub(crate) fn group(&self) -> usize {
        self.group
    }

    /// Exclusive upper bound of the indices.
    pub(crate) fn n_indices(&self) -> usize {
        self.n_indices
    }

    /// Number of segments of each list.
    pub(crate) fn n_segments(&self) -> usize {
        self.n_segments
    }

    /// Number of indices in a segment; the last segment may have fewer.
    pub(crate) fn segment_len(&self) -> usize {
        self.segment_len
    }

    /// The range of indices of some segments.
    ///
    /// # Panics
    /// Panics if a segment does not exist.
    pub(crate) fn indices_of(&self, segments: Range<usize>) -> Range<usize> {
        assert!(
            segments.end <= self.n_segments,
            "expected segments below {}, found {segments:?}",
            self.n_segments
        );
        segments.start * self.segment_len..self.n_indices.min(segments.end * self.segment_len)
    }

    /// The indices of all lists, one list after the other.
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
    /// Panics if the list does not exist.
    #[inline(always)]
    pub(crate) fn entries(&self, list: u32) -> Entries<'_> {
        let first = list as usize * self.n_segments();
        let range = self.starts[first] as usize..self.starts[first + self.n_segments()] as usize;
        (
            &self.indices[range.clone()],
            &self.bytes[self.bytes_of(range)],
        )
    }

    /// Positions of the bytes of some entries.
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
        // SAFETY: the caller vouches for the segments; starts are ascending, up to the
        // number of entries.
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
        let (indices, bytes) = self.entries(list);
        prefetch_slice(indices);
        prefetch_slice(bytes);
    }

    /// Merges each `group` consecutive lists of `chosen` into one with the union of their
    /// indices and one byte per member, in at least `n_segments` segments if there are
    /// as many indices. If the last group has fewer members, the other bytes are 0.
    ///
    /// # Panics
    /// Panics if a list does not exist or is grouped already, or if `group` is 0 or
    /// more than [`MAX_GROUP`].
    pub(crate) fn grouped(&self, chosen: &[u32], group: usize, n_segments: usize) -> Self {
        assert!(
            self.group == 1 && (1..=MAX_GROUP).contains(&group),
            "expected ungrouped lists and groups of 1 to {MAX_GROUP}, found groups of {}, to be merged \
             by {group}",
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

    /// Appends the list of a group and clears `union`.
    fn push_union(&mut self, union: &mut Union) {
        let (segment_len, group) = (self.segment_len(), self.group);
        for start in (0..self.n_indices).step_by(segment_len) {
            let segment = start..self.n_indices.min(start + segment_len);
            union.take(segment, |index, bytes| {
                self.indices.push(index);
                self.bytes.extend_from_slice(&bytes[..group]);
            });
            let end = u32::try_from(self.indices.len()).expect("the number of entries was checked");
            self.starts.push(end);
        }
    }

    /// Replaces all lists with the columns `columns` of the lists `chosen` of `rows`, in
    /// segments of up to `max_segment`. The indices are positions in `chosen`. A
    /// counting sort.
    ///
    /// # Panics
    /// Panics if a list or a column does not exist, or there are more than 65536 lists.
    pub(crate) fn transpose(
        &mut self,
        rows: &Self,
        chosen: impl ExactSizeIterator<Item = u32> + Clone,
        columns: &Range<usize>,
        max_segment: usize,
    ) {
        let n_chosen = chosen.len();
        assert!(
            n_chosen <= MAX_INDICES && columns.end <= rows.n_indices,
            "expected at most {MAX_INDICES} rows and columns below {}, found {n_chosen} and {columns:?}",
            rows.n_indices
        );
        // No lists until the end, even after a panic.
        self.n_lists = 0;
        self.group = rows.group;
        self.n_indices = n_chosen;
        let [n_segments, segment_len] = segments_of(n_chosen, max_segment);
        (self.n_segments, self.segment_len) = (n_segments, segment_len);
        self.starts.clear();
        self.starts.resize(columns.len() * n_segments + 1, 0);
        let place = |index: u16, position: usize| {
            (usize::from(index) - columns.start) * n_segments + position / segment_len
        };
        for (position, row) in chosen.clone().enumerate() {
            for &index in &rows.entries(row).0[rows.part_of(row, columns)] {
                self.starts[place(index, position) + 1] += 1;
            }
        }
        for place in 1..self.starts.len() {
            self.starts[place] += self.starts[place - 1];
        }
        let (n_entries, group) = (self.starts[self.starts.len() - 1] as usize, self.group);
        if self.indices.len() < n_entries {
            self.indices.resize(n_entries, 0);
            self.bytes.resize(n_entries * group, 0);
        }
        let mut next = |index, position| {
            let slot: &mut u32 = &mut self.starts[place(index, position)];
            *slot += 1;
            *slot as usize - 1
        };
        for (position, row) in chosen.enumerate() {
            let part = rows.part_of(row, columns);
            let (indices, bytes) = rows.entries(row);
            let bytes = &bytes[part.start * group..part.end * group];
            if group == 1 {
                for (&index, &byte) in indices[part].iter().zip(bytes) {
                    let entry = next(index, position);
                    self.indices[entry] = position as u16;
                    self.bytes[entry] = byte;
                }
                continue;
            }
            for (&index, bytes) in indices[part].iter().zip(bytes.chunks_exact(group)) {
                let entry = next(index, position);
                self.indices[entry] = position as u16;
                self.bytes[entry * group..][..group].copy_from_slice(bytes);
            }
        }
        // Every start has moved to the place of the next one.
        let last = self.starts.len() - 1;
        self.starts.copy_within(..last, 1);
        self.starts[0] = 0;
        self.n_lists = columns.len();
    }

    /// The entries of a list with indices in `columns`.
    fn part_of(&self, list: u32, columns: &Range<usize>) -> Range<usize> {
        let (indices, _) = self.entries(list);
        // A search costs as much as copying a short list, so none where nothing is cut off.
        let place = |column: usize| match column {
            0 => 0,
            end if end == self.n_indices => indices.len(),
            column => indices.partition_point(|&index| usize::from(index) < column),
        };
        place(columns.start)..place(columns.end)
    }
}

/// Number of segments of `n_indices` indices and their length, at most `longest`.
fn segments_of(n_indices: usize, longest: usize) -> [usize; 2] {
    let n_segments = n_indices.div_ceil(longest);
    [n_segments, n_indices.div_ceil(n_segments.max(1)).max(1)]
}

/// The union of the entries of the members of a group.
struct Union {
    bytes: Vec<[u8; MAX_GROUP]>,
    /// One bit per index: whether any member has an entry.
    is_present: Vec<u64>,
}

impl Union {
    fn new(n_indices: usize) -> Self {
        Self {
            bytes: vec![[0; MAX_GROUP]; n_indices],
            is_present: vec![0; n_indices.div_ceil(u64::BITS as usize)],
        }
    }

    fn add(&mut self, member: usize, (indices, bytes): Entries<'_>) {
        for (&index, &byte) in indices.iter().zip(bytes) {
            let index = usize::from(index);
            self.bytes[index][member] = byte;
            self.is_present[index / 64] |= 1 << (index % 64);
        }
    }

    /// Removes the entries in a range of indices and passes them to `each`, in ascending
    /// order.
    fn take(&mut self, range: Range<usize>, mut each: impl FnMut(u16, [u8; MAX_GROUP])) {
        if range.is_empty() {
            return;
        }
        for word in range.start / 64..=(range.end - 1) / 64 {
            let first = word * 64;
            let from = range.start.saturating_sub(first);
            let to = (range.end - first).min(64);
            let within = u64::MAX >> (64 - (to - from)) << from;
            let mut bits = self.is_present[word] & within;
            self.is_present[word] &= !within;
            while bits != 0 {
                let index = first + bits.trailing_zeros() as usize;
                each(index as u16, std::mem::take(&mut self.bytes[index]));
                bits &= bits - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    #[test]
    fn a_group_has_every_entry_of_its_members_once() {
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
