//! `C ← A·B` and `C ← C + A·B` for row-major `C` and any strides of `A`, `B`.
//!
//! The loop nest is that of Goto & van de Geijn (2008), cut to what a
//! multilayer perceptron needs:
//!
//! ```text
//! for a block of NC columns of C            (the block of B stays in the L2 cache)
//!   for a block of KC of the summed index
//!     pack B into panels of NR columns      (pack.rs)
//!     for a strip of MR rows, for a panel   (MR × NR sums stay in registers)
//!       microkernel
//! ```
//!
//! Every element of `C` is summed in the same order (blocks of [`KC`] over the
//! summed index, in sequence within a block), whatever the sizes of the
//! matrices and however `C` is cut into pieces for several threads. That is
//! why results do not depend on the number of threads.

use std::cell::RefCell;
use std::ops::Range;

use super::dispatch::Quad;
use super::groups::{self, GroupKernel, Groups};
use super::instruction_set::InstructionSet;
use super::lanes::{self, LaneKernel, Lanes};
use super::matrix::{Matrix, MatrixMut};
use super::outer::{self, Outer, OuterKernel};
use super::pack::{self, PackKernel, Panel};
use super::pairs::{self, ListKernel, PairKernel, PairedRows, RowPairs, Terms};
use super::scratch::Scratch;
use super::simd::{Simd, load_up_to, prefetch, store_up_to};
use super::single_row;
use super::sparse::{self, SumKernel, Sums};

/// Length of a block of the summed index. Changing it changes rounding.
pub(super) const KC: usize = 256;

/// Width of a block of columns, a multiple of every kernel's width.
pub(super) const NC: usize = 512;

/// Products of at most so many rows are done row by row with a B that is not
/// packed: packing would be most of the work.
const MAX_SINGLE_ROWS: usize = 2;

/// The same for a transposed B, for sums of at most this length.
const MAX_TRANSPOSED_DEPTH: usize = 64;

/// Element types that have kernels.
pub trait Gemm: Sized + 'static {
    #[doc(hidden)]
    fn kernels(set: InstructionSet) -> &'static Kernels<Self>;

    #[doc(hidden)]
    fn with_scratch<R>(run: impl FnOnce(&mut Scratch<Self>) -> R) -> R;

    #[doc(hidden)]
    fn with_pairs<R>(run: impl FnOnce(&mut Vec<RowPairs<Self>>) -> R) -> R;
}

/// The microkernels of one element type and instruction set.
#[derive(Debug)]
pub struct Kernels<T: 'static> {
    /// Most rows one call of a kernel can handle.
    max_rows: usize,
    /// `by_rows[r - 1]` handles `r` rows of a packed panel.
    by_rows: &'static [Microkernel<T>],
    /// The same where at most a vector's columns of the panel exist.
    last_by_rows: &'static [Microkernel<T>],
    /// `narrow[v - 1][r - 1]` handles `r` rows and up to `v` vectors of a B
    /// that is not packed.
    narrow: [&'static [Microkernel<T>]; 2],
    /// Handle one row and a B that is not packed, of contiguous rows or columns.
    row_times_rows: Microkernel<T>,
    row_times_columns: Microkernel<T>,
    /// Handles so many rows, of sums of one term.
    one_term: unsafe fn(Strip<T>, usize),
    /// Numbers in a vector.
    pub(super) lanes: usize,
    /// Columns of a panel of B.
    pub(super) panel_width: usize,
    /// Copies a block of B into a panel.
    pub(super) pack: PackKernel<T>,
    /// Lists the terms of a pair of rows, and multiplies pairs by so many panels.
    pub(super) list: ListKernel<T>,
    pub(super) pairs: PairKernel<T>,
    pub(super) pair_panels: usize,
    /// Sums of rows, and a row added to rows.
    pub(super) sum: SumKernel<T>,
    pub(super) outer: OuterKernel<T>,
    /// The same for rows in groups.
    pub(super) group_sums: GroupKernel<T>,
    pub(super) group_outers: GroupKernel<T>,
    /// The same for narrow matrices.
    pub(super) lane_sums: LaneKernel<T>,
    pub(super) lane_outers: LaneKernel<T>,
}

impl<T> Kernels<T> {
    /// Columns of B that pairs of rows are multiplied by at a time.
    pub(super) fn pass_width(&self) -> usize {
        self.pair_panels * self.panel_width
    }

    /// The kernel for a strip of `rows` and a panel of which `columns` exist.
    fn for_panel(&self, rows: usize, columns: usize) -> Microkernel<T> {
        let by_rows = if columns <= self.lanes {
            self.last_by_rows
        } else {
            self.by_rows
        };
        by_rows[rows - 1]
    }
}

/// One strip of rows times one packed panel of B.
type Microkernel<T> = unsafe fn(Strip<T>);

/// What a microkernel works on.
#[derive(Clone, Copy, Debug)]
pub struct Strip<T> {
    /// Length of the sum.
    pub(super) depth: usize,
    pub(super) a: *const T,
    pub(super) a_row_stride: isize,
    pub(super) a_depth_stride: isize,
    /// Packed panel: `depth` rows of `panel_width` numbers, padded with zeros;
    /// or B itself.
    pub(super) panel: *const T,
    /// From row to row of a B that is not packed, or from column to column if
    /// the columns are contiguous.
    pub(super) b_row_stride: isize,
    pub(super) c: *mut T,
    pub(super) c_row_stride: isize,
    /// Columns of the panel that exist in C.
    pub(super) columns: usize,
    /// Add to C instead of replacing it.
    pub(super) accumulate: bool,
}

/// `c ← a·b`, or `c ← c + a·b` if `accumulate`, in the calling thread.
///
/// # Panics
/// If the shapes do not fit.
pub(crate) fn gemm<T: Gemm + Copy + Default>(
    set: InstructionSet,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: MatrixMut<'_, T>,
    accumulate: bool,
) {
    let [rows, depth] = a.shape();
    let [b_depth, columns] = b.shape();
    let [c_rows, c_columns] = c.shape();
    // Number by number: arrays would be compared in memory.
    assert!(b_depth == depth && c_rows == rows && c_columns == columns);
    if depth == 0 && !accumulate {
        c.fill(T::default());
    }
    let kernels = T::kernels(set);
    let [b_row_stride, b_column_stride] = b.strides();
    let is_shallow = depth <= MAX_TRANSPOSED_DEPTH;
    if rows <= MAX_SINGLE_ROWS && b_column_stride == 1 {
        row_by_row_gemm(kernels.row_times_rows, b_row_stride, a, b, c, accumulate);
    } else if rows <= MAX_SINGLE_ROWS && b_row_stride == 1 && is_shallow {
        let kernel = kernels.row_times_columns;
        row_by_row_gemm(kernel, b_column_stride, a, b, c, accumulate);
    } else if columns <= 2 * kernels.lanes && b_column_stride == 1 && columns > 0 {
        narrow_gemm(kernels, a, b, c, accumulate);
    } else if depth == 1 && b_column_stride == 1 {
        one_term_gemm(kernels, a, b, c, accumulate);
    } else {
        packed_gemm(kernels, a, b, c, accumulate);
    }
}

/// [`gemm`] of sizes that are worth a copy of B, block by block.
#[inline(never)]
fn packed_gemm<T: Gemm + Copy + Default>(
    kernels: &Kernels<T>,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: MatrixMut<'_, T>,
    accumulate: bool,
) {
    let ([_, depth], [_, columns]) = (a.shape(), b.shape());
    T::with_scratch(|scratch| {
        let panels = scratch.take(NC * KC);
        for column in (0..columns).step_by(NC) {
            let columns = column..columns.min(column + NC);
            for start in (0..depth).step_by(KC) {
                let summed = start..depth.min(start + KC);
                let panels = pack(kernels, b, summed.clone(), columns.clone(), panels);
                let accumulate = accumulate || start > 0;
                block_gemm(
                    kernels,
                    a.columns(summed),
                    panels,
                    c.columns_mut(columns.clone()),
                    accumulate,
                );
            }
        }
    });
}

/// The product of some columns of A and a packed block of B, strip by strip and
/// panel by panel.
pub(super) fn block_gemm<T: Copy>(
    kernels: &Kernels<T>,
    a: Matrix<'_, T>,
    panels: &[T],
    mut c: MatrixMut<'_, T>,
    accumulate: bool,
) {
    let ([rows, depth], [_, columns]) = (a.shape(), c.shape());
    let width = kernels.panel_width;
    let n_panels = columns.div_ceil(width);
    for (strip, n_rows) in strips(rows, kernels.max_rows) {
        let next_strip = strip + n_rows..rows.min(strip + n_rows + kernels.max_rows);
        for (index, panel) in panels.chunks_exact(width * depth).enumerate() {
            let share = |index| index * depth / n_panels;
            prefetch_strip(a, next_strip.clone(), share(index)..share(index + 1));
            let columns = width.min(columns - index * width);
            // SAFETY: the strip covers rows `strip..strip + n_rows` of A and C and at
            // most `columns` columns of C, all inside the matrices that `gemm` has
            // found to fit; `panel` holds `width * depth` packed numbers. `c` is
            // borrowed mutably, so nothing else sees it. The kernel was chosen for
            // instructions that the machine has.
            unsafe {
                kernels.for_panel(n_rows, columns)(Strip {
                    depth,
                    a: a.at(strip, 0),
                    a_row_stride: a.strides()[0],
                    a_depth_stride: a.strides()[1],
                    panel: panel.as_ptr(),
                    b_row_stride: 0,
                    c: c.row(strip).add(index * width),
                    c_row_stride: c.row_stride(),
                    columns,
                    accumulate,
                });
            }
        }
    }
}

/// [`gemm`] for few rows, with one of the kernels for a single row.
fn row_by_row_gemm<T>(
    row_times: Microkernel<T>,
    b_row_stride: isize,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: MatrixMut<'_, T>,
    accumulate: bool,
) {
    let [n_rows, depth] = a.shape();
    for row in 0..n_rows {
        for start in (0..depth).step_by(KC) {
            // SAFETY: as in `gemm`; the rows or the columns of B, as the
            // kernel needs it, are contiguous.
            unsafe {
                row_times(Strip {
                    depth: KC.min(depth - start),
                    a: a.at(row, start),
                    a_row_stride: 0,
                    a_depth_stride: a.strides()[1],
                    panel: b.at(start, 0),
                    b_row_stride,
                    c: c.row(row),
                    c_row_stride: 0,
                    columns: b.shape()[1],
                    accumulate: accumulate || start > 0,
                });
            }
        }
    }
}

/// [`gemm`] for sums of one term: nothing is worth a copy.
fn one_term_gemm<T>(
    kernels: &Kernels<T>,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: MatrixMut<'_, T>,
    accumulate: bool,
) {
    // SAFETY: as in `gemm`; the one row of B is contiguous.
    unsafe {
        let strip = Strip {
            depth: 1,
            a: a.at(0, 0),
            a_row_stride: a.strides()[0],
            a_depth_stride: a.strides()[1],
            panel: b.at(0, 0),
            b_row_stride: b.strides()[0],
            c: c.row(0),
            c_row_stride: c.row_stride(),
            columns: b.shape()[1],
            accumulate,
        };
        (kernels.one_term)(strip, a.shape()[0]);
    }
}

/// [`gemm`] for a narrow, row-major B, which is read where it lies.
fn narrow_gemm<T>(
    kernels: &Kernels<T>,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    mut c: MatrixMut<'_, T>,
    accumulate: bool,
) {
    let [rows, depth] = a.shape();
    let [_, columns] = b.shape();
    let by_rows = kernels.narrow[columns.div_ceil(kernels.lanes) - 1];
    for start in (0..depth).step_by(KC) {
        for (strip, n_rows) in strips(rows, kernels.max_rows) {
            // SAFETY: as in `gemm`; B has `columns` contiguous numbers a row.
            unsafe {
                by_rows[n_rows - 1](Strip {
                    depth: KC.min(depth - start),
                    a: a.at(strip, start),
                    a_row_stride: a.strides()[0],
                    a_depth_stride: a.strides()[1],
                    panel: b.at(start, 0),
                    b_row_stride: b.strides()[0],
                    c: c.row(strip),
                    c_row_stride: c.row_stride(),
                    columns,
                    accumulate: accumulate || start > 0,
                });
            }
        }
    }
}

/// Asks for a part of the strip of A that comes next, if A is transposed: every
/// step along its sum is another line of memory, which the processor does not
/// foresee.
fn prefetch_strip<T>(a: Matrix<'_, T>, rows: Range<usize>, summed: Range<usize>) {
    if a.strides()[0] != 1 || rows.is_empty() {
        return;
    }
    for index in summed {
        for row in [rows.start, rows.end - 1] {
            prefetch(a.near(row, index));
        }
    }
}

/// Cuts `rows` into strips of nearly equal height: `(first row, rows)`.
fn strips(rows: usize, max_rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.div_ceil(max_rows);
    let (height, n_higher) = (rows / count.max(1), rows % count.max(1));
    (0..count).map(move |index| {
        let start = index * height + index.min(n_higher);
        (start, height + usize::from(index < n_higher))
    })
}

/// Copies a block of B into panels of the kernels' width, the last one padded
/// with zeros.
pub(super) fn pack<'s, T: Copy + Default>(
    kernels: &Kernels<T>,
    b: Matrix<'_, T>,
    depth: Range<usize>,
    columns: Range<usize>,
    panels: &'s mut [T],
) -> &'s [T] {
    let width = kernels.panel_width;
    let panel_size = width * depth.len();
    let panels = &mut panels[..columns.len().div_ceil(width) * panel_size];
    for (panel, column) in panels
        .chunks_exact_mut(panel_size)
        .zip(columns.clone().step_by(width))
    {
        // SAFETY: the block lies in the view, and `panel` holds `depth.len()`
        // rows of the panel's width.
        unsafe {
            (kernels.pack)(Panel {
                from: b.at(depth.start, column),
                row_stride: b.strides()[0],
                column_stride: b.strides()[1],
                rows: depth.len(),
                columns: width.min(columns.end - column),
                to: panel.as_mut_ptr(),
            });
        }
    }
    panels
}

/// `ROWS × VECTORS` vectors of sums stay in registers; the panel's rows are
/// `WIDTH` vectors long.
///
/// # Safety
/// `strip` must describe memory that exists (see [`gemm`]), and the machine
/// must have the instructions of `V`, which the function this is inlined into
/// must be compiled for.
#[inline(always)]
unsafe fn microkernel<V: Simd, const ROWS: usize, const VECTORS: usize, const WIDTH: usize>(
    strip: Strip<V::T>,
) {
    // SAFETY: every address below lies in the strip that the caller vouches for.
    unsafe {
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        if strip.accumulate {
            for row in 0..ROWS {
                let c = strip.c.offset(row as isize * strip.c_row_stride);
                for vector in 0..VECTORS {
                    prefetch(c.wrapping_add(vector * V::LANES));
                }
            }
        }
        let (mut a, mut panel) = (strip.a, strip.panel);
        for _ in 0..strip.depth {
            let mut b = [V::zero(); VECTORS];
            for (vector, slot) in b.iter_mut().enumerate() {
                *slot = V::load(panel.add(vector * V::LANES));
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = V::splat(*a.offset(row as isize * strip.a_row_stride));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = a.multiply_add(b, *sum);
                }
            }
            a = a.wrapping_offset(strip.a_depth_stride);
            panel = panel.add(WIDTH * V::LANES);
        }
        write_rows(sums, strip);
    }
}

/// As [`microkernel`] with a B that is not packed; of the last vector only the
/// columns that exist are touched.
///
/// # Safety
/// As [`microkernel`].
#[inline(always)]
unsafe fn narrow_microkernel<V: Simd, const ROWS: usize, const VECTORS: usize>(strip: Strip<V::T>) {
    let full = VECTORS - 1;
    let rest = strip.columns - full * V::LANES;
    // SAFETY: every address below lies in the strip that the caller vouches for.
    unsafe {
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        let (mut a, mut b_row) = (strip.a, strip.panel);
        for _ in 0..strip.depth {
            let mut b = [V::zero(); VECTORS];
            for (vector, slot) in b.iter_mut().enumerate().take(full) {
                *slot = V::load(b_row.add(vector * V::LANES));
            }
            b[full] = load_up_to::<V>(b_row.add(full * V::LANES), rest);
            for (row, sums) in sums.iter_mut().enumerate() {
                let a = V::splat(*a.offset(row as isize * strip.a_row_stride));
                for (sum, b) in sums.iter_mut().zip(b) {
                    *sum = a.multiply_add(b, *sum);
                }
            }
            a = a.wrapping_offset(strip.a_depth_stride);
            b_row = b_row.wrapping_offset(strip.b_row_stride);
        }
        write_rows(sums, strip);
    }
}

/// Writes or adds sums to the columns of C that exist.
///
/// Storing a part of a vector is slow on some machines. Where the rows of C
/// follow one another without a gap, whole vectors are stored that reach into
/// the rows below, which are stored after them.
///
/// # Safety
/// As [`microkernel`].
#[inline(always)]
unsafe fn write_rows<V: Simd, const ROWS: usize, const VECTORS: usize>(
    mut sums: [[V; VECTORS]; ROWS],
    strip: Strip<V::T>,
) {
    if strip.columns == VECTORS * V::LANES {
        // SAFETY: as the caller's promise.
        return unsafe { write_whole_rows(sums, strip) };
    }
    let has_gaps = strip.c_row_stride != strip.columns as isize;
    // SAFETY: of every row, only columns that exist in it or the rows of the
    // strip below it are touched.
    unsafe {
        if strip.accumulate {
            for (row, sums) in sums.iter_mut().enumerate() {
                let c = strip.c.offset(row as isize * strip.c_row_stride);
                for (vector, sum) in sums.iter_mut().enumerate() {
                    let start = vector * V::LANES;
                    let n = strip.columns.saturating_sub(start);
                    *sum = load_up_to::<V>(c.wrapping_add(start), n).add(*sum);
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let c = strip.c.offset(row as isize * strip.c_row_stride);
            let reach = if has_gaps { 1 } else { ROWS - row } * strip.columns;
            for (vector, sum) in sums.into_iter().enumerate() {
                let start = vector * V::LANES;
                if start < strip.columns {
                    let whole = start + V::LANES <= reach;
                    let n = if whole {
                        V::LANES
                    } else {
                        strip.columns - start
                    };
                    store_up_to(sum, c.add(start), n);
                }
            }
        }
    }
}

/// [`write_rows`] where every column exists: straight through, in registers.
///
/// # Safety
/// As [`microkernel`].
#[inline(always)]
unsafe fn write_whole_rows<V: Simd, const ROWS: usize, const VECTORS: usize>(
    sums: [[V; VECTORS]; ROWS],
    strip: Strip<V::T>,
) {
    for (row, sums) in sums.into_iter().enumerate() {
        for (vector, sum) in sums.into_iter().enumerate() {
            // SAFETY: the rows of the strip have all columns.
            unsafe {
                let c = strip.c.offset(row as isize * strip.c_row_stride);
                let c = c.add(vector * V::LANES);
                let sum = if strip.accumulate {
                    V::load(c).add(sum)
                } else {
                    sum
                };
                sum.store(c);
            }
        }
    }
}

/// Compiles the microkernels of one vector type for its instructions.
macro_rules! kernels {
    (
        $module:ident, $vector:ty, vectors: $vectors:literal,
        rows: [$($rows:literal)*], max_rows: $max_rows:literal, pair_panels: $pair_panels:literal
        $(, features: $features:literal)?
    ) => {
        mod $module {
            use super::*;

            type T = <$vector as Simd>::T;

            pub(super) static KERNELS: Kernels<T> = Kernels {
                max_rows: $max_rows,
                panel_width: $vectors * <$vector as Simd>::LANES,
                by_rows: &[$(compiled::<$rows, $vectors>),*],
                last_by_rows: &[$(compiled::<$rows, 1>),*],
                narrow: [&[$(narrow::<$rows, 1>),*], &[$(narrow::<$rows, 2>),*]],
                row_times_rows,
                row_times_columns,
                one_term,
                pack: pack_panel,
                list,
                pairs,
                pair_panels: $pair_panels,
                lanes: <$vector as Simd>::LANES,
                sum,
                outer,
                group_sums,
                group_outers,
                lane_sums,
                lane_outers,
            };

            /// # Safety
            /// See [`pack::pack`].
            $(#[target_feature(enable = $features)])?
            unsafe fn pack_panel(panel: Panel<T>) {
                // SAFETY: as below.
                unsafe { pack::pack::<$vector, $vectors, { <$vector as Simd>::LANES }>(panel) }
            }

            /// # Safety
            /// See [`pairs::list`].
            $(#[target_feature(enable = $features)])?
            unsafe fn list(terms: Terms<T>) -> usize {
                // SAFETY: as below.
                unsafe { pairs::list::<$vector, $vectors>(terms) }
            }

            /// # Safety
            /// See [`pairs::pairs`].
            $(#[target_feature(enable = $features)])?
            unsafe fn pairs(rows: PairedRows<'_, T>) {
                // SAFETY: as below.
                unsafe { pairs::pairs::<$vector, $vectors, $pair_panels>(rows) }
            }

            /// # Safety
            /// See [`sparse::weighted_rows`].
            $(#[target_feature(enable = $features)])?
            unsafe fn sum(sums: Sums<'_, T>) {
                // SAFETY: as below.
                unsafe { sparse::weighted_rows::<$vector>(sums) }
            }

            /// # Safety
            /// See [`outer::outer`].
            $(#[target_feature(enable = $features)])?
            unsafe fn outer(outer: Outer<'_, T>) {
                // SAFETY: as below.
                unsafe { outer::outer::<$vector>(outer) }
            }

            /// # Safety
            /// See [`groups::sums`].
            $(#[target_feature(enable = $features)])?
            unsafe fn group_sums(groups: Groups<'_, T>) {
                // SAFETY: as below.
                unsafe { groups::sums::<$vector, $pair_panels>(groups) }
            }

            /// # Safety
            /// See [`groups::outers`].
            $(#[target_feature(enable = $features)])?
            unsafe fn group_outers(groups: Groups<'_, T>) {
                // SAFETY: as below.
                unsafe { groups::outers::<$vector, $pair_panels>(groups) }
            }

            /// # Safety
            /// See [`lanes::sums`].
            $(#[target_feature(enable = $features)])?
            unsafe fn lane_sums(lanes: Lanes<'_, T>) {
                // SAFETY: as below.
                unsafe { lanes::sums::<$vector>(lanes) }
            }

            /// # Safety
            /// See [`lanes::outers`].
            $(#[target_feature(enable = $features)])?
            unsafe fn lane_outers(lanes: Lanes<'_, T>) {
                // SAFETY: as below.
                unsafe { lanes::outers::<$vector>(lanes) }
            }

            /// # Safety
            /// See [`outer::one_term`].
            $(#[target_feature(enable = $features)])?
            unsafe fn one_term(strip: Strip<T>, n_rows: usize) {
                // SAFETY: as below.
                unsafe { outer::one_term::<$vector>(strip, n_rows) }
            }

            /// # Safety
            /// See [`single_row::times_rows`].
            $(#[target_feature(enable = $features)])?
            unsafe fn row_times_rows(strip: Strip<T>) {
                // SAFETY: as below.
                unsafe { single_row::times_rows::<$vector>(strip) }
            }

            /// # Safety
            /// See [`single_row::times_columns`].
            $(#[target_feature(enable = $features)])?
            unsafe fn row_times_columns(strip: Strip<T>) {
                // SAFETY: as below.
                unsafe { single_row::times_columns::<$vector>(strip) }
            }

            /// # Safety
            /// See [`microkernel`].
            $(#[target_feature(enable = $features)])?
            unsafe fn narrow<const ROWS: usize, const VECTORS: usize>(strip: Strip<T>) {
                // SAFETY: as below.
                unsafe { narrow_microkernel::<$vector, ROWS, VECTORS>(strip) }
            }

            /// # Safety
            /// See [`microkernel`].
            $(#[target_feature(enable = $features)])?
            unsafe fn compiled<const ROWS: usize, const VECTORS: usize>(strip: Strip<T>) {
                // SAFETY: this function is compiled for the instructions of
                // the vector; the caller vouches for the rest.
                unsafe { microkernel::<$vector, ROWS, VECTORS, $vectors>(strip) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};

#[cfg(target_arch = "x86_64")]
kernels!(
    f32_avx512, __m512, vectors: 2, rows: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], max_rows: 14, pair_panels: 4,
    features: "avx512f"
);
#[cfg(target_arch = "x86_64")]
kernels!(
    f64_avx512, __m512d, vectors: 2, rows: [1 2 3 4 5 6 7 8 9 10 11 12 13 14], max_rows: 14, pair_panels: 4,
    features: "avx512f"
);
#[cfg(target_arch = "x86_64")]
kernels!(
    f32_avx2, __m256, vectors: 2, rows: [1 2 3 4 5 6], max_rows: 6, pair_panels: 2,
    features: "avx2,fma"
);
#[cfg(target_arch = "x86_64")]
kernels!(
    f64_avx2, __m256d, vectors: 2, rows: [1 2 3 4 5 6], max_rows: 6, pair_panels: 2,
    features: "avx2,fma"
);
kernels!(f32_portable, Quad<f32>, vectors: 2, rows: [1 2 3 4], max_rows: 4, pair_panels: 2);
kernels!(f64_portable, Quad<f64>, vectors: 1, rows: [1 2 3 4], max_rows: 4, pair_panels: 2);

macro_rules! gemm {
    ($type:ty, $portable:ident, $avx2:ident, $avx512:ident) => {
        impl Gemm for $type {
            fn kernels(set: InstructionSet) -> &'static Kernels<Self> {
                kernels_of!(set, $portable, $avx2, $avx512)
            }

            fn with_scratch<R>(run: impl FnOnce(&mut Scratch<Self>) -> R) -> R {
                thread_local!(static SCRATCH: RefCell<Scratch<$type>> = const { RefCell::new(Scratch::new()) });
                SCRATCH.with_borrow_mut(run)
            }

            fn with_pairs<R>(run: impl FnOnce(&mut Vec<RowPairs<Self>>) -> R) -> R {
                thread_local!(static PAIRS: RefCell<Vec<RowPairs<$type>>> = const { RefCell::new(Vec::new()) });
                PAIRS.with_borrow_mut(run)
            }
        }
    };
}

gemm!(f32, f32_portable, f32_avx2, f32_avx512);
gemm!(f64, f64_portable, f64_avx2, f64_avx512);
