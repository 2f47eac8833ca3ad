//! Creates the initial network and the trainer of a plan, with the image augmentation of
//! nn-data.

use nn_core::stage::Stage;
use nn_core::{Augmentation, Network, Rows, Samples, Trainer};
use nn_data::augment::{Augment, Deformer};
use nn_files::escaped_path;
use nn_settings::{Error, Result};
use nn_tensor::Threads;
use nn_tensor::random::Streams;

use crate::data::{Data, Splits};
use crate::plan::Plan;

/// Maximum number of training samples that determine initial values.
const MAX_INITIAL_ROWS: usize = 1 << 16;

/// Creates the network of a plan with its initial weights, adapted to the training samples
/// if the plan asks for it: the bins of embeddings, and data-driven initial values. A
/// fine-tuning run has the weights of its model.
///
/// # Errors
/// Returns an error if the network does not fit into memory, a sample cannot be read, or the
/// model from which the run starts was not loaded.
pub fn initial_network(plan: &Plan, train: &Samples<'_>, threads: &Threads) -> Result<Network> {
    let mut network = plan.network()?;
    if let Some(start) = &plan.start {
        network.copy_layers(start.source.network(), start.n_kept)?;
    } else if let Some(from) = &plan.settings.from {
        let from = escaped_path::shown(from);
        let problem =
            format!("the initial weights are those of the model {from}, which was not loaded");
        return Err(Error::usage(problem).with_help("give the model itself as the run"));
    }
    let n_kept = plan.start.as_ref().map_or(0, |start| start.n_kept);
    let new_layers = plan.network.layers.iter().skip(n_kept);
    let stages = new_layers.flat_map(|layer| &layer.inputs);
    let has_bins = |stage: &Stage| matches!(stage, Stage::PiecewiseLinearEmbedding(_));
    let has_bins = stages.into_iter().any(has_bins);
    if !has_bins && !plan.has_data_init {
        return Ok(network);
    }
    let n_rows = train.len().min(MAX_INITIAL_ROWS);
    let positions: Vec<u32> = (0..n_rows)
        .map(|row| (row * train.len() / n_rows) as u32)
        .collect();
    let mut inputs = vec![0.0; n_rows * train.n_inputs()];
    train.read_inputs(&positions, &mut inputs)?;
    let inputs = Rows::new(inputs, train.n_inputs());
    if has_bins {
        network.initialize_from(inputs.borrow(), threads)?;
    }
    if plan.has_data_init {
        network.initialize_sums_from(inputs.borrow(), plan.training.seed, threads)?;
    }
    Ok(network)
}

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
