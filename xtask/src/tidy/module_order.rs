//! In every crate root and every folder, the order of the `mod` lines is both the reading
//! order and the dependency order: a module uses only modules declared above it, so
//! modules cannot depend on each other in a cycle.
//!
//! - A file beside its folder (`stage.rs` with `stage/`) also has a place in that order:
//!   directly below the last child module that its own code uses. A child module may use
//!   the file's own items only if it is declared below that place. Re-exports (`pub use`)
//!   in the file do not count as uses.
//! - An import of an import counts as a use of the module that defines the item.
//! - [`module_tree`](super::module_tree) describes the code that is not checked.

use super::module_tree::{Module, ModuleTree, Path};
use super::project::File;
use super::source::line_of;
use super::violation::Violation;

/// Checks that no module uses a module declared below it.
pub(super) fn only_modules_above(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for tree in ModuleTree::all(files) {
        for (own, module) in tree.modules() {
            for path in &module.paths {
                if let Some(rule) = broken_rule(&tree, own, path) {
                    let line = line_of(&module.file.code, path.offset);
                    violations.push(Violation::new(module.file, line, rule));
                }
            }
        }
    }
    violations.dedup();
    violations
}

/// Describes the violation of a path in the code of the module `own`, if there is one.
fn broken_rule(tree: &ModuleTree<'_>, own: &[String], path: &Path) -> Option<String> {
    let used = tree.resolve(own, path)?;
    let n_common = own.iter().zip(&used).take_while(|(a, b)| a == b).count();
    let user = own.get(n_common)?;
    let parent = tree.module(&own[..n_common])?;
    let place = &parent.file.path;
    match used.get(n_common) {
        Some(used) => (parent.position(user) < parent.position(used))
            .then(|| format!("`{user}` may not use `{used}`, declared below it in {place}")),
        None => {
            let last = last_used(tree, &own[..n_common], parent)?;
            (parent.position(user) <= parent.position(&last))
                .then(|| format!("`{user}` may not use items of {place}, which uses `{last}`"))
        }
    }
}

/// The last child that the own code of the module at `path` uses.
fn last_used(tree: &ModuleTree<'_>, path: &[String], module: &Module<'_>) -> Option<String> {
    let own_paths = module
        .paths
        .iter()
        .filter(|path| !module.only_passes_on(path));
    own_paths
        .filter_map(|own_path| tree.resolve(path, own_path))
        .filter(|used| used.starts_with(path))
        .filter_map(|used| used.get(path.len()).cloned())
        .max_by_key(|child| module.position(child))
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    /// A crate without violations. `a.rs` has its place between `high` and `low`.
    const CRATE: [(&str, &str); 9] = [
        (
            "lib.rs",
            "mod error;\npub mod a;\npub(crate) mod b;\nmod c;\n\npub use b::b;\npub use c::{Config, d as e};\npub use std::io;\n",
        ),
        ("error.rs", ""),
        (
            "a.rs",
            "mod high;\nmod middle;\nmod low;\n\npub use low::Low;\nuse middle::Middle;\npub struct A;",
        ),
        ("a/high.rs", ""),
        ("a/middle.rs", "use super::high::High;"),
        ("a/low.rs", "mod deep;\n\nuse super::A;"),
        ("a/low/deep.rs", ""),
        ("b.rs", "use crate::a::Low;"),
        ("c.rs", ""),
    ];

    /// The violations in [`CRATE`] if the file `path` has another `text`.
    fn found(path: &str, text: &str) -> Vec<String> {
        let folder = "crates/nn-data/src/";
        let files = CRATE.map(|(name, kept)| {
            let text = if name == path { text } else { kept };
            (format!("{folder}{name}"), text)
        });
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        places(only_modules_above, &files)
            .iter()
            .map(|place| place.replace(folder, ""))
            .collect()
    }

    /// Each text violates the rule in its last line.
    fn expect_found(bad: &[(&str, &str)]) {
        for (path, text) in bad {
            let line = text.lines().count();
            assert_eq!(found(path, text), [format!("{path}:{line}")], "{text}");
        }
    }

    #[test]
    fn a_use_of_a_module_below_is_found_in_every_kind_of_path() {
        expect_found(&[
            ("error.rs", "use crate::b::B;"),
            ("error.rs", "use super::b::B;"),
            ("error.rs", "use self::super::b::B;"),
            ("error.rs", "pub use crate::b::B;"),
            ("error.rs", "use crate::b as other;"),
            ("error.rs", "use crate::b::*;"),
            ("error.rs", "use super::{\nb::B};"),
            ("error.rs", "use crate::{error::{self, Error},\nb::{B, C}};"),
            ("error.rs", "use crate::{\na::low, error};"),
            ("error.rs", "fn f() -> crate::c::C {}"),
            ("error.rs", "fn f() {\n    use super::c::C; }"),
            ("error.rs", "fn f() -> <super::c::C as Error>::D {}"),
            ("error.rs", "macro_rules! m { () => { $crate::b::B }; }"),
            ("b.rs", "use crate::c;"),
        ]);
    }

    #[test]
    fn a_use_of_a_module_below_is_found_in_folders() {
        expect_found(&[
            ("a/high.rs", "use super::middle::Middle;"),
            ("a/high.rs", "use super::{\nmiddle::Middle};"),
            ("a/high.rs", "use crate::a::middle::Middle;"),
            ("a/high.rs", "use crate::{a::{\nmiddle::Middle}};"),
            ("a/high.rs", "use super::super::b::B;"),
            ("a/middle.rs", "fn f() {\nsuper::low::low() }"),
            ("a/low/deep.rs", "use super::super::super::b;"),
            ("a/low/deep.rs", "use super::super::super::b::B;"),
            ("a/low/deep.rs", "use super::super::super::{error,\nb::B};"),
        ]);
    }

    #[test]
    fn an_import_of_an_import_is_a_use_of_its_source() {
        expect_found(&[
            ("b.rs", "use crate::Config;"),
            ("b.rs", "use crate::{b,\ne};"),
            ("a/high.rs", "use super::Low;"),
            ("a/middle.rs", "use crate::a::Low;"),
        ]);
    }

    #[test]
    fn a_circle_of_a_file_and_its_folder_is_found() {
        expect_found(&[
            ("a/high.rs", "use super::A;"),
            ("a/middle.rs", "use crate::a::A;"),
            ("a/middle.rs", "use super::*;"),
        ]);
        let uses_low = [
            "mod high; mod middle; mod low; use low::Low; struct A;",
            "mod high; mod middle; mod low; struct A(low::Low);",
            "mod high; mod middle; mod low; pub use low::Low; struct A(Low);",
            "mod high; mod middle; mod low; struct A(self::low::Low);",
            "mod high; mod middle; mod low; struct A(crate::a::low::Low);",
        ];
        for text in uses_low {
            assert_eq!(found("a.rs", text), ["a/low.rs:3"], "{text}");
        }
    }

    #[test]
    fn all_else_is_free() {
        let good = [
            ("b.rs", "use crate::a::A;\nuse crate::error::Error;"),
            ("b.rs", "use crate::b::B;\nuse self::B;"),
            ("b.rs", "use crate::io;\nuse super::io::Error;"),
            ("b.rs", "use crate::b;"),
            ("error.rs", "// use crate::b::B;"),
            (
                "error.rs",
                "use other::crate_like::b;\nuse ::b::B;\nuse b::B;",
            ),
            (
                "error.rs",
                "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
            ),
            ("error.rs", "mod inline {\n    use crate::b::B;\n}"),
            ("error.rs", "#[cfg(test)]\nmod tests;"),
            ("a/low.rs", "use super::b::B;"),
            ("a/high.rs", "pub(in crate::a) struct High;"),
            (
                "a.rs",
                "mod high; mod middle; mod low; struct A; pub use low::low;",
            ),
            (
                "a/low.rs",
                "mod deep;\nuse super::{A, Low, high, middle::Middle};",
            ),
            ("a/low.rs", "use crate::{a::{A, Low}, error};"),
            ("a/low/deep.rs", "use crate::a::A;\nuse super::super::A;"),
        ];
        for (path, text) in good {
            assert!(found(path, text).is_empty(), "{text}");
        }
    }
}
