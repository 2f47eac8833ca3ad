//! Runs the Rust examples of the READMEs as documentation tests.
//!
//! They are here and not in the crates, whose packages hold no file from outside
//! of their folders.
#![forbid(unsafe_code)]

macro_rules! examples_of {
    ($($name:ident: $path:literal)*) => {$(
        #[cfg(doctest)]
        #[doc = include_str!($path)]
        struct $name;
    )*};
}

examples_of! {
    Project: "../README.md"
    Tensor: "../crates/nn-tensor/README.md"
    Core: "../crates/nn-core/README.md"
    Data: "../crates/nn-data/README.md"
    Image: "../crates/nn-image/README.md"
    Columnar: "../crates/nn-columnar/README.md"
    Rows: "../crates/nn-rows/README.md"
    Table: "../crates/nn-table/README.md"
    Search: "../crates/nn-search/README.md"
    Plot: "../crates/nn-plot/README.md"
    Report: "../crates/nn-report/README.md"
    Export: "../crates/nn-export/README.md"
    Import: "../crates/nn-import/README.md"
    Functions: "../crates/nn-functions/README.md"
    Settings: "../crates/nn-settings/README.md"
    Train: "../crates/nn-train/README.md"
}
