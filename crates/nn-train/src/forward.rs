//! A forward pass over samples in blocks of rows.

use nn_core::network::ForwardCache;
use nn_core::{Network, Rows, Samples};
use nn_settings::Result;
use nn_tensor::Threads;

/// Number of rows per block.
const BLOCK_ROWS: usize = 512;

/// Runs a forward pass over `samples` and calls `each` for every block, with the position
/// of its first sample, its inputs `[n_rows, n_inputs]` and the values of all layers.
///
/// # Errors
/// Returns an error if the samples do not match the network or cannot be read.
pub fn for_each_block(
    network: &Network,
    samples: &Samples<'_>,
    threads: &Threads,
    mut each: impl FnMut(usize, &Rows<'_, f32>, &ForwardCache<f32>),
) -> Result<()> {
    samples.check_fit(network.n_inputs(), network.n_outputs())?;
    let n_inputs = network.n_inputs();
    let block_rows = samples.len().clamp(1, BLOCK_ROWS);
    let mut inputs = vec![0.0; block_rows * n_inputs];
    let mut cache = ForwardCache::new(network, block_rows);
    let positions: Vec<u32> = (0..samples.len() as u32).collect();
    for (block, positions) in positions.chunks(block_rows).enumerate() {
        let inputs = &mut inputs[..positions.len() * n_inputs];
        samples.read_inputs(positions, inputs)?;
        let inputs = Rows::new(&*inputs, n_inputs);
        network.forward(inputs.borrow(), &mut cache, threads);
        each(block * block_rows, &inputs, &cache);
    }
    Ok(())
}
