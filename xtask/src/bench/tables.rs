//! `cargo xtask bench tables`: the errors of `nn` and of other methods on public tables, by
//! `scripts/peers/tables.py`.

use super::environment;
use super::program::Program;
use super::request::Tables;
use crate::error::Result;
use crate::workspace;

/// The environment of these methods is separate, because pytabkit needs older versions of some
/// packages.
const ENVIRONMENT: &str = "venv-tables";
const REQUIREMENTS: &str = "requirements-tables.txt";

/// PyTorch's own index has a build without CUDA, so it is installed first.
const TORCH_REQUIREMENTS: &str = "requirements-torch.txt";

/// Trains all methods that have no result yet, and prints the record.
pub(super) fn run(arguments: &Tables) -> Result<()> {
    environment::python_in(ENVIRONMENT, TORCH_REQUIREMENTS)?;
    let python = environment::python_in(ENVIRONMENT, REQUIREMENTS)?;
    eprintln!("building nn");
    let nn = Program::cargo("--release -p nn-cli", "nn")?;
    let script = environment::peers_folder().join("tables.py");
    let results = workspace::target().join("peers/tables.jsonl");
    let mut words = vec![
        "--nn".to_owned(),
        nn.path().to_string_lossy().into_owned(),
        "--tables".to_owned(),
        arguments.tables.to_string_lossy().into_owned(),
        "--results".to_owned(),
        results.to_string_lossy().into_owned(),
        "--splits".to_owned(),
        arguments.splits.to_string(),
    ];
    let output = arguments.output.as_ref();
    let output = output.map(|path| path.to_string_lossy().into_owned());
    let optional = [
        ("--methods", &arguments.methods),
        ("--only", &arguments.only),
        ("--record", &output),
    ];
    for (flag, value) in optional {
        if let Some(value) = value {
            words.extend([flag.to_owned(), value.clone()]);
        }
    }
    python.argument(script).run_visibly(&words)
}
