//! One vector register, and programs that are generic over its type.

/// A vector of [`LANES`](Self::LANES) elements of type `T`.
///
/// Only [`super::dispatch`] can name a vector that needs special instructions, and
/// it runs programs only with vectors that the processor supports. So code that is
/// generic over `V: Simd` may execute the instructions of `V`; only access through
/// pointers is unsafe.
///
/// # Safety
/// There are at most [`MAX_LANES`] lanes; loads and stores access the elements
/// that they document and no others.
pub unsafe trait Simd: Copy {
    type T: Copy + Default + PartialEq + From<u8> + std::ops::Add<Output = Self::T> + 'static;
    const LANES: usize;

    /// Maximum number of rows of the dense micro-kernel, which keeps twice as many
    /// vectors of sums in registers.
    const MAX_ROWS: usize;

    /// Number of vectors of sums that the sparse micro-kernels keep in registers.
    const MAX_SUMS: usize;

    /// Whether [`interleave`](Self::interleave) takes two instructions only.
    const INTERLEAVES_FAST: bool;

    /// Runs `program` in a function of its own that is compiled for the
    /// instructions of this vector.
    fn vectorize(program: impl Program<Self::T>);

    /// Sets all lanes to 0.
    fn zero() -> Self;

    /// Sets all lanes to `value`.
    fn splat(value: Self::T) -> Self;

    /// Loads `LANES` elements, with any alignment.
    ///
    /// # Safety
    /// `from` must point to `LANES` elements.
    unsafe fn load(from: *const Self::T) -> Self;

    /// Loads the first `n <= LANES` elements; the other lanes are 0.
    ///
    /// # Safety
    /// `from` must point to `n` elements.
    unsafe fn load_part(from: *const Self::T, n: usize) -> Self;

    /// Loads `LANES` bytes and converts them to `T`.
    ///
    /// # Safety
    /// `from` must point to `LANES` bytes.
    unsafe fn load_bytes(from: *const u8) -> Self;

    /// Stores all lanes, with any alignment.
    ///
    /// # Safety
    /// `to` must have room for all lanes.
    unsafe fn store(self, to: *mut Self::T);

    /// Stores the first `n <= LANES` lanes.
    ///
    /// # Safety
    /// `to` must have room for `n` elements.
    unsafe fn store_part(self, to: *mut Self::T, n: usize);

    /// Interleaves the lanes of two vectors; returns the interleaved first halves and
    /// the interleaved second halves.
    fn interleave(self, other: Self) -> (Self, Self);

    /// `self + other`
    fn add(self, other: Self) -> Self;

    /// `self·b + c`, with a single rounding where the processor supports it.
    fn multiply_add(self, b: Self, c: Self) -> Self;

    /// Writes the index `first + i` and the values of every lane i that is nonzero
    /// in any of `rows`, without gaps, and returns the number of these lanes.
    ///
    /// # Safety
    /// `indices` and every pointer in `values` must have room for all lanes.
    #[inline(always)]
    unsafe fn write_nonzero<const R: usize>(
        rows: [Self; R],
        first: u16,
        indices: *mut u16,
        values: [*mut Self::T; R],
    ) -> usize {
        let mut lanes = [[Self::T::default(); MAX_LANES]; R];
        let mut n = 0;
        // SAFETY: no vector has more lanes; `n <= lane`. Without branches, which
        // could not be predicted.
        unsafe {
            for (row, lanes) in rows.into_iter().zip(&mut lanes) {
                row.store(lanes.as_mut_ptr());
            }
            for lane in 0..Self::LANES {
                *indices.add(n) = first + lane as u16;
                let mut is_nonzero = false;
                for (lanes, values) in lanes.iter().zip(values) {
                    *values.add(n) = lanes[lane];
                    is_nonzero |= lanes[lane] != Self::T::default();
                }
                n += usize::from(is_nonzero);
            }
        }
        n
    }
}

/// A computation that is compiled once per instruction set.
pub trait Program<T> {
    /// Runs the computation. Mark the implementation `#[inline(always)]`, because only inlined
    /// code is compiled for the instructions of `V`. Do not use operations of `V` in a closure,
    /// since the compiler might not inline it.
    fn run<V: Simd<T = T>>(self);
}

/// Number of lanes of the widest vector.
pub(super) const MAX_LANES: usize = 16;

/// Loads `n` elements, or as many as a vector has lanes.
///
/// # Safety
/// The elements must exist.
#[inline(always)]
pub(super) unsafe fn load_up_to<V: Simd>(from: *const V::T, n: usize) -> V {
    // SAFETY: as for this function.
    unsafe {
        if n >= V::LANES {
            V::load(from)
        } else {
            V::load_part(from, n)
        }
    }
}

/// Stores the first `n` lanes, or all if there are fewer.
///
/// # Safety
/// `to` must have room for `min(n, LANES)` elements.
#[inline(always)]
pub(super) unsafe fn store_up_to<V: Simd>(values: V, to: *mut V::T, n: usize) {
    // SAFETY: as for this function.
    unsafe {
        if n >= V::LANES {
            values.store(to);
        } else {
            values.store_part(to, n);
        }
    }
}

/// Prefetches the cache line at `from`, which may be any address.
#[inline(always)]
pub(super) fn prefetch<T>(from: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and accepts any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Prefetches the cache lines of a slice.
#[inline(always)]
pub(super) fn prefetch_slice<T>(values: &[T]) {
    const LINE: usize = 64;
    // `for_each` compiles to a plain loop; the iterator of `for` does not.
    (0..size_of_val(values))
        .step_by(LINE)
        .for_each(|offset| prefetch(values.as_ptr().cast::<u8>().wrapping_add(offset)));
}
