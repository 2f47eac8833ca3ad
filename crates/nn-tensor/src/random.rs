//! Random numbers that are reproducible across platforms and versions.
//!
//! A seed defines a family of independent streams. A [`Stream`] is a pure function of
//! `(seed, purpose, index)`: the order of the samples in epoch 7 is
//! `streams.stream(Purpose::Shuffle, 7)`, regardless of earlier draws, so there is no
//! generator state to save.
//!
//! The generator is ChaCha with 8 rounds (Bernstein 2008; crate `rand_chacha`),
//! whose output is fixed by its specification. The distributions are implemented
//! here, with golden values in the tests, so updating a dependency cannot
//! change a result.

use ndarray_rand::rand::{RngCore, SeedableRng, distr::Distribution};
use rand_chacha::ChaCha8Rng;

use crate::Scalar;

/// The purpose of a random stream. Streams of different purposes are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Initial weights; index: layer.
    Weights = 1,
    /// Order of the samples; index: epoch.
    Shuffle = 2,
    /// Training/validation split; index: 0.
    Split = 3,
    /// Dropout masks; index: step and layer.
    Dropout = 4,
    /// Data augmentation; index: epoch and row.
    Augment = 5,
    /// Generated digit images; index: row.
    Glyphs = 6,
    /// Hyperparameter search; index: trial.
    Search = 7,
    /// Tests and examples; index: chosen by the caller.
    Test = 8,
    /// Permutation importance; index: column and shuffle.
    Permutation = 9,
    /// Order of the samples within a window of blocks; index: epoch and window.
    Window = 10,
}

/// The random streams of one seed.
///
/// ```
/// use nn_tensor::random::{Purpose, Streams};
///
/// let streams = Streams::new(0);
/// let order = streams.stream(Purpose::Shuffle, 3).permutation(5);
/// assert_eq!(order, streams.stream(Purpose::Shuffle, 3).permutation(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// Creates the random number streams for `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed of the streams.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// The stream for a purpose and an index, from its beginning.
    ///
    /// # Panics
    /// Panics if `index` needs more than 56 bits.
    pub fn stream(self, purpose: Purpose, index: u64) -> Stream {
        assert!(
            index < 1 << 56,
            "stream index {index} needs more than 56 bits"
        );
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream((purpose as u64) << 56 | index);
        Stream { generator }
    }
}

/// A sequence of random numbers.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// Draws 32 random bits.
    pub fn bits(&mut self) -> u32 {
        self.generator.next_u32()
    }

    /// Skips `n` draws of [`bits`](Self::bits), in constant time.
    ///
    /// ```
    /// use nn_tensor::random::{Purpose, Streams};
    ///
    /// let stream = || Streams::new(7).stream(Purpose::Test, 0);
    /// let (mut drawn, mut skipped) = (stream(), stream());
    /// for _ in 0..21 {
    ///     drawn.bits();
    /// }
    /// skipped.skip(21);
    /// assert_eq!(skipped.bits(), drawn.bits());
    /// ```
    pub fn skip(&mut self, n: u64) {
        let position = self.generator.get_word_pos() + u128::from(n);
        self.generator.set_word_pos(position);
    }

    /// Draws a value uniformly from `0..1` (1 excluded), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        uniform(&mut self.generator)
    }

    /// Draws a value uniformly from `low..high`.
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Draws an integer uniformly from `0..limit`, without modulo bias (rejection
    /// sampling).
    ///
    /// # Panics
    /// Panics if `limit` is 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        assert!(limit > 0, "expected a limit of at least 1, found 0");
        let largest_fair = u32::MAX - (u32::MAX % limit + 1) % limit;
        loop {
            let bits = self.bits();
            if bits <= largest_fair {
                return bits % limit;
            }
        }
    }

    /// Draws a value from the standard normal distribution (mean 0, variance 1).
    pub fn normal(&mut self) -> f64 {
        normal(&mut self.generator)
    }

    /// Shuffles a slice in place; all permutations are equally likely (Fisher &
    /// Yates 1938, in the form of Durstenfeld 1964).
    ///
    /// # Panics
    /// Panics if the slice has more than `u32::MAX` elements.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let limit = u32::try_from(last + 1).expect("at most u32::MAX items can be shuffled");
            items.swap(last, self.below(limit) as usize);
        }
    }

    /// Draws a random permutation of `0..n`.
    ///
    /// # Panics
    /// Panics if `n` is above `u32::MAX`.
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let n = u32::try_from(n).expect("at most u32::MAX items can be shuffled");
        let mut order: Vec<u32> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }
}

/// Draws a value uniformly from `0..1`, from 53 random bits.
fn uniform(bits: &mut (impl RngCore + ?Sized)) -> f64 {
    let high = u64::from(bits.next_u32() >> 5);
    let low = u64::from(bits.next_u32() >> 6);
    ((high << 26) | low) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Draws a normally distributed value by the polar method (Marsaglia & Bray 1964).
///
/// Only the first of the two values that the method generates is used, so no
/// state is kept between calls.
fn normal(bits: &mut (impl RngCore + ?Sized)) -> f64 {
    loop {
        let u = 2.0 * uniform(bits) - 1.0;
        let v = 2.0 * uniform(bits) - 1.0;
        let s = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * (-2.0 * portable_ln(s) / s).sqrt();
        }
    }
}

/// The natural logarithm of a positive, normal number, with the same bits on every
/// platform (unlike the C library's `ln`): additions, multiplications and one
/// division.
///
/// `x = 2ᵏ·m` with `m` in `√½..√2`, and with `t = (m − 1)/(m + 1)`
/// `ln x = k·ln 2 + 2·(t + t³/3 + t⁵/5 + …)`; twelve terms leave an error
/// below 2⁻⁵² of the result.
fn portable_ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & MANTISSA) | 1.0_f64.to_bits());
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1;
    }
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let mut series = 0.0;
    for odd in (1..24).rev().step_by(2) {
        series = series * (t * t) + 1.0 / f64::from(odd);
    }
    exponent as f64 * std::f64::consts::LN_2 + 2.0 * t * series
}

/// Makes a [`Stream`] usable with the distributions of `rand` and `ndarray-rand`.
impl RngCore for Stream {
    fn next_u32(&mut self) -> u32 {
        self.bits()
    }

    fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.generator.fill_bytes(bytes);
    }
}

/// The probability distribution of initial weights.
///
/// Values are drawn in `f64` and rounded, so an `f32` array equals the rounded
/// `f64` array of the same stream.
///
/// ```
/// use ndarray::Array2;
/// use ndarray_rand::RandomExt;
/// use nn_tensor::random::{Purpose, Streams, WeightDistribution};
///
/// let normal = WeightDistribution::Normal { mean: 0.0, std: 1.0 };
/// let mut stream = Streams::new(0).stream(Purpose::Test, 0);
/// let weights: Array2<f32> = Array2::random_using((64, 32), normal, &mut stream);
/// assert!(weights.mean().unwrap().abs() < 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WeightDistribution {
    /// The same value for every weight.
    Constant(f64),
    /// The uniform distribution over `low..high`.
    Uniform {
        /// Lower bound, included.
        low: f64,
        /// Upper bound, excluded.
        high: f64,
    },
    /// The normal (Gaussian) distribution.
    Normal {
        /// Mean of the distribution.
        mean: f64,
        /// Standard deviation of the distribution.
        std: f64,
    },
}

impl WeightDistribution {
    /// Fills `values` with random values, in order.
    pub fn fill<S: Scalar>(self, values: &mut [S], stream: &mut Stream) {
        for value in values {
            *value = S::from_f64(self.draw(stream));
        }
    }

    fn draw(self, bits: &mut (impl RngCore + ?Sized)) -> f64 {
        match self {
            Self::Constant(value) => value,
            Self::Uniform { low, high } => low + (high - low) * uniform(bits),
            Self::Normal { mean, std } => mean + std * normal(bits),
        }
    }
}

impl<S: Scalar> Distribution<S> for WeightDistribution {
    fn sample<R: RngCore + ?Sized>(&self, bits: &mut R) -> S {
        S::from_f64(self.draw(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(index: u64) -> Stream {
        Streams::new(42).stream(Purpose::Test, index)
    }

    /// Golden values of `scripts/random_reference.py`: a change here changes
    /// every published result.
    #[test]
    fn streams_never_change() {
        let mut first = stream(0);
        assert_eq!([first.bits(), first.bits()], [2996791622, 1300295129]);
        let last = Streams::new(u64::MAX).stream(Purpose::Test, (1 << 56) - 1);
        assert_eq!(last.clone().bits(), 3578674097);
        let mut second = stream(1);
        let uniform = [
            0.05405514721064064,
            0.056162975897586453,
            0.31743276373139684,
            0.649576677746254,
            0.1229066832800969,
        ];
        assert_eq!([(); 5].map(|()| second.uniform()), uniform);
        assert_eq!(
            stream(1).uniform_in(-2.0, 6.0),
            -2.0 + 8.0 * 0.05405514721064064
        );
        let mut third = stream(2);
        let normal = [
            0.1173982122791045,
            -1.0281844234135429,
            -0.2301386911147985,
            1.0264210286722557,
            0.7340261013312231,
        ];
        assert_eq!([(); 5].map(|()| third.normal()), normal);
        let mut values = [0.0; 5];
        let distribution = WeightDistribution::Normal {
            mean: 1.0,
            std: 2.0,
        };
        distribution.fill(&mut values, &mut stream(2));
        assert_eq!(values, normal.map(|value| 1.0 + 2.0 * value));
    }

    #[test]
    fn permutations_and_integers_never_change() {
        assert_eq!(stream(3).permutation(8), [2, 6, 3, 5, 0, 1, 4, 7]);
        let mut letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
        stream(3).shuffle(&mut letters);
        assert_eq!(letters, ['c', 'g', 'd', 'f', 'a', 'b', 'e', 'h']);
        // Nearly half of the draws are rejected.
        let mut stream_4 = stream(4);
        assert_eq!(
            [(); 6].map(|()| stream_4.below((1 << 31) + 1)),
            [
                834657763, 405484946, 1981992858, 1276229542, 834781917, 1708011409
            ]
        );
        let mut stream_5 = stream(5);
        assert_eq!(
            [(); 12].map(|()| stream_5.below(10)),
            [1, 4, 9, 2, 6, 1, 6, 8, 9, 8, 0, 3]
        );
    }

    #[test]
    fn purposes_and_indices_are_independent() {
        let streams = Streams::new(0);
        let draw = |purpose, index| streams.stream(purpose, index).bits();
        assert_ne!(draw(Purpose::Weights, 0), draw(Purpose::Weights, 1));
        assert_ne!(draw(Purpose::Weights, 0), draw(Purpose::Shuffle, 0));
        assert_ne!(
            draw(Purpose::Weights, 0),
            Streams::new(1).stream(Purpose::Weights, 0).bits()
        );
    }

    #[test]
    fn logarithm_agrees_with_the_platform() {
        let mut stream = stream(4);
        for _ in 0..100_000 {
            let x = stream.uniform_in(-30.0, 30.0).exp();
            let error = (portable_ln(x) - x.ln()).abs();
            assert!(
                error <= 4.0 * f64::EPSILON * x.ln().abs().max(1.0),
                "ln {x}: {error}"
            );
        }
    }

    #[test]
    fn normal_values_have_the_moments_of_the_normal_distribution() {
        const N: usize = 200_000;
        let mut stream = stream(5);
        let draws: Vec<f64> = (0..N).map(|_| stream.normal()).collect();
        let moment = |power| draws.iter().map(|x| x.powi(power)).sum::<f64>() / N as f64;
        assert!(moment(1).abs() < 0.01);
        assert!((moment(2) - 1.0).abs() < 0.015);
        assert!(moment(3).abs() < 0.04);
        assert!((moment(4) - 3.0).abs() < 0.1);
    }

    #[test]
    fn integers_are_uniform() {
        let mut stream = stream(6);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        assert!(
            counts.iter().all(|&count| count.abs_diff(10_000) < 400),
            "{counts:?}"
        );
    }

    #[test]
    fn single_precision_is_rounded_double_precision() {
        let normal = WeightDistribution::Normal {
            mean: 0.5,
            std: 2.0,
        };
        let (mut single, mut double) = ([0.0_f32; 100], [0.0_f64; 100]);
        normal.fill(&mut single, &mut stream(7));
        normal.fill(&mut double, &mut stream(7));
        assert!(single.iter().zip(double).all(|(&s, d)| s == d as f32));
    }
}
