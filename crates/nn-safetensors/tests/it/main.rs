//! Files against the `safetensors` package, what is read from them, and damaged files.

use nn_safetensors::{
    Accept, Encoded, Kind, NO_CHECKSUM, Tensor, TensorFile, copy_values, hexadecimal, read_all,
    values_sha256,
};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

const KIND: Kind = Kind {
    key: "nn",
    format: 1,
    first_checksummed: 1,
};

fn metadata() -> String {
    format!("{{\"format\":1,\"sha256\":\"{NO_CHECKSUM}\",\"é\":\"\\\"\"}}")
}

fn file(tensors: Vec<Tensor<'_, f32>>) -> Vec<u8> {
    let encoded = Encoded::new(tensors, KIND, &metadata()).unwrap();
    encoded.to_bytes().unwrap()
}

#[test]
fn the_safetensors_package_writes_the_same_bytes() {
    let tensor = |name: &str, values: &'static [f32]| Tensor {
        name: name.to_owned(),
        shape: vec![values.len() / 2, 2],
        values,
    };
    let ours = file(vec![
        tensor("layers.10.weight", &[1.0, -2.0]),
        tensor("layers.2.weight", &[0.5, 1e-40, 3.0, 4.0]),
        tensor("empty", &[]),
    ]);
    let theirs = SafeTensors::deserialize(&ours).unwrap();
    assert_eq!(theirs.tensor("layers.2.weight").unwrap().shape(), [2, 2]);
    let views = theirs.tensors().into_iter().map(|(name, tensor)| {
        let view = TensorView::new(Dtype::F32, tensor.shape().to_vec(), tensor.data());
        (name, view.unwrap())
    });
    let (_, read) = SafeTensors::read_metadata(&ours).unwrap();
    assert_eq!(serialize(views, read.metadata().clone()).unwrap(), ours);
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let tensor = |name: &str, shape: &[usize], values: &'static [f64]| Tensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        values,
    };
    let tensors = vec![
        tensor("b", &[2, 1], &[0.5, -2.0]),
        tensor("a", &[3], &[1.0, 1e300, f64::INFINITY]),
        tensor("c", &[1], &[7.0]),
    ];
    let bytes = Encoded::new(tensors, KIND, &metadata()).unwrap();
    let bytes = read_all(&mut &bytes.to_bytes().unwrap()[..]).unwrap();
    let file = TensorFile::parse(&bytes, KIND).unwrap();
    assert_eq!((file.n_tensors(), file.format, file.data.len()), (3, 1, 48));
    assert_eq!(file.row::<f64>("c").unwrap(), Some(vec![7.0]));
    assert_eq!(file.row::<f64>("d").unwrap(), None);
    let mut values = [0.0; 2];
    let stored = file.tensor("b", &[2, 1]).unwrap();
    copy_values("b", stored, &mut values, Accept::Finite).unwrap();
    assert_eq!(values, [0.5, -2.0]);

    let mut values = [0.0; 3];
    let stored = file.tensor("a", &[3]).unwrap();
    copy_values("a", stored, &mut values, Accept::All).unwrap();
    assert_eq!(values, [1.0, 1e300, f64::INFINITY]);
    let refused = |result: nn_error::Result<()>| result.expect_err("refused").to_string();
    let infinite = refused(copy_values("a", stored, &mut values, Accept::Finite));
    assert!(infinite.contains("inf"), "{infinite}");
    let mut singles = [0.0_f32; 3];
    let large = refused(copy_values("a", stored, &mut singles, Accept::All));
    assert!(
        large.contains("element 1 is 1e300, too large for f32"),
        "{large}"
    );
    for (result, expected) in [
        (
            file.tensor("b", &[2]).map(|_| ()),
            "expected shape [2], found [2, 1]",
        ),
        (file.tensor("d", &[2]).map(|_| ()), "tensor d is missing"),
        (
            file.row::<f64>("b").map(|_| ()),
            "expected one dimension of F64 values",
        ),
        (
            file.row::<f32>("c").map(|_| ()),
            "expected one dimension of F32 values",
        ),
        (file.row::<f64>("a").map(|_| ()), "inf"),
    ] {
        let found = refused(result);
        assert!(found.contains(expected), "{found}");
    }
}

/// Every byte matters: those of the values by the checksum, those of the header by the checksum
/// or by their meaning.
#[test]
fn a_changed_byte_is_noticed() {
    assert_eq!(hexadecimal(&[0, 171, 255]), "00abff");
    let bytes = file(vec![Tensor {
        name: "weight".to_owned(),
        shape: vec![2],
        values: &[0.5, 2.0],
    }]);
    TensorFile::parse(&bytes, KIND).unwrap();
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(TensorFile::parse(&changed, KIND).is_err(), "byte {place}");
    }
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    let error = TensorFile::parse(&changed, KIND).unwrap_err().to_string();
    assert!(
        error.contains("the file is damaged: expected SHA-256 "),
        "{error}"
    );
}

#[test]
fn a_damaged_header_is_named() {
    let unchecked = Kind {
        first_checksummed: 2,
        ..KIND
    };
    let with = |header: &str, n_bytes: usize| {
        let length = (header.len() as u64).to_le_bytes();
        let mut bytes = [&length[..], header.as_bytes()].concat();
        bytes.resize(bytes.len() + n_bytes, 0);
        bytes
    };
    let listing =
        |tensors: &str| format!(r#"{{"__metadata__":{{"nn":"{{\"format\":1}}"}}{tensors}}}"#);
    let of = |dtype: &str, shape: &str, offsets: &str| {
        format!(r#","t":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let read = |bytes: &[u8]| TensorFile::parse(bytes, unchecked).map(|file| file.n_tensors());
    let good = listing(&of("F32", "[2]", "[0,8]"));
    assert_eq!(read(&with(&good, 8)).unwrap(), 1);
    assert_eq!(read(&with(&listing(""), 0)).unwrap(), 0);
    let twice = listing(&of("F32", "[2]", "[0,8]").repeat(2));
    let other_format = good.replace(":1}", ":2}");
    for (bytes, expected) in [
        (vec![0; 7], "ends at byte 7"),
        (
            with(&good, 8)[..20].to_vec(),
            "ends at byte 20, but the header declares",
        ),
        (
            u64::to_le_bytes(100_000_001).to_vec(),
            "a header of 100000001 bytes",
        ),
        (
            u64::to_le_bytes(100_000_000).to_vec(),
            "ends at byte 8, but the header declares",
        ),
        (with("[]", 0), "the header is not JSON"),
        (with("[]", 0), "expected an object of tensors"),
        (with("{}", 0), "not written by nn"),
        (
            with(&other_format, 8),
            "format 2; this version of nn reads format 1",
        ),
        (
            with(&good.replace(r#"\"format\":1"#, ""), 8),
            "has no format",
        ),
        (with(&twice, 8), "duplicate name \"t\""),
        (
            with(&good, 4),
            "4 bytes of weights, but the header declares 8",
        ),
        (
            with(&listing(&of("F32", "[1]", "[4,8]")), 8),
            "expected a start at 0",
        ),
        (
            with(&listing(&of("F32", "[3]", "[0,8]")), 8),
            "the offsets span 8 bytes",
        ),
        (
            with(&listing(&of("F64", "[2]", "[0,8]")), 8),
            "the offsets span 8 bytes",
        ),
        (
            with(&listing(&of("I8", "[8]", "[0,8]")), 8),
            "expected F32 or F64, found I8",
        ),
        (with(&listing(&of("F32", "[-2]", "[0,8]")), 8), "its shape"),
    ] {
        let error = read(&bytes).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
    // With a checksum, a file without one is refused.
    let error = TensorFile::parse(&with(&good, 8), KIND).unwrap_err();
    assert!(error.to_string().contains("has no checksum"), "{error}");
}

#[test]
fn values_are_aligned_and_may_be_empty() {
    for length in 1..=8 {
        let bytes = file(vec![Tensor {
            name: "n".repeat(length),
            shape: vec![0, 3],
            values: &[],
        }]);
        assert!(bytes.len().is_multiple_of(8), "{length}");
        let file = TensorFile::parse(&bytes, KIND).unwrap();
        assert!(file.tensor(&"n".repeat(length), &[0, 3]).is_ok());
    }
}

#[test]
fn the_hash_of_values_is_that_of_their_bytes_sorted_by_name() {
    let tensor = |name: &str, values: &'static [f32]| Tensor {
        name: name.to_owned(),
        shape: vec![values.len()],
        values,
    };
    let found = values_sha256(vec![tensor("b", &[2.0]), tensor("a", &[0.5, -1.0])]);
    // hashlib.sha256(struct.pack("<3f", 0.5, -1.0, 2.0)).hexdigest()
    assert_eq!(
        found,
        "0846fa44e8b51361c65aa5220fb9a8e2c033649ec1638f2b9b02fb0dd4c0bfb0"
    );
}
