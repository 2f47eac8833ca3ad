//! The fuzz target for tables (`fuzz/`) on its corpus, and on a small valid table
//! truncated at every byte and with every bit flipped.

use harm::{corpus, harmed};

#[path = "../../../fuzz/harness/csv.rs"]
mod csv;
#[path = "../../../fuzz/harness/harm.rs"]
mod harm;

#[test]
fn the_corpus_is_read_or_refused() {
    corpus("csv").iter().for_each(|bytes| csv::check(bytes));
}

#[test]
fn a_harmed_table_is_read_or_refused() {
    let rows = (0..20).map(|row| format!("{}.5,\"a {}\",{}\n", row, row % 3, row % 2));
    let table: String = std::iter::once("length,color,label\n".to_owned())
        .chain(rows)
        .collect();
    let with_choice = |bytes: &[u8]| [&[0], bytes].concat();
    harmed(table.as_bytes()).for_each(|bytes| csv::check(&with_choice(&bytes)));
}
