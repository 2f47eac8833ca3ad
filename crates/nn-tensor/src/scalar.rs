//! The seam between `f32` and `f64`.

use ndarray::NdFloat;

use crate::function::Exponential;
use crate::native::{Gemm, RowProducts};

/// A floating point type networks compute in: `f32` or `f64`, nothing else.
///
/// `f32` is what one trains in. `f64` is for gradient checks and for the
/// papers' worked examples, in the same binary.
pub trait Scalar: NdFloat + Default + Exponential + Gemm + RowProducts + sealed::Sealed {
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

    /// Appends the little-endian bytes.
    fn write_le(self, bytes: &mut Vec<u8>);

    /// Reads little-endian bytes.
    ///
    /// # Panics
    /// If `bytes` does not hold exactly [`Self::BYTES`] bytes.
    fn read_le(bytes: &[u8]) -> Self;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

macro_rules! scalar {
    ($type:ty, $name:literal) => {
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

            fn write_le(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn read_le(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("one number at a time"))
            }
        }
    };
}

scalar!(f32, "f32");
scalar!(f64, "f64");
