//! Log loss and Brier score of predicted probabilities.

use nn_samples::Rows;

use crate::means::weighted_mean;

/// Log loss (cross-entropy) in nats: the mean of −ln p of the true class. Probabilities
/// are clipped to ε..1 − ε with ε = 2⁻⁵². `None` without rows.
///
/// ```text
/// −Σᵢ wᵢ ln pᵢ,class(i) / Σᵢ wᵢ
/// ```
///
/// # Shapes
/// `probabilities [n_samples, n_classes]`, `classes [n_samples]`, `weights [n_samples]`.
///
/// # Panics
/// Panics if a class does not exist.
pub fn log_loss(
    probabilities: &Rows<'_, f64>,
    classes: &[u32],
    weights: Option<&[f64]>,
) -> Option<f64> {
    let rows = probabilities.rows().zip(classes);
    let losses = rows.map(|(row, &class)| {
        -row[class as usize]
            .clamp(f64::EPSILON, 1.0 - f64::EPSILON)
            .ln()
    });
    weighted_mean(losses, weights)
}

/// Brier score: the mean squared difference between the probabilities and the one-hot
/// encoded class, summed over the classes. For two classes it is halved, which gives the
/// mean of (p − y)² with the probability p of the second class. `None` without rows.
///
/// ```text
/// Σᵢ wᵢ Σₖ (pᵢₖ − yᵢₖ)² / Σᵢ wᵢ
/// ```
///
/// # Shapes
/// `probabilities [n_samples, n_classes]`, `classes [n_samples]`, `weights [n_samples]`.
pub fn brier_score(
    probabilities: &Rows<'_, f64>,
    classes: &[u32],
    weights: Option<&[f64]>,
) -> Option<f64> {
    let factor = if probabilities.n_columns() == 2 {
        0.5
    } else {
        1.0
    };
    let rows = probabilities.rows().zip(classes);
    let errors = rows.map(|(row, &class)| {
        let squares = row.iter().enumerate().map(|(k, p)| {
            let y = f64::from(u8::from(k == class as usize));
            (p - y) * (p - y)
        });
        factor * squares.sum::<f64>()
    });
    weighted_mean(errors, weights)
}
