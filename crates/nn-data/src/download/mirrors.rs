//! Downloads from mirrors, one after the other, with retries.

use std::io::{self, Read};
use std::iter;
use std::path::Path;
use std::thread;
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, DATE, HeaderName, RANGE, RETRY_AFTER,
};
use reqwest::{StatusCode, Url, redirect};

use super::limits::Limits;
use super::partial::{Partial, Verdict};
use super::progress::Progress;
use super::speed::Speed;
use super::{pause, tls};
use crate::catalog::RemoteFile;
use crate::error::{Attempt, Error, MirrorFailure, Result};

/// Servers with the same files, in order of preference.
pub(super) struct Mirrors<'a> {
    limits: &'a Limits,
    client: Client,
    folders: Vec<Url>,
}

impl<'a> Mirrors<'a> {
    pub(super) fn new(limits: &'a Limits, addresses: &[&str]) -> Result<Self> {
        let folders = addresses
            .iter()
            .map(|address| folder_url(address, limits.local_http))
            .collect::<Result<_>>()?;
        Ok(Self {
            limits,
            client: client(limits, limits.local_http)?,
            folders,
        })
    }

    /// A single server at `address`, which may be on this machine.
    pub(super) fn named_by_user(limits: &'a Limits, address: &str) -> Result<Self> {
        let folder = folder_url(address, true)?;
        Ok(Self {
            limits,
            client: client(limits, folder.scheme() == "http")?,
            folders: vec![folder],
        })
    }

    /// Downloads a file into `folder`.
    pub(super) fn bring(
        &self,
        remote: &RemoteFile,
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        let mut partial = Partial::open(remote, folder)?;
        if partial.is_complete() && matches!(partial.place()?, Verdict::Placed) {
            return Ok(());
        }
        let mut attempts = Vec::new();
        for mirror in &self.folders {
            let url = file_url(mirror, remote.name)?;
            let download = Download {
                limits: self.limits,
                client: &self.client,
                url: &url,
                remote,
            };
            match download.run(&mut partial, progress) {
                Ok(()) => return Ok(()),
                Err(Stop::Local(error)) => return Err(error),
                Err(Stop::Mirror { failure, .. }) => {
                    let url = url.to_string();
                    progress(Progress::GivenUp {
                        url: &url,
                        failure: &failure,
                    });
                    attempts.push(Attempt { url, failure });
                }
            }
        }
        let destination = partial.destination().to_owned();
        partial.leave()?;
        Err(Error::DownloadFailed {
            file: remote.name,
            destination,
            sha256: remote.sha256,
            attempts,
        })
    }
}

fn folder_url(address: &str, local_http: bool) -> Result<Url> {
    let with_slash = format!("{}/", address.trim_end_matches('/'));
    match Url::parse(&with_slash) {
        Ok(url) if is_safe(&url, local_http) => Ok(url),
        _ => Err(Error::InvalidMirror {
            url: address.to_owned(),
        }),
    }
}

fn file_url(folder: &Url, name: &str) -> Result<Url> {
    folder.join(name).map_err(|_| Error::InvalidMirror {
        url: format!("{folder}{name}"),
    })
}

/// Returns `true` if `url` uses HTTPS, or HTTP on this machine where it is allowed.
fn is_safe(url: &Url, local_http: bool) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => local_http && is_local(url),
        _ => false,
    }
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn client(limits: &Limits, local_http: bool) -> Result<Client> {
    tls::ensure_provider()?;
    let most = limits.redirects;
    let policy = redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > most {
            attempt.error(format!("more than {most} times"))
        } else if is_safe(attempt.url(), local_http) {
            attempt.follow()
        } else {
            let message = format!("to {}, which does not use HTTPS", attempt.url());
            attempt.error(message)
        }
    });
    let mut builder = Client::builder()
        .user_agent(concat!("nn-data/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(limits.connect)
        .timeout(limits.window)
        .https_only(!local_http)
        .referer(false)
        .redirect(policy);
    if local_http {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|source| Error::SecureConnection {
        source: source.into(),
    })
}

/// Why a download stopped early.
enum Stop {
    /// The local disk failed: no other mirror would help.
    Local(Error),
    /// The mirror failed.
    Mirror {
        failure: MirrorFailure,
        retry: Retry,
    },
}

/// Whether to repeat the request to the same mirror.
enum Retry {
    Never,
    /// After the pause that the server requests, or the default one.
    Later(Option<Duration>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

fn give_up(failure: MirrorFailure) -> Stop {
    Stop::Mirror {
        failure,
        retry: Retry::Never,
    }
}

fn try_again(failure: MirrorFailure) -> Stop {
    Stop::Mirror {
        failure,
        retry: Retry::Later(None),
    }
}

/// One file from one mirror.
struct Download<'a> {
    limits: &'a Limits,
    client: &'a Client,
    url: &'a Url,
    remote: &'a RemoteFile,
}

impl Download<'_> {
    /// Repeats the request until the file is verified or the mirror is given up.
    fn run(
        &self,
        partial: &mut Partial<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Stop> {
        let mut pauses = self.limits.pauses.iter().copied();
        loop {
            let (failure, requested) = match self.ask(partial, progress) {
                Err(Stop::Mirror {
                    failure,
                    retry: Retry::Later(requested),
                }) => (failure, requested),
                settled => return settled,
            };
            let Some(default) = pauses.next() else {
                return Err(give_up(failure));
            };
            let pause = requested.unwrap_or_else(|| pause::jittered(default, self.limits.jitter));
            progress(Progress::Retrying {
                url: self.url.as_str(),
                failure: &failure,
                pause,
            });
            thread::sleep(pause);
        }
    }

    /// Requests the missing bytes and verifies the file.
    fn ask(
        &self,
        partial: &mut Partial<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Stop> {
        progress(Progress::Started {
            file: self.remote.name,
            from: self.url.as_str(),
            bytes: partial.length(),
            size: self.remote.size,
        });
        let response = self.request(partial.length())?;
        self.accept(&response, partial)?;
        let resumed_at = partial.length();
        self.receive(response, partial, progress)?;
        match partial.place()? {
            Verdict::Placed => Ok(()),
            Verdict::Rejected { sha256 } => {
                let failure = MirrorFailure::Checksum {
                    expected: self.remote.sha256,
                    found: sha256,
                };
                // The wrong bytes may come from a different mirror.
                Err(if resumed_at > 0 {
                    try_again(failure)
                } else {
                    give_up(failure)
                })
            }
        }
    }

    fn request(&self, start: u64) -> Result<Response, Stop> {
        let mut request = self
            .client
            .get(self.url.clone())
            .header(ACCEPT_ENCODING, "identity");
        if start > 0 {
            request = request.header(RANGE, format!("bytes={start}-"));
        }
        request.send().map_err(|error| no_answer(&error))
    }

    /// Checks that the response is the rest of the file, or the whole file.
    fn accept(&self, response: &Response, partial: &mut Partial<'_>) -> Result<(), Stop> {
        let status = response.status();
        let asked = partial.length();
        if status == StatusCode::RANGE_NOT_SATISFIABLE && asked > 0 {
            partial.restart()?;
            return Err(try_again(range_failure(asked, response)));
        }
        if status != StatusCode::OK && (status != StatusCode::PARTIAL_CONTENT || asked == 0) {
            return Err(self.refusal(response));
        }
        if is_html(response) {
            return Err(give_up(MirrorFailure::Html));
        }
        if status == StatusCode::PARTIAL_CONTENT {
            if !self.continues(response, asked) {
                partial.restart()?;
                return Err(try_again(range_failure(asked, response)));
            }
            return Ok(());
        }
        match response.content_length() {
            Some(found) if found != self.remote.size => Err(give_up(MirrorFailure::Size {
                found,
                expected: self.remote.size,
            })),
            _ => Ok(partial.restart()?),
        }
    }

    /// Returns `true` if `Content-Range: bytes FIRST-LAST/SIZE` is the requested range.
    fn continues(&self, response: &Response, asked: u64) -> bool {
        let size = self.remote.size;
        let range = header(response, CONTENT_RANGE).unwrap_or_default();
        let bounds = format!("bytes {asked}-{}/", size - 1);
        range
            .strip_prefix(&bounds)
            .is_some_and(|total| total == "*" || total.parse() == Ok(size))
    }

    fn refusal(&self, response: &Response) -> Stop {
        let status = response.status();
        let failure = MirrorFailure::Status {
            status: status.as_u16(),
        };
        if !status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS {
            return give_up(failure);
        }
        let requested = pause::requested(header(response, RETRY_AFTER), header(response, DATE));
        match requested {
            Some(pause) if pause > self.limits.longest_pause => give_up(failure),
            requested => Stop::Mirror {
                failure,
                retry: Retry::Later(requested),
            },
        }
    }

    /// Appends the body, which must end at the size of the file.
    fn receive(
        &self,
        mut body: Response,
        partial: &mut Partial<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), Stop> {
        let mut speed = Speed::new(self.limits);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = match body.read(&mut buffer) {
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_timeout(&error) => return Err(give_up(speed.too_slow())),
                Err(error) => {
                    let cause = root_cause(&error);
                    return Err(try_again(self.broken(partial, cause)));
                }
            };
            if n == 0 {
                break;
            }
            if n as u64 > partial.remaining() {
                partial.restart()?;
                return Err(give_up(MirrorFailure::TooLong {
                    expected: self.remote.size,
                }));
            }
            partial.append(&buffer[..n])?;
            progress(Progress::Advanced {
                file: self.remote.name,
                bytes: partial.length(),
                size: self.remote.size,
            });
            speed.check(n).map_err(give_up)?;
        }
        if partial.is_complete() {
            return Ok(());
        }
        let cause = "closed by the server".to_owned();
        Err(try_again(self.broken(partial, cause)))
    }

    fn broken(&self, partial: &Partial<'_>, cause: String) -> MirrorFailure {
        MirrorFailure::Broken {
            at: partial.length(),
            expected: self.remote.size,
            cause,
        }
    }
}

/// Gives up a server that cannot be reached: this machine probably has no
/// network connection, so a retry would not help.
fn no_answer(error: &reqwest::Error) -> Stop {
    if error.is_redirect() {
        let reason = std::error::Error::source(error).map(ToString::to_string);
        return give_up(MirrorFailure::Redirect {
            cause: reason.unwrap_or_else(|| error.to_string()),
        });
    }
    let failure = MirrorFailure::NoAnswer {
        cause: root_cause(error),
    };
    if error.is_connect() || error.is_timeout() {
        give_up(failure)
    } else {
        try_again(failure)
    }
}

/// The innermost error, since the outer ones only say that a request failed.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    iter::successors(Some(error), |error| error.source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}

fn range_failure(asked: u64, response: &Response) -> MirrorFailure {
    MirrorFailure::Range {
        asked,
        found: header(response, CONTENT_RANGE).map(str::to_owned),
    }
}

fn is_html(response: &Response) -> bool {
    header(response, CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("text/html")
    })
}

fn header(response: &Response, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

fn is_timeout(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}
