//! Hostile tables do not get more memory than three times their length and
//! 64 MiB, whether they are refused or not. A large table of numbers takes at most 1.5
//! times the memory of its data in single precision, and 64 MiB.
//!
//! A binary of its own, with one test, since the memory is that of the process.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use nn_table::{Preprocessing, Table, TableOptions, UnseenCategory};
use peak_memory::{expect, peak_of};

#[path = "../../../fuzz/harness/peak_memory.rs"]
mod peak_memory;

const MIB: usize = 1 << 20;

#[test]
fn tables_do_not_get_much_memory() {
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
    large_table();
}

/// Reads a file of 60 MB, and encodes it.
fn large_table() {
    const N_ROWS: usize = 1_000_000;
    const N_COLUMNS: usize = 10;
    let path = std::env::temp_dir().join(format!("nn-large-{}.csv", std::process::id()));
    let mut file = BufWriter::new(File::create(&path).expect("a writable folder"));
    for row in 0..N_ROWS {
        for column in 0..N_COLUMNS {
            let value = (row * 7919 + column * 104_729) % 1_000_003;
            let end = if column + 1 < N_COLUMNS { ',' } else { '\n' };
            write!(file, "{}.{:03}{end}", value / 1000, value % 1000).expect("written");
        }
    }
    drop(file);
    let (dataset, used) = peak_of(|| {
        let options = TableOptions::default();
        let table = Table::read(&path, &options)?;
        let rows: Vec<usize> = (0..table.n_rows()).collect();
        let (fitted, _) = Preprocessing::fit(&table, &rows, &options)?;
        fitted.into_dataset(table, UnseenCategory::Zeros)
    });
    fs::remove_file(&path).expect("the file exists");
    let (dataset, _, _) = dataset.expect("a good table");
    assert_eq!(dataset.train.len(), N_ROWS);
    let data = N_ROWS * N_COLUMNS * size_of::<f32>();
    let allowed = data * 3 / 2 + 64 * MIB;
    assert!(used <= allowed, "{} MiB of {}", used / MIB, allowed / MIB);
}
