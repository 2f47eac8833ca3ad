//! Operands of a dense matrix product, and views of their blocks.

use std::ops::Range;

use super::matrix::{Matrix, MatrixMut};
use super::micro::Epilogue;

/// A dense product: `c ← a·b`, or as specified by the epilogue. The shapes of `a`, `b` and `c`
/// match.
#[derive(Debug)]
pub struct Product<'a, T> {
    pub(super) a: Matrix<'a, T>,
    pub(super) b: Matrix<'a, T>,
    pub(super) c: MatrixMut<'a, T>,
    pub(super) epilogue: Epilogue<'a, T>,
}

impl<'a, T: Copy> Product<'a, T> {
    /// # Panics
    /// Panics if the shapes do not match.
    #[inline(always)]
    pub(crate) fn new(
        a: Matrix<'a, T>,
        b: Matrix<'a, T>,
        c: MatrixMut<'a, T>,
        epilogue: Epilogue<'a, T>,
    ) -> Self {
        let ([n_rows, depth], [b_depth, n_columns]) = (a.shape(), b.shape());
        let [c_rows, c_columns] = c.shape();
        // One by one: arrays would be compared in memory.
        assert!(b_depth == depth && c_rows == n_rows && c_columns == n_columns);
        if let Epilogue::AddBias(bias) = epilogue {
            assert!(bias.len() == n_columns);
        }
        Self { a, b, c, epilogue }
    }

    /// Length of the sums.
    #[inline(always)]
    pub(super) fn depth(&self) -> usize {
        self.a.shape()[1]
    }

    /// The product of a range of rows and a range of terms of their sums.
    #[inline(always)]
    pub(super) fn part(&mut self, rows: Range<usize>, summed: Range<usize>) -> Product<'_, T> {
        Product {
            a: self.a.part(rows.clone(), summed.clone()),
            b: self.b.rows(summed.clone()),
            c: self.c.rows(rows),
            epilogue: self.epilogue.for_terms_from(summed.start),
        }
    }

    /// Computes the product of matrices without terms.
    pub(super) fn write_empty_sums(&mut self)
    where
        T: Default,
    {
        for row in 0..self.c.shape()[0] {
            match self.epilogue {
                Epilogue::Overwrite => self.c.row_mut(row).fill(T::default()),
                Epilogue::Accumulate => {}
                Epilogue::AddBias(bias) => self.c.row_mut(row).copy_from_slice(bias),
            }
        }
    }
}
