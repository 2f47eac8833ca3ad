//! Growth of the time per epoch with rows and parameters, and speed-up by more threads.

use super::ours::Nn;
use super::statistics::median;
use super::table::{Table, ratio, seconds, thousands};
use super::workloads::{self, Workload};
use crate::error::{Error, Result};

/// Numbers of rows of MNIST, and hidden layers for 30 000 rows.
const MNIST_ROWS: [usize; 4] = [7_500, 15_000, 30_000, 60_000];
const MNIST_HIDDEN: [&[usize]; 5] = [&[64], &[128], &[256], &[512], &[1024]];

/// Numbers of rows of tables, and hidden layers for 100 000 rows.
const TABLE_ROWS: [usize; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
const TABLE_HIDDEN: [&[usize]; 7] = [
    &[16; 2], &[32; 2], &[64; 2], &[128; 2], &[256; 2], &[512; 2], &[1024; 2],
];

/// Workloads that are measured on one thread and on all threads.
const THREADED: [&str; 5] = ["adam128", "deep256", "gd64", "tab1024", "members"];

/// Number of epochs of a training run, whose median is used.
const EPOCHS: usize = 3;

/// Measures and returns tables. Tables with more than `max_rows` training rows are left
/// out.
pub(super) fn section(nn: &Nn, rounds: usize, max_rows: usize) -> Result<String> {
    let mnist = Workload {
        batch_size: Some(64),
        ..*named("mini32")?
    };
    let half_of_mnist = Workload {
        rows: 30_000,
        ..mnist
    };
    let table = named("tab1024")?;
    let growth = |title: &str, workloads: &[Workload]| growth(nn, rounds, title, workloads);
    let table_rows = TABLE_ROWS.into_iter().filter(|&rows| rows <= max_rows);
    Ok(format!(
        "Growth is a number divided by the number in the line above. All training runs have seed 0.\n\n\
         {}{}{}{}\
         More threads:\n\n{}\n",
        growth("More rows of MNIST", &with_rows(&mnist, MNIST_ROWS))?,
        growth(
            "Wider layers, MNIST",
            &with_hidden(&half_of_mnist, MNIST_HIDDEN)
        )?,
        growth("More rows of a table", &with_rows(table, table_rows))?,
        growth("Wider layers, table", &with_hidden(table, TABLE_HIDDEN))?,
        threads(nn, rounds)?
    ))
}

fn named(name: &str) -> Result<&'static Workload> {
    workloads::find(name).ok_or(Error::Nothing("a workload of the part scaling is missing"))
}

fn with_rows(workload: &Workload, rows: impl IntoIterator<Item = usize>) -> Vec<Workload> {
    let of = |rows| Workload { rows, ..*workload };
    rows.into_iter().map(of).collect()
}

fn with_hidden(
    workload: &Workload,
    hidden: impl IntoIterator<Item = &'static [usize]>,
) -> Vec<Workload> {
    let of = |hidden| Workload {
        hidden,
        ..*workload
    };
    hidden.into_iter().map(of).collect()
}

/// Measures workloads of increasing size.
fn growth(nn: &Nn, rounds: usize, title: &str, workloads: &[Workload]) -> Result<String> {
    let lines: Vec<Line<'_>> = workloads
        .iter()
        .map(|workload| (workload, workload.nn_arguments(EPOCHS, 0)))
        .collect();
    let times = times(nn, &lines, rounds)?;
    let mut table = Table::new([
        "network",
        "rows",
        "parameters",
        "s/epoch",
        "growth",
        "growth of the operations",
        "GFLOP/s",
    ]);
    for (index, workload) in workloads.iter().enumerate() {
        let growth = |of: &dyn Fn(usize) -> f64| {
            let before = index.checked_sub(1);
            before.map_or(String::new(), |before| ratio(of(index) / of(before)))
        };
        table.row([
            workload.network(),
            thousands(workload.rows as f64),
            thousands(workload.parameters() as f64),
            seconds(times[index]),
            growth(&|index| times[index]),
            growth(&|index| workloads[index].operations()),
            format!("{:.0}", workload.operations() / times[index] / 1e9),
        ]);
    }
    let last = workloads.last().map(Workload::description);
    Ok(format!(
        "{title} (last line: {}):\n\n{}\n",
        last.unwrap_or_default(),
        table.markdown()
    ))
}

fn threads(nn: &Nn, rounds: usize) -> Result<String> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let title = format!("{all} threads");
    let mut table = Table::new(["workload", "1 thread", &title, "speed-up"]);
    for name in THREADED {
        let workload = named(name)?;
        let line = |threads: usize| {
            let mut arguments = workload.nn_arguments(workload.epochs, 0);
            arguments.extend(["--threads".to_owned(), threads.to_string()]);
            (workload, arguments)
        };
        let times = times(nn, &[line(1), line(all)], rounds)?;
        let gain = times[0] / times[1];
        table.row([
            name.to_owned(),
            seconds(times[0]),
            seconds(times[1]),
            ratio(gain),
        ]);
    }
    Ok(table.markdown())
}

/// A workload with the arguments of `nn`.
type Line<'a> = (&'a Workload, Vec<String>);

/// Median seconds per epoch of each command line; the command lines take turns. Their tables
/// are written before and removed afterwards.
fn times(nn: &Nn, lines: &[Line<'_>], rounds: usize) -> Result<Vec<f64>> {
    let workloads: Vec<&Workload> = lines.iter().map(|&(workload, _)| workload).collect();
    let tables = workloads::write_tables(&workloads)?;
    let mut measured = vec![Vec::new(); lines.len()];
    for _ in 0..rounds {
        for ((workload, arguments), measured) in lines.iter().zip(&mut measured) {
            let training = nn.train_with(workload, arguments)?;
            let line = arguments.join(" ");
            eprintln!("{:>8}/epoch  nn {line}", seconds(training.median));
            measured.push(training.median);
        }
    }
    for table in tables {
        table.remove()?;
    }
    Ok(measured.iter().map(|times| median(times)).collect())
}
