//! Tests of nn-tensor through its public interface, in one binary.

mod small_shapes;
