//! The peers: other libraries, with their preparation.

use super::environment;
use super::json::Json;
use super::program::Program;
use super::statistics::{least, median};
use super::workloads::Workload;
use crate::command::Cargo;
use crate::error::Result;
use crate::workspace;
use std::path::Path;

/// A library that trains the same networks, for comparison with `nn`.
#[derive(Debug)]
pub(super) struct Peer {
    /// Name on the command line.
    pub(super) name: &'static str,
    /// Title in tables.
    pub(super) title: &'static str,
    pub(super) how: &'static str,
    kind: Kind,
}

/// The kind of a peer's program in `scripts/peers`.
#[derive(Debug)]
enum Kind {
    /// A Python script and its requirements file.
    Python(&'static str, &'static str),
    /// A separate Cargo package, so that features of the peers' dependencies are not
    /// unified.
    Rust(&'static str),
}

/// All libraries that can be compared with `nn`.
pub(super) static ALL: [Peer; 6] = [
    Peer {
        name: "jax",
        title: "JAX (XLA)",
        how: "jit, a whole epoch in one scan, compiled before the clock starts",
        kind: Kind::Python("train_jax.py", REQUIREMENTS),
    },
    Peer {
        name: "torch",
        title: "PyTorch",
        how: "eager, on the processor",
        kind: Kind::Python("train_torch.py", TORCH_REQUIREMENTS),
    },
    Peer {
        name: "sklearn",
        title: "scikit-learn",
        how: "MLPClassifier and MLPRegressor on 32-bit floats",
        kind: Kind::Python("train_sklearn.py", REQUIREMENTS),
    },
    Peer {
        name: "burn",
        title: "burn",
        how: "flex backend with `x86-v4`, release, `target-cpu=native`",
        kind: Kind::Rust("burn"),
    },
    Peer {
        name: "candle",
        title: "candle",
        how: "processor, `gemm` with `x86-v4`, release, `target-cpu=native`",
        kind: Kind::Rust("candle"),
    },
    Peer {
        name: "rustyml",
        title: "RustyML",
        how: "Sequential, release, `target-cpu=native`",
        kind: Kind::Rust("rustyml"),
    },
];

/// Files in `scripts/peers`. PyTorch has a separate file, because it is large and the other
/// peers should not wait for it.
pub(super) const REQUIREMENTS: &str = "requirements.txt";
pub(super) const TORCH_REQUIREMENTS: &str = "requirements-torch.txt";

/// The result of a training run of a peer.
#[derive(Clone, Debug)]
pub(super) struct Training {
    /// Seconds of every epoch; the first one is a warm-up.
    pub(super) seconds: Vec<f64>,
    /// The value of the workload's metric on the test samples.
    pub(super) metric: f64,
    pub(super) version: String,
}

impl Peer {
    /// Installs or builds the peer's program.
    pub(super) fn prepare(&self) -> Result<Program> {
        match self.kind {
            Kind::Python(script, requirements) => {
                // PyTorch alone would lack what `workload.py` needs.
                environment::python(REQUIREMENTS)?;
                let python = environment::python(requirements)?;
                Ok(python.argument(environment::peers_folder().join(script)))
            }
            Kind::Rust(package) => {
                eprintln!("building {package}");
                let manifest = format!("scripts/peers/{package}/Cargo.toml");
                let target = workspace::target().join("peers").join(package);
                let build = Cargo::new("build -q --release --locked --manifest-path")
                    .arguments([manifest])
                    .environment("CARGO_TARGET_DIR", target.to_string_lossy())
                    .environment("RUSTFLAGS", "-C target-cpu=native");
                Program::built_by(build, &format!("peer-{package}"))
            }
        }
    }
}

/// Trains with the program of a peer, starting from the weights of the model file
/// `initial`; no epoch starts after `limit` seconds.
pub(super) fn train(
    program: &Program,
    data: &Path,
    initial: &Path,
    workload: &Workload,
    seed: usize,
    limit: f64,
) -> Result<Training> {
    let data = workload.data_path(data);
    let [data, initial] = [&data, initial].map(Path::to_string_lossy);
    let mut arguments = ["--data", &data, "--initial", &initial]
        .map(String::from)
        .to_vec();
    arguments.extend(workload.peer_arguments(seed, limit));
    let json = Json::new(&program.name(), &program.output(&arguments)?)?;
    Ok(Training {
        seconds: json.numbers("seconds")?,
        metric: json.number(workload.metric().name())?,
        version: json.text("version")?,
    })
}

impl Training {
    /// The median of the epochs after the first, or the first epoch if it is the only one.
    pub(super) fn median(&self) -> f64 {
        median(self.counted())
    }

    pub(super) fn least(&self) -> f64 {
        least(self.counted())
    }

    fn counted(&self) -> &[f64] {
        match &self.seconds[..] {
            [_, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        }
    }
}

/// Finds the peer with this name.
#[cfg(test)]
pub(super) fn find(name: &str) -> Option<&'static Peer> {
    ALL.iter().find(|peer| peer.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_epoch_counts_only_alone() {
        let training = |seconds: &[f64]| Training {
            seconds: seconds.to_vec(),
            metric: 0.0,
            version: String::new(),
        };
        assert_eq!(training(&[9.0, 2.0, 1.0]).median(), 1.5);
        assert_eq!(training(&[0.5, 2.0, 1.0]).least(), 1.0);
        assert_eq!(training(&[9.0]).median(), 9.0);
    }

    #[test]
    fn every_peer_has_its_program() {
        for peer in &ALL {
            let file = match peer.kind {
                Kind::Python(script, _) => script.to_owned(),
                Kind::Rust(package) => format!("{package}/Cargo.lock"),
            };
            assert!(
                environment::peers_folder().join(file).is_file(),
                "{}",
                peer.name
            );
            assert_eq!(find(peer.name).map(|found| found.title), Some(peer.title));
        }
    }
}
