//! `nn trace RUN --index K`: one training step with one sample, number by
//! number.

mod show;

use nn_train::{Result, SampleTrace, TraceOptions};

use crate::args::TraceArguments;
use crate::terminal;

pub(crate) fn run(arguments: &TraceArguments) -> Result<()> {
    let run = arguments.choice.open(&arguments.folder)?;
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
        let lines = show::lines(&trace, arguments.neurons.into());
        lines.iter().for_each(terminal::line);
    }
    Ok(())
}
