//! `nn train` on a terminal: a pseudo-terminal of script(1), where there is
//! one.

use std::process::Command;

use crate::support::{Scratch, TWO_EPOCHS};

/// What `nn train` writes on a terminal of `columns`; none where there is no
/// script(1) of util-linux, whose flags these are.
fn on_terminal(columns: u16, variables: &str, flags: &str) -> Option<String> {
    let script = Command::new("script").arg("--version").output();
    if !script.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("util-linux")) {
        eprintln!("skipped: no script(1) of util-linux");
        return None;
    }
    let scratch = Scratch::new();
    let program = env!("CARGO_BIN_EXE_nn");
    let train = format!("{variables} '{program}' train --no-report {TWO_EPOCHS} {flags}");
    let line =
        format!(r#"script -qec "stty cols {columns} rows 24; {train}" /dev/null < /dev/null"#);
    Some(scratch.shell(&line).succeeds())
}

/// The escape sequence that takes a line away.
const ERASE: &str = "\x1b[2K";

#[test]
fn curves_stay_on_a_terminal() {
    for (columns, is_wide) in [(80, true), (45, false)] {
        let Some(said) = on_terminal(columns, "TERM=xterm", "") else {
            return;
        };
        assert_eq!(said.contains("epoch 2/2  loss "), is_wide, "{said:?}");
        let (course, end) = said.rsplit_once("2/2").expect("the last epoch");
        assert!(course.contains("network   784-16-10"), "{said:?}");
        for part in [
            "\nloss  ",
            "validation ",
            "\naccuracy  ",
            "test accuracy",
            "█",
        ] {
            assert!(
                end.contains(part),
                "{columns}: {part:?} is missing in {end:?}"
            );
        }
        let lines = end.lines().filter(|line| line.starts_with("loss"));
        for line in lines {
            let width = line.trim_end().chars().count();
            assert!(width < columns.into(), "{columns}: {line:?}");
        }
    }
}

#[test]
fn plain_lines_move_nothing() {
    for (variables, flags) in [("TERM=xterm", "--plain"), ("TERM=dumb", "")] {
        let Some(said) = on_terminal(60, variables, flags) else {
            return;
        };
        assert!(!said.contains(ERASE) && !said.contains('\x1b'), "{said:?}");
        assert!(said.contains("samples/s"), "{said:?}");
    }
}

#[test]
fn a_colourless_terminal_gets_no_colour() {
    let Some(said) = on_terminal(80, "TERM=xterm NO_COLOR=1", "") else {
        return;
    };
    let codes = said.split("\x1b[").skip(1);
    for code in codes {
        let command = code.trim_start_matches(|c: char| c.is_ascii_digit() || ";?".contains(c));
        assert!(!command.starts_with('m'), "a colour in {said:?}");
    }
}
