//! `cargo xtask bench`: compares the speed of `nn` with the machine's peak and with other
//! libraries.
//!
//! The workloads run through `nn train`. The programs of other libraries (peers, in
//! `scripts/peers`) run in turn with it, so that other load on the machine affects both.
//! `bench micro` runs the micro-benchmarks of the crates, and `bench tables` compares errors on
//! public tables.

mod json;
mod statistics;
mod table;
mod metric;
mod synthetic;
mod date;
mod machine;
mod program;
mod mnist;
mod workloads;
mod peak;
mod ours;
mod environment;
mod peers;
mod training;
mod summary;
mod inference;
mod scaling;
mod process;
mod request;
mod record;
mod micro;
mod tables;

use std::path::Path;

use crate::error::Result;
use ours::Nn;
use peak::Peak;
use record::Record;
pub(crate) use request::Arguments;
use request::{Command, Part, Request};
use training::{Comparison, Runner};
use workloads::{Data, Workload};

/// Default number of rounds for the parts other than workloads.
const ROUNDS: usize = 3;

/// Runs the benchmarks that the arguments ask for.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    match &arguments.command {
        Some(Command::Micro { filters }) => return micro::run(filters),
        Some(Command::Tables(arguments)) => return tables::run(arguments),
        None => {}
    }
    let request = Request::new(arguments)?;
    let data = mnist::data_folder();
    let reads_mnist = |workload: &&Workload| workload.data == Data::Mnist;
    if !request.parts.is_empty() || request.workloads.iter().any(reads_mnist) {
        mnist::check(&data)?;
    }
    let nn = Nn::build(&data)?;
    let runners = prepare(&request);
    workloads::write_tables(&request.workloads)?;
    let mut record = Record::new(&request.output, Peak::measure()?);
    measure_workloads(&request, &nn, &data, &runners, &mut record)?;
    for part in &request.parts {
        measure_part(*part, &request, &nn, &data, &mut record)?;
    }
    record.finish();
    Ok(())
}

/// Installs and builds all peers before the first measurement, so that no build disturbs a
/// measurement.
fn prepare(request: &Request) -> Vec<Runner> {
    let trains = !request.workloads.is_empty();
    let peers = request.peers.iter().filter(|_| trains);
    peers
        .map(|&peer| Runner {
            peer,
            program: peer.prepare(),
        })
        .collect()
}

fn measure_workloads(
    request: &Request,
    nn: &Nn,
    data: &Path,
    runners: &[Runner],
    record: &mut Record,
) -> Result<()> {
    let mut comparisons = Vec::new();
    for &workload in &request.workloads {
        let rounds = request.rounds.unwrap_or(workload.rounds);
        comparisons.push(if runners.is_empty() {
            Comparison::ours(nn, workload, rounds)?
        } else {
            Comparison::beside(nn, data, workload, rounds, runners)?
        });
        for (heading, text) in summary::parts(&comparisons, record.peak()) {
            record.keep(heading, text)?;
        }
        if let Some(text) = summary::raw_numbers(&comparisons) {
            record.keep_last("Raw numbers", text)?;
        }
    }
    Ok(())
}

fn measure_part(
    part: Part,
    request: &Request,
    nn: &Nn,
    data: &Path,
    record: &mut Record,
) -> Result<()> {
    let rounds = request.rounds.unwrap_or(ROUNDS);
    let (heading, text) = match part {
        Part::Inference => {
            let with_peers = !request.peers.is_empty();
            (
                "Inference",
                inference::section(nn, data, rounds, with_peers)?,
            )
        }
        Part::Scaling => (
            "Scaling",
            scaling::section(nn, rounds, request.scaling_rows)?,
        ),
        Part::Process => ("Processes", process::section(nn, data)?),
    };
    record.keep(heading, text)
}
