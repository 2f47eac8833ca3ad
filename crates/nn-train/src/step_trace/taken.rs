//! The buffers of one training step.

use ndarray::ArrayView2;
use nn_core::batches::Samples;
use nn_core::network::ForwardCache;
use nn_core::regularization::Regularization;
use nn_core::training::{BatchSize, Event};
use nn_core::{Gradients, Network, Result, Schedule, Trainer, TrainingConfig};
use nn_tensor::Threads;

/// The buffers of a step.
pub(super) struct Taken {
    pub(super) loss: f64,
    pub(super) loss_after: Option<f64>,
    pub(super) cache: ForwardCache<f32>,
    pub(super) back: Option<Back>,
}

/// The buffers of the backward pass and of the update.
pub(super) struct Back {
    pub(super) gradients: Gradients<f32>,
    /// The gradient after regularization and clipping, if it differs.
    pub(super) regularized: Option<Gradients<f32>>,
    pub(super) after: Network,
}

impl Taken {
    /// Runs a training step and keeps its buffers.
    pub(super) fn training_step(
        network: &Network,
        sample: &Samples<'_>,
        config: &TrainingConfig,
    ) -> Result<Self> {
        let config = TrainingConfig {
            schedule: Schedule::Constant,
            batch_size: BatchSize::Rows(1),
            averaging: None,
            patience: 0,
            // The second step yields the loss after the first.
            epochs: 2,
            ..config.clone()
        };
        let mut trainer = one_sample_trainer(network, sample, config.clone())?;
        let loss = loss_of_batch(trainer.advance()?);
        let (after, cache, gradients) = trainer.state();
        let (after, cache, gradients) = (after.clone(), cache.clone(), gradients.clone());
        let (gradients, regularized) = if is_regularized(&config) {
            let plain = TrainingConfig {
                regularization: Regularization::default(),
                weight_decay: 0.0,
                clip_norm: None,
                clip_value: None,
                ..config
            };
            let mut plain = one_sample_trainer(network, sample, plain)?;
            plain.advance()?;
            (plain.state().2.clone(), Some(gradients))
        } else {
            (gradients, None)
        };
        let has_dropout = network.layers().iter().any(|layer| layer.dropout > 0.0);
        let loss_after = if has_dropout {
            None
        } else {
            second_loss(&mut trainer)
        };
        Ok(Self {
            loss,
            loss_after,
            cache,
            back: Some(Back {
                gradients,
                regularized,
                after,
            }),
        })
    }

    /// Runs the forward pass only, as in inference, and computes the loss.
    pub(super) fn forward_only(
        network: &Network,
        inputs: &[f32],
        target: &[f32],
        config: &TrainingConfig,
    ) -> Result<Self> {
        config
            .loss
            .check_output(network.output_layer().activation)?;
        let mut cache = ForwardCache::new(network, 1);
        network.forward(row(inputs), &mut cache, &Threads::single());
        let loss = Gradients::new(network, 1).loss_of_batch(config.loss, network, target, &cache);
        Ok(Self {
            loss,
            loss_after: None,
            cache,
            back: None,
        })
    }
}

fn one_sample_trainer<'a>(
    network: &Network,
    sample: &Samples<'a>,
    config: TrainingConfig,
) -> Result<Trainer<'a>> {
    let threads = Threads::single();
    let mut trainer = Trainer::new(network.clone(), sample.clone(), None, config, threads)?;
    trainer.keep_gradients();
    Ok(trainer)
}

fn loss_of_batch(event: Option<Event>) -> f64 {
    match event {
        Some(Event::Batch(report)) => report.loss,
        Some(Event::Epoch(_)) | None => f64::NAN,
    }
}

/// The loss of the second batch; `None` if the network diverged in the first step.
fn second_loss(trainer: &mut Trainer<'_>) -> Option<f64> {
    trainer.advance().ok()?;
    trainer.advance().ok().map(loss_of_batch)
}

pub(super) fn is_regularized(config: &TrainingConfig) -> bool {
    config.regularization != Regularization::default()
        || config.weight_decay != 0.0
        || config.clip_norm.is_some()
        || config.clip_value.is_some()
}

/// A slice as a matrix of one row.
pub(super) fn row(values: &[f32]) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((1, values.len()), values).expect("a slice is a matrix of one row")
}
