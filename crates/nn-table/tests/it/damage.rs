//! Random damages to tables are never silent: each is an error, or changes the summary
//! or the notes that a user sees.
//!
//! The tables are generated; with `NN_TABLES`, also the files of this folder:
//! `NN_TABLES=folder NN_DAMAGES=10000 cargo test -p nn-table --test it damage`

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use nn_table::summary::Summary;
use nn_table::{Preprocessing, Result, Table, TableOptions};

/// Number of damages without `NN_DAMAGES`.
const N_DAMAGES: usize = 400;

/// Number of lines of a file that are used.
const N_LINES: usize = 400;

/// A small generator of random numbers (Knuth's MMIX constants).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }
}

/// Everything that a user sees of a table.
fn seen(path: &Path, bytes: &[u8]) -> Result<Vec<String>> {
    let options = TableOptions::default();
    let mut table = Table::parse(path, bytes, &options)?;
    let dropped = Preprocessing::drop_missing_targets(&mut table, &options)?;
    let rows: Vec<usize> = (0..table.n_rows()).collect();
    let (fitted, notes) = Preprocessing::fit(&table, &rows, &options)?;
    let summary = Summary::new(&table, Some(&fitted));
    let notes = table.notes().iter().cloned().chain(dropped).chain(notes);
    let notes: Vec<String> = notes.map(|note| note.to_string()).collect();
    Ok(summary.lines().chain(notes).collect())
}

/// The kinds of damage.
#[derive(Clone, Copy, Debug)]
enum Damage {
    SeparatorLost,
    SeparatorAdded,
    SeparatorReplaced,
    QuoteAdded,
    RowLost,
    RowRepeated,
    RowsJoined,
    RowCut,
    ByteNotUtf8,
    Nul,
    NumberToWord,
}

impl Damage {
    const ALL: [Self; 11] = [
        Self::SeparatorLost,
        Self::SeparatorAdded,
        Self::SeparatorReplaced,
        Self::QuoteAdded,
        Self::RowLost,
        Self::RowRepeated,
        Self::RowsJoined,
        Self::RowCut,
        Self::ByteNotUtf8,
        Self::Nul,
        Self::NumberToWord,
    ];

    /// The damaged text; `None` if the text has no place for it.
    fn apply(self, text: &str, random: &mut Random) -> Option<Vec<u8>> {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let row = 1 + random.below(lines.len() - 1);
        let separators: Vec<usize> = lines[row].match_indices(',').map(|(at, _)| at).collect();
        let separator = separators.get(random.below(separators.len())).copied();
        let text_of = |lines: &[String]| Some((lines.join("\n") + "\n").into_bytes());
        match self {
            Self::SeparatorLost => {
                lines[row].remove(separator?);
                text_of(&lines)
            }
            Self::SeparatorAdded => {
                let at = random.below(lines[row].len());
                lines[row].insert(at, ',');
                text_of(&lines)
            }
            Self::SeparatorReplaced => {
                lines[row].replace_range(separator?..=separator?, ";");
                text_of(&lines)
            }
            Self::QuoteAdded => {
                let at = random.below(lines[row].len());
                lines[row].insert(at, '"');
                text_of(&lines)
            }
            Self::RowLost => {
                lines.remove(row);
                text_of(&lines)
            }
            Self::RowRepeated => {
                lines.insert(row, lines[row].clone());
                text_of(&lines)
            }
            Self::RowsJoined => {
                let next = (row + 1 < lines.len()).then(|| lines.remove(row + 1))?;
                lines[row].push_str(&next);
                text_of(&lines)
            }
            Self::RowCut => {
                lines[row].truncate(separator?);
                text_of(&lines)
            }
            Self::ByteNotUtf8 | Self::Nul => {
                let mut bytes = text.as_bytes().to_vec();
                let at = random.below(bytes.len());
                let byte = if let Self::Nul = self { 0 } else { 0xe9 };
                bytes.insert(at, byte);
                Some(bytes)
            }
            Self::NumberToWord => {
                let mut cells: Vec<String> = lines[row].split(',').map(str::to_owned).collect();
                let at = random.below(cells.len());
                cells[at].trim().parse::<f64>().ok()?;
                cells[at] = "seven".to_owned();
                lines[row] = cells.join(",");
                text_of(&lines)
            }
        }
    }
}

/// Tables of numbers, categories and missing values, with and without a header.
fn generated() -> Vec<(PathBuf, String)> {
    let mut random = Random(7);
    let mut rows = String::new();
    for row in 0..200 {
        let color = ["red", "green", "blue"][random.below(3)];
        let length = random.below(1000) as f64 / 10.0;
        let age = match random.below(10) {
            0 => String::new(),
            _ => random.below(90).to_string(),
        };
        let class = ["yes", "no"][random.below(2)];
        writeln!(rows, "{length},{color},{age},{}.5,{class}", row % 17).expect("memory");
    }
    let named = format!("length,color,age,size,class\n{rows}");
    vec![
        (PathBuf::from("named.csv"), named),
        (PathBuf::from("nameless.csv"), rows),
    ]
}

/// The first lines of the files in the folder `NN_TABLES`.
fn files() -> Vec<(PathBuf, String)> {
    let Some(folder) = env::var_os("NN_TABLES") else {
        println!("only generated tables: NN_TABLES is not set");
        return Vec::new();
    };
    let mut files: Vec<(PathBuf, String)> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|it| it == "csv"))
        .map(|path| {
            let text = fs::read_to_string(&path).expect("text");
            let lines: Vec<&str> = text.lines().take(N_LINES).collect();
            (path, lines.join("\n") + "\n")
        })
        .collect();
    files.sort();
    files
}

#[test]
fn no_damage_is_silent() {
    let n_damages = env::var("NN_DAMAGES").ok();
    let n_damages = n_damages.map_or(N_DAMAGES, |n| n.parse().expect("a number"));
    let mut tables = generated();
    tables.extend(files());
    let mut random = Random(1);
    let mut silent = Vec::new();
    let (mut n_errors, mut n_changed) = (0, 0);
    for (path, text) in &tables {
        let whole = seen(path, text.as_bytes()).expect("an undamaged table");
        let mut n_done = 0;
        while n_done < n_damages.div_ceil(tables.len()) {
            let damage = Damage::ALL[random.below(Damage::ALL.len())];
            let Some(bytes) = damage.apply(text, &mut random) else {
                continue;
            };
            n_done += 1;
            match seen(path, &bytes) {
                Err(_) => n_errors += 1,
                Ok(seen) if seen != whole => n_changed += 1,
                Ok(_) => silent.push((path, damage, first_difference(text.as_bytes(), &bytes))),
            }
        }
    }
    println!(
        "{n_errors} errors, {n_changed} changed notes, {} silent",
        silent.len()
    );
    assert!(silent.is_empty(), "{silent:#?}");
}

/// The damaged text around the first changed byte.
fn first_difference(whole: &[u8], damaged: &[u8]) -> String {
    let same = whole
        .iter()
        .zip(damaged)
        .take_while(|(a, b)| a == b)
        .count();
    let around = same.saturating_sub(20)..(same + 20).min(damaged.len());
    String::from_utf8_lossy(&damaged[around]).into_owned()
}
