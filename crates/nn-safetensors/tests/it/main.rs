//! Files against the `safetensors` package.

use nn_safetensors::{Encoded, Kind, NO_CHECKSUM, Tensor};
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
