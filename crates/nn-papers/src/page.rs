//! `report.html`: everything that came of the claims on one page.

use nn_plot::{Body, Cell, Column, Page, Table, Tone};

use crate::claim::{Claim, Erratum, Shown};
use crate::drawing;
use crate::outcome::{Command, Row, Verdict};
use crate::paper::{Paper, all_claims, erratum_key};
use crate::store::{Entry, Store};

/// The page of all that `store` holds.
pub(crate) fn html(store: &Store) -> String {
    let mut page = Page::new("Five papers on neural networks, tried");
    page.lead(
        "What the papers print, what `nn papers run` finds, and where the two differ, why. Every \
         number of ours comes from a run; the command that repeats it stands beside it.",
    );
    summary(page.section("Summary"), store);
    for paper in Paper::ALL {
        if paper
            .claims()
            .iter()
            .any(|claim| entry(store, claim).is_some())
        {
            chapter(page.section(paper.title()), store, paper);
        }
    }
    page.footer(&format!(
        "Made by nn {}. Run again with `nn papers run all`; the numbers are also in results.json.",
        env!("CARGO_PKG_VERSION")
    ));
    page.html()
}

fn entry<'s>(store: &'s Store, claim: &Claim) -> Option<&'s Entry> {
    store.results().claims.get(claim.id)
}

fn summary(body: &mut Body, store: &Store) {
    let entries: Vec<_> = all_claims()
        .filter_map(|(paper, claim)| Some((paper, claim, entry(store, claim)?)))
        .collect();
    let count = |verdict: Verdict| {
        let with = |entry: &&Entry| entry.outcome.verdict == verdict;
        entries
            .iter()
            .map(|(.., entry)| *entry)
            .filter(with)
            .count()
    };
    body.facts(Verdict::ALL.map(|verdict| (verdict.name(), count(verdict).to_string())));
    body.list([
        "reproduced: our run of the paper's set-up gives the printed figure within the tolerance",
        "explained: the printed figure cannot be had, and a run of ours shows why",
        "not reproduced: with what was tried",
        "not judged: the data are the built-in digits, not MNIST",
    ]);
    let mut table = Table::new(vec![
        Column::text("claim"),
        Column::text("verdict"),
        Column::text("what"),
        Column::text("paper"),
        Column::text("form"),
        Column::number("time [s]"),
    ]);
    for (paper, claim, entry) in entries {
        let verdict = entry.outcome.verdict;
        table.row([
            Cell::new(claim.id),
            Cell::new(verdict.name()).tone(tone(verdict)),
            Cell::new(claim.title),
            Cell::new(paper.name()),
            Cell::new(form(entry)),
            Cell::new(format!("{:.1}", entry.seconds)),
        ]);
    }
    body.table(&table);
}

fn form(entry: &Entry) -> String {
    let form = if entry.is_quick { "quick" } else { "full" };
    format!("{form}, {}", entry.data)
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Reproduced => Tone::Good,
        Verdict::Explained => Tone::Marked,
        Verdict::NotReproduced => Tone::Bad,
        Verdict::NotJudged => Tone::Muted,
    }
}

fn chapter(body: &mut Body, store: &Store, paper: Paper) {
    for claim in paper.claims() {
        if let Some(entry) = entry(store, claim) {
            write_claim(body, claim, entry);
        }
    }
    if !paper.errata().is_empty() {
        body.subsection("Errata");
        body.table(&errata(store, paper));
    }
}

fn write_claim(body: &mut Body, claim: &Claim, entry: &Entry) {
    let outcome = &entry.outcome;
    body.subsection(&format!("{}: {}", claim.id, claim.title));
    body.paragraph(&format!("The paper: {}", claim.says));
    let quick = if entry.is_quick && !claim.quick.is_empty() {
        format!(" Quick form: {}.", claim.quick)
    } else {
        String::new()
    };
    body.verdict(
        &format!("Verdict: {}.", outcome.verdict.name()),
        tone(outcome.verdict),
        &format!("{}{quick}", outcome.explanation),
    );
    if !outcome.rows.is_empty() {
        body.table(&rows(&outcome.rows));
    }
    for figure in &outcome.figures {
        body.figure(&drawing::svg(figure), &drawing::caption(figure));
    }
    if !outcome.commands.is_empty() {
        body.details(
            "Commands that repeat it, and the weights they end with",
            |inside| {
                inside.code(&commands(&outcome.commands));
            },
        );
    }
}

fn rows(rows: &[Row]) -> Table {
    let mut table = Table::new(vec![
        Column::text("quantity"),
        Column::number("printed"),
        Column::number("ours"),
        Column::text("expected"),
        Column::text("holds"),
    ]);
    for row in rows {
        let (judged, tone) = match row.is_within {
            Some(true) => ("yes", Tone::Good),
            Some(false) => ("no", Tone::Bad),
            None => ("", Tone::Plain),
        };
        table.row([
            Cell::new(row.quantity.as_str()),
            Cell::new(row.printed.as_str()),
            Cell::new(row.ours.as_str()),
            Cell::new(row.expected.as_str()),
            Cell::new(judged).tone(tone),
        ]);
    }
    table
}

fn commands(commands: &[Command]) -> String {
    let lines: Vec<_> = commands
        .iter()
        .map(|command| {
            format!(
                "{}\n    seed {}, weights {}",
                command.command, command.seed, command.weights_sha256
            )
        })
        .collect();
    lines.join("\n")
}

fn errata(store: &Store, paper: Paper) -> Table {
    let mut table = Table::new(vec![
        Column::text("where"),
        Column::text("printed"),
        Column::text("should be"),
        Column::text("shown by"),
    ]);
    for (index, erratum) in paper.errata().iter().enumerate() {
        let Erratum {
            place,
            printed,
            correct,
            shown,
        } = erratum;
        let evidence = match shown {
            Shown::By(claim) => format!("claim {claim}"),
            Shown::Check(_) => store
                .results()
                .errata
                .get(&erratum_key(paper, index))
                .cloned()
                .unwrap_or_default(),
        };
        table.row([*place, *printed, *correct, evidence.as_str()]);
    }
    table
}
