//! The models whose C code gives the bits of nn with `NN_EXACT`.

use nn_core::Activation;
use nn_core::stage::{Activate, Stage};

use crate::exported_model::ExportedModel;

impl ExportedModel<'_> {
    /// The first part of the model for which C code does not give the same bits as nn; `None` if
    /// the whole model is exact.
    pub(super) fn inexact_part(&self) -> Option<String> {
        let network = self.trained_network();
        if self.is_int8() {
            return Some("integers of 8 bits".to_owned());
        }
        if !self.is_preprocessing_exact() {
            return Some("the preprocessing, which nn computes in double precision".to_owned());
        }
        if network.n_networks() * network.n_shared_members() > 1 || network.temperature() != 1.0 {
            return Some("the mean of several members, or a temperature".to_owned());
        }
        let n_layers = network.layers().len();
        let mut stages = (0..n_layers).flat_map(|layer| network.stages(layer));
        let stage = stages.find(|stage| !is_exact(stage))?;
        Some(format!("stage {stage}"))
    }
}

/// Returns `true` if C code computes a stage with the operations of nn, in their order.
fn is_exact(stage: &Stage) -> bool {
    match stage {
        Stage::Dense(_) | Stage::Scaling(_) | Stage::Dropout(_) | Stage::Residual(_) => true,
        Stage::Activation(Activate(activation)) => !matches!(
            activation,
            Activation::Gelu | Activation::Mish | Activation::Softplus
        ),
        _ => false,
    }
}
