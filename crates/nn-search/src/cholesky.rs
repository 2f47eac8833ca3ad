//! Cholesky factorization of a covariance matrix.
//!
//! ```text
//! K = L·Lᵀ     L lower triangular, row by row (Cholesky–Banachiewicz)
//! K⁻¹·b = L⁻ᵀ·(L⁻¹·b)          ln det K = 2·Σ ln L_ii
//! ```
//!
//! Matrices are stored as slices in row-major order.

/// The factor `L` of a symmetric, positive definite matrix.
#[derive(Clone, Debug)]
pub(crate) struct Cholesky {
    n: usize,
    lower: Vec<f64>,
}

impl Cholesky {
    /// Factorizes `matrix + jitter·I`, `[n, n]`; only the lower triangle is read.
    ///
    /// The jitter is 0, or else 10⁻¹⁰, 10⁻⁹, … times the mean of the diagonal, until
    /// the matrix is positive definite; `None` if 10⁻² is not enough.
    pub(crate) fn with_jitter(matrix: &[f64], n: usize) -> Option<Self> {
        let diagonal = (0..n).map(|i| matrix[i * n + i]).sum::<f64>() / n as f64;
        let jitters = (2..=10)
            .rev()
            .map(|exponent| diagonal * libm::pow(10.0, -f64::from(exponent)));
        std::iter::once(0.0)
            .chain(jitters)
            .find_map(|jitter| Self::factor(matrix, n, jitter))
    }

    /// Factorizes `matrix + jitter·I`; `None` if it is not positive definite.
    pub(crate) fn factor(matrix: &[f64], n: usize, jitter: f64) -> Option<Self> {
        let mut lower = vec![0.0; n * n];
        for i in 0..n {
            let (above, row) = lower.split_at_mut(i * n);
            for j in 0..i {
                let other = &above[j * n..=j * n + j];
                row[j] = (matrix[i * n + j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = matrix[i * n + i] + jitter - dot(&row[..i], &row[..i]);
            // `pivot <= 0.0` would accept NaN.
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            row[i] = pivot.sqrt();
        }
        Some(Self { n, lower })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.lower[i * self.n..=i * self.n + i]
    }

    /// `b ← L⁻¹·b`.
    pub(crate) fn solve_lower(&self, b: &mut [f64]) {
        for i in 0..self.n {
            let row = self.row(i);
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
    }

    /// `K⁻¹·b`.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        self.solve_lower(&mut x);
        for i in (0..self.n).rev() {
            let row = self.row(i);
            x[i] /= row[i];
            for j in 0..i {
                x[j] -= row[j] * x[i];
            }
        }
        x
    }

    /// `½·ln det K`.
    pub(crate) fn half_log_determinant(&self) -> f64 {
        (0..self.n).map(|i| libm::log(self.row(i)[i])).sum()
    }

    /// `K⁻¹ = L⁻ᵀ·L⁻¹`, lower triangle; the elements above it are 0.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        // Column j of L⁻¹ as row j, so that dot products run along rows.
        let mut columns = vec![0.0; n * n];
        for (j, column) in columns.chunks_exact_mut(n).enumerate() {
            for i in j..n {
                let row = self.row(i);
                let right = f64::from(u8::from(i == j));
                column[i] = (right - dot(&row[j..i], &column[j..i])) / row[i];
            }
        }
        let mut inverse = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let (a, b) = (&columns[i * n..(i + 1) * n], &columns[j * n..(j + 1) * n]);
                inverse[i * n + j] = dot(&a[i..], &b[i..]);
            }
        }
        inverse
    }
}

/// `a·b` as four partial sums for vector instructions, in a fixed order.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, b_chunks) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    let mut sums = [0.0; 4];
    for (a, b) in a_chunks.zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const MATRIX: [f64; 9] = [4.0, 12.0, -16.0, 12.0, 37.0, -43.0, -16.0, -43.0, 98.0];

    #[test]
    fn factor_of_a_known_matrix() {
        let cholesky = Cholesky::with_jitter(&MATRIX, 3).unwrap();
        assert_eq!(
            cholesky.lower,
            [2.0, 0.0, 0.0, 6.0, 1.0, 0.0, -8.0, 5.0, 3.0]
        );
        assert!((cholesky.half_log_determinant() - 6.0_f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn solutions_satisfy_their_equations() {
        let cholesky = Cholesky::with_jitter(&MATRIX, 3).unwrap();
        let x = cholesky.solve(&[1.0, -2.0, 3.0]);
        for (row, b) in MATRIX.chunks_exact(3).zip([1.0, -2.0, 3.0]) {
            assert!((dot(row, &x) - b).abs() < 1e-10);
        }
        let inverse = cholesky.inverse();
        let expected = [1777.0 / 36.0, -122.0 / 9.0, 19.0 / 9.0];
        for (i, expected) in expected.into_iter().enumerate() {
            assert!((inverse[i * 3] - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn jitter_rescues_a_singular_matrix_and_no_other() {
        let singular = [1.0; 9];
        let cholesky = Cholesky::with_jitter(&singular, 3).unwrap();
        assert!((cholesky.row(0)[0] - 1.0).abs() < 1e-8);
        assert!(Cholesky::with_jitter(&[1.0, 0.0, 0.0, -1.0], 2).is_none());
        assert!(Cholesky::with_jitter(&[f64::NAN], 1).is_none());
    }

    #[test]
    fn a_dot_product_of_any_length() {
        let a: Vec<f64> = (1..=11).map(f64::from).collect();
        for n in 0..=11 {
            let squares: f64 = a[..n].iter().map(|a| a * a).sum();
            assert_eq!(dot(&a[..n], &a[..n]), squares);
        }
    }
}
