//! What goes back to the browser, and the headers that go with all of it.

use http_body_util::{Either, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::event_stream::EventStream;
use nn_train::{Error, ErrorKind};

/// Scripts, styles and requests of this page alone; nothing inline.
const POLICY: &str =
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A whole answer, or events that go on.
pub(super) type Body = Either<Full<Bytes>, EventStream>;

/// An answer before its headers.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    content_type: &'static str,
    bytes: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Why a request is not done.
pub(super) type Refusal = Reply;

impl Reply {
    /// An asset.
    pub(super) fn asset(content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type,
            bytes: bytes.into(),
            headers: Vec::new(),
        }
    }

    /// A page of the browser's.
    pub(super) fn page(status: StatusCode, html: String) -> Self {
        Self {
            status,
            ..Self::asset("text/html; charset=utf-8", html)
        }
    }

    /// Nothing but a status and headers.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            status,
            ..Self::asset("text/plain; charset=utf-8", "")
        }
    }

    /// With a header more.
    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A value as JSON.
    pub(super) fn json(value: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(value).expect("answers are plain JSON");
        Self::asset("application/json", bytes)
    }

    /// A refusal in words.
    pub(super) fn refuse(status: StatusCode, error: &str, help: &str) -> Refusal {
        Self {
            status,
            ..Self::json(&json!({ "error": error, "help": help }))
        }
    }

    /// The path is there, the method is not.
    pub(super) fn not_allowed(allow: &'static str) -> Refusal {
        let refusal = Self::refuse(
            StatusCode::METHOD_NOT_ALLOWED,
            "this address is not asked like that",
            "see the Allow header",
        );
        refusal.with_header(ALLOW, HeaderValue::from_static(allow))
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Either::Left(Full::new(self.bytes)));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        with_headers(response, self.content_type)
    }
}

/// Events, as the browser's `EventSource` reads them.
pub(super) fn events(events: EventStream) -> Response<Body> {
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
    fn from(failure: Error) -> Self {
        let status = match failure.kind() {
            ErrorKind::Usage | ErrorKind::Data | ErrorKind::Diverged => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::refuse(status, failure.to_string(), failure.advice())
    }
}

impl From<nn_core::Error> for Refusal {
    fn from(error: nn_core::Error) -> Self {
        Error::from(error).into()
    }
}
