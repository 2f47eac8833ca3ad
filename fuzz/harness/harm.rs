//! Small ways to damage a file, and the files that were kept.

use std::fs;
use std::path::Path;

/// The files of a target's corpus.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = fs::read_dir(folder.join(target)).expect("the corpus is part of the repository");
    let contents: Vec<Vec<u8>> = files
        .map(|file| fs::read(file.expect("the folder is there").path()).expect("it is a file"))
        .collect();
    assert!(contents.len() > 5, "{target}: {} files", contents.len());
    contents
}

/// Every file that is shorter than `whole`, and every one that differs from it
/// in one bit of the first 4 KiB.
pub(crate) fn harmed(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..whole.len()).map(|end| whole[..end].to_vec());
    let flipped = (0..8 * whole.len().min(4096)).map(|bit| {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    cut.chain(flipped)
}
