//! Operations on files, recorded at the calls of the system by strace.
//!
//! strace sees what the program asks the system for, whatever module asked for it. A
//! record of the program's own operations would not notice a file that is written by
//! another way.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::file_system::{FileSystem, Id, Operation, Record};
use crate::error::{Error, Result};

/// The calls that are recorded. Others that write are noticed in the end, because the
/// operations then do not lead to the files that are there.
const CALLS: &str = "open,openat,creat,close,write,pwrite64,lseek,ftruncate,fsync,fdatasync,\
    rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir";

/// Pieces of a stream, which count as one write.
const PIECE: usize = 1 << 16;
const PIECES: usize = 8 * PIECE;

/// Runs the program in `folder`, where all of its files are, and records what it does
/// there.
///
/// # Errors
/// If the program fails, or changed a file in a way that was not recorded.
pub(super) fn record(program: &Path, arguments: &[String], folder: &Path) -> Result<Record> {
    let io = |source: io::Error| Error::unreadable(folder, source);
    let trace = folder.with_extension("trace");
    let before = FileSystem::read(folder).map_err(io)?;
    let status = Command::new("strace")
        .args(["-f", "-qq", "-xx", "-s", "16777216", "-e", "signal=none"])
        .args(["-e", &format!("trace={CALLS}"), "-o"])
        .arg(&trace)
        .arg(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(io)?;
    if !status.success() {
        return Err(Error::Failed {
            command: format!("nn {}", arguments.join(" ")),
            status: status.to_string(),
        });
    }
    let text = fs::read_to_string(&trace).map_err(io)?;
    let mut recorder = Recorder {
        folder,
        files: before.clone(),
        open: HashMap::new(),
        operations: Vec::new(),
    };
    let unfinished = &mut HashMap::new();
    for call in text
        .lines()
        .filter_map(|line| Call::parse(line, unfinished))
    {
        recorder.see(&call);
    }
    let after = FileSystem::read(folder).map_err(io)?.tree();
    if recorder.files.tree() != after {
        return Err(Error::Unexpected {
            program: "strace".to_owned(),
            expected: format!("calls that lead to the files in {}", folder.display()),
        });
    }
    Ok(Record::new(before, &recorder.files, recorder.operations))
}

/// A call of the system that succeeded.
#[derive(Debug, PartialEq)]
struct Call {
    name: String,
    arguments: Vec<String>,
    result: usize,
}

impl Call {
    /// A line of strace, `PID NAME(ARGUMENTS) = RESULT`. A call that another thread
    /// interrupted has two lines.
    fn parse(line: &str, unfinished: &mut HashMap<String, String>) -> Option<Self> {
        let (process, rest) = line.split_once(' ')?;
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            unfinished.insert(process.to_owned(), begun.to_owned());
            return None;
        }
        let call = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let (_, end) = resumed.split_once(" resumed>")?;
                unfinished.remove(process)? + end
            }
            None => rest.to_owned(),
        };
        let (call, result) = call.rsplit_once(") = ").or_else(|| {
            // strace aligns short lines.
            let (call, result) = call.rsplit_once('=')?;
            Some((call.trim_end().strip_suffix(')')?, result.trim_start()))
        })?;
        let (name, arguments) = call.split_once('(')?;
        Some(Self {
            name: name.to_owned(),
            arguments: arguments.split(", ").map(str::to_owned).collect(),
            result: result.split_whitespace().next()?.parse().ok()?,
        })
    }

    fn number(&self, index: usize) -> Option<usize> {
        self.arguments.get(index)?.parse().ok()
    }

    /// A text of `\x` and two digits a byte.
    fn bytes(&self, index: usize) -> Option<Vec<u8>> {
        let text = self.arguments.get(index)?;
        let digits = text.strip_prefix('"')?.strip_suffix('"')?;
        let bytes = digits.split("\\x").skip(1);
        bytes
            .map(|byte| u8::from_str_radix(byte, 16).ok())
            .collect()
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        let bytes = self.bytes(index)?;
        Some(String::from_utf8_lossy(&bytes).into_owned().into())
    }
}

/// A file or folder that the program has opened.
struct Open {
    node: Id,
    offset: usize,
    appends: bool,
}

/// Follows the calls.
struct Recorder<'a> {
    folder: &'a Path,
    files: FileSystem,
    /// By their descriptors.
    open: HashMap<usize, Open>,
    operations: Vec<Operation>,
}

impl Recorder<'_> {
    /// Calls on files elsewhere are passed over.
    fn see(&mut self, call: &Call) -> Option<()> {
        match &call.name[..] {
            "open" => self.open(call, 0, call.arguments.get(1)?),
            "openat" => self.open(call, 1, call.arguments.get(2)?),
            "creat" => self.open(call, 0, "O_CREAT|O_TRUNC"),
            "close" => self.open.remove(&call.number(0)?).map(drop),
            "write" => self.write(call),
            "pwrite64" => {
                let (file, offset) = (self.open.get(&call.number(0)?)?.node, call.number(3)?);
                let bytes = call.bytes(1)?;
                self.append(file, offset, bytes[..call.result].to_vec());
                Some(())
            }
            "lseek" => {
                self.open.get_mut(&call.number(0)?)?.offset = call.result;
                Some(())
            }
            "ftruncate" => {
                let file = self.open.get(&call.number(0)?)?.node;
                let length = call.number(1)?;
                self.push(Operation::Truncate { file, length })
            }
            "fsync" | "fdatasync" => {
                let node = self.open.get(&call.number(0)?)?.node;
                self.push(Operation::Sync(node))
            }
            "rename" => self.rename(&call.path(0)?, &call.path(1)?),
            "renameat" | "renameat2" => self.rename(&call.path(1)?, &call.path(3)?),
            "link" => self.link(&call.path(0)?, &call.path(1)?),
            "linkat" => self.link(&call.path(1)?, &call.path(3)?),
            "unlink" | "rmdir" => self.name(&call.path(0)?, None),
            "unlinkat" => self.name(&call.path(1)?, None),
            "mkdir" => self.create_folder(&call.path(0)?),
            "mkdirat" => self.create_folder(&call.path(1)?),
            _ => None,
        }
    }

    fn open(&mut self, call: &Call, path: usize, flags: &str) -> Option<()> {
        let path = call.path(path)?;
        let node = match self.files.find(&self.inside(&path)?) {
            Some(node) => {
                if flags.contains("O_TRUNC") && self.files.length(node) > 0 {
                    let (file, length) = (node, 0);
                    self.push(Operation::Truncate { file, length });
                }
                node
            }
            // A link that leads elsewhere.
            None if !flags.contains("O_CREAT") => return None,
            None => {
                let node = self.files.add(false);
                self.name(&path, Some(node))?;
                node
            }
        };
        let appends = flags.contains("O_APPEND");
        let open = Open {
            node,
            offset: 0,
            appends,
        };
        self.open.insert(call.result, open);
        Some(())
    }

    fn write(&mut self, call: &Call) -> Option<()> {
        let (descriptor, bytes) = (call.number(0)?, call.bytes(1)?);
        let Some(open) = self.open.get_mut(&descriptor) else {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            return (1..=2)
                .contains(&descriptor)
                .then(|| self.operations.push(Operation::Print(text)));
        };
        let file = open.node;
        let offset = if open.appends {
            self.files.length(file)
        } else {
            open.offset
        };
        open.offset = offset + call.result;
        self.append(file, offset, bytes[..call.result].to_vec());
        Some(())
    }

    /// Adds a write, to the one before it if both are pieces of a stream.
    fn append(&mut self, file: Id, offset: usize, bytes: Vec<u8>) {
        let next = Operation::Write {
            file,
            offset,
            bytes,
        };
        self.files.apply(&next);
        if let (
            Some(Operation::Write {
                file: last_file,
                offset: start,
                bytes: last,
            }),
            Operation::Write { bytes, .. },
        ) = (self.operations.last_mut(), &next)
            && (*last_file, *start + last.len()) == (file, offset)
            && (PIECE..PIECES).contains(&last.len())
        {
            last.extend(bytes);
            return;
        }
        self.operations.push(next);
    }

    fn create_folder(&mut self, path: &Path) -> Option<()> {
        self.inside(path)?;
        let node = self.files.add(true);
        self.name(path, Some(node))
    }

    fn link(&mut self, from: &Path, to: &Path) -> Option<()> {
        let node = self.files.find(&self.inside(from)?)?;
        self.name(to, Some(node))
    }

    fn name(&mut self, path: &Path, node: Option<Id>) -> Option<()> {
        let (folder, name) = self.place(path)?;
        let changes = vec![(name, node)];
        self.push(Operation::Names { folder, changes })
    }

    /// Within a folder.
    fn rename(&mut self, from: &Path, to: &Path) -> Option<()> {
        let node = self.files.find(&self.inside(from)?)?;
        let ((folder, old), (target, new)) = (self.place(from)?, self.place(to)?);
        let changes = vec![(old, None), (new, Some(node))];
        (folder == target).then(|| self.push(Operation::Names { folder, changes }))?
    }

    /// The folder of a path, and the name in it.
    fn place(&self, path: &Path) -> Option<(Id, String)> {
        let path = self.inside(path)?;
        let folder = self.files.find(path.parent()?)?;
        Some((folder, path.file_name()?.to_string_lossy().into_owned()))
    }

    /// The path below the folder.
    fn inside(&self, path: &Path) -> Option<PathBuf> {
        let path = path.strip_prefix(self.folder).unwrap_or(path);
        let names = path.components().filter(|part| *part != Component::CurDir);
        names
            .map(|part| match part {
                Component::Normal(name) => Some(name),
                _ => None,
            })
            .collect()
    }

    fn push(&mut self, operation: Operation) -> Option<()> {
        self.files.apply(&operation);
        self.operations.push(operation);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_in_one_piece_or_in_two() {
        let unfinished = &mut HashMap::new();
        let whole = r#"7  openat(AT_FDCWD, "\x61\x2f\x62", O_RDWR|O_CREAT, 0666) = 3"#;
        let call = Call::parse(whole, unfinished).expect("it succeeded");
        assert_eq!((&call.name[..], call.result), ("openat", 3));
        assert_eq!(call.path(1), Some("a/b".into()));
        assert_eq!(call.bytes(2), None);
        let halves = [
            r#"7  write(3, "\x00\xff", 2 <unfinished ...>"#,
            "8  close(4)                        = 0",
            "7  <... write resumed>)             = 2",
        ];
        let calls = halves.map(|line| Call::parse(line, unfinished));
        assert_eq!(calls[0], None);
        assert_eq!(calls[1].as_ref().map(|call| &call.name[..]), Some("close"));
        let write = calls[2].as_ref().expect("it succeeded");
        assert_eq!(
            (write.bytes(1), write.number(2)),
            (Some(vec![0, 255]), Some(2))
        );
        let failed = "7  mkdir(\"\\x61\", 0777) = -1 EEXIST (File exists)";
        assert_eq!(Call::parse(failed, unfinished), None);
    }
}
