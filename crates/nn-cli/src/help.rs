//! The commands `nn help`, `nn completions` and `nn man`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Command};
use clap_complete::Shell;
use nn_core::init::Init;
use nn_core::{Activation, Loss, Menu, Optimizer, Schedule, TrainingConfig};
use nn_files::create_dir_all;
use nn_train::{Error, Result};

use crate::terminal;

/// The topics besides the subcommands.
const TOPICS: [&str; 5] = [
    "optimizers",
    "losses",
    "activations",
    "schedules",
    "initializers",
];

#[derive(Args, Debug)]
pub(crate) struct HelpArguments {
    /// Command, or one of: optimizers, losses, activations, schedules, initializers
    #[arg(value_name = "COMMAND|TOPIC")]
    topic: Vec<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nn completions bash > ~/.local/share/bash-completion/completions/nn\n  \
    nn completions zsh > ~/.zfunc/_nn\n  \
    nn completions fish > ~/.config/fish/completions/nn.fish")]
pub(crate) struct CompletionsArguments {
    /// Name of the shell
    #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(SHELLS))]
    shell: String,
}

/// The shells with completions.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

#[derive(Args, Debug)]
pub(crate) struct ManArguments {
    /// Write one man page per command to this directory [default: print the man page of nn]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Prints the help of a command, or the entries of a menu.
pub(crate) fn help(arguments: &HelpArguments, command: Command) -> Result<()> {
    let topic: Vec<&str> = arguments.topic.iter().map(String::as_str).collect();
    match topic[..] {
        ["optimizers" | "optimizer"] => {
            let symbols = "g is the gradient, η the learning rate, t the step counted from 1";
            menu::<Optimizer>(symbols, |optimizer| {
                let usual = TrainingConfig::new(Loss::Mse, *optimizer);
                format!("learning rate {}", usual.learning_rate)
            });
        }
        ["losses" | "loss"] => {
            menu::<Loss>(
                "a are the K outputs for a sample, y are its targets",
                nothing,
            );
        }
        ["activations" | "activation"] => {
            menu::<Activation>("z is the weighted sum of a neuron", nothing);
        }
        ["schedules" | "schedule"] => {
            let symbols = "Each formula gives the multiplier of the learning rate after s of N \
                           steps, in epoch e counted from 0.";
            menu::<Schedule>(symbols, nothing);
        }
        ["initializers" | "initializer" | "initialisers"] => {
            menu::<Init>(
                "n_in and n_out are the numbers of inputs and outputs of the layer",
                nothing,
            );
        }
        _ => return command_help(&topic, command),
    }
    Ok(())
}

fn command_help(path: &[&str], mut command: Command) -> Result<()> {
    command.build();
    for name in path {
        command = command.find_subcommand(name).cloned().ok_or_else(|| {
            Error::usage(format!("no command or topic \"{}\"", name.escape_debug())).with_help(
                format!(
                    "topics are {}; `nn --help` lists the commands",
                    TOPICS.join(", ")
                ),
            )
        })?;
    }
    let text = command.render_long_help().to_string();
    text.lines().for_each(terminal::line);
    Ok(())
}

/// Adds nothing to the formula and the source of an entry.
fn nothing<M: Menu>(_: &M) -> String {
    String::new()
}

/// Prints the name, the parameters, the formula, the result of `more` and the source of
/// every entry.
fn menu<M: Menu>(symbols: &str, more: impl Fn(&M) -> String) {
    terminal::line(format!(
        "Syntax: NAME:PARAMETER=VALUE (the values shown are the defaults). {symbols}"
    ));
    for entry in M::ALL {
        terminal::line("");
        let aliases = match entry.aliases() {
            [] => String::new(),
            aliases => format!("   (also {})", aliases.join(", ")),
        };
        terminal::line(format!("{}{aliases}", entry.with_parameters()));
        terminal::line(format!("    {}", entry.formula()));
        let others = [more(entry), entry.source().to_owned()];
        for text in others.iter().filter(|text| !text.is_empty()) {
            terminal::line(format!("    {text}"));
        }
    }
}

/// Prints the completion script for a shell.
pub(crate) fn completions(arguments: &CompletionsArguments, mut command: Command) -> Result<()> {
    let shell: Shell = arguments.shell.parse().map_err(Error::usage)?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "nn", &mut script);
    terminal::file(&script);
    Ok(())
}

/// Prints the manual page of the program, or writes one per command.
pub(crate) fn man(arguments: &ManArguments, command: Command) -> Result<()> {
    let command = command.propagate_version(true);
    match &arguments.output {
        Some(folder) => {
            create_dir_all(folder).map_err(|error| Error::io(folder, &error))?;
            let pages = clap_mangen::generate_to(command, folder);
            pages.map_err(|error| Error::io(folder, &error))?;
            terminal::line(format!("wrote the manual pages to {}", folder.display()));
        }
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(command).render(&mut page);
            rendered.map_err(|error| Error::io("standard output".as_ref(), &error))?;
            terminal::file(&page);
        }
    }
    Ok(())
}
