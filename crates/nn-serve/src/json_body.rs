//! Request bodies in JSON.

use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::reply::{Refusal, Reply};

/// Parses a request body: status 400 if it is not JSON, 422 if it is not a `T`.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let status = match error.classify() {
            Category::Data => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::BAD_REQUEST,
        };
        Reply::refuse(status, &error.to_string(), "reload the page")
    })
}
