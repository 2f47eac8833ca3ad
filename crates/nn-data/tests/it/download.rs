//! Downloads from correct and faulty servers and folders.

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nn_data::catalog::{IdxFiles, RemoteFile, Source};
use nn_data::download::{Fetched, Limits, Origin, Progress, fetch_within, verify};
use nn_data::{Error, ErrorKind, MirrorFailure, Result, checksum};

use crate::server::{Server, send, send_file};
use crate::support::{Scratch, write};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// The published content of a file; the first is longer than any buffer.
fn content(name: &str) -> Vec<u8> {
    let length = if name == NAMES[0] { 200_003 } else { 1_000 };
    let start = name.bytes().map(u32::from).sum::<u32>();
    (0..length)
        .map(|i: u32| (start + i.wrapping_mul(2_654_435_761) / 65_536) as u8)
        .collect()
}

fn file(path: &str) -> Vec<u8> {
    content(path.rsplit('/').next().expect("a path has a last part"))
}

/// A data set of four files on the given servers.
fn source(mirrors: &[&Server]) -> Source {
    source_at(
        mirrors
            .iter()
            .map(|mirror| mirror.address().to_owned())
            .collect(),
    )
}

fn source_at(mirrors: Vec<String>) -> Source {
    let remote = |name: &'static str| RemoteFile {
        name,
        size: content(name).len() as u64,
        sha256: sha256(&content(name)).leak(),
    };
    let mirrors: Vec<&'static str> = mirrors.into_iter().map(|url| &*url.leak()).collect();
    Source {
        name: "tiny",
        aliases: &[],
        description: "for tests",
        citation: "",
        license: "",
        n_samples: (1, 1),
        image_size: (1, 1),
        class_names: &["0"],
        files: IdxFiles {
            train_images: remote(NAMES[0]),
            train_labels: remote(NAMES[1]),
            test_images: remote(NAMES[2]),
            test_labels: remote(NAMES[3]),
        },
        mirrors: mirrors.leak(),
    }
}

fn sha256(bytes: &[u8]) -> String {
    checksum::sha256(bytes).expect("memory can be read")
}

/// Limits for short tests.
fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        window: Duration::from_millis(500),
        pauses: [1, 2, 4].map(Duration::from_millis).to_vec(),
        longest_pause: Duration::from_secs(1),
        jitter: 0.0,
        local_http: true,
        ..Limits::default()
    }
}

fn fetch(source: &Source, data_dir: &Path) -> Result<Fetched> {
    fetch_within(&limits(), source, data_dir, None, &mut |_| {})
}

/// A data folder without the first file.
fn all_but_the_first() -> Scratch {
    let scratch = Scratch::new();
    for name in &NAMES[1..] {
        write(&scratch.path().join("tiny").join(name), &content(name));
    }
    scratch
}

fn first(scratch: &Scratch) -> PathBuf {
    scratch.path().join("tiny").join(NAMES[0])
}

fn first_partial(scratch: &Scratch) -> PathBuf {
    scratch
        .path()
        .join("tiny")
        .join(format!("{}.partial", NAMES[0]))
}

/// Checks that all files are intact and that there are no others.
fn assert_whole(scratch: &Scratch) {
    let folder = scratch.path().join("tiny");
    for name in NAMES {
        assert_eq!(
            fs::read(folder.join(name)).ok(),
            Some(content(name)),
            "{name}"
        );
    }
    let entries = fs::read_dir(&folder).expect("a folder").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut rest: Vec<_> = names
        .filter(|name| !NAMES.contains(&name.as_str()))
        .collect();
    rest.retain(|name| name != ".fetch.lock");
    assert_eq!(rest, Vec::<String>::new());
}

/// The failure of the only mirror, after a check that no file has its final name.
fn failure(server: &Server) -> MirrorFailure {
    let scratch = all_but_the_first();
    let error = fetch(&source(&[server]), scratch.path()).expect_err("a bad mirror");
    assert!(!first(&scratch).exists());
    assert_eq!(error.kind(), ErrorKind::Network);
    let Error::DownloadFailed { mut attempts, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(attempts.len(), 1);
    attempts.remove(0).failure
}

fn good_server() -> Server {
    Server::start(|_, request, connection| send_file(connection, request, &file(&request.path)))
}

#[test]
fn a_good_mirror_delivers_and_a_second_fetch_asks_nothing() {
    let server = good_server();
    let scratch = Scratch::new();
    let source = source(&[&server]);
    let fetched = fetch(&source, scratch.path()).expect("a good mirror");
    assert_eq!(fetched.new_files, NAMES);
    assert_eq!(fetched.folder, scratch.path().join("tiny"));
    assert_whole(&scratch);
    assert!(source.is_present(scratch.path()));
    let asked: Vec<_> = server
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(asked, NAMES.map(|name| format!("/{name}")));
    let again = fetch(&source, scratch.path()).expect("nothing to do");
    assert!(again.new_files.is_empty());
    assert_eq!(server.requests().len(), 4);
}

#[cfg(unix)]
#[test]
fn files_that_arrive_can_be_read_by_everyone_the_user_lets() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    fetch(&source(&[&good_server()]), scratch.path()).expect("a good mirror");
    let usual = fs::metadata(scratch.file("usual", b"")).expect("just written");
    let fetched = fs::metadata(first(&scratch)).expect("just fetched");
    assert_eq!(fetched.permissions().mode(), usual.permissions().mode());
}

#[test]
fn progress_tells_the_way_of_a_file() {
    let server = good_server();
    let scratch = all_but_the_first();
    let (mut started, mut finished, mut last) = (0, 0, 0);
    let mut watch = |progress: Progress<'_>| match progress {
        Progress::Started { bytes, size, .. } => {
            assert_eq!((bytes, size), (0, 200_003));
            started += 1;
        }
        Progress::Advanced { bytes, .. } => {
            assert!(bytes > last);
            last = bytes;
        }
        Progress::Finished { file } => {
            assert_eq!(file, NAMES[0]);
            finished += 1;
        }
        other => panic!("{other:?}"),
    };
    fetch_within(
        &limits(),
        &source(&[&server]),
        scratch.path(),
        None,
        &mut watch,
    )
    .expect("a good mirror");
    assert_eq!((started, finished, last), (1, 1, 200_003));
}

#[test]
fn a_damaged_file_is_replaced() {
    let scratch = all_but_the_first();
    for damaged in [content(NAMES[1]), vec![0; 200_003], Vec::new()] {
        write(&first(&scratch), &damaged);
        let fetched = fetch(&source(&[&good_server()]), scratch.path()).expect("a good mirror");
        assert_eq!(fetched.new_files, [NAMES[0]]);
        assert_whole(&scratch);
    }
}

#[test]
fn wrong_bytes_are_thrown_away_and_named_with_both_checksums() {
    let mut wrong = content(NAMES[0]);
    wrong[123_456] ^= 0x10;
    let found = sha256(&wrong);
    let server = Server::start(move |_, request, connection| {
        send_file(connection, request, &wrong);
    });
    let scratch = all_but_the_first();
    let error = fetch(&source(&[&server]), scratch.path()).expect_err("one bit is wrong");
    let expected = sha256(&content(NAMES[0]));
    assert_eq!(
        error.to_string(),
        format!(
            "{name}: download failed: {address}/{name}: \
             expected SHA-256 {expected}, found {found}",
            name = NAMES[0],
            address = server.address()
        )
    );
    let help = error.help().expect("there is a way");
    assert!(help.contains(&expected), "{help}");
    assert!(
        help.contains(&first(&scratch).display().to_string()),
        "{help}"
    );
    assert!(!first(&scratch).exists() && !first_partial(&scratch).exists());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_next_mirror_makes_up_for_every_fault() {
    let faults: [(&str, &[&str], &[u8]); 6] = [
        ("404 Not Found", &["Content-Length: 0"], b""),
        ("403 Forbidden", &["Content-Length: 0"], b""),
        ("410 Gone", &["Content-Length: 0"], b""),
        ("200 OK", &["Content-Length: 200003"], &[7; 200_003]),
        ("200 OK", &["Content-Type: text/html"], b"<html>"),
        ("204 No Content", &[], b""),
    ];
    for (status, headers, body) in faults {
        let bad = Server::start(move |_, _, connection| send(connection, status, headers, body));
        let good = good_server();
        let scratch = all_but_the_first();
        fetch(&source(&[&bad, &good]), scratch.path()).expect("the second mirror is good");
        assert_whole(&scratch);
        assert_eq!((bad.requests().len(), good.requests().len()), (1, 1));
    }
}

#[test]
fn every_mirror_tried_is_listed() {
    let missing = Server::start(|_, _, connection| send(connection, "404 Not Found", &[], b""));
    let down = Server::start(|_, _, connection| send(connection, "500 Oh", &[], b""));
    let scratch = all_but_the_first();
    let error = fetch(&source(&[&missing, &down]), scratch.path()).expect_err("no good mirror");
    assert_eq!(
        error.to_string(),
        format!(
            "{name}: download failed: {}/{name}: status 404; {}/{name}: status 500",
            missing.address(),
            down.address(),
            name = NAMES[0]
        )
    );
    assert_eq!(down.requests().len(), 4);
}

#[test]
fn a_broken_connection_is_resumed_where_it_broke() {
    let whole = content(NAMES[0]);
    for offset in [1, 2, 999, 65_535, 65_536, 65_537, 131_072, 199_999, 200_002] {
        let served = whole.clone();
        let server = Server::start(move |number, request, connection| {
            if number == 0 {
                let length = format!("Content-Length: {}", served.len());
                send(connection, "200 OK", &[&length], &served[..offset]);
            } else {
                send_file(connection, request, &served);
            }
        });
        let scratch = all_but_the_first();
        fetch(&source(&[&server]), scratch.path()).expect("the second answer is whole");
        assert_whole(&scratch);
        let ranges: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.range)
            .collect();
        assert_eq!(ranges, [None, Some(offset)]);
    }
}

#[test]
fn a_connection_that_always_breaks_leaves_its_bytes_for_the_next_mirror_and_fetch() {
    let cut = |least: usize, most: usize| {
        Server::start(move |_, request, connection| {
            let whole = content(NAMES[0]);
            let start = request.range.unwrap_or(0);
            let status = if start == 0 {
                "200 OK"
            } else {
                "206 Partial Content"
            };
            let length = format!("Content-Length: {}", whole.len() - start);
            let range = format!("Content-Range: bytes {start}-200002/200003");
            let end = (start + least).min(most).max(start);
            send(connection, status, &[&length, &range], &whole[start..end]);
        })
    };
    let (one, other) = (cut(10_000, 30_000), cut(20_000, 60_000));
    let scratch = all_but_the_first();
    let error = fetch(&source(&[&one, &other]), scratch.path()).expect_err("always cut");
    assert!(
        error
            .to_string()
            .contains("connection lost at byte 60000 of 200003"),
        "{error}"
    );
    assert_eq!(
        fs::read(first_partial(&scratch)).ok(),
        Some(content(NAMES[0])[..60_000].to_vec())
    );
    let good = good_server();
    fetch(&source(&[&good]), scratch.path()).expect("a good mirror");
    assert_whole(&scratch);
    assert_eq!(good.requests()[0].range, Some(60_000));
}

/// A data folder with a partial first file.
fn with_partial(bytes: &[u8]) -> Scratch {
    let scratch = all_but_the_first();
    write(&first_partial(&scratch), bytes);
    scratch
}

#[test]
fn a_server_without_ranges_sends_all_again() {
    let server = Server::start(|_, _, connection| {
        send(
            connection,
            "200 OK",
            &["Content-Length: 200003"],
            &content(NAMES[0]),
        );
    });
    let scratch = with_partial(&content(NAMES[0])[..5_000]);
    fetch(&source(&[&server]), scratch.path()).expect("all again");
    assert_whole(&scratch);
    assert_eq!(server.requests()[0].range, Some(5_000));
}

#[test]
fn an_answer_that_is_not_the_range_asked_for_is_not_used() {
    let answers: [(&str, &[&str]); 5] = [
        (
            "206 Partial Content",
            &["Content-Range: bytes 4999-200002/200003"],
        ),
        (
            "206 Partial Content",
            &["Content-Range: bytes 5000-200001/200003"],
        ),
        (
            "206 Partial Content",
            &["Content-Range: bytes 5000-200002/200004"],
        ),
        ("206 Partial Content", &[]),
        (
            "416 Range Not Satisfiable",
            &["Content-Range: bytes */200003"],
        ),
    ];
    for (status, headers) in answers {
        let server = Server::start(move |_, request, connection| match request.range {
            Some(_) => send(connection, status, headers, b"anything"),
            None => send_file(connection, request, &content(NAMES[0])),
        });
        let scratch = with_partial(&content(NAMES[0])[..5_000]);
        fetch(&source(&[&server]), scratch.path()).expect("whole without a range");
        assert_whole(&scratch);
        let ranges: Vec<_> = server
            .requests()
            .iter()
            .map(|request| request.range)
            .collect();
        assert_eq!(ranges, [Some(5_000), None], "{status} {headers:?}");
    }
}

#[test]
fn a_range_of_unknown_size_is_used() {
    let server = Server::start(|_, _, connection| {
        let range = "Content-Range: bytes 5000-200002/*";
        send(
            connection,
            "206 Partial Content",
            &[range],
            &content(NAMES[0])[5_000..],
        );
    });
    let scratch = with_partial(&content(NAMES[0])[..5_000]);
    fetch(&source(&[&server]), scratch.path()).expect("a good mirror");
    assert_whole(&scratch);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn wrong_bytes_left_by_another_mirror_are_not_blamed_on_this_one() {
    let server = good_server();
    let scratch = with_partial(&[7; 5_000]);
    fetch(&source(&[&server]), scratch.path()).expect("a good mirror");
    assert_whole(&scratch);
    let ranges: Vec<_> = server
        .requests()
        .iter()
        .map(|request| request.range)
        .collect();
    assert_eq!(ranges, [Some(5_000), None]);
}

#[test]
fn a_complete_partial_file_is_only_checked() {
    let server = good_server();
    let scratch = with_partial(&content(NAMES[0]));
    fetch(&source(&[&server]), scratch.path()).expect("nothing to download");
    assert_whole(&scratch);
    assert!(server.requests().is_empty());
}

#[test]
fn a_useless_partial_file_is_begun_again() {
    for bytes in [vec![7; 200_003], vec![7; 300_000], Vec::new()] {
        let server = good_server();
        let scratch = with_partial(&bytes);
        fetch(&source(&[&server]), scratch.path()).expect("a good mirror");
        assert_whole(&scratch);
        assert_eq!(server.requests()[0].range, None);
    }
}

#[cfg(unix)]
#[test]
fn links_are_replaced_not_written_through() {
    use std::os::unix::fs::symlink;
    let scratch = all_but_the_first();
    let precious = scratch.file("precious", b"precious");
    symlink(&precious, first_partial(&scratch)).expect("links can be made");
    symlink(&precious, first(&scratch)).expect("links can be made");
    fetch(&source(&[&good_server()]), scratch.path()).expect("a good mirror");
    assert_whole(&scratch);
    assert_eq!(fs::read(&precious).ok(), Some(b"precious".to_vec()));
    let placed = fs::symlink_metadata(first(&scratch)).expect("it is there");
    assert!(placed.is_file());
}

#[test]
fn a_server_in_trouble_is_asked_again_after_growing_pauses() {
    let server = Server::start(|number, request, connection| match number {
        0..3 => send(
            connection,
            "503 Service Unavailable",
            &["Content-Length: 0"],
            b"",
        ),
        _ => send_file(connection, request, &content(NAMES[0])),
    });
    let scratch = all_but_the_first();
    let mut pauses = Vec::new();
    fetch_within(
        &limits(),
        &source(&[&server]),
        scratch.path(),
        None,
        &mut |progress| {
            if let Progress::Retrying { pause, failure, .. } = progress {
                assert_eq!(failure, &MirrorFailure::Status { status: 503 });
                pauses.push(pause.as_millis());
            }
        },
    )
    .expect("the fourth answer is good");
    assert_whole(&scratch);
    assert_eq!(pauses, [1, 2, 4]);
}

#[test]
fn a_server_may_ask_for_a_short_pause_but_not_for_a_long_one() {
    let busy = |seconds: &'static str| {
        Server::start(move |number, request, connection| match number {
            0 => send(connection, "429 Too Many Requests", &[seconds], b""),
            _ => send_file(connection, request, &content(NAMES[0])),
        })
    };
    let scratch = all_but_the_first();
    let mut pauses = Vec::new();
    let short = busy("Retry-After: 1");
    fetch_within(
        &limits(),
        &source(&[&short]),
        scratch.path(),
        None,
        &mut |progress| {
            if let Progress::Retrying { pause, .. } = progress {
                pauses.push(pause.as_secs());
            }
        },
    )
    .expect("the second answer is good");
    assert_eq!(pauses, [1]);
    let long = busy("Retry-After: 2");
    assert_eq!(failure(&long), MirrorFailure::Status { status: 429 });
    assert_eq!(long.requests().len(), 1);
    let date = busy("Retry-After: Wed, 21 Oct 2065 07:28:00 GMT");
    fetch(&source(&[&date]), all_but_the_first().path()).expect("the usual pause");
}

#[test]
fn a_pause_may_be_asked_for_by_a_date() {
    for (date, n_requests) in [
        ("Wed, 21 Oct 2065 07:27:59 GMT", 2),
        ("Wed, 21 Oct 2065 07:27:00 GMT", 1),
    ] {
        let server = Server::start(move |number, request, connection| match number {
            0 => {
                let date = format!("Date: {date}");
                let retry_after = "Retry-After: Wed, 21 Oct 2065 07:28:00 GMT";
                send(
                    connection,
                    "503 Service Unavailable",
                    &[&date, retry_after],
                    b"",
                );
            }
            _ => send_file(connection, request, &content(NAMES[0])),
        });
        let fetched = fetch(&source(&[&server]), all_but_the_first().path());
        assert_eq!(server.requests().len(), n_requests, "{fetched:?}");
        assert_eq!(fetched.is_ok(), n_requests == 2, "a minute is too long");
    }
}

#[test]
fn usual_pauses_are_a_little_longer_at_random() {
    let limits = Limits {
        pauses: [20, 30].map(Duration::from_millis).to_vec(),
        jitter: 0.5,
        ..limits()
    };
    let server = Server::start(|_, _, connection| send(connection, "500 Oh", &[], b""));
    let scratch = all_but_the_first();
    let mut pauses = Vec::new();
    let mut watch = |progress: Progress<'_>| {
        if let Progress::Retrying { pause, .. } = progress {
            pauses.push(pause.as_secs_f64());
        }
    };
    fetch_within(
        &limits,
        &source(&[&server]),
        scratch.path(),
        None,
        &mut watch,
    )
    .expect_err("always in trouble");
    let [first, second] = pauses[..] else {
        panic!("{pauses:?}");
    };
    assert!((0.020..0.030).contains(&first), "{first}");
    assert!((0.030..0.045).contains(&second), "{second}");
}

#[test]
fn a_body_that_never_ends_in_time_is_left_and_the_next_mirror_goes_on() {
    let steady = Server::start(|_, _, connection| {
        send(connection, "200 OK", &["Content-Length: 200003"], b"");
        for piece in content(NAMES[0]).chunks(1_000) {
            if connection.write_all(piece).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    });
    let limits = Limits {
        transfer: Duration::from_millis(200),
        ..limits()
    };
    let (good, scratch) = (good_server(), all_but_the_first());
    let source = source(&[&steady, &good]);
    let mut given_up = Vec::new();
    let mut watch = |progress: Progress<'_>| {
        if let Progress::GivenUp { failure, .. } = progress {
            given_up.push(failure.to_string());
        }
    };
    fetch_within(&limits, &source, scratch.path(), None, &mut watch).expect("a good mirror");
    assert_eq!(given_up, ["not complete after 200ms"]);
    assert_whole(&scratch);
    assert!(good.requests()[0].range.is_some(), "it goes on");
}

#[test]
fn without_a_connection_files_are_only_looked_at() {
    let (source, scratch) = (source_at(vec![]), all_but_the_first());
    let error = verify(&source, scratch.path()).expect_err("one is not there");
    let folder = scratch.path().join("tiny");
    let folder = folder.display();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert_eq!(
        error.to_string(),
        format!("{folder}: missing or damaged files: {}", NAMES[0])
    );
    let help = error.help().expect("there is a way");
    let sha256 = sha256(&content(NAMES[0]));
    assert!(
        help.contains(&format!("in {folder}: {} (SHA-256 {sha256})", NAMES[0])),
        "{help}"
    );
    write(&first(&scratch), &content(NAMES[0]));
    let found = verify(&source, scratch.path()).expect("all are there");
    assert!(found.new_files.is_empty());
}

#[test]
fn a_page_instead_of_the_file_is_called_one() {
    let page = Server::start(|_, _, connection| {
        let kind = "Content-Type: text/html; charset=utf-8";
        send(
            connection,
            "200 OK",
            &[kind],
            b"<!DOCTYPE html><title>Log in</title>",
        );
    });
    let failure = failure(&page);
    assert_eq!(failure, MirrorFailure::Html);
    assert_eq!(
        failure.to_string(),
        "expected a file, found a web page (text/html)"
    );
}

#[test]
fn a_file_of_another_length_is_not_even_downloaded() {
    let server = Server::start(|_, _, connection| {
        send(connection, "200 OK", &["Content-Length: 200004"], b"");
    });
    let (found, expected) = (200_004, 200_003);
    assert_eq!(failure(&server), MirrorFailure::Size { found, expected });
}

#[test]
fn an_endless_body_is_left_after_the_expected_bytes() {
    let server = Server::start(|_, _, connection| {
        send(connection, "200 OK", &[], b"");
        while connection.write_all(&[7; 1 << 16]).is_ok() {}
    });
    let expected = 200_003;
    assert_eq!(failure(&server), MirrorFailure::TooLong { expected });
}

#[test]
fn a_body_that_ends_early_is_asked_for_again_and_then_given_up() {
    let server = Server::start(|_, _, connection| send(connection, "200 OK", &[], b"short"));
    assert!(matches!(
        failure(&server),
        MirrorFailure::Broken {
            at: 5,
            expected: 200_003,
            ..
        }
    ));
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_content_encoding_is_not_undone() {
    let server = Server::start(|_, request, connection| {
        let length = "Content-Length: 200003";
        let encoding = "Content-Encoding: gzip";
        send(
            connection,
            "200 OK",
            &[length, encoding],
            &file(&request.path),
        );
    });
    let scratch = all_but_the_first();
    fetch(&source(&[&server]), scratch.path()).expect("a good mirror");
    assert_whole(&scratch);
}

#[test]
fn redirects_are_followed_a_few_times_and_only_to_safe_places() {
    let hops = |n: usize| {
        Server::start(move |number, request, connection| {
            if number < n {
                let next = format!("Location: /{number}/{}", NAMES[0]);
                send(connection, "302 Found", &[&next, "Content-Length: 0"], b"");
            } else {
                send_file(connection, request, &file(&request.path));
            }
        })
    };
    let scratch = all_but_the_first();
    fetch(&source(&[&hops(5)]), scratch.path()).expect("five redirects are fine");
    assert_whole(&scratch);
    let circular = hops(usize::MAX);
    let cause = "more than 5 times".to_owned();
    assert_eq!(failure(&circular), MirrorFailure::Redirect { cause });
    assert_eq!(circular.requests().len(), 6);
    for place in ["http://example.org/x", "ftp://example.org/x"] {
        let astray = Server::start(move |_, _, connection| {
            let location = format!("Location: {place}");
            send(
                connection,
                "302 Found",
                &[&location, "Content-Length: 0"],
                b"",
            );
        });
        let text = failure(&astray).to_string();
        assert_eq!(
            text,
            format!("redirects to {place}, which does not use HTTPS")
        );
    }
}

#[test]
fn a_server_that_drips_or_stalls_is_given_up() {
    let drip = Server::start(|_, _, connection| {
        send(connection, "200 OK", &["Content-Length: 200003"], b"");
        while connection.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let stall = Server::start(|_, _, connection| {
        send(connection, "200 OK", &["Content-Length: 200003"], b"some");
        thread::sleep(Duration::from_secs(5));
    });
    for server in [drip, stall] {
        let failure = failure(&server);
        assert_eq!(
            failure.to_string(),
            "slower than 1024 bytes per second over 500ms"
        );
    }
    let silent = Server::start(|_, _, _| thread::sleep(Duration::from_secs(5)));
    assert!(matches!(failure(&silent), MirrorFailure::NoAnswer { .. }));
}

#[test]
fn a_mirror_that_cannot_be_reached_is_named() {
    let scratch = all_but_the_first();
    let closed = source_at(vec!["http://127.0.0.1:1".to_owned()]);
    let error = fetch(&closed, scratch.path()).expect_err("nobody listens");
    let text = error.to_string();
    assert!(text.contains("http://127.0.0.1:1/"), "{text}");
    assert!(text.contains("no response (Connection refused"), "{text}");
    assert!(!first_partial(&scratch).exists());
}

#[test]
fn an_address_that_is_not_safe_is_refused_before_any_connection() {
    let unsafe_addresses = [
        "http://example.org/mnist",
        "ftp://example.org/mnist",
        "file:///srv/mnist",
        "https://",
    ];
    for address in unsafe_addresses {
        let scratch = all_but_the_first();
        let origin = Origin::parse(address.as_ref());
        let error =
            nn_data::download::fetch(&source(&[]), scratch.path(), Some(&origin), &mut |_| {})
                .expect_err("not safe");
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert_eq!(
            error.to_string(),
            format!("mirror {address:?}: expected an https:// address")
        );
    }
}

#[test]
fn plain_http_is_refused_unless_the_user_names_this_machine() {
    let server = good_server();
    let (source, scratch) = (source(&[&server]), Scratch::new());
    let fetch = |origin: Option<Origin>| {
        nn_data::download::fetch(&source, scratch.path(), origin.as_ref(), &mut |_| {})
    };
    let error = fetch(None).expect_err("the catalog must name https");
    assert!(matches!(error, Error::InvalidMirror { .. }), "{error}");
    for slash in ["", "/"] {
        let origin = Origin::Mirror(format!("{}/sub{slash}", server.address()));
        fetch(Some(origin)).expect("named by the user");
        assert_whole(&scratch);
        assert_eq!(server.requests()[0].path, format!("/sub/{}", NAMES[0]));
        fs::remove_file(first(&scratch)).expect("just fetched");
    }
}

#[test]
fn fetches_at_the_same_time_download_once() {
    let server = Server::start(|_, request, connection| {
        thread::sleep(Duration::from_millis(50));
        send_file(connection, request, &file(&request.path));
    });
    let (source, scratch) = (source(&[&server]), Scratch::new());
    let new_files: usize = thread::scope(|scope| {
        let fetches: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| fetch(&source, scratch.path())))
            .collect();
        fetches
            .into_iter()
            .map(|fetch| fetch.join().expect("no panic").expect("a good mirror"))
            .map(|fetched| fetched.new_files.len())
            .sum()
    });
    assert_whole(&scratch);
    assert_eq!((new_files, server.requests().len()), (4, 4));
}

/// Helper of [`a_killed_fetch_leaves_nothing_wrong`], which runs it in a separate
/// process with the address of the server in the environment.
#[test]
fn fetch_to_be_killed() {
    let (Some(address), Some(folder)) = (env::var("TEST_MIRROR").ok(), env::var_os("TEST_FOLDER"))
    else {
        return;
    };
    fetch(&source_at(vec![address]), Path::new(&folder)).expect("a good mirror");
}

#[test]
fn a_killed_fetch_leaves_nothing_wrong() {
    let server = Server::start(|_, request, connection| {
        let whole = file(&request.path);
        let start = request.range.unwrap_or(0);
        let length = format!("Content-Length: {}", whole.len() - start);
        let range = format!(
            "Content-Range: bytes {start}-{}/{}",
            whole.len() - 1,
            whole.len()
        );
        let status = if start == 0 {
            "200 OK"
        } else {
            "206 Partial Content"
        };
        send(connection, status, &[&length, &range], b"");
        for piece in whole[start..].chunks(4_096) {
            if connection.write_all(piece).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
    let scratch = Scratch::new();
    for run in 0..20 {
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", "download::fetch_to_be_killed"])
            .env("TEST_MIRROR", server.address())
            .env("TEST_FOLDER", scratch.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test can be run");
        thread::sleep(Duration::from_millis(7 * run));
        child.kill().ok();
        child.wait().expect("it has been started");
        for name in NAMES {
            if let Ok(found) = fs::read(scratch.path().join("tiny").join(name)) {
                assert_eq!(found, content(name), "{name} after run {run}");
            }
        }
    }
    fetch(&source(&[&server]), scratch.path()).expect("a good mirror");
    assert_whole(&scratch);
    let resumed = server
        .requests()
        .iter()
        .any(|request| request.range.is_some());
    assert!(resumed, "no run was killed within a download");
}

fn fetch_from(folder: &Path, data_dir: &Path) -> Result<Fetched> {
    let origin = Origin::Folder(folder.to_owned());
    fetch_within(
        &limits(),
        &source_at(vec![]),
        data_dir,
        Some(&origin),
        &mut |_| {},
    )
}

#[test]
fn a_folder_with_the_files_delivers_them() {
    for sub in ["", "tiny"] {
        let (origin, scratch) = (Scratch::new(), Scratch::new());
        for name in NAMES {
            write(&origin.path().join(sub).join(name), &content(name));
        }
        let fetched = fetch_from(origin.path(), scratch.path()).expect("all are there");
        assert_eq!(fetched.new_files, NAMES);
        assert_whole(&scratch);
    }
}

#[test]
fn a_folder_that_lacks_a_file_says_which() {
    let (origin, scratch) = (Scratch::new(), all_but_the_first());
    let error = fetch_from(origin.path(), scratch.path()).expect_err("nothing there");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(
        error.to_string(),
        format!("{}: missing file {}", origin.path().display(), NAMES[0])
    );
    assert!(!first_partial(&scratch).exists());
}

#[test]
fn a_damaged_file_in_a_folder_is_named_with_both_checksums() {
    let mut flipped = content(NAMES[0]);
    flipped[100] ^= 1;
    let longer = [content(NAMES[0]), vec![0]].concat();
    for damaged in [flipped, longer, content(NAMES[0])[..9].to_vec()] {
        let (origin, scratch) = (Scratch::new(), all_but_the_first());
        let path = origin.file(NAMES[0], &damaged);
        let error = fetch_from(origin.path(), scratch.path()).expect_err("damaged");
        assert_eq!(error.kind(), ErrorKind::Network);
        assert_eq!(
            error.to_string(),
            format!(
                "{}: expected 200003 bytes with SHA-256 {}, found {} bytes with SHA-256 {}",
                path.display(),
                sha256(&content(NAMES[0])),
                damaged.len(),
                sha256(&damaged)
            )
        );
        assert!(!first(&scratch).exists() && !first_partial(&scratch).exists());
    }
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let scratch = Scratch::new();
    let in_the_way = scratch.file("tiny", b"a file where the folder should be");
    let error = fetch(&source(&[&good_server()]), scratch.path()).expect_err("in the way");
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error
            .to_string()
            .starts_with(&in_the_way.display().to_string()),
        "{error}"
    );
}
