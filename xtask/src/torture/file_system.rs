//! A model of a file system that loses its power.
//!
//! - What is written to a file, and its length, survive once the file is synced. A
//!   name in a folder (made, removed, linked or renamed) survives once the folder is
//!   synced; syncing the file does not save its name.
//! - Until then, every operation survives or not, whatever happens to those before
//!   and after it.
//! - A rename is atomic: one name is removed and the other one set, or neither.
//! - A write may survive by half, or by its length alone, with zeros for its bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The number of a file or a folder.
pub(super) type Id = usize;

/// No file and no folder.
const NOTHING: Id = Id::MAX;

/// The folder that everything is in.
pub(super) const ROOT: Id = 0;

/// A file or a folder, whatever its names are.
#[derive(Clone, Debug)]
enum Node {
    Folder(BTreeMap<String, Id>),
    File(Vec<u8>),
}

/// Something that a program did.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operation {
    /// Set or removed names in a folder, all at once: two of them for a rename.
    Names {
        folder: Id,
        changes: Vec<(String, Option<Id>)>,
    },
    Write {
        file: Id,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: Id,
        length: usize,
    },
    Sync(Id),
    /// Printed a text on the terminal.
    Print(String),
}

impl Operation {
    fn node(&self) -> Option<Id> {
        match *self {
            Self::Names { folder: node, .. }
            | Self::Write { file: node, .. }
            | Self::Truncate { file: node, .. } => Some(node),
            Self::Sync(_) | Self::Print(_) => None,
        }
    }

    fn is_rename(&self) -> bool {
        matches!(self, Self::Names { changes, .. } if changes.len() > 1)
    }
}

/// How much of an operation survives.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Survival {
    Whole,
    /// The first half of a write.
    Half,
    /// The length of a write, with zeros for its bytes.
    Length,
    Lost,
}

/// Files and folders as programs see them.
#[derive(Clone, Debug)]
pub(super) struct FileSystem(Vec<Node>);

impl FileSystem {
    /// What is in a folder of the disk. Links, which lead elsewhere, are left out.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut files = Self(vec![Node::Folder(BTreeMap::new())]);
        files.read_into(ROOT, folder)?;
        Ok(files)
    }

    fn read_into(&mut self, parent: Id, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                continue;
            }
            let is_folder = kind.is_dir();
            let id = self.add(is_folder);
            if is_folder {
                self.read_into(id, &entry.path())?;
            } else {
                self.0[id] = Node::File(fs::read(entry.path())?);
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            self.set(parent, &[(name, Some(id))]);
        }
        Ok(())
    }

    /// A new file or folder, empty and without a name.
    pub(super) fn add(&mut self, is_folder: bool) -> Id {
        self.0.push(if is_folder {
            Node::Folder(BTreeMap::new())
        } else {
            Node::File(Vec::new())
        });
        self.0.len() - 1
    }

    pub(super) fn find(&self, path: &Path) -> Option<Id> {
        path.iter().try_fold(ROOT, |id, name| match &self.0[id] {
            Node::Folder(names) => names.get(&*name.to_string_lossy()).copied(),
            Node::File(_) => None,
        })
    }

    /// The length of a file; 0 for a folder.
    pub(super) fn length(&self, id: Id) -> usize {
        match &self.0[id] {
            Node::Folder(_) => 0,
            Node::File(bytes) => bytes.len(),
        }
    }

    pub(super) fn apply(&mut self, operation: &Operation) {
        self.apply_part(operation, Survival::Whole);
    }

    fn apply_part(&mut self, operation: &Operation, survival: Survival) {
        match (operation, survival) {
            (_, Survival::Lost) | (Operation::Sync(_) | Operation::Print(_), _) => {}
            (Operation::Names { folder, changes }, _) => self.set(*folder, changes),
            (Operation::Truncate { file, length }, _) => {
                if let Node::File(content) = &mut self.0[*file] {
                    content.resize(*length, 0);
                }
            }
            (
                Operation::Write {
                    file,
                    offset,
                    bytes,
                },
                survival,
            ) => {
                let Node::File(content) = &mut self.0[*file] else {
                    return;
                };
                let n_bytes = match survival {
                    Survival::Half => bytes.len() / 2,
                    _ => bytes.len(),
                };
                content.resize(content.len().max(offset + n_bytes), 0);
                if survival != Survival::Length {
                    content[*offset..offset + n_bytes].copy_from_slice(&bytes[..n_bytes]);
                }
            }
        }
    }

    fn set(&mut self, folder: Id, changes: &[(String, Option<Id>)]) {
        let Node::Folder(names) = &mut self.0[folder] else {
            return;
        };
        for (name, id) in changes {
            match id {
                Some(id) => names.insert(name.clone(), *id),
                None => names.remove(name),
            };
        }
    }

    pub(super) fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        self.list(ROOT, Path::new(""), &mut tree);
        tree
    }

    fn list(&self, id: Id, path: &Path, tree: &mut Tree) {
        match &self.0[id] {
            Node::File(bytes) => {
                tree.0.insert(path.to_owned(), Some(bytes.clone()));
            }
            Node::Folder(names) => {
                if id != ROOT {
                    tree.0.insert(path.to_owned(), None);
                }
                for (name, &id) in names {
                    self.list(id, &path.join(name), tree);
                }
            }
        }
    }
}

/// Paths in alphabetical order, with their bytes; folders have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Tree(BTreeMap<PathBuf, Option<Vec<u8>>>);

impl Tree {
    pub(super) fn file(&self, path: impl AsRef<Path>) -> Option<&[u8]> {
        self.0.get(path.as_ref())?.as_deref()
    }

    /// Writes everything into an empty folder.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        for (path, content) in &self.0 {
            match content {
                None => fs::create_dir(folder.join(path))?,
                Some(bytes) => fs::write(folder.join(path), bytes)?,
            }
        }
        Ok(())
    }
}

/// The contents of a path, each with the number of operations after which it has this
/// content. A file that does not exist has none.
type Contents = Vec<(usize, Option<Vec<u8>>)>;

/// What a program did with its files, from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Before the first operation, but with room for every file.
    start: FileSystem,
    operations: Vec<Operation>,
    /// What became of each path.
    history: BTreeMap<PathBuf, Contents>,
}

impl Record {
    /// `files` is what was there before; files that the operations make are added.
    pub(super) fn new(
        mut files: FileSystem,
        n_nodes: &FileSystem,
        operations: Vec<Operation>,
    ) -> Self {
        for node in &n_nodes.0[files.0.len()..] {
            files.add(matches!(node, Node::Folder(_)));
        }
        let mut record = Self {
            start: files,
            operations,
            history: BTreeMap::new(),
        };
        record.history = record.trace();
        record
    }

    fn trace(&self) -> BTreeMap<PathBuf, Contents> {
        let mut history: BTreeMap<PathBuf, Contents> = BTreeMap::new();
        let mut files = self.start.clone();
        let mut before = Tree::default();
        for n in 0..=self.operations.len() {
            if let Some(index) = n.checked_sub(1) {
                files.apply(&self.operations[index]);
            }
            let tree = files.tree();
            let paths = before.0.keys().chain(tree.0.keys());
            let paths: BTreeSet<&PathBuf> = paths.filter(|path| is_final(path)).collect();
            for path in paths {
                let (old, new) = (before.file(path), tree.file(path));
                if old != new {
                    let content = new.map(<[u8]>::to_vec);
                    history.entry(path.clone()).or_default().push((n, content));
                }
            }
            before = tree;
        }
        history
    }

    pub(super) fn len(&self) -> usize {
        self.operations.len()
    }

    /// The numbers of the syncs.
    pub(super) fn syncs(&self) -> Vec<usize> {
        let is_sync = |index: &usize| matches!(self.operations[*index], Operation::Sync(_));
        (0..self.len()).filter(is_sync).collect()
    }

    /// The same program without one of its syncs.
    pub(super) fn without_sync(&self, index: usize) -> Self {
        let mut record = self.clone();
        record.operations[index] = Operation::Sync(NOTHING);
        record
    }

    /// Everything that was printed in the first `n` operations.
    pub(super) fn printed(&self, n: usize) -> String {
        let texts = self.operations[..n]
            .iter()
            .filter_map(|operation| match operation {
                Operation::Print(text) => Some(&text[..]),
                _ => None,
            });
        texts.collect()
    }

    /// All files after `n` operations, without a power failure.
    pub(super) fn tree(&self, n: usize) -> Tree {
        self.after(&Failure {
            n,
            kind: Kind::AllKept,
        })
    }

    /// Every power failure: after each operation, with all that was not synced kept,
    /// lost, one of it lost, one of it kept, one write torn, one write without its
    /// bytes.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let mut failures = Vec::new();
        for n in 0..=self.len() {
            let mut add = |kind| failures.push(Failure { n, kind });
            add(Kind::AllKept);
            add(Kind::AllLost);
            for index in self.unsynced(n) {
                add(Kind::OneLost(index));
                add(Kind::OneKept(index));
                if matches!(self.operations[index], Operation::Write { .. }) {
                    add(Kind::Torn(index));
                    add(Kind::Zeros(index));
                }
            }
        }
        failures
    }

    /// What a power failure leaves.
    pub(super) fn after(&self, failure: &Failure) -> Tree {
        let unsynced = self.unsynced(failure.n);
        let mut files = self.start.clone();
        for (index, operation) in self.operations[..failure.n].iter().enumerate() {
            let is_unsynced = unsynced.binary_search(&index).is_ok();
            let survival = if is_unsynced {
                failure.kind.survival(index)
            } else {
                Survival::Whole
            };
            files.apply_part(operation, survival);
        }
        files.tree()
    }

    /// The operations among the first `n` that were not synced.
    fn unsynced(&self, n: usize) -> Vec<usize> {
        let operations = &self.operations[..n];
        let is_unsynced = |&index: &usize| {
            let Some(node) = operations[index].node() else {
                return false;
            };
            !operations[index..].contains(&Operation::Sync(node))
        };
        (0..n).filter(is_unsynced).collect()
    }

    /// What is wrong with a file under its final name after a power failure: it is
    /// neither as it was saved last nor as it was to be saved next.
    pub(super) fn harm(&self, failure: &Failure, tree: &Tree) -> Option<String> {
        self.history.iter().find_map(|(path, contents)| {
            let n_begun = contents.iter().take_while(|(n, _)| *n <= failure.n).count();
            let contents = &contents[..n_begun];
            // That a file is gone was never promised: an old one does no harm.
            let saved = contents
                .iter()
                .rposition(|(n, content)| content.is_some() && self.is_saved(*n, failure.n));
            let found = tree.file(path);
            let allowed = &contents[saved.unwrap_or(0)..];
            let is_right = allowed
                .iter()
                .any(|(_, content)| content.as_deref() == found)
                || saved.is_none() && found.is_none();
            (!is_right).then(|| {
                let what = match found {
                    None => "is lost".to_owned(),
                    Some(bytes) => format!("has {} other bytes", bytes.len()),
                };
                format!("{} {what}", path.display())
            })
        })
    }

    /// Whether the program took the `n`-th operation for saved within `end` operations:
    /// it went on to something else than a sync or a rename.
    fn is_saved(&self, n: usize, end: usize) -> bool {
        let mut later = self.operations[n.min(end)..end].iter();
        n == 0 || later.any(|next| !next.is_rename() && !matches!(next, Operation::Sync(_)))
    }

    /// The last of the first `n` operations, one per line.
    pub(super) fn last_operations(&self, n: usize) -> String {
        let first = n.saturating_sub(12);
        let mut text = String::new();
        for (index, operation) in self.operations[..n].iter().enumerate().skip(first) {
            text.push_str(&format!("  {index}: {}\n", shown(operation)));
        }
        text
    }
}

/// A power failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failure {
    /// The number of operations before it.
    pub(super) n: usize,
    kind: Kind,
}

/// What becomes of the operations that were not synced.
#[derive(Clone, Copy, Debug)]
enum Kind {
    AllKept,
    AllLost,
    OneLost(usize),
    OneKept(usize),
    Torn(usize),
    Zeros(usize),
}

impl Kind {
    fn survival(self, index: usize) -> Survival {
        match self {
            Self::AllLost => Survival::Lost,
            Self::OneLost(lost) if lost == index => Survival::Lost,
            Self::OneKept(kept) if kept != index => Survival::Lost,
            Self::Torn(torn) if torn == index => Survival::Half,
            Self::Zeros(empty) if empty == index => Survival::Length,
            _ => Survival::Whole,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} operations, ", self.n)?;
        match self.kind {
            Kind::AllKept => f.write_str("everything kept"),
            Kind::AllLost => f.write_str("everything lost that was not synced"),
            Kind::OneLost(index) => write!(f, "operation {index} lost"),
            Kind::OneKept(index) => write!(f, "of the operations not synced only {index} kept"),
            Kind::Torn(index) => write!(f, "half of write {index} kept"),
            Kind::Zeros(index) => write!(f, "zeros instead of write {index}"),
        }
    }
}

/// Whether a file of this name is complete at any time: not a temporary file, a lock, or
/// a file that grows.
fn is_final(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let grows = ["metrics.csv", "journal.jsonl"].contains(&&*name);
    let is_temporary = name.starts_with('.') || name.ends_with(".partial") || name == "lock";
    !grows && !is_temporary
}

fn shown(operation: &Operation) -> String {
    match operation {
        Operation::Names { folder, changes } => {
            let changes = changes.iter().map(|(name, id)| match id {
                Some(id) => format!("{name} = {id}"),
                None => format!("no {name}"),
            });
            let changes: Vec<String> = changes.collect();
            format!("in folder {folder}: {}", changes.join(", "))
        }
        Operation::Write {
            file,
            offset,
            bytes,
        } => format!("write {} bytes at {offset} of {file}", bytes.len()),
        Operation::Truncate { file, length } => format!("cut {file} to {length} bytes"),
        Operation::Sync(id) => format!("sync {id}"),
        Operation::Print(text) => format!("print {text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: Id = ROOT;

    fn names(changes: &[(&str, Option<Id>)]) -> Operation {
        Operation::Names {
            folder: FOLDER,
            changes: changes
                .iter()
                .map(|(name, id)| ((*name).to_owned(), *id))
                .collect(),
        }
    }

    fn write(file: Id, text: &str) -> Operation {
        Operation::Write {
            file,
            offset: 0,
            bytes: text.into(),
        }
    }

    /// A record that begins with one file, `a`, and uses files 2 and 3.
    fn record(operations: Vec<Operation>) -> Record {
        let mut files = FileSystem(vec![Node::Folder(BTreeMap::new())]);
        let old = files.add(false);
        files.apply(&write(old, "old"));
        files.apply(&names(&[("a", Some(old))]));
        let mut all = files.clone();
        all.add(false);
        all.add(false);
        Record::new(files, &all, operations)
    }

    /// What becomes of `a` in all power failures, and what harm is found.
    fn contents(record: &Record) -> (Vec<String>, Vec<String>) {
        let (mut contents, mut harm) = (Vec::new(), Vec::new());
        for failure in record.failures() {
            let tree = record.after(&failure);
            let content = tree.file("a").map(String::from_utf8_lossy);
            contents.push(content.unwrap_or("none".into()).into_owned());
            harm.extend(record.harm(&failure, &tree));
        }
        contents.sort();
        contents.dedup();
        harm.sort();
        harm.dedup();
        (contents, harm)
    }

    fn replaced() -> Vec<Operation> {
        vec![
            names(&[(".a.tmp", Some(2))]),
            write(2, "next"),
            Operation::Sync(2),
            names(&[(".a.tmp", None), ("a", Some(2))]),
            Operation::Sync(FOLDER),
            Operation::Print("saved".to_owned()),
        ]
    }

    #[test]
    fn a_synced_replacement_is_old_or_new() {
        let (contents, harm) = contents(&record(replaced()));
        assert_eq!(contents, ["next", "old"]);
        assert!(harm.is_empty(), "{harm:?}");
    }

    #[test]
    fn without_the_sync_of_the_file_it_is_found_damaged() {
        let mut operations = replaced();
        operations.remove(2);
        let (contents, harm) = contents(&record(operations));
        assert_eq!(contents, ["", "\0\0\0\0", "ne", "next", "old"]);
        let damaged = [
            "a has 0 other bytes",
            "a has 2 other bytes",
            "a has 4 other bytes",
        ];
        assert_eq!(harm, damaged);
    }

    #[test]
    fn without_the_sync_of_the_folder_it_is_found_unsaved() {
        let mut operations = replaced();
        operations.remove(4);
        let (contents, harm) = contents(&record(operations));
        assert_eq!(contents, ["next", "old"]);
        assert_eq!(harm, ["a has 3 other bytes"]);
    }

    #[test]
    fn a_file_that_was_never_there_may_be_missing_until_it_is_saved() {
        let operations = vec![
            names(&[("b", Some(2))]),
            Operation::Sync(FOLDER),
            write(3, "x"),
        ];
        assert!(contents(&record(operations.clone())).1.is_empty());
        let unsynced = vec![operations[0].clone(), operations[2].clone()];
        assert_eq!(contents(&record(unsynced)).1, ["b is lost"]);
    }

    #[test]
    fn a_hole_is_filled_with_zeros() {
        let append = Operation::Write {
            file: 1,
            offset: 5,
            bytes: b"!".to_vec(),
        };
        let (contents, _) = contents(&record(vec![append]));
        assert_eq!(contents, ["old", "old\0\0", "old\0\0\0", "old\0\0!"]);
    }
}
