//! The fuzz targets (`fuzz/`) on their corpus, and on small valid files truncated at
//! every byte and with every bit flipped.

use harm::{corpus, harmed};
use support::{gzip, images};

#[expect(dead_code, reason = "the binary `it` uses the rest")]
#[path = "it/support.rs"]
mod support;
#[path = "../../../fuzz/harness/harm.rs"]
mod harm;
#[path = "../../../fuzz/harness/idx.rs"]
mod idx;
#[path = "../../../fuzz/harness/idx_gzip.rs"]
mod idx_gzip;

#[test]
fn the_corpus_is_read_or_refused() {
    corpus("idx").iter().for_each(|bytes| idx::check(bytes));
    corpus("idx-gzip")
        .iter()
        .for_each(|bytes| idx_gzip::check(bytes));
}

#[test]
fn a_harmed_idx_file_is_read_or_refused() {
    harmed(&images(100)).for_each(|bytes| idx::check(&bytes));
    harmed(&gzip(&images(20))).for_each(|bytes| idx_gzip::check(&bytes));
}
