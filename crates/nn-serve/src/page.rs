//! The page's files, which are part of the program.

use hyper::StatusCode;

use super::app::App;
use super::reply::{Refusal, Reply};

/// Where the token goes.
const TOKEN: &str = "{{token}}";

const INDEX: &str = include_str!("page/index.html");

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// One file.
#[derive(Debug)]
pub(super) struct File {
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

/// Every file but the page itself.
static FILES: [File; 16] = [
    file!("style.css", CSS),
    file!("icon.svg", "image/svg+xml"),
    file!("main.js", JS),
    file!("api.js", JS),
    file!("dom.js", JS),
    file!("chart.js", JS),
    file!("pictures.js", JS),
    file!("form.js", JS),
    file!("shell.js", JS),
    file!("networks.js", JS),
    file!("sheet.js", JS),
    file!("panel.js", JS),
    file!("draw.js", JS),
    file!("train.js", JS),
    file!("compare.js", JS),
    file!("inside.js", JS),
];

/// The page with its own token, which its requests for changes carry.
pub(super) fn index(app: &App, _body: &[u8]) -> Result<Reply, Refusal> {
    let html = INDEX.replace(TOKEN, app.gate.token());
    Ok(Reply::page(StatusCode::OK, html))
}

/// The address of every file.
#[cfg(test)]
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|file| file.path)
}

/// The file at an address.
pub(super) fn find(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

impl File {
    pub(super) fn reply(&self) -> Reply {
        Reply::asset(self.kind, self.bytes)
    }
}
