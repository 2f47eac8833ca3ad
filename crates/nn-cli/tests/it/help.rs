//! Texts as they were when last looked at. To accept new ones, run the tests
//! with `UPDATE_SNAPSHOTS=1` and read the difference.

use std::fs;
use std::path::Path;

use crate::support::{Scratch, trees};

/// Compares `text` with the file `tests/it/snapshots/NAME.txt`.
#[track_caller]
fn matches_snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/snapshots")
        .join(name)
        .with_extension("txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, text).expect("the snapshots are writable");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs", path.display());
}

/// Without white space at the ends of lines, which clap leaves.
fn trimmed(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

#[test]
fn help_of_commands() {
    let scratch = Scratch::new();
    for command in [
        "",
        "evaluate",
        "predict",
        "report",
        "compare",
        "inspect",
        "export",
        "import",
        "trace",
        "doctor",
        "data",
        "data list",
        "data info",
        "data fetch",
        "data export",
        "papers",
        "papers list",
        "papers run",
        "serve",
    ] {
        let name = if command.is_empty() { "nn" } else { command };
        let text = scratch.nn(&format!("{command} -h")).succeeds();
        matches_snapshot(&format!("help-{}", name.replace(' ', "-")), &trimmed(&text));
    }
}

/// The names after a flag are those of the menus, which grow: only the flags
/// are compared.
#[test]
fn flags_of_training() {
    let scratch = Scratch::new();
    for command in ["train", "gradcheck", "search"] {
        let text = scratch.nn(&format!("{command} --help")).succeeds();
        let flags: String = text
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with('-'))
            .map(|line| line.split("  ").next().unwrap_or(line).to_owned() + "\n")
            .collect();
        matches_snapshot(&format!("flags-{command}"), &flags);
        for hidden in [
            "--learning-rate",
            "--solver",
            "--max-iter",
            "--random-state",
        ] {
            assert!(
                !text.contains(&format!("{hidden} ")),
                "{hidden} is an alias"
            );
        }
    }
}

#[test]
fn errors() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.file("ragged.csv", "x,y,label\n1,2,a\n3,b\n");
    let mut text = String::new();
    for command in [
        "train --data trees.csv --hidden 12x",
        "train --data trees.csv --target shrub",
        "train --data ragged.csv",
        "evaluate nothing",
        "predict nothing digit.png",
        "train --bogus",
        "",
    ] {
        let ended = scratch.nn(command);
        let code = ended.code.unwrap_or(-1);
        text.push_str(&format!(
            "$ nn {command}\n{}[{code}]\n\n",
            trimmed(&ended.stderr)
        ));
    }
    matches_snapshot("errors", &text);
}
