//! The fuzz targets for tables (`fuzz/`) on their corpora, and on small valid tables
//! truncated at every byte and with every bit flipped.

use harm::{corpus, harmed};

#[path = "../../../fuzz/harness/harm.rs"]
mod harm;
#[path = "../../../fuzz/harness/schema.rs"]
mod schema;
#[path = "../../../fuzz/harness/table.rs"]
mod table;

fn check_corpus(target: &str) {
    corpus(target).iter().for_each(|bytes| table::check(bytes));
}

#[test]
fn the_corpora_are_read_or_refused() {
    ["csv", "npy", "npz"].into_iter().for_each(check_corpus);
}

#[test]
#[cfg(feature = "parquet")]
fn the_corpus_of_parquet_files_is_read_or_refused() {
    check_corpus("parquet");
}

#[test]
#[cfg(feature = "arrow")]
fn the_corpus_of_arrow_files_is_read_or_refused() {
    check_corpus("arrow");
}

#[test]
fn the_corpus_of_schemas_is_read_or_refused() {
    corpus("schema")
        .iter()
        .for_each(|bytes| schema::check(bytes));
}

#[test]
fn a_harmed_schema_is_read_or_refused() {
    for whole in [
        &include_bytes!("../../../fuzz/corpus/schema/columns")[..],
        include_bytes!("../../../fuzz/corpus/schema/classes"),
    ] {
        harmed(whole).for_each(|bytes| schema::check(&bytes));
    }
}

fn check_harmed(content: &[u8]) {
    let with_choice = |bytes: &[u8]| [&[0], bytes].concat();
    harmed(content).for_each(|bytes| table::check(&with_choice(&bytes)));
}

#[test]
fn a_harmed_table_is_read_or_refused() {
    let rows = (0..20).map(|row| format!("{}.5,\"a {}\",{}\n", row, row % 3, row % 2));
    let table: String = std::iter::once("length,color,label\n".to_owned())
        .chain(rows)
        .collect();
    check_harmed(table.as_bytes());
}

#[test]
fn harmed_arrays_are_read_or_refused() {
    check_harmed(include_bytes!("files/fortran.npy"));
    check_harmed(include_bytes!("files/x-and-y.npz"));
}

#[test]
#[cfg(feature = "parquet")]
fn harmed_parquet_files_are_read_or_refused() {
    check_harmed(include_bytes!("files/version-2.parquet"));
    check_harmed(include_bytes!("files/snappy.parquet"));
}

#[test]
#[cfg(feature = "arrow")]
fn a_harmed_arrow_file_is_read_or_refused() {
    check_harmed(include_bytes!("files/few.arrow"));
}
