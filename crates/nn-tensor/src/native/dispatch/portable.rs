//! Vectors of four elements, without special instructions.

use crate::native::simd::{Program, Simd};

/// A vector of four elements, whose registers the compiler chooses.
pub(super) type Quad<T> = [T; 4];

macro_rules! quad {
    ($type:ty, max_rows: $max_rows:literal, max_sums: $max_sums:literal) => {
        // SAFETY: loads and stores access the elements of an array.
        unsafe impl Simd for Quad<$type> {
            type T = $type;
            const LANES: usize = 4;
            const MAX_ROWS: usize = $max_rows;
            const MAX_SUMS: usize = $max_sums;
            const INTERLEAVES_FAST: bool = false;

            #[inline(never)]
            fn vectorize(program: impl Program<$type>) {
                program.run::<Self>();
            }

            #[inline(always)]
            fn zero() -> Self {
                [0.0; 4]
            }

            #[inline(always)]
            fn splat(value: $type) -> Self {
                [value; 4]
            }

            #[inline(always)]
            unsafe fn load(from: *const $type) -> Self {
                // SAFETY: the caller vouches for four elements; an array has
                // their alignment.
                unsafe { *from.cast::<Self>() }
            }

            #[inline(always)]
            unsafe fn load_part(from: *const $type, n: usize) -> Self {
                // SAFETY: the caller vouches for `n` elements.
                std::array::from_fn(|i| if i < n { unsafe { *from.add(i) } } else { 0.0 })
            }

            #[inline(always)]
            unsafe fn load_bytes(from: *const u8) -> Self {
                // SAFETY: the caller vouches for four bytes.
                unsafe { *from.cast::<[u8; 4]>() }.map(Into::into)
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                // SAFETY: the caller vouches for four elements.
                unsafe { *to.cast::<Self>() = self }
            }

            #[inline(always)]
            unsafe fn store_part(self, to: *mut $type, n: usize) {
                for (i, value) in self.into_iter().enumerate().take(n) {
                    // SAFETY: the caller vouches for `n` elements.
                    unsafe { *to.add(i) = value }
                }
            }

            #[inline(always)]
            fn interleave(self, other: Self) -> (Self, Self) {
                let ([a, b, c, d], [p, q, r, s]) = (self, other);
                ([a, p, b, q], [c, r, d, s])
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                std::array::from_fn(|i| self[i] + other[i])
            }

            #[inline(always)]
            fn multiply_add(self, b: Self, c: Self) -> Self {
                // Fused only where every processor of the target fuses.
                std::array::from_fn(|i| {
                    if cfg!(target_arch = "aarch64") {
                        self[i].mul_add(b[i], c[i])
                    } else {
                        self[i] * b[i] + c[i]
                    }
                })
            }
        }
    };
}

quad!(f32, max_rows: 4, max_sums: 8);
quad!(f64, max_rows: 2, max_sums: 4);
