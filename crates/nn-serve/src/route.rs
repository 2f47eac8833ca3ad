//! The routes: every path with its method and handler.

use hyper::{Method, StatusCode};

use crate::app::App;
use crate::reply::{Refusal, Reply};
use crate::{control, diagnosis, drawing, export, page, sample, state, trace};

/// A path and its handler.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) handler: Handler,
}

/// A path and its handler.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handler {
    /// GET of a value; changes nothing.
    Get(fn(&App, &[u8]) -> Result<Reply, Refusal>),
    /// GET of a file of the page.
    File(&'static page::File),
    /// POST of JSON, which only the page may do.
    Post(fn(&App, &[u8]) -> Result<Reply, Refusal>),
    /// GET of a stream of events.
    Events,
}

use Handler::{Events, File, Get, Post};

/// All routes except those of the files.
pub(crate) static ROUTES: &[Route] = &[
    route("/", Get(page::index)),
    route("/api/state", Get(state::state)),
    route("/api/events", Events),
    route("/api/predict", Post(drawing::predict)),
    route("/api/sample", Post(sample::sample)),
    route("/api/trace", Post(trace::trace)),
    route("/api/check", Post(control::check)),
    route("/api/start", Post(control::start)),
    route("/api/control", Post(control::control)),
    route("/api/save", Post(control::save)),
    route("/api/diagnose", Post(diagnosis::diagnose)),
    route("/api/export", Post(export::export)),
];

const fn route(path: &'static str, handler: Handler) -> Route {
    Route { path, handler }
}

/// The handler of a request.
///
/// # Errors
/// Status 404 for an unknown path, 405 for another method.
pub(crate) fn find(routes: &[Route], method: &Method, path: &str) -> Result<Handler, Refusal> {
    let route = routes.iter().find(|route| route.path == path);
    let handler = route
        .map(|route| route.handler)
        .or_else(|| page::find(path).map(File));
    let Some(handler) = handler else {
        return Err(Reply::refuse(
            StatusCode::NOT_FOUND,
            "there is no page at this address",
            "open the address that `nn serve` printed",
        ));
    };
    match handler {
        Post(_) if method == Method::POST => Ok(handler),
        Get(_) | File(_) if method == Method::GET || method == Method::HEAD => Ok(handler),
        Events if method == Method::GET => Ok(handler),
        Post(_) => Err(Reply::not_allowed("POST")),
        Get(_) | File(_) => Err(Reply::not_allowed("GET, HEAD")),
        Events => Err(Reply::not_allowed("GET")),
    }
}
