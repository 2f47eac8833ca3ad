//! The indices of selected rows: a range, which needs no memory, or a list.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The indices of selected rows, in order. Clones share the memory.
///
/// ```
/// use nn_samples::RowIndices;
///
/// let range = RowIndices::from(10..20);
/// let list = RowIndices::from(&[4, 2, 7][..]);
/// assert_eq!((range.get(3), list.get(1)), (13, 2));
/// assert_eq!(*range.select(&list).to_list(), [14, 12, 17]);
/// ```
#[derive(Clone, Debug)]
pub struct RowIndices(Form);

#[derive(Clone, Debug)]
enum Form {
    Range(Range<u32>),
    List(Arc<[u32]>),
}

impl RowIndices {
    /// Number of rows.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Range(range) => range.len(),
            Form::List(list) => list.len(),
        }
    }

    /// Returns `true` if no row is selected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index at a position.
    ///
    /// # Panics
    /// Panics if the position does not exist.
    #[inline]
    pub fn get(&self, position: usize) -> u32 {
        match &self.0 {
            Form::Range(range) => {
                assert!(position < range.len(), "position {position}");
                range.start + position as u32
            }
            Form::List(list) => list[position],
        }
    }

    /// Iterates over the indices.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        (0..self.len()).map(|position| self.get(position))
    }

    /// All indices as a slice; a range is copied.
    pub fn to_list(&self) -> Cow<'_, [u32]> {
        match &self.0 {
            Form::Range(range) => Cow::Owned(range.clone().collect()),
            Form::List(list) => Cow::Borrowed(list),
        }
    }

    /// The indices at the given positions.
    ///
    /// # Panics
    /// Panics if a position does not exist.
    #[must_use]
    pub fn select(&self, positions: &Self) -> Self {
        match (&self.0, &positions.0) {
            (Form::Range(rows), Form::Range(range)) if range.end as usize <= rows.len() => {
                Self::from(rows.start + range.start..rows.start + range.end)
            }
            _ => {
                let indices = positions.iter().map(|position| self.get(position as usize));
                Self(Form::List(indices.collect()))
            }
        }
    }
}

impl Default for RowIndices {
    fn default() -> Self {
        Self::from(0..0)
    }
}

impl From<Range<u32>> for RowIndices {
    fn from(range: Range<u32>) -> Self {
        Self(Form::Range(range))
    }
}

impl From<&[u32]> for RowIndices {
    fn from(list: &[u32]) -> Self {
        Self(Form::List(list.into()))
    }
}

impl From<Vec<u32>> for RowIndices {
    fn from(list: Vec<u32>) -> Self {
        Self(Form::List(list.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_a_range_is_a_range() {
        let rows = RowIndices::from(5..50).select(&RowIndices::from(2..4));
        assert!(matches!(rows.0, Form::Range(Range { start: 7, end: 9 })));
        assert_eq!(*rows.to_list(), [7, 8]);
    }

    #[test]
    #[should_panic(expected = "position 3")]
    fn a_position_after_the_end_is_refused() {
        let _ = RowIndices::from(5..8).select(&RowIndices::from(2..4));
    }
}
