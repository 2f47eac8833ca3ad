//! Tests of the public interface.

mod fine_tuning;
// The same threads in place of processes as in the tests of nn-core.
#[path = "../../../nn-core/tests/it/thread_exchange.rs"]
mod thread_exchange;
mod processes;
