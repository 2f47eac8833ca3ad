//! Runs claims and writes their results and the page.

use std::cell::RefCell;
use std::path::Path;
use std::time::Instant;

use nn_train::{Error, Result};
use nn_workers::{Next, SharedWork};

use crate::claim::{Claim, Evidence};
use crate::context::{Context, Options};
use crate::outcome::Verdict;
use crate::page;
use crate::paper::{Paper, erratum_key};
use crate::store::{ClaimResult, Store};

/// Runs claims and checks the errata of their papers. Claims with an up-to-date result are skipped.
/// The results and the page are written after every claim.
///
/// `progress` is called with lines of text; `should_stop` is called after every step of a training
/// run, and ends it by returning `true`.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](nn_train::ErrorKind::Usage) for a data set that is neither
/// MNIST nor the built-in digits, [`ErrorKind::Interrupted`](nn_train::ErrorKind::Interrupted)
/// if `should_stop` returns `true`, and other kinds if the data cannot be read or the results
/// cannot be written.
pub fn run(
    claims: &[(Paper, &'static Claim)],
    options: &Options<'_>,
    store: &mut Store,
    progress: &dyn Fn(&str),
    should_stop: &dyn Fn() -> bool,
) -> Result<()> {
    options.check()?;
    store.create_folder()?;
    let context = Context::new(options, store, progress, should_stop)?;
    check_errata(&context, claims)?;
    for (paper, claim) in claims {
        run_claim(&context, *paper, claim)?;
        let store = context.store().borrow();
        store.write_report(&page::html(&store))?;
    }
    Ok(())
}

/// Runs the claims that no other worker runs, until all claims have an up-to-date result. `folder`
/// is the folder of the results of all workers, and `store` is that of this worker; [`run`]
/// collects the results afterwards.
///
/// # Errors
/// Returns the errors of [`run`], and an error if another process has the number of this worker.
pub fn run_shared(
    claims: &[(Paper, &'static Claim)],
    options: &Options<'_>,
    folder: &Path,
    store: &mut Store,
    work: SharedWork,
    progress: &dyn Fn(&str),
    should_stop: &dyn Fn() -> bool,
) -> Result<()> {
    options.check()?;
    store.create_folder()?;
    let is_interrupted = should_stop;
    let work = RefCell::new(work);
    let should_stop = || {
        work.borrow_mut().progress();
        is_interrupted()
    };
    let context = Context::new(options, store, progress, &should_stop)?;
    let units: Vec<String> = claims
        .iter()
        .map(|(_, claim)| claim.id.to_owned())
        .collect();
    loop {
        // Opened again in each round: other workers add results.
        let next = work.borrow_mut().next(&units, |index| {
            let all = Store::open(folder)?;
            Ok::<_, Error>(up_to_date(&context, &all, claims[index].1).is_some())
        })?;
        match next {
            Next::Done => return Ok(()),
            Next::Unit(index) => {
                let (paper, claim) = claims[index];
                run_claim(&context, paper, claim)?;
            }
            Next::Wait => {
                work.borrow_mut().wait(is_interrupted)?;
                context.check_stop()?;
            }
        }
    }
}

fn run_claim(context: &Context<'_>, paper: Paper, claim: &'static Claim) -> Result<()> {
    context.check_stop()?;
    if let Some(result) = earlier_result(context, claim) {
        let run = match result.is_quick {
            false if context.options.is_quick && claim.has_quick_form() => "earlier, full run",
            _ => "earlier run",
        };
        context.report(format!(
            "{:<3} {}: {} (from an {run}; --again runs the claim again)",
            claim.id,
            claim.title,
            result.outcome.verdict.name()
        ));
        // The result may be that of a worker.
        let is_stored = context
            .store()
            .borrow()
            .result(claim.id)
            .is_some_and(|stored| stored.fingerprint == result.fingerprint);
        return match is_stored {
            true => Ok(()),
            false => context.store().borrow_mut().add_result(claim.id, result),
        };
    }
    let is_quick = context.options.is_quick && claim.has_quick_form();
    context.report(format!("{:<3} {}, {}", claim.id, paper.name(), claim.title));
    if is_quick {
        context.report(format!("     --quick: {}", claim.quick_form));
    }
    let start = Instant::now();
    let mut outcome = (claim.run)(context)?;
    if claim.needs_mnist && !context.is_mnist() {
        outcome.verdict = Verdict::NotJudged;
    }
    let seconds = start.elapsed().as_secs_f64();
    context.report(format!(
        "     {} after {seconds:.2} s",
        outcome.verdict.name()
    ));
    let result = ClaimResult {
        fingerprint: fingerprint(context, claim, is_quick),
        data: context.options.data.to_owned(),
        data_sha256: context.data_sha256().to_owned(),
        is_quick,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seconds,
        outcome,
    };
    context.store().borrow_mut().add_result(claim.id, result)
}

/// The up-to-date result of an earlier run. The result of a full run is also used
/// for a quick run.
fn earlier_result(context: &Context<'_>, claim: &Claim) -> Option<ClaimResult> {
    let store = context.store().borrow();
    let result = up_to_date(context, &store, claim).filter(|_| !context.options.rerun);
    result.cloned()
}

/// The up-to-date result of a claim in a store and in those of the workers.
fn up_to_date<'s>(
    context: &Context<'_>,
    store: &'s Store,
    claim: &Claim,
) -> Option<&'s ClaimResult> {
    store.all_results(claim.id).find(|result| {
        let is = |is_quick| result.fingerprint == fingerprint(context, claim, is_quick);
        is(false) || (context.options.is_quick && is(true))
    })
}

/// Identifies the settings and the data of a claim.
fn fingerprint(context: &Context<'_>, claim: &Claim, is_quick: bool) -> String {
    let form = if is_quick { "quick" } else { "full" };
    let data = if claim.needs_mnist {
        context.data_sha256()
    } else {
        ""
    };
    format!("{} {} {form} {data}", claim.id, claim.version)
}

/// Runs the checks of the errata of these claims' papers.
fn check_errata(context: &Context<'_>, claims: &[(Paper, &'static Claim)]) -> Result<()> {
    let is_asked = |paper: &Paper| claims.iter().any(|(asked, _)| asked == paper);
    for paper in Paper::ALL.into_iter().filter(is_asked) {
        for (index, erratum) in paper.errata().iter().enumerate() {
            if let Evidence::Check(check) = erratum.evidence {
                let key = erratum_key(paper, index);
                context.store().borrow_mut().add_evidence(key, check()?)?;
            }
        }
    }
    Ok(())
}
