//! Formats the results of claims as text for a terminal.

use crate::claim::Claim;
use crate::judgment::Judgment;
use crate::outcome::{Command, Row, Verdict};
use crate::paper::Paper;
use crate::store::{ClaimResult, Store};

/// Maximum number of rows per claim.
const MAX_ROWS: usize = 40;

/// Maximum width of a line of an explanation.
const MAX_WIDTH: usize = 92;

/// All papers with their claims, and the verdict of each claim that was run.
pub fn overview(store: &Store) -> Vec<String> {
    let mut lines = Vec::new();
    for paper in Paper::ALL {
        lines.push(format!("{:<14} {}", paper.name(), paper.title()));
        for claim in paper.claims() {
            let verdict = store
                .result(claim.id)
                .map_or("not run yet".to_owned(), verdict);
            lines.push(format!("  {:<3} {}: {verdict}", claim.id, claim.title));
        }
    }
    lines.push(String::new());
    lines.push("`nn papers run all --quick` runs all claims in a few minutes".to_owned());
    lines
}

/// The results of the given claims: printed values, measured values, and verdicts.
pub fn results(store: &Store, claims: &[(Paper, &'static Claim)]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut last = None;
    for (paper, claim) in claims {
        let Some(result) = store.result(claim.id) else {
            continue;
        };
        if last.replace(paper) != Some(paper) {
            lines.extend([String::new(), paper.title().to_owned()]);
        }
        lines.push(String::new());
        let verdict = verdict(result);
        lines.push(format!("{:<3} {}: {verdict}", claim.id, claim.title));
        lines.extend(table(&result.outcome.rows));
        let explanation = wrapped(&result.outcome.explanation, MAX_WIDTH);
        lines.extend(explanation.iter().map(|line| format!("    {line}")));
        lines.extend(commands(&result.outcome.commands));
    }
    lines.push(String::new());
    let tally = tally(store, claims).into_iter();
    lines.extend(tally.map(|(verdict, ids)| format!("{:<15} {ids}", verdict.name())));
    lines
}

/// The verdict, the data set and the form.
fn verdict(result: &ClaimResult) -> String {
    let quick = if result.is_quick { ", quick" } else { "" };
    format!("{} ({}{quick})", result.outcome.verdict.name(), result.data)
}

/// The rows as a table with aligned columns.
fn table(rows: &[Row]) -> Vec<String> {
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
    let mut lines = vec![line(["", "printed", "ours", "expected", "holds"])];
    lines.extend(rows.iter().take(MAX_ROWS).map(|row| {
        let holds = match row.judgment {
            Some(Judgment::Fails) => "NO",
            judgment => judgment.map_or("", Judgment::name),
        };
        line([&row.quantity, &row.printed, &row.ours, &row.expected, holds])
    }));
    if rows.len() > MAX_ROWS {
        let more = rows.len() - MAX_ROWS;
        lines.push(format!("    and {more} more in the report"));
    }
    lines
}

/// The first command, and the number of the others.
fn commands(commands: &[Command]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((first, others)) = commands.split_first() {
        lines.push(format!("    {}", first.command));
        if !others.is_empty() {
            lines.push(format!("    and {} more in the report", others.len()));
        }
    }
    lines
}

/// The ids of the claims by verdict, without verdicts that no claim has.
fn tally(store: &Store, claims: &[(Paper, &'static Claim)]) -> Vec<(Verdict, String)> {
    let of = |verdict: Verdict| {
        let ids: Vec<_> = claims
            .iter()
            .filter(|(_, claim)| {
                let result = store.result(claim.id);
                result.is_some_and(|result| result.outcome.verdict == verdict)
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

/// Breaks a text between words into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Expected;
    use crate::paper::all_claims;

    #[test]
    fn a_row_shows_the_interval_and_the_judgment() {
        let values = [0.5, -0.1, 0.2];
        let row = Row::over_seeds("difference", "better", &values, Expected::Positive, 2);
        let lines = table(&[row]);
        let shown: Vec<_> = lines[1].split_whitespace().collect();
        let expected = "difference better 0.20 ± 0.75 (3 seeds) above 0 undecided";
        assert_eq!(shown.join(" "), expected);
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("", 7), [""; 0]);
        let ids: Vec<_> = all_claims().map(|(_, claim)| claim.id).collect();
        assert!(
            wrapped(&ids.join(" "), 20)
                .iter()
                .all(|line| line.len() <= 20)
        );
    }
}
