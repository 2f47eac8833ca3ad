//! Chooses instructions at run time.
//!
//! This file and its folder are the only ones that know instruction sets. A
//! kernel is a [`Program`], generic over the vector; [`dispatch`] calls it with
//! the vector of a set, in a function that is compiled for that set.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::cell::Cell;
use std::thread::LocalKey;

use super::instruction_set::InstructionSet;
use super::simd::{Program, Simd};
use crate::AlignedSlice;
use portable::Quad;

/// Element types that have vectors.
pub trait Element: Copy + Default + PartialEq + 'static {
    #[doc(hidden)]
    fn dispatch<P: Program<Self>>(set: InstructionSet, program: P) -> P::Output;

    /// Memory of the calling thread, kept between calls.
    #[doc(hidden)]
    fn memory() -> &'static LocalKey<Cell<AlignedSlice<Self>>>;
}

/// Runs `program` with the vectors of `set`, which must be one of the machine's.
pub(super) fn dispatch<T: Element, P: Program<T>>(set: InstructionSet, program: P) -> P::Output {
    T::dispatch(set, program)
}

/// Number of lanes of a vector of `set`.
pub(crate) fn lanes<T: Element>(set: InstructionSet) -> usize {
    let width = match set {
        InstructionSet::Avx2 if cfg!(target_arch = "x86_64") => 32,
        InstructionSet::Avx512 if cfg!(target_arch = "x86_64") => 64,
        _ => 4 * size_of::<T>(),
    };
    width / size_of::<T>()
}

macro_rules! element {
    ($type:ty, $avx2:ident, $avx512:ident) => {
        impl Element for $type {
            #[inline]
            fn dispatch<P: Program<Self>>(set: InstructionSet, program: P) -> P::Output {
                // SAFETY: `set` is one of the machine's.
                unsafe {
                    match set {
                        InstructionSet::Portable => Quad::<$type>::vectorize(program),
                        #[cfg(target_arch = "x86_64")]
                        InstructionSet::Avx2 => std::arch::x86_64::$avx2::vectorize(program),
                        #[cfg(target_arch = "x86_64")]
                        InstructionSet::Avx512 => std::arch::x86_64::$avx512::vectorize(program),
                        #[cfg(not(target_arch = "x86_64"))]
                        _ => Quad::<$type>::vectorize(program),
                    }
                }
            }

            fn memory() -> &'static LocalKey<Cell<AlignedSlice<Self>>> {
                thread_local!(static MEMORY: Cell<AlignedSlice<$type>> = const {
                    Cell::new(AlignedSlice::empty())
                });
                &MEMORY
            }
        }
    };
}

element!(f32, __m256, __m512);
element!(f64, __m256d, __m512d);

/// A loop that [`vectorize`] compiles once per instruction set.
pub trait Kernel {
    /// What the loop returns.
    type Output;

    /// The loop. Mark the implementation `#[inline(always)]`: only code that
    /// is inlined is compiled for the wider instructions.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` with the widest vector instructions of this machine.
///
/// Plain loops over slices are enough: the compiler vectorises them. It never
/// fuses or reorders floating point operations, so that a kernel gives the
/// same bits with every instruction set.
pub fn vectorize<K: Kernel>(kernel: K) -> K::Output {
    dispatch::<f32, _>(InstructionSet::current(), Plain(kernel))
}

/// A kernel that leaves the vectors to the compiler.
struct Plain<K>(K);

impl<K: Kernel> Program<f32> for Plain<K> {
    type Output = K::Output;

    #[inline(always)]
    unsafe fn run<V: Simd<T = f32>>(self) -> K::Output {
        self.0.run()
    }
}
