//! `cargo xtask mutants`: cargo-mutants changes single expressions of the code that saves
//! files and trains, and runs the tests of the crate. A change that no test notices is a
//! missing test.
//!
//! A change that cannot matter is left out in `.cargo/mutants.toml`, with the reason.

use std::fs;
use std::path::Path;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::command::Cargo;
use crate::error::{Error, Result};
use crate::tool::Tool;
use crate::workspace;

const CARGO_MUTANTS: Tool = Tool {
    program: "cargo-mutants",
    package: "cargo-mutants",
};

/// The least percentage of changes that the tests notice.
const LEAST: usize = 90;

/// Minimum time limit of the tests of a change, in seconds.
const MIN_TIMEOUT: u32 = 600;

/// Exit codes of cargo-mutants if a change was missed or its tests took too long; the
/// score says whether there are too many of them.
const MISSED: [i32; 2] = [2, 3];

/// Files, and the tests that should notice changes of them.
struct Part {
    name: &'static str,
    files: &'static [&'static str],
    /// Slower tests, run only for changes that the unit tests of the changed package miss.
    other_tests: Option<Tests>,
}

/// Tests of other packages, or integration tests.
struct Tests {
    /// Separated by commas.
    packages: &'static str,
    /// Flag of `cargo test` that selects the tests.
    flag: &'static str,
}

static PARTS: [Part; 6] = [
    Part {
        name: "runs",
        files: &[
            "nn-files/src/atomic_file.rs",
            "nn-files/src/disk.rs",
            "nn-train/src/checkpoints.rs",
            "nn-train/src/metrics_file.rs",
        ],
        other_tests: Some(Tests {
            packages: "nn-train",
            flag: "--lib",
        }),
    },
    Part {
        name: "downloads",
        files: &["nn-data/src/download/partial.rs"],
        other_tests: None,
    },
    Part {
        name: "page",
        files: &["nn-serve/src/connections.rs", "nn-serve/src/guard.rs"],
        other_tests: None,
    },
    Part {
        name: "model-files",
        files: &[
            "nn-core/src/checkpoint.rs",
            "nn-core/src/model_file.rs",
            "nn-core/src/tensors.rs",
            "nn-safetensors/src/*.rs",
        ],
        other_tests: Some(Tests {
            packages: "nn-safetensors,nn-core",
            flag: "--tests",
        }),
    },
    Part {
        name: "functions",
        files: &[
            "nn-functions/src/loss.rs",
            "nn-functions/src/optimizer.rs",
            "nn-functions/src/schedule.rs",
        ],
        other_tests: Some(Tests {
            packages: "nn-core",
            flag: "--tests",
        }),
    },
    Part {
        name: "training",
        files: &[
            "nn-core/src/metrics.rs",
            "nn-core/src/stage/batch_norm.rs",
            "nn-metrics/src/confusion_matrix.rs",
            "nn-metrics/src/regression.rs",
        ],
        other_tests: Some(Tests {
            packages: "nn-metrics,nn-core",
            flag: "--tests",
        }),
    },
];

/// Which files to change.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Parts of the code (default: all)
    #[arg(value_name = "PART", value_parser = one_of_the_parts())]
    parts: Vec<&'static Part>,
    /// Only one of N changes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    one_of: u32,
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

fn one_of_the_parts() -> impl TypedValueParser<Value = &'static Part> {
    let find = |name: String| PARTS.iter().find(|part| part.name == name);
    PossibleValuesParser::new(PARTS.iter().map(|part| part.name))
        .map(move |name| find(name).expect("only these names are accepted"))
}

/// Measures the parts, and returns an error if the tests notice too little.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    CARGO_MUTANTS.expect_installed()?;
    let parts = match &arguments.parts[..] {
        [] => PARTS.iter().collect(),
        parts => parts.to_vec(),
    };
    let mut scores = Vec::new();
    for part in parts {
        scores.push((part.name, part.measure(arguments.one_of)?));
    }
    println!("\npart         caught  of viable  percent");
    for (name, score) in &scores {
        let (n_caught, n_viable) = (score.n_caught(), score.n_viable);
        println!(
            "{name:<12} {n_caught:>6} {n_viable:>10} {:>8}",
            score.percent()
        );
        for missed in &score.missed {
            println!("  missed: {missed}");
        }
    }
    let n_low = scores.iter().filter(|(_, score)| score.percent() < LEAST);
    match n_low.count() {
        0 => Ok(()),
        count => Err(Error::Broken {
            what: "part with less than 90 percent",
            count,
        }),
    }
}

impl Part {
    /// Changes the files of this part, or one of `n` of the changes.
    fn measure(&self, n: u32) -> Result<Score> {
        let sample = [
            "--sharding=round-robin".to_owned(),
            format!("--shard=0/{n}"),
        ];
        let mut score = self.test("unit", &sample, "--lib")?;
        if let (Some(tests), false) = (&self.other_tests, score.missed.is_empty()) {
            let names: Vec<String> = score.missed.iter().map(|name| pattern(name)).collect();
            let again = [
                format!("--re=^({})$", names.join("|")),
                format!("--test-package={}", tests.packages),
            ];
            let missed = self.test("other", &again, tests.flag)?.missed;
            // cargo-mutants also tests removed fields that the expression does not select.
            score.missed.retain(|name| missed.contains(name));
        }
        Ok(score)
    }

    /// Runs cargo-mutants, whose lists are written to the folder `name`.
    fn test(&self, name: &str, selection: &[String], flag: &str) -> Result<Score> {
        let output = workspace::target()
            .join("mutants")
            .join(self.name)
            .join(name);
        fs::create_dir_all(&output).map_err(|source| Error::unreadable(&output, source))?;
        let files = self.files.iter();
        let command = Cargo::new("mutants --workspace --no-shuffle")
            .arguments(files.map(|file| format!("--file=crates/{file}")))
            // Slow tests on a busy machine must not count as a detected change.
            .arguments([format!("--minimum-test-timeout={MIN_TIMEOUT}")])
            .arguments(selection.iter().cloned())
            // For the build, too, which would otherwise include examples.
            .arguments([format!("--cargo-arg={flag}")])
            .arguments([format!("--output={}", output.display())]);
        let status = command.status()?;
        if !status.success() && !status.code().is_some_and(|code| MISSED.contains(&code)) {
            return Err(Error::Failed {
                command: command.to_string(),
                status: status.to_string(),
            });
        }
        Score::read(&output.join("mutants.out"))
    }
}

/// A regular expression for the name of a change.
fn pattern(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        // `\<` and `\>` are the limits of a word.
        if c.is_ascii_punctuation() && !"<>".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// Which changes the tests noticed.
#[derive(Clone, Debug, PartialEq)]
struct Score {
    /// Number of changes that compile.
    n_viable: usize,
    /// The names of the changes that no test noticed.
    missed: Vec<String>,
}

impl Score {
    /// From the lists that cargo-mutants writes. A test that does not end notices a
    /// change, too.
    fn read(folder: &Path) -> Result<Self> {
        let names = |list: &str| {
            let path = folder.join(list);
            let text = fs::read_to_string(&path);
            text.map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
                .map_err(|source| Error::unreadable(&path, source))
        };
        let n_caught = names("caught.txt")?.len() + names("timeout.txt")?.len();
        let missed = names("missed.txt")?;
        Ok(Self {
            n_viable: n_caught + missed.len(),
            missed,
        })
    }

    fn n_caught(&self) -> usize {
        self.n_viable - self.missed.len()
    }

    fn percent(&self) -> usize {
        match self.n_viable {
            0 => 100,
            n_viable => 100 * self.n_caught() / n_viable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsing::parse;

    #[test]
    fn all_files_exist() {
        for part in &PARTS {
            for file in part.files {
                let path = workspace::root().join("crates").join(file);
                let found = match path.ends_with("*.rs") {
                    true => path.with_file_name("lib.rs").is_file(),
                    false => path.is_file(),
                };
                assert!(found, "{file}");
            }
        }
    }

    #[test]
    fn nothing_means_all_parts() {
        let arguments: Arguments = parse("").expect("valid");
        assert!(arguments.parts.is_empty());
        let arguments: Arguments = parse("page runs --one-of 8").expect("valid");
        assert_eq!(format!("{:?}", arguments.parts), "[page, runs]");
        assert_eq!(arguments.one_of, 8);
        for wrong in ["pages", "--one-of 0", "--one-of x"] {
            let error = parse::<Arguments>(wrong).expect_err(wrong);
            assert_eq!(error.exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn the_pattern_of_a_name_has_no_operators() {
        let name = "src/a.rs:1:2: replace + with - in <T as F>::g";
        let expected = r"src\/a\.rs\:1\:2\: replace \+ with \- in <T as F>\:\:g";
        assert_eq!(pattern(name), expected);
    }

    #[test]
    fn a_test_that_does_not_end_counts_and_what_does_not_compile_does_not() {
        let folder = std::env::temp_dir().join(format!("nn-mutants-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let lists = [
            ("caught", 17),
            ("timeout", 1),
            ("missed", 2),
            ("unviable", 5),
        ];
        for (name, n) in lists {
            fs::write(folder.join(format!("{name}.txt")), "a\n".repeat(n)).expect("it is ours");
        }
        let score = Score::read(&folder).expect("the lists are there");
        assert_eq!(
            (score.n_caught(), score.n_viable, score.percent()),
            (18, 20, 90)
        );
        fs::remove_dir_all(&folder).expect("it is ours");
    }
}
