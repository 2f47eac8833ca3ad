//! The temporary folder of a test.

use std::fs;
use std::io;
use std::path::Path;

use crate::error::{Error, Result};

/// Runs a test in a new temporary folder `NAME-PROCESS`. The test returns the number of broken
/// `what`; the folder stays if there are any, or if the test fails.
pub(crate) fn run(
    name: &str,
    what: &'static str,
    test: impl FnOnce(&Path) -> Result<usize>,
) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    let io = |source: io::Error| Error::unreadable(&folder, source);
    fs::create_dir_all(&folder).map_err(io)?;
    let count = test(&folder)?;
    if count > 0 {
        println!("the files are in {}", folder.display());
        return Err(Error::Broken { what, count });
    }
    // Files that stay in the temporary folder do no harm.
    let _ = fs::remove_dir_all(&folder);
    Ok(())
}
