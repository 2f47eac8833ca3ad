//! The only module of the workspace with `unsafe`: choosing instructions at
//! run time, the inner loop of the matrix product, and the worker threads.
//!
//! Every block says why it is sound. What the rest of the workspace sees is
//! safe: [`vectorize`], [`Matrix`], [`Gemm`] and [`Pool`].
#![allow(unsafe_code)]

/// The `KERNELS` of the module that was compiled for an instruction set.
macro_rules! kernels_of {
    ($set:expr, $portable:ident, $avx2:ident, $avx512:ident) => {
        match $set {
            InstructionSet::Portable => &$portable::KERNELS,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => &$avx2::KERNELS,
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 => &$avx512::KERNELS,
            #[cfg(not(target_arch = "x86_64"))]
            _ => &$portable::KERNELS,
        }
    };
}

mod matrix;
mod simd;
mod scratch;
mod pack;
mod gemm;
mod pairs;
mod single_row;
mod lists;
mod sparse;
mod groups;
mod lanes;
mod outer;
mod row;
mod pool;

use std::error::Error;
use std::fmt;
use std::sync::OnceLock;

#[allow(unreachable_pub, reason = "a supertrait of the public, sealed Scalar")]
pub use gemm::Gemm;
pub(crate) use gemm::gemm;
pub(crate) use groups::{GROUP, add_group_outers, group_sums};
pub(crate) use lanes::{
    GROUPS_IN_CACHE, MAX_WIDTH as MAX_LANE_WIDTH, add_lane_outers, errors_as_lanes, lane_sums,
    lanes_of, numbers_of_group,
};
pub(crate) use lists::Lists;
pub use matrix::{Matrix, MatrixMut};
pub(crate) use outer::add_outer;
pub(crate) use pairs::{MAX_ROWS as MAX_PAIRED_ROWS, RowPairs, gemm_of_pairs};
pub(crate) use pool::Pool;
#[allow(unreachable_pub, reason = "a supertrait of the public, sealed Scalar")]
pub use row::RowProducts;
pub(crate) use row::{add_gradients, error_below, weighted_sums};
pub(crate) use scratch::with_scratch;
pub(crate) use sparse::add_weighted_rows;

/// The vector instructions that kernels are compiled for.
///
/// The widest set the machine has is chosen at run time, once. Setting the
/// environment variable [`NN_INSTRUCTION_SET`](Self::VARIABLE) to `portable`,
/// `avx2` or `avx512` chooses a narrower one. Results of two sets differ by
/// rounding.
///
/// A program should call [`requested`](Self::requested) at its start and end
/// with the error, if there is one: [`current`](Self::current) cannot fail, and
/// uses the widest set where the variable holds anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// What every machine of the target has (x86-64: SSE2, aarch64: NEON).
    Portable,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors.
    Avx512,
}

impl InstructionSet {
    /// Every set, narrowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The environment variable that chooses a set.
    pub const VARIABLE: &'static str = "NN_INSTRUCTION_SET";

    /// The sets this machine can run, narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|set| set.is_available())
    }

    /// The set that [`VARIABLE`](Self::VARIABLE) asks for; `None` if it is not
    /// set.
    ///
    /// # Errors
    /// [`BadInstructionSet`] if the variable holds anything but the name of a
    /// set that this machine can run; the empty text is no name, and letters
    /// must be small.
    pub fn requested() -> Result<Option<Self>, BadInstructionSet> {
        let requested = std::env::var_os(Self::VARIABLE);
        requested
            .map(|name| Self::by_name(&name.to_string_lossy()))
            .transpose()
    }

    fn by_name(name: &str) -> Result<Self, BadInstructionSet> {
        match Self::ALL.into_iter().find(|set| set.name() == name) {
            None => Err(BadInstructionSet::Unknown {
                found: name.to_owned(),
            }),
            Some(set) if !set.is_available() => Err(BadInstructionSet::Unavailable { set }),
            Some(set) => Ok(set),
        }
    }

    /// The set in use.
    #[inline]
    pub fn current() -> Self {
        static CURRENT: OnceLock<InstructionSet> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let requested = Self::requested().ok().flatten();
            requested
                .or(Self::available().last())
                .unwrap_or(Self::Portable)
        })
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512bw")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Self::Portable
    }
}

/// Why the environment variable [`InstructionSet::VARIABLE`] cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadInstructionSet {
    /// No set has this name.
    Unknown {
        /// What the variable holds.
        found: String,
    },
    /// The processor lacks the instructions.
    Unavailable {
        /// The set that was asked for.
        set: InstructionSet,
    },
}

impl fmt::Display for BadInstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = InstructionSet::VARIABLE;
        match self {
            Self::Unknown { found } => {
                let names = InstructionSet::ALL.map(InstructionSet::name).join(", ");
                let found = found.escape_debug();
                write!(f, "{variable}: expected one of {names}, found \"{found}\"")
            }
            Self::Unavailable { set } => {
                write!(f, "{variable}: this processor cannot run {}", set.name())
            }
        }
    }
}

impl Error for BadInstructionSet {}

/// A loop that [`vectorize`] compiles once for each instruction set.
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
    match InstructionSet::current() {
        InstructionSet::Portable => kernel.run(),
        // SAFETY: `InstructionSet::current` returns only sets whose features
        // `is_available` has found on this machine.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => unsafe { run_with_avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => unsafe { run_with_avx512(kernel) },
        #[cfg(not(target_arch = "x86_64"))]
        _ => kernel.run(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_with_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn run_with_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

/// Calls `work(index, item)` for every item on the threads of `pool`.
pub(crate) fn for_each<T: Send>(pool: &Pool, items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
    struct Items<T>(*mut T);
    // SAFETY: the pointer is only used to reach items, each from one thread.
    unsafe impl<T: Send> Sync for Items<T> {}
    impl<T> Items<T> {
        fn get(&self, index: usize) -> *mut T {
            self.0.wrapping_add(index)
        }
    }

    let first = Items(items.as_mut_ptr());
    pool.run(items.len(), |index| {
        // SAFETY: `Pool::run` passes every index below `items.len()` exactly
        // once, so that no two of these references meet; `items` is borrowed
        // mutably until `run` returns, after the last of them is gone.
        work(index, unsafe { &mut *first.get(index) });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_found_by_its_name_alone() {
        for set in InstructionSet::ALL {
            let expected = if set.is_available() {
                Ok(set)
            } else {
                Err(BadInstructionSet::Unavailable { set })
            };
            assert_eq!(InstructionSet::by_name(set.name()), expected);
        }
        for name in ["", "nonsense", "AVX2", " avx2"] {
            let error = InstructionSet::by_name(name).expect_err("it is no name");
            assert_eq!(
                error.to_string(),
                format!(
                    "NN_INSTRUCTION_SET: expected one of portable, avx2, avx512, found \"{name}\""
                )
            );
        }
        let missing = BadInstructionSet::Unavailable {
            set: InstructionSet::Avx512,
        };
        assert_eq!(
            missing.to_string(),
            "NN_INSTRUCTION_SET: this processor cannot run avx512"
        );
    }
}
