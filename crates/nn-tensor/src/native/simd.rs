//! One vector register, and programs that are generic over its kind.

/// A vector of [`LANES`](Self::LANES) elements of type `T`.
///
/// # Safety
/// Implementations may use instructions that not every machine has. All
/// functions may only be called where those instructions exist, and only
/// inlined into functions that are compiled for them, which is what
/// [`vectorize`](Self::vectorize) is for.
pub unsafe trait Simd: Copy {
    type T: Copy + Default + PartialEq + From<u8> + std::ops::Add<Output = Self::T> + 'static;
    const LANES: usize;

    /// Maximum number of rows of the dense micro-kernel, whose sums are twice as
    /// many vectors.
    const MAX_ROWS: usize;

    /// Number of vectors of sums that the sparse micro-kernels keep in registers.
    const MAX_SUMS: usize;

    /// Whether [`interleave`](Self::interleave) is two instructions.
    const INTERLEAVES_FAST: bool = false;

    /// Calls `program` in a function of its own, compiled for the instructions
    /// of this vector.
    unsafe fn vectorize<P: Program<Self::T>>(program: P) -> P::Output;

    /// All lanes 0.
    unsafe fn zero() -> Self;

    /// All lanes `value`.
    unsafe fn splat(value: Self::T) -> Self;

    /// Loads `LANES` elements, with any alignment.
    unsafe fn load(from: *const Self::T) -> Self;

    /// Loads the first `n <= LANES` elements; the other lanes are 0.
    unsafe fn load_part(from: *const Self::T, n: usize) -> Self;

    /// Loads `LANES` bytes and converts them.
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

    /// Stores all lanes.
    unsafe fn store(self, to: *mut Self::T);

    /// Stores the first `n <= LANES` lanes.
    unsafe fn store_part(self, to: *mut Self::T, n: usize);

    /// Interleaves the lanes of two vectors: the first halves, and the second.
    unsafe fn interleave(self, other: Self) -> (Self, Self);

    /// `self + other`
    unsafe fn add(self, other: Self) -> Self;

    /// `self·b + c`, rounded once where the machine can.
    unsafe fn multiply_add(self, b: Self, c: Self) -> Self;

    /// `a·b + c` of single elements, rounded as [`multiply_add`](Self::multiply_add).
    unsafe fn multiply_add_one(a: Self::T, b: Self::T, c: Self::T) -> Self::T;

    /// Writes `first + i` for every lane i that is not 0, one after the other,
    /// and returns their number. There must be room for all lanes.
    ///
    /// Without branches, which could not be predicted.
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

    /// For every lane i that is not 0 in `self` or in `other`, one after the
    /// other: writes `first + i·step` and the two values. Returns the number of
    /// such lanes. There must be room for all lanes.
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

/// A computation that is compiled once per instruction set.
pub trait Program<T> {
    type Output;

    /// The computation. Mark the implementation `#[inline(always)]`: only code
    /// that is inlined is compiled for the instructions of `V`. A closure may not
    /// be inlined, so that no operation of `V` belongs into one.
    ///
    /// # Safety
    /// The machine must have the instructions of `V`, and the program must be
    /// inlined into a function that is compiled for them.
    unsafe fn run<V: Simd<T = T>>(self) -> Self::Output;
}

/// Number of lanes of the widest vector.
pub(super) const MAX_LANES: usize = 16;

/// Loads `n` elements, or as many as a vector has lanes.
///
/// # Safety
/// The elements must exist, and the machine must have the instructions of `V`.
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

/// Stores the first `n` lanes, or all if there are fewer.
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

/// Asks for the cache line at `from`, which may be any address.
#[inline(always)]
pub(super) fn prefetch<T>(from: *const T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and may be of any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}
