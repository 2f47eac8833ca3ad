//! The command `nn serve`: serves the live page of nn-serve.

use std::path::PathBuf;

use clap::Args;
use nn_serve::{Options, Server};
use nn_train::{Error, ErrorKind, Result};

use crate::args::{DataFolder, RunsFolder};
use crate::interrupt::Interrupt;
use crate::terminal;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nn serve\n  \
    nn serve mnist-1 --open\n\n\
    The page needs no internet connection and is visible on this machine only. Ctrl-C stops \
    the server.")]
pub(crate) struct ServeArguments {
    /// Run directory, name of a run, or model file to draw digits for [default: a small network trained when the page opens]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// Port on the loopback address; 0 chooses a free port
    #[arg(long, value_name = "N", default_value_t = 8784)]
    port: u16,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    runs: RunsFolder,
    #[command(flatten)]
    folder: DataFolder,
}

pub(crate) fn run(arguments: &ServeArguments) -> Result<()> {
    let mut server = Server::bind(&Options {
        run: arguments.run.clone(),
        port: arguments.port,
        runs_dir: arguments.runs.runs_dir.clone(),
        data_dir: arguments.folder.data_dir.clone(),
        program: terminal::program().to_owned(),
    })?;
    let interrupt = Interrupt::listen()?;
    terminal::report(format!(
        "{}   (press Ctrl-C to stop the server)",
        server.address()
    ));
    if arguments.open && server.open_browser().is_err() {
        terminal::error_line("note: no browser could be started; open the address in a browser");
    }
    server.run(|| interrupt.is_set())?;
    let help = format!(
        "to start the server again, run `{} serve`; saved runs are kept",
        terminal::program()
    );
    Err(Error::new(ErrorKind::Interrupted, "stopped by a signal").with_help(help))
}
