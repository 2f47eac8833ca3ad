//! A small table to train on.

/// Two numbers and one of three letters a row.
pub(super) fn table(n_rows: u32) -> String {
    let row = |i: u32| {
        let letter = ["a", "b", "c"][i as usize % 3];
        format!("{},{},{letter}\n", i % 7, i * i % 11)
    };
    let rows: String = (0..n_rows).map(row).collect();
    format!("u,v,cloud\n{rows}")
}
