//! Pages with any names and numbers are well-formed, and untrusted text is escaped.
//! Diagnoses of runs with known problems.

mod pages;
mod doctor_tables;
mod doctor_cases;
mod diagnoses;
