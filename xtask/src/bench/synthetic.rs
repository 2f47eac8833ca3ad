//! Synthetic tables for regression, written as CSV files that all programs read.
//!
//! Inputs are drawn from the standard normal distribution. Target k of a row is
//! sin 2x_k + x_{k+1}·x_{k+2} + ε with standard normal noise ε; indices of inputs start
//! again after the last one. Every column then gets mean 0 and variance 1 over the training
//! rows, so `nn`, which standardizes, and the peers, which do not, train on the same numbers.

use std::f64::consts::TAU;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::workspace;

/// Seed of the tables.
pub(super) const SEED: u64 = 0;

/// Number of test rows, which follow the training rows.
pub(super) const N_TEST_ROWS: usize = 10_000;

/// A table with inputs `x1`, `x2`, …, targets `y1`, `y2`, … and the column `split`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyntheticTable {
    pub(super) n_inputs: usize,
    pub(super) n_targets: usize,
    /// Number of training rows.
    pub(super) n_rows: usize,
}

impl SyntheticTable {
    /// The path of the file in the target folder.
    pub(super) fn path(&self) -> PathBuf {
        let Self {
            n_inputs,
            n_targets,
            n_rows,
        } = self;
        workspace::target().join(format!(
            "peers/tables/{n_inputs}-inputs-{n_targets}-targets-{n_rows}-rows.csv"
        ))
    }

    /// The arguments of `nn train` that name the file, its targets and its split.
    pub(super) fn nn_arguments(&self) -> Vec<String> {
        let path = self.path().to_string_lossy().into_owned();
        let targets: Vec<String> = names("y", self.n_targets).collect();
        let mut arguments = vec!["--data".to_owned(), path, "--target".to_owned()];
        arguments.push(targets.join(","));
        let split = "--split-column split --header yes --task regression";
        arguments.extend(split.split(' ').map(String::from));
        arguments
    }

    /// Writes the file. An older file is replaced.
    pub(super) fn write(&self) -> Result<()> {
        let path = self.path();
        eprintln!("writing {}", path.display());
        self.write_to(&path)
            .map_err(|source| Error::unreadable(&path, source))
    }

    /// Removes the file.
    pub(super) fn remove(&self) -> Result<()> {
        let path = self.path();
        fs::remove_file(&path).map_err(|source| Error::unreadable(&path, source))
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = BufWriter::new(fs::File::create(path)?);
        for name in names("x", self.n_inputs).chain(names("y", self.n_targets)) {
            write!(file, "{name},")?;
        }
        writeln!(file, "split")?;
        let columns = self.columns();
        for row in 0..self.n_rows + N_TEST_ROWS {
            for column in &columns {
                write!(file, "{:.4},", column[row])?;
            }
            let is_training_row = row < self.n_rows;
            writeln!(file, "{}", if is_training_row { "train" } else { "test" })?;
        }
        file.flush()
    }

    /// The values of the inputs and targets, column by column.
    fn columns(&self) -> Vec<Vec<f32>> {
        let n_rows = self.n_rows + N_TEST_ROWS;
        let mut random = Random(SEED);
        let mut columns: Vec<Vec<f32>> = (0..self.n_inputs)
            .map(|_| (0..n_rows).map(|_| random.normal() as f32).collect())
            .collect();
        for target in 0..self.n_targets {
            let [a, b, c] = [0, 1, 2].map(|next| &columns[(target + next) % self.n_inputs]);
            let values = (0..n_rows).map(|row| {
                let [a, b, c] = [a[row], b[row], c[row]].map(f64::from);
                ((2.0 * a).sin() + b * c + random.normal()) as f32
            });
            let values = values.collect();
            columns.push(values);
        }
        for column in &mut columns {
            standardize(column, self.n_rows);
        }
        columns
    }
}

fn names(letter: &str, count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(move |number| format!("{letter}{number}"))
}

/// Shifts and scales the values so that the first `n` have mean 0 and variance 1.
fn standardize(values: &mut [f32], n: usize) {
    let mean = |of: &dyn Fn(f64) -> f64| {
        let values = values[..n].iter().map(|&value| of(f64::from(value)));
        values.sum::<f64>() / n as f64
    };
    let center = mean(&|value| value);
    let deviation = mean(&|value| (value - center).powi(2)).sqrt();
    for value in values {
        *value = ((f64::from(*value) - center) / deviation) as f32;
    }
}

/// SplitMix64 (Steele, Lea & Flood 2014).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number in (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// A standard normal number (Box & Muller 1958).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: SyntheticTable = SyntheticTable {
        n_inputs: 4,
        n_targets: 2,
        n_rows: 3_000,
    };

    fn moment(values: &[f32], power: i32) -> f64 {
        let powers = values.iter().map(|&value| f64::from(value).powi(power));
        powers.sum::<f64>() / values.len() as f64
    }

    #[test]
    fn columns_are_standardized_over_the_training_rows() {
        let columns = TABLE.columns();
        assert_eq!(columns.len(), 6);
        for column in &columns {
            let training = &column[..TABLE.n_rows];
            assert!(moment(training, 1).abs() < 1e-6);
            assert!((moment(training, 2) - 1.0).abs() < 1e-6);
            assert_eq!(column.len(), TABLE.n_rows + N_TEST_ROWS);
            assert!(moment(&column[TABLE.n_rows..], 1) != 0.0);
        }
        // The fourth moment of the standard normal distribution is 3.
        assert!((moment(&columns[0], 4) - 3.0).abs() < 0.3);
    }

    #[test]
    fn three_fifths_of_the_variance_of_a_target_follow_from_the_inputs() {
        let columns = TABLE.columns();
        let target = &columns[4 + 1];
        let without_noise: Vec<f32> = (0..target.len())
            .map(|row| (2.0 * columns[1][row]).sin() + columns[2][row] * columns[3][row])
            .collect();
        let products = target.iter().zip(&without_noise);
        let covariance = products.map(|(a, b)| f64::from(a * b)).sum::<f64>() / target.len() as f64;
        let correlation = covariance / moment(&without_noise, 2).sqrt();
        assert!(
            (correlation - 0.6_f64.sqrt()).abs() < 0.02,
            "the correlation is {correlation}"
        );
    }

    #[test]
    fn the_file_has_the_training_rows_first() {
        let path = std::env::temp_dir().join(format!("nn-synthetic-{}.csv", std::process::id()));
        TABLE.write_to(&path).expect("it is written");
        let text = fs::read_to_string(&path).expect("it was written");
        fs::remove_file(&path).expect("it was written");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "x1,x2,x3,x4,y1,y2,split");
        assert_eq!(lines.len(), 1 + TABLE.n_rows + N_TEST_ROWS);
        assert!(lines[TABLE.n_rows].ends_with(",train"));
        assert!(lines[TABLE.n_rows + 1].ends_with(",test"));
        let first: Vec<f32> = lines[1].split(',').take(6).flat_map(str::parse).collect();
        let expected: Vec<f32> = TABLE.columns().iter().map(|column| column[0]).collect();
        for (value, expected) in first.iter().zip(expected) {
            assert!((value - expected).abs() <= 5.1e-5);
        }
        assert_eq!(first.len(), 6);
    }
}
