//! Writes `report.html`, a page with the results of all claims.

use nn_plot::{Body, Cell, Column, Page, Table, Tone};

use crate::claim::{Claim, Erratum, Evidence};
use crate::drawing;
use crate::judgment::Judgment;
use crate::outcome::{Command, Row, Verdict};
use crate::paper::{Paper, all_claims, erratum_key};
use crate::store::{ClaimResult, Store};

/// The page with all results of the store.
pub(crate) fn html(store: &Store) -> String {
    let mut page = Page::new("Five papers on neural networks, reproduced");
    page.lead(
        "This page compares the values that the papers print with the values that `nn papers run` \
         measures, and gives the reasons for the differences. Every measured value comes from a run; \
         the command that repeats the run is listed.",
    );
    summary(page.section("Summary"), store);
    for paper in Paper::ALL {
        if paper
            .claims()
            .iter()
            .any(|claim| store.result(claim.id).is_some())
        {
            chapter(page.section(paper.title()), store, paper);
        }
    }
    page.footer(&format!(
        "Written by nn {}. Update it with `nn papers run all`; results.json has the same numbers.",
        env!("CARGO_PKG_VERSION")
    ));
    page.html()
}

fn summary(body: &mut Body, store: &Store) {
    let results: Vec<_> = all_claims()
        .filter_map(|(paper, claim)| Some((paper, claim, store.result(claim.id)?)))
        .collect();
    let count = |verdict: Verdict| {
        let verdicts = results.iter().map(|(.., result)| result.outcome.verdict);
        verdicts.filter(|&found| found == verdict).count()
    };
    body.facts(Verdict::ALL.map(|verdict| (verdict.name(), count(verdict).to_string())));
    body.list([
        "reproduced: a run with the paper's setup gives the printed value within the tolerance",
        "explained: the printed value is impossible, and a run shows why",
        "undecided: the 95 % confidence interval of the mean over several seeds lies partly within the tolerance",
        "not reproduced: no run gives the printed value; the runs that were tried are listed",
        "not judged: the claim is about MNIST, but the built-in digits were used",
    ]);
    let mut table = Table::new(vec![
        Column::text("claim"),
        Column::text("verdict"),
        Column::text("title"),
        Column::text("paper"),
        Column::text("form"),
        Column::number("time [s]"),
    ]);
    for (paper, claim, result) in results {
        let verdict = result.outcome.verdict;
        table.row([
            Cell::new(claim.id),
            Cell::new(verdict.name()).tone(tone(verdict)),
            Cell::new(claim.title),
            Cell::new(paper.name()),
            Cell::new(form(result)),
            Cell::new(format!("{:.1}", result.seconds)),
        ]);
    }
    body.table(&table);
}

fn form(result: &ClaimResult) -> String {
    let form = if result.is_quick { "quick" } else { "full" };
    format!("{form}, {}", result.data)
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Reproduced => Tone::Good,
        Verdict::Explained | Verdict::Undecided => Tone::Marked,
        Verdict::NotReproduced => Tone::Bad,
        Verdict::NotJudged => Tone::Muted,
    }
}

fn chapter(body: &mut Body, store: &Store, paper: Paper) {
    for claim in paper.claims() {
        if let Some(result) = store.result(claim.id) {
            write_claim(body, claim, result);
        }
    }
    if !paper.errata().is_empty() {
        body.subsection("Errata");
        body.table(&errata(store, paper));
    }
}

fn write_claim(body: &mut Body, claim: &Claim, result: &ClaimResult) {
    let outcome = &result.outcome;
    body.subsection(&format!("{}: {}", claim.id, claim.title));
    body.paragraph(&format!("The paper: {}", claim.statement));
    let quick = if result.is_quick && claim.has_quick_form() {
        format!(" Quick form: {}.", claim.quick_form)
    } else {
        String::new()
    };
    body.verdict(
        &format!("Verdict: {}.", outcome.verdict.name()),
        tone(outcome.verdict),
        &format!("{}{quick}", outcome.explanation),
    );
    if !outcome.rows.is_empty() {
        let is_judged = outcome.verdict != Verdict::NotJudged;
        body.table(&rows(&outcome.rows, is_judged));
    }
    for figure in &outcome.figures {
        body.figure(&drawing::svg(figure), &drawing::caption(figure));
    }
    if !outcome.commands.is_empty() {
        body.details(
            "Commands that repeat the training runs, with the SHA-256 of the trained weights",
            |inside| {
                inside.code(&commands(&outcome.commands));
            },
        );
    }
}

/// The table of a claim. Numbers of another data set than the paper's are not judged.
fn rows(rows: &[Row], are_judged: bool) -> Table {
    let mut table = Table::new(vec![
        Column::text("quantity"),
        Column::number("printed"),
        Column::number("ours"),
        Column::text("expected"),
        Column::text("holds"),
    ]);
    for row in rows {
        let judgment = row.judgment.filter(|_| are_judged);
        let tone = match judgment {
            Some(Judgment::Holds) => Tone::Good,
            Some(Judgment::Undecided) => Tone::Marked,
            Some(Judgment::Fails) => Tone::Bad,
            None => Tone::Plain,
        };
        table.row([
            Cell::new(row.quantity.as_str()),
            Cell::new(row.printed.as_str()),
            Cell::new(row.ours.as_str()),
            Cell::new(row.expected.as_str()),
            Cell::new(judgment.map_or("", Judgment::name)).tone(tone),
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
        Column::text("place"),
        Column::text("printed"),
        Column::text("correct"),
        Column::text("evidence"),
    ]);
    for (index, erratum) in paper.errata().iter().enumerate() {
        let Erratum {
            place,
            printed,
            correct,
            evidence,
        } = erratum;
        let evidence = match evidence {
            Evidence::Claim(id) if store.result(id).is_none() => format!("claim {id}, not run yet"),
            Evidence::Claim(id) => format!("claim {id}"),
            Evidence::Check(_) => {
                let key = erratum_key(paper, index);
                store.evidence(&key).unwrap_or_default().to_owned()
            }
        };
        table.row([*place, *printed, *correct, evidence.as_str()]);
    }
    table
}
