//! The program `nn`.
fn main() {}
