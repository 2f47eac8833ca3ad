//! Finds the connected areas of ink in an image and decides which areas are digits.

use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use super::bounds::Bounds;
use super::ink::EDGE;

/// What [`keep_digits`] found.
pub(super) struct Found {
    /// Number of digits.
    pub(super) n_digits: usize,
    /// Whether a line, a frame or an edge was removed.
    pub(super) lines_removed: bool,
}

/// A connected area of ink.
struct Mark {
    bounds: Bounds,
    /// Number of pixels.
    area: usize,
    /// Number of pixels at the border of the image.
    n_border: usize,
    /// Its pixels, as indices row by row.
    pixels: Vec<u32>,
}

/// Marks that belong to one digit: a pen can be lifted.
struct Digit {
    bounds: Bounds,
    area: usize,
    marks: Vec<Mark>,
}

/// Ink around a kept mark is kept up to this fraction of the longer side of the
/// digits: the soft edges of strokes.
const EDGE_FRACTION: f32 = 0.1;
/// Marks of one digit are at most this far apart, relative to their longer side.
const PEN_LIFT: f32 = 0.15;
/// Two tall marks side by side are two digits from this distance, relative to their
/// height.
const DIGIT_GAP: f32 = 0.08;
/// Minimum size of a further digit, relative to the largest.
const MIN_DIGIT: (f32, f32) = (0.5, 0.15);
/// Marks beyond this number are specks.
const MAX_MARKS: usize = 64;

/// Step 5: removes the ink that belongs to no digit, and counts the digits.
pub(super) fn keep_digits(ink: &mut Array2<u8>) -> Found {
    let mut lines_removed = false;
    let ruled = without_rules(ink);
    let mut marks = find_marks(ruled.as_ref().unwrap_or(ink).view());
    if marks.is_empty() {
        // There is nothing but a line: a 1, perhaps.
        marks = find_marks(ink.view());
    } else if let Some(ruled) = ruled {
        *ink = ruled;
        lines_removed = true;
    }
    let n_marks = marks.len();
    remove_borders(&mut marks, ink.dim());
    remove_boxes(&mut marks, ink.ncols());
    lines_removed |= marks.len() < n_marks;
    let digits = digits(marks);
    erase_others(ink, &digits);
    Found {
        n_digits: digits.len(),
        lines_removed,
    }
}

/// The image without the lines of ruled paper: thin, straight, from edge to edge.
/// `None` if there are none.
fn without_rules(ink: &Array2<u8>) -> Option<Array2<u8>> {
    let mut erased = ink.clone();
    let horizontal = erase_rules(ink.view(), erased.view_mut());
    let vertical = erase_rules(ink.t(), erased.view_mut().reversed_axes());
    (horizontal || vertical).then_some(erased)
}

/// Erases horizontal lines, except where a stroke crosses them.
fn erase_rules(ink: ArrayView2<'_, u8>, mut erased: ArrayViewMut2<'_, u8>) -> bool {
    let (height, width) = ink.dim();
    let is_ink = |i: usize, j: usize| ink[[i, j]] >= EDGE;
    let margin = width / 32 + 1;
    let is_rule = |i: usize| {
        let n = (0..width).filter(|&j| is_ink(i, j)).count();
        let reaches =
            |columns: &mut dyn Iterator<Item = usize>| columns.take(margin).any(|j| is_ink(i, j));
        4 * n >= 3 * width && reaches(&mut (0..width)) && reaches(&mut (0..width).rev())
    };
    let max_thickness = (height / 25).max(1);
    let mut found = false;
    let mut start = 0;
    while start < height {
        let end = start + (start..height).take_while(|&i| is_rule(i)).count();
        if (1..=max_thickness).contains(&(end - start)) && height > 1 {
            found = true;
            // The line's soft edges are part of it.
            let (top, bottom) = (start.saturating_sub(1), (end + 1).min(height));
            for j in 0..width {
                let above = top.checked_sub(1).is_some_and(|i| is_ink(i, j));
                let below = bottom < height && is_ink(bottom, j);
                if !(above && below) {
                    (top..bottom).for_each(|i| erased[[i, j]] = 0);
                }
            }
        }
        start = end.max(start + 1);
    }
    found
}

/// The marks with 8-connected pixels, largest first.
fn find_marks(ink: ArrayView2<'_, u8>) -> Vec<Mark> {
    let (height, width) = ink.dim();
    let mut is_open: Vec<bool> = ink.iter().map(|&value| value >= EDGE).collect();
    let mut marks = Vec::new();
    let mut stack = Vec::new();
    for start in 0..is_open.len() {
        if !is_open[start] {
            continue;
        }
        is_open[start] = false;
        stack.push(start);
        let (top, left) = (start / width, start % width);
        let mut mark = Mark {
            bounds: Bounds {
                top,
                bottom: top + 1,
                left,
                right: left + 1,
            },
            area: 0,
            n_border: 0,
            pixels: Vec::new(),
        };
        while let Some(pixel) = stack.pop() {
            let (i, j) = (pixel / width, pixel % width);
            mark.add(i, j, (height, width));
            mark.pixels.push(pixel as u32);
            for i in i.saturating_sub(1)..height.min(i + 2) {
                for j in j.saturating_sub(1)..width.min(j + 2) {
                    let neighbor = i * width + j;
                    if std::mem::take(&mut is_open[neighbor]) {
                        stack.push(neighbor);
                    }
                }
            }
        }
        marks.push(mark);
    }
    marks.sort_by_key(|mark| std::cmp::Reverse(mark.area));
    marks.truncate(MAX_MARKS);
    marks
}

impl Mark {
    fn add(&mut self, i: usize, j: usize, (height, width): (usize, usize)) {
        self.bounds = self.bounds.union(&Bounds {
            top: i,
            bottom: i + 1,
            left: j,
            right: j + 1,
        });
        self.area += 1;
        let is_at_border = i == 0 || j == 0 || i + 1 == height || j + 1 == width;
        self.n_border += usize::from(is_at_border);
    }

    /// Whether it lies along the border of the image, as an edge or a frame does.
    fn lies_along_border(&self, (height, width): (usize, usize)) -> bool {
        let spans = 5 * self.bounds.height() >= 4 * height || 5 * self.bounds.width() >= 4 * width;
        let contact = 2 * self.n_border >= self.bounds.longer_side();
        contact || spans && self.n_border > 0
    }

    /// Whether all of it is near the edges of its bounding box, in an image of this
    /// width.
    fn lies_along_its_bounds(&self, width: usize) -> bool {
        let bounds = self.bounds;
        let (rows, columns) = (bounds.height() / 8, bounds.width() / 8);
        self.pixels.iter().all(|&pixel| {
            let (i, j) = (pixel as usize / width, pixel as usize % width);
            let is_inner_row = bounds.top + rows < i && i + rows + 1 < bounds.bottom;
            let is_inner_column = bounds.left + columns < j && j + columns + 1 < bounds.right;
            !(is_inner_row && is_inner_column)
        })
    }
}

/// Removes the marks along the border, if another mark can be a digit.
fn remove_borders(marks: &mut Vec<Mark>, size: (usize, usize)) {
    let shorter = size.0.min(size.1);
    let can_be_digit = |mark: &Mark| mark.n_border == 0 && 7 * mark.bounds.longer_side() >= shorter;
    if marks.iter().any(can_be_digit) {
        marks.retain(|mark| !mark.lies_along_border(size));
    }
}

/// Removes boxes that are drawn around another mark.
fn remove_boxes(marks: &mut Vec<Mark>, width: usize) {
    let is_inside = |mark: &Mark, other: &Mark| {
        other.bounds != mark.bounds
            && mark.bounds.contains(&other.bounds)
            && 4 * other.bounds.height() >= mark.bounds.height()
    };
    let is_box = |mark: &Mark| {
        marks.iter().any(|other| is_inside(mark, other)) && mark.lies_along_its_bounds(width)
    };
    let boxes: Vec<bool> = marks.iter().map(is_box).collect();
    let mut boxes = boxes.into_iter();
    marks.retain(|_| !boxes.next().unwrap_or(false));
}

/// Joins the marks of each digit, and drops what is too small for one.
fn digits(marks: Vec<Mark>) -> Vec<Digit> {
    let mut digits: Vec<Digit> = marks.into_iter().map(Digit::of_mark).collect();
    while let Some((first, second)) = joined_pair(&digits) {
        let other = digits.swap_remove(second);
        digits[first].join(other);
    }
    let tallest = digits.iter().map(|digit| digit.bounds.longer_side()).max();
    let largest = digits.iter().map(|digit| digit.area).max();
    let (side, area) = (tallest.unwrap_or(0) as f32, largest.unwrap_or(0) as f32);
    let (min_side, min_area) = (MIN_DIGIT.0 * side, MIN_DIGIT.1 * area);
    digits.retain(|digit| {
        digit.bounds.longer_side() as f32 >= min_side && digit.area as f32 >= min_area
    });
    digits
}

/// Two marks of the same digit, the first index below the second.
fn joined_pair(digits: &[Digit]) -> Option<(usize, usize)> {
    let seconds =
        (1..digits.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    seconds
        .into_iter()
        .find(|&(first, second)| digits[first].belongs_to(&digits[second]))
}

impl Digit {
    fn of_mark(mark: Mark) -> Self {
        Self {
            bounds: mark.bounds,
            area: mark.area,
            marks: vec![mark],
        }
    }

    fn join(&mut self, other: Self) {
        self.bounds = self.bounds.union(&other.bounds);
        self.area += other.area;
        self.marks.extend(other.marks);
    }

    /// Whether both are parts of one digit, by their distance.
    fn belongs_to(&self, other: &Self) -> bool {
        let (rows, columns) = self.bounds.gaps(&other.bounds);
        let height = self.bounds.union(&other.bounds).height() as f32;
        let is_tall = |digit: &Self| digit.bounds.height() as f32 >= 0.6 * height;
        if is_tall(self) && is_tall(other) && columns as f32 > DIGIT_GAP * height {
            return false;
        }
        let side = self.bounds.longer_side().max(other.bounds.longer_side());
        rows.max(columns) as f32 <= PEN_LIFT * side as f32
    }
}

/// Removes the ink that is far from all digits.
fn erase_others(ink: &mut Array2<u8>, digits: &[Digit]) {
    let (height, width) = ink.dim();
    let bounds = digits.iter().map(|digit| digit.bounds);
    let Some(bounds) = bounds.reduce(|all, bounds| all.union(&bounds)) else {
        return;
    };
    let radius = (bounds.longer_side() as f32 * EDGE_FRACTION).ceil() as usize;
    let mut is_kept = vec![false; height * width];
    let marks = digits.iter().flat_map(|digit| &digit.marks);
    for &pixel in marks.clone().flat_map(|mark| &mark.pixels) {
        is_kept[pixel as usize] = true;
    }
    let is_mark = is_kept.clone();
    widen(&mut is_kept, (height, width), radius);
    for ((value, is_near), is_mark) in ink.iter_mut().zip(is_kept).zip(is_mark) {
        if !is_near || *value >= EDGE && !is_mark {
            *value = 0;
        }
    }
}

/// Also marks all pixels at most `radius` rows and `radius` columns away.
fn widen(is_kept: &mut [bool], (height, width): (usize, usize), radius: usize) {
    for i in 0..height {
        widen_line(is_kept, (i * width, 1), width, radius);
    }
    for j in 0..width {
        widen_line(is_kept, (j, width), height, radius);
    }
}

/// Widens a line of `length` pixels from `start` in steps of `step`.
fn widen_line(is_kept: &mut [bool], (start, step): (usize, usize), length: usize, radius: usize) {
    let line: Vec<bool> = (0..length).map(|at| is_kept[start + at * step]).collect();
    let mut end = 0;
    for at in (0..length).filter(|&at| line[at]) {
        let from = end.max(at.saturating_sub(radius));
        end = length.min(at + radius + 1);
        (from..end).for_each(|near| is_kept[start + near * step] = true);
    }
}
