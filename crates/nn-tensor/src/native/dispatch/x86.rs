//! The vectors of AVX2 and AVX-512.

use std::arch::x86_64::*;

use crate::native::simd::{Program, Simd};

/// Implements [`Simd`] with the intrinsics that do what their names here say.
macro_rules! vector {
    (
        $vector:ident of $lanes:literal $type:ident, features: $features:literal,
        max_rows: $max_rows:literal, max_sums: $max_sums:literal,
        $zero:ident, $splat:ident, $load:ident, $store:ident, $add:ident, $multiply_add:ident,
        $($others:tt)*
    ) => {
        // SAFETY: the instructions are those of `features`; callers have made
        // sure that they exist.
        unsafe impl Simd for $vector {
            type T = $type;
            const LANES: usize = $lanes;
            const MAX_ROWS: usize = $max_rows;
            const MAX_SUMS: usize = $max_sums;

            #[inline(never)]
            #[target_feature(enable = $features)]
            unsafe fn vectorize<P: Program<$type>>(program: P) -> P::Output {
                // SAFETY: this function is compiled for the instructions of the
                // vector; the caller vouches for the machine.
                unsafe { program.run::<Self>() }
            }

            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: see the trait.
                unsafe { $zero() }
            }

            #[inline(always)]
            unsafe fn splat(value: $type) -> Self {
                // SAFETY: see the trait.
                unsafe { $splat(value) }
            }

            #[inline(always)]
            unsafe fn load(from: *const $type) -> Self {
                // SAFETY: see the trait.
                unsafe { $load(from) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                // SAFETY: see the trait.
                unsafe { $store(to, self) }
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                // SAFETY: see the trait.
                unsafe { $add(self, other) }
            }

            #[inline(always)]
            unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see the trait.
                unsafe { $multiply_add(self, b, c) }
            }

            #[inline(always)]
            unsafe fn multiply_add_one(a: $type, b: $type, c: $type) -> $type {
                a.mul_add(b, c)
            }

            $($others)*
        }
    };
}

vector!(
    __m512 of 16 f32, features: "avx512f",
    max_rows: 14, max_sums: 16,
    _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps,
    _mm512_fmadd_ps,

    const INTERLEAVES_FAST: bool = true;

    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> Self {
        // SAFETY: see the trait; lanes that are masked out are not read.
        unsafe { _mm512_maskz_loadu_ps(((1_u32 << n) - 1) as u16, from) }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: see the trait.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, n: usize) {
        // SAFETY: see the trait; lanes that are masked out are not written.
        unsafe { _mm512_mask_storeu_ps(to, ((1_u32 << n) - 1) as u16, self) }
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> (Self, Self) {
        // SAFETY: see the trait.
        unsafe {
            let first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let second =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            (
                _mm512_permutex2var_ps(self, first, other),
                _mm512_permutex2var_ps(self, second, other),
            )
        }
    }

    #[inline(always)]
    unsafe fn write_nonzero_lanes(self, first: u16, to: *mut u16) -> usize {
        // SAFETY: see the trait.
        unsafe {
            let nonzero = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(self, _mm512_setzero_ps());
            write_lanes(nonzero, [first, 1], to);
            nonzero.count_ones() as usize
        }
    }

    #[inline(always)]
    unsafe fn write_pairs(
        self,
        other: Self,
        places: [u16; 2],
        offsets: *mut u16,
        values: [*mut f32; 2],
    ) -> usize {
        // SAFETY: see the trait.
        unsafe {
            let zero = _mm512_setzero_ps();
            let nonzero = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(self, zero)
                | _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(other, zero);
            write_lanes(nonzero, places, offsets);
            _mm512_storeu_ps(values[0], _mm512_maskz_compress_ps(nonzero, self));
            _mm512_storeu_ps(values[1], _mm512_maskz_compress_ps(nonzero, other));
            nonzero.count_ones() as usize
        }
    }
);

/// Writes `first + i·step` for every lane i of a mask, one after the other.
///
/// # Safety
/// The machine must have AVX-512F, and there must be room for 16 lanes.
#[inline(always)]
unsafe fn write_lanes(mask: __mmask16, [first, step]: [u16; 2], to: *mut u16) {
    // SAFETY: see above.
    unsafe {
        let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let lanes = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(i32::from(step)));
        let lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(i32::from(first)));
        let chosen = _mm512_maskz_compress_epi32(mask, lanes);
        _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(chosen));
    }
}

vector!(
    __m512d of 8 f64, features: "avx512f",
    max_rows: 14, max_sums: 16,
    _mm512_setzero_pd, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd,
    _mm512_fmadd_pd,

    const INTERLEAVES_FAST: bool = true;

    #[inline(always)]
    unsafe fn load_part(from: *const f64, n: usize) -> Self {
        // SAFETY: see the trait; lanes that are masked out are not read.
        unsafe { _mm512_maskz_loadu_pd(((1_u32 << n) - 1) as u8, from) }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: see the trait.
        unsafe { _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f64, n: usize) {
        // SAFETY: see the trait; lanes that are masked out are not written.
        unsafe { _mm512_mask_storeu_pd(to, ((1_u32 << n) - 1) as u8, self) }
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> (Self, Self) {
        // SAFETY: see the trait.
        unsafe {
            let first = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
            let second = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
            (
                _mm512_permutex2var_pd(self, first, other),
                _mm512_permutex2var_pd(self, second, other),
            )
        }
    }
);

/// Sign bits choose the lanes that a masked move touches: `n` of them stand
/// from `LANE_MASKS_32[8 - n]` on.
static LANE_MASKS_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
static LANE_MASKS_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

vector!(
    __m256 of 8 f32, features: "avx2,fma",
    max_rows: 6, max_sums: 8,
    _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps,
    _mm256_fmadd_ps,

    #[inline(always)]
    unsafe fn load_part(from: *const f32, n: usize) -> Self {
        // SAFETY: see the trait; `n <= 8` keeps the mask inside its table.
        unsafe {
            let mask = _mm256_loadu_si256(LANE_MASKS_32.as_ptr().add(8 - n).cast());
            _mm256_maskload_ps(from, mask)
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: see the trait.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f32, n: usize) {
        // SAFETY: see the trait; `n <= 8` keeps the mask inside its table.
        unsafe {
            let mask = _mm256_loadu_si256(LANE_MASKS_32.as_ptr().add(8 - n).cast());
            _mm256_maskstore_ps(to, mask, self);
        }
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> (Self, Self) {
        // SAFETY: see the trait.
        unsafe {
            let low = _mm256_unpacklo_ps(self, other);
            let high = _mm256_unpackhi_ps(self, other);
            (
                _mm256_permute2f128_ps::<0x20>(low, high),
                _mm256_permute2f128_ps::<0x31>(low, high),
            )
        }
    }
);

vector!(
    __m256d of 4 f64, features: "avx2,fma",
    max_rows: 6, max_sums: 8,
    _mm256_setzero_pd, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd,
    _mm256_fmadd_pd,

    #[inline(always)]
    unsafe fn load_part(from: *const f64, n: usize) -> Self {
        // SAFETY: see the trait; `n <= 4` keeps the mask inside its table.
        unsafe {
            let mask = _mm256_loadu_si256(LANE_MASKS_64.as_ptr().add(4 - n).cast());
            _mm256_maskload_pd(from, mask)
        }
    }

    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        // SAFETY: see the trait.
        unsafe {
            let bytes = _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned());
            _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(bytes))
        }
    }

    #[inline(always)]
    unsafe fn store_part(self, to: *mut f64, n: usize) {
        // SAFETY: see the trait; `n <= 4` keeps the mask inside its table.
        unsafe {
            let mask = _mm256_loadu_si256(LANE_MASKS_64.as_ptr().add(4 - n).cast());
            _mm256_maskstore_pd(to, mask, self);
        }
    }

    #[inline(always)]
    unsafe fn interleave(self, other: Self) -> (Self, Self) {
        // SAFETY: see the trait.
        unsafe {
            let low = _mm256_unpacklo_pd(self, other);
            let high = _mm256_unpackhi_pd(self, other);
            (
                _mm256_permute2f128_pd::<0x20>(low, high),
                _mm256_permute2f128_pd::<0x31>(low, high),
            )
        }
    }
);
