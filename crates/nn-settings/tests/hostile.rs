//! The fuzz target of configuration files (`fuzz/`) on its corpus, and on a valid
//! file truncated at every byte and with every bit flipped.

use harm::{corpus, harmed};

#[path = "../../../fuzz/harness/configuration.rs"]
mod configuration;
#[path = "../../../fuzz/harness/harm.rs"]
mod harm;

#[test]
fn any_configuration_is_read_or_refused() {
    let files = corpus("configuration");
    files.iter().for_each(|bytes| configuration::check(bytes));
    let longest = files.iter().max_by_key(|bytes| bytes.len());
    harmed(longest.expect("there are files")).for_each(|bytes| configuration::check(&bytes));
}
