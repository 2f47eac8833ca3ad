//! Charts made of anything at all are well-formed, and text of others in them
//! stays text.

mod charts;
