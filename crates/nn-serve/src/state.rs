//! `GET /api/state`: the initial state of the page.

use nn_data::catalog;
use nn_train::data::{GLYPHS, default_name};
use serde_json::{Value, json};

use crate::app::App;
use crate::flag_list::flag_list;
use crate::model_inputs::ModelInputs;
use crate::networks::NamedNetwork;
use crate::reply::{Refusal, Reply};
use crate::snapshot::Snapshot;

/// The network that the page trains first if there is none to draw for. It takes a second
/// or two and has an accuracy well above 95 % on the test digits of MNIST.
const STARTER: &str = "--hidden 128 --epochs 3";

/// The same for the built-in digits, which vary more and have to be generated first: an
/// accuracy of about 93 % on the test digits of MNIST.
const GLYPHS_STARTER: &str = "--data glyphs --limit-train 40000 --hidden 128 --epochs 3";

/// Responds with the initial state of the page.
pub(crate) fn state(app: &App, _body: &[u8]) -> Result<Reply, Refusal> {
    let data_dir = app.datasets.data_dir();
    let present = catalog::ALL
        .iter()
        .filter(|source| source.is_present(data_dir))
        .map(|source| source.name);
    let data: Vec<&str> = present.chain([GLYPHS]).collect();
    let starter = match default_name(data_dir) {
        GLYPHS => GLYPHS_STARTER,
        _ => STARTER,
    };
    Ok(Reply::json(&json!({
        "program": app.program,
        "version": env!("CARGO_PKG_VERSION"),
        "opened": app.networks.opened().map(NamedNetwork::describe),
        "runs": app.networks.runs(),
        "data": data,
        "starter": starter.split(' ').collect::<Vec<_>>(),
        "flags": flag_list(),
        "session": app.snapshot().map(|snapshot| session(&snapshot)),
    })))
}

/// The network in training, or trained last.
fn session(snapshot: &Snapshot) -> Value {
    let networks = snapshot.networks.get();
    let first = networks.as_ref().and_then(|networks| networks.first());
    json!({
        "reads_drawings": first.is_some_and(|model| ModelInputs::of(model).are_drawings()),
    })
}
