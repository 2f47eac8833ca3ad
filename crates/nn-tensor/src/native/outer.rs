//! A row added to rows of a matrix, each with a factor: outer products.
//!
//! With the entries of a sample that are not 0, that is the sample's part of
//! `Xᵀ·δ`. With all factors it is a product whose sums have one term.

use std::ops::Range;

use super::compressed_rows::{CompressedRows, Entries};
use super::dispatch::{Element, dispatch};
use super::instruction_set::InstructionSet;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{ByColumns, Coded, Columns, Epilogue, by_columns, finish, load_row, scatter};
use super::product::Product;
use super::simd::{Program, Simd, load_up_to, store_up_to};

/// `out[indices[t], :] ← out[indices[t], :] + factors[bytes[t]]·row` with the
/// entries of a list.
///
/// # Panics
/// If the list does not exist or there are not as many rows as indices.
pub(crate) fn add_outer<T: Element>(
    set: InstructionSet,
    lists: &CompressedRows,
    list: u32,
    factors: &[T; 256],
    row: &[T],
    out: &mut [T],
) {
    assert_eq!(
        out.len(),
        lists.n_indices() * row.len(),
        "one row per index"
    );
    let entries = lists.entries(list);
    dispatch(
        set,
        AddOuter {
            entries,
            factors,
            row,
            out,
        },
    );
}

struct AddOuter<'a, T> {
    entries: Entries<'a>,
    factors: &'a [T; 256],
    row: &'a [T],
    /// As many rows as there can be indices.
    out: &'a mut [T],
}

impl<T: Element> Program<T> for AddOuter<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(mut self) {
        // SAFETY: as the caller's promise.
        unsafe { by_columns::<V, _>(self.row.len(), &mut self) }
    }
}

impl<V: Simd> ByColumns<V> for AddOuter<'_, V::T> {
    const MAX_PART: usize = 1;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        let terms = Coded::<_, 1>::new(self.entries, self.factors, self.row.len());
        let n = columns.len();
        // SAFETY: the columns exist, and every index is a row of `out`.
        unsafe {
            let row = [load_row::<V, N>(self.row.as_ptr().add(columns.start), n)];
            let out = self.out.as_mut_ptr().add(columns.start);
            if N > 1 || n == V::LANES {
                scatter(terms, row, out, Columns::<false>(n));
            } else {
                scatter(terms, row, out, Columns::<true>(n));
            }
        }
    }
}

/// A product whose sums have one term.
pub(super) struct OneTerm<'p, 'a, T>(pub(super) &'p mut Product<'a, T>);

impl<T: Element> Program<T> for OneTerm<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Simd<T = T>>(self) {
        // SAFETY: as the caller's promise.
        unsafe { one_term::<V>(self.0) }
    }
}

/// `c[i, :] ← aᵢ·row`, or what else the epilogue says, for every row of `c`.
///
/// # Safety
/// The depth must be 1, the row of B contiguous, and the machine must have the
/// instructions of `V`.
#[inline(always)]
pub(super) unsafe fn one_term<V: Simd>(product: &mut Product<'_, V::T>) {
    let [_, n_columns] = product.c.shape();
    let is_flat = product.c.row_stride() == n_columns as isize
        && product.a.strides()[0] == 1
        && !matches!(product.epilogue, Epilogue::AddBias(_));
    // SAFETY: as the caller's promise; a vector has at least as many lanes as
    // a row has elements.
    unsafe {
        match n_columns {
            1 if is_flat => whole_rows::<V, 1>(product),
            2 if V::INTERLEAVES_FAST && is_flat => whole_rows::<V, 2>(product),
            4 if V::INTERLEAVES_FAST && is_flat => whole_rows::<V, 4>(product),
            8 if V::INTERLEAVES_FAST && is_flat => whole_rows::<V, 8>(product),
            _ => by_columns::<V, _>(n_columns, &mut Rows(product)),
        }
    }
}

/// [`one_term`] for rows of any width.
struct Rows<'p, 'a, T>(&'p mut Product<'a, T>);

impl<V: Simd> ByColumns<V> for Rows<'_, '_, V::T> {
    const MAX_PART: usize = 1;

    #[inline(always)]
    unsafe fn block<const N: usize>(&mut self, columns: Range<usize>) {
        const TOGETHER: usize = 8;
        let Product { a, b, c, epilogue } = &mut *self.0;
        let [n_rows, _] = a.shape();
        let epilogue = epilogue.of_columns(columns.clone());
        // SAFETY: the rows and columns exist.
        unsafe {
            let row = load_row::<V, N>(b.at(0, columns.start), columns.len());
            let mut c = c.part(0..n_rows, columns);
            let mut index = 0;
            // Some narrow rows are stored together.
            while const { N == 1 } && index + TOGETHER <= n_rows {
                let rows = index..index + TOGETHER;
                one_term_sums::<V, N, TOGETHER>(*a, row, c.rows_unchecked(rows), epilogue, index);
                index += TOGETHER;
            }
            while index < n_rows {
                let rows = index..index + 1;
                one_term_sums::<V, N, 1>(*a, row, c.rows_unchecked(rows), epilogue, index);
                index += 1;
            }
        }
    }
}

/// `R` rows, from row `first` of A on, to all of `c`.
///
/// # Safety
/// The rows must exist, and the columns of `c` be `N` vectors; the machine must
/// have the instructions of `V`.
#[inline(always)]
unsafe fn one_term_sums<V: Simd, const N: usize, const R: usize>(
    a: Matrix<'_, V::T>,
    row: [V; N],
    c: MatrixMut<'_, V::T>,
    epilogue: Epilogue<'_, V::T>,
    first: usize,
) {
    // SAFETY: see above.
    unsafe {
        let mut sums = [[V::zero(); N]; R];
        for (index, sums) in sums.iter_mut().enumerate() {
            let a = V::splat(*a.at(first + index, 0));
            for (sum, row) in sums.iter_mut().zip(row) {
                *sum = a.multiply_add(row, V::zero());
            }
        }
        finish(sums, c, epilogue);
    }
}

/// [`one_term`] for adjacent rows of `N` elements, several in a vector: storing
/// a part of a vector is slow on some machines.
///
/// # Safety
/// As [`one_term`]; `N` is a power of two, at most `LANES`, and the epilogue has
/// no bias.
#[inline(always)]
unsafe fn whole_rows<V: Simd, const N: usize>(product: &mut Product<'_, V::T>) {
    let n_rows = product.a.shape()[0];
    // SAFETY: the rows exist, and so do the columns of the one row.
    unsafe {
        let row = repeated::<V, N>(product.b.at(0, 0));
        for first in (0..n_rows).step_by(V::LANES) {
            let a = load_up_to(product.a.near(first, 0), n_rows - first);
            let c = product.c.row(0).add(first * N);
            let n = (n_rows - first) * N;
            for (vector, a) in each_repeated::<V, N>(a).into_iter().enumerate() {
                let start = vector * V::LANES;
                let (c, n) = (c.wrapping_add(start), n.saturating_sub(start));
                let mut sum = a.multiply_add(row, V::zero());
                if let Epilogue::Accumulate = product.epilogue {
                    sum = load_up_to::<V>(c, n).add(sum);
                }
                store_up_to(sum, c, n);
            }
        }
    }
}

/// Repeats `N` elements: `r₀ r₁ r₀ r₁ …`
///
/// # Safety
/// They must exist, and the machine must have the instructions of `V`.
#[inline(always)]
unsafe fn repeated<V: Simd, const N: usize>(values: *const V::T) -> V {
    // SAFETY: see above.
    unsafe {
        let mut vectors = [V::zero(); N];
        for (index, slot) in vectors.iter_mut().enumerate() {
            *slot = V::splat(*values.add(index));
        }
        let mut n = N;
        while n > 1 {
            n /= 2;
            for index in 0..n {
                vectors[index] = vectors[index].interleave(vectors[index + n]).0;
            }
        }
        vectors[0]
    }
}

/// Repeats every lane `N` times: `a₀ a₀ a₁ a₁ …`
///
/// # Safety
/// The machine must have the instructions of `V`; `N` is a power of two.
#[inline(always)]
unsafe fn each_repeated<V: Simd, const N: usize>(a: V) -> [V; N] {
    let mut vectors = [a; N];
    let mut n = 1;
    while n < N {
        let before = vectors;
        for index in 0..n {
            // SAFETY: see above.
            let (first, second) = unsafe { before[index].interleave(before[index]) };
            vectors[2 * index] = first;
            vectors[2 * index + 1] = second;
        }
        n *= 2;
    }
    vectors
}
