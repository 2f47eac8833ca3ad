//! `cargo xtask tidy`: checks the project's rules.
//!
//! Each rule checks every file that git tracks or would add, and reports violations as
//! `path:line: rule`. `CONTRIBUTING.md` explains the rules.

mod source;
mod project;
mod violation;
mod style;
mod unsafe_code;
mod module_tree;
mod module_order;
mod crate_graph;
mod placement;
mod changelog;
mod named_tests;

use crate::error::{Error, Result};
use violation::{Rule, Violation};

/// The rules that `cargo xtask tidy` checks.
const RULES: [Rule; 9] = [
    style::opens_with_doc,
    style::no_stray_white_space,
    unsafe_code::forbidden_outside_nn_tensor,
    unsafe_code::only_in_native,
    module_order::only_modules_above,
    crate_graph::only_allowed_directions,
    placement::files_are_where_they_belong,
    changelog::names_the_version,
    named_tests::exist,
];

/// Prints all violations.
///
/// # Errors
/// [`Error::Broken`] if there are violations.
pub(crate) fn check() -> Result<()> {
    let files = project::files()?;
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(&files)).collect();
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            println!(
                "tidy: {} files, {} rules, no violations",
                files.len(),
                RULES.len()
            );
            Ok(())
        }
        count => Err(Error::Broken {
            what: "rule",
            count,
        }),
    }
}
