//! `C ← A·B` and `C ← C + A·B` for an A with many zeros, such as the outputs of a
//! ReLU layer and their errors, about half of which are 0.
//!
//! Terms with a zero are skipped. But each row of B that is loaded from the cache has to be
//! used for more than one row of A; otherwise, loads limit the speed. So rows of A are
//! processed in pairs, and the terms where both rows are 0 are skipped:
//!
//! ```text
//! for a block of NC columns of C, for a block of KC of the summed index
//!   pack B into panels                                 (see gemm.rs)
//!   for some panels, for a block of rows of A
//!     for a segment of the summed index     (its part of the panels stays in the L1 cache)
//!       for every pair of rows, for every index of the segment where either is not 0
//!         add a row of the panels to the two rows of sums in registers
//!     write the sums
//! ```
//!
//! Rows are paired in the order of their number of nonzero elements, so that dense rows
//! do not prevent skipping terms of sparse ones. Each sum has the same terms in the same
//! order as in `gemm.rs`, so pairing does not change a bit of the result.

use std::ops::Range;

use super::dispatch::Element;
use super::gemm::{NC, PANEL, multiply_panels, pack_panels};
use super::instruction_set::InstructionSet;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{Columns, Epilogue, Listed, finish, gather};
use super::pack::KC;
use super::product::Product;
use super::scratch::{Scratch, USUAL_LEN};
use super::simd::{MAX_LANES, Program, Simd};
use crate::AlignedSlice;

/// Maximum number of rows in a block, whose sums stay in the L2 cache.
pub(crate) const MAX_ROWS: usize = 256;

/// Length of a segment of the summed index.
const SEGMENT: usize = 64;

/// Number of sums of a block of rows and the widest pass of columns.
const SUMS_LEN: usize = MAX_ROWS * 8 * MAX_LANES;

const _: () = assert!(SUMS_LEN + NC * KC <= USUAL_LEN);

/// A block of rows of A in pairs, without the terms where both rows of a pair are 0.
#[derive(Debug)]
pub struct RowPairs<T> {
    set: InstructionSet,
    n_rows: usize,
    depth: usize,
    /// The rows in the order of their pairing, for each block of KC.
    order: Vec<u16>,
    /// First term of each pair, segment after segment, and the number of terms.
    starts: Vec<u32>,
    /// Index of each term within a block of KC.
    indices: Vec<u16>,
    /// Value of each term in the first row of the pair and in the second.
    values: [Vec<T>; 2],
    /// A block of KC of the rows, packed like B.
    packed: AlignedSlice<T>,
}

impl<T: Element> RowPairs<T> {
    /// A buffer without rows.
    pub(crate) fn new() -> Self {
        Self {
            set: InstructionSet::Portable,
            n_rows: 0,
            depth: 0,
            order: Vec::new(),
            starts: Vec::new(),
            indices: Vec::new(),
            values: [Vec::new(), Vec::new()],
            packed: AlignedSlice::empty(),
        }
    }

    /// Orders the packed rows by their number of nonzero elements. A counting sort.
    fn pair_rows(&mut self, width: usize, depth: usize) {
        let mut counts = [0_u16; MAX_ROWS];
        for panel in self
            .packed
            .chunks_exact(self.n_rows * width)
            .take(depth.div_ceil(width))
        {
            for (count, row) in counts.iter_mut().zip(panel.chunks_exact(width)) {
                *count += row
                    .iter()
                    .fold(0, |n, value| n + u16::from(*value != T::default()));
            }
        }
        let counts = &counts[..self.n_rows];
        let mut places = [0_u16; KC + 2];
        counts
            .iter()
            .for_each(|&count| places[usize::from(count) + 1] += 1);
        for place in 1..places.len() {
            places[place] += places[place - 1];
        }
        let first = self.order.len();
        self.order.resize(first + self.n_rows, 0);
        for (row, &count) in (0..).zip(counts) {
            let place = &mut places[usize::from(count)];
            self.order[first + usize::from(*place)] = row;
            *place += 1;
        }
    }

    /// Appends the terms of a segment of the packed block, pair after pair.
    #[inline(always)]
    fn list<V: Simd<T = T>>(&mut self, segment: Range<usize>) {
        let width = PANEL * V::LANES;
        let rows = &self.order[self.order.len() - self.n_rows..];
        let mut n = self.starts[self.starts.len() - 1] as usize;
        for pair in rows.chunks(2) {
            for column in segment.clone().step_by(V::LANES) {
                let panel = column / width * self.n_rows * width + column % width;
                let row = |row: u16| {
                    let start = panel + usize::from(row) * width;
                    self.packed[start..][..V::LANES].as_ptr()
                };
                // SAFETY: the rows have the width of the panel. `ListPairs` has made
                // room for all terms and a vector more: the lanes of a panel beyond
                // the depth are 0 in both rows.
                unsafe {
                    let first = V::load(row(pair[0]));
                    let second = match pair.get(1) {
                        Some(&second) => V::load(row(second)),
                        None => V::zero(),
                    };
                    let [own, other] = &mut self.values;
                    n += V::write_nonzero(
                        [first, second],
                        column as u16,
                        self.indices.as_mut_ptr().add(n),
                        [own.as_mut_ptr().add(n), other.as_mut_ptr().add(n)],
                    );
                }
            }
            self.starts
                .push(u32::try_from(n).expect("a block has few terms"));
        }
    }

    /// The starts of the segments of a block of KC, and its rows in order.
    fn block(&self, start: usize) -> (&[u32], &[u16]) {
        let n_pairs = self.n_rows.div_ceil(2);
        let summed = KC.min(self.depth - start);
        let first = start / SEGMENT * n_pairs;
        let n_segments = summed.div_ceil(SEGMENT);
        let order = start / KC * self.n_rows;
        (
            &self.starts[first..=first + n_segments * n_pairs],
            &self.order[order..order + self.n_rows],
        )
    }
}

/// Replaces `pairs` with the rows of `a`, for products with the same instruction set.
/// Allocates only if the matrix is larger than every earlier one.
#[derive(Debug)]
pub struct ListPairs<'a, T> {
    pub(crate) set: InstructionSet,
    pub(crate) pairs: &'a mut RowPairs<T>,
    pub(crate) a: Matrix<'a, T>,
}

impl<T: Element> Program<T> for ListPairs<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let (pairs, [n_rows, depth]) = (self.pairs, self.a.shape());
        assert!(
            n_rows <= MAX_ROWS,
            "expected at most {MAX_ROWS} rows per block, found {n_rows}"
        );
        (pairs.set, pairs.n_rows, pairs.depth) = (self.set, n_rows, depth);
        let n_pairs = n_rows.div_ceil(2);
        let most = n_pairs * depth + MAX_LANES;
        grow(&mut pairs.indices, most);
        pairs
            .values
            .iter_mut()
            .for_each(|values| grow(values, most));
        if pairs.packed.len() < n_rows * KC {
            pairs.packed = AlignedSlice::new(T::default(), n_rows * KC);
        }
        pairs.order.clear();
        pairs.order.reserve(n_rows * depth.div_ceil(KC));
        pairs.starts.clear();
        pairs.starts.reserve(n_pairs * depth.div_ceil(SEGMENT) + 1);
        pairs.starts.push(0);
        let width = PANEL * V::LANES;
        for start in (0..depth).step_by(KC) {
            let summed = start..depth.min(start + KC);
            pack_panels::<V>(self.a.columns(summed.clone()), width, &mut pairs.packed);
            pairs.pair_rows(width, summed.len());
            for segment in (0..summed.len()).step_by(SEGMENT) {
                pairs.list::<V>(segment..summed.len().min(segment + SEGMENT));
            }
        }
    }
}

/// Grows a buffer to at least `len` elements, with unspecified values.
fn grow<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        *buffer = vec![T::default(); len];
    }
}

/// Number of columns of B that pairs of rows are multiplied by at a time.
#[inline(always)]
fn pass_width<V: Simd>() -> usize {
    V::MAX_SUMS / 2 * V::LANES
}

/// Computes `product` from the row pairs of A in `pairs`, one block at a time.
#[derive(Debug)]
pub struct PairProduct<'a, T> {
    pub(crate) set: InstructionSet,
    pub(crate) pairs: &'a [RowPairs<T>],
    pub(crate) product: Product<'a, T>,
}

impl<T: Element> Program<T> for PairProduct<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        let n_paired: usize = self.pairs.iter().map(|block| block.n_rows).sum();
        assert!(n_paired == self.product.a.shape()[0]);
        for block in self.pairs {
            assert!(block.set == self.set && block.depth == self.product.depth());
        }
        let Product {
            a,
            b,
            mut c,
            epilogue,
        } = self.product;
        let ([depth, n_columns], pass) = (b.shape(), pass_width::<V>());
        let mut scratch = Scratch::borrow();
        let (sums, panels) = scratch.take(SUMS_LEN + NC * KC).split_at_mut(SUMS_LEN);
        for column in (0..n_columns).step_by(NC) {
            let end = n_columns.min(column + NC);
            // Whole passes; the remaining columns use the dense kernel.
            let last = end - (end - column) % pass;
            for start in (0..depth).step_by(KC) {
                let summed = start..depth.min(start + KC);
                let epilogue = epilogue.for_terms_from(start);
                let block = b.rows(summed.clone());
                let len = pack_panels::<V>(block.columns(column..last), pass, panels);
                let (passes, rest) = panels.split_at_mut(len);
                pack_panels::<V>(block.columns(last..end), PANEL * V::LANES, rest);
                let mut row = 0;
                for pairs in self.pairs {
                    let rows = row..row + pairs.n_rows;
                    row = rows.end;
                    for (index, panel) in passes.chunks_exact(pass * summed.len()).enumerate() {
                        let first = column + index * pass;
                        let columns = first..first + pass;
                        V::vectorize(BlockOfPairs {
                            pairs,
                            start,
                            panel,
                            sums: &mut *sums,
                            c: c.part(rows.clone(), columns.clone()),
                            epilogue: epilogue.of_columns(columns),
                        });
                    }
                    let a = a.rows(rows.clone()).columns(summed.clone());
                    let (c, epilogue) = (c.part(rows, last..end), epilogue.of_columns(last..end));
                    multiply_panels::<V>(a, rest, c, epilogue);
                }
            }
        }
    }
}

/// A block of rows times a packed panel of B.
struct BlockOfPairs<'a, T> {
    pairs: &'a RowPairs<T>,
    /// First term of the panel.
    start: usize,
    panel: &'a [T],
    /// Scratch memory for the sums of all pairs.
    sums: &'a mut [T],
    c: MatrixMut<'a, T>,
    epilogue: Epilogue<'a, T>,
}

impl<T: Element> Program<T> for BlockOfPairs<'_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        match V::MAX_SUMS / 2 {
            8 => self.multiply::<V, 8>(),
            4 => self.multiply::<V, 4>(),
            _ => self.multiply::<V, 2>(),
        }
    }
}

impl<T: Element> BlockOfPairs<'_, T> {
    /// Multiplies by a panel of `N` vectors of columns.
    #[inline(always)]
    fn multiply<V: Simd<T = T>, const N: usize>(mut self) {
        let (starts, order) = self.pairs.block(self.start);
        let n_pairs = order.len().div_ceil(2);
        let n_segments = (starts.len() - 1) / n_pairs.max(1);
        let len = 2 * N * V::LANES;
        assert!(N * V::LANES == pass_width::<V>() && self.sums.len() >= n_pairs * len);
        for segment in 0..n_segments {
            let starts = &starts[segment * n_pairs..];
            for (pair, members) in order.chunks(2).enumerate() {
                let (start, end) = (starts[pair] as usize, starts[pair + 1] as usize);
                // SAFETY: the terms lie between the starts, their rows in the
                // panel; there is room for the sums of all pairs.
                unsafe {
                    let memory = self.sums.as_mut_ptr().add(pair * len);
                    let mut sums = [[V::zero(); N]; 2];
                    if segment > 0 {
                        for (index, sum) in sums.as_flattened_mut().iter_mut().enumerate() {
                            *sum = V::load(memory.add(index * V::LANES));
                        }
                    }
                    let [first, second] = &self.pairs.values;
                    let terms = Listed {
                        indices: self.pairs.indices.as_ptr().add(start),
                        factors: [first.as_ptr().add(start), second.as_ptr().add(start)],
                        n: end - start,
                        row_stride: (N * V::LANES) as isize,
                    };
                    let columns = Columns::<false>(N * V::LANES);
                    gather(terms, self.panel.as_ptr(), columns, &mut sums);
                    if segment + 1 < n_segments {
                        for (index, sum) in sums.as_flattened().iter().enumerate() {
                            sum.store(memory.add(index * V::LANES));
                        }
                        continue;
                    }
                    for (&member, sums) in members.iter().zip(sums) {
                        let row = usize::from(member);
                        finish([sums], self.c.rows(row..row + 1), self.epilogue);
                    }
                }
            }
        }
    }
}
