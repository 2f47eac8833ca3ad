//! Bounding rectangles of pixels.

use std::ops::Range;

use ndarray::{ArrayView2, Axis, Slice};

/// A rectangle of the rows `top..bottom` and the columns `left..right`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) left: usize,
    pub(super) right: usize,
}

impl Bounds {
    pub(super) fn rows(&self) -> Range<usize> {
        self.top..self.bottom
    }

    pub(super) fn columns(&self) -> Range<usize> {
        self.left..self.right
    }

    pub(super) fn height(&self) -> usize {
        self.bottom - self.top
    }

    pub(super) fn width(&self) -> usize {
        self.right - self.left
    }

    pub(super) fn longer_side(&self) -> usize {
        self.height().max(self.width())
    }

    /// The smallest rectangle around both.
    pub(super) fn union(&self, other: &Self) -> Self {
        Self {
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.min(other.left),
            right: self.right.max(other.right),
        }
    }

    /// Numbers of rows and of columns between the rectangles; 0 if they share some.
    pub(super) fn gaps(&self, other: &Self) -> (usize, usize) {
        let gap = |a: Range<usize>, b: Range<usize>| {
            a.start.max(b.start).saturating_sub(a.end.min(b.end))
        };
        (
            gap(self.rows(), other.rows()),
            gap(self.columns(), other.columns()),
        )
    }

    /// Whether all of `other` is inside.
    pub(super) fn contains(&self, other: &Self) -> bool {
        self.union(other) == *self
    }
}

/// Part of an image.
pub(super) fn cropped<T>(
    image: ArrayView2<'_, T>,
    rows: Range<usize>,
    columns: Range<usize>,
) -> ArrayView2<'_, T> {
    let mut part = image;
    part.slice_axis_inplace(Axis(0), Slice::from(rows));
    part.slice_axis_inplace(Axis(1), Slice::from(columns));
    part
}

/// The smallest rectangle that contains all ink.
pub(super) fn bounding_box(
    image: ArrayView2<'_, u8>,
    is_ink: impl Fn(u8) -> bool,
) -> Option<Bounds> {
    let mut bounds: Option<Bounds> = None;
    for (i, row) in image.axis_iter(Axis(0)).enumerate() {
        let Some(left) = row.iter().position(|&value| is_ink(value)) else {
            continue;
        };
        let right = row.len() - row.iter().rev().take_while(|&&v| !is_ink(v)).count();
        let line = Bounds {
            top: i,
            bottom: i + 1,
            left,
            right,
        };
        bounds = Some(bounds.map_or(line, |bounds| bounds.union(&line)));
    }
    bounds
}
