//! Tests of files of rows.
mod files;
