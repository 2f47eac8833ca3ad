//! Runs programs with the vectors of an instruction set.
//!
//! Only this file and its folder contain code for specific instruction sets. A kernel is a
//! [`Program`], generic over the vector type; [`Element::dispatch`] runs it in a function that
//! is compiled for the instructions of this vector.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::cell::Cell;
use std::thread::LocalKey;

use super::instruction_set::InstructionSet;
use super::simd::{Program, Simd};
use crate::AlignedSlice;

/// The element types of vectors: `f32` and `f64`.
pub trait Element: Copy + Default + PartialEq + 'static {
    /// Runs `program` with the vectors of `set`, which the processor must support.
    #[doc(hidden)]
    fn dispatch(set: InstructionSet, program: impl Program<Self>);

    /// Scratch memory of the calling thread, kept between calls.
    #[doc(hidden)]
    fn memory() -> &'static LocalKey<Cell<AlignedSlice<Self>>>;
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
            fn dispatch(set: InstructionSet, program: impl Program<Self>) {
                match set {
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx2 => x86::$avx2::vectorize(program),
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx512 => x86::$avx512::vectorize(program),
                    _ => portable::Quad::<$type>::vectorize(program),
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

element!(f32, F32x8, F32x16);
element!(f64, F64x4, F64x8);

/// A loop that [`vectorize`] compiles once per instruction set.
pub trait Kernel {
    /// The result of the loop.
    type Output;

    /// Runs the loop. Mark the implementation `#[inline(always)]`, because only inlined code is
    /// compiled for the wider instructions.
    fn run(self) -> Self::Output;
}

/// Runs `kernel` with the widest vector instructions of the processor.
///
/// Plain loops over slices suffice: the compiler vectorizes them. The compiler never fuses or
/// reorders floating-point operations, so a kernel gives the same bits with every instruction set.
pub fn vectorize<K: Kernel>(kernel: K) -> K::Output {
    let mut output = None;
    let program = Plain {
        kernel,
        output: &mut output,
    };
    f32::dispatch(InstructionSet::current(), program);
    match output {
        Some(output) => output,
        None => unreachable!("the program has run"),
    }
}

/// Runs a kernel that leaves the choice of vectors to the compiler.
struct Plain<'a, K: Kernel> {
    kernel: K,
    output: &'a mut Option<K::Output>,
}

impl<K: Kernel> Program<f32> for Plain<'_, K> {
    #[inline(always)]
    fn run<V: Simd<T = f32>>(self) {
        *self.output = Some(self.kernel.run());
    }
}
