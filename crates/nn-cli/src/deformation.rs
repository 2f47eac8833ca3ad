//! Where nn-data's deformations meet nn-core's training, which knows no images.

use nn_core::Augmentation;
use nn_core::Rows;
use nn_data::augment::{Augment, Deformer};
use nn_tensor::Threads;
use nn_tensor::random::Streams;

use crate::datasets::Data;
use crate::plan::Plan;

/// What deforms the training images, if they are to be deformed.
pub(crate) fn of_plan(plan: &Plan, data: &Data) -> Option<Box<dyn Augmentation>> {
    let image_size = data.dataset.image_size?;
    let streams = Streams::new(plan.training.seed);
    let deformer = Deformer::new(plan.augment, image_size, streams);
    (plan.augment != Augment::NONE).then(|| Box::new(Deformation(deformer)) as _)
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
