//! Creates the trainer of a plan, with the image augmentation of nn-data.

use nn_core::{Augmentation, Network, Rows, Trainer};
use nn_data::augment::{Augment, Deformer};
use nn_settings::Result;
use nn_tensor::Threads;
use nn_tensor::random::Streams;

use crate::data::{Data, Splits};
use crate::plan::Plan;

/// Creates a trainer of `network` with the training samples, the validation samples and
/// the data augmentation of the plan.
///
/// # Errors
/// Returns an error if the network or the configuration does not match the samples.
pub fn trainer<'a>(
    plan: &Plan,
    data: &Data,
    splits: &Splits<'a>,
    network: Network,
    threads: &Threads,
) -> Result<Trainer<'a>> {
    let mut trainer = Trainer::new(
        network,
        splits.train.clone(),
        Some(splits.validation.clone()),
        plan.training.clone(),
        threads.clone(),
    )?;
    let image_size = data
        .dataset
        .image_size
        .filter(|_| plan.augment != Augment::NONE);
    if let Some(image_size) = image_size {
        let streams = Streams::new(plan.training.seed);
        let deformer = Deformer::new(plan.augment, image_size, streams);
        trainer.augment(Box::new(Deformation(deformer)))?;
    }
    Ok(trainer)
}

#[derive(Debug)]
struct Deformation(Deformer);

impl Augmentation for Deformation {
    fn apply(
        &mut self,
        inputs: &Rows<'_, u8>,
        rows: &[u32],
        epoch: u64,
        augmented: &mut [u8],
        threads: &Threads,
    ) {
        self.0.apply(inputs.into(), rows, epoch, augmented, threads);
    }
}
