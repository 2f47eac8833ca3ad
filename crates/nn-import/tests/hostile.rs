//! The fuzz targets for models of other programs (`fuzz/`) on their corpora, and on small valid
//! files truncated at every byte and with every bit flipped.

use harm::{corpus, harmed};

#[path = "../../../fuzz/harness/foreign.rs"]
mod foreign;
#[path = "../../../fuzz/harness/harm.rs"]
mod harm;

#[test]
fn the_corpora_are_imported_or_refused() {
    for target in ["onnx-import", "foreign-safetensors", "foreign-npz"] {
        corpus(target)
            .iter()
            .for_each(|bytes| foreign::check(bytes));
    }
}

fn check_harmed(content: &[u8]) {
    harmed(content).for_each(|bytes| foreign::check(&bytes));
}

#[test]
fn a_harmed_onnx_file_is_imported_or_refused() {
    check_harmed(include_bytes!("files/pytorch-torchscript-image.onnx"));
    check_harmed(include_bytes!("files/sklearn-binary.onnx"));
}

/// Embeddings, members and ensembles, as `nn export` writes them. Every seventh
/// harmed file, so that the test is short.
#[test]
fn a_harmed_file_of_nn_export_is_imported_or_refused() {
    let files = [
        &include_bytes!("../../../fuzz/corpus/onnx-import/embeddings")[..],
        include_bytes!("../../../fuzz/corpus/onnx-import/bins"),
        include_bytes!("../../../fuzz/corpus/onnx-import/ensemble-of-members"),
        include_bytes!("../../../fuzz/corpus/onnx-import/calibrated-ensemble"),
    ];
    for file in files {
        let harmed = harmed(file).step_by(7);
        harmed.for_each(|bytes| foreign::check(&bytes));
    }
}

#[test]
fn a_harmed_safetensors_file_is_imported_or_refused() {
    check_harmed(include_bytes!("files/pytorch-float32.safetensors"));
}

#[test]
fn a_harmed_archive_is_imported_or_refused() {
    check_harmed(include_bytes!("files/sklearn-regressor.npz"));
}
