//! The seam between `f32` and `f64`.

use ndarray::NdFloat;

use crate::exponential::Exponential;
use crate::native::{Element, Products};

/// A floating point type networks compute in: `f32` or `f64`, nothing else.
///
/// `f32` is what one trains in. `f64` is for gradient checks and for the
/// papers' worked examples, in the same binary.
pub trait Scalar: NdFloat + Default + Exponential + Element + Products + sealed::Sealed {
    /// `"f32"` or `"f64"`, as in a model file.
    const NAME: &'static str;
    /// Size in bytes.
    const BYTES: usize;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// The same value as `f64`; exact.
    fn into_f64(self) -> f64;

    /// A pixel or a count; exact.
    fn from_u8(value: u8) -> Self;

    /// The same value, or 0 if it is subnormal; NaN stays NaN.
    fn flushed(self) -> Self;

    /// The same value, or 0 if its square is below the smallest normal number;
    /// NaN stays NaN.
    fn flushed_root(self) -> Self;

    /// What `choice` has for this type.
    fn choose<C: Choice>(choice: C) -> C::Output<Self>;

    /// Appends the little-endian bytes.
    fn write_le(self, bytes: &mut Vec<u8>);

    /// Reads little-endian bytes.
    ///
    /// # Panics
    /// If `bytes` does not hold exactly [`Self::BYTES`] bytes.
    fn read_le(bytes: &[u8]) -> Self;
}

/// Something that exists once for `f32` and once for `f64`, such as a trait
/// object with methods for both.
pub trait Choice {
    /// Its type for a scalar.
    type Output<S: Scalar>;

    /// For `f32`.
    fn single(self) -> Self::Output<f32>;

    /// For `f64`.
    fn double(self) -> Self::Output<f64>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! scalar {
    ($type:ty, $name:literal, $choice:ident, exponent: $exponent:literal, upper_exponent: $upper:literal) => {
        impl Scalar for $type {
            const NAME: &'static str = $name;
            const BYTES: usize = size_of::<$type>();

            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }

            #[inline(always)]
            fn into_f64(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn from_u8(value: u8) -> Self {
                value.into()
            }

            #[inline(always)]
            fn flushed(self) -> Self {
                // Subnormal numbers and 0 alone have an exponent of zeros.
                if self.to_bits() & $exponent == 0 {
                    0.0
                } else {
                    self
                }
            }

            #[inline(always)]
            fn flushed_root(self) -> Self {
                // Below the root of the smallest normal number, a power of 2, the
                // two highest bits of the exponent are 0.
                if self.to_bits() & $upper == 0 {
                    0.0
                } else {
                    self
                }
            }

            fn choose<C: Choice>(choice: C) -> C::Output<Self> {
                choice.$choice()
            }

            fn write_le(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read_le(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("one number at a time"))
            }
        }
    };
}

scalar!(f32, "f32", single, exponent: 0x7f80_0000, upper_exponent: 0x6000_0000);
scalar!(
    f64, "f64", double,
    exponent: 0x7ff0_0000_0000_0000, upper_exponent: 0x6000_0000_0000_0000
);

#[cfg(test)]
mod tests {
    use super::*;

    fn check<S: Scalar>(before: fn(S) -> S) {
        let smallest = S::min_positive_value();
        let root = smallest.sqrt();
        for sign in [S::one(), -S::one()] {
            for (value, flushed, flushed_root) in [
                (S::zero(), S::zero(), S::zero()),
                (before(smallest), S::zero(), S::zero()),
                (smallest, smallest, S::zero()),
                (before(root), before(root), S::zero()),
                (root, root, root),
                (S::one(), S::one(), S::one()),
                (S::infinity(), S::infinity(), S::infinity()),
            ] {
                assert_eq!((sign * value).flushed(), sign * flushed, "{value}");
                assert_eq!(
                    (sign * value).flushed_root(),
                    sign * flushed_root,
                    "{value}"
                );
            }
            assert!((sign * S::nan()).flushed().is_nan());
            assert!((sign * S::nan()).flushed_root().is_nan());
        }
        assert_eq!(root * root, smallest);
    }

    #[test]
    fn numbers_are_flushed_below_the_smallest_normal_one_and_its_root() {
        check::<f32>(f32::next_down);
        check::<f64>(f64::next_down);
    }
}
