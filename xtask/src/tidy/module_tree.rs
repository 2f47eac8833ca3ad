//! The modules of a crate and the paths in their code, as far as they can be read without a
//! compiler: from `mod` lines, `use` items and names followed by `::`.
//!
//! The tree does not contain tests, files that only tests declare, inline modules, and
//! methods, which are called without a path. The names of `use a::*` count as uses of `a`
//! only.

use std::collections::BTreeMap;

use super::project::File;
use super::source::{
    blank, find_word, is_name_char, leading_name, without_inline_modules, without_tests,
};

/// Maximum number of imports of imports to follow.
const MAX_IMPORTS: usize = 8;

/// The names of modules from below the crate root to a module.
pub(super) type ModulePath = Vec<String>;

/// The modules of one crate.
pub(super) struct ModuleTree<'a> {
    modules: BTreeMap<ModulePath, Module<'a>>,
}

/// The declarations and uses of a file.
pub(super) struct Module<'a> {
    pub file: &'a File,
    /// Names in the `mod` lines, in order.
    pub children: Vec<String>,
    /// Paths in the code, in order.
    pub paths: Vec<Path>,
    /// The code without `use` items.
    body: String,
}

/// A path in the code of a module, such as `a::b::c`.
#[derive(Debug)]
pub(super) struct Path {
    pub offset: usize,
    names: Vec<String>,
    /// The name in the module: `d` for `use a::b::c as d`.
    alias: String,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// A path outside of `use` items.
    Mention,
    Import,
    /// A path in a `pub use`, also with restricted visibility.
    Reexport,
}

impl<'a> ModuleTree<'a> {
    /// Reads one tree per `lib.rs` and `main.rs`.
    pub(super) fn all(files: &'a [File]) -> Vec<Self> {
        let mut trees = Vec::new();
        for root in files {
            if let Some((folder, "lib.rs" | "main.rs")) = root.source_path() {
                let mut modules = BTreeMap::new();
                insert(&mut modules, Vec::new(), root, folder, files);
                trees.push(Self { modules });
            }
        }
        trees
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = (&ModulePath, &Module<'a>)> {
        self.modules.iter()
    }

    pub(super) fn module(&self, path: &[String]) -> Option<&Module<'a>> {
        self.modules.get(path)
    }

    /// The module that `path` leads to from the code of the module `from`; for an item, the
    /// module that defines it. `None` if the path leaves the crate or does not begin with a
    /// module.
    pub(super) fn resolve(&self, from: &[String], path: &Path) -> Option<ModulePath> {
        self.resolve_names(from, &path.names, MAX_IMPORTS)
    }

    fn resolve_names(&self, from: &[String], names: &[String], n: usize) -> Option<ModulePath> {
        match names.first()?.as_str() {
            "crate" => self.follow(&[], &names[1..], n),
            "self" => self.follow(from, &names[1..], n),
            "super" => self.follow(from, names, n),
            name if self.module(from)?.has_child(name) => self.follow(from, names, n),
            _ => None,
        }
    }

    /// Follows `names` from the module `at`: a module name leads down, `super` leads up,
    /// and an imported name leads to the imported item.
    fn follow(&self, at: &[String], names: &[String], n: usize) -> Option<ModulePath> {
        let Some((name, rest)) = names.split_first() else {
            return Some(at.to_vec());
        };
        if name == "super" {
            return self.follow(at.split_last()?.1, rest, n);
        }
        let module = self.module(at)?;
        let import = module.import(name).filter(|_| n > 0);
        let may_be_item = rest.is_empty() && import.is_some();
        if module.has_child(name) && !may_be_item {
            return self.follow(&joined(at, name), rest, n);
        }
        match import {
            Some(import) => {
                let target = self.resolve_names(at, &import.names, n - 1)?;
                self.follow(&target, rest, n - 1)
            }
            None => Some(at.to_vec()),
        }
    }
}

/// Adds the module of a file and its descendants.
fn insert<'a>(
    modules: &mut BTreeMap<ModulePath, Module<'a>>,
    path: ModulePath,
    file: &'a File,
    folder: &str,
    files: &'a [File],
) {
    let module = Module::new(file);
    for name in &module.children {
        let child = joined(&path, name);
        let place = format!("{folder}/src/{}.rs", child.join("/"));
        if let Some(file) = files.iter().find(|file| file.path == place) {
            insert(modules, child, file, folder, files);
        }
    }
    modules.insert(path, module);
}

fn joined(path: &[String], name: &str) -> ModulePath {
    [path, &[name.to_owned()]].concat()
}

impl<'a> Module<'a> {
    fn new(file: &'a File) -> Self {
        let code = without_inline_modules(&without_tests(&file.code));
        let (paths, body) = paths_and_body(&code);
        Self {
            file,
            children: declared_modules(&code),
            paths,
            body,
        }
    }

    /// The position of a child module in the order of the `mod` lines.
    pub(super) fn position(&self, child: &str) -> Option<usize> {
        self.children.iter().position(|name| name == child)
    }

    /// Returns `true` if `path` is an import for other modules only.
    pub(super) fn only_passes_on(&self, path: &Path) -> bool {
        let mut names = find_word(&self.body, &path.alias);
        path.role == Role::Reexport && names.all(|at| self.body[..at].ends_with("mod "))
    }

    fn has_child(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    fn import(&self, name: &str) -> Option<&Path> {
        self.paths
            .iter()
            .find(|path| path.role != Role::Mention && path.alias == name)
    }
}

/// The names in `mod name;` with any visibility, in order.
fn declared_modules(code: &str) -> Vec<String> {
    find_word(code, "mod")
        .map(|offset| leading_name(code[offset + "mod".len()..].trim_start()).to_owned())
        .collect()
}

/// Returns all paths of `code`, and `code` with its `use` items blanked out.
fn paths_and_body(code: &str) -> (Vec<Path>, String) {
    let mut body = code.to_owned();
    let mut reader = PathReader {
        code,
        at: 0,
        role: Role::Mention,
        paths: Vec::new(),
    };
    while reader.skip_until(is_name_char) {
        let start = reader.at;
        if reader.eat("use ") {
            reader.role = role_after(&code[..start]);
            reader.tree(&[]);
            reader.role = Role::Mention;
            body.replace_range(start..reader.at, &blank(&code[start..reader.at]));
        } else if is_first_name(code, start) {
            reader.tree(&[]);
        } else {
            reader.name();
        }
    }
    (reader.paths, body)
}

/// The role of the paths in a `use` that follows `before`.
fn role_after(before: &str) -> Role {
    let before = before.trim_end();
    if before.ends_with("pub") || before.ends_with(')') {
        Role::Reexport
    } else {
        Role::Import
    }
}

/// Returns `true` if the name at `start` is the first name of a path with `::`, except the
/// path in `pub(in a::b)`.
fn is_first_name(code: &str, start: usize) -> bool {
    let name = leading_name(&code[start..]);
    let is_inside = ["::", "(in "]
        .iter()
        .any(|end| code[..start].ends_with(end));
    code[start + name.len()..].starts_with("::") && !is_inside
}

struct PathReader<'a> {
    code: &'a str,
    at: usize,
    role: Role,
    paths: Vec<Path>,
}

impl<'a> PathReader<'a> {
    /// Reads `a::b`, `a::b as c`, `a::*` or `a::{b, c::d}`, preceded by the names `above`.
    fn tree(&mut self, above: &[String]) {
        let offset = self.at;
        let mut names = above.to_vec();
        loop {
            if self.eat("{") {
                return self.group(&names);
            }
            let name = self.name();
            // `self` in a group is the module that the group belongs to.
            if !name.is_empty() && (name != "self" || names.is_empty()) {
                names.push(name.to_owned());
            }
            if !self.eat("::") {
                break;
            }
        }
        let has_alias = self.role != Role::Mention && self.eat(" as ");
        let alias = if has_alias {
            self.name()
        } else {
            names.last().map_or("", |name| name)
        };
        self.paths.push(Path {
            offset,
            alias: alias.to_owned(),
            names,
            role: self.role,
        });
    }

    /// Reads the trees of a group up to the closing `}`.
    fn group(&mut self, above: &[String]) {
        while self.skip_until(|c| is_name_char(c) || "{}".contains(c)) && !self.eat("}") {
            self.tree(above);
        }
    }

    fn name(&mut self) -> &'a str {
        let name = leading_name(&self.code[self.at..]);
        self.at += name.len();
        name
    }

    fn eat(&mut self, text: &str) -> bool {
        let is_next = self.code[self.at..].starts_with(text);
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Skips characters up to a matching one; returns `false` at the end of the code.
    fn skip_until(&mut self, is_wanted: impl Fn(char) -> bool) -> bool {
        let length = self.code[self.at..].find(is_wanted);
        self.at += length.unwrap_or(self.code.len() - self.at);
        length.is_some()
    }
}
