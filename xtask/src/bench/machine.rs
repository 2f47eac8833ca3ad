//! The description of the measured machine.

use std::fs;
use std::process::Command;

use super::table::Table;

/// Processor, threads, memory, system and compiler, as text.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    processor: String,
    threads: usize,
    memory: String,
    system: String,
    compiler: String,
}

impl Machine {
    pub(super) fn this() -> Self {
        let unknown = || "unknown".to_owned();
        let processor = fs::read_to_string("/proc/cpuinfo").ok();
        let memory = fs::read_to_string("/proc/meminfo").ok();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").ok();
        Self {
            processor: processor
                .and_then(|text| field(&text, "model name"))
                .unwrap_or_else(unknown),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory
                .and_then(|text| gibibytes(&field(&text, "MemTotal")?))
                .unwrap_or_else(unknown),
            system: format!(
                "{} {} {}",
                std::env::consts::OS,
                kernel.as_deref().unwrap_or_default().trim(),
                std::env::consts::ARCH
            ),
            compiler: first_line_of("rustc", &["--version"]).unwrap_or_else(unknown),
        }
    }

    /// Adds one row per property.
    pub(super) fn rows(&self, table: &mut Table) {
        table.row(["processor", &self.processor]);
        table.row(["threads", &self.threads.to_string()]);
        table.row(["memory", &self.memory]);
        table.row(["system", &self.system]);
        table.row(["compiler", &self.compiler]);
    }
}

/// The value after `name :` in the first line that begins with `name`.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let value = lines.find_map(|rest| rest.trim_start().strip_prefix(':'))?;
    Some(value.trim().to_owned())
}

/// Converts a text such as `24575120 kB`.
fn gibibytes(text: &str) -> Option<String> {
    let kibibytes: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(format!("{:.1} GiB", kibibytes / 1024.0 / 1024.0))
}

fn first_line_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_name() {
        let text = "model\t\t: 17\nmodel name\t: A CPU @ 3 GHz\nmodel name\t: Another\n";
        assert_eq!(field(text, "model name").as_deref(), Some("A CPU @ 3 GHz"));
        assert_eq!(field(text, "model").as_deref(), Some("17"));
        assert_eq!(field(text, "cores"), None);
        assert_eq!(gibibytes("3145728 kB").as_deref(), Some("3.0 GiB"));
    }
}
