//! What can be asked for. A path is known or it is not: no file is looked for.

use hyper::Method;

use super::app::App;
use super::reply::{Refusal, Reply};
use super::{control, drawing, inside, page, sample, state};

/// One address.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) handler: Handler,
}

/// How an address is answered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handler {
    /// GET: changes nothing.
    Look(fn(&App, &[u8]) -> Result<Reply, Refusal>),
    /// GET: a file of the page.
    File(&'static page::File),
    /// POST: what our page alone may do.
    Change(fn(&App, &[u8]) -> Result<Reply, Refusal>),
    /// GET: events that go on.
    Events,
}

use Handler::{Change, Events, File, Look};

/// Every address but those of the page's files.
pub(super) static ROUTES: &[Route] = &[
    route("/", Look(page::index)),
    route("/api/state", Look(state::state)),
    route("/api/events", Events),
    route("/api/predict", Change(drawing::predict)),
    route("/api/sample", Change(sample::sample)),
    route("/api/trace", Change(inside::trace)),
    route("/api/check", Change(control::check)),
    route("/api/start", Change(control::start)),
    route("/api/control", Change(control::control)),
    route("/api/save", Change(control::save)),
];

const fn route(path: &'static str, handler: Handler) -> Route {
    Route { path, handler }
}

/// Who answers a request.
pub(super) fn find(routes: &[Route], method: &Method, path: &str) -> Result<Handler, Refusal> {
    let route = routes.iter().find(|route| route.path == path);
    let handler = route
        .map(|route| route.handler)
        .or_else(|| page::find(path).map(File));
    let Some(handler) = handler else {
        return Err(Reply::refuse(
            hyper::StatusCode::NOT_FOUND,
            "there is nothing at this address",
            "open the address that `nn serve` printed",
        ));
    };
    match handler {
        Change(_) if method == Method::POST => Ok(handler),
        Look(_) | File(_) if method == Method::GET || method == Method::HEAD => Ok(handler),
        Events if method == Method::GET => Ok(handler),
        Change(_) => Err(Reply::not_allowed("POST")),
        Look(_) | File(_) => Err(Reply::not_allowed("GET, HEAD")),
        Events => Err(Reply::not_allowed("GET")),
    }
}
