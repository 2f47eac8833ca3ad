//! The program `nn`: train, evaluate and use multilayer perceptrons.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    nn_cli::main()
}
