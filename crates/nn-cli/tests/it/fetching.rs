//! `nn data fetch` as its users meet it: without a network, with servers that
//! have something else, and many at once. The many faults of a server are
//! tried in nn-data's own tests.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Ended, Scratch, mnist_dir};

const FIRST: &str = "train-images-idx3-ubyte.gz";

/// SHA-256 of that file, as the catalog has it.
const FIRST_SHA256: &str = "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609";

/// The address of a server on this machine that gives the same answer to each
/// of its first few visitors.
fn server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let address = listener.local_addr().expect("a bound address");
    thread::spawn(move || {
        for connection in listener.incoming().take(8).flatten() {
            let mut connection = connection;
            connection
                .set_read_timeout(Some(Duration::from_secs(5)))
                .ok();
            // However much of the request has come, the answer is the same.
            if connection.read(&mut [0; 4096]).is_ok() {
                connection.write_all(answer).ok();
            }
        }
    });
    address.to_string()
}

/// A failure of the network: told in time, with what to do by hand, and with
/// nothing under the final name.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the time is what is promised")]
fn cannot_fetch(scratch: &Scratch, command: &mut Command, parts: &[&str]) {
    let start = Instant::now();
    let output = command.output().expect("the program starts");
    assert!(start.elapsed() < Duration::from_secs(15), "{output:?}");
    let error = Ended::from(output).fails(4);
    let by_hand = format!("place {FIRST} with SHA-256 {FIRST_SHA256} at datasets/mnist/{FIRST}");
    for part in parts.iter().copied().chain([&*by_hand]) {
        assert!(error.contains(part), "{part:?} is missing in: {error}");
    }
    assert!(!scratch.path("datasets/mnist").join(FIRST).exists());
}

#[test]
fn without_a_network_it_says_what_to_place_where() {
    let scratch = Scratch::new();
    let mut behind_a_dead_proxy = scratch.command();
    behind_a_dead_proxy
        .args(["data", "fetch"])
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    let mirrors = ["https://", "no response (", "; https://"];
    cannot_fetch(&scratch, &mut behind_a_dead_proxy, &mirrors);

    let ways: [&[&str]; 2] = [&["--net"], &["--user", "--map-root-user", "--net"]];
    let is_allowed = |way: &&&[&str]| {
        let output = Command::new("unshare").args(**way).arg("true").output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(way) = ways.iter().find(is_allowed) else {
        eprintln!("skipped: no network can be taken away here");
        return;
    };
    let mut cut_off = Command::new("unshare");
    cut_off
        .args(*way)
        .arg(env!("CARGO_BIN_EXE_nn"))
        .args(["data", "fetch"])
        .env_remove("CARGO")
        .env_remove("NN_DATA_DIR")
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .current_dir(scratch.path(""));
    cannot_fetch(&scratch, &mut cut_off, &mirrors);
}

#[test]
fn what_is_not_the_file_is_not_kept() {
    let page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>";
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nshort";
    let cases: [(&str, &[u8], &str); 4] = [
        ("http", page, "expected a file, found a web page"),
        ("http", missing, "status 404"),
        ("http", short, "expected 9912422 bytes, found 5"),
        ("https", missing, "no response ("),
    ];
    for (scheme, answer, failure) in cases {
        let scratch = Scratch::new();
        let url = format!("{scheme}://{}", server(answer));
        let mut command = scratch.command();
        command
            .args(["data", "fetch", "--from", &url])
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy");
        let told = format!("{url}/{FIRST}: {failure}");
        cannot_fetch(&scratch, &mut command, &[&told]);
    }
    let scratch = Scratch::new();
    for url in ["ftp://127.0.0.1/mnist", "http://192.0.2.1/mnist"] {
        scratch
            .nn(&format!("data fetch --from {url}"))
            .refuses(2, &[url, "expected an https:// address"]);
    }
}

#[test]
fn offline_no_connection_is_opened() {
    let scratch = Scratch::new();
    scratch.nn("data fetch --offline").refuses(
        4,
        &[
            "datasets/mnist: missing or damaged files: ",
            "t10k-labels-idx1-ubyte.gz",
            "offline",
            &format!("in datasets/mnist: {FIRST} (SHA-256 {FIRST_SHA256})"),
        ],
    );
    scratch
        .nn("data fetch --offline --from https://127.0.0.1:1")
        .refuses(2, &["--offline", "https://127.0.0.1:1", "local folder"]);
    assert!(!scratch.path("datasets").exists());
    let Some(data_dir) = mnist_dir() else {
        return;
    };
    let folder = data_dir.join("mnist");
    let from = ["data", "fetch", "--offline", "--from"];
    let words = from.map(Into::into).into_iter();
    let output = scratch.nn_args(words.chain([folder.into_os_string()]));
    assert!(output.succeeds().contains("4 files in datasets/mnist"));
    let output = scratch.nn("data fetch --offline").succeeds();
    assert!(output.contains("already in datasets/mnist"), "{output}");
    scratch.file("datasets/mnist/t10k-labels-idx1-ubyte.gz", "damaged");
    scratch
        .nn("data fetch --offline")
        .refuses(4, &["damaged files: t10k-labels-idx1-ubyte.gz\n"]);
}

#[test]
fn many_at_once_fetch_once() {
    let Some(data_dir) = mnist_dir() else {
        return;
    };
    for _ in 0..3 {
        let scratch = Scratch::new();
        let start = |_| -> Child {
            let mut command = scratch.command();
            command.args(["data", "fetch", "--from"]);
            command.arg(&data_dir);
            command.spawn().expect("the program starts")
        };
        let children: Vec<Child> = (0..8).map(start).collect();
        let outputs = children.into_iter().map(|child| {
            let output = child.wait_with_output().expect("the child is ours");
            Ended::from(output).succeeds()
        });
        let outputs: Vec<String> = outputs.collect();
        let having = |text: &str| {
            outputs
                .iter()
                .filter(|output| output.contains(text))
                .count()
        };
        assert_eq!(having("4 files in datasets/mnist"), 1, "{outputs:?}");
        assert_eq!(having("already in datasets/mnist"), 7, "{outputs:?}");
    }
}
