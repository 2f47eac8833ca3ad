//! README.md and the book (`docs/src`) are true: their console blocks are run,
//! and their links lead to files.
//!
//! In a block that begins with "```console", a line after `$ ` is a command, and
//! the lines below it are its output, of which `...` is any lines. Durations,
//! rates and numbers of threads are not compared. A block that cannot be run is
//! marked `console,ignore`, below a comment that says why.
#![cfg(all(unix, target_arch = "x86_64"))]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{Scratch, mnist_dir};

#[test]
fn the_commands_of_the_readme_print_what_it_shows() {
    run_commands("README.md");
}

#[test]
fn the_commands_of_the_book_print_what_it_shows() {
    chapters().iter().for_each(|page| run_commands(page));
}

#[test]
fn links_lead_to_files_and_every_chapter_is_in_the_summary() {
    let (summary, mut pages) = (read("docs/src/SUMMARY.md"), chapters());
    let is_listed = |page: &&String| summary.contains(&page.replace("docs/src/", ""));
    let n_listed = pages.iter().filter(is_listed).count();
    assert_eq!(n_listed, pages.len() - 1, "all but the summary: {pages:?}");

    pages.extend(["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"].map(String::from));
    let broken: Vec<String> = pages.iter().flat_map(|page| broken_links(page)).collect();
    assert!(broken.is_empty(), "links without a file: {broken:#?}");
}

#[test]
fn the_badges_agree_with_the_manifest() {
    let (readme, manifest) = (read("README.md"), read("Cargo.toml"));
    for (key, badge) in [("version", "version-"), ("rust-version", "rust-")] {
        let mut lines = manifest.lines().map(|line| line.split('"'));
        let value = lines
            .find_map(|mut line| (line.next()? == format!("{key} = ")).then_some(line.next()?));
        let badge = format!("badge/{badge}{}", value.expect(key));
        assert!(readme.contains(&badge), "no {badge} in README.md");
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(page: &str) -> String {
    fs::read_to_string(workspace().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

fn chapters() -> Vec<String> {
    let folder = fs::read_dir(workspace().join("docs/src")).expect("the book is there");
    let names = folder.map(|entry| entry.expect("the folder is readable").file_name());
    let pages = names.map(|name| format!("docs/src/{}", name.to_string_lossy()));
    pages.filter(|page| page.ends_with(".md")).collect()
}

fn broken_links(page: &str) -> Vec<String> {
    let (text, file) = (read(page), workspace().join(page));
    [
        ("](", ')'),
        ("src=\"", '"'),
        ("srcset=\"", '"'),
        ("{{#include ", '}'),
    ]
    .iter()
    .flat_map(|(start, end)| {
        text.split(start)
            .skip(1)
            .filter_map(|rest| rest.split(*end).next())
    })
    .filter_map(|link| link.split('#').next())
    .filter(|path| !path.contains("://") && !file.with_file_name(path).exists())
    .map(|path| format!("{page}: {path}"))
    .collect()
}

/// Runs the commands of a page in one folder, which looks like a clone of the
/// repository, and compares their output with the page.
fn run_commands(page: &str) {
    if !is_x86_feature_detected!("avx2") {
        return eprintln!("skipped: without AVX2, sums are rounded in another way");
    }
    let text = read(page);
    let scratch = Scratch::new();
    for folder in ["crates", "docs"] {
        symlink(workspace().join(folder), scratch.path(folder)).expect("the folder is writable");
    }
    for (line, command, shown) in commands(page, &text) {
        let place = format!("{page}:{line}: {command}");
        if (command.contains("mnist") || command.contains("fetch-data"))
            && !scratch.path("datasets").exists()
        {
            let Some(data) = mnist_dir() else { return };
            symlink(data, scratch.path("datasets")).expect("the folder is writable");
        }
        let ended = scratch.shell(&script(&command));
        let has_failed = shown.iter().any(|line| line.starts_with("error: "));
        assert_eq!(
            ended.code == Some(0),
            !has_failed,
            "{place}\n{}",
            ended.stdout
        );
        let pattern: Vec<String> = shown.into_iter().map(comparable).collect();
        let printed: Vec<String> = ended.stdout.lines().map(comparable).collect();
        assert!(
            pattern.is_empty() || matches(&pattern, &printed),
            "{place}\nshown, as compared: {pattern:#?}\nprinted:\n{}",
            ended.stdout
        );
    }
}

/// Line, command and output of every command that is run.
fn commands<'a>(page: &str, text: &'a str) -> Vec<(usize, String, Vec<&'a str>)> {
    let (mut commands, mut is_run, mut before) = (Vec::<(_, String, _)>::new(), false, "");
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(language) = line.strip_prefix("```") {
            let is_explained = language != "console,ignore" || before.starts_with("<!-- Not run: ");
            assert!(is_explained, "{page}:{number}: say why this is not run");
            is_run = language == "console";
        } else if let (true, Some(command)) = (is_run, line.strip_prefix("$ ")) {
            commands.push((number, command.to_owned(), Vec::new()));
        } else if is_run {
            let (_, command, shown) = commands.last_mut().expect("a block begins with a command");
            match command.strip_suffix('\\') {
                Some(start) => *command = format!("{start}{line}"),
                None => shown.push(line),
            }
        }
        before = line;
    }
    commands
}

fn script(command: &str) -> String {
    let command = command.replace("cargo run -p nn-cli --", "nn");
    let command = command.replace("cargo xtask fetch-data", "nn data fetch");
    let program = env!("CARGO_BIN_EXE_nn");
    format!("nn() {{ '{program}' \"$@\"; }}; export COLUMNS=100; exec 2>&1\n{command}")
}

/// The words of a line, without measured times, rates and numbers of threads.
fn comparable(line: &str) -> String {
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        if !["ms", "s", "samples/s", "threads"].contains(&word) {
            words.push(word);
            continue;
        }
        // A large number is several words: its digits are in groups of three.
        words.pop();
        while words.pop_if(|word| word.parse::<u16>().is_ok()).is_some() {}
    }
    words.join(" ")
}

/// Whether `printed` is `shown`, in which `...` is any number of lines.
fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [first, rest @ ..] if first == "..." => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        [first, rest @ ..] => printed.first() == Some(first) && matches(rest, &printed[1..]),
    }
}
