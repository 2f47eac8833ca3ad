//! Hostile tables do not get more memory than three times their length and
//! 64 MiB, whether they are refused or not.
//!
//! A binary of its own, with one test, since the memory is that of the process.
#![cfg(target_os = "linux")]

use std::path::Path;

use nn_table::{Table, TableOptions};
use peak_memory::expect;

#[path = "../../../fuzz/harness/peak_memory.rs"]
mod peak_memory;

const MIB: usize = 1 << 20;

#[test]
fn hostile_tables_do_not_get_much_memory() {
    let read_table =
        |bytes: &[u8]| Table::parse(Path::new("x.csv"), bytes, &TableOptions::default()).is_ok();
    let field = [b"a,b\n1,\"", &vec![b'x'; 10 * MIB][..], b"\"\n"].concat();
    expect("a field of 10 MiB", true, &field, read_table);
    let open = [b"a,b\n1,\"", &vec![b'\n'; 10 * MIB][..]].concat();
    expect("a quote that does not end", false, &open, read_table);
    expect(
        "ten million columns",
        false,
        &vec![b','; 10 * MIB],
        read_table,
    );
    let wide = [b"a,b\n", &vec![b','; 10 * MIB][..]].concat();
    expect("a row of ten million fields", false, &wide, read_table);
    let long = [b"a,b\n", &b"1,2\n".repeat(MIB)[..]].concat();
    expect("a million rows", true, &long, read_table);
}
