//! Warps an image by a map of the plane.
//!
//! The pixel `p` of the warped image has the gray value of the original at
//!
//! `q = M·(p − c) + c + s + u(p)`
//!
//! where `c` is the center, `M` a linear map, `s` a shift and `u` a displacement
//! field. Between pixels the gray value is interpolated bilinearly; outside the image it is 0.

use nn_tensor::{Kernel, vectorize};

use crate::deformation::{DisplacementField, Linear, Point, lerp};

/// A map of the plane.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) linear: Linear,
    pub(crate) shift: Point,
    pub(crate) field: DisplacementField,
}

/// Warps one image after the other, reusing its buffers.
#[derive(Clone, Debug)]
pub(crate) struct Warp {
    height: usize,
    width: usize,
    /// The image with a border of zeros, one pixel wide.
    bordered: Vec<u8>,
    /// The four pixels around each cell of the bordered image, one per byte, so
    /// that a pixel costs one lookup.
    cells: Vec<u32>,
    row: WarpedRow,
}

/// Source positions of the pixels of one row.
#[derive(Clone, Debug)]
struct WarpedRow {
    /// Indices of the cells, later replaced by the pixels of the cells.
    cells: Vec<u32>,
    /// Position inside the cell, from 0 (left) to 1.
    right: Vec<f32>,
    /// Position inside the cell, from 0 (top) to 1.
    below: Vec<f32>,
}

impl Warp {
    pub(crate) fn new((height, width): (usize, usize)) -> Self {
        Self {
            height,
            width,
            bordered: vec![0; (height + 2) * (width + 2)],
            cells: vec![0; (height + 1) * (width + 1)],
            row: WarpedRow {
                cells: vec![0; width],
                right: vec![0.0; width],
                below: vec![0.0; width],
            },
        }
    }

    /// Writes `image`, warped by `map`, to `warped`.
    ///
    /// # Panics
    /// Panics if an image does not have `height·width` pixels.
    pub(crate) fn apply(&mut self, image: &[u8], map: &Map, warped: &mut [u8]) {
        let n_pixels = self.height * self.width;
        assert_eq!(
            (image.len(), warped.len()),
            (n_pixels, n_pixels),
            "pixels of an image"
        );
        vectorize(Drawing {
            warp: self,
            map,
            image,
            warped,
        });
    }
}

struct Drawing<'a> {
    warp: &'a mut Warp,
    map: &'a Map,
    image: &'a [u8],
    warped: &'a mut [u8],
}

impl Kernel for Drawing<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            warp,
            map,
            image,
            warped,
        } = self;
        warp.load(image);
        for (y, warped) in warped.chunks_exact_mut(warp.width).enumerate() {
            warp.row.locate(y, warp.height, map);
            for cell in &mut warp.row.cells {
                *cell = warp.cells[*cell as usize];
            }
            warp.row.draw(warped);
        }
    }
}

impl Warp {
    #[inline(always)]
    fn load(&mut self, image: &[u8]) {
        let stride = self.width + 2;
        let rows = self.bordered.chunks_exact_mut(stride).skip(1);
        for (bordered, row) in rows.zip(image.chunks_exact(self.width)) {
            bordered[1..=self.width].copy_from_slice(row);
        }
        for (y, cells) in self.cells.chunks_exact_mut(self.width + 1).enumerate() {
            let upper = &self.bordered[y * stride..][..stride];
            let lower = &self.bordered[(y + 1) * stride..][..stride];
            let pairs = upper.iter().zip(&upper[1..]);
            let pairs = pairs.zip(lower.iter().zip(&lower[1..]));
            for (cell, ((a, b), (c, d))) in cells.iter_mut().zip(pairs) {
                *cell = u32::from_le_bytes([*a, *b, *c, *d]);
            }
        }
    }
}

impl WarpedRow {
    /// Computes the source positions of row `y` of an image `height` pixels high.
    #[inline(always)]
    fn locate(&mut self, y: usize, height: usize, map: &Map) {
        let width = self.cells.len();
        let center = [width, height].map(|length| 0.5 * (length - 1) as f32);
        let [dx, dy] = map.field.row(y);
        let places = self
            .cells
            .iter_mut()
            .zip(&mut self.right)
            .zip(&mut self.below);
        for (x, (((cell, right), below), (dx, dy))) in places.zip(dx.iter().zip(dy)).enumerate() {
            let turned = map
                .linear
                .apply([x as u32 as f32 - center[0], y as f32 - center[1]]);
            let column = place_in(turned[0] + center[0] + map.shift[0] + dx, width);
            let row = place_in(turned[1] + center[1] + map.shift[1] + dy, height);
            *cell = row.0 * (width as u32 + 1) + column.0;
            (*right, *below) = (column.1, row.1);
        }
    }

    /// Interpolates between the four pixels of each cell.
    #[inline(always)]
    fn draw(&self, warped: &mut [u8]) {
        let places = self.cells.iter().zip(&self.right).zip(&self.below);
        for (pixel, ((cell, &right), &below)) in warped.iter_mut().zip(places) {
            let gray = |corner: u32| (*cell >> (8 * corner) & 0xff) as f32;
            let upper = lerp(gray(0), gray(1), right);
            let lower = lerp(gray(2), gray(3), right);
            *pixel = (lerp(upper, lower, below) + 0.5) as u8;
        }
    }
}

/// The pixel of the bordered image before `position`, and the distance from it.
#[inline(always)]
fn place_in(position: f32, length: usize) -> (u32, f32) {
    let inside = (position + 1.0).clamp(0.0, (length + 1) as f32);
    let before = (inside as u32).min(length as u32);
    (before, inside - before as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(shift: Point) -> Map {
        Map {
            linear: Linear::scale(1.0, 1.0),
            shift,
            field: DisplacementField::new(2, 3),
        }
    }

    fn warped(shift: Point) -> [u8; 6] {
        let mut warped = [9; 6];
        Warp::new((2, 3)).apply(&[10, 20, 30, 40, 50, 60], &map(shift), &mut warped);
        warped
    }

    #[test]
    fn pixels_come_from_where_the_map_says() {
        assert_eq!(warped([0.0, 0.0]), [10, 20, 30, 40, 50, 60]);
        assert_eq!(warped([1.0, 0.0]), [20, 30, 0, 50, 60, 0]);
        assert_eq!(warped([0.0, -1.0]), [0, 0, 0, 10, 20, 30]);
        assert_eq!(warped([0.5, 0.5]), [30, 40, 23, 23, 28, 15]);
        assert_eq!(warped([1e30, f32::NEG_INFINITY]), [0; 6]);
    }

    #[test]
    fn no_pixels_of_the_previous_image_remain() {
        let mut warp = Warp::new((2, 3));
        let mut warped = [0; 6];
        warp.apply(&[255; 6], &map([0.3, 0.3]), &mut warped);
        warp.apply(&[0; 6], &map([0.3, 0.3]), &mut warped);
        assert_eq!(warped, [0; 6]);
    }
}
