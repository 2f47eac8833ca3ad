//! `nn serve` against other accounts of its machine: no response without the token of the
//! printed address.

#![cfg(unix)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::live::{Answer, Server};
use crate::support::{Scratch, TWO_EPOCHS};

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];

fn ask(server: &Server, method: &str, path: &str, headers: &str) -> Answer {
    let host = server.host();
    server.raw(format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n"
    ))
}

/// The value of a header of the answer, in lower case.
fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.head.split("\r\n");
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn without_the_token_nothing_is_answered() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let server = Server::start(scratch, "a");
    let page = server.get("/").text();
    let own = server.token_header();
    let json = "content-type: application/json\r\n";
    for path in [
        "/",
        "/main.js",
        "/style.css",
        "/icon.svg",
        "/nothing",
        "/api/state",
        "/api/events",
        "/api/predict",
        "/api/start",
        "/api/nothing",
    ] {
        for method in METHODS {
            for headers in ["", "cookie: nn-1=0\r\n", &format!("{json}{own}")] {
                let answer = ask(&server, method, path, headers);
                assert_eq!(answer.status, 401, "{method} {path} {headers}");
                let text = answer.text();
                assert!(!answer.head.contains("set-cookie"), "{}", answer.head);
                assert!(!text.contains(&server.secret), "{text}");
                if method == "HEAD" {
                    assert!(text.is_empty(), "{text}");
                } else if path.starts_with("/api/") {
                    let value: Value = serde_json::from_str(&text).expect("it is JSON");
                    assert_eq!(value["error"], "this request has no token");
                    let help = value["help"].as_str().expect("some help");
                    assert!(
                        help.contains("`nn serve` printed in its terminal"),
                        "{help}"
                    );
                } else {
                    assert!(text.contains("printed in its terminal"), "{text}");
                }
            }
        }
    }
    // The page does not give the token away either.
    assert!(!page.contains(&server.secret), "{page}");
}

#[test]
fn the_printed_address_sets_a_cookie_and_is_cleaned() {
    let server = Server::without_data("");
    let (port, secret) = (server.port, &server.secret);
    assert!(secret.len() >= 32 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()));
    for (query, location) in [
        (format!("?token={secret}"), "/"),
        (format!("?a=1&token={secret}&b=%22"), "/?a=1&b=%22"),
        (format!("?token={secret}&x"), "/?x"),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(&server, method, &format!("/{query}"), "");
            assert_eq!(answer.status, 303, "{query}");
            assert_eq!(header(&answer, "location"), Some(location), "{query}");
            let cookie = header(&answer, "set-cookie").expect("a cookie");
            let expected = format!("nn-{port}={secret}; httponly; samesite=lax; path=/");
            assert_eq!(cookie, expected);
        }
    }
    let cookie = server.cookie();
    assert_eq!(ask(&server, "GET", "/", &cookie).status, 200);
    let among = format!("cookie: a=b; nn-1=2;nn-{port}={secret} ;c=d\r\n");
    assert_eq!(ask(&server, "GET", "/main.js", &among).status, 200);
    let second = format!("cookie: a=b\r\n{cookie}");
    assert_eq!(ask(&server, "GET", "/api/state", &second).status, 200);
    // An old address in a browser that has the cookie is cleaned, too.
    let old = ask(&server, "GET", "/?token=0", &cookie);
    assert_eq!((old.status, header(&old, "location")), (303, Some("/")));
    // A request of a script can carry the token itself.
    let path = format!("/api/state?token={secret}");
    assert_eq!(ask(&server, "GET", &path, "").status, 200);
    assert_eq!(
        ask(&server, "POST", &format!("/?token={secret}"), "").status,
        405
    );
}

#[test]
fn nothing_but_the_whole_token_is_accepted() {
    let server = Server::without_data("");
    let (port, secret) = (server.port, &server.secret);
    let longer = format!("{secret}0");
    let (upper, list) = (secret.to_uppercase(), format!("{secret},{secret}"));
    for wrong in ["", "0", &secret[..31], &secret[1..], &longer, &upper, &list] {
        if wrong == secret {
            continue;
        }
        let answer = ask(&server, "GET", &format!("/?token={wrong}"), "");
        assert_eq!(answer.status, 401, "{wrong}");
        let text = answer.text();
        assert!(text.contains("the token in this address is not"), "{text}");
        let cookie = format!("cookie: nn-{port}={wrong}\r\n");
        assert_eq!(ask(&server, "GET", "/", &cookie).status, 401, "{wrong}");
    }
    for place in [
        format!("/?tokens={secret}"),
        format!("/?x={secret}"),
        format!("/?{secret}"),
        format!("/{secret}"),
    ] {
        assert_eq!(ask(&server, "GET", &place, "").status, 401, "{place}");
    }
    for name in [
        "nn",
        "token",
        &format!("nn-{}", port ^ 1),
        "xnn",
        &format!("xnn-{port}"),
    ] {
        let cookie = format!("cookie: {name}={secret}\r\n");
        assert_eq!(ask(&server, "GET", "/", &cookie).status, 401, "{name}");
    }
    // The page's own token, which keeps other pages out, does not let anybody in.
    let own = server.token_header();
    let own = own.trim_end().rsplit(' ').next().expect("a token");
    assert_ne!(own, secret);
    assert_eq!(
        ask(&server, "GET", &format!("/?token={own}"), "").status,
        401
    );
}

#[test]
fn after_a_restart_an_old_cookie_says_so() {
    let server = Server::without_data("");
    let (port, cookie) = (server.port, server.cookie());
    drop(server);
    let server = Server::at_port(Scratch::new(), port);
    let page = ask(&server, "GET", "/", &cookie);
    assert_eq!(page.status, 401);
    let text = page.text();
    assert!(text.contains("the server was restarted"), "{text}");
    assert!(text.contains("a new token"), "{text}");
    let answer = ask(&server, "GET", "/api/events", &cookie);
    assert_eq!(answer.status, 401);
    let value: Value = serde_json::from_slice(&answer.body).expect("it is JSON");
    let error = value["error"].as_str().expect("an error");
    assert!(error.contains("the server was restarted"), "{error}");
}

#[test]
fn one_line_with_the_address_is_printed_and_the_token_is_kept_from_files() {
    let mut server = Server::without_data("");
    server.train(
        &["--data glyphs --limit-train 100 --hidden 4 --epochs 1"],
        false,
    );
    server.until_done();
    server
        .post(
            "/api/save",
            &serde_json::json!({ "training": 0, "name": "b" }),
        )
        .json();
    let saved = server.scratch.path("runs/b");
    for entry in fs::read_dir(saved).expect("it is saved") {
        let path = entry.expect("an entry").path();
        if let Ok(bytes) = fs::read(&path) {
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(&server.secret), "{}", path.display());
        }
    }
    end(&mut server.child);
    let (mut rest, mut errors) = (String::new(), String::new());
    let stdout = server.child.stdout.as_mut().expect("a pipe");
    stdout.read_to_string(&mut rest).expect("a pipe");
    let stderr = server.child.stderr.as_mut().expect("a pipe");
    stderr.read_to_string(&mut errors).expect("a pipe");
    assert_eq!(rest, "");
    assert!(!errors.contains(&server.secret), "{errors}");
}

fn end(child: &mut Child) {
    let id = child.id().to_string();
    let signalled = Command::new("kill").args(["-TERM", &id]).status();
    assert!(signalled.expect("kill is there").success());
    child.wait().expect("the child is ours");
}

/// A server that was asked to start a browser, and the file the browser got.
fn opened() -> (Server, PathBuf) {
    let scratch = Scratch::new();
    // Writes down what it was given, as everybody could read it.
    let script = "#!/bin/sh\necho \"$@\" > opened.new && mv opened.new opened\n";
    scratch.file("bin/xdg-open", script);
    scratch.file("bin/open", script);
    for name in ["bin/xdg-open", "bin/open"] {
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(scratch.path(name), executable).expect("the file is ours");
    }
    let (bin, home) = (scratch.path("bin"), scratch.path("."));
    let path = std::env::var("PATH").expect("a path");
    let path = format!("{}:{path}", bin.display());
    let variables = [("PATH", Path::new(&path)), ("HOME", &home)];
    let server = Server::start_with(scratch, &["--port", "0", "--open"], &variables);
    let deadline = Instant::now() + Duration::from_secs(20);
    while !server.scratch.path("opened").exists() {
        assert!(Instant::now() < deadline, "no browser is started");
        thread::sleep(Duration::from_millis(10));
    }
    let words = server.scratch.read("opened");
    assert!(!words.contains(&server.secret), "{words}");
    let file = PathBuf::from(words.trim_end());
    (server, file)
}

#[test]
fn a_browser_gets_the_address_in_a_file_of_its_owner() {
    let (server, file) = opened();
    let mode = fs::metadata(&file)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = fs::read_to_string(&file).expect("it is ours");
    let address = format!("url=http://{}/?token={}\"", server.host(), server.secret);
    assert!(text.contains(&address), "{text}");
    // Nobody else's request is taken for the browser's.
    assert_eq!(ask(&server, "GET", "/", "").status, 401);
    thread::sleep(Duration::from_millis(300));
    assert!(file.exists());
    let path = format!("/?token={}", server.secret);
    assert_eq!(ask(&server, "GET", &path, "").status, 303);
    let deadline = Instant::now() + Duration::from_secs(10);
    while file.exists() {
        assert!(Instant::now() < deadline, "{} stays", file.display());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_file_for_the_browser_is_gone_when_the_server_ends() {
    let (mut server, file) = opened();
    assert!(file.exists());
    end(&mut server.child);
    assert!(!file.exists());
}
