//! The order of `mod` lines in a `lib.rs` is the order to read in and the
//! order of dependence: a module uses only modules declared above it.
//!
//! Items that `lib.rs` re-exports (`crate::Error`) may be used anywhere, and
//! tests may use everything.

use super::Violation;
use super::project::File;
use super::source::{find_word, leading_name, line_of, without_tests};

/// No module reaches for one that is declared below it.
pub(super) fn only_modules_above(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for root in files.iter().filter_map(Root::new) {
        for file in files {
            violations.extend(root.violations_in(file));
        }
    }
    violations
}

/// What a `lib.rs` says about its modules.
struct Root<'a> {
    folder: &'a str,
    /// Names of the modules in the order of their `mod` lines.
    modules: Vec<String>,
    /// Names of the modules that are names of re-exported items too.
    also_items: Vec<String>,
}

impl<'a> Root<'a> {
    fn new(file: &'a File) -> Option<Self> {
        let (folder, "lib.rs") = file.source_path()? else {
            return None;
        };
        let code = without_tests(&file.code);
        let modules = declared_modules(&code);
        let also_items = modules
            .iter()
            .filter(|name| is_item(&code, name))
            .cloned()
            .collect();
        Some(Self {
            folder,
            modules,
            also_items,
        })
    }

    fn violations_in(&self, file: &File) -> Vec<Violation> {
        let Some((folder, path)) = file.source_path() else {
            return Vec::new();
        };
        let own = self
            .modules
            .iter()
            .position(|module| module == module_of(path));
        let (Some(own), false) = (own, folder != self.folder || path.ends_with("/tests.rs")) else {
            return Vec::new();
        };
        let below = &self.modules[own + 1..];
        let code = without_tests(&file.code);
        uses(&code, path.split('/').count())
            .into_iter()
            .filter(|used| below.contains(&used.name) && self.is_module(used))
            .map(|used| {
                let (own, name, folder) = (&self.modules[own], &used.name, self.folder);
                let rule = format!(
                    "`{own}` may not use `{name}`, declared below it in {folder}/src/lib.rs"
                );
                Violation::new(file, line_of(&code, used.offset), rule)
            })
            .collect()
    }

    fn is_module(&self, used: &Use) -> bool {
        used.is_followed || !self.also_items.contains(&used.name)
    }
}

/// The names in `mod name;`, whatever their visibility, in order.
fn declared_modules(code: &str) -> Vec<String> {
    find_word(code, "mod")
        .map(|offset| leading_name(code[offset + "mod".len()..].trim_start()).to_owned())
        .collect()
}

/// Whether a `use` in `code` gives the root an item of this `name`.
fn is_item(code: &str, name: &str) -> bool {
    find_word(code, name).any(|offset| {
        let before = code[..offset].trim_end();
        let after = code[offset + name.len()..].trim_start();
        let is_declared = before.ends_with("mod");
        !is_declared && !after.starts_with("::") && !after.starts_with("as ")
    })
}

/// `layer` for both `layer.rs` and `layer/dense.rs`.
fn module_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap_or(path);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// A name that stands directly under the crate's root in a path.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    offset: usize,
    name: String,
    /// Whether `::` follows, so that it must be a module or a type.
    is_followed: bool,
}

/// The names after `crate::`, and after as many `super::` as lead to the root
/// from a file whose path has `n_parts` parts.
fn uses(code: &str, n_parts: usize) -> Vec<Use> {
    let ways_to_root = ["crate::".to_owned(), "super::".repeat(n_parts)];
    let mut found = Vec::new();
    for way in &ways_to_root {
        for (offset, _) in code.match_indices(way.as_str()) {
            let is_inside_path =
                code[..offset].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
            if !is_inside_path {
                found.extend(first_names(code, offset + way.len()));
            }
        }
    }
    found
}

/// `a` where `a::b` stands at `start`, and `a`, `c` and `F` of
/// `{a::b, c::{d, e}, F}`.
fn first_names(code: &str, start: usize) -> Vec<Use> {
    let Some(group) = code[start..].strip_prefix('{') else {
        return Use::new(code, start).into_iter().collect();
    };
    let mut names = Vec::new();
    let mut depth = 1_usize;
    let mut is_name_next = true;
    for (offset, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => is_name_next = true,
            _ if is_name_next && !c.is_whitespace() => {
                names.extend(Use::new(code, start + 1 + offset));
                is_name_next = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

impl Use {
    fn new(code: &str, offset: usize) -> Option<Self> {
        let name = leading_name(&code[offset..]);
        let is_followed = code[offset + name.len()..].starts_with("::");
        (!name.is_empty()).then(|| Self {
            offset,
            name: name.to_owned(),
            is_followed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    const LIB: (&str, &str) = (
        "crates/nn-core/src/lib.rs",
        "mod error;\npub mod a;\npub(crate) mod b;\nmod c;\n\npub use b::b;\npub use c::{Config, c as d};\n",
    );

    fn found(path: &str, text: &str) -> Vec<String> {
        places(only_modules_above, &[LIB, (path, text)])
    }

    #[test]
    fn a_use_of_a_module_below_is_found() {
        let bad = [
            ("crates/nn-core/src/a.rs", "use crate::b::B;"),
            ("crates/nn-core/src/a.rs", "use super::b::B;"),
            (
                "crates/nn-core/src/a.rs",
                "use crate::{error::Error, b::{B, C}};",
            ),
            ("crates/nn-core/src/a.rs", "use crate::{\nb::B};"),
            ("crates/nn-core/src/a.rs", "fn f() -> crate::c::C {}"),
            ("crates/nn-core/src/b.rs", "use crate::c;"),
            ("crates/nn-core/src/a/deep.rs", "use crate::b::B;"),
            ("crates/nn-core/src/a/deep.rs", "use super::super::b::B;"),
        ];
        for (path, text) in bad {
            let line = text.lines().count();
            assert_eq!(found(path, text), [format!("{path}:{line}")], "{text}");
        }
    }

    #[test]
    fn modules_above_items_and_tests_are_free() {
        let good = [
            (
                "crates/nn-core/src/b.rs",
                "use crate::a::A;\nuse crate::error::Error;",
            ),
            ("crates/nn-core/src/b.rs", "use crate::b::B;"),
            ("crates/nn-core/src/a.rs", "use crate::{Config, b, error};"),
            ("crates/nn-core/src/a.rs", "// use crate::b::B;"),
            ("crates/nn-core/src/a.rs", "use other::crate_like::b;"),
            (
                "crates/nn-core/src/a.rs",
                "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
            ),
            ("crates/nn-core/src/a/tests.rs", "use crate::b::B;"),
            ("crates/nn-core/src/a/deep.rs", "use super::b::B;"),
            ("crates/nn-data/src/a.rs", "use crate::b::B;"),
        ];
        for (path, text) in good {
            assert!(found(path, text).is_empty(), "{text}");
        }
    }
}
