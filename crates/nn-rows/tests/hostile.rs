//! The fuzz target of files of rows (`fuzz/`) on its corpus, and on a valid file truncated at
//! every byte and with every bit flipped.

use std::fs;
use std::path::PathBuf;

use harm::{corpus, harmed};

#[path = "../../../fuzz/harness/harm.rs"]
mod harm;
#[path = "../../../fuzz/harness/rows_file.rs"]
mod rows_file;

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("nn-rows-hostile-{name}-{}", std::process::id()))
}

#[test]
fn any_file_is_read_or_refused() {
    let path = path("corpus");
    let files = corpus("rows-file");
    files
        .iter()
        .for_each(|bytes| rows_file::check(bytes, &path));
    fs::remove_file(path).expect("it was written");
}

/// The checksums cover every byte.
#[test]
fn all_damage_is_found() {
    let path = path("harmed");
    let files = corpus("rows-file");
    let longest = files.iter().max_by_key(|bytes| bytes.len());
    let longest = longest.expect("there are files");
    fs::write(&path, longest).expect("a folder that can be written");
    rows_file::read(&path, 0).expect("the longest file is valid");
    for bytes in harmed(longest) {
        rows_file::check(&bytes, &path);
        rows_file::read(&path, 0).expect_err("it is damaged");
    }
    fs::remove_file(path).expect("it was written");
}
