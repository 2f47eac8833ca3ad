//! Bodies of requests.

use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::reply::{Refusal, Reply};

/// Parses a body as JSON.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let status = match error.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        Reply::refuse(status, &error.to_string(), "reload the page")
    })
}
