//! The command `nn trace`: shows all values of one training step with one sample.

mod show;

use clap::Args;
use nn_train::{Result, SampleTrace, Split, TraceOptions, flags};

use crate::args::{DataFolder, RunChoice};
use crate::exit;
use crate::terminal;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nn trace mnist-1 --index 7\n  \
    nn trace mnist-1 --index 0 --split train --untrained --neurons 20\n\n\
    This step is the first one of a training run on this sample alone, so the optimizer has no state.\n\
    The module `learn` of nn-core explains the formulas.")]
pub(crate) struct TraceArguments {
    #[command(flatten)]
    choice: RunChoice,
    /// Index of the sample in its split, from 0
    #[arg(long, value_name = "K")]
    index: usize,
    /// Use this data set instead of the run's
    #[arg(long, value_name = "NAME|DIR|FILE.csv", value_parser = flags::data_parser())]
    data: Option<String>,
    #[command(flatten)]
    folder: DataFolder,
    /// Samples to use
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// Use the initial weights instead of the trained ones
    #[arg(long)]
    untrained: bool,
    /// Number of neurons and weights to show per layer: those with the largest errors and
    /// gradients
    #[arg(long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..))]
    neurons: u16,
    /// Print all values as one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &TraceArguments) -> Result<()> {
    let run = arguments.choice.open_with(&arguments.folder)?;
    let data = run.data_of(arguments.data.as_deref())?;
    let options = TraceOptions {
        split: arguments.split,
        index: arguments.index,
        is_untrained: arguments.untrained,
    };
    let trace = SampleTrace::new(run.model(), &data, options)?;
    if arguments.json {
        let text = serde_json::to_string(&trace).expect("a trace is plain JSON");
        terminal::line(terminal::Json(text));
    } else {
        if let Some(n_networks) = trace.ensemble {
            exit::note(&format!(
                "the trace shows network 1 of the {n_networks} networks"
            ));
        }
        let lines = show::lines(&trace, arguments.neurons.into());
        lines.iter().for_each(terminal::line);
    }
    Ok(())
}
