//! Protection against requests that other web pages make the browser send (cross-site
//! request forgery, DNS rebinding). `access` checks who may send requests.
//!
//! | attack | check |
//! |---|---|
//! | DNS rebinding (a foreign host name that resolves to this machine) | a request with any method has exactly one `Host` header, a loopback name with the port of this server |
//! | cross-site requests | a request that changes something is a POST of `application/json` with the token of the page and without a foreign `Origin` |
//! | large bodies | a body has at most 64 KiB |

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use hyper::{StatusCode, Uri};

use crate::reply::{Refusal, Reply};
use crate::secret::Secret;
use nn_train::Result;

/// Largest body, in bytes.
pub(crate) const MAX_BODY: usize = 64 << 10;

/// The header with the token of the page.
const TOKEN: &str = "nn-token";

/// The hosts and the token that requests must name.
#[derive(Debug)]
pub(crate) struct Guard {
    hosts: [String; 3],
    token: Secret,
}

impl Guard {
    /// The guard of a server on this port, with a random token.
    pub(crate) fn new(port: u16) -> Result<Self> {
        Ok(Self {
            hosts: ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")),
            token: Secret::random()?,
        })
    }

    /// The token in the page.
    pub(crate) fn token(&self) -> &str {
        self.token.text()
    }

    /// Refuses a request for another host.
    pub(crate) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(Reply::refuse(
                StatusCode::BAD_REQUEST,
                "expected one Host header",
                "open the address that `nn serve` printed",
            ));
        };
        let named = uri.authority().map(|authority| authority.as_str());
        let is_ours = |name: &str| {
            self.hosts
                .iter()
                .any(|ours| ours.eq_ignore_ascii_case(name))
        };
        if host.to_str().is_ok_and(is_ours) && named.is_none_or(is_ours) {
            return Ok(());
        }
        Err(Reply::refuse(
            StatusCode::FORBIDDEN,
            "this server answers at its loopback address only",
            "open the address that `nn serve` printed",
        ))
    }

    /// Refuses a request for a change that does not come from the page.
    pub(crate) fn check_change(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let is_ours = |origin: &str| {
            let host = origin.strip_prefix("http://");
            host.is_some_and(|host| self.hosts.iter().any(|ours| ours == host))
        };
        let n_origins = headers.get_all(ORIGIN).iter().count();
        if n_origins > 1 || !text(ORIGIN.as_str()).is_none_or(is_ours) {
            return Err(forbidden("the request comes from another web page"));
        }
        let token = headers.get(TOKEN).map(|token| token.as_bytes());
        if !token.is_some_and(|token| self.token.is(token)) {
            return Err(forbidden("the token of the page is missing or outdated"));
        }
        let content_type = text(CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Reply::refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "expected application/json",
                "send JSON with this content type",
            ));
        }
        check_length(headers)
    }
}

/// The refusal of a body that is too large.
pub(crate) fn too_large() -> Refusal {
    Reply::refuse(
        StatusCode::PAYLOAD_TOO_LARGE,
        &format!("expected a body of at most {MAX_BODY} bytes"),
        "send a smaller body",
    )
}

/// Refuses a body whose declared length is too large. Other bodies are measured while
/// they are read.
fn check_length(headers: &HeaderMap) -> Result<(), Refusal> {
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    match length {
        Some(length) if length > MAX_BODY as u64 => Err(too_large()),
        _ => Ok(()),
    }
}

fn forbidden(error: &str) -> Refusal {
    Reply::refuse(StatusCode::FORBIDDEN, error, "reload the page")
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn status_of_hosts(hosts: &[&str]) -> Result<(), StatusCode> {
        let guard = Guard::new(8784).expect("random numbers");
        let mut headers = HeaderMap::new();
        for host in hosts {
            let host = HeaderValue::from_str(host).expect("a header");
            headers.append(HOST, host);
        }
        let checked = guard.check_host(&Uri::from_static("/"), &headers);
        checked.map_err(|refusal| refusal.into_response().status())
    }

    #[test]
    fn only_loopback_names_with_our_port_are_answered() {
        for host in [
            "127.0.0.1:8784",
            "localhost:8784",
            "LOCALHOST:8784",
            "[::1]:8784",
        ] {
            assert_eq!(status_of_hosts(&[host]), Ok(()), "{host}");
        }
        for host in [
            "",
            "localhost",
            "127.0.0.1",
            "127.0.0.1:8785",
            "127.0.0.1:80",
            "127.0.0.2:8784",
            "0.0.0.0:8784",
            "::1:8784",
            "evil.example:8784",
            "localhost.evil.example:8784",
            "evil.example#localhost:8784",
            "user@localhost:8784",
            "localhost:8784.evil.example",
            "localhost:8784 ",
            "localhost:08784",
            "localhost:8784,evil.example",
            "127.1:8784",
            "2130706433:8784",
            "localhost.:8784",
            "[::ffff:127.0.0.1]:8784",
        ] {
            assert_eq!(
                status_of_hosts(&[host]),
                Err(StatusCode::FORBIDDEN),
                "{host}"
            );
        }
        let ours = "localhost:8784";
        for hosts in [&[][..], &[ours, ours], &[ours, "evil.example"]] {
            assert_eq!(status_of_hosts(hosts), Err(StatusCode::BAD_REQUEST));
        }
    }

    #[test]
    fn a_foreign_target_is_not_answered() {
        let guard = Guard::new(8784).expect("random numbers");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:8784"));
        let foreign = Uri::from_static("http://evil.example/");
        assert!(guard.check_host(&foreign, &headers).is_err());
        let ours = Uri::from_static("http://127.0.0.1:8784/");
        assert!(guard.check_host(&ours, &headers).is_ok());
    }

    #[test]
    fn changes_need_our_origin_token_and_type() {
        let guard = Guard::new(8784).expect("random numbers");
        let token = guard.token().to_owned();
        let status = |entries: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in entries {
                headers.append(*name, HeaderValue::from_str(value).expect("a header"));
            }
            let checked = guard.check_change(&headers);
            checked.map_or_else(
                |refusal| refusal.into_response().status().as_u16(),
                |()| 200,
            )
        };
        let json = ("content-type", "application/json");
        let good = ("nn-token", token.as_str());
        let ours = ("origin", "http://127.0.0.1:8784");
        assert_eq!(status(&[json, good]), 200);
        assert_eq!(status(&[json, good, ours]), 200);
        assert_eq!(status(&[json, ours]), 403);
        assert_eq!(status(&[json, ("nn-token", &token[1..])]), 403);
        let reversed: String = token.chars().rev().collect();
        assert_eq!(status(&[json, ("nn-token", &reversed)]), 403);
        assert_eq!(status(&[json, good, ("origin", "null")]), 403);
        assert_eq!(
            status(&[json, good, ("origin", "https://127.0.0.1:8784")]),
            403
        );
        assert_eq!(
            status(&[json, good, ("origin", "http://evil.example")]),
            403
        );
        assert_eq!(
            status(&[json, good, ours, ("origin", "http://evil.example")]),
            403
        );
        assert_eq!(status(&[good]), 415);
        assert_eq!(status(&[good, ("content-type", "text/plain")]), 415);
        assert_eq!(status(&[good, json, ("content-length", "65536")]), 200);
        assert_eq!(status(&[good, json, ("content-length", "65537")]), 413);
    }
}
