//! The forward pass, the loss and the backward pass of a block of rows.

use std::ops::Range;

use nn_error::{Error, Result};
use nn_samples::Samples;
use nn_tensor::sparse::WriteMode;
use nn_tensor::{Scalar, Threads};

use super::TrainingConfig;
use super::block_loss::BlockLoss;
use super::division::{Division, Trained};
use super::gradient_sum::{MAX_SUBTREES, Subtree, Subtrees};
use super::progress::{EpochSums, Progress, first_not_finite};
use crate::backprop::{BlockPass, Gradients};
use crate::block_inputs::{Block, BlockInputs};
use crate::criterion::Criterion;
use crate::network::{ForwardCache, Network, Randomness};

/// The buffers for a block of rows. Each thread that computes blocks has its own.
#[derive(Debug)]
pub(super) struct Workspace<'a, S> {
    pub(super) inputs: BlockInputs<'a, S>,
    /// The positions of the rows, each once per member; empty for a single member.
    pub(super) member_rows: Vec<u32>,
    pub(super) targets: Vec<S>,
    pub(super) cache: ForwardCache<S>,
    pub(super) gradients: Gradients<S>,
}

impl<'a, S: Scalar> Workspace<'a, S> {
    /// Creates the buffers for blocks of up to `max_rows` rows.
    pub(super) fn new(network: &Network<S>, max_rows: usize, inputs: BlockInputs<'a, S>) -> Self {
        let n_members = network.plan().n_members;
        Self {
            inputs,
            member_rows: Vec::with_capacity(max_rows * if n_members > 1 { n_members } else { 0 }),
            targets: vec![S::zero(); max_rows * n_members * network.n_outputs()],
            cache: ForwardCache::new(network, max_rows),
            gradients: Gradients::new(network, max_rows),
        }
    }

    /// Enlarges the buffers, except those of the inputs, to blocks of `max_rows` rows.
    pub(super) fn grow(&mut self, network: &Network<S>, max_rows: usize) {
        self.cache = ForwardCache::new(network, max_rows);
        self.gradients = Gradients::new(network, max_rows);
        let n_rows = max_rows * network.plan().n_members;
        self.targets.resize(n_rows * network.n_outputs(), S::zero());
    }
}

/// The buffers for rows of the caller, in [`Trainer::step_on`](super::Trainer::step_on).
#[derive(Debug)]
pub(super) struct StreamedRows<S> {
    order: Vec<u32>,
    inputs: BlockInputs<'static, S>,
}

impl<S: Scalar> StreamedRows<S> {
    pub(super) fn new(n_inputs: usize) -> Self {
        Self {
            order: Vec::new(),
            inputs: BlockInputs::new(0, n_inputs, None),
        }
    }

    /// Enlarges the buffers to `n_rows` rows, in blocks of up to `block_rows`.
    pub(super) fn fit(&mut self, n_rows: usize, block_rows: usize) {
        if self.order.len() < n_rows {
            self.order = (0..n_rows as u32).collect();
        }
        self.inputs.grow(n_rows.min(block_rows));
    }
}

/// The source of the rows of a step.
#[derive(Debug)]
pub(super) enum Source<'s, 'd, S> {
    /// The training samples, in the order of the epoch.
    Epoch,
    /// Samples of the caller.
    Streamed(&'s Samples<'d, S>, &'s mut StreamedRows<S>),
}

impl<'d, S> Source<'_, 'd, S> {
    fn reborrow(&mut self) -> Source<'_, 'd, S> {
        match self {
            Self::Epoch => Source::Epoch,
            Self::Streamed(samples, rows) => Source::Streamed(samples, rows),
        }
    }
}

/// The network of a pass.
#[derive(Debug)]
pub(super) enum PassNetwork<'n, S: Scalar> {
    /// Shared by several threads; it has no batch normalization.
    Shared(&'n Network<S>),
    /// Used by one pass at a time.
    Owned {
        network: &'n mut Network<S>,
        /// Whether the backward pass updates the parameters (plain gradient descent)
        /// instead of writing the gradient.
        descends: bool,
        /// The part of this process, if several processes share the training run.
        division: Option<&'n mut Division<S>>,
    },
}

impl<S: Scalar> PassNetwork<'_, S> {
    fn reborrow(&mut self) -> PassNetwork<'_, S> {
        match self {
            Self::Shared(network) => PassNetwork::Shared(network),
            Self::Owned {
                network,
                descends,
                division,
            } => PassNetwork::Owned {
                network,
                descends: *descends,
                division: division.as_deref_mut(),
            },
        }
    }

    fn get(&self) -> &Network<S> {
        match self {
            Self::Shared(network) => network,
            Self::Owned { network, .. } => network,
        }
    }
}

/// A block of the rows of a step.
#[derive(Clone, Debug)]
pub(super) struct StepRows {
    pub(super) rows: Range<usize>,
    /// Index of the block in the step.
    pub(super) index: usize,
    pub(super) written: WriteMode,
}

/// The settings and samples of a step, the same for all of its blocks.
pub(super) struct StepPass<'p, 'a, S> {
    pub(super) config: &'p TrainingConfig,
    pub(super) criterion: &'p Criterion<S>,
    pub(super) class_weights: Option<&'p [S]>,
    pub(super) train: &'p Samples<'a, S>,
    /// The order of the samples in the epoch.
    pub(super) order: &'p [u32],
    pub(super) progress: &'p Progress,
    pub(super) n_batches: usize,
    /// Maximum number of rows per block.
    pub(super) block_rows: usize,
    pub(super) dropout_factor: f64,
    /// Factor on the gradient of each row.
    pub(super) scale: S,
    pub(super) threads: &'p Threads,
}

impl<'a, S: Scalar> StepPass<'_, 'a, S> {
    /// Runs the forward and backward pass for some rows, whose gradients are added one by
    /// one, in blocks. `index` is the index of the first block in the step.
    #[inline]
    pub(super) fn chain(
        &self,
        workspace: &mut Workspace<'a, S>,
        mut source: Source<'_, '_, S>,
        mut network: PassNetwork<'_, S>,
        rows: Range<usize>,
        index: usize,
    ) -> Result<EpochSums> {
        let mut sums = EpochSums::default();
        let starts = rows.clone().step_by(self.block_rows);
        for (start, index) in starts.zip(index..) {
            let block = StepRows {
                rows: start..rows.end.min(start + self.block_rows),
                index,
                written: if start == rows.start {
                    WriteMode::Overwrite
                } else {
                    WriteMode::Accumulate
                },
            };
            sums.add(self.block(workspace, source.reborrow(), network.reborrow(), block)?);
        }
        Ok(sums)
    }

    /// Runs the forward and backward pass for the rows of some subtrees of a batch, and sums
    /// the gradients of each subtree of `rows`.
    ///
    /// With several workspaces, each thread computes whole subtrees. All threads then do
    /// the same work on different rows and meet only twice per step.
    pub(super) fn subtrees(
        &self,
        network: &Network<S>,
        workspaces: &mut [Workspace<'a, S>],
        rows: &SubtreeRows,
        sums: &mut [Subtree<S>],
        losses: &mut [EpochSums],
    ) -> Result<()> {
        if sums.is_empty() {
            return Ok(());
        }
        let n_shares = if workspaces[0].inputs.is_augmented() {
            1
        } else {
            workspaces.len().min(sums.len())
        };
        let per_share = sums.len().div_ceil(n_shares);
        let parts = sums.chunks_mut(per_share).zip(losses.chunks_mut(per_share));
        let mut parts = workspaces.iter_mut().zip(parts);
        let mut shares: [Option<Share<'_, 'a, S>>; MAX_SUBTREES] = std::array::from_fn(|index| {
            let (workspace, (sums, losses)) = parts.next()?;
            Some(Share {
                workspace,
                first: rows.first + index * per_share,
                sums,
                losses,
                outcome: Ok(()),
            })
        });
        let compute = |pass: &StepPass<'_, 'a, S>, share: &mut Share<'_, 'a, S>| {
            share.outcome = share.compute(pass, network, rows);
        };
        if let [Some(share), None, ..] = &mut shares {
            compute(self, share);
        } else {
            let single = Threads::single();
            let alone = StepPass {
                threads: &single,
                ..*self
            };
            self.threads.for_each(&mut shares, |_, share| {
                share.iter_mut().for_each(|share| compute(&alone, share));
            });
        }
        let mut shares = shares.into_iter().flatten();
        shares.try_for_each(|share| share.outcome)
    }

    /// Does the forward pass, loss and backward pass of one block of rows.
    #[inline]
    fn block(
        &self,
        workspace: &mut Workspace<'a, S>,
        source: Source<'_, '_, S>,
        mut network: PassNetwork<'_, S>,
        block: StepRows,
    ) -> Result<EpochSums> {
        let StepRows {
            rows,
            index,
            written,
        } = block;
        let (progress, threads) = (self.progress, self.threads);
        let randomness = Randomness::new(self.config.seed, progress.step)
            .block(index)
            .with_dropout_factor(self.dropout_factor);
        let Workspace {
            inputs,
            member_rows,
            targets,
            cache,
            gradients,
        } = workspace;
        let samples;
        let (positions, inputs, transposed) = match source {
            Source::Epoch => {
                samples = None;
                let block = Block {
                    order: self.order,
                    rows: rows.clone(),
                    index,
                    epoch: progress.epoch as u64,
                };
                let (inputs, transposed) = inputs.block(self.train, &block, threads)?;
                (&self.order[rows], inputs, transposed)
            }
            Source::Streamed(streamed, rows_of_caller) => {
                samples = Some(streamed);
                let StreamedRows { order, inputs } = rows_of_caller;
                let positions = &order[rows];
                (positions, inputs.copied(streamed, positions)?, None)
            }
        };
        let n_frozen = self.config.frozen_layers;
        match &mut network {
            PassNetwork::Shared(network) => {
                network.forward_in_shared_training(&inputs, cache, randomness, threads);
            }
            PassNetwork::Owned {
                network,
                division: None,
                ..
            } => {
                network.forward_in_training_from(n_frozen, &inputs, cache, randomness, threads);
            }
            PassNetwork::Owned {
                network,
                division: Some(division),
                ..
            } => division.forward(network, n_frozen, &inputs, cache, randomness, threads)?,
        }
        let n_members = network.get().plan().n_members;
        let losses = BlockLoss {
            config: self.config,
            criterion: self.criterion,
            network: network.get(),
            class_weights: self.class_weights,
            positions: of_members(positions, n_members, member_rows),
            scale: self.scale / S::from_f64(n_members as f64),
        };
        let sums = match samples {
            None => losses.errors(self.train, cache, gradients, targets, threads),
            Some(samples) => losses.errors(samples, cache, gradients, targets, threads),
        };
        let sums = sums.per_member(n_members);
        if !sums.loss.is_finite() {
            if let PassNetwork::Owned {
                network,
                division: Some(division),
                ..
            } = &mut network
            {
                division.complete_layers(network.plan(), cache)?;
            }
            let layer = first_bad_layer(network.get(), cache);
            return Err(self.diverged("loss", sums.loss, layer));
        }
        let pass = BlockPass {
            inputs: &inputs,
            transposed,
            n_frozen,
        };
        match network {
            PassNetwork::Owned {
                network,
                descends,
                division: Some(division),
            } => {
                let (errors, gradient) = gradients.split_mut();
                let trained = Trained::new(network, gradient, descends, written);
                division.backward(trained, errors, pass, cache, threads)?;
            }
            PassNetwork::Owned {
                network,
                descends: true,
                division: None,
            } => gradients.descend(network, pass, cache, threads),
            network => {
                gradients.backward_block(network.get(), pass, written, cache, threads);
            }
        }
        Ok(sums)
    }

    fn diverged(&self, what: &'static str, value: f64, layer: usize) -> Error {
        self.progress.diverged(self.n_batches, what, value, layer)
    }
}

/// The positions of the rows, each repeated once per member. The loss of a row is the mean of
/// the losses of its members.
fn of_members<'p>(positions: &'p [u32], n_members: usize, buffer: &'p mut Vec<u32>) -> &'p [u32] {
    if n_members == 1 {
        return positions;
    }
    buffer.clear();
    let repeat = |&position| std::iter::repeat_n(position, n_members);
    buffer.extend(positions.iter().flat_map(repeat));
    buffer
}

/// The rows of the subtrees of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubtreeRows {
    /// The first row of the batch.
    pub(super) first_row: usize,
    pub(super) subtrees: Subtrees,
    /// Index of the first subtree to compute.
    pub(super) first: usize,
}

/// The subtrees that one thread computes.
struct Share<'w, 'a, S> {
    workspace: &'w mut Workspace<'a, S>,
    /// Index of the first subtree.
    first: usize,
    sums: &'w mut [Subtree<S>],
    losses: &'w mut [EpochSums],
    outcome: Result<()>,
}

impl<'a, S: Scalar> Share<'_, 'a, S> {
    fn compute(
        &mut self,
        pass: &StepPass<'_, 'a, S>,
        network: &Network<S>,
        rows: &SubtreeRows,
    ) -> Result<()> {
        let SubtreeRows {
            first_row,
            subtrees,
            ..
        } = *rows;
        let per_sum = subtrees.block_rows.div_ceil(pass.block_rows);
        let sums = self.sums.iter_mut().zip(&mut *self.losses);
        for (subtree, (sum, losses)) in (self.first..).zip(sums) {
            sum.clear();
            for block in subtrees.blocks(subtree) {
                let index = block.start / subtrees.block_rows * per_sum;
                let rows = first_row + block.start..first_row + block.end;
                let network = PassNetwork::Shared(network);
                losses.add(pass.chain(self.workspace, Source::Epoch, network, rows, index)?);
                sum.add(self.workspace.gradients.buffer_mut());
            }
            sum.finish();
        }
        Ok(())
    }
}

/// The first layer whose weighted sums of the last block are NaN or infinite.
fn first_bad_layer<S: Scalar>(network: &Network<S>, cache: &ForwardCache<S>) -> usize {
    let n_layers = network.layers().len();
    let is_bad = |index: &usize| first_not_finite(cache.layer(*index).pre_activations()).is_some();
    (0..n_layers).find(is_bad).unwrap_or(n_layers - 1)
}
