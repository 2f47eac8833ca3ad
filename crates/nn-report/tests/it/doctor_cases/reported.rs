//! Runs whose first diagnosis was wrong, found by testers after the ninth round.

use super::{Case, Cure, NO_TABLE, case};
use crate::doctor_tables as tables;

/// The runs with their first cures.
pub(crate) const REPORTED: &[Case] = &[
    case(
        "a constant number",
        tables::constant_number,
        "--target price --task regression --hidden 8 --epochs 20",
        Cure::Advice("target column"),
    ),
    case(
        "a single class",
        tables::single_class,
        "--target kind --task classification --hidden 8 --epochs 20",
        Cure::Advice("target column"),
    ),
    // Early stopping keeps the weights of an early epoch, which have changed little.
    case(
        "the default preset on coin flips",
        tables::coin_flips,
        "--target side --seed 2",
        Cure::Advice("check the data"),
    ),
    case(
        "the default preset on random numbers",
        tables::unrelated_numbers,
        "--target y --seed 1",
        Cure::Advice("check the data"),
    ),
    // The weights of this epoch were kept because they predict the validation samples.
    case(
        "random numbers, some of which are predicted by chance",
        tables::unrelated_numbers,
        "--target y --seed 27",
        Cure::Advice("check the data"),
    ),
    // The training loss rises once, in steps of a usual size.
    case(
        "house prices, five epochs",
        tables::prices,
        "--target price --epochs 5 --seed 6",
        Cure::MoreEpochs,
    ),
    // R² is 0.97, but 0.999 is possible.
    case(
        "house prices, ten epochs",
        tables::prices,
        "--target price --epochs 10 --seed 1",
        Cure::Flags("--epochs 20"),
    ),
    case(
        "house prices, one epoch",
        tables::prices,
        "--target price --epochs 1",
        Cure::Flags("--epochs 10"),
    ),
    case(
        "digits, one neuron",
        NO_TABLE,
        "glyphs --limit-train 2000 --hidden 1 --epochs 12",
        Cure::LargerNetwork,
    ),
    case(
        "digits, label smoothing of 0.9",
        NO_TABLE,
        "glyphs --limit-train 500 --label-smoothing 0.9 --epochs 10",
        Cure::Setting(&["label-smoothing"]),
    ),
    case(
        "digits, dropout of 0.9",
        NO_TABLE,
        "glyphs --limit-train 1000 --hidden 64 --dropout 0.9 --epochs 60",
        Cure::Setting(&["dropout"]),
    ),
    case(
        "a relation that changes with time",
        tables::changing_relation,
        "--target y --order-by time --hidden 32 --lr 0.01 --epochs 60",
        Cure::Advice("compare the columns"),
    ),
    case(
        "a class that appears late",
        tables::late_class,
        "--target kind --order-by time --hidden 16 --lr 0.01 --epochs 40",
        Cure::Advice("never predicts a class"),
    ),
];
