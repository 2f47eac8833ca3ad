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

use std::ops::Range;

use super::gemm::{self, Gemm, KC, Kernels, NC};
use super::instruction_set::InstructionSet;
use super::matrix::{Matrix, MatrixMut};
use super::pack::Panel;
use super::simd::{MAX_LANES, Simd};
use crate::AlignedSlice;

/// Most rows in a block: as many sums stay in the L2 cache.
pub(crate) const MAX_ROWS: usize = 256;

/// Length of a segment of the summed index.
const SEGMENT: usize = 64;

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
    /// Of each term, where its row of a panel starts, counted in numbers from
    /// the start of the block of KC.
    offsets: Vec<u16>,
    /// Of each term, the number of the first row of the pair and of the second.
    values: [Vec<T>; 2],
    /// A block of the rows, packed like B.
    packed: AlignedSlice<T>,
}

impl<T: Gemm + Copy + Default + PartialEq> RowPairs<T> {
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

    /// Becomes the rows of `a`, for products with the instructions of `set`.
    /// Allocates only for a matrix larger than all before.
    ///
    /// # Panics
    /// If there are more rows than [`MAX_ROWS`].
    pub(crate) fn fill(&mut self, set: InstructionSet, a: Matrix<'_, T>) {
        let [n_rows, depth] = a.shape();
        assert!(n_rows <= MAX_ROWS, "{n_rows} rows are too many for a block");
        (self.set, self.n_rows, self.depth) = (set, n_rows, depth);
        let n_pairs = n_rows.div_ceil(2);
        let most = n_pairs * depth + MAX_LANES;
        grow(&mut self.offsets, most);
        self.values.iter_mut().for_each(|values| grow(values, most));
        if self.packed.len() < n_rows * KC {
            self.packed = AlignedSlice::new(T::default(), n_rows * KC);
        }
        self.order.clear();
        self.order.reserve(n_rows * depth.div_ceil(KC));
        self.starts.clear();
        self.starts.reserve(n_pairs * depth.div_ceil(SEGMENT) + 1);
        self.starts.push(0);
        let kernels = T::kernels(set);
        for start in (0..depth).step_by(KC) {
            let summed = start..depth.min(start + KC);
            self.pack(kernels, a, summed.clone());
            self.pair_rows(kernels.panel_width, summed.len());
            for segment in (0..summed.len()).step_by(SEGMENT) {
                let segment = segment..summed.len().min(segment + SEGMENT);
                self.list(kernels, segment);
            }
        }
    }

    /// Copies a block of `a` into panels, row after row.
    fn pack(&mut self, kernels: &Kernels<T>, a: Matrix<'_, T>, summed: Range<usize>) {
        let width = kernels.panel_width;
        let panels = self.packed.chunks_exact_mut(self.n_rows * width);
        for (panel, column) in panels.zip(summed.clone().step_by(width)) {
            // SAFETY: the block lies in the matrix, and `panel` holds `n_rows`
            // rows of the panel's width.
            unsafe {
                (kernels.pack)(Panel {
                    from: a.at(0, column),
                    row_stride: a.strides()[0],
                    column_stride: a.strides()[1],
                    rows: self.n_rows,
                    columns: width.min(summed.end - column),
                    to: panel.as_mut_ptr(),
                });
            }
        }
    }

    /// Orders the packed rows by how many numbers they have. A counting sort.
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
    fn list(&mut self, kernels: &Kernels<T>, segment: Range<usize>) {
        let width = kernels.panel_width;
        let panels = segment.start / width..segment.end.div_ceil(width);
        let rows = &self.order[self.order.len() - self.n_rows..];
        let mut n_terms = self.starts[self.starts.len() - 1] as usize;
        for pair in rows.chunks(2) {
            for index in panels.clone() {
                let panel = &self.packed[index * self.n_rows * width..][..self.n_rows * width];
                let row = |row: u16| panel[usize::from(row) * width..][..width].as_ptr();
                // SAFETY: the rows have the panel's width. With those before,
                // there are at most as many terms as `fill` has made room for,
                // and a vector more: the lanes of a panel that are beyond the
                // depth are 0 in both rows.
                n_terms += unsafe {
                    (kernels.list)(Terms {
                        rows: [
                            row(pair[0]),
                            pair.get(1).map_or(std::ptr::null(), |&r| row(r)),
                        ],
                        first_offset: (index * width * width) as u16,
                        offsets: self.offsets.as_mut_ptr().add(n_terms),
                        values: [
                            self.values[0].as_mut_ptr().add(n_terms),
                            self.values[1].as_mut_ptr().add(n_terms),
                        ],
                    })
                };
            }
            self.starts
                .push(u32::try_from(n_terms).expect("the rows are a block"));
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

/// Makes a buffer as long as it must be; what it holds does not matter.
fn grow<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
    if buffer.len() < len {
        *buffer = vec![T::default(); len];
    }
}

/// A row of a panel of both rows of a pair, and where its terms go.
#[derive(Clone, Copy, Debug)]
pub struct Terms<T> {
    /// The second one is null where a row is alone.
    rows: [*const T; 2],
    first_offset: u16,
    offsets: *mut u16,
    values: [*mut T; 2],
}

/// A kernel that lists terms and returns how many there are.
pub type ListKernel<T> = unsafe fn(Terms<T>) -> usize;

/// The terms of `VECTORS` vectors of a pair of rows.
///
/// # Safety
/// The rows must have so many vectors, there must be room for all their lanes,
/// and the machine must have the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn list<V: Simd, const VECTORS: usize>(terms: Terms<V::T>) -> usize {
    let step = (VECTORS * V::LANES) as u16;
    let [first, second] = terms.rows;
    let mut n = 0;
    for vector in 0..VECTORS {
        let lane = vector * V::LANES;
        // SAFETY: see above.
        unsafe {
            let first = V::load(first.add(lane));
            let second = if second.is_null() {
                V::zero()
            } else {
                V::load(second.add(lane))
            };
            let offset = terms.first_offset + lane as u16 * step;
            let values = [terms.values[0].add(n), terms.values[1].add(n)];
            n += first.write_pairs(second, [offset, step], terms.offsets.add(n), values);
        }
    }
    n
}

/// A block of rows times some packed panels of B.
#[derive(Clone, Copy, Debug)]
pub struct PairedRows<'a, T> {
    starts: &'a [u32],
    order: &'a [u16],
    offsets: *const u16,
    values: [*const T; 2],
    /// The first panel, and how far it is from one to the next.
    panels: *const T,
    panel_len: usize,
    /// Memory for the sums of all pairs.
    sums: *mut T,
    c: *mut T,
    c_row_stride: isize,
    accumulate: bool,
}

/// A kernel that multiplies a block of rows.
pub type PairKernel<T> = unsafe fn(PairedRows<'_, T>);

/// `c ← a·b`, or `c ← c + a·b` if `accumulate`, in the calling thread, with the
/// rows of `a` in `pairs`, block after block.
///
/// # Panics
/// If the shapes do not fit, or the pairs were made for other instructions.
pub(crate) fn gemm_of_pairs<T: Gemm + Copy + Default + PartialEq>(
    pairs: &[RowPairs<T>],
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: MatrixMut<'_, T>,
    accumulate: bool,
) {
    let ([n_rows, depth], [b_depth, columns]) = (a.shape(), b.shape());
    let n_paired: usize = pairs.iter().map(|block| block.n_rows).sum();
    assert!(b_depth == depth && c.shape() == [n_rows, columns] && n_paired == n_rows);
    let Some(set) = pairs.first().map(|block| block.set) else {
        return;
    };
    let is_alike = |block: &RowPairs<T>| block.set == set && block.depth == depth;
    assert!(pairs.iter().all(is_alike));
    let kernels = T::kernels(set);
    T::with_scratch(|scratch| {
        let (sums, panels) = scratch.take(SUMS + NC * KC).split_at_mut(SUMS);
        for column in (0..columns).step_by(NC) {
            let columns = column..columns.min(column + NC);
            for start in (0..depth).step_by(KC) {
                let summed = start..depth.min(start + KC);
                let panels = gemm::pack(kernels, b, summed.clone(), columns.clone(), panels);
                let mut c = c.columns_mut(columns.clone());
                let mut row = 0;
                for block in pairs {
                    let rows = row..row + block.n_rows;
                    row = rows.end;
                    block.multiply(
                        a.rows(rows.clone()),
                        summed.clone(),
                        panels,
                        sums,
                        c.rows_mut(rows),
                        accumulate || start > 0,
                    );
                }
            }
        }
    });
}

/// Room for the sums of a block of rows and the widest kernel's columns.
pub(super) const SUMS: usize = MAX_ROWS * 8 * MAX_LANES;

impl<T: Gemm + Copy + Default + PartialEq> RowPairs<T> {
    /// These rows, which are those of `a`, times a packed block of B: as many
    /// whole passes of the kernel as there are, and the last columns as dense.
    fn multiply(
        &self,
        a: Matrix<'_, T>,
        summed: Range<usize>,
        panels: &[T],
        sums: &mut [T],
        mut c: MatrixMut<'_, T>,
        accumulate: bool,
    ) {
        let kernels = T::kernels(self.set);
        let panel_len = kernels.panel_width * summed.len();
        let pass = kernels.pass_width();
        let [_, columns] = c.shape();
        let (starts, order) = self.block(summed.start);
        let n_pairs = self.n_rows.div_ceil(2);
        assert!(sums.len() >= 2 * n_pairs * pass);
        for column in (0..columns / pass).map(|index| index * pass) {
            let panels = &panels[column / kernels.panel_width * panel_len..];
            assert!(panels.len() >= kernels.pair_panels * panel_len);
            // SAFETY: `panels` has the panels of a pass, whose rows the offsets
            // lie in; `sums` has room for the rows of all pairs; C has these
            // rows and the columns of a pass from `column` on. The terms lie
            // between `starts`. The kernel was chosen for instructions that the
            // machine has.
            unsafe {
                (kernels.pairs)(PairedRows {
                    starts,
                    order,
                    offsets: self.offsets.as_ptr(),
                    values: [self.values[0].as_ptr(), self.values[1].as_ptr()],
                    panels: panels.as_ptr(),
                    panel_len,
                    sums: sums.as_mut_ptr(),
                    c: c.row(0).add(column),
                    c_row_stride: c.row_stride(),
                    accumulate,
                });
            }
        }
        let rest = columns / pass * pass..columns;
        if !rest.is_empty() {
            let panels = &panels[rest.start / kernels.panel_width * panel_len..];
            let c = c.columns_mut(rest);
            gemm::block_gemm(kernels, a.columns(summed), panels, c, accumulate);
        }
    }
}

/// Sums of `PANELS` panels, `VECTORS` vectors of each, for all pairs.
///
/// # Safety
/// `rows` must describe memory that exists (see [`RowPairs::multiply`]), and the
/// machine must have the instructions of `V`, which the function this is
/// inlined into must be compiled for.
#[inline(always)]
pub(super) unsafe fn pairs<V: Simd, const VECTORS: usize, const PANELS: usize>(
    rows: PairedRows<'_, V::T>,
) {
    let n_pairs = rows.order.len().div_ceil(2);
    let n_segments = (rows.starts.len() - 1) / n_pairs.max(1);
    for segment in 0..n_segments {
        let starts = &rows.starts[segment * n_pairs..];
        for (pair, members) in rows.order.chunks(2).enumerate() {
            let terms = starts[pair] as usize..starts[pair + 1] as usize;
            // SAFETY: every address below lies in what the caller vouches for.
            unsafe {
                let memory = rows.sums.add(pair * 2 * PANELS * VECTORS * V::LANES);
                let mut sums = [[[V::zero(); VECTORS]; PANELS]; 2];
                if segment > 0 {
                    sums = load_sums(memory);
                }
                for term in terms {
                    let row = rows.panels.add(usize::from(*rows.offsets.add(term)));
                    let first = V::splat(*rows.values[0].add(term));
                    let second = V::splat(*rows.values[1].add(term));
                    for panel in 0..PANELS {
                        for vector in 0..VECTORS {
                            let b = row.add(panel * rows.panel_len + vector * V::LANES);
                            let b = V::load(b);
                            let [first_sum, second_sum] = &mut sums;
                            let sum = &mut first_sum[panel][vector];
                            *sum = first.multiply_add(b, *sum);
                            let sum = &mut second_sum[panel][vector];
                            *sum = second.multiply_add(b, *sum);
                        }
                    }
                }
                if segment + 1 < n_segments {
                    store_sums(sums, memory);
                } else {
                    for (&member, sums) in members.iter().zip(sums) {
                        let c = rows.c.offset(member as isize * rows.c_row_stride);
                        write_row(sums, c, rows.accumulate);
                    }
                }
            }
        }
    }
}

/// Sums of both rows of a pair.
type Sums<V, const VECTORS: usize, const PANELS: usize> = [[[V; VECTORS]; PANELS]; 2];

/// # Safety
/// As [`pairs`].
#[inline(always)]
unsafe fn load_sums<V: Simd, const VECTORS: usize, const PANELS: usize>(
    from: *const V::T,
) -> Sums<V, VECTORS, PANELS> {
    // SAFETY: the caller vouches for the memory.
    unsafe {
        let mut sums = [[[V::zero(); VECTORS]; PANELS]; 2];
        for (index, sum) in sums
            .as_flattened_mut()
            .as_flattened_mut()
            .iter_mut()
            .enumerate()
        {
            *sum = V::load(from.add(index * V::LANES));
        }
        sums
    }
}

/// # Safety
/// As [`pairs`].
#[inline(always)]
unsafe fn store_sums<V: Simd, const VECTORS: usize, const PANELS: usize>(
    sums: Sums<V, VECTORS, PANELS>,
    to: *mut V::T,
) {
    for (index, sum) in sums.as_flattened().as_flattened().iter().enumerate() {
        // SAFETY: the caller vouches for the memory.
        unsafe { sum.store(to.add(index * V::LANES)) };
    }
}

/// # Safety
/// As [`pairs`].
#[inline(always)]
unsafe fn write_row<V: Simd, const VECTORS: usize, const PANELS: usize>(
    sums: [[V; VECTORS]; PANELS],
    c: *mut V::T,
    accumulate: bool,
) {
    for (index, &sum) in sums.as_flattened().iter().enumerate() {
        // SAFETY: the caller vouches for the row.
        unsafe {
            let c = c.add(index * V::LANES);
            let sum = if accumulate { V::load(c).add(sum) } else { sum };
            sum.store(c);
        }
    }
}
