//! The only module of the workspace with `unsafe` code: vector instructions selected
//! at run time, the kernels of all products, and the thread pool.
//!
//! Every `unsafe` block states why it is sound. The interface for the rest of the
//! workspace is safe: [`vectorize`], [`Matrix`], [`Products`] and [`Pool`].
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
mod row;
mod outer;
mod gemm;
mod pairs;
mod sparse;
mod lanes;
mod pool;

use std::cell::RefCell;
use std::thread::LocalKey;

pub use compressed_rows::CompressedRows;
pub(crate) use compressed_rows::MAX_SEGMENT;
pub(crate) use dispatch::lanes as lanes_of;
pub use dispatch::{Element, Kernel, vectorize};
pub use instruction_set::{BadInstructionSet, InstructionSet};
pub(crate) use lanes::{GROUPS_IN_CACHE, MAX_WIDTH as MAX_LANE_WIDTH, errors_as_lanes, errors_len};
pub use lanes::{LaneOuters, LaneSums};
pub use matrix::{Matrix, MatrixMut};
pub(crate) use micro::Epilogue;
pub use outer::AddGradients;
pub(crate) use pairs::MAX_ROWS as MAX_PAIRED_ROWS;
pub use pairs::{ListPairs, PairProduct, RowPairs};
pub(crate) use pool::{Pool, for_each};
pub use product::Product;
pub use row::{ErrorBelow, WeightedSums};
pub(crate) use scratch::Scratch;
pub(crate) use sparse::GROUP;
pub use sparse::{GroupOuters, SparseOuter, SparseSums};

/// Declares programs as methods of the element types, which are therefore compiled
/// once, in this crate, and not in every crate that is generic over the element type.
macro_rules! products {
    ($($name:ident: $program:ident,)*) => {
        /// The products of an element type. `set` must be supported by the processor.
        pub trait Products: Element {
            $(#[doc(hidden)]
            fn $name(set: InstructionSet, program: $program<'_, Self>);)*

            /// Thread-local buffers for products that process rows in pairs.
            #[doc(hidden)]
            fn pairs() -> &'static LocalKey<RefCell<Vec<RowPairs<Self>>>>;
        }

        products!(impl for f32: $($name: $program,)*);
        products!(impl for f64: $($name: $program,)*);
    };
    (impl for $element:ty: $($name:ident: $program:ident,)*) => {
        impl Products for $element {
            $(fn $name(set: InstructionSet, program: $program<'_, Self>) {
                Self::dispatch(set, program);
            })*

            fn pairs() -> &'static LocalKey<RefCell<Vec<RowPairs<Self>>>> {
                thread_local!(static PAIRS: RefCell<Vec<RowPairs<$element>>> = const {
                    RefCell::new(Vec::new())
                });
                &PAIRS
            }
        }
    };
}

products! {
    gemm: Product,
    list_pairs: ListPairs,
    gemm_of_pairs: PairProduct,
    weighted_sums: WeightedSums,
    error_below: ErrorBelow,
    add_gradients: AddGradients,
    sparse_sums: SparseSums,
    add_sparse_outer: SparseOuter,
    add_group_outers: GroupOuters,
    lane_sums: LaneSums,
    add_lane_outers: LaneOuters,
}
