//! `cargo xtask fuzz`: feeds random bytes to every function that reads untrusted data
//! (`fuzz/`).
//!
//! The crate libfuzzer-sys links libFuzzer and needs a C++ compiler. The coverage that
//! guides libFuzzer comes from the Rust compiler of the project. Inputs that make a target
//! fail are saved in the corpus, which ordinary tests replay.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::command::{Cargo, run_process};
use crate::error::{Error, Result};
use crate::step::{Step, run_all};
use crate::workspace;

/// A fuzz target: a function that reads bytes.
struct Target {
    name: &'static str,
    /// Maximum length of an input in bytes: long enough for all features of the format,
    /// short enough for many inputs per second.
    max_len: u32,
}

static TARGETS: [Target; 19] = [
    target("idx", 512),
    target("idx-gzip", 512),
    target("csv", 256),
    target("npy", 512),
    target("npz", 1200),
    target("parquet", 1300),
    target("arrow", 2500),
    target("schema", 1300),
    target("png", 512),
    target("jpeg", 1200),
    target("class-names", 64),
    target("model", 1500),
    target("checkpoint", 2500),
    target("onnx-import", 1500),
    target("foreign-safetensors", 600),
    target("foreign-npz", 1200),
    target("configuration", 512),
    target("names", 64),
    target("rows-file", 700),
];

const fn target(name: &'static str, max_len: u32) -> Target {
    Target { name, max_len }
}

/// The targets to fuzz, and the limits of a fuzz run.
#[derive(Debug, clap::Args)]
pub(crate) struct Request {
    /// Targets to fuzz (default: all)
    #[arg(value_name = "TARGET", value_parser = one_of_the_targets())]
    targets: Vec<&'static Target>,
    /// Number of inputs per target
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    executions: u64,
    /// Maximum time per target, in seconds
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Also check memory accesses (AddressSanitizer); several times slower
    #[arg(long = "address-sanitizer")]
    with_sanitizer: bool,
}

fn one_of_the_targets() -> impl TypedValueParser<Value = &'static Target> {
    let find = |name: String| TARGETS.iter().find(|target| target.name == name);
    PossibleValuesParser::new(TARGETS.iter().map(|target| target.name))
        .map(move |name| find(name).expect("only these names are accepted"))
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Builds and runs the fuzz targets.
pub(crate) fn run(request: &Request) -> Result<()> {
    let triple = workspace::triple()?;
    request.build(&triple).run()?;
    let steps: Vec<Step> = request
        .targets()
        .into_iter()
        .map(|target| {
            let arguments = request.arguments(target);
            let program = request
                .folder()
                .join(&triple)
                .join("release")
                .join(target.name);
            let title = format!("{} {}", target.name, arguments.join(" "));
            let name = target.name;
            Step::new(title, move || start(name, &program, &arguments))
        })
        .collect();
    run_all(&steps)
}

impl Request {
    fn targets(&self) -> Vec<&'static Target> {
        match self.targets[..] {
            [] => TARGETS.iter().collect(),
            _ => self.targets.clone(),
        }
    }

    /// The build folder, separate from the folders of other builds.
    fn folder(&self) -> PathBuf {
        let name = if self.with_sanitizer {
            "fuzz-address"
        } else {
            "fuzz"
        };
        workspace::target().join(name)
    }

    fn build(&self, triple: &str) -> Cargo {
        let mut flags = "--cfg fuzzing -Cpasses=sancov-module \
            -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
            -Cllvm-args=-sanitizer-coverage-pc-table"
            .to_owned();
        let mut build = Cargo::new("build --release --locked --manifest-path fuzz/Cargo.toml")
            .arguments(["--target".to_owned(), triple.to_owned()])
            .environment("CARGO_TARGET_DIR", self.folder().to_string_lossy());
        if self.with_sanitizer {
            // The pinned compiler knows sanitizers, but not as a promise.
            flags.push_str(" -Zsanitizer=address");
            build = build.environment("RUSTC_BOOTSTRAP", "1");
        }
        for target in self.targets() {
            build = build.arguments(["--bin".to_owned(), target.name.to_owned()]);
        }
        build.environment("RUSTFLAGS", flags)
    }

    /// The arguments of libFuzzer, without the folders.
    fn arguments(&self, target: &Target) -> Vec<String> {
        let mut arguments = vec![
            format!("-runs={}", self.executions),
            format!("-max_len={}", target.max_len),
            "-timeout=60".to_owned(),
            // No other process adds inputs.
            "-reload=0".to_owned(),
            "-report_slow_units=1".to_owned(),
            "-rss_limit_mb=512".to_owned(),
            "-print_final_stats=1".to_owned(),
        ];
        if let Some(seconds) = self.seconds {
            arguments.push(format!("-max_total_time={seconds}"));
        }
        if self.with_sanitizer {
            // Its own bookkeeping is part of the memory.
            arguments.push("-rss_limit_mb=2048".to_owned());
            arguments.push("-malloc_limit_mb=512".to_owned());
        }
        arguments
    }
}

fn start(name: &str, program: &PathBuf, arguments: &[String]) -> Result<()> {
    let seeds = workspace::root().join("fuzz/corpus").join(name);
    let found = workspace::target().join("fuzz/corpus").join(name);
    fs::create_dir_all(&found).map_err(|source| Error::unreadable(&found, source))?;
    let mut fuzzer = Command::new(program);
    fuzzer
        .args(arguments)
        .arg(format!("-artifact_prefix={}/", seeds.display()))
        .args([&found, &seeds]);
    run_process(&mut fuzzer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsing::parse;

    #[test]
    fn nothing_means_all_targets() {
        let request: Request = parse("").expect("valid");
        assert_eq!(request.targets().len(), TARGETS.len());
        let request: Request = parse("csv --executions 5 idx --seconds 9").expect("valid");
        assert_eq!(format!("{:?}", request.targets()), "[csv, idx]");
        assert_eq!((request.executions, request.seconds), (5, Some(9)));
    }

    #[test]
    fn what_is_unknown_or_lacks_something_is_a_usage_error() {
        for line in ["cvs", "--sanitizer", "--executions", "--seconds x"] {
            let error = parse::<Request>(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    /// Every target has a source file, an entry in the manifest and a folder of seeds.
    #[test]
    fn every_target_is_there() {
        let fuzz = workspace::root().join("fuzz");
        let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("it is there");
        for target in &TARGETS {
            let file = format!("targets/{}.rs", target.name.replace('-', "_"));
            assert!(fuzz.join(&file).is_file(), "{file}");
            assert!(manifest.contains(&format!("path = \"{file}\"")), "{file}");
            assert!(
                fuzz.join("corpus").join(target.name).is_dir(),
                "{}",
                target.name
            );
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
