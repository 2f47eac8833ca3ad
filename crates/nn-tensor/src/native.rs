//! The only module of the workspace with `unsafe`: choosing instructions at
//! run time, the kernels of all products, and the worker threads.
//!
//! Every block says why it is sound. What the rest of the workspace sees is
//! safe: [`vectorize`], [`Matrix`], [`Products`] and [`Pool`].
#![allow(unsafe_code)]
#![allow(
    unreachable_pub,
    reason = "in hidden methods of supertraits of the public, sealed Scalar"
)]

mod instruction_set;
mod simd;
mod dispatch;
mod matrix;
mod scratch;
mod pack;
mod compressed_rows;
mod micro;
mod product;
mod outer;
mod row;
mod gemm;
mod pairs;
mod sparse;
mod groups;
mod lanes;
mod pool;

use std::ops::Range;

pub use compressed_rows::CompressedRows;
pub(crate) use dispatch::lanes as lanes_of;
pub use dispatch::{Element, Kernel, vectorize};
pub(crate) use groups::GROUP;
pub use instruction_set::{BadInstructionSet, InstructionSet};
pub(crate) use lanes::{
    GROUPS_IN_CACHE, MAX_WIDTH as MAX_LANE_WIDTH, errors_as_lanes, numbers_of_group,
};
pub use matrix::{Matrix, MatrixMut};
pub use micro::Epilogue;
pub(crate) use pairs::MAX_ROWS as MAX_PAIRED_ROWS;
pub use pairs::{PairMemory, RowPairs};
pub(crate) use pool::{Pool, for_each};
pub(crate) use scratch::Scratch;

/// Declares functions of the modules as methods of the element types. So they
/// are compiled once, in this crate, and not in every crate that is generic over
/// the element type.
macro_rules! products {
    ($(fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $function:path;)*) => {
        /// The products of an element type.
        pub trait Products: PairMemory {
            $(#[doc(hidden)]
            fn $name(set: InstructionSet, $($argument: $type),*);)*
        }

        products!(impl for f32: $(fn $name($($argument: $type),*) = $function;)*);
        products!(impl for f64: $(fn $name($($argument: $type),*) = $function;)*);
    };
    (impl for $element:ty: $(fn $name:ident($($argument:ident: $type:ty),*) = $function:path;)*) => {
        impl Products for $element {
            $(fn $name(set: InstructionSet, $($argument: $type),*) {
                $function(set, $($argument),*);
            })*
        }
    };
}

products! {
    fn gemm(
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        c: MatrixMut<'_, Self>,
        epilogue: Epilogue<'_, Self>,
    ) = gemm::gemm;
    fn fill_pairs(pairs: &mut RowPairs<Self>, a: Matrix<'_, Self>) = pairs::fill;
    fn gemm_of_pairs(
        pairs: &[RowPairs<Self>],
        a: Matrix<'_, Self>,
        b: Matrix<'_, Self>,
        c: MatrixMut<'_, Self>,
        epilogue: Epilogue<'_, Self>,
    ) = pairs::gemm_of_pairs;
    fn weighted_sums(inputs: &[Self], weights: &[Self], bias: &[Self], sums: &mut [Self])
        = row::weighted_sums;
    fn error_below(error: &[Self], weights: &[Self], below: &mut [Self]) = row::error_below;
    fn add_gradients(
        inputs: &[Self],
        error: &[Self],
        weights: &mut [Self],
        bias: &mut [Self],
    ) = row::add_gradients;
    fn add_outer(
        lists: &CompressedRows,
        list: u32,
        factors: &[Self; 256],
        row: &[Self],
        out: &mut [Self],
    ) = outer::add_outer;
    fn add_weighted_rows(
        lists: &CompressedRows,
        chosen: &[u32],
        factors: &[Self; 256],
        matrix: Matrix<'_, Self>,
        out: MatrixMut<'_, Self>,
    ) = sparse::add_weighted_rows;
    fn group_sums(
        lists: &CompressedRows,
        first_group: usize,
        factors: &[Self; 256],
        matrix: &[Self],
        bias: &[Self],
        out: &mut [Self],
    ) = groups::group_sums;
    fn add_group_outers(
        lists: &CompressedRows,
        segment: usize,
        factors: &[Self; 256],
        n_columns: usize,
        error: &[Self],
        out: &mut [Self],
    ) = groups::add_group_outers;
    fn lane_sums(
        lists: &CompressedRows,
        first_group: usize,
        unit: Self,
        matrix: &[Self],
        bias: &[Self],
        out: &mut [Self],
    ) = lanes::lane_sums;
    fn add_lane_outers(
        lists: &CompressedRows,
        columns: Range<usize>,
        unit: Self,
        width: usize,
        groups: &[Self],
        out: &mut [Self],
    ) = lanes::add_lane_outers;
}
