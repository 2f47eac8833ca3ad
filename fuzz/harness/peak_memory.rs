//! How much memory reading a file takes, on Linux, which reports the
//! peak and can reset it.

use std::fs;

const MIB: usize = 1 << 20;

/// Asserts that `read` returns `is_good`, and that its memory, including the file, stays
/// below three times the size of the file plus 64 MiB.
pub(crate) fn expect(what: &str, is_good: bool, bytes: &[u8], read: impl Fn(&[u8]) -> bool) {
    let (result, used) = peak_of(|| read(bytes));
    assert_eq!(result, is_good, "{what}");
    // The file's own bytes are there already.
    let allowed = 2 * bytes.len() + 64 * MIB;
    assert!(
        used <= allowed,
        "{what}: {} MiB for a file of {} bytes",
        used / MIB,
        bytes.len()
    );
}

/// The result of `f`, and the largest number of bytes that it used at a time.
pub(crate) fn peak_of<T>(f: impl FnOnce() -> T) -> (T, usize) {
    fs::write("/proc/self/clear_refs", "5").expect("a process may forget its own peak");
    let before = memory("VmRSS:");
    let result = f();
    (result, memory("VmHWM:").saturating_sub(before))
}

/// Bytes.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<usize>().ok());
    1024 * kibibytes.unwrap_or_else(|| panic!("no {name} in {status}"))
}
