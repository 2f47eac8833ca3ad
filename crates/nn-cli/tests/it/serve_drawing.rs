//! Predictions for drawings, through the API of the page.

use ndarray::{Array2, ArrayView2, s};
use nn_data::{Dataset, Inputs, catalog, glyphs};
use nn_tensor::Threads;

use crate::live::Server;
use crate::support::{Scratch, mnist_dir};

/// Side of the drawing that the page sends.
const SIDE: usize = 112;

/// Factor by which a digit is enlarged.
const SCALE: usize = 3;

#[test]
fn built_in_digits_enlarged_thickened_and_moved_keep_their_predictions() {
    let scratch = Scratch::new();
    scratch.train(
        "a",
        "--data glyphs --limit-train 10000 --hidden 64 --epochs 4",
    );
    let server = Server::start(scratch, "a");
    // They vary so much that a small network doubts most of them.
    let (pixels, _) = glyphs::generate(7, 0, 1500, &Threads::single());
    let n_kept = n_kept(&server, pixels.view(), 0.9);
    assert!(n_kept >= 190, "{n_kept} of 200");
}

#[test]
fn real_digits_enlarged_thickened_and_moved_keep_their_predictions() {
    let Some(data_dir) = mnist_dir() else {
        return;
    };
    let scratch = Scratch::new();
    let folder = format!("--data-dir {}", data_dir.display());
    scratch.train(
        "a",
        &format!("{folder} --data mnist --hidden 128 --epochs 3"),
    );
    let server = Server::start(scratch, &format!("a {folder}"));
    let source = catalog::find("mnist").expect("the catalog has it");
    let mnist = Dataset::load(source, &data_dir).expect("the files are whole");
    let Inputs::Pixels(pixels) = &mnist.test.inputs else {
        panic!("MNIST has pixels");
    };
    let n_kept = n_kept(&server, pixels.slice(s![..200, ..]), 0.0);
    assert!(n_kept >= 194, "{n_kept} of 200");
}

/// The number of images that keep their prediction when they are drawn larger, thicker and
/// in a corner, out of the first 200 images with at least this probability.
fn n_kept(server: &Server, images: ArrayView2<'_, u8>, least: f64) -> usize {
    let (mut n_asked, mut n_kept) = (0, 0);
    for image in images.rows() {
        let image = image.to_shape((28, 28)).expect("28 x 28 pixels");
        let original: Vec<u8> = image.iter().copied().collect();
        let expected = server.predict("opened", 28, &original).json();
        let class = expected["class"].as_u64().expect("a class") as usize;
        if expected["probabilities"][class].as_f64() < Some(least) {
            continue;
        }
        let drawing = drawing(image.view(), n_asked);
        let drawn = server.predict("opened", SIDE, &drawing).json();
        assert_eq!(drawn["redrawn"], true);
        n_asked += 1;
        n_kept += usize::from(drawn["class"] == expected["class"]);
        if n_asked == 200 {
            break;
        }
    }
    eprintln!("{n_kept} of {n_asked} keep their answers");
    assert_eq!(n_asked, 200);
    n_kept
}

/// Black on white, three times as large, every stroke a pixel thicker on each
/// side, in the corner number `corner`.
fn drawing(image: ArrayView2<'_, u8>, corner: usize) -> Vec<u8> {
    let large = Array2::from_shape_fn((28 * SCALE, 28 * SCALE), |(i, j)| interpolate(image, i, j));
    let side = large.nrows();
    let thick = Array2::from_shape_fn((side, side), |(i, j)| {
        let rows = i.saturating_sub(1)..(i + 2).min(side);
        let around = rows.flat_map(|row| {
            (j.saturating_sub(1)..(j + 2).min(side)).map(move |column| (row, column))
        });
        around.map(|place| large[place]).max().unwrap_or(0)
    });
    let far = SIDE - side;
    let (top, left) = [(0, 0), (0, far), (far, 0), (far, far)][corner % 4];
    let mut canvas = Array2::from_elem((SIDE, SIDE), 255_u8);
    canvas
        .slice_mut(s![top..top + side, left..left + side])
        .assign(&thick.mapv(|ink| 255 - ink));
    canvas.into_raw_vec_and_offset().0
}

/// Linear interpolation, as drawing programs enlarge.
fn interpolate(image: ArrayView2<'_, u8>, i: usize, j: usize) -> u8 {
    let place = |at: usize| {
        let position = ((at as f32 + 0.5) / SCALE as f32 - 0.5).clamp(0.0, 27.0);
        let first = (position as usize).min(26);
        (first, position - first as f32)
    };
    let ((i, down), (j, right)) = (place(i), place(j));
    let value = |i, j| f32::from(image[[i, j]]);
    let upper = value(i, j) * (1.0 - right) + value(i, j + 1) * right;
    let lower = value(i + 1, j) * (1.0 - right) + value(i + 1, j + 1) * right;
    (upper * (1.0 - down) + lower * down).round() as u8
}

#[test]
fn a_prediction_comes_with_its_attribution() {
    let scratch = Scratch::new();
    // Without hidden layers, the shares of the pixels are exact.
    scratch.train(
        "a",
        "--data glyphs --limit-train 2000 --hidden \"\" --epochs 2",
    );
    let server = Server::start(scratch, "a");
    let sample = server
        .post(
            "/api/sample",
            &serde_json::json!({ "network": "opened", "index": 3 }),
        )
        .json();
    assert_eq!(
        (&sample["height"], &sample["n"]),
        (&28.into(), &10_000.into())
    );
    let pixels = sample["pixels"].as_str().expect("base64");
    let body = serde_json::json!({ "network": "opened", "side": 28, "pixels": pixels });
    let answer = server.post("/api/predict", &body).json();
    assert_eq!(answer["hidden"], serde_json::json!([]));
    let number = |name: &str| answer[name].as_f64().expect("a number");
    let probabilities: Vec<f64> =
        serde_json::from_value(answer["probabilities"].clone()).expect("numbers");
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    // What is left of the weighted sum is the bias.
    let bias = number("weighted_sum") - number("for") - number("against");
    assert!(bias.abs() < 1.0, "{answer}");
    assert_eq!(
        server.predict("opened", 112, &[255; 112 * 112]).json()["blank"],
        true
    );
    assert_eq!(server.predict("training", 28, &[0; 784]).status, 404);
}

#[test]
fn a_network_for_tables_refuses_drawings() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", crate::support::trees());
    scratch.train("a", "--data trees.csv --epochs 1");
    let server = Server::start(scratch, "a");
    let answer = server.predict("opened", 28, &[0; 784]);
    assert_eq!(answer.status, 422, "{}", answer.text());
}
