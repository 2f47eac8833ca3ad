//! The vectors of AVX2 and AVX-512.

use std::arch::x86_64::*;

use crate::native::simd::{Program, Simd};

/// Declares a vector and implements [`Simd`] with intrinsics.
macro_rules! vector {
    (
        $vector:ident($register:ident): $lanes:literal $type:ident, features: $features:literal,
        max_rows: $max_rows:literal, max_sums: $max_sums:literal, fast: $fast:literal,
        $zero:ident, $splat:ident, $load:ident, $store:ident, $add:ident, $multiply_add:ident,
        load_part: |$from:ident, $n_loaded:ident| $load_part:expr,
        store_part: |$values:ident, $to:ident, $n_stored:ident| $store_part:expr,
        load_bytes: |$bytes:ident| $load_bytes:expr,
        interleave: |$first:ident, $second:ident| $interleave:expr,
        $($others:tt)*
    ) => {
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        pub(super) struct $vector($register);

        // SAFETY: lanes that are masked out are neither read nor written. A method uses
        // only instructions of `features`; see `Simd` for why the processor has them.
        unsafe impl Simd for $vector {
            type T = $type;
            const LANES: usize = $lanes;
            const MAX_ROWS: usize = $max_rows;
            const MAX_SUMS: usize = $max_sums;
            const INTERLEAVES_FAST: bool = $fast;

            #[inline(always)]
            fn vectorize(program: impl Program<$type>) {
                #[inline(never)]
                #[target_feature(enable = $features)]
                fn compiled(program: impl Program<$type>) {
                    program.run::<$vector>();
                }

                // SAFETY: the processor has the instructions of this vector.
                unsafe { compiled(program) }
            }

            #[inline(always)]
            fn zero() -> Self {
                // SAFETY: see the implementation.
                unsafe { Self($zero()) }
            }

            #[inline(always)]
            fn splat(value: $type) -> Self {
                // SAFETY: see the implementation.
                unsafe { Self($splat(value)) }
            }

            #[inline(always)]
            unsafe fn load(from: *const $type) -> Self {
                // SAFETY: see the trait.
                unsafe { Self($load(from)) }
            }

            #[inline(always)]
            unsafe fn load_part($from: *const $type, $n_loaded: usize) -> Self {
                // SAFETY: see the trait.
                unsafe { Self($load_part) }
            }

            #[inline(always)]
            unsafe fn load_bytes($bytes: *const u8) -> Self {
                // SAFETY: see the trait.
                unsafe { Self($load_bytes) }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                // SAFETY: see the trait.
                unsafe { $store(to, self.0) }
            }

            #[inline(always)]
            unsafe fn store_part(self, $to: *mut $type, $n_stored: usize) {
                let Self($values) = self;
                // SAFETY: see the trait.
                unsafe { $store_part }
            }

            #[inline(always)]
            fn interleave(self, other: Self) -> (Self, Self) {
                let (Self($first), Self($second)) = (self, other);
                // SAFETY: see the implementation.
                let (low, high) = unsafe { $interleave };
                (Self(low), Self(high))
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: see the implementation.
                unsafe { Self($add(self.0, other.0)) }
            }

            #[inline(always)]
            fn multiply_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see the implementation.
                unsafe { Self($multiply_add(self.0, b.0, c.0)) }
            }

            $($others)*
        }
    };
}

vector!(
    F32x16(__m512): 16 f32, features: "avx512f", max_rows: 14, max_sums: 16, fast: true,
    _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps,
    _mm512_fmadd_ps,
    load_part: |from, n| _mm512_maskz_loadu_ps(((1_u32 << n) - 1) as u16, from),
    store_part: |values, to, n| _mm512_mask_storeu_ps(to, ((1_u32 << n) - 1) as u16, values),
    load_bytes: |from| _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))),
    interleave: |a, b| {
        let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        (_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b))
    },

    #[inline(always)]
    unsafe fn write_nonzero<const R: usize>(
        rows: [Self; R],
        first: u16,
        indices: *mut u16,
        values: [*mut f32; R],
    ) -> usize {
        // SAFETY: see the trait.
        unsafe {
            let mut nonzero = 0;
            for row in rows {
                nonzero |= _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(row.0, _mm512_setzero_ps());
            }
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(i32::from(first)));
            let chosen = _mm512_maskz_compress_epi32(nonzero, lanes);
            _mm256_storeu_si256(indices.cast(), _mm512_cvtepi32_epi16(chosen));
            for (row, values) in rows.into_iter().zip(values) {
                _mm512_storeu_ps(values, _mm512_maskz_compress_ps(nonzero, row.0));
            }
            nonzero.count_ones() as usize
        }
    }
);

vector!(
    F64x8(__m512d): 8 f64, features: "avx512f", max_rows: 14, max_sums: 16, fast: true,
    _mm512_setzero_pd, _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_add_pd,
    _mm512_fmadd_pd,
    load_part: |from, n| _mm512_maskz_loadu_pd(((1_u32 << n) - 1) as u8, from),
    store_part: |values, to, n| _mm512_mask_storeu_pd(to, ((1_u32 << n) - 1) as u8, values),
    load_bytes: |from| _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))),
    interleave: |a, b| {
        let low = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
        let high = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
        (_mm512_permutex2var_pd(a, low, b), _mm512_permutex2var_pd(a, high, b))
    },
);

/// Masks for the first `n` lanes: their sign bits are those from element `8 - n`
/// on.
static LANE_MASKS_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
/// As [`LANE_MASKS_32`], from element `4 - n` on.
static LANE_MASKS_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

vector!(
    F32x8(__m256): 8 f32, features: "avx2,fma", max_rows: 6, max_sums: 8, fast: false,
    _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps,
    _mm256_fmadd_ps,
    load_part: |from, n| {
        _mm256_maskload_ps(from, _mm256_loadu_si256(LANE_MASKS_32.as_ptr().add(8 - n).cast()))
    },
    store_part: |values, to, n| {
        let mask = _mm256_loadu_si256(LANE_MASKS_32.as_ptr().add(8 - n).cast());
        _mm256_maskstore_ps(to, mask, values);
    },
    load_bytes: |from| _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))),
    interleave: |a, b| {
        let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        (
            _mm256_permute2f128_ps::<0x20>(low, high),
            _mm256_permute2f128_ps::<0x31>(low, high),
        )
    },
);

vector!(
    F64x4(__m256d): 4 f64, features: "avx2,fma", max_rows: 6, max_sums: 8, fast: false,
    _mm256_setzero_pd, _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_add_pd,
    _mm256_fmadd_pd,
    load_part: |from, n| {
        _mm256_maskload_pd(from, _mm256_loadu_si256(LANE_MASKS_64.as_ptr().add(4 - n).cast()))
    },
    store_part: |values, to, n| {
        let mask = _mm256_loadu_si256(LANE_MASKS_64.as_ptr().add(4 - n).cast());
        _mm256_maskstore_pd(to, mask, values);
    },
    load_bytes: |from| {
        let bytes = _mm_cvtsi32_si128(from.cast::<i32>().read_unaligned());
        _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(bytes))
    },
    interleave: |a, b| {
        let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
        (
            _mm256_permute2f128_pd::<0x20>(low, high),
            _mm256_permute2f128_pd::<0x31>(low, high),
        )
    },
);
