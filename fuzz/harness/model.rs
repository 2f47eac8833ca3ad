//! What must hold for any bytes taken for a model file.

use nn_core::{ErrorKind, Model};
use nn_table::preprocessing::Preprocessing;
use sha2::{Digest, Sha256};

use super::sealing::{Seal, reseal, whole_file};

/// The checksum covers the whole file, its own digits being zeros.
pub(crate) const SEAL: Seal = Seal {
    key: br#"\"sha256\":\""#,
    sum_of: whole_file,
};

/// That of format 1 covers the weights.
const SEAL_1: Seal = Seal {
    key: br#"\"data_sha256\":\""#,
    sum_of: |bytes, header_end, _| Sha256::digest(&bytes[header_end..]).into(),
};

/// Reads `bytes` as they are, and with the checksum and the length of the
/// header set right, which is where most of them would be refused. A model that
/// is read is written and read again the same, and answers.
pub(crate) fn check(bytes: &[u8]) {
    read(bytes);
    for seal in [SEAL, SEAL_1] {
        if let Some(sealed) = reseal(bytes, &seal) {
            read(&sealed);
        }
    }
}

fn read(bytes: &[u8]) {
    let model = match Model::<f32>::read(bytes) {
        Ok(model) => model,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            return;
        }
    };
    let mut written = Vec::new();
    model.write(&mut written).expect("memory can be written");
    assert_eq!(Model::read(&written[..]).expect("just written"), model);
    let inputs = vec![0.5; model.network.n_inputs()];
    let answer = model
        .network
        .predict(&inputs)
        .expect("finite inputs of the right width");
    assert_eq!(answer.len(), model.network.n_outputs());
    if let Some(preprocessing) = &model.description.input.preprocessing {
        let _ = Preprocessing::from_json(preprocessing.as_str());
    }
}
