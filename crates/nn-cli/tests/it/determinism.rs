//! The same binary, data, configuration and seed: the same bytes, whatever the
//! number of threads.

use nn_core::{Menu, Optimizer};

use crate::support::{Scratch, idx_bytes, idx_labels};

/// 90 images of 10 x 8 pixels in three classes: columns with a bright band in
/// their upper, middle or lower part.
fn images(scratch: &Scratch) {
    let pixel = |image: usize, y: usize, x: usize| {
        let is_bright = y / 4 == image % 3;
        let base = if is_bright { 180 } else { 20 };
        (base + (image * 31 + y * 17 + x * 7) % 60) as u8
    };
    let rows = (0..90).flat_map(|image| (0..10).map(move |y| (image, y)));
    let pixels = rows.flat_map(|(image, y)| (0..8).map(move |x| pixel(image, y, x)));
    scratch.file(
        "data/train-images-idx3-ubyte",
        idx_bytes(vec![90, 10, 8], pixels.collect()),
    );
    let labels: Vec<u8> = (0..90).map(|image| image % 3).collect();
    scratch.file("data/train-labels-idx1-ubyte", idx_labels(&labels));
}

/// Large enough that products are divided between threads, with everything
/// random that a training has.
const FLAGS: &str = "--data data --hidden 96,64 --batch-size 32 --epochs 2 --dropout 0.2 \
    --augment shift,affine,elastic --batch-norm --no-report";

#[test]
fn no_optimizer_sees_the_number_of_threads() {
    let scratch = Scratch::new();
    images(&scratch);
    let mut all = Vec::new();
    for &optimizer in Optimizer::ALL {
        let name = optimizer.name();
        let sha256 = |threads: usize| {
            let flags = format!("{FLAGS} --optimizer {name} --threads {threads}");
            let summary = scratch.train(&format!("{name}-{threads}"), &flags);
            assert_eq!(summary["threads"], threads);
            summary["weights_sha256"].to_string()
        };
        let single = sha256(1);
        for threads in [2, 3, 4, 7, 8] {
            assert_eq!(sha256(threads), single, "{name}, {threads} threads");
        }
        all.push(single);
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), Optimizer::ALL.len(), "they are not all the same");
}
