//! `GET /api/state`: what the page shows at its start.

use nn_data::catalog;
use serde_json::json;

use crate::terminal;
use nn_train::data::{self, GLYPHS};

use super::app::App;
use super::description;
use super::networks::Named;
use super::reply::{Refusal, Reply};

/// The network to train first, where there is none to draw for: it takes a second
/// or two and has an accuracy well above 95 % on MNIST's test digits.
const STARTER: &str = "--hidden 128 --epochs 3";

/// The same for the built-in digits, which vary more and have to be drawn first:
/// an accuracy of about 93 % on MNIST's test digits.
const GLYPHS_STARTER: &str = "--data glyphs --limit-train 40000 --hidden 128 --epochs 3";

/// Answers with everything that the page needs at its start.
pub(super) fn state(app: &App, _body: &[u8]) -> Result<Reply, Refusal> {
    let data_dir = app.datasets.data_dir();
    let present = catalog::ALL
        .iter()
        .filter(|source| source.is_present(data_dir))
        .map(|source| source.name);
    let data: Vec<&str> = present.chain([GLYPHS]).collect();
    let starter = match data::default_name(data_dir) {
        GLYPHS => GLYPHS_STARTER,
        _ => STARTER,
    };
    Ok(Reply::json(&json!({
        "program": terminal::program(),
        "version": env!("CARGO_PKG_VERSION"),
        "opened": app.networks.opened().map(Named::describe),
        "runs": app.networks.runs(),
        "data": data,
        "starter": starter.split(' ').collect::<Vec<_>>(),
        "flags": description::flags(),
        "has_session": app.session().is_some(),
    })))
}
