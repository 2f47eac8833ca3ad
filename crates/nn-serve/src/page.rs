//! The files of the page, which are part of the program.

use hyper::StatusCode;

use crate::app::App;
use crate::reply::{Refusal, Reply};

/// The placeholder of the token.
const TOKEN: &str = "{{token}}";

const INDEX: &str = include_str!("page/index.html");

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// A file of the page.
#[derive(Debug)]
pub(crate) struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! file {
    ($name:literal, $kind:expr) => {
        File {
            path: concat!("/", $name),
            kind: $kind,
            bytes: include_bytes!(concat!("page/", $name)),
        }
    };
}

/// All files except `index.html`.
static FILES: &[File] = &[
    file!("style.css", CSS),
    file!("icon.svg", "image/svg+xml"),
    file!("main.js", JS),
    file!("api.js", JS),
    file!("dom.js", JS),
    file!("chart.js", JS),
    file!("pictures.js", JS),
    file!("form.js", JS),
    file!("shell.js", JS),
    file!("session.js", JS),
    file!("networks.js", JS),
    file!("download.js", JS),
    file!("sheet.js", JS),
    file!("panel.js", JS),
    file!("draw.js", JS),
    file!("train.js", JS),
    file!("diagnosis.js", JS),
    file!("compare.js", JS),
    file!("inside.js", JS),
];

/// `GET /`: the page with its token, which its requests for changes carry.
pub(crate) fn index(app: &App, _body: &[u8]) -> Result<Reply, Refusal> {
    let html = INDEX.replace(TOKEN, app.guard.token());
    Ok(Reply::page(StatusCode::OK, html))
}

/// The paths of all files.
#[cfg(test)]
pub(crate) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.path)
}

/// The file at a path.
pub(crate) fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

impl File {
    /// The response with this file.
    pub(crate) fn reply(&self) -> Reply {
        Reply::file(self.kind, self.bytes)
    }
}
