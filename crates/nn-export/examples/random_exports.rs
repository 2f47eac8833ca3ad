//! Writes random models as ONNX files, with rows of values and the outputs of the network, for
//! `scripts/check_export.py`. Every third model is an ensemble.
//!
//!
//! ```console
//! $ cargo run -p nn-export --example random_exports -- FOLDER N_MODELS N_ROWS
//! ```

#[path = "../tests/it/random_model.rs"]
mod random_model;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use nn_core::Rows;
use nn_export::{ExportedModel, InputForm};

use random_model::{Random, config_of, random_ensemble, random_inputs, random_model};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, n_models, n_rows] = &arguments[..] else {
        return Err("expected FOLDER N_MODELS N_ROWS".into());
    };
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    for seed in 0..n_models.parse()? {
        let model = match seed % 3 {
            2 => random_ensemble(seed),
            _ => random_model(seed),
        };
        let exported = ExportedModel::new(&model)?;
        let config = config_of(&model);
        let values = random_inputs(&config, n_rows.parse()?, &mut Random::new(seed ^ 1));
        let outputs: Result<Vec<Vec<f32>>, _> = values
            .rows()
            .map(|row| exported.predict_with_network(row))
            .collect();
        let outputs = Rows::new(outputs?.concat(), exported.n_outputs());
        let path = |ending: &str| folder.join(format!("{seed}.{ending}"));
        fs::write(path("onnx"), exported.to_onnx(InputForm::Values)?)?;
        write_npy(&path("values.npy"), &values)?;
        write_npy(&path("outputs.npy"), &outputs)?;
    }
    Ok(())
}

/// Writes a matrix in NumPy's format.
fn write_npy(path: &Path, rows: &Rows<'_, f32>) -> std::io::Result<()> {
    let [n_rows, n_columns] = rows.shape();
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n_rows}, {n_columns}), }}");
    // The header ends with a line break at a multiple of 64 bytes.
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let header = format!("{header:<width$}\n", width = length - 1);
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(length as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend(rows.iter().flat_map(|value| value.to_le_bytes()));
    fs::write(path, bytes)
}
