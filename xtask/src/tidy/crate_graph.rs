//! The allowed dependencies between the crates of the workspace.

use super::project::File;
use super::violation::Violation;

/// The allowed dependencies of a crate inside the workspace.
struct Allowed {
    name: &'static str,
    normal: &'static [&'static str],
    /// Additional dependencies for tests, examples and benchmarks.
    dev: &'static [&'static str],
}

/// All crates, from the bottom up. nn-search must not depend on networks, nn-plot not on
/// networks or runs.
const GRAPH: &[Allowed] = &[
    Allowed {
        name: "nn-tensor",
        normal: &[],
        dev: &[],
    },
    Allowed {
        name: "nn-error",
        normal: &[],
        dev: &[],
    },
    Allowed {
        name: "nn-functions",
        normal: &["nn-tensor", "nn-error"],
        dev: &[],
    },
    Allowed {
        name: "nn-samples",
        normal: &["nn-tensor", "nn-error"],
        dev: &[],
    },
    Allowed {
        name: "nn-metrics",
        normal: &["nn-samples"],
        dev: &[],
    },
    Allowed {
        name: "nn-safetensors",
        normal: &["nn-tensor", "nn-error"],
        dev: &[],
    },
    Allowed {
        name: "nn-core",
        normal: &[
            "nn-tensor",
            "nn-error",
            "nn-functions",
            "nn-samples",
            "nn-metrics",
            "nn-safetensors",
        ],
        dev: &["nn-data", "nn-table"],
    },
    Allowed {
        name: "nn-files",
        normal: &[],
        dev: &[],
    },
    Allowed {
        name: "nn-workers",
        normal: &["nn-files"],
        dev: &[],
    },
    Allowed {
        name: "nn-rows",
        normal: &["nn-error", "nn-files", "nn-samples"],
        dev: &[],
    },
    Allowed {
        name: "nn-data",
        normal: &["nn-tensor", "nn-files"],
        dev: &[],
    },
    Allowed {
        name: "nn-image",
        normal: &["nn-tensor", "nn-files", "nn-data"],
        dev: &[],
    },
    Allowed {
        name: "nn-columnar",
        normal: &[],
        dev: &[],
    },
    Allowed {
        name: "nn-table",
        normal: &["nn-files", "nn-data", "nn-columnar"],
        dev: &[],
    },
    Allowed {
        name: "nn-export",
        normal: &["nn-core", "nn-table"],
        dev: &["nn-data"],
    },
    Allowed {
        name: "nn-import",
        normal: &[
            "nn-core",
            "nn-files",
            "nn-columnar",
            "nn-table",
            "nn-export",
        ],
        dev: &[],
    },
    Allowed {
        name: "nn-search",
        normal: &["nn-tensor"],
        dev: &[],
    },
    Allowed {
        name: "nn-plot",
        normal: &[],
        dev: &[],
    },
    Allowed {
        name: "nn-settings",
        normal: &[
            "nn-error",
            "nn-core",
            "nn-files",
            "nn-data",
            "nn-image",
            "nn-table",
            "nn-workers",
        ],
        dev: &[],
    },
    Allowed {
        name: "nn-train",
        normal: &[
            "nn-tensor",
            "nn-error",
            "nn-core",
            "nn-files",
            "nn-data",
            "nn-image",
            "nn-rows",
            "nn-table",
            "nn-import",
            "nn-settings",
            "nn-workers",
            "nn-metrics",
        ],
        dev: &[],
    },
    Allowed {
        name: "nn-report",
        normal: &[
            "nn-tensor",
            "nn-core",
            "nn-files",
            "nn-data",
            "nn-table",
            "nn-plot",
            "nn-train",
        ],
        dev: &[],
    },
    Allowed {
        name: "nn-papers",
        normal: &[
            "nn-tensor",
            "nn-core",
            "nn-files",
            "nn-data",
            "nn-table",
            "nn-train",
            "nn-workers",
            "nn-search",
            "nn-plot",
        ],
        dev: &[],
    },
    Allowed {
        name: "nn-serve",
        normal: &[
            "nn-tensor",
            "nn-core",
            "nn-files",
            "nn-data",
            "nn-export",
            "nn-image",
            "nn-table",
            "nn-train",
            "nn-report",
        ],
        dev: &[],
    },
    Allowed {
        name: "nn-cli",
        normal: &[
            "nn-tensor",
            "nn-core",
            "nn-files",
            "nn-data",
            "nn-image",
            "nn-rows",
            "nn-table",
            "nn-train",
            "nn-workers",
            "nn-search",
            "nn-plot",
            "nn-export",
            "nn-report",
            "nn-papers",
            "nn-serve",
        ],
        dev: &[],
    },
    Allowed {
        name: "nn-mpi",
        normal: &["nn-core", "nn-train", "nn-cli"],
        dev: &[],
    },
    Allowed {
        name: "xtask",
        normal: &[],
        dev: &[],
    },
];

/// Checks that crates depend only on crates below them.
pub(super) fn only_allowed_directions(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter_map(|file| Some((file, crate_name(&file.path)?)))
        .flat_map(
            |(file, name)| match GRAPH.iter().find(|allowed| allowed.name == name) {
                Some(allowed) => forbidden_in(file, allowed),
                None => vec![Violation::new(
                    file,
                    1,
                    "a new crate must be added to xtask/src/tidy/crate_graph.rs",
                )],
            },
        )
        .collect()
}

/// The name of the crate with the manifest at `path`.
fn crate_name(path: &str) -> Option<&str> {
    let folder = path.strip_suffix("/Cargo.toml")?;
    match folder.strip_prefix("crates/") {
        Some(name) if !name.contains('/') => Some(name),
        None if folder == "xtask" => Some(folder),
        _ => None,
    }
}

fn forbidden_in(file: &File, allowed: &Allowed) -> Vec<Violation> {
    dependencies(&file.text)
        .into_iter()
        .filter(|dependency| !is_allowed(dependency, allowed))
        .map(|Dependency { line, name, .. }| {
            let rule = format!("{} may not depend on {name}", allowed.name);
            Violation::new(file, line, rule)
        })
        .collect()
}

fn is_allowed(dependency: &Dependency, allowed: &Allowed) -> bool {
    let name = dependency.name.as_str();
    let is_ours = GRAPH.iter().any(|ours| ours.name == name);
    !is_ours || allowed.normal.contains(&name) || (dependency.is_dev && allowed.dev.contains(&name))
}

#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    line: usize,
    name: String,
    is_dev: bool,
}

/// Returns the entries of the dependency tables of a manifest. Lines are read one by one:
/// `[dependencies.name]`, or `name = ...` and `name.workspace = true` inside
/// `[dependencies]`.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut table = None;
    for (index, line) in manifest.lines().map(str::trim).enumerate() {
        let entry = if line.starts_with('[') {
            table = dependency_table(line);
            table
                .filter(|table| !table.name.is_empty())
                .map(|table| table.name)
        } else {
            table
                .filter(|table| table.name.is_empty())
                .and_then(|_| entry_name(line))
        };
        if let (Some(table), Some(name)) = (table, entry) {
            found.push(Dependency {
                line: index + 1,
                name: name.to_owned(),
                is_dev: table.is_dev,
            });
        }
    }
    found
}

/// The header of a table of dependencies.
#[derive(Clone, Copy)]
struct Table<'a> {
    is_dev: bool,
    /// The crate in the header; empty if the table has one crate per line.
    name: &'a str,
}

fn dependency_table(header: &str) -> Option<Table<'_>> {
    let header = header.trim_start_matches('[').split(']').next()?;
    let (before, after) = header.split_once("dependencies")?;
    let kind = before.rsplit('.').next().unwrap_or_default();
    let name = if after.is_empty() {
        after
    } else {
        after.strip_prefix('.')?
    };
    matches!(kind, "" | "dev-" | "build-").then_some(Table {
        is_dev: kind == "dev-",
        name,
    })
}

fn entry_name(line: &str) -> Option<&str> {
    let (key, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
    let key = key
        .split('.')
        .next()
        .unwrap_or(key)
        .trim()
        .trim_matches('"');
    Some(renamed_package(value).unwrap_or(key))
}

/// Returns `b` for `a = { package = "b" }`.
fn renamed_package(value: &str) -> Option<&str> {
    let (_, after) = value.split_once("package")?;
    after
        .trim_start()
        .strip_prefix('=')?
        .trim_start()
        .strip_prefix('"')?
        .split('"')
        .next()
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn a_dependency_in_the_wrong_direction_is_found() {
        let bad = [
            ("nn-tensor", "[dependencies]\nnn-core.workspace = true\n"),
            (
                "nn-tensor",
                "[dev-dependencies]\nnn-data = { path = \"../nn-data\" }\n",
            ),
            ("nn-core", "[dependencies]\nnn-data.workspace = true\n"),
            (
                "nn-core",
                "[build-dependencies]\nnn-data.workspace = true\n",
            ),
            (
                "nn-core",
                "[target.'cfg(unix)'.dependencies]\nnn-cli.workspace = true\n",
            ),
            (
                "nn-data",
                "[dependencies]\ncore = { package = \"nn-core\" }\n",
            ),
            ("nn-data", "[dependencies]\nnn-table.workspace = true\n"),
            ("nn-report", "[dependencies]\nnn-search = \"0.1\"\n"),
            ("nn-plot", "[dependencies]\nnn-report.workspace = true\n"),
            (
                "nn-data",
                "[dependencies]\n[dependencies.nn-core]\npath = \"..\"\n",
            ),
        ];
        for (name, text) in bad {
            let path = format!("crates/{name}/Cargo.toml");
            let found = places(only_allowed_directions, &[(&path, text)]);
            assert_eq!(found, [format!("{path}:2")], "{text}");
        }
    }

    #[test]
    fn xtask_depends_on_none_of_ours() {
        let files = [(
            "xtask/Cargo.toml",
            "[dependencies]\nclap = \"4\"\n\n[dev-dependencies]\nnn-tensor.workspace = true\n",
        )];
        assert_eq!(
            places(only_allowed_directions, &files),
            ["xtask/Cargo.toml:5"]
        );
    }

    #[test]
    fn an_unknown_crate_is_found() {
        let files = [("crates/nn-new/Cargo.toml", ""), ("fuzz/Cargo.toml", "")];
        assert_eq!(
            places(only_allowed_directions, &files),
            ["crates/nn-new/Cargo.toml:1"]
        );
    }

    #[test]
    fn allowed_dependencies_and_other_tables_are_free() {
        let good = [
            (
                "nn-core",
                "[dependencies]\nnn-tensor.workspace = true\nserde = \"1\"\n",
            ),
            ("nn-core", "[dev-dependencies]\nnn-data.workspace = true\n"),
            (
                "nn-core",
                "[dependencies]\n# nn-cli = \"1\"\n[features]\nnn-cli = []\n",
            ),
            (
                "nn-cli",
                "[dependencies]\nnn-core.workspace = true\nnn-data = { workspace = true }\n",
            ),
        ];
        for (name, text) in good {
            let path = format!("crates/{name}/Cargo.toml");
            assert!(
                places(only_allowed_directions, &[(&path, text)]).is_empty(),
                "{text}"
            );
        }
    }
}
