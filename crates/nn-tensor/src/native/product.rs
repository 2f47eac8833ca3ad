//! A dense product as kernels get it, and parts of it.

use std::ops::Range;

use super::matrix::{Matrix, MatrixMut};
use super::micro::Epilogue;

/// `c ← a·b`, or what else the epilogue says. The shapes fit.
pub(super) struct Product<'a, T> {
    pub(super) a: Matrix<'a, T>,
    pub(super) b: Matrix<'a, T>,
    pub(super) c: MatrixMut<'a, T>,
    pub(super) epilogue: Epilogue<'a, T>,
}

impl<'a, T: Copy> Product<'a, T> {
    /// # Panics
    /// If the shapes do not fit.
    #[inline]
    pub(super) fn new(
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

    /// Some rows of the product, and some terms of their sums.
    ///
    /// # Safety
    /// They must exist.
    #[inline(always)]
    pub(super) unsafe fn part(
        &mut self,
        rows: Range<usize>,
        summed: Range<usize>,
    ) -> Product<'_, T> {
        let [_, n_columns] = self.b.shape();
        // SAFETY: see above.
        unsafe {
            Product {
                a: self.a.part_unchecked(rows.clone(), summed.clone()),
                b: self.b.part_unchecked(summed.clone(), 0..n_columns),
                c: self.c.rows_unchecked(rows),
                epilogue: self.epilogue.for_terms_from(summed.start),
            }
        }
    }

    /// The product if the sums have no terms.
    pub(super) fn write_empty_sums(&mut self)
    where
        T: Default,
    {
        match self.epilogue {
            Epilogue::Overwrite => self.c.fill(T::default()),
            Epilogue::Accumulate => {}
            Epilogue::AddBias(bias) => {
                let n_rows = self.c.shape()[0];
                (0..n_rows).for_each(|row| self.c.row_mut(row).copy_from_slice(bias));
            }
        }
    }
}
