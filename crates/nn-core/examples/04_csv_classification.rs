//! Classification of a CSV file: read, fit, print the validation accuracy, save, load,
//! predict. `cargo run -p nn-core --example 04_csv_classification`
#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::error::Error;

use nn_core::Mlp;

/// Every second flower of R. A. Fisher's Iris (1936), petals in cm.
const FLOWERS: &str = include_str!("iris.csv");

#[cfg_attr(test, test)]
fn main() -> Result<(), Box<dyn Error>> {
    let names = ["setosa", "versicolor", "virginica"];
    let (mut petals, mut classes) = (Vec::new(), Vec::new());
    for record in csv::Reader::from_reader(FLOWERS.as_bytes()).deserialize() {
        let (length, width, name): (f32, f32, String) = record?;
        let class = names.iter().position(|known| *known == name);
        petals.push([length, width]);
        classes.push(class.ok_or(format!("unknown kind {name}"))? as u32);
    }
    let settings = Mlp::classifier().hidden([16]).class_names(names);
    let settings = settings.learning_rate(0.02).validation(0.3).patience(20);
    let model = settings.fit(&petals, &classes)?;
    let last = model.history().last().ok_or("no epoch")?;
    let validation = last.validation.as_ref().and_then(|it| it.accuracy);
    println!("{} epochs, validation accuracy {validation:?}", last.epoch);
    assert!(validation > Some(0.9) && model.score(&petals, &classes)? > 0.9);

    let mut file = Vec::new();
    model.save(&mut file)?;
    assert_eq!(settings.load(&file[..])?.predict(&[[1.4, 0.2]])?, [0]);
    Ok(())
}
