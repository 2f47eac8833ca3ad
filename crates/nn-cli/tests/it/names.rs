//! The check of the fuzz target for names (`fuzz/`) on its corpus, and on every
//! entry of every menu with every cut and flipped bit.

use std::fmt::Display;

use harm::{corpus, harmed};
use nn_core::init::Init;
use nn_core::{Activation, Loss, Menu, Optimizer, Schedule};
use nn_data::augment::Augment;
use nn_search::{Stopping, Strategy};
use nn_table::{Header, Task};

#[path = "../../../../fuzz/harness/harm.rs"]
mod harm;
#[path = "../../../../fuzz/harness/names.rs"]
mod harness;

#[test]
fn any_text_is_an_entry_or_refused() {
    corpus("names")
        .iter()
        .for_each(|bytes| harness::check(bytes));
    for entry in entries() {
        harness::check(entry.as_bytes());
        harmed(entry.as_bytes()).for_each(|bytes| harness::check(&bytes));
    }
}

/// Every menu's `ALL`.
fn entries() -> Vec<String> {
    fn of_core<M: Menu + Display>() -> Vec<String> {
        M::ALL.iter().map(ToString::to_string).collect()
    }
    fn of_search<M: nn_search::Menu + Display>() -> Vec<String> {
        M::ALL.iter().map(ToString::to_string).collect()
    }
    [
        of_core::<Activation>(),
        of_core::<Init>(),
        of_core::<Loss>(),
        of_core::<Optimizer>(),
        of_core::<Schedule>(),
        of_search::<Strategy>(),
        of_search::<Stopping>(),
        Augment::ALL.iter().map(ToString::to_string).collect(),
        Header::ALL.iter().map(ToString::to_string).collect(),
        Task::ALL.iter().map(ToString::to_string).collect(),
    ]
    .concat()
}
