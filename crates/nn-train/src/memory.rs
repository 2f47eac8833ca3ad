//! Checks that an operation fits into memory before it allocates, because the system
//! kills a program that uses more memory than is available.
//!
//! The available memory is the minimum of `MemAvailable` (`/proc/meminfo`) and of the
//! memory that the control groups (versions 1 and 2) and `ulimit -v` still allow. If no
//! memory limit can be read, every operation is allowed.

use std::fs;
use std::path::{Path, PathBuf};

use nn_core::{Memory, Network};
use nn_settings::{Error, Result};

/// Address space that threads and the allocator use in addition to the estimate.
const RESERVE: u64 = 8 << 20;

/// Returns an error if an evaluation needs more memory than is available.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with the needed and the available
/// memory.
pub fn check_evaluation(network: &Network, n_samples: usize) -> Result<()> {
    let memory = Memory::of_evaluation(network, n_samples);
    let help = "use a model with narrower layers, or a machine with more memory";
    check("the evaluation", memory.total(), help)
}

/// Returns an error if an operation needs more memory than is available.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with the needed and the available
/// memory.
pub fn check(what: &str, needed: u64, help: &str) -> Result<()> {
    match available() {
        Some(available) if needed > available => Err(Error::usage(format!(
            "{what} needs {} of memory, but {} are available",
            amount(needed),
            amount(available)
        ))
        .with_help(help)),
        _ => Ok(()),
    }
}

/// Formats a number of bytes, such as `1.9 GiB`.
pub fn amount(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = (bytes.max(1).ilog2() / 10) as usize;
    let number = bytes as f64 / (1_u64 << (10 * unit)) as f64;
    let digits = usize::from(unit > 0 && number < 100.0);
    format!("{number:.digits$} {}", UNITS[unit])
}

/// Number of bytes that this process can still allocate, if it can be read.
fn available() -> Option<u64> {
    let limits = [of_machine(), of_control_groups(), of_address_space()];
    limits.into_iter().flatten().min()
}

fn of_machine() -> Option<u64> {
    kibibytes(&read("/proc/meminfo")?, "MemAvailable:")
}

/// Number of bytes up to the limit of `ulimit -v`.
fn of_address_space() -> Option<u64> {
    let limit = address_space(&read("/proc/self/limits")?)?;
    let used = kibibytes(&read("/proc/self/status")?, "VmSize:")?;
    Some(limit.saturating_sub(used).saturating_sub(RESERVE))
}

/// The limit in a text like `/proc/self/limits`; `None` if there is none.
fn address_space(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// A line such as `MemAvailable:   123 kB` in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// Number of bytes up to the limits of the control groups of this process.
fn of_control_groups() -> Option<u64> {
    let groups = read("/proc/self/cgroup")?;
    let folders = folders_of(&groups);
    folders.iter().filter_map(|folder| of_folder(folder)).min()
}

/// The folders that may have a limit, from a text like `/proc/self/cgroup`: the folders
/// of the groups and of all their parents. In a container the path may be one outside,
/// whose last part is the root inside.
fn folders_of(groups: &str) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else {
            continue;
        };
        let root = match controllers {
            "" => Path::new("/sys/fs/cgroup"),
            list if list.split(',').any(|name| name == "memory") => {
                Path::new("/sys/fs/cgroup/memory")
            }
            _ => continue,
        };
        let inside = Path::new(path.trim_start_matches('/'));
        folders.extend(inside.ancestors().map(|group| root.join(group)));
    }
    folders
}

/// Number of bytes up to the limit of the group in this folder. Inactive copies of
/// files do not count as used.
fn of_folder(folder: &Path) -> Option<u64> {
    let number = |name: &str| read(folder.join(name))?.trim().parse::<u64>().ok();
    let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"))?;
    let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
    let copies = read(folder.join("memory.stat")).and_then(|text| {
        let mut lines = text.lines();
        let line = lines.find_map(|line| {
            let line = line.strip_prefix("total_").unwrap_or(line);
            line.strip_prefix("inactive_file ")
        });
        line?.parse().ok()
    });
    Some(limit.saturating_sub(used.saturating_sub(copies.unwrap_or(0))))
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_readable() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (5_400_000_000, "5.0 GiB"),
            (700 << 20, "700 MiB"),
            (u64::MAX, "16.0 EiB"),
        ] {
            assert_eq!(amount(bytes), text);
        }
    }

    #[test]
    fn limits_are_found_where_linux_writes_them() {
        let meminfo = "MemTotal:  100 kB\nMemFree: 7 kB\nMemAvailable:     42 kB\n";
        assert_eq!(kibibytes(meminfo, "MemAvailable:"), Some(42 * 1024));
        assert_eq!(kibibytes(meminfo, "VmSize:"), None);
        let limits = |soft| {
            format!(
                "Limit           Soft Limit  Hard Limit  Units\n\
                 Max cpu time    unlimited   unlimited   seconds\n\
                 Max address space    {soft}   unlimited   bytes\n"
            )
        };
        assert_eq!(address_space(&limits("2048000000")), Some(2_048_000_000));
        assert_eq!(address_space(&limits("unlimited")), None);
    }

    #[test]
    fn control_groups_of_both_versions_are_found() {
        let folders = |groups| {
            let folders = folders_of(groups);
            let names = folders.iter().map(|it| it.display().to_string());
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            folders("0::/user/a\n"),
            [
                "/sys/fs/cgroup/user/a",
                "/sys/fs/cgroup/user",
                "/sys/fs/cgroup/"
            ]
        );
        assert_eq!(
            folders("5:cpu,memory:/a\n4:cpu:/b\n"),
            ["/sys/fs/cgroup/memory/a", "/sys/fs/cgroup/memory/"]
        );
        assert!(folders("nonsense").is_empty());
    }

    #[test]
    fn copies_of_files_are_not_used_memory() {
        let folder = std::env::temp_dir().join(format!("nn-memory-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        write("memory.max", "max\n");
        write("memory.current", "700\n");
        assert_eq!(of_folder(&folder), None);
        write("memory.max", "1000\n");
        assert_eq!(of_folder(&folder), Some(300));
        write("memory.stat", "anon 5\ninactive_file 200\n");
        assert_eq!(of_folder(&folder), Some(500));
        fs::remove_dir_all(&folder).unwrap();
    }
}
