//! Requests that other web pages have a browser send: refused. Who may ask at
//! all is decided by `access`, between the two checks of this file.
//!
//! | against | check |
//! |---|---|
//! | DNS rebinding (a foreign name made to point to this machine) | `Host`, exactly once, is a loopback name with our port; on every method |
//! | requests that other pages send | what changes something is a POST of `application/json` with the page's own token, which stands in the page, and no foreign `Origin` |
//! | large bodies | 64 KiB |

use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, ORIGIN};
use hyper::{StatusCode, Uri};

use super::reply::{Refusal, Reply};
use super::secret::Secret;
use nn_train::Result;

/// Largest body.
pub(super) const MAX_BODY: usize = 64 << 10;

/// Header with the token.
const TOKEN: &str = "nn-token";

/// What is let in.
#[derive(Debug)]
pub(super) struct Gate {
    hosts: [String; 3],
    token: Secret,
}

impl Gate {
    /// For a server on this port, with a token that nobody can guess.
    pub(super) fn new(port: u16) -> Result<Self> {
        Ok(Self {
            hosts: ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}")),
            token: Secret::random()?,
        })
    }

    /// The page's own token, for the page alone.
    pub(super) fn token(&self) -> &str {
        self.token.text()
    }

    /// Whether a request is meant for this server.
    pub(super) fn check_host(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
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
            "this server answers to its loopback address alone",
            "open the address that `nn serve` printed",
        ))
    }

    /// Whether a request that changes something comes from our page.
    pub(super) fn check_change(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let is_ours = |origin: &str| {
            let host = origin.strip_prefix("http://");
            host.is_some_and(|host| self.hosts.iter().any(|ours| ours == host))
        };
        let n_origins = headers.get_all(ORIGIN).iter().count();
        if n_origins > 1 || !text(ORIGIN.as_str()).is_none_or(is_ours) {
            return Err(forbidden("the request comes from another page"));
        }
        let token = headers.get(TOKEN).map(|token| token.as_bytes());
        if !token.is_some_and(|token| self.token.is(token)) {
            return Err(forbidden("the page's token is missing, or an older one"));
        }
        let content_type = text(CONTENT_TYPE.as_str()).unwrap_or_default();
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Reply::refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "expected application/json",
                "send JSON, and say so",
            ));
        }
        check_length(headers)
    }
}

/// The body is too large.
pub(super) fn too_large() -> Refusal {
    Reply::refuse(
        StatusCode::PAYLOAD_TOO_LARGE,
        &format!("expected a body of at most {MAX_BODY} bytes"),
        "send less",
    )
}

/// Refuses what says itself that it is too large; the rest is counted as it
/// comes in.
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
        let gate = Gate::new(8784).expect("random numbers");
        let mut headers = HeaderMap::new();
        for host in hosts {
            let host = HeaderValue::from_str(host).expect("a header");
            headers.append(HOST, host);
        }
        let checked = gate.check_host(&Uri::from_static("/"), &headers);
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
        let gate = Gate::new(8784).expect("random numbers");
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost:8784"));
        let foreign = Uri::from_static("http://evil.example/");
        assert!(gate.check_host(&foreign, &headers).is_err());
        let ours = Uri::from_static("http://127.0.0.1:8784/");
        assert!(gate.check_host(&ours, &headers).is_ok());
    }

    #[test]
    fn changes_need_our_origin_token_and_type() {
        let gate = Gate::new(8784).expect("random numbers");
        let token = gate.token().to_owned();
        let status = |entries: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in entries {
                headers.append(*name, HeaderValue::from_str(value).expect("a header"));
            }
            let checked = gate.check_change(&headers);
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
        assert_eq!(status(&[good, json, ("content-length", "65537")]), 413);
    }
}
