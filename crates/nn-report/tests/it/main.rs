//! Pages with any names and numbers are well-formed, and untrusted text is escaped.

mod pages;
