//! Dense products whose sums have one term, such as the outer product of the inputs
//! and the error of one sample.

use std::ops::Range;

use super::dispatch::Element;
use super::matrix::{Matrix, MatrixMut};
use super::micro::{ByColumns, Epilogue, by_columns, finish, load_row};
use super::product::Product;
use super::simd::{Program, Simd, load_up_to, store_up_to};

/// A product whose sums have one term.
pub(super) struct OneTerm<'p, 'a, T>(pub(super) &'p mut Product<'a, T>);

impl<T: Element> Program<T> for OneTerm<'_, '_, T> {
    #[inline(always)]
    fn run<V: Simd<T = T>>(self) {
        one_term::<V>(self.0);
    }
}

/// `c[i, :] ← aᵢ·row`, or as the epilogue says, for every row of `c`: a product of
/// depth 1 with a contiguous row of B.
#[inline(always)]
pub(super) fn one_term<V: Simd>(product: &mut Product<'_, V::T>) {
    let [_, n_columns] = product.c.shape();
    let is_flat = product.c.as_matrix().strides()[0] == n_columns as isize
        && product.a.strides()[0] == 1
        && !matches!(product.epilogue, Epilogue::AddBias(_));
    match n_columns {
        1 if is_flat => whole_rows::<V, 1>(product),
        2 if V::INTERLEAVES_FAST && is_flat => whole_rows::<V, 2>(product),
        4 if V::INTERLEAVES_FAST && is_flat => whole_rows::<V, 4>(product),
        8 if V::INTERLEAVES_FAST && is_flat => whole_rows::<V, 8>(product),
        // SAFETY: these are all columns.
        _ => unsafe { by_columns::<V, _>(n_columns, &mut Rows(product)) },
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
            // Several narrow rows are stored together.
            while const { N == 1 } && index + TOGETHER <= n_rows {
                let c = c.rows(index..index + TOGETHER);
                one_term_sums::<V, N, TOGETHER>(*a, row, c, epilogue, index);
                index += TOGETHER;
            }
            while index < n_rows {
                let c = c.rows(index..index + 1);
                one_term_sums::<V, N, 1>(*a, row, c, epilogue, index);
                index += 1;
            }
        }
    }
}

/// Computes all `R` rows of `c` from the rows of A from `first` on.
///
/// # Safety
/// The rows must exist, and `c` must have `N` vectors of columns, the last of which
/// may be partial.
#[inline(always)]
unsafe fn one_term_sums<V: Simd, const N: usize, const R: usize>(
    a: Matrix<'_, V::T>,
    row: [V; N],
    c: MatrixMut<'_, V::T>,
    epilogue: Epilogue<'_, V::T>,
    first: usize,
) {
    // SAFETY: as for this function.
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

/// [`one_term`] for adjacent rows of `N` elements, a power of two that is at most
/// `LANES`, without a bias. A vector holds several rows, since storing a part of a
/// vector is slow on some processors.
#[inline(always)]
fn whole_rows<V: Simd, const N: usize>(product: &mut Product<'_, V::T>) {
    let n_rows = product.a.shape()[0];
    // SAFETY: only existing rows and columns are accessed.
    unsafe {
        let row = repeated::<V, N>(product.b.at(0, 0));
        for first in (0..n_rows).step_by(V::LANES) {
            let a = load_up_to(product.a.at(first, 0), n_rows - first);
            let c = product.c.at(first, 0);
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
/// The elements must exist.
#[inline(always)]
unsafe fn repeated<V: Simd, const N: usize>(values: *const V::T) -> V {
    // SAFETY: as for this function.
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

/// Repeats every lane `N` times, a power of two: `a₀ a₀ a₁ a₁ …`
#[inline(always)]
fn each_repeated<V: Simd, const N: usize>(a: V) -> [V; N] {
    let mut vectors = [a; N];
    let mut n = 1;
    while n < N {
        let before = vectors;
        for index in 0..n {
            let (first, second) = before[index].interleave(before[index]);
            vectors[2 * index] = first;
            vectors[2 * index + 1] = second;
        }
        n *= 2;
    }
    vectors
}
