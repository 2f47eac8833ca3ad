//! `nn papers`: what five papers claim, tried.
//!
//! Every paper is one file of claims and errata; every experiment in it is an
//! `nn train` command. A claim ends with a verdict: *reproduced* (our run of
//! the paper's set-up gives the printed figure within the tolerance),
//! *explained* (it cannot be had, and a run shows why), *not reproduced* (with
//! what was tried), or *not judged* (the data are not the paper's).

mod figure;
mod outcome;
mod store;
mod context;
mod claim;
mod newbies;
mod schoofs;
mod bordeaux;
mod how_they_work;
mod gultekin;
mod paper;
mod verdicts;
mod drawing;
mod page;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Instant;

use crate::args::{PapersArguments, PapersCommand, PapersRunArguments, threads};
use crate::interrupt::Interrupt;
use crate::terminal;
use nn_train::data::{self, GLYPHS};
use nn_train::{Error, ErrorKind, Result};

use claim::{Claim, Shown};
use context::Context;
use outcome::Verdict;
use paper::{Paper, all_claims, erratum_key};
use store::{Entry, Store};

pub(crate) fn run(arguments: &PapersArguments) -> Result<()> {
    match &arguments.command {
        PapersCommand::List(place) => verdicts::list(&Store::read_only(&place.folder())?),
        PapersCommand::Run(arguments) => run_claims(arguments)?,
    }
    Ok(())
}

fn run_claims(arguments: &PapersRunArguments) -> Result<()> {
    let claims = chosen(arguments)?;
    let interrupt = Interrupt::listen().map_err(|error| {
        Error::new(ErrorKind::Io, format!("cannot listen for signals: {error}"))
    })?;
    let threads = threads(arguments.threads);
    let data_dir = arguments.folder.data_dir.clone();
    let data_name = data_name(arguments)?;
    let mut store = Store::open(&arguments.place.folder())?;
    let start = Instant::now();
    let mut context = Context {
        data_sha256: String::new(),
        data_dir,
        data_name,
        is_quick: arguments.quick,
        threads,
        interrupt,
        store: RefCell::new(&mut store),
        again: arguments.again,
        fresh: RefCell::default(),
        loaded: RefCell::new(VecDeque::new()),
    };
    context.data_sha256 = context.hash_data()?;
    check_errata(&context, &claims)?;
    for (paper, claim) in &claims {
        run_claim(&context, *paper, claim)?;
        let store = context.store.borrow();
        store.replace("report.html", page::html(&store).as_bytes())?;
    }
    drop(context);
    verdicts::show(&store, &claims);
    terminal::report("");
    terminal::report(format!(
        "{} claims in {:.0} s; figures, commands and errata: {}",
        claims.len(),
        start.elapsed().as_secs_f64(),
        store.folder().join("report.html").display()
    ));
    Ok(())
}

/// The claims that are asked for.
fn chosen(arguments: &PapersRunArguments) -> Result<Vec<(Paper, &'static Claim)>> {
    let papers = if arguments.names.is_empty() || arguments.names.iter().any(|name| name == "all") {
        Paper::ALL.to_vec()
    } else {
        let papers = arguments.names.iter().map(|name| Paper::find(name));
        papers.collect::<Result<_>>()?
    };
    let offered: Vec<_> = all_claims()
        .filter(|(paper, _)| papers.contains(paper))
        .collect();
    if let Some(unknown) = arguments.claim.iter().find(|id| {
        !offered
            .iter()
            .any(|(_, claim)| claim.id.eq_ignore_ascii_case(id))
    }) {
        let ids: Vec<_> = offered.iter().map(|(_, claim)| claim.id).collect();
        return Err(Error::usage(format!(
            "--claim: expected one of {}, found \"{}\"",
            ids.join(", "),
            unknown.escape_debug()
        )));
    }
    let is_asked = |claim: &Claim| {
        arguments.claim.is_empty()
            || arguments
                .claim
                .iter()
                .any(|id| claim.id.eq_ignore_ascii_case(id))
    };
    Ok(offered
        .into_iter()
        .filter(|(_, claim)| is_asked(claim))
        .collect())
}

/// MNIST, or the built-in digits, saying so.
fn data_name(arguments: &PapersRunArguments) -> Result<String> {
    let name = match arguments.data.as_deref() {
        Some(name @ ("mnist" | GLYPHS)) => name,
        Some(other) => {
            return Err(Error::usage(format!(
                "--data: expected mnist or {GLYPHS}, found \"{}\"",
                other.escape_debug()
            ))
            .with_help("the papers' figures are MNIST's"));
        }
        None => data::default_name(&arguments.folder.data_dir),
    };
    if name == GLYPHS {
        terminal::report(
            "data is glyphs, the built-in digits: claims about MNIST are run, but not judged",
        );
        if arguments.data.is_none() {
            terminal::report(data::fetch_hint());
        }
    }
    Ok(name.to_owned())
}

fn run_claim(context: &Context<'_>, paper: Paper, claim: &'static Claim) -> Result<()> {
    context.check_interrupt()?;
    if let (Some(entry), false) = (known_entry(context, claim), context.again) {
        let form = match entry.is_quick {
            false if context.is_quick && claim.has_quick_form() => "earlier, full run",
            _ => "earlier run",
        };
        terminal::report(format!(
            "{:<3} {}: {} (from an {form}; --again runs it anew)",
            claim.id,
            claim.title,
            entry.outcome.verdict.name()
        ));
        return Ok(());
    }
    let is_quick = context.is_quick && claim.has_quick_form();
    terminal::report(format!("{:<3} {}, {}", claim.id, paper.name(), claim.title));
    if is_quick {
        terminal::report(format!("     --quick: {}", claim.quick));
    }
    let start = Instant::now();
    let mut outcome = (claim.run)(context)?;
    if claim.needs_mnist && !context.is_mnist() {
        outcome.verdict = Verdict::NotJudged;
    }
    let seconds = start.elapsed().as_secs_f64();
    terminal::report(format!(
        "     {} after {}",
        outcome.verdict.name(),
        terminal::seconds(seconds)
    ));
    let entry = Entry {
        fingerprint: fingerprint(context, claim, is_quick),
        data: context.data_name.clone(),
        data_sha256: context.data_sha256.clone(),
        is_quick,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seconds,
        outcome,
    };
    context.store.borrow_mut().add_entry(claim.id, entry)
}

/// The outcome of an earlier run; that of a full one counts for a quick one.
fn known_entry(context: &Context<'_>, claim: &Claim) -> Option<Entry> {
    let store = context.store.borrow();
    let full = store.entry(claim.id, &fingerprint(context, claim, false));
    let quick = || store.entry(claim.id, &fingerprint(context, claim, true));
    full.or_else(|| quick().filter(|_| context.is_quick))
        .cloned()
}

/// What must be the same for an old outcome to count.
fn fingerprint(context: &Context<'_>, claim: &Claim, is_quick: bool) -> String {
    let form = if is_quick { "quick" } else { "full" };
    let data = if claim.needs_mnist {
        &context.data_sha256
    } else {
        ""
    };
    format!("{} {} {form} {data}", claim.id, claim.version)
}

/// Runs the checks of the errata of the papers that were asked for.
fn check_errata(context: &Context<'_>, claims: &[(Paper, &'static Claim)]) -> Result<()> {
    let is_asked = |paper: &Paper| claims.iter().any(|(asked, _)| asked == paper);
    for paper in Paper::ALL.into_iter().filter(is_asked) {
        for (index, erratum) in paper.errata().iter().enumerate() {
            if let Shown::Check(check) = erratum.shown {
                let key = erratum_key(paper, index);
                context.store.borrow_mut().add_erratum(key, check()?)?;
            }
        }
    }
    Ok(())
}
