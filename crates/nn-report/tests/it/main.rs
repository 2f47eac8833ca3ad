//! Pages about runs with any names and numbers are well-formed, and text of
//! others in them stays text.

mod pages;
