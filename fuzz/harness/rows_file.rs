//! Properties of reading files of rows.

use std::fs;
use std::path::Path;

use nn_rows::{Header, LoadedTargets, RowsFile};
use nn_samples::RowSource;

/// Everything that a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Content {
    pub(crate) header: Header,
    pub(crate) digest: String,
    /// The bits of the inputs, so that NaN equals NaN.
    pub(crate) inputs: Vec<u32>,
    pub(crate) targets: LoadedTargets,
    pub(crate) weights: Option<Vec<f32>>,
}

/// Reads the whole content of a file; the inputs in memory take about `memory` bytes.
pub(crate) fn read(path: &Path, memory: u64) -> Result<Content, String> {
    let file = RowsFile::open(path, memory).map_err(|error| error.to_string())?;
    let (targets, weights) = file.read_targets().map_err(|error| error.to_string())?;
    let mut inputs = Vec::new();
    let mut row = vec![0.0; file.n_inputs()];
    for index in 0..file.n_rows() as u32 {
        file.read(&[index], &mut row)
            .map_err(|error| error.to_string())?;
        inputs.extend(row.iter().map(|value| value.to_bits()));
    }
    Ok(Content {
        header: file.header().clone(),
        digest: file.digest().to_owned(),
        inputs,
        targets,
        weights,
    })
}

/// Reading any bytes ends with an error that names the file, or with the same content for any
/// number of blocks in memory.
pub(crate) fn check(bytes: &[u8], path: &Path) {
    fs::write(path, bytes).expect("a folder that can be written");
    let small = read(path, 0);
    if let Err(message) = &small {
        let name = path.display().to_string();
        assert!(message.starts_with(&name), "{message}");
    }
    assert_eq!(small.map(bits), read(path, u64::MAX).map(bits));
}

/// Targets and weights as bits, so that NaN equals NaN.
fn bits(content: Content) -> (String, Vec<u32>, Vec<u32>, Option<Vec<u32>>) {
    let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
    let targets = match content.targets {
        LoadedTargets::ByteClasses(classes) => classes.into_iter().map(u32::from).collect(),
        LoadedTargets::Classes(classes) => classes,
        LoadedTargets::Values(values) => bits(values),
    };
    (
        content.digest,
        content.inputs,
        targets,
        content.weights.map(bits),
    )
}
