//! The program `nn-mpi`: `nn train` on several processes.
//!
//! ```text
//! mpirun -n 4 nn-mpi train --data mnist --name digits
//! ```
//!
//! MPI starts the processes and moves values between them. It never adds values, so the
//! weights have the same bits as those of `nn train`.
#![forbid(unsafe_code)]

mod world;

use std::panic;
use std::process::ExitCode;
use std::sync::Arc;

use mpi::Threading;
use nn_train::Processes;
use world::World;

/// The exit code of a program that panicked.
const PANIC: i32 = 101;

fn main() -> ExitCode {
    // Only the main thread calls MPI.
    let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else {
        eprintln!("error: MPI was initialized before");
        return ExitCode::from(1);
    };
    let world = Arc::new(World::new());
    end_all_after_a_panic();
    let exchange: Arc<World> = Arc::clone(&world);
    match nn_cli::train_on(&Processes::new(exchange)) {
        Ok(code) if !world.is_abandoned() => {
            drop(universe);
            ExitCode::from(code)
        }
        Ok(code) | Err(code) => world.abort(code.into()),
    }
}

/// Ends all processes if this one panics, because the others would wait for it forever.
fn end_all_after_a_panic() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        print(info);
        World::new().abort(PANIC);
    }));
}
