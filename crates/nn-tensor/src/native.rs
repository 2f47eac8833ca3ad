//! The only module of the workspace with `unsafe`: choosing instructions at
//! run time, the inner loop of the matrix product, and the worker threads.
//!
//! Every block says why it is sound. What the rest of the workspace sees is
//! safe: [`vectorize`], [`Matrix`], [`Gemm`] and [`Pool`].
#![allow(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "in hidden methods of supertraits of the public, sealed Scalar"
)]

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

mod instruction_set;
mod simd;
mod dispatch;
mod matrix;
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

pub use dispatch::{Element, Kernel, vectorize};
pub use gemm::Gemm;
pub(crate) use gemm::gemm;
pub(crate) use groups::{GROUP, add_group_outers, group_sums};
pub use instruction_set::{BadInstructionSet, InstructionSet};
pub(crate) use lanes::{
    GROUPS_IN_CACHE, MAX_WIDTH as MAX_LANE_WIDTH, add_lane_outers, errors_as_lanes, lane_sums,
    lanes_of, numbers_of_group,
};
pub(crate) use lists::Lists;
pub use matrix::{Matrix, MatrixMut};
pub(crate) use outer::add_outer;
pub(crate) use pairs::{MAX_ROWS as MAX_PAIRED_ROWS, RowPairs, gemm_of_pairs};
pub(crate) use pool::{Pool, for_each};
pub use row::RowProducts;
pub(crate) use row::{add_gradients, error_below, weighted_sums};
pub(crate) use scratch::with_scratch;
pub(crate) use sparse::add_weighted_rows;
