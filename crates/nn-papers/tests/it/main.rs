//! Runs cheap claims on the built-in digits.

mod claims;
