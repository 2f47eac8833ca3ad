//! Authorization: requests without the access token from the printed address get status
//! 401.
//!
//! Every account of a machine can connect to its loopback address, and the server reads
//! files with the rights of the account that started it. So the address that `nn serve`
//! prints contains a token, as Jupyter's does. Opening the address sets a cookie, which the
//! browser sends with every later request.
//!
//! | measure | reason |
//! |---|---|
//! | the name of the cookie contains the port | a browser sends a cookie to all ports of a host, so two servers could overwrite each other's cookie |
//! | `HttpOnly`, `SameSite=Lax` | scripts cannot read the cookie; a request from another site contains the cookie only if the user follows a link, and a GET request changes nothing |
//! | redirect (303) to the address without the token | the token stays out of the history and of copied addresses |

use std::sync::atomic::{AtomicBool, Ordering};

use hyper::header::{COOKIE, HeaderMap, HeaderValue, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, Uri};

use crate::reply::{Refusal, Reply};
use crate::secret::Secret;
use nn_train::Result;

/// The query parameter with the token.
const TOKEN: &str = "token";

const PAGE: &str = include_str!("page/unauthorized.html");

/// The token that requests need.
#[derive(Debug)]
pub(crate) struct Access {
    port: u16,
    secret: Secret,
    was_opened: AtomicBool,
}

impl Access {
    /// Access to a server on this port, with a random token.
    pub(crate) fn new(port: u16) -> Result<Self> {
        Ok(Self {
            port,
            secret: Secret::random()?,
            was_opened: AtomicBool::new(false),
        })
    }

    /// The address with the token, for the user who started the server only.
    pub(crate) fn address(&self) -> String {
        let (port, secret) = (self.port, self.secret.text());
        format!("http://127.0.0.1:{port}/?{TOKEN}={secret}")
    }

    /// Whether the address with the token has been opened.
    pub(crate) fn was_opened(&self) -> bool {
        self.was_opened.load(Ordering::Relaxed)
    }

    /// Accepts a request with the token or the cookie. Opening the address with the
    /// token is answered here, by a redirect that sets the cookie.
    ///
    /// # Errors
    /// Status 401 for every other request.
    pub(crate) fn check(&self, request: &Parts) -> Result<Option<Reply>, Refusal> {
        let (uri, headers) = (&request.uri, &request.headers);
        let has_token = tokens(uri).any(|token| self.secret.is(token.as_bytes()));
        let has_cookie = self.cookies(headers).any(|value| self.secret.is(value));
        if !has_token && !has_cookie {
            return Err(self.refuse(uri, headers));
        }
        let is_read = request.method == Method::GET || request.method == Method::HEAD;
        if uri.path() != "/" || !is_read || tokens(uri).next().is_none() {
            return Ok(None);
        }
        self.was_opened.store(true, Ordering::Relaxed);
        Ok(Some(self.redirect(uri)))
    }

    /// A redirect to the page, with the query except the token. (The browser keeps the
    /// fragment after `#`.)
    fn redirect(&self, uri: &Uri) -> Reply {
        let (name, secret) = (self.cookie_name(), self.secret.text());
        let cookie = format!("{name}={secret}; HttpOnly; SameSite=Lax; Path=/");
        let rest: Vec<&str> = parameters(uri)
            .filter(|(name, _)| *name != TOKEN)
            .map(|(_, whole)| whole)
            .collect();
        let location = match rest.join("&") {
            rest if rest.is_empty() => "/".to_owned(),
            rest => format!("/?{rest}"),
        };
        // A query that is not a valid header is left out.
        let header = |text: String| HeaderValue::from_bytes(text.as_bytes());
        let start = HeaderValue::from_static("/");
        Reply::empty(StatusCode::SEE_OTHER)
            .with_header(SET_COOKIE, header(cookie).expect("digits and ASCII"))
            .with_header(LOCATION, header(location).unwrap_or(start))
    }

    fn refuse(&self, uri: &Uri, headers: &HeaderMap) -> Refusal {
        let error = if tokens(uri).next().is_some() {
            "the token in this address is not the token of this server"
        } else if self.cookies(headers).next().is_some() {
            "the server was restarted after this page was opened"
        } else {
            "this request has no token"
        };
        let help = "open the address with `?token=` that `nn serve` printed in its terminal";
        let refusal = if uri.path().starts_with("/api/") {
            Reply::refuse(StatusCode::UNAUTHORIZED, error, help)
        } else {
            Reply::page(StatusCode::UNAUTHORIZED, PAGE.replace("{{error}}", error))
        };
        // RFC 9110, section 15.5.2, requires a scheme; browsers show no dialog for an
        // unknown one.
        refusal.with_header(WWW_AUTHENTICATE, HeaderValue::from_static("nn-token"))
    }

    fn cookie_name(&self) -> String {
        format!("nn-{}", self.port)
    }

    /// The values of our cookie.
    fn cookies<'a>(&self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        let name = self.cookie_name();
        let all = headers.get_all(COOKIE).iter();
        let pairs = all.flat_map(|header| header.as_bytes().split(|&byte| byte == b';'));
        pairs.filter_map(move |pair| {
            let pair = pair.trim_ascii().strip_prefix(name.as_bytes())?;
            pair.strip_prefix(b"=")
        })
    }
}

/// The parameters of the query: each name, and the whole `name=value`.
fn parameters(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    let all = uri.query().unwrap_or_default().split('&');
    all.map(|whole| (whole.split('=').next().unwrap_or_default(), whole))
}

fn tokens(uri: &Uri) -> impl Iterator<Item = &str> {
    parameters(uri)
        .filter(|(name, _)| *name == TOKEN)
        .map(|(_, whole)| whole.split_once('=').map_or("", |(_, token)| token))
}
