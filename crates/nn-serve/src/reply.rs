//! HTTP responses, and the headers that every response has.

use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use nn_train::{Error, ErrorKind};
use serde::Serialize;

use crate::event_stream::EventStream;
use crate::page_error::PageError;

/// Allows scripts, styles and requests of this server only, and nothing inline.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A complete body, or a stream of events.
pub(crate) type Body = Either<Full<Bytes>, EventStream>;

/// A response with a complete body.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    bytes: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A response that says why a request is refused.
pub(crate) type Refusal = Reply;

impl Reply {
    /// A file with status 200.
    pub(crate) fn file(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            bytes: bytes.into(),
            headers: Vec::new(),
        }
    }

    /// A page of HTML.
    pub(crate) fn page(status: StatusCode, html: String) -> Self {
        Self::file("text/html; charset=utf-8", html).with_status(status)
    }

    /// A response without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::file("text/plain; charset=utf-8", "").with_status(status)
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same response with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// A value as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(value).expect("responses are plain JSON");
        Self::file("application/json", bytes)
    }

    /// A refusal with an error and a hint.
    pub(crate) fn refuse(status: StatusCode, error: &str, help: &str) -> Refusal {
        Self::error(status, &PageError::new(error, help))
    }

    fn error(status: StatusCode, error: &PageError) -> Refusal {
        Self::json(error).with_status(status)
    }

    /// A refusal of the method: the path has these methods.
    pub(crate) fn not_allowed(allow: &'static str) -> Refusal {
        let refusal = Self::refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            &format!("method not allowed (use {allow})"),
            "reload the page",
        );
        refusal.with_header(ALLOW, HeaderValue::from_static(allow))
    }

    /// The response with its headers.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Either::Left(Full::new(self.bytes)));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        with_headers(response, self.content_type)
    }
}

/// A response with events, as the browser's `EventSource` reads them.
pub(crate) fn events(events: EventStream) -> Response<Body> {
    with_headers(Response::new(Either::Right(events)), "text/event-stream")
}

fn with_headers(mut response: Response<Body>, content_type: &'static str) -> Response<Body> {
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Usage | ErrorKind::Data | ErrorKind::Diverged => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::error(status, &PageError::from(&error))
    }
}

impl From<nn_core::Error> for Refusal {
    fn from(error: nn_core::Error) -> Self {
        Error::from(error).into()
    }
}
