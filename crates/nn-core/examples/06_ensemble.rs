//! Five networks, trained in threads of their own; the mean of their
//! probabilities predicts better than they do on average.
//!
//! ```console
//! $ cargo run -p nn-core --example 06_ensemble
//! ```
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::thread;

use nn_core::ndarray::{Array2, ArrayView1, s};
use nn_core::{Loss, Mlp, Purpose, Result, Streams, Threads};

fn main() -> Result<()> {
    // Do the first two of eight numbers have the same sign?
    let mut random = Streams::new(0).stream(Purpose::Test, 0);
    let x = Array2::from_shape_fn((1200, 8), |_| random.normal() as f32);
    let label = |row: ArrayView1<'_, f32>| u32::from(row[0] * row[1] > 0.0);
    let y: Vec<u32> = x.rows().into_iter().map(label).collect();
    let (train, test) = (x.slice(s![..200, ..]), x.slice(s![200.., ..]));

    let settings = Mlp::classifier().threads(Threads::single());
    let fit = |seed| settings.clone().seed(seed).fit(train, &y[..200]);
    let members = thread::scope(|scope| {
        let threads: Vec<_> = (0..5).map(|seed| scope.spawn(move || fit(seed))).collect();
        let join = |it: thread::ScopedJoinHandle<'_, _>| it.join().expect("no panic");
        threads.into_iter().map(join).collect::<Result<Vec<_>>>()
    })?;
    let mut mean = Array2::zeros((1000, 2));
    let mut accuracy_alone = 0.0;
    for member in &members {
        mean += &(member.predict_proba(test)? / 5.0);
        accuracy_alone += member.score(test, &y[200..])? / 5.0;
    }
    let class = |row: &[f32]| Loss::CrossEntropy.predicted_class(row) as u32;
    let predicted = mean.rows().into_iter().map(|row| class(&[row[0], row[1]]));
    let n_right = predicted.zip(&y[200..]).filter(|(a, b)| a == *b).count();
    let together = n_right as f64 / 1000.0;
    println!("accuracy alone {accuracy_alone:.3}, together {together:.3}");
    assert!(together > accuracy_alone && accuracy_alone > 0.7);
    Ok(())
}

#[test]
fn what_it_claims_holds() -> Result<()> {
    main()
}
