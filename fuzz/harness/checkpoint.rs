//! What must hold for any bytes taken for a checkpoint.

use nn_core::ndarray::array;
use nn_core::training::BatchSize;
use nn_core::{
    Activation, Checkpoint, ErrorKind, Inputs, LayerConfig, Loss, Network, NetworkConfig, Samples,
    Targets, Threads, Trainer, TrainingConfig,
};

use super::sealing::{Seal, reseal, whole_file};

/// The checksum covers the whole file, its own digits being zeros.
pub(crate) const SEAL: Seal = Seal {
    key: br#"sha256\":\""#,
    sum_of: whole_file,
};

/// Reads `bytes` as they are, and with the checksum and the length of the
/// header set right. A checkpoint that is read is written and read again the
/// same; if it can be restored into a training, that training goes on without
/// a panic.
pub(crate) fn check(bytes: &[u8]) {
    read(bytes);
    if let Some(sealed) = reseal(bytes, &SEAL) {
        read(&sealed);
    }
}

fn read(bytes: &[u8]) {
    let checkpoint = match Checkpoint::<f32>::read(bytes) {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Data, "{error}");
            return;
        }
    };
    let mut written = Vec::new();
    checkpoint
        .write(&mut written)
        .expect("memory can be written");
    assert_eq!(
        Checkpoint::read(&written[..]).expect("just written"),
        checkpoint
    );
    with_training(|trainer| {
        if trainer.restore(&checkpoint).is_ok() {
            // Numbers may be so large that the training runs away.
            (0..3).for_each(|_| drop(trainer.advance()));
        }
    });
}

/// A small training with everything in it that leaves a trace in a checkpoint.
pub(crate) fn with_training(work: impl FnOnce(&mut Trainer<'_>)) {
    let inputs = array![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let targets = Targets::classes(&[0, 1, 1, 0], 2);
    let samples = Samples::new(Inputs::values(inputs.view()), targets).expect("they fit");
    let hidden = LayerConfig {
        batch_norm: true,
        ..LayerConfig::new(2, Activation::Tanh)
    };
    let config = NetworkConfig {
        n_inputs: 2,
        layers: vec![hidden, LayerConfig::new(2, Activation::Softmax)],
    };
    let network = Network::new(&config, 0).expect("it is possible");
    let config = TrainingConfig {
        batch_size: BatchSize::Rows(2),
        epochs: 4,
        patience: 2,
        averaging: Some(0.9),
        schedule: "plateau".parse().expect("it is on the menu"),
        ..TrainingConfig::new(
            Loss::CrossEntropy,
            "adam".parse().expect("it is on the menu"),
        )
    };
    let validation = Some(samples.clone());
    let trainer = Trainer::new(network, samples, validation, config, Threads::single());
    work(&mut trainer.expect("it is possible"));
}
