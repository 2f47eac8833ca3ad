//! The element types `f32` and `f64` behind one trait.

use ndarray::NdFloat;

use crate::exponential::Exponential;
use crate::native::{Element, Products};

/// The floating-point element type of networks: `f32` or `f64`. The trait is sealed.
///
/// Use `f32` for training, and `f64` for gradient checks and worked examples.
pub trait Scalar: NdFloat + Default + Exponential + Element + Products + sealed::Sealed {
    /// The name of the type in model files: `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// Size of the type in bytes.
    const BYTES: usize;

    /// Converts from `f64`, rounding to the nearest value.
    fn from_f64(value: f64) -> Self;

    /// Converts to `f64`, exactly.
    fn into_f64(self) -> f64;

    /// Converts from `u8`, exactly.
    fn from_u8(value: u8) -> Self;

    /// Flushes a subnormal value to 0; NaN stays NaN.
    fn flushed(self) -> Self;

    /// Flushes the value to 0 if its square would be below the smallest normal
    /// number; NaN stays NaN.
    fn flushed_root(self) -> Self;

    /// Calls the method of `choice` for this type.
    fn choose<C: Choice>(choice: C) -> C::Output<Self>;

    /// Appends the little-endian bytes of the value to `bytes`.
    fn write_le(self, bytes: &mut Vec<u8>);

    /// Reads a value from its little-endian bytes.
    ///
    /// # Panics
    /// Panics if the length of `bytes` is not [`Self::BYTES`].
    fn read_le(bytes: &[u8]) -> Self;
}

/// Static dispatch on the element type, for values with one implementation per
/// type, such as a trait object with methods for `f32` and `f64`.
pub trait Choice {
    /// The result for an element type.
    type Output<S: Scalar>;

    /// The result for `f32`.
    fn single(self) -> Self::Output<f32>;

    /// The result for `f64`.
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
                // Only 0 and subnormal numbers have an exponent field of 0.
                if self.to_bits() & $exponent == 0 {
                    0.0
                } else {
                    self
                }
            }

            #[inline(always)]
            fn flushed_root(self) -> Self {
                // The two highest exponent bits are 0 exactly for numbers below the
                // square root of the smallest normal number, a power of 2.
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
                Self::from_le_bytes(bytes.try_into().expect("as many bytes as the type has"))
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
    fn values_below_the_smallest_normal_number_and_its_root_are_flushed() {
        check::<f32>(f32::next_down);
        check::<f64>(f64::next_down);
    }
}
