//! Tests of the public interface of nn-workers.

mod shared_work;
