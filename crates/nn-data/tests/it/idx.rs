//! Valid and invalid IDX files.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use nn_data::idx::{self, ElementType, Idx, IdxData, Magic};
use nn_data::{Error, ErrorKind, IdxProblem};
use proptest::prelude::*;

use crate::support::{Scratch, bytes, gzip, images};

/// The error message for a file with this content.
fn complaint(content: &[u8], wanted: Option<Magic>) -> String {
    let scratch = Scratch::new();
    let path = scratch.file("data", content);
    let error = idx::read_file(&path, wanted).expect_err("the file is damaged");
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    let text = error.to_string();
    let (place, problem) = text.split_once(": ").expect("a path and a problem");
    assert_eq!(Path::new(place), path);
    problem.to_owned()
}

fn read_back(content: &[u8]) -> Idx {
    let scratch = Scratch::new();
    let path = scratch.file("data", content);
    idx::read_file(&path, None).expect("the file is intact")
}

#[test]
fn a_file_cut_at_any_byte_is_refused_with_both_lengths() {
    let whole = images(2);
    assert_eq!(whole.len(), 28);
    for end in 0..whole.len() {
        let text = complaint(&whole[..end], Some(Magic::IMAGES));
        let expected = match end {
            0..4 => format!("ends at byte {end}, but the header needs 4 bytes"),
            4..16 => format!("ends at byte {end}, but the header needs 16 bytes"),
            _ => format!("ends at byte {end}, but the header promises 28 bytes"),
        };
        assert_eq!(text, expected);
        let text = Idx::read(&whole[..end]).expect_err("cut").to_string();
        assert_eq!(text, expected, "from a reader of unknown length");
    }
}

#[test]
fn gzip_data_cut_at_any_byte_is_refused() {
    let whole = gzip(&images(2));
    for end in 2..whole.len() {
        let text = complaint(&whole[..end], Some(Magic::IMAGES));
        assert!(text.starts_with("damaged gzip data: "), "at {end}: {text}");
    }
    for end in 0..2 {
        let text = complaint(&whole[..end], Some(Magic::IMAGES));
        assert_eq!(
            text,
            format!("ends at byte {end}, but the header needs 4 bytes")
        );
    }
}

#[test]
fn gzip_data_with_any_bit_flipped_after_its_header_is_refused_or_the_same() {
    let content = images(2);
    let whole = gzip(&content);
    let intact = Idx::from_bytes(&content).expect("intact");
    let scratch = Scratch::new();
    for bit in 10 * 8..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let path = scratch.file("data", &flipped);
        if let Ok(found) = idx::read_file(&path, None) {
            assert_eq!(found, intact, "bit {bit}");
        }
    }
}

#[test]
fn a_wrong_checksum_at_the_end_of_gzip_data_is_refused() {
    let mut content = gzip(&images(2));
    let crc = content.len() - 8;
    content[crc] ^= 1;
    assert!(complaint(&content, None).starts_with("damaged gzip data: "));
}

#[test]
fn anything_after_gzip_data_is_refused() {
    let whole = gzip(&images(2));
    let followed_by = |more: &[u8]| complaint(&[&whole, more].concat(), None);
    assert_eq!(followed_by(&[0]), "1 byte after the end of the gzip data");
    assert_eq!(
        followed_by(&vec![7; 1 << 20]),
        "1048576 bytes after the end of the gzip data"
    );
    for member in [gzip(b""), gzip(b"more"), whole.clone()] {
        assert_eq!(
            followed_by(&member),
            format!(
                "{} bytes after the end of the gzip data (a second gzip member)",
                member.len()
            )
        );
    }
}

#[test]
fn a_second_gzip_member_is_not_taken_for_the_rest_of_the_first() {
    let whole = images(2);
    let split = [gzip(&whole[..20]), gzip(&whole[20..])].concat();
    assert_eq!(
        complaint(&split, None),
        "ends at byte 20, but the header promises 28 bytes"
    );
}

#[test]
fn bytes_after_the_last_element_are_named() {
    let surplus = |n: usize| [images(2), vec![0; n]].concat();
    assert_eq!(
        complaint(&surplus(1), None),
        "expected 28 bytes, found 1 byte more"
    );
    assert_eq!(
        complaint(&surplus(1 << 20), None),
        "expected 28 bytes, found 1048576 bytes more"
    );
    assert_eq!(
        complaint(&gzip(&surplus(5)), None),
        "expected 28 bytes, found at least 1 byte more"
    );
}

#[test]
fn twenty_wrong_magic_numbers_are_shown_as_bytes() {
    let hint_of = [
        ([0x1f, 0x8b, 0x08, 0x00], " (still gzip-compressed?)"),
        (*b"<!DO", " (an HTML page?)"),
        (*b"<htm", " (an HTML page?)"),
        (*b"PK\x03\x04", " (a zip archive?)"),
        ([0, 0, 8, 1], " (a file of labels?)"),
        ([0, 0, 8, 0], ""),
        ([0, 0, 8, 2], ""),
        ([0, 0, 8, 4], ""),
        ([0, 0, 8, 255], ""),
        ([0, 0, 9, 3], ""),
        ([0, 0, 0x0b, 3], ""),
        ([0, 0, 0x0c, 3], ""),
        ([0, 0, 0x0d, 3], ""),
        ([0, 0, 0x0e, 3], ""),
        ([0, 0, 0x0a, 3], ""),
        ([0, 0, 7, 3], ""),
        ([0, 1, 8, 3], ""),
        ([1, 0, 8, 3], ""),
        ([3, 8, 0, 0], ""),
        ([255, 255, 255, 255], ""),
    ];
    for (magic, hint) in hint_of {
        // Compressed, so that the reader does not decompress it by itself.
        let content = gzip(&[&magic[..], &[0; 12]].concat());
        let [a, b, c, d] = magic;
        assert_eq!(
            complaint(&content, Some(Magic::IMAGES)),
            format!(
                "bad IDX magic: expected 00 00 08 03 (2051), \
                 found {a:02x} {b:02x} {c:02x} {d:02x}{hint}"
            )
        );
    }
}

#[test]
fn without_a_wanted_magic_the_possible_ones_are_named() {
    let error = Idx::from_bytes(&[0, 0, 0x0a, 1, 0, 0, 0, 0]).expect_err("no such type");
    assert_eq!(
        error.to_string(),
        "bad IDX magic: expected 00 00, an element type (08, 09 or 0b to 0e) and a rank, \
         found 00 00 0a 01"
    );
}

#[test]
fn impossible_dimensions_are_refused_by_arithmetic() {
    let header = |magic: [u8; 4], dims: &[u32]| {
        let dims = dims.iter().flat_map(|dim| dim.to_be_bytes());
        magic.into_iter().chain(dims).collect::<Vec<u8>>()
    };
    let most = u32::MAX;
    assert_eq!(
        complaint(&header([0, 0, 8, 3], &[most; 3]), None),
        "array too large: dimensions 4294967295 x 4294967295 x 4294967295 with 1-byte elements overflow 64 bits"
    );
    assert!(complaint(&header([0, 0, 0x0e, 2], &[most; 2]), None).starts_with("array too large"));
    let deep = header([0, 0, 8, 255], &[2; 255]);
    assert!(
        complaint(&deep, None)
            .ends_with("x ... (255 dimensions) with 1-byte elements overflow 64 bits")
    );
}

#[test]
fn a_header_is_not_trusted_with_memory() {
    let mut tiny = vec![0, 0, 8, 3];
    tiny.extend([0x7f, 0xff, 0xff, 0xff].repeat(2));
    tiny.extend([0, 0, 0, 1]);
    let promised = 16 + 0x7fff_ffff_u64.pow(2);
    let expected = format!("ends at byte 16, but the header promises {promised} bytes");
    assert_eq!(complaint(&tiny, None), expected);
    let compressed = gzip(&tiny);
    let expected_of_gzip = format!(
        "header promises {promised} bytes from {} bytes of gzip data (a gzip bomb?)",
        compressed.len()
    );
    assert_eq!(complaint(&compressed, None), expected_of_gzip);
    let error = Idx::read(&tiny[..]).expect_err("cut");
    assert_eq!(error.to_string(), expected, "from a reader");
}

#[test]
fn a_gzip_bomb_is_left_after_the_promised_bytes() {
    let content = [images(2), vec![0; 64 << 20]].concat();
    let bomb = gzip(&content);
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    assert_eq!(
        complaint(&bomb, None),
        "expected 28 bytes, found at least 1 byte more"
    );
}

#[test]
fn a_gzip_bomb_that_promises_what_it_holds_is_refused_by_its_ratio() {
    let of_zeros = |n: usize| {
        let idx = Idx {
            dims: vec![n],
            data: IdxData::U8(vec![0; n]),
        };
        gzip(&bytes(&idx))
    };
    let bomb = of_zeros((64 << 20) + 1);
    assert_eq!(
        complaint(&bomb, None),
        format!(
            "header promises 67108873 bytes from {} bytes of gzip data (a gzip bomb?)",
            bomb.len()
        )
    );
    // What is not large is no bomb.
    assert_eq!(read_back(&of_zeros(1 << 20)).dims, [1 << 20]);
}

#[test]
fn a_dimension_of_zero_undoes_the_others() {
    let dims = [u32::MAX, u32::MAX, u32::MAX, 0];
    let header = dims.iter().flat_map(|dim| dim.to_be_bytes());
    let content: Vec<u8> = [0, 0, 8, 4].into_iter().chain(header).collect();
    let idx = read_back(&content);
    assert!(idx.data.is_empty());
    assert_eq!(bytes(&idx), content);
}

#[test]
fn an_endless_reader_is_left_after_the_promised_bytes() {
    let whole = images(2);
    let endless = whole.as_slice().chain(io::repeat(7));
    assert!(matches!(
        Idx::read(endless),
        Err(IdxProblem::Trailing {
            promised: 28,
            surplus: None
        })
    ));
}

#[test]
fn only_regular_files_are_read() {
    let scratch = Scratch::new();
    let error = idx::read_file(scratch.path(), None).expect_err("a folder");
    assert!(
        error
            .to_string()
            .ends_with(": not a regular file (found a folder)")
    );
    assert_eq!(error.kind(), ErrorKind::Data);
    let absent = idx::read_file(&scratch.path().join("absent"), None).expect_err("absent");
    assert_eq!(absent.kind(), ErrorKind::Io);
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_without_waiting() {
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    for (path, kind) in [
        (&*pipe, "named pipe"),
        (Path::new("/dev/zero"), "device"),
        (Path::new("/dev/null"), "device"),
    ] {
        let error = idx::read_file(path, None).expect_err("not a file");
        let expected = format!("not a regular file (found a {kind})");
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_dangling_or_circular_ones_refused() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    scratch.file("data", &images(2));
    let link = |target: &str, name: &str| {
        let path = scratch.path().join(name);
        symlink(target, &path).expect("links can be made");
        path
    };
    assert!(idx::read_file(&link("data", "good"), None).is_ok());
    for path in [link("absent", "dangling"), link("loop", "loop")] {
        let error = idx::read_file(&path, None).expect_err("leads nowhere");
        assert!(
            matches!(error, Error::File(nn_files::Error::Io { .. })),
            "{error}"
        );
    }
}

#[test]
fn the_uncompressed_file_is_preferred() {
    let scratch = Scratch::new();
    assert_eq!(idx::locate(scratch.path(), "data"), None);
    let compressed = scratch.file("data.gz", &gzip(&images(2)));
    assert_eq!(idx::locate(scratch.path(), "data"), Some(compressed));
    let plain = scratch.file("data", &images(2));
    assert_eq!(idx::locate(scratch.path(), "data"), Some(plain));
}

#[test]
fn compression_is_seen_in_the_content_not_in_the_name() {
    let scratch = Scratch::new();
    let intact = Idx::from_bytes(&images(2)).expect("intact");
    for (name, content) in [("a", gzip(&images(2))), ("b.gz", images(2))] {
        let path = scratch.file(name, &content);
        let found = idx::read_file(&path, Some(Magic::IMAGES)).expect("intact");
        assert_eq!(found, intact);
    }
}

#[test]
fn nested_compression_is_named_with_its_remedy() {
    let scratch = Scratch::new();
    let path = scratch.file("data", &gzip(&gzip(&images(2))));
    let error = idx::read_file(&path, Some(Magic::IMAGES)).expect_err("nested");
    assert!(
        error.to_string().ends_with("(still gzip-compressed?)"),
        "{error}"
    );
    assert_eq!(
        error.help().as_deref(),
        Some("decompress the file with gunzip")
    );
}

#[test]
fn a_file_of_each_type_is_laid_out_as_the_format_says() {
    let cases = [
        (
            IdxData::U8(vec![1, 255]),
            vec![0, 0, 0x08, 1, 0, 0, 0, 2, 1, 255],
        ),
        (
            IdxData::I8(vec![1, -1]),
            vec![0, 0, 0x09, 1, 0, 0, 0, 2, 1, 255],
        ),
        (
            IdxData::I16(vec![-2]),
            vec![0, 0, 0x0b, 1, 0, 0, 0, 1, 255, 254],
        ),
        (
            IdxData::I32(vec![0x0102_0304]),
            vec![0, 0, 0x0c, 1, 0, 0, 0, 1, 1, 2, 3, 4],
        ),
        (
            IdxData::F32(vec![1.0]),
            vec![0, 0, 0x0d, 1, 0, 0, 0, 1, 0x3f, 0x80, 0, 0],
        ),
        (
            IdxData::F64(vec![-2.0]),
            vec![0, 0, 0x0e, 1, 0, 0, 0, 1, 0xc0, 0, 0, 0, 0, 0, 0, 0],
        ),
    ];
    assert_eq!(cases.len(), ElementType::ALL.len());
    for (data, expected) in cases {
        let idx = Idx {
            dims: vec![data.len()],
            data,
        };
        assert_eq!(bytes(&idx), expected);
        assert_eq!(read_back(&expected), idx);
    }
}

#[test]
fn arrays_of_rank_0_and_255_and_without_elements_are_read_back() {
    for dims in [vec![], vec![1; 255], vec![3, 0, 2], vec![0]] {
        let n_elements = dims.iter().product();
        let idx = Idx {
            dims,
            data: IdxData::U8(vec![9; n_elements]),
        };
        assert_eq!(read_back(&bytes(&idx)), idx);
        assert_eq!(read_back(&gzip(&bytes(&idx))), idx);
    }
}

#[test]
fn an_array_that_the_format_cannot_hold_is_not_written() {
    for dims in [vec![2], vec![1; 256], vec![], vec![3, usize::MAX]] {
        let idx = Idx {
            dims,
            data: IdxData::U8(vec![0; 3]),
        };
        let mut written = Vec::new();
        let error = idx.write(&mut written).expect_err("cannot be written");
        assert!(error.to_string().starts_with("cannot write 3 elements as "));
        assert!(written.is_empty());
    }
}

#[test]
fn a_disk_that_fails_is_not_called_damaged_data() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk on fire"))
        }
    }
    let problem = Idx::read((&images(2)[..20]).chain(Failing)).expect_err("fails");
    assert!(matches!(problem, IdxProblem::Read(_)));
    let error = Error::Idx {
        path: "data".into(),
        problem,
    };
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.to_string(), "data: disk on fire");
}

#[cfg(target_os = "linux")]
#[test]
fn damaged_files_leave_the_memory_alone() {
    let peak = || {
        let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kilobytes.expect("a number of kB")
    };
    let mut tiny = vec![0, 0, 8, 1, 0xff, 0xff, 0xff, 0xff];
    tiny.push(1);
    let before = peak();
    for content in [tiny.clone(), gzip(&tiny)] {
        assert!(complaint(&content, None).contains("header promises 4294967303"));
    }
    // Other tests run beside this one; the promise is 4 GiB.
    assert!(peak() - before < 512 << 10, "{} kB more", peak() - before);
}

fn any_idx() -> impl Strategy<Value = Idx> {
    let dims = proptest::collection::vec(0_usize..5, 0..5);
    (dims, 0..6_usize, any::<u64>()).prop_map(|(dims, kind, seed)| {
        let n: usize = dims.iter().product();
        let word = |i: usize| seed.wrapping_mul(2 * i as u64 + 1).rotate_left(17);
        let words = (0..n).map(word);
        let data = match ElementType::ALL[kind] {
            ElementType::U8 => IdxData::U8(words.map(|w| w as u8).collect()),
            ElementType::I8 => IdxData::I8(words.map(|w| w as i8).collect()),
            ElementType::I16 => IdxData::I16(words.map(|w| w as i16).collect()),
            ElementType::I32 => IdxData::I32(words.map(|w| w as i32).collect()),
            ElementType::F32 => IdxData::F32(words.map(|w| w as i32 as f32).collect()),
            ElementType::F64 => IdxData::F64(words.map(|w| w as i64 as f64).collect()),
        };
        Idx { dims, data }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(idx in any_idx()) {
        let content = bytes(&idx);
        prop_assert_eq!(&Idx::from_bytes(&content).expect("intact"), &idx);
        prop_assert_eq!(&Idx::read(&content[..]).expect("intact"), &idx);
        prop_assert_eq!(&read_back(&gzip(&content)), &idx);
    }

    #[test]
    fn any_bytes_are_read_or_refused(content in proptest::collection::vec(any::<u8>(), 0..64)) {
        let with_magic = [&[0, 0, 8, 2, 0, 0, 0, 2][..], &content].concat();
        for content in [&content, &with_magic] {
            if let Ok(idx) = Idx::from_bytes(content) {
                prop_assert_eq!(&bytes(&idx), content);
            }
        }
    }
}
