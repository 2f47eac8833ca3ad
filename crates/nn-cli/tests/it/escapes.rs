//! Names of others reach the terminal without what it would obey (CWE-150):
//! classes, columns, categories, files, of every command that shows them.

use std::fs;

use serde_json::Value;

use crate::support::Scratch;

/// Writes the clipboard, clears the screen, and turns text round.
const EVIL: &str = "\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}2J\u{202e}x\u{2066}\u{200b}\u{7f}";

fn is_evil(letter: char) -> bool {
    letter != '\n' && (letter.is_control() || EVIL.contains(letter) && !letter.is_ascii())
}

fn table() -> String {
    let mut table = format!("u,{EVIL},colour,label\n");
    for i in 0..60 {
        let class = [EVIL, "b", "c"][i % 3];
        let colour = ["red", EVIL][i % 2];
        table += &format!("{},{},{colour},{class}\n", i % 7, i * i % 11);
    }
    table
}

#[test]
fn no_command_shows_what_a_terminal_would_obey() {
    let scratch = Scratch::new();
    let file = format!("e{EVIL}.csv");
    scratch.file(&file, table());
    let train = ["train", "--data", &file, "--hidden", "2", "--epochs", "2"];
    let named = |name| [&train[..], &["--name", name]].concat();
    let new_rows = table().replace("red", "blue").replace(",b\n", ",d\n");
    scratch.file("new.csv", new_rows);
    let mut commands = vec![
        named("e"),
        [
            &named("f")[..],
            &["--ignore", "u", "--loss", "mse", "--plain"],
        ]
        .concat(),
        vec!["evaluate", "e"],
        vec!["evaluate", "e", "--data", "new.csv"],
        vec!["inspect", "e"],
        vec!["doctor", "e"],
        vec!["compare", "e", "f"],
        vec!["report", "e"],
        vec!["trace", "e", "--index", "0"],
        vec!["predict", "e", "new.csv", "--output", "p.csv"],
        vec!["gradcheck", "--data", &file, "--hidden", "2"],
        vec!["data", "info", &file],
        vec!["predict", "e", &file, "missing\u{1b}[2J.png"],
        vec!["train", "--data", EVIL],
    ];
    let search = "--trials 2 --epochs 1 --name s".split(' ');
    commands.push(
        ["search", "--data", &file]
            .into_iter()
            .chain(search)
            .collect(),
    );
    let mut shown = String::new();
    for command in commands {
        let ended = scratch.nn_args(&command);
        if command[0] == "predict" && command.len() == 4 {
            // A file of predictions for programs is as it is: only its errors
            // are for people.
            assert!(!ended.stderr.chars().any(is_evil), "{:?}", ended.stderr);
            continue;
        }
        for text in [&ended.stdout, &ended.stderr] {
            assert!(!text.chars().any(is_evil), "{command:?}: {text:?}");
        }
        shown += &ended.stdout;
    }
    assert!(
        shown.contains(r"\u{1b}]52;c;ZXZpbA==\u{7}\u{9b}2J\u{202e}x"),
        "{shown}"
    );
}

#[test]
fn formats_for_programs_keep_every_character() {
    let scratch = Scratch::new();
    scratch.file("e.csv", table());
    scratch.train("e", "--data e.csv --hidden 2 --epochs 1 --no-report");
    let json = scratch.nn("inspect e --json").succeeds();
    assert!(!json.chars().any(is_evil), "{json:?}");
    let names: Value = serde_json::from_str(&json).expect("JSON");
    let names = &names["class_names"];
    assert!(
        names
            .as_array()
            .is_some_and(|names| names.contains(&EVIL.into())),
        "{names}"
    );
    let printed = scratch.nn("predict e e.csv").succeeds();
    assert!(printed.contains(EVIL), "not on a terminal: {printed:?}");
    scratch.nn("predict e e.csv --output p.csv").succeeds();
    let written = fs::read_to_string(scratch.path("p.csv")).expect("it was written");
    assert_eq!(written, printed);
}
