//! Computes the fraction of zeros among the digits of a data set.

/// The fraction of images that are zeros.
pub(super) fn fraction_of_zeros(split: &nn_data::Split) -> f64 {
    let counts = split.class_counts(10);
    let all: usize = counts.iter().sum();
    counts[0] as f64 / all as f64
}
