//! Charts of any numbers and names are well-formed, and untrusted text is escaped.

mod charts;
