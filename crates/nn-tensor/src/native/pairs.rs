//! `C ← A·B` and `C ← C + A·B` where many numbers of A are 0, as half of what
//! leaves a rectifier is, on the way forward and on the way back.
//!
//! A term with a 0 adds nothing. But a row of B that is read from the cache has
//! to serve more than one row of A, or reading is what takes the time. So rows
//! of A go in pairs, and what is left out are the terms in which both have a 0:
//!
//! ```text
//! for a block of NC columns of C, for a block of KC of the summed index
//!   pack B into panels                                 (as gemm.rs)
//!   for some panels, for a block of rows of A
//!     for a segment of the summed index     (its part of the panels stays in the L1 cache)
//!       for every pair of rows, for every index of the segment that either has
//!         add a row of the panels to the two rows of sums, which are in registers
//!     write the sums
//! ```
//!
//! Rows are paired in the order of how many numbers they have, so that full
//! rows do not keep the empty ones from leaving terms out. Each element of C is
//! summed by the same chain of multiply-adds as in `gemm.rs`, and whom a row is
//! paired with changes nothing.

use std::cell::RefCell;
use std::ops::Range;
use std::thread::LocalKey;

use super::dispatch::{Element, dispatch};
use super::gemm::{NC, PANEL, multiply_panels, pack_panels};
use super::instruction_set::InstructionSet;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{Columns, Epilogue, Paired, finish, gather};
use super::pack::KC;
use super::product::Product;
use super::scratch::{Scratch, USUAL_LEN};
use super::simd::{MAX_LANES, Program, Simd};
use crate::AlignedSlice;

/// Maximum number of rows in a block: as many sums stay in the L2 cache.
pub(crate) const MAX_ROWS: usize = 256;

/// Length of a segment of the summed index.
const SEGMENT: usize = 64;

/// Room for the sums of a block of rows and the widest pass of columns.
const SUMS_LEN: usize = MAX_ROWS * 8 * MAX_LANES;

const _: () = assert!(SUMS_LEN + NC * KC <= USUAL_LEN);

/// Element types whose row pairs are kept per thread.
pub trait PairMemory: Element {
    #[doc(hidden)]
    fn pairs() -> &'static LocalKey<RefCell<Vec<RowPairs<Self>>>>;
}

macro_rules! pair_memory {
    ($type:ty) => {
        impl PairMemory for $type {
            fn pairs() -> &'static LocalKey<RefCell<Vec<RowPairs<Self>>>> {
                thread_local!(static PAIRS: RefCell<Vec<RowPairs<$type>>> = const {
                    RefCell::new(Vec::new())
                });
                &PAIRS
            }
        }
    };
}

pair_memory!(f32);
pair_memory!(f64);

/// Some rows of A in pairs, without the terms in which both have a 0.
#[derive(Debug)]
pub struct RowPairs<T> {
    set: InstructionSet,
    n_rows: usize,
    depth: usize,
    /// For every block of KC, the rows in the order in which they are paired.
    order: Vec<u16>,
    /// Where the terms of each pair start, segment after segment; one more at
    /// the end.
    starts: Vec<u32>,
    /// Offset of each term's row of a panel from the panel's first one.
    offsets: Vec<u16>,
    /// Values of each term in the first row of the pair and in the second.
    values: [Vec<T>; 2],
    /// A block of the rows, packed like B.
    packed: AlignedSlice<T>,
}

impl<T: Element> RowPairs<T> {
    /// No rows.
    pub(crate) fn new() -> Self {
        Self {
            set: InstructionSet::Portable,
            n_rows: 0,
            depth: 0,
            order: Vec::new(),
            starts: Vec::new(),
            offsets: Vec::new(),
            values: [Vec::new(), Vec::new()],
            packed: AlignedSlice::empty(),
        }
    }

    /// Orders the packed rows by the number of elements that are not 0. A
    /// counting sort.
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
    ///
    /// # Safety
    /// The machine must have the instructions of `V`.
    #[inline(always)]
    unsafe fn list<V: Simd<T = T>>(&mut self, segment: Range<usize>) {
        let width = PANEL * V::LANES;
        let step = pass_width::<V>() as u16;
        let rows = &self.order[self.order.len() - self.n_rows..];
        let mut n = self.starts[self.starts.len() - 1] as usize;
        for pair in rows.chunks(2) {
            for column in segment.clone().step_by(V::LANES) {
                let panel = column / width * self.n_rows * width + column % width;
                let row = |row: u16| {
                    let start = panel + usize::from(row) * width;
                    self.packed[start..][..V::LANES].as_ptr()
                };
                // SAFETY: the rows have the panel's width. With those before,
                // there are at most as many terms as `fill` has made room for,
                // and a vector more: the lanes of a panel that are beyond the
                // depth are 0 in both rows.
                unsafe {
                    let first = V::load(row(pair[0]));
                    let second = match pair.get(1) {
                        Some(&second) => V::load(row(second)),
                        None => V::zero(),
                    };
                    let values = self.values.each_mut().map(|values| values.as_mut_ptr());
                    n += first.write_pairs(
                        second,
                        [column as u16 * step, step],
                        self.offsets.as_mut_ptr().add(n),
                        values.map(|values| values.add(n)),
                    );
                }
            }
            self.starts
                .push(u32::try_from(n).expect("the rows are a block"));
        }
    }

    /// Segments of a block of KC, as indices into `starts`, and its rows.
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

/// Makes `pairs` the rows of `a`, for products with the instructions of `set`.
/// Allocates only for a matrix larger than all before.
///
/// # Panics
/// If there are more rows than [`MAX_ROWS`].
pub(crate) fn fill<T: Element>(set: InstructionSet, pairs: &mut RowPairs<T>, a: Matrix<'_, T>) {
    let [n_rows, depth] = a.shape();
    assert!(n_rows <= MAX_ROWS, "{n_rows} rows are too many for a block");
    (pairs.set, pairs.n_rows, pairs.depth) = (set, n_rows, depth);
    let n_pairs = n_rows.div_ceil(2);
    let most = n_pairs * depth + MAX_LANES;
    grow(&mut pairs.offsets, most);
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
    dispatch(set, Fill { pairs, a });
}

/// Makes a buffer at least as long, with unspecified values.
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

/// CompressedRows the terms of `a`.
struct Fill<'a, T> {
    pairs: &'a mut RowPairs<T>,
    a: Matrix<'a, T>,
}

impl<T: Element> Program<T> for Fill<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        let Self { pairs, a } = self;
        let width = PANEL * V::LANES;
        for start in (0..pairs.depth).step_by(KC) {
            let summed = start..pairs.depth.min(start + KC);
            // SAFETY: as the caller's promise.
            unsafe {
                pack_panels::<V>(a.columns(summed.clone()), width, &mut pairs.packed);
                pairs.pair_rows(width, summed.len());
                for segment in (0..summed.len()).step_by(SEGMENT) {
                    pairs.list::<V>(segment..summed.len().min(segment + SEGMENT));
                }
            }
        }
    }
}

/// `c ← a·b`, or what else the epilogue says, in the calling thread, with the
/// rows of `a` in `pairs`, block after block.
///
/// # Panics
/// If the shapes do not fit, or the pairs were made for other instructions.
pub(crate) fn gemm_of_pairs<T: Element>(
    set: InstructionSet,
    pairs: &[RowPairs<T>],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    c: MatrixMut<'_, T>,
    epilogue: Epilogue<'_, T>,
) {
    let product = Product::new(a, b, c, epilogue);
    let n_paired: usize = pairs.iter().map(|block| block.n_rows).sum();
    assert!(n_paired == a.shape()[0]);
    let is_alike = |block: &RowPairs<T>| block.set == set && block.depth == product.depth();
    assert!(pairs.iter().all(is_alike));
    dispatch(set, PairProduct { pairs, product });
}

struct PairProduct<'a, T> {
    pairs: &'a [RowPairs<T>],
    product: Product<'a, T>,
}

impl<T: Element> Program<T> for PairProduct<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
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
            // As many whole passes as there are, and the last columns as dense.
            let last = end - (end - column) % pass;
            for start in (0..depth).step_by(KC) {
                let summed = start..depth.min(start + KC);
                let epilogue = epilogue.for_terms_from(start);
                let block = b.rows(summed.clone());
                // SAFETY: as the caller's promise.
                let (passes, rest) = unsafe {
                    let len = pack_panels::<V>(block.columns(column..last), pass, panels);
                    let (passes, rest) = panels.split_at_mut(len);
                    pack_panels::<V>(block.columns(last..end), PANEL * V::LANES, rest);
                    (&*passes, &*rest)
                };
                let mut row = 0;
                for pairs in self.pairs {
                    let rows = row..row + pairs.n_rows;
                    row = rows.end;
                    for (index, panel) in passes.chunks_exact(pass * summed.len()).enumerate() {
                        let first = column + index * pass;
                        let columns = first..first + pass;
                        let block = BlockOfPairs {
                            pairs,
                            start,
                            panel,
                            sums: &mut *sums,
                            c: c.part(rows.clone(), columns.clone()),
                            epilogue: epilogue.of_columns(columns),
                        };
                        // SAFETY: as the caller's promise.
                        unsafe { V::vectorize(block) };
                    }
                    let a = a.rows(rows.clone()).columns(summed.clone());
                    let (c, epilogue) = (c.part(rows, last..end), epilogue.of_columns(last..end));
                    // SAFETY: as the caller's promise.
                    unsafe { multiply_panels::<V>(a, rest, c, epilogue) };
                }
            }
        }
    }
}

/// A block of rows times a packed panel of B.
struct BlockOfPairs<'a, T> {
    pairs: &'a RowPairs<T>,
    /// The first term of the panel.
    start: usize,
    panel: &'a [T],
    /// Memory for the sums of all pairs.
    sums: &'a mut [T],
    c: MatrixMut<'a, T>,
    epilogue: Epilogue<'a, T>,
}

impl<T: Element> Program<T> for BlockOfPairs<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        // SAFETY: as the caller's promise; these are the vectors of a pass.
        unsafe {
            match V::MAX_SUMS / 2 {
                8 => self.multiply::<V, 8>(),
                4 => self.multiply::<V, 4>(),
                _ => self.multiply::<V, 2>(),
            }
        }
    }
}

impl<T: Element> BlockOfPairs<'_, T> {
    /// # Safety
    /// The panel must have `N` vectors of columns, and the machine the
    /// instructions of `V`.
    #[inline(always)]
    unsafe fn multiply<V: Simd<T = T>, const N: usize>(mut self) {
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
                    let terms = Paired {
                        offsets: self.pairs.offsets.as_ptr().add(start),
                        values: self.pairs.values.each_ref().map(|v| v.as_ptr().add(start)),
                        n: end - start,
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
                        finish([sums], self.c.rows_mut(row..row + 1), self.epilogue);
                    }
                }
            }
        }
    }
}
