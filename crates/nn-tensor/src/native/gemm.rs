//! Dense products `C ← A·B` and `C ← C + A·B`, with row-major `C` and any strides
//! of `A` and `B`.
//!
//! The loops follow Goto & van de Geijn (2008), simplified for the matrix sizes of a
//! multilayer perceptron:
//!
//! ```text
//! for a block of NC columns of C            (the block of B stays in the L2 cache)
//!   for a block of KC of the summed index
//!     pack B into panels of NR columns      (pack.rs)
//!     for a strip of MR rows, for a panel   (MR × NR sums stay in registers)
//!       micro-kernel                        (micro.rs)
//! ```
//!
//! Every element of `C` is summed in the same order (blocks of [`KC`] terms, in
//! sequence within a block), for all sizes of the matrices and all splits of `C`
//! between threads. So results do not depend on the number of threads.

use std::ops::Range;

use super::dispatch::Element;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{Columns, Epilogue, Strided, finish, gather};
use super::pack::{KC, Pack};
use super::product::Product;
use super::row::RowByRow;
use super::scratch::Scratch;
use super::simd::{Program, Simd, prefetch};

/// Width of a block of columns, a multiple of every panel's width.
pub(super) const NC: usize = 512;

/// Vectors in a row of a panel.
pub(super) const PANEL: usize = 2;

/// Maximum number of rows of a product that is computed one row at a time, without
/// packing B: packing would be most of the work.
const MAX_SINGLE_ROWS: usize = 2;

/// Maximum number of rows of a product with a row-major B that is read in place:
/// packing B would cost more than it gains.
const MAX_UNPACKED_ROWS: usize = 64;

impl<T: Element> Program<T> for Product<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(mut self) {
        let [n_rows, n_columns] = self.c.shape();
        let is_row_major = self.b.strides()[1] == 1;
        if self.depth() == 0 {
            self.write_empty_sums();
        } else if n_rows <= MAX_SINGLE_ROWS && is_row_major {
            V::vectorize(RowByRow(&mut self));
        } else if is_row_major && (n_columns <= PANEL * V::LANES || n_rows <= MAX_UNPACKED_ROWS) {
            V::vectorize(InPlace(&mut self));
        } else {
            V::vectorize(Packed(&mut self));
        }
    }
}

/// A product with a row-major B, which is read in place.
struct InPlace<'p, 'a, T>(&'p mut Product<'a, T>);

impl<T: Element> Program<T> for InPlace<'_, '_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let Product { a, b, c, epilogue } = self.0;
        let ([n_rows, n_columns], depth) = (c.shape(), a.shape()[1]);
        let width = PANEL * V::LANES;
        for start in (0..depth).step_by(KC) {
            let summed = start..depth.min(start + KC);
            let epilogue = epilogue.for_terms_from(start);
            for column in (0..n_columns).step_by(width) {
                let columns = column..n_columns.min(column + width);
                let n_columns = columns.len();
                for rows in strips(n_rows, V::MAX_ROWS) {
                    let tile = &mut Product {
                        a: a.part(rows.clone(), summed.clone()),
                        b: b.rows(summed.clone()).columns(columns.clone()),
                        c: c.part(rows, columns.clone()),
                        epilogue: epilogue.of_columns(columns.clone()),
                    };
                    // SAFETY: the tile has this number of columns.
                    unsafe {
                        if n_columns == width {
                            micro_tile::<V, PANEL, false>(tile);
                        } else if n_columns > V::LANES {
                            micro_tile::<V, PANEL, true>(tile);
                        } else if n_columns == V::LANES {
                            micro_tile::<V, 1, false>(tile);
                        } else {
                            micro_tile::<V, 1, true>(tile);
                        }
                    }
                }
            }
        }
    }
}

/// A product with a B that is packed one block at a time.
struct Packed<'p, 'a, T>(&'p mut Product<'a, T>);

impl<T: Element> Program<T> for Packed<'_, '_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let Product { a, b, c, epilogue } = self.0;
        let ([n_rows, n_columns], depth) = (c.shape(), a.shape()[1]);
        let mut scratch = Scratch::borrow();
        let panels = scratch.take(NC * KC);
        for column in (0..n_columns).step_by(NC) {
            let columns = column..n_columns.min(column + NC);
            for start in (0..depth).step_by(KC) {
                let summed = start..depth.min(start + KC);
                let block = b.rows(summed.clone()).columns(columns.clone());
                let epilogue = epilogue.for_terms_from(start).of_columns(columns.clone());
                let c = c.part(0..n_rows, columns.clone());
                pack_panels::<V>(block, PANEL * V::LANES, panels);
                multiply_panels::<V>(a.columns(summed), panels, c, epilogue);
            }
        }
    }
}

/// Packs a block of B into panels of `width` columns, the last one padded with
/// zeros, and returns their total length.
#[inline(always)]
pub(super) fn pack_panels<V: Simd>(
    block: Matrix<'_, V::T>,
    width: usize,
    panels: &mut [V::T],
) -> usize {
    let [depth, n_columns] = block.shape();
    let starts = (0..n_columns).step_by(width);
    let panel_len = depth * width;
    let len = starts.len() * panel_len;
    for (to, start) in panels.chunks_exact_mut(panel_len).zip(starts) {
        let block = block.columns(start..n_columns.min(start + width));
        V::vectorize(Pack { block, width, to });
    }
    len
}

/// Multiplies a block of A by a block of B in panels, strip by strip and panel by
/// panel.
#[inline(always)]
pub(super) fn multiply_panels<V: Simd>(
    a: Matrix<'_, V::T>,
    panels: &[V::T],
    mut c: MatrixMut<'_, V::T>,
    epilogue: Epilogue<'_, V::T>,
) {
    let ([n_rows, depth], [_, n_columns]) = (a.shape(), c.shape());
    let width = PANEL * V::LANES;
    let n_panels = n_columns.div_ceil(width);
    for rows in strips(n_rows, V::MAX_ROWS) {
        let next = rows.end..n_rows.min(rows.end + V::MAX_ROWS);
        for (index, panel) in panels
            .chunks_exact(width * depth)
            .enumerate()
            .take(n_panels)
        {
            let start = |index| index * depth / n_panels;
            prefetch_strip(a, next.clone(), start(index)..start(index + 1));
            let columns = index * width..n_columns.min((index + 1) * width);
            let is_narrow = columns.len() <= V::LANES;
            let tile = &mut Product {
                a: a.rows(rows.clone()),
                // Padded with zeros to whole vectors.
                b: Matrix::new(panel, [depth, width]),
                c: c.part(rows.clone(), columns.clone()),
                epilogue: epilogue.of_columns(columns),
            };
            // SAFETY: B has whole vectors.
            unsafe {
                if is_narrow {
                    micro_tile::<V, 1, false>(tile);
                } else {
                    micro_tile::<V, PANEL, false>(tile);
                }
            }
        }
    }
}

/// Prefetches a part of the next strip of A, if A is transposed: each term lies in a
/// different cache line, which the hardware prefetcher does not predict.
fn prefetch_strip<T>(a: Matrix<'_, T>, rows: Range<usize>, summed: Range<usize>) {
    if a.strides()[0] != 1 || rows.is_empty() {
        return;
    }
    for index in summed {
        for row in [rows.start, rows.end - 1] {
            prefetch(a.at(row, index));
        }
    }
}

/// Splits rows into strips of nearly equal height, at most `max_rows`.
fn strips(n_rows: usize, max_rows: usize) -> impl Iterator<Item = Range<usize>> {
    let count = n_rows.div_ceil(max_rows);
    let (height, n_higher) = (n_rows / count.max(1), n_rows % count.max(1));
    let start = move |index: usize| index * height + index.min(n_higher);
    (0..count).map(move |index| start(index)..start(index + 1))
}

/// Computes a tile of C: up to [`Simd::MAX_ROWS`] rows and `N` vectors of columns,
/// the last of which may be partial.
///
/// # Safety
/// B must have `N` whole vectors of columns, or only the columns of C if `IS_PART`.
#[inline(always)]
unsafe fn micro_tile<V: Simd, const N: usize, const IS_PART: bool>(tile: &mut Product<'_, V::T>) {
    macro_rules! of_rows {
        ($($rows:literal)*) => {
            match tile.a.shape()[0] {
                $($rows if const { $rows <= V::MAX_ROWS } => {
                    V::vectorize(MicroTile::<_, $rows, N, IS_PART>(tile));
                })*
                _ => {}
            }
        };
    }
    of_rows!(1 2 3 4 5 6 7 8 9 10 11 12 13 14);
}

struct MicroTile<'p, 'a, T, const R: usize, const N: usize, const IS_PART: bool>(
    &'p mut Product<'a, T>,
);

impl<T: Copy, const R: usize, const N: usize, const IS_PART: bool> Program<T>
    for MicroTile<'_, '_, T, R, N, IS_PART>
{
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let Product { a, b, c, epilogue } = self.0;
        let (a, b, mut c, epilogue) = (*a, *b, c.reborrow(), *epilogue);
        if let Epilogue::Accumulate = epilogue {
            for row in 0..R {
                for vector in 0..N {
                    prefetch(c.at(row, vector * V::LANES));
                }
            }
        }
        // SAFETY: see `micro_tile`; the tile has `R` rows.
        unsafe {
            let terms = Strided::new(a, b.strides()[0]);
            let columns = Columns::<IS_PART>(c.shape()[1]);
            let mut sums = [[V::zero(); N]; R];
            gather(terms, b.at(0, 0), columns, &mut sums);
            finish(sums, c, epilogue);
        }
    }
}
