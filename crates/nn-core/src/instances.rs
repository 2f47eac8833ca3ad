//! Compiles generic functions in this crate, for `f32` and `f64`, so that programs
//! build faster.
//!
//! In a release build, every crate that calls a generic function compiles its own copy, unless
//! the function is marked `#[inline(never)]` and a dependency has compiled it already.
//! Functions that take long to compile are therefore marked and listed here, so that a changed
//! program does not compile them again.

use crate::metrics::{evaluate_block_loss, measure};
use crate::mlp::{Classification, Regression};
use crate::network::ForwardCache;
use crate::{Checkpoint, FittedMlp, Gradients, Memory, Mlp, Model, Network, Predictor, Trainer};

/// Lists function pointers, so that the functions are compiled.
macro_rules! instances {
    ($($name:ident: $scalar:ty),*) => {$(
        #[doc(hidden)]
        #[inline(never)]
        pub fn $name() -> Vec<*const ()> {
            type S = $scalar;
            vec![
                Trainer::<S>::online as *const (),
                Trainer::<S>::new as *const (),
                Trainer::<S>::augment as *const (),
                Trainer::<S>::advance as *const (),
                Trainer::<S>::network as *const (),
                Trainer::<S>::latest_network as *const (),
                Trainer::<S>::gradient as *const (),
                Trainer::<S>::step as *const (),
                Trainer::<S>::step_on as *const (),
                Trainer::<S>::checkpoint as *const (),
                Trainer::<S>::restore as *const (),
                Trainer::<S>::divide as *const (),
                Trainer::<S>::follow as *const (),
                Trainer::<S>::complete_state as *const (),
                Checkpoint::<S>::to_bytes as *const (),
                Checkpoint::<S>::write_to as *const (),
                Checkpoint::<S>::read_from as *const (),
                Network::<S>::new as *const (),
                Network::<S>::zeros as *const (),
                Network::<S>::predict as *const (),
                Network::<S>::without_dropout as *const (),
                Network::<S>::initialize_from_rows as *const (),
                Network::<S>::infer as *const (),
                Network::<S>::forward_rows_in_training as *const (),
                Network::<S>::predict_view as *const (),
                Predictor::<S>::predict_into as *const (),
                evaluate_block_loss::<S> as *const (),
                measure::<S> as *const (),
                Memory::of_evaluation::<S> as *const (),
                Model::<S>::to_bytes as *const (),
                Model::<S>::check as *const (),
                Model::<S>::to_tensors as *const (),
                Model::<S>::from_named_tensors as *const (),
                Model::<S>::write_to as *const (),
                Model::<S>::read_accepting as *const (),
                Model::<S>::predict_raw as *const (),
                Model::<S>::predict_row as *const (),
                Model::<S>::fold_preprocessing as *const (),
                Gradients::<S>::new as *const (),
                Gradients::<S>::with_input_error as *const (),
                Gradients::<S>::block_loss_of_batch as *const (),
                Gradients::<S>::backward_rows as *const (),
                ForwardCache::<S>::new as *const (),
            ]
        }
    )*};
}

instances!(single: f32, double: f64);

/// Lists the functions of [`Mlp`], for both tasks.
#[doc(hidden)]
#[inline(never)]
pub fn tasks() -> [*const (); 6] {
    [
        Mlp::<Classification>::fit_targets as *const (),
        Mlp::<Classification>::load_with as *const (),
        FittedMlp::<Classification>::update as *const (),
        Mlp::<Regression>::fit_targets as *const (),
        Mlp::<Regression>::load_with as *const (),
        FittedMlp::<Regression>::update as *const (),
    ]
}
