//! Finds frames: strips of one shade along the edges of an image, such as the lines of a form
//! or the table around a sheet of paper.
//!
//! The width of a strip is at most a quarter of the image. All lines of pixels in a strip
//! have the same shade, and the shade of the next line differs. A brightness gradient has no such
//! step.

use ndarray::{ArrayView2, Axis};

use super::bounds::cropped;
use super::histogram::{fraction_near, histogram, median};

/// Images with fewer lines have no frame.
const MIN_LINES: usize = 8;
/// Minimum difference in shade between a strip and the line behind it.
const STEP: u8 = 40;
/// Maximum difference of pixels of the same shade.
const SAME: u8 = 24;
/// Maximum difference of neighboring lines within a strip, or behind it.
const STEADY: u8 = 12;
/// Minimum fraction of a strip's outermost line that has its shade.
const UNIFORM: f64 = 0.8;
/// Minimum fraction of the line behind a strip that differs from the strip. A digit may
/// touch a frame; it rarely touches a single strip.
const CLEAR: f64 = 0.75;
const CLEAR_BEHIND_ONE_STRIP: f64 = 0.95;

/// The image inside of its frame; the whole image if it has none.
pub(super) fn without_frame(image: ArrayView2<'_, u8>) -> ArrayView2<'_, u8> {
    let [top, bottom, left, right] = strips(image);
    let (height, width) = image.dim();
    cropped(image, top..height - bottom, left..width - right)
}

/// Depths of the strips at the top, at the bottom, on the left and on the right.
fn strips(image: ArrayView2<'_, u8>) -> [usize; 4] {
    let from_top = image;
    let from_bottom = upside_down(from_top);
    let from_left = image.reversed_axes();
    let from_right = upside_down(from_left);
    let depths = [from_top, from_bottom, from_left, from_right].map(depth);
    let [top, bottom, left, right] = depths;
    let needed = match depths.iter().filter(|&&depth| depth > 0).count() {
        1 => CLEAR_BEHIND_ONE_STRIP,
        _ => CLEAR,
    };
    let checked = |lines: ArrayView2<'_, u8>, depth: usize, before: usize, after: usize| {
        if depth == 0 {
            return 0;
        }
        let line = |line: usize| cropped(lines, line..line + 1, before..lines.ncols() - after);
        let (strip, behind) = (line(0), line(depth));
        let pairs = strip.iter().zip(behind);
        let n_different = pairs.filter(|(a, b)| a.abs_diff(**b) >= STEP / 2).count();
        let is_clear = n_different as f64 >= needed * strip.len() as f64;
        if is_clear { depth } else { 0 }
    };
    [
        checked(from_top, top, left, right),
        checked(from_bottom, bottom, left, right),
        checked(from_left, left, top, bottom),
        checked(from_right, right, top, bottom),
    ]
}

/// The number of lines of a strip that begins with the first line, including those
/// of its blurred edge; 0 if there is none.
fn depth(lines: ArrayView2<'_, u8>) -> usize {
    let (n_lines, length) = lines.dim();
    if n_lines < MIN_LINES || length < MIN_LINES {
        return 0;
    }
    // Without the strips at both ends.
    let middle = length / 4..length - length / 4;
    let shade = |line: usize| shade(cropped(lines, line..line + 1, middle.clone()));
    let outer = shade(0);
    let counts = histogram(lines.row(0).iter().copied());
    if fraction_near(&counts, outer, SAME) < UNIFORM {
        return 0;
    }
    let max_depth = n_lines / 4;
    let Some(end) = (1..=max_depth).find(|&line| shade(line).abs_diff(outer) >= SAME) else {
        return 0;
    };
    let max_blur = 2 + n_lines / 100;
    let behind =
        (end..=end + max_blur).find(|&line| shade(line).abs_diff(shade(line + 1)) < STEADY);
    let is_steady = shade(end - 1).abs_diff(outer) <= STEADY;
    match behind {
        Some(behind) if is_steady && shade(behind).abs_diff(outer) >= STEP => {
            // The line of a box or the bar of a digit is thin, paper goes on.
            let next = behind..behind + 2 + n_lines / 16;
            let n_same = next
                .clone()
                .filter(|&line| shade(line).abs_diff(shade(behind)) < SAME);
            if 2 * n_same.count() > next.len() {
                behind
            } else {
                0
            }
        }
        _ => 0,
    }
}

fn shade(line: ArrayView2<'_, u8>) -> u8 {
    median(&histogram(line.iter().copied()))
}

fn upside_down(image: ArrayView2<'_, u8>) -> ArrayView2<'_, u8> {
    let mut image = image;
    image.invert_axis(Axis(0));
    image
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// Paper of 200 with a frame of 20 and a vertical stroke of 30.
    fn framed(depths: [usize; 4]) -> Array2<u8> {
        let [top, bottom, left, right] = depths;
        Array2::from_shape_fn((60, 50), |(i, j)| {
            let is_paper = (top..60 - bottom).contains(&i) && (left..50 - right).contains(&j);
            let is_stroke = (20..40).contains(&i) && (24..27).contains(&j);
            match (is_paper, is_stroke) {
                (_, true) => 30,
                (true, false) => 200,
                (false, false) => 20,
            }
        })
    }

    #[test]
    fn strips_are_measured_on_each_side() {
        for depths in [
            [0, 0, 0, 0],
            [1, 1, 1, 1],
            [4, 2, 3, 1],
            [12, 12, 10, 10],
            [0, 5, 0, 0],
            [3, 0, 0, 3],
        ] {
            assert_eq!(strips(framed(depths).view()), depths);
        }
    }

    #[test]
    fn a_digit_may_touch_the_frame() {
        let mut image = framed([3; 4]);
        image.indexed_iter_mut().for_each(|((i, j), value)| {
            if (3..40).contains(&i) && (24..27).contains(&j) {
                *value = 30;
            }
        });
        assert_eq!(strips(image.view()), [3; 4]);
    }

    #[test]
    fn a_gradient_has_no_strip() {
        let gradient = Array2::from_shape_fn((60, 60), |(i, _)| (230 - i * 130 / 59) as u8);
        assert_eq!(strips(gradient.view()), [0; 4]);
        assert_eq!(strips(gradient.t()), [0; 4]);
    }

    /// The bar of a 7 at the edge of its image, and one below a margin.
    #[test]
    fn the_bar_of_a_digit_is_not_a_strip() {
        for (top, left) in [(0, 0), (0, 4), (6, 4)] {
            let seven = Array2::from_shape_fn((60, 50), |(i, j)| {
                let is_bar = (top..top + 6).contains(&i) && (left..50 - left).contains(&j);
                let column = (44 - left).saturating_sub(i.saturating_sub(top) / 2);
                let is_stem = (top..58).contains(&i) && (column..column + 6).contains(&j);
                if is_bar || is_stem { 0_u8 } else { 255 }
            });
            assert_eq!(strips(seven.view()), [0; 4], "{top} {left}");
        }
    }
}
