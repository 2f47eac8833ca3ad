//! Integration tests of samples and splits.

mod split;
mod samples;
