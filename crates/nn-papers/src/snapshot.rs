//! Measurements of a network during its training.

use nn_core::metrics::evaluate;
use nn_core::{Loss, Network, Samples};
use nn_tensor::Threads;
use nn_train::forward::for_each_block;
use nn_train::{Data, Result, Splits};

use crate::figure::Image;
use crate::training::percent;

/// A network after some epochs, with its data.
pub(crate) struct Snapshot<'n, 'd> {
    pub(crate) network: &'n Network,
    pub(crate) splits: &'n Splits<'d>,
    pub(crate) data: &'n Data,
    pub(crate) loss: Loss,
    pub(crate) threads: &'n Threads,
}

impl Snapshot<'_, '_> {
    /// The test accuracy in percent.
    pub(crate) fn test_accuracy(&self) -> Result<f64> {
        match &self.splits.test {
            Some(test) => self.accuracy(test),
            None => Ok(f64::NAN),
        }
    }

    /// The training accuracy in percent.
    pub(crate) fn train_accuracy(&self) -> Result<f64> {
        self.accuracy(&self.splits.train)
    }

    fn accuracy(&self, samples: &Samples<'_>) -> Result<f64> {
        let evaluation = evaluate(self.network, samples, self.loss, self.threads)?;
        Ok(percent(evaluation.accuracy))
    }

    /// The first `n` test images with their predicted classes.
    pub(crate) fn first_test_images(&self, n: usize) -> Result<Vec<Image>> {
        let (nn_data::Inputs::Pixels(pixels), Some(test)) =
            (&self.data.dataset.test.inputs, &self.splits.test)
        else {
            return Ok(Vec::new());
        };
        let mut images = Vec::new();
        let positions: Vec<u32> = (0..n.min(test.len()) as u32).collect();
        if positions.is_empty() {
            return Ok(images);
        }
        let first = test.select(&positions);
        for_each_block(self.network, &first, self.threads, |start, _, cache| {
            for (offset, outputs) in cache.outputs().rows().enumerate() {
                let position = start + offset;
                let predicted = self.loss.predicted_class(outputs) as u32;
                let label = test.label(position).unwrap_or_default();
                images.push(Image::new(&pixels.row(position).to_vec(), label, predicted));
            }
        })?;
        Ok(images)
    }
}
