//! The peak performance of the machine, measured by the example `peak` of nn-tensor.

use super::json::Json;
use super::program::Program;
use super::table::Table;
use crate::error::Result;

/// The measured peak performance.
#[derive(Clone, Debug)]
pub(super) struct Peak {
    /// 10⁹ operations per second on all threads; a multiply-add is two operations.
    pub(super) gflops: f64,
    gflops_single: f64,
    gigabytes_per_second: f64,
    instruction_set: String,
}

impl Peak {
    pub(super) fn measure() -> Result<Self> {
        eprintln!("measuring the machine's peak");
        let program = Program::cargo("-p nn-tensor --example peak", "peak")?;
        let json = Json::new("peak", &program.output(&[])?)?;
        Ok(Self {
            gflops: json.number("gflops")?,
            gflops_single: json.number("gflops_single")?,
            gigabytes_per_second: json.number("gigabytes_per_second")?,
            instruction_set: json.text("instruction_set")?,
        })
    }

    pub(super) fn rows(&self, table: &mut Table) {
        table.row(["instructions", &self.instruction_set]);
        let (one, all) = (self.gflops_single, self.gflops);
        table.row([
            "measured peak",
            &format!("{one:.0} GFLOP/s on one thread, {all:.0} on all"),
        ]);
        table.row([
            "measured reading from memory",
            &format!("{:.0} GB/s", self.gigabytes_per_second),
        ]);
    }
}
