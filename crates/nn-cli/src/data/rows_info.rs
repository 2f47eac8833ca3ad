//! `nn data info FILE.nnrows`: shows the contents of a file of rows.

use std::path::Path;

use nn_train::rows_data::RowsData;
use nn_train::{Result, Split, grouped};
use serde_json::json;

use crate::terminal;

/// Prints the numbers of rows, the types, the blocks and the origin of a file.
pub(super) fn rows_info(path: &Path, as_json: bool) -> Result<()> {
    let data = RowsData::open(path)?;
    let header = data.file().header();
    let description = data.description();
    let n_rows = Split::ALL.map(|split| data.range(split).len());
    if as_json {
        let [train, validation, test] = n_rows;
        terminal::line(json!({
            "file": path.display().to_string(),
            "rows": { "train": train, "validation": validation, "test": test },
            "layout": header.layout,
            "blocks": header.n_blocks,
            "description": header.description,
            "sha256": data.file().digest(),
        }));
        return Ok(());
    }
    let [train, validation, test] = n_rows.map(grouped);
    let layout = &header.layout;
    terminal::line(format!(
        "rows      {train} training, {validation} validation, {test} test, with {} inputs each",
        grouped(layout.n_inputs)
    ));
    if let Some((height, width)) = description.image_size {
        terminal::line(format!("images    {height} x {width} pixels"));
    }
    terminal::line(match layout.targets {
        nn_rows::Targets::Classes(n) => {
            format!("classes   {n}: {}", names(&description.class_names))
        }
        nn_rows::Targets::Values(n) => format!("targets   {n} values per row"),
    });
    if layout.has_weights {
        terminal::line("weights   one per row");
    }
    terminal::line(format!(
        "blocks    {} of up to {} rows; {} are shuffled together",
        grouped(header.n_blocks),
        grouped(layout.block_rows as usize),
        grouped(layout.window_blocks as usize)
    ));
    terminal::line(format!(
        "source    {}, converted by version {}",
        description.source, description.version
    ));
    for (name, value) in &description.settings {
        terminal::line(format!("setting   {name} = {value}"));
    }
    Ok(())
}

/// The first names of the classes.
fn names(names: &[String]) -> String {
    const MAX_NAMES: usize = 10;
    let shown = names[..names.len().min(MAX_NAMES)].join(", ");
    match names.len() {
        ..=MAX_NAMES => shown,
        _ => format!("{shown}, ..."),
    }
}
