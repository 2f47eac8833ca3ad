//! One vector register, in the forms that the instruction sets have.

/// A vector of [`LANES`](Self::LANES) numbers of type `T`.
///
/// # Safety
/// Implementations may use instructions that not every machine has. All
/// functions may only be called where those instructions exist, and only
/// inlined into functions that are compiled for them.
pub(super) unsafe trait Simd: Copy {
    type T: Copy + Default + PartialEq + From<u8> + std::ops::Add<Output = Self::T> + 'static;
    const LANES: usize;

    /// Whether [`interleave`](Self::interleave) is two instructions.
    const INTERLEAVES_FAST: bool = false;

    /// All lanes 0.
    unsafe fn zero() -> Self;

    /// All lanes `value`.
    unsafe fn splat(value: Self::T) -> Self;

    /// `LANES` numbers from `from` on, with any alignment.
    unsafe fn load(from: *const Self::T) -> Self;

    /// The first `n < LANES` numbers from `from` on; the other lanes are 0.
    unsafe fn load_part(from: *const Self::T, n: usize) -> Self;

    /// `LANES` bytes from `from` on, as numbers.
    #[inline(always)]
    unsafe fn load_bytes(from: *const u8) -> Self {
        let mut lanes = [Self::T::default(); MAX_LANES];
        // SAFETY: no vector has more lanes; the caller vouches for the bytes.
        unsafe {
            for (lane, slot) in lanes.iter_mut().enumerate().take(Self::LANES) {
                *slot = (*from.add(lane)).into();
            }
            Self::load(lanes.as_ptr())
        }
    }

    /// Writes all lanes.
    unsafe fn store(self, to: *mut Self::T);

    /// Writes the first `n < LANES` lanes.
    unsafe fn store_part(self, to: *mut Self::T, n: usize);

    /// Asks for the memory at `from`, which may be any address, to be brought
    /// into the cache.
    #[inline(always)]
    fn prefetch(from: *const Self::T) {
        prefetch(from.cast());
    }

    /// The lanes of both, one by one in turn: those of the first halves and
    /// those of the second.
    unsafe fn interleave(self, other: Self) -> (Self, Self);

    /// `self + other`
    unsafe fn add(self, other: Self) -> Self;

    /// `self·b + c`, rounded once where the machine can.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;

    /// The same of single numbers, with the same rounding.
    unsafe fn multiply_add_one(a: Self::T, b: Self::T, c: Self::T) -> Self::T;

    /// Writes `first + i` for every lane i that is not 0, one after the other,
    /// and returns how many. There must be room for all lanes.
    ///
    /// Without branches, which nobody could predict.
    #[inline(always)]
    unsafe fn write_nonzero_lanes(self, first: u16, to: *mut u16) -> usize {
        let mut lanes = [Self::T::default(); MAX_LANES];
        let mut n = 0;
        // SAFETY: no vector has more lanes; `n <= lane`.
        unsafe {
            self.store(lanes.as_mut_ptr());
            for (lane, value) in lanes.iter().enumerate().take(Self::LANES) {
                *to.add(n) = first + lane as u16;
                n += usize::from(*value != Self::T::default());
            }
        }
        n
    }

    /// For every lane i that is not 0 here or in `other`, one after the other:
    /// writes `first + i·step` and the numbers of both. Returns how many there
    /// are. There must be room for all lanes.
    #[inline(always)]
    unsafe fn write_pairs(
        self,
        other: Self,
        [first, step]: [u16; 2],
        offsets: *mut u16,
        values: [*mut Self::T; 2],
    ) -> usize {
        let zero = Self::T::default();
        let mut lanes = [[zero; MAX_LANES]; 2];
        let mut n = 0;
        // SAFETY: no vector has more lanes; `n <= lane`.
        unsafe {
            self.store(lanes[0].as_mut_ptr());
            other.store(lanes[1].as_mut_ptr());
            let pairs = lanes[0].into_iter().zip(lanes[1]).take(Self::LANES);
            for (lane, (own, other)) in (0..).zip(pairs) {
                *offsets.add(n) = first + lane * step;
                *values[0].add(n) = own;
                *values[1].add(n) = other;
                n += usize::from(own != zero || other != zero);
            }
        }
        n
    }
}

/// Lanes of the widest vector.
pub(super) const MAX_LANES: usize = 16;

/// A vector of `n` numbers, or of as many as it has lanes.
///
/// # Safety
/// The numbers must exist, and the machine must have the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn load_up_to<V: Simd>(from: *const V::T, n: usize) -> V {
    // SAFETY: see above.
    unsafe {
        if n >= V::LANES {
            V::load(from)
        } else {
            V::load_part(from, n)
        }
    }
}

/// Writes the first `n` lanes, or all if there are fewer.
///
/// # Safety
/// There must be room for them, and the machine must have the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn store_up_to<V: Simd>(values: V, to: *mut V::T, n: usize) {
    // SAFETY: see above.
    unsafe {
        if n >= V::LANES {
            values.store(to);
        } else {
            values.store_part(to, n);
        }
    }
}

/// Asks for the line at `from` to be brought into the cache.
#[inline(always)]
pub(super) fn prefetch(from: *const i8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and may be of any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Simd;

    // SAFETY: AVX-512F only; callers have made sure of it.
    unsafe impl Simd for __m512 {
        type T = f32;
        const LANES: usize = 16;
        const INTERLEAVES_FAST: bool = true;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_setzero_ps() }
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_loadu_ps(from) }
        }

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
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see the trait.
            unsafe { _mm512_storeu_ps(to, self) }
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
                let first =
                    _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
                let second =
                    _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
                (
                    _mm512_permutex2var_ps(self, first, other),
                    _mm512_permutex2var_ps(self, second, other),
                )
            }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_fmadd_ps(self, b, c) }
        }

        #[inline(always)]
        unsafe fn multiply_add_one(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }

        #[inline(always)]
        unsafe fn write_nonzero_lanes(self, first: u16, to: *mut u16) -> usize {
            // SAFETY: see the trait.
            unsafe {
                let nonzero = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(self, _mm512_setzero_ps());
                let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
                let lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(i32::from(first)));
                let chosen = _mm512_maskz_compress_epi32(nonzero, lanes);
                _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(chosen));
                nonzero.count_ones() as usize
            }
        }

        #[inline(always)]
        unsafe fn write_pairs(
            self,
            other: Self,
            [first, step]: [u16; 2],
            offsets: *mut u16,
            values: [*mut f32; 2],
        ) -> usize {
            // SAFETY: see the trait.
            unsafe {
                let zero = _mm512_setzero_ps();
                let nonzero = _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(self, zero)
                    | _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(other, zero);
                let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
                let lanes = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(i32::from(step)));
                let lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(i32::from(first)));
                let chosen = _mm512_maskz_compress_epi32(nonzero, lanes);
                _mm256_storeu_si256(offsets.cast(), _mm512_cvtepi32_epi16(chosen));
                _mm512_storeu_ps(values[0], _mm512_maskz_compress_ps(nonzero, self));
                _mm512_storeu_ps(values[1], _mm512_maskz_compress_ps(nonzero, other));
                nonzero.count_ones() as usize
            }
        }
    }

    // SAFETY: AVX-512F only; callers have made sure of it.
    unsafe impl Simd for __m512d {
        type T = f64;
        const LANES: usize = 8;
        const INTERLEAVES_FAST: bool = true;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_setzero_pd() }
        }

        #[inline(always)]
        unsafe fn splat(value: f64) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_set1_pd(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f64) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_loadu_pd(from) }
        }

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
        unsafe fn store(self, to: *mut f64) {
            // SAFETY: see the trait.
            unsafe { _mm512_storeu_pd(to, self) }
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

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_add_pd(self, other) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm512_fmadd_pd(self, b, c) }
        }

        #[inline(always)]
        unsafe fn multiply_add_one(a: f64, b: f64, c: f64) -> f64 {
            a.mul_add(b, c)
        }
    }

    /// Sign bits choose the lanes that a masked move touches: `n` of them
    /// stand from `LANE_MASKS_32[8 - n]` on.
    static LANE_MASKS_32: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    static LANE_MASKS_64: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];

    // SAFETY: AVX2 and FMA only; callers have made sure of them.
    unsafe impl Simd for __m256 {
        type T = f32;
        const LANES: usize = 8;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_setzero_ps() }
        }

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_loadu_ps(from) }
        }

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
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see the trait.
            unsafe { _mm256_storeu_ps(to, self) }
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

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_fmadd_ps(self, b, c) }
        }

        #[inline(always)]
        unsafe fn multiply_add_one(a: f32, b: f32, c: f32) -> f32 {
            a.mul_add(b, c)
        }
    }

    // SAFETY: AVX2 and FMA only; callers have made sure of them.
    unsafe impl Simd for __m256d {
        type T = f64;
        const LANES: usize = 4;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_setzero_pd() }
        }

        #[inline(always)]
        unsafe fn splat(value: f64) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_set1_pd(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f64) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_loadu_pd(from) }
        }

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
        unsafe fn store(self, to: *mut f64) {
            // SAFETY: see the trait.
            unsafe { _mm256_storeu_pd(to, self) }
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

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_add_pd(self, other) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
            // SAFETY: see the trait.
            unsafe { _mm256_fmadd_pd(self, b, c) }
        }

        #[inline(always)]
        unsafe fn multiply_add_one(a: f64, b: f64, c: f64) -> f64 {
            a.mul_add(b, c)
        }
    }
}

/// Numbers that the compiler keeps in registers of its own choice.
pub(super) type Quad<T> = [T; 4];

macro_rules! quad {
    ($type:ty) => {
        // SAFETY: no special instructions.
        unsafe impl Simd for Quad<$type> {
            type T = $type;
            const LANES: usize = 4;

            #[inline(always)]
            unsafe fn zero() -> Self {
                [0.0; 4]
            }

            #[inline(always)]
            unsafe fn splat(value: $type) -> Self {
                [value; 4]
            }

            #[inline(always)]
            unsafe fn load(from: *const $type) -> Self {
                // SAFETY: the caller vouches for four numbers; an array has their alignment.
                unsafe { *from.cast::<Self>() }
            }

            #[inline(always)]
            unsafe fn load_part(from: *const $type, n: usize) -> Self {
                // SAFETY: the caller vouches for `n` numbers.
                std::array::from_fn(|i| if i < n { unsafe { *from.add(i) } } else { 0.0 })
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut $type) {
                // SAFETY: the caller vouches for four numbers.
                unsafe { *to.cast::<Self>() = self }
            }

            #[inline(always)]
            unsafe fn store_part(self, to: *mut $type, n: usize) {
                for (i, value) in self.into_iter().enumerate().take(n) {
                    // SAFETY: the caller vouches for `n` numbers.
                    unsafe { *to.add(i) = value }
                }
            }

            #[inline(always)]
            unsafe fn interleave(self, other: Self) -> (Self, Self) {
                let lane = |i: usize| {
                    if i.is_multiple_of(2) {
                        self[i / 2]
                    } else {
                        other[i / 2]
                    }
                };
                (
                    std::array::from_fn(lane),
                    std::array::from_fn(|i| lane(4 + i)),
                )
            }

            #[inline(always)]
            unsafe fn add(self, other: Self) -> Self {
                std::array::from_fn(|i| self[i] + other[i])
            }

            #[inline(always)]
            unsafe fn multiply_add(self, b: Self, c: Self) -> Self {
                // SAFETY: no special instructions.
                std::array::from_fn(|i| unsafe { Self::multiply_add_one(self[i], b[i], c[i]) })
            }

            #[inline(always)]
            unsafe fn multiply_add_one(a: $type, b: $type, c: $type) -> $type {
                // Fused only where every machine of the target fuses.
                if cfg!(target_arch = "aarch64") {
                    a.mul_add(b, c)
                } else {
                    a * b + c
                }
            }
        }
    };
}

quad!(f32);
quad!(f64);
