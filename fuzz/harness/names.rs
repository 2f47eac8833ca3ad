//! What must hold for any text taken for an entry of a menu.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use nn_core::init::Init;
use nn_core::{Activation, Loss, Optimizer, Schedule};
use nn_data::augment::Augment;
use nn_search::{Space, Stopping, Strategy};
use nn_table::{Header, Task};

/// Reads `bytes` as an entry of every menu there is; what is read can be
/// written and read again the same.
pub(crate) fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    MENUS.iter().for_each(|check| check(text));
}

/// One for every type that a name stands for.
const MENUS: [fn(&str); 11] = [
    check_one::<Activation>,
    check_one::<Init>,
    check_one::<Loss>,
    check_one::<Optimizer>,
    check_one::<Schedule>,
    check_one::<Augment>,
    check_one::<Header>,
    check_one::<Task>,
    check_one::<Strategy>,
    check_one::<Stopping>,
    check_one::<Space>,
];

fn check_one<T>(text: &str)
where
    T: FromStr<Err: Display> + Display + Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(entry) => {
            let written = entry.to_string();
            match written.parse::<T>() {
                Ok(again) => assert_eq!(again, entry, "{written}"),
                Err(error) => panic!("{written}: {error}"),
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
