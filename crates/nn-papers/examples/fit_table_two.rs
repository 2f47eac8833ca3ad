//! Searches for the initial values with which claim B2 comes nearest to its table.
//!
//! `cargo run -p nn-papers --example fit_table_two [RESULTS [DATA]]`
//!
//! RESULTS is the folder of the results (default: `runs/fit-table-two`), where an interrupted
//! search resumes, and DATA the folder of the data sets (default: `datasets`). The
//! search uses one thread and takes about ten minutes.
#![allow(clippy::print_stdout, reason = "it prints the setups that it tries")]

use std::path::PathBuf;

use nn_papers::{Options, Store, fit_table_two};
use nn_tensor::Threads;

fn main() -> nn_train::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let results = arguments
        .next()
        .unwrap_or_else(|| "runs/fit-table-two".into());
    let data_dir = arguments.next().unwrap_or_else(|| "datasets".into());
    let options = Options {
        data_dir: &data_dir,
        data: "mnist",
        is_quick: false,
        rerun: false,
        threads: Threads::single(),
    };
    let mut store = Store::open(results)?;
    fit_table_two(&options, &mut store, &|line| println!("{line}"), &|| false)
}
