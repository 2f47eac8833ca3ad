//! Tests of the public interface.

mod fixtures;
mod hand_made;
