//! The outcome of the claims as tables on the terminal.

use crate::claim::Claim;
use crate::outcome::{Command, Row, Verdict};
use crate::paper::Paper;
use crate::store::{Entry, Store};
use crate::terminal;

/// Rows of a claim that fit on a terminal.
const MAX_ROWS: usize = 40;

/// Papers, their claims, and what came of them so far.
pub(crate) fn list(store: &Store) {
    for paper in Paper::ALL {
        terminal::line(format!("{:<14} {}", paper.name(), paper.title()));
        for claim in paper.claims() {
            let state = match store.results().claims.get(claim.id) {
                Some(entry) => describe(entry),
                None => "not run yet".to_owned(),
            };
            terminal::line(format!("  {:<3} {}: {state}", claim.id, claim.title));
        }
    }
    terminal::line("");
    terminal::line(format!(
        "`{} papers run all --quick` runs them in some minutes",
        terminal::program()
    ));
}

fn describe(entry: &Entry) -> String {
    let quick = if entry.is_quick { ", quick" } else { "" };
    format!("{} ({}{quick})", entry.outcome.verdict.name(), entry.data)
}

/// Printed figures, ours, and the verdicts.
pub(crate) fn show(store: &Store, claims: &[(Paper, &'static Claim)]) {
    let found = claims
        .iter()
        .filter_map(|(paper, claim)| Some((*paper, *claim, store.results().claims.get(claim.id)?)));
    let mut last = None;
    for (paper, claim, entry) in found {
        if last.replace(paper) != Some(paper) {
            terminal::report("");
            terminal::report(paper.title());
        }
        terminal::report("");
        terminal::report(format!(
            "{:<3} {}: {}",
            claim.id,
            claim.title,
            describe(entry)
        ));
        show_rows(&entry.outcome.rows);
        if !entry.outcome.explanation.is_empty() {
            for line in wrapped(&entry.outcome.explanation, 92) {
                terminal::report(format!("    {line}"));
            }
        }
        show_commands(&entry.outcome.commands);
    }
    terminal::report("");
    for (verdict, ids) in tally(store, claims) {
        terminal::report(format!("{:<15} {ids}", verdict.name()));
    }
}

fn show_rows(rows: &[Row]) {
    let width = |cell: fn(&Row) -> &str, least: usize| {
        let widths = rows.iter().map(|row| cell(row).chars().count());
        widths.max().unwrap_or(0).clamp(least, 72)
    };
    let widths = [
        width(|row| &row.quantity, 8),
        width(|row| &row.printed, 7),
        width(|row| &row.ours, 4),
        width(|row| &row.expected, 8),
    ];
    let line = |cells: [&str; 5]| {
        let [w0, w1, w2, w3] = widths;
        format!(
            "    {:<w0$}  {:>w1$}  {:>w2$}  {:<w3$}  {}",
            cells[0], cells[1], cells[2], cells[3], cells[4]
        )
        .trim_end()
        .to_owned()
    };
    terminal::report(line(["", "printed", "ours", "expected", "holds"]));
    for row in rows.iter().take(MAX_ROWS) {
        terminal::report(line([
            &row.quantity,
            &row.printed,
            &row.ours,
            &row.expected,
            match row.is_within {
                Some(true) => "yes",
                Some(false) => "NO",
                None => "",
            },
        ]));
    }
    if rows.len() > MAX_ROWS {
        let more = rows.len() - MAX_ROWS;
        terminal::report(format!("    and {more} more in the report"));
    }
}

/// What repeats it: the first command, and how many more there are.
fn show_commands(commands: &[Command]) {
    if let Some((first, others)) = commands.split_first() {
        terminal::report(format!("    {}", first.command));
        if !others.is_empty() {
            terminal::report(format!("    and {} more in the report", others.len()));
        }
    }
}

/// The claims by verdict, verdicts without claims left out.
fn tally(store: &Store, claims: &[(Paper, &'static Claim)]) -> Vec<(Verdict, String)> {
    let of = |verdict: Verdict| {
        let ids: Vec<_> = claims
            .iter()
            .filter(|(_, claim)| {
                let entry = store.results().claims.get(claim.id);
                entry.is_some_and(|entry| entry.outcome.verdict == verdict)
            })
            .map(|(_, claim)| claim.id)
            .collect();
        (verdict, ids.join(" "))
    };
    Verdict::ALL
        .into_iter()
        .map(of)
        .filter(|(_, ids)| !ids.is_empty())
        .collect()
}

/// Lines of at most `width` characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a line");
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paper::all_claims;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("", 7), [""]);
        let ids: Vec<_> = all_claims().map(|(_, claim)| claim.id).collect();
        assert!(
            wrapped(&ids.join(" "), 20)
                .iter()
                .all(|line| line.len() <= 20)
        );
    }
}
