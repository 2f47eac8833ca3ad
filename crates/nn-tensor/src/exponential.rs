//! The exponential of one value, `exp x` and `exp x − 1`, for `f32` and `f64`.
//!
//! The `exp` of the C library is scalar and may round differently on each
//! platform. These functions use additions, multiplications and divisions only,
//! so the compiler vectorizes them and every platform computes the same bits:
//!
//! ```text
//! n = round(x / ln 2),  r = x − n·ln 2,  |r| ≤ ½ ln 2
//! q = r + r²/2! + r³/3! + …
//! exp x     = 2ⁿ·q + 2ⁿ
//! exp x − 1 = 2ⁿ·q + (2ⁿ − 1)
//! ```
//!
//! (Cody & Waite 1980, chapter 6, with a Taylor series instead of their rational
//! function.)
//!
//! # Precision
//! Results are within 3 units in the last place (ULP) of the exact value. Results below
//! the smallest normal number are 0.

/// The exponential of one value, for the element types `f32` and `f64`.
pub trait Exponential: Sized {
    /// The exponential `exp x`.
    fn exp_value(self) -> Self;

    /// `exp x − 1`, accurate near 0.
    fn exp_m1_value(self) -> Self;

    /// `exp x − 1` for |x| ≤ 40, with the same bits as [`exp_m1_value`](Self::exp_m1_value)
    /// but faster.
    fn exp_m1_bounded(self) -> Self;
}

macro_rules! exponential {
    (
        $type:ident, signed: $signed:ty, mantissa_bits: $mantissa_bits:literal, bias: $bias:literal,
        ln2_high: $ln2_high:literal, ln2_low: $ln2_low:literal,
        lowest: $lowest:literal, highest: $highest:literal, terms: $terms:literal
    ) => {
        impl Exponential for $type {
            #[inline(always)]
            fn exp_value(self) -> Self {
                let (n, q) = <$type as Reduce>::reduce(self);
                let [a, b] = <$type as Reduce>::powers(n);
                let value = (a * q + a) * b;
                // A comparison with NaN is false, so NaN stays NaN.
                let value = if self < $lowest { 0.0 } else { value };
                if self > $highest {
                    <$type>::INFINITY
                } else {
                    value
                }
            }

            #[inline(always)]
            fn exp_m1_value(self) -> Self {
                let (n, q) = <$type as Reduce>::reduce(self);
                let [a, b] = <$type as Reduce>::powers(n);
                let value = a * q * b + (a * b - 1.0);
                let value = if self < $lowest { -1.0 } else { value };
                if self > $highest {
                    <$type>::INFINITY
                } else {
                    value
                }
            }

            #[inline(always)]
            fn exp_m1_bounded(self) -> Self {
                let (n, q) = <$type as Reduce>::reduce(self);
                let power = <$type as Reduce>::power(n);
                power * q + (power - 1.0)
            }
        }

        impl Reduce for $type {
            type Signed = $signed;

            #[inline(always)]
            fn reduce(x: Self) -> ($signed, Self) {
                // Adding 1.5·2^mantissa_bits rounds to an integer and leaves it in the low bits.
                const ROUND: $type = 1.5 * (1_u64 << $mantissa_bits) as $type;
                const INVERSE_FACTORIALS: [$type; $terms] = inverse_factorials!($type, $terms);
                let shifted = x * std::$type::consts::LOG2_E + ROUND;
                let n = shifted - ROUND;
                let r = (x - n * $ln2_high) - n * $ln2_low;
                let mut series = 0.0;
                for inverse in INVERSE_FACTORIALS.into_iter().rev() {
                    series = series * r + inverse;
                }
                let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as $signed;
                (n, r * series)
            }

            #[inline(always)]
            fn power(n: $signed) -> Self {
                <$type>::from_bits((n.wrapping_add($bias) << $mantissa_bits) as _)
            }

            #[inline(always)]
            fn powers(n: $signed) -> [Self; 2] {
                [Self::power(n >> 1), Self::power(n - (n >> 1))]
            }
        }
    };
}

trait Reduce: Sized {
    type Signed;

    /// n and q.
    fn reduce(x: Self) -> (Self::Signed, Self);

    /// 2ⁿ, if it is a normal number.
    fn power(n: Self::Signed) -> Self;

    /// Two factors of 2ⁿ, which may be out of range where exp x is not.
    fn powers(n: Self::Signed) -> [Self; 2];
}

/// `[1/1!, 1/2!, 1/3!, …]`
macro_rules! inverse_factorials {
    ($type:ty, $terms:literal) => {{
        let mut values = [1.0; $terms];
        let mut factorial = 1.0_f64;
        let mut k = 1;
        while k < $terms {
            factorial *= (k + 1) as f64;
            values[k] = (1.0 / factorial) as $type;
            k += 1;
        }
        values
    }};
}

exponential!(
    f32, signed: i32, mantissa_bits: 23, bias: 127,
    ln2_high: 0.693_359_4, ln2_low: -2.121_944_4e-4,
    lowest: -87.336_55, highest: 88.722_84, terms: 7
);
exponential!(
    f64, signed: i64, mantissa_bits: 52, bias: 1023,
    ln2_high: 6.931_471_803_691_238e-1, ln2_low: 1.908_214_929_270_587_7e-10,
    lowest: -708.396_418_532_264, highest: 709.782_712_893_384, terms: 14
);
