//! `nn serve` against clients other than its page: foreign hosts, other web pages, large
//! and slow requests; and how it ends.

#![cfg(unix)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::live::{Answer, Server};
use crate::support::{Scratch, TWO_EPOCHS};

const TINY: &str = "--data glyphs --limit-train 200 --hidden 8 --epochs 1000000";

#[test]
fn only_the_loopback_address_is_listened_on() {
    let server = Server::without_data("");
    let port = format!(":{:04X}", server.port);
    let mut addresses = Vec::new();
    for table in ["tcp", "tcp6"] {
        let path = format!("/proc/{}/net/{table}", server.child.id());
        let Ok(text) = std::fs::read_to_string(&path) else {
            eprintln!("skipped: no {path}");
            return;
        };
        let listening = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        let ours = listening.filter(|words| words.len() > 3 && words[3] == "0A");
        addresses.extend(
            ours.filter(|words| words[1].ends_with(&port))
                .map(|words| words[1].to_owned()),
        );
    }
    assert!(!addresses.is_empty());
    let loopback = ["0100007F", "00000000000000000000000001000000"];
    for address in addresses {
        let (host, _) = address.split_once(':').expect("an address and a port");
        assert!(loopback.contains(&host), "{address}");
    }
}

#[test]
fn foreign_hosts_are_refused_for_every_request() {
    let server = Server::without_data("");
    let ask = |method: &str, path: &str, hosts: &str| {
        server
            .raw(format!(
                "{method} {path} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n"
            ))
            .status
    };
    let (ours, port) = (server.host(), server.port);
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
        for path in ["/", "/api/state", "/api/events", "/nothing"] {
            let evil = format!("host: evil.example:{port}\r\n");
            assert_eq!(ask(method, path, &evil), 403, "{method} {path}");
        }
        assert_eq!(ask(method, "/", ""), 400, "{method} without a host");
        let double = format!("host: {ours}\r\nhost: {ours}\r\n");
        assert_eq!(ask(method, "/", &double), 400, "{method} with two hosts");
    }
    let foreign = format!("host: {ours}\r\n");
    assert_eq!(ask("GET", "http://evil.example/", &foreign), 403);
    // The token changes nothing about that.
    let cookie = server.cookie();
    let evil = format!("host: evil.example:{port}\r\n{cookie}");
    assert_eq!(ask("GET", "/", &evil), 403);
    let secret = &server.secret;
    assert_eq!(ask("GET", &format!("/?token={secret}"), &evil), 403);
    let named = format!("host: localhost:{port}\r\n{cookie}");
    assert_eq!(ask("GET", "/", &named), 200);
}

#[test]
fn unknown_paths_are_not_found() {
    let server = Server::without_data("");
    for path in [
        "/nothing",
        "/index.html",
        "/../Cargo.toml",
        "/..%2f..%2fetc/passwd",
        "/%00",
        "/page/main.js",
        "//etc/passwd",
        "/api",
        "/api/state/",
        "/runs/a/model.safetensors",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let answer = server.get("/api/predict");
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: post"), "{}", answer.head);
    assert_eq!(server.post("/api/state", &json!({})).status, 405);
}

#[test]
fn every_response_has_the_security_headers() {
    let server = Server::without_data("");
    let answers = [
        server.get("/"),
        server.get("/main.js"),
        server.get("/api/state"),
        server.get("/nothing"),
        server.post("/api/predict", &json!({})),
        server.raw("GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"),
        server.get_with("/", ""),
        server.get_with(&format!("/?token={}", server.secret), ""),
    ];
    for answer in answers {
        for header in [
            "content-security-policy: default-src 'self'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
        ] {
            assert!(answer.head.contains(header), "{}", answer.head);
        }
        assert!(!answer.head.contains("access-control"), "{}", answer.head);
    }
    let page = server.get("/").text();
    for inline in [
        "<script>",
        "<style",
        " style=",
        " onclick=",
        "javascript:",
        "https://",
    ] {
        assert!(!page.contains(inline), "{inline} in the page");
    }
}

#[test]
fn other_pages_change_nothing() {
    let server = Server::without_data("");
    let body = json!({ "trainings": [["--data", "glyphs", "--limit-train", "200"]] }).to_string();
    let token = server.token_header();
    let json = "content-type: application/json\r\n";
    let own = format!("origin: http://{}\r\n", server.host());
    let status = |headers: &str| server.post_with("/api/check", headers, &body).status;
    assert_eq!(status(&format!("{json}{token}{own}")), 200);
    assert_eq!(status(&format!("{json}{token}")), 200);
    assert_eq!(status(&format!("{json}{own}")), 403, "no token");
    assert_eq!(
        status(&format!("{json}nn-token: 00\r\n")),
        403,
        "another token"
    );
    let digits = token.trim_end().chars().rev();
    let reversed: String = digits.take(32).collect();
    assert_eq!(
        status(&format!("{json}nn-token: {reversed}\r\n")),
        403,
        "a token of the same length"
    );
    assert_eq!(
        status(&format!("{json}{token}origin: http://evil.example\r\n")),
        403
    );
    assert_eq!(status(&format!("{json}{token}origin: null\r\n")), 403);
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    assert_eq!(status(&format!("{form}{token}")), 415);
    assert_eq!(status(&format!("content-type: text/plain\r\n{token}")), 415);
    assert_eq!(status(&token), 415);
    for (cookie, status) in [(server.cookie(), 405), (String::new(), 401)] {
        let preflight = format!(
            "OPTIONS /api/start HTTP/1.1\r\nhost: {}\r\norigin: http://evil.example\r\n{cookie}\
             access-control-request-method: POST\r\nconnection: close\r\n\r\n",
            server.host()
        );
        let answer = server.raw(preflight);
        assert_eq!(answer.status, status);
        assert!(!answer.head.contains("access-control"), "{}", answer.head);
    }
}

#[test]
fn large_bodies_are_not_read() {
    let server = Server::without_data("");
    let headers = format!(
        "content-type: application/json\r\n{}",
        server.token_header()
    );
    let large = "x".repeat((64 << 10) + 1);
    assert_eq!(
        server.post_with("/api/predict", &headers, &large).status,
        413
    );
    let fits = " ".repeat(64 << 10);
    assert_eq!(
        server.post_with("/api/predict", &headers, &fits).status,
        400,
        "read, and no JSON"
    );

    // A gibibyte in pieces whose sum is not said.
    let head = format!(
        "POST /api/predict HTTP/1.1\r\nhost: {}\r\n{}transfer-encoding: chunked\r\n{headers}\r\n",
        server.host(),
        server.cookie()
    );
    let mut socket = server.connect();
    socket.write_all(head.as_bytes()).expect("it reads");
    let piece = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
    let n_written = (0..1 << 14)
        .take_while(|_| socket.write_all(piece.as_bytes()).is_ok())
        .count();
    assert!(n_written < 1 << 12, "{n_written} pieces were taken");
    let answer = Answer::read(&mut socket);
    // A reset may overtake the answer.
    assert!([0, 413].contains(&answer.status), "{}", answer.status);
    assert_eq!(server.get("/api/state").status, 200);
}

#[test]
fn invalid_values_are_refused() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let server = Server::start(scratch, "a");
    let many = format!("[{}]", vec!["1"; 10_000].join(","));
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("NaN", 400),
        ("{}", 422),
        (r#"{"network":"opened","side":28,"pixels":"AAAA"}"#, 422),
        (r#"{"network":"opened","side":28,"pixels":"????"}"#, 422),
        (r#"{"network":"opened","side":28,"pixels":7}"#, 422),
        (r#"{"network":"opened","side":27,"pixels":""}"#, 422),
        (r#"{"network":"opened","side":113,"pixels":""}"#, 422),
        (r#"{"network":"opened","side":-1,"pixels":""}"#, 422),
        (r#"{"network":"opened","side":1e300,"pixels":""}"#, 422),
        (
            r#"{"network":"opened","side":18446744073709551615,"pixels":""}"#,
            422,
        ),
        (
            r#"{"network":"opened","side":28,"pixels":"","more":1}"#,
            422,
        ),
        (&many, 422),
    ] {
        let answer = server.post_text("/api/predict", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    for (body, status) in [
        (r#"{"action":"rate","learning_rate":1e999}"#, 400),
        (r#"{"action":"rate","learning_rate":NaN}"#, 400),
        (r#"{"action":"rate","learning_rate":0}"#, 422),
        (r#"{"action":"rate","learning_rate":-1}"#, 422),
        (r#"{"action":"rate"}"#, 422),
        (r#"{"action":"explode"}"#, 422),
        (r#"{"action":"pause"}"#, 409),
    ] {
        let answer = server.post_text("/api/control", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
    }
    for flags in [
        "--lr nan",
        "--lr -1",
        "--hidden 0",
        "--hidden 100000,100000",
        "--epochs 0",
        "--limit-train 4000000000",
        "--data /nonexistent",
        "--config x.toml",
        "--name a",
        "--batch-norm --batch-size 1",
        "--on-divergence pray",
    ] {
        let words: Vec<&str> = ["--data", "glyphs", "--limit-train", "100"]
            .into_iter()
            .filter(|_| !flags.contains("--data") && !flags.contains("--limit-train"))
            .chain(flags.split(' '))
            .collect();
        let answer = server.post("/api/start", &json!({ "trainings": [words] }));
        assert_eq!(answer.status, 422, "{flags}: {}", answer.text());
        assert!(answer.text().contains("\"help\""), "{}", answer.text());
    }
    let three = json!({ "trainings": [[], [], []] });
    assert_eq!(server.post("/api/start", &three).status, 422);
}

#[test]
fn paths_are_not_names_of_runs() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    scratch.file("secret/model.safetensors", "not for the page");
    let strange = "runs/<script>alert(1)<";
    scratch.file(
        format!("{strange}/model.safetensors"),
        "a name that is markup",
    );
    let server = Server::start(scratch, "");
    let state = server.get("/api/state").json();
    let names: Vec<_> = state["runs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| &run["name"])
        .collect();
    assert_eq!(names, ["a"]);
    let grey = vec![0; 28 * 28];
    for name in [
        "../secret",
        "..",
        "",
        "a/../a",
        "/etc",
        "<script>alert(1)<",
        "a\u{0}",
        "b",
    ] {
        let answer = server.predict(&format!("run:{name}"), 28, &grey);
        assert_eq!(answer.status, 404, "{name}: {}", answer.text());
    }
    assert_eq!(server.predict("run:a", 28, &grey).json()["blank"], true);
    server.train(
        &["--data glyphs --limit-train 100 --hidden 4 --epochs 1"],
        false,
    );
    server.until_done();
    for name in ["../b", "a/b", ".b", "<b>"] {
        let answer = server.post("/api/save", &json!({ "training": 0, "name": name }));
        assert_eq!(answer.status, 422, "{name}: {}", answer.text());
    }
    let again = server.post("/api/save", &json!({ "training": 0, "name": "a" }));
    assert_eq!(again.status, 422, "a run is not overwritten");
}

#[test]
fn slow_clients_do_not_exhaust_the_connections() {
    let server = Server::without_data("");
    let half = b"GET / HTTP/1.1\r\nhost: ";
    let clients: Vec<_> = (0..500)
        .map(|_| {
            let mut socket = server.connect();
            // A connection that was evicted cannot be written to.
            let _ = socket.write_all(half);
            socket
        })
        .collect();
    let start = Instant::now();
    assert_eq!(server.get("/api/state").status, 200);
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    // At most 32 of them are still there; the others see the end at once.
    let is_open = |socket: &std::net::TcpStream| {
        socket.set_nonblocking(true).expect("a socket");
        let mut byte = [0];
        let mut socket = socket;
        matches!(socket.read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    let n_open = clients.iter().filter(|socket| is_open(socket)).count();
    assert!(n_open <= 32, "{n_open} connections are open");
}

#[test]
fn slow_headers_and_bodies_time_out() {
    let server = Server::without_data("");
    let start = Instant::now();
    let mut header = server.connect();
    header
        .write_all(b"GET / HTTP/1.1\r\nhost: ")
        .expect("it reads");
    let mut body = server.connect();
    let head = format!(
        "POST /api/check HTTP/1.1\r\nhost: {}\r\n{}content-length: 100\r\n\
         content-type: application/json\r\n{}\r\n{{",
        server.host(),
        server.cookie(),
        server.token_header()
    );
    body.write_all(head.as_bytes()).expect("it reads");
    assert_eq!(Answer::read(&mut body).status, 408);
    assert_ne!(Answer::read(&mut header).status, 200);
    let seconds = start.elapsed().as_secs();
    assert!((9..20).contains(&seconds), "{seconds} s");
}

#[test]
fn event_streams_leave_connections_for_other_requests() {
    let server = Server::without_data("");
    // Each stream has begun before the next one asks, so the oldest give way.
    let begin = |_| {
        let mut stream = server.events();
        stream.next();
        stream
    };
    let mut streams: Vec<_> = (0..40).map(begin).collect();
    // The newest go on; each of the others has made room for one of them.
    let newest = streams.split_off(40 - 16);
    for stream in &mut streams {
        assert!(stream.ends(), "more than 16 streams go on");
    }
    for mut stream in newest {
        assert!(stream.is_open(), "fewer than 16 streams go on");
    }
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn stopped_readers_time_out_and_do_not_exhaust_the_connections() {
    let server = Server::without_data("");
    // Pictures of 3 x 64 weights an event, so that buffers are soon full.
    server.train(
        &["--data glyphs --limit-train 200 --hidden 64 --epochs 1000000"],
        false,
    );
    let request = format!(
        "GET /api/events HTTP/1.1\r\nhost: {}\r\n{}\r\n",
        server.host(),
        server.cookie()
    );
    let start = Instant::now();
    let mut crowd: Vec<_> = (0..40)
        .map(|_| {
            let mut socket = server.connect();
            socket.write_all(request.as_bytes()).expect("it reads");
            // Its stream has begun before the next one asks: the oldest give way.
            let mut head = [0; 12];
            socket.read_exact(&mut head).expect("it answers");
            assert_eq!(&head, b"HTTP/1.1 200");
            socket
        })
        .collect();
    // The last 16 are streams. Every one of them is reset, 10 s after the
    // system's buffers are full; until then everybody else is answered.
    let mut silent = crowd.split_off(40 - 16);
    while !silent.is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(240),
            "{} readers that read nothing keep their places",
            silent.len()
        );
        assert_eq!(server.get("/api/state").status, 200);
        thread::sleep(Duration::from_millis(500));
        silent.retain(|socket| matches!(socket.take_error(), Ok(None)));
    }
    eprintln!("all were reset within {:?}", start.elapsed());
}

#[test]
fn a_signal_ends_the_server_at_once() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let mut server = Server::without_data("");
        server.train(&[TINY], false);
        let mut events = server.events();
        events.next();
        let start = Instant::now();
        let signalled = Command::new("kill")
            .args([format!("-{name}"), server.child.id().to_string()])
            .status()
            .expect("kill is there");
        assert!(signalled.success());
        let status = loop {
            if let Some(status) = server.child.try_wait().expect("the child is ours") {
                break status;
            }
            assert!(
                start.elapsed() < Duration::from_secs(2),
                "SIG{name} is not heard"
            );
            thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(code));
        let mut error = String::new();
        let mut stderr = server.child.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut error).expect("a pipe");
        assert!(
            error.starts_with("error: stopped by a signal\n  help: "),
            "{error}"
        );
    }
}

#[test]
fn a_used_port_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port();
    let scratch = Scratch::new();
    let expected = format!("127.0.0.1:{port}: ");
    scratch.nn(&format!("serve --port {port}")).refuses(
        5,
        &[
            &expected,
            "help: another program",
            "`--port 0` chooses a free port",
        ],
    );
}

#[test]
fn a_damaged_model_is_an_error_before_the_server_starts() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let path = scratch.path("runs/a/model.safetensors");
    let mut bytes = std::fs::read(&path).expect("it was written");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).expect("it can be written");
    scratch
        .nn("serve a")
        .refuses(3, &["model.safetensors", "damaged"]);
    scratch
        .nn("serve nothing")
        .refuses(5, &["no run \"nothing\""]);
    assert_eq!(scratch.nn("serve --port 70000").code, Some(2));
}
