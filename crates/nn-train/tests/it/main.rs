//! Tests of the public interface.

mod fine_tuning;
