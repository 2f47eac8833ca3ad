//! Data augmentation: random deformation of the training images, different in
//! each epoch.
//!
//! The pixel `p` of a deformed image has the gray value of the original at
//!
//! `q = M·(p − c) + c + s + u(p)`
//!
//! where `c` is the center, `M` inverts a random scaling, shear and rotation, `s`
//! is a random shift and `u` an elastic displacement field (Simard, Steinkraus &
//! Platt 2003, "Best Practices for Convolutional Neural Networks Applied to
//! Visual Document Analysis", section 2). Between pixels the gray value is
//! interpolated bilinearly; outside the image it is 0.
//!
//! As in the paper, `u` is a pair of random numbers per pixel, smoothed with a
//! separable Gaussian filter. Differences from the paper: the filter ends at three standard
//! deviations, the random numbers have 16 bits, and the smoothed fields are not normalized. The
//! paper scales each field to norm 1 before it multiplies by `alpha`; with its best values for
//! MNIST, `alpha` 34 and `sigma` 4, the root mean square displacement of its 29x29 images is
//! 34/29 = 1.17 pixels along each axis. Without normalization, `alpha` has the same effect for
//! images of any size, and the same values give 1.28 pixels over 29x29 pixels: 1.39 in the interior
//! (`alpha / (2·sigma·√(3π))`), less at the border.
//!
//! | Name | Default | Purpose | Range |
//! |---|---|---|---|
//! | `none` | | no augmentation | |
//! | `shift:pixels=` | 2 | maximum shift along each axis, in pixels | 0..=1000 |
//! | `affine:shift=` | 1 | maximum shift along each axis, in pixels | 0..=1000 |
//! | `affine:rotation=` | 10 | maximum rotation in either direction, in degrees | 0..=180 |
//! | `affine:scale=` | 0.1 | maximum scaling of each axis, by `1 ± scale` | 0..=0.9 |
//! | `affine:shear=` | 0.1 | maximum shear in either direction, in width per height | 0..=10 |
//! | `elastic:alpha=` | 34 | strength before smoothing, in pixels | 0..=1000 |
//! | `elastic:sigma=` | 4 | standard deviation of the Gaussian filter, in pixels | 0.1..=100 |
//!
//! Several entries are separated by commas, as in `affine:rotation=15,elastic:alpha=20`; if two
//! entries set the same quantity, the last one counts.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, ArrayView2};
use nn_tensor::Threads;
use nn_tensor::random::{Purpose, Stream, Streams};

use crate::deformation::{DisplacementField, Linear, Smoothing};
use crate::error::{Error, Result};
use crate::warp::{Map, Warp};

/// The strength of the augmentation. If all values are 0, images stay unchanged.
///
/// Shift, rotation, scaling and shear are drawn from uniform distributions between minus and plus
/// the given maximum; the table of [this module](self) has units and ranges.
///
/// ```
/// use nn_data::augment::Augment;
///
/// let augment: Augment = "shift:pixels=3,elastic".parse()?;
/// assert_eq!(augment.to_string(), "shift:pixels=3,elastic:alpha=34:sigma=4");
/// # Ok::<(), nn_data::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Augment {
    /// Maximum shift along each axis, in pixels.
    pub shift: f64,
    /// Maximum rotation, in degrees.
    pub rotation: f64,
    /// Maximum relative scaling of each axis.
    pub scale: f64,
    /// Maximum shear, in width per height.
    pub shear: f64,
    /// Elastic deformation.
    pub elastic: Elastic,
}

/// Parameters of the displacement field (Simard et al. 2003).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Elastic {
    /// Maximum displacement before smoothing, in pixels; 0 disables elastic
    /// deformation.
    pub alpha: f64,
    /// Standard deviation of the Gaussian filter, in pixels.
    pub sigma: f64,
}

impl Augment {
    /// No augmentation.
    pub const NONE: Self = Self {
        shift: 0.0,
        rotation: 0.0,
        scale: 0.0,
        shear: 0.0,
        elastic: Elastic {
            alpha: 0.0,
            sigma: 0.0,
        },
    };
    /// All named augmentations, with their default parameters.
    pub const ALL: [Self; 4] = [
        Self::NONE,
        Self {
            shift: 2.0,
            ..Self::NONE
        },
        Self {
            shift: 1.0,
            rotation: 10.0,
            scale: 0.1,
            shear: 0.1,
            ..Self::NONE
        },
        Self {
            elastic: Elastic {
                alpha: 34.0,
                sigma: 4.0,
            },
            ..Self::NONE
        },
    ];
    /// The names of the augmentations in [`Augment::ALL`].
    pub const NAMES: [&'static str; 4] = ["none", "shift", "affine", "elastic"];

    /// Deforms rows of `images`: row `k` of the result is the deformed row `rows[k]`.
    /// See [`Deformer::apply`].
    ///
    /// # Shapes
    /// `images [n_samples, height·width]` and `image_size (height, width)` give
    /// `[rows.len(), height·width]`.
    ///
    /// # Panics
    /// Panics for the same reasons as [`Deformer::apply`].
    pub fn apply(
        &self,
        images: ArrayView2<'_, u8>,
        image_size: (usize, usize),
        rows: &[u32],
        streams: Streams,
        epoch: u64,
        threads: &Threads,
    ) -> Array2<u8> {
        let mut deformed = Array2::zeros((rows.len(), image_size.0 * image_size.1));
        let pixels = deformed.as_slice_mut().expect("a new array is contiguous");
        Deformer::new(*self, image_size, streams).apply(images, rows, epoch, pixels, threads);
        deformed
    }
}

/// Maximum number of parallel pieces of one call.
const MAX_PIECES: usize = 16;

/// Minimum number of rows in a piece.
const MIN_PIECE_ROWS: usize = 4;

/// Number of epochs with different deformations: the index of a random stream
/// has 24 bits for the epoch beside 32 bits for the row.
const N_EPOCHS: u64 = 1 << 24;

/// Deforms batches of images, reusing its buffers.
#[derive(Clone, Debug)]
pub struct Deformer {
    augment: Augment,
    smoothing: Smoothing,
    streams: Streams,
    n_pixels: usize,
    /// One worker per piece.
    workers: Vec<Worker>,
}

/// Buffers to deform one image after the other.
#[derive(Clone, Debug)]
struct Worker {
    map: Map,
    warp: Warp,
}

/// A part of the rows of a call.
struct Piece<'a> {
    worker: &'a mut Worker,
    rows: &'a [u32],
    deformed: &'a mut [u8],
}

impl Deformer {
    /// Creates a deformer for images of `image_size (height, width)` pixels.
    pub fn new(augment: Augment, image_size: (usize, usize), streams: Streams) -> Self {
        let (height, width) = image_size;
        let worker = Worker {
            map: Map {
                linear: Linear::scale(1.0, 1.0),
                shift: [0.0; 2],
                field: DisplacementField::new(height, width),
            },
            warp: Warp::new(image_size),
        };
        Self {
            augment,
            smoothing: Smoothing::new(augment.elastic.alpha, augment.elastic.sigma),
            streams,
            n_pixels: height * width,
            workers: vec![worker; MAX_PIECES],
        }
    }

    /// Writes the deformed row `rows[k]` of `images` to row `k` of `deformed`.
    ///
    /// The deformation depends on the seed, the epoch and the index of the row
    /// in `images` only: neither on other rows nor on the number of threads. The
    /// sequence of deformations repeats after 2²⁴ epochs.
    ///
    /// # Shapes
    /// `images [n_samples, height·width]`, `deformed [rows.len(), height·width]`.
    ///
    /// # Panics
    /// Panics if a shape is wrong or an index in `rows` is not below `n_samples`.
    pub fn apply(
        &mut self,
        images: ArrayView2<'_, u8>,
        rows: &[u32],
        epoch: u64,
        deformed: &mut [u8],
        threads: &Threads,
    ) {
        let n_pixels = self.n_pixels;
        assert_eq!(images.ncols(), n_pixels, "pixels of an image");
        assert_eq!(
            deformed.len(),
            rows.len() * n_pixels,
            "pixels of all images"
        );
        if deformed.is_empty() {
            return;
        }
        let Self {
            augment,
            smoothing,
            streams,
            workers,
            ..
        } = self;
        let n_rows = rows.len().div_ceil(MAX_PIECES).max(MIN_PIECE_ROWS);
        let mut pieces: [Option<Piece<'_>>; MAX_PIECES] = Default::default();
        let parts = rows
            .chunks(n_rows)
            .zip(deformed.chunks_mut(n_rows * n_pixels));
        for ((piece, worker), (rows, deformed)) in pieces.iter_mut().zip(workers).zip(parts) {
            *piece = Some(Piece {
                worker,
                rows,
                deformed,
            });
        }
        threads.for_each(&mut pieces, |_, piece| {
            let Some(Piece {
                worker,
                rows,
                deformed,
            }) = piece
            else {
                return;
            };
            for (deformed, &row) in deformed.chunks_exact_mut(n_pixels).zip(*rows) {
                let index = ((epoch % N_EPOCHS) << 32) | u64::from(row);
                let mut stream = streams.stream(Purpose::Augment, index);
                augment.draw(&mut worker.map, smoothing, &mut stream);
                let image = images.row(row as usize);
                match image.to_slice() {
                    Some(image) => worker.warp.apply(image, &worker.map, deformed),
                    None => worker.warp.apply(&image.to_vec(), &worker.map, deformed),
                }
            }
        });
    }
}

impl Augment {
    /// Draws a new random map.
    fn draw(&self, map: &mut Map, smoothing: &Smoothing, stream: &mut Stream) {
        let mut up_to = |limit: f64| stream.uniform_in(-limit, limit);
        map.linear = Linear::rotation(-up_to(self.rotation))
            .then(Linear::shear(-up_to(self.shear)))
            .then(Linear::scale(
                1.0 / (1.0 + up_to(self.scale)),
                1.0 / (1.0 + up_to(self.scale)),
            ));
        map.shift = [up_to(self.shift) as f32, up_to(self.shift) as f32];
        if self.elastic.alpha != 0.0 {
            map.field.draw(smoothing, stream);
        }
    }
}

/// A parameter: its name, its range and its field.
struct Parameter {
    name: &'static str,
    low: f64,
    high: f64,
    field: fn(&mut Augment) -> &mut f64,
}

const SHIFT: &[Parameter] = &[Parameter {
    name: "pixels",
    low: 0.0,
    high: 1000.0,
    field: |augment| &mut augment.shift,
}];

const AFFINE: &[Parameter] = &[
    Parameter {
        name: "shift",
        low: 0.0,
        high: 1000.0,
        field: |augment| &mut augment.shift,
    },
    Parameter {
        name: "rotation",
        low: 0.0,
        high: 180.0,
        field: |augment| &mut augment.rotation,
    },
    Parameter {
        name: "scale",
        low: 0.0,
        high: 0.9,
        field: |augment| &mut augment.scale,
    },
    Parameter {
        name: "shear",
        low: 0.0,
        high: 10.0,
        field: |augment| &mut augment.shear,
    },
];

const ELASTIC: &[Parameter] = &[
    Parameter {
        name: "alpha",
        low: 0.0,
        high: 1000.0,
        field: |augment| &mut augment.elastic.alpha,
    },
    Parameter {
        name: "sigma",
        low: 0.1,
        high: 100.0,
        field: |augment| &mut augment.elastic.sigma,
    },
];

/// The parameters of each of [`Augment::NAMES`].
const PARAMETERS: [&[Parameter]; 4] = [&[], SHIFT, AFFINE, ELASTIC];

impl FromStr for Augment {
    type Err = Error;

    /// # Errors
    /// Returns an error if a name or a parameter is unknown, or a value is not a number in its
    /// range.
    fn from_str(text: &str) -> Result<Self> {
        let mut augment = Self::NONE;
        for item in text.split(',') {
            let mut words = item.split(':').map(str::trim);
            let name = words.next().unwrap_or_default();
            let entry = Self::NAMES.iter().position(|known| *known == name);
            let entry = entry.ok_or_else(|| Error::UnknownAugmentation {
                name: name.to_owned(),
                expected: Self::NAMES.to_vec(),
            })?;
            for parameter in PARAMETERS[entry] {
                let mut defaults = Self::ALL[entry];
                *(parameter.field)(&mut augment) = *(parameter.field)(&mut defaults);
            }
            for word in words {
                let (parameter, value) = parse_parameter(Self::NAMES[entry], entry, word)?;
                *(parameter.field)(&mut augment) = value;
            }
        }
        Ok(augment)
    }
}

fn parse_parameter(
    augmentation: &'static str,
    entry: usize,
    word: &str,
) -> Result<(&'static Parameter, f64)> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    let known = PARAMETERS[entry];
    let parameter = known
        .iter()
        .find(|parameter| parameter.name == name)
        .ok_or_else(|| Error::UnknownAugmentationParameter {
            augmentation,
            name: name.to_owned(),
            expected: known.iter().map(|parameter| parameter.name).collect(),
        })?;
    let number = value
        .parse()
        .ok()
        .filter(|number| (parameter.low..=parameter.high).contains(number));
    let number = number.ok_or_else(|| Error::AugmentationParameter {
        augmentation,
        name: parameter.name,
        low: parameter.low,
        high: parameter.high,
        found: value.to_owned(),
    })?;
    Ok((parameter, number))
}

impl fmt::Display for Augment {
    /// Formats the shortest equivalent list of names, with all parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, parameters) in self.parts() {
            write!(f, "{separator}{name}")?;
            for parameter in parameters {
                let value = *(parameter.field)(&mut { *self });
                write!(f, ":{}={value}", parameter.name)?;
            }
            separator = ",";
        }
        Ok(())
    }
}

impl Augment {
    fn parts(&self) -> Vec<(&'static str, &'static [Parameter])> {
        let turned = self.rotation != 0.0 || self.scale != 0.0 || self.shear != 0.0;
        let moved = turned || self.shift != 0.0;
        let bent = self.elastic != Elastic::default();
        [
            (!moved && !bent, 0),
            (moved && !turned, 1),
            (turned, 2),
            (bent, 3),
        ]
        .into_iter()
        .filter(|(present, _)| *present)
        .map(|(_, entry)| (Self::NAMES[entry], PARAMETERS[entry]))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayView1;

    use super::*;
    use crate::deformation::tests::fnv1a;
    use crate::glyphs;

    const SIZE: (usize, usize) = (28, 28);

    fn digits(n: usize) -> Array2<u8> {
        glyphs::generate(1, 0, n, &Threads::single()).0
    }

    fn parse(text: &str) -> Augment {
        text.parse().expect("the text is an augmentation")
    }

    fn deform(text: &str, images: &Array2<u8>, rows: &[u32], epoch: u64) -> Array2<u8> {
        let streams = Streams::new(7);
        parse(text).apply(
            images.view(),
            SIZE,
            rows,
            streams,
            epoch,
            &Threads::single(),
        )
    }

    fn all_rows(images: &Array2<u8>) -> Vec<u32> {
        (0..images.nrows() as u32).collect()
    }

    /// Golden values: a change here changes every published result.
    #[test]
    fn deformations_never_change() {
        let images = digits(50);
        let hash = |text| {
            let deformed = deform(text, &images, &all_rows(&images), 3);
            fnv1a(deformed.as_slice().expect("a new array is contiguous"))
        };
        assert_eq!(
            ["shift", "affine", "elastic"].map(hash),
            [
                7549940403905776124,
                10597235390759078677,
                1712740875782048341
            ]
        );
    }

    #[test]
    fn zero_parameters_change_nothing() {
        let images = digits(20);
        let rows = all_rows(&images);
        assert_eq!(deform("none", &images, &rows, 0), images);
        let bordered = Array2::from_elem((3, 784), 255);
        assert_eq!(deform("none", &bordered, &[0, 1, 2], 0), bordered);
    }

    #[test]
    fn every_row_is_deformed_by_its_own_stream() {
        let images = digits(100);
        let rows = all_rows(&images);
        for text in ["shift", "affine", "elastic", "affine,elastic"] {
            let deformed = deform(text, &images, &rows, 0);
            let picked = deform(text, &images, &[70, 3, 70], 0);
            assert_eq!(picked.row(0), deformed.row(70), "{text}");
            assert_eq!(picked.row(1), deformed.row(3), "{text}");
            assert_eq!(picked.row(2), deformed.row(70), "{text}");
            assert_ne!(deform(text, &images, &rows, 1), deformed, "{text}");
        }
    }

    #[test]
    fn threads_do_not_matter() {
        let images = digits(100);
        let rows = all_rows(&images);
        let expected = deform("affine,elastic", &images, &rows, 5);
        for count in [2, 3, 8] {
            let found = parse("affine,elastic").apply(
                images.view(),
                SIZE,
                &rows,
                Streams::new(7),
                5,
                &Threads::new(count),
            );
            assert_eq!(found, expected, "{count} threads");
        }
    }

    #[test]
    fn a_shift_moves_ink_without_changing_it() {
        let mut images = Array2::zeros((200, 784));
        images.column_mut(14 * 28 + 14).fill(200);
        let deformed = deform("shift:pixels=3", &images, &all_rows(&images), 0);
        let mut farthest = 0.0_f32;
        for row in deformed.rows() {
            let [mass, x, y] = moments(row);
            assert!((mass - 200.0).abs() <= 2.0, "{mass}");
            farthest = farthest.max((x - 14.0).abs()).max((y - 14.0).abs());
        }
        assert!((2.8..3.05).contains(&farthest), "{farthest}");
    }

    #[test]
    fn rotation_turns_about_the_center() {
        let mut images = Array2::zeros((200, 784));
        images.column_mut(13 * 28 + 23).fill(255);
        images.column_mut(14 * 28 + 23).fill(255);
        let deformed = deform(
            "affine:shift=0:rotation=90:scale=0:shear=0",
            &images,
            &all_rows(&images),
            0,
        );
        for row in deformed.rows() {
            let [_, x, y] = moments(row);
            let distance = ((x - 13.5).powi(2) + (y - 13.5).powi(2)).sqrt();
            assert!((distance - 9.5).abs() < 0.3, "{distance}");
            assert!(x > 13.0, "turned by more than 90 degrees: {x}, {y}");
        }
    }

    #[test]
    fn digits_keep_most_of_their_ink() {
        let images = digits(300);
        let rows = all_rows(&images);
        let mass = |images: &Array2<u8>| images.iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
        for text in ["shift", "affine", "elastic"] {
            let ratio = mass(&deform(text, &images, &rows, 0)) / mass(&images);
            assert!((0.95..1.05).contains(&ratio), "{text}: {ratio}");
        }
    }

    #[test]
    fn images_need_not_be_square() {
        let images = Array2::from_shape_fn((4, 5 * 9), |(row, pixel)| (row * 45 + pixel) as u8);
        let augment = parse("affine,elastic");
        for (height, width) in [(5, 9), (9, 5), (1, 45), (45, 1)] {
            let size = (height, width);
            let streams = Streams::new(0);
            let apply = |augment: Augment| {
                augment.apply(images.view(), size, &[3, 0], streams, 0, &Threads::single())
            };
            assert_eq!(apply(augment).dim(), (2, 45));
            assert_eq!(apply(Augment::NONE).row(1), images.row(0));
        }
    }

    #[test]
    fn numbers_out_of_range_do_not_panic() {
        let images = digits(2);
        for value in [f64::NAN, f64::INFINITY, -1e300] {
            let augment = Augment {
                shift: value,
                rotation: value,
                scale: value,
                shear: value,
                elastic: Elastic {
                    alpha: value,
                    sigma: value,
                },
            };
            augment.apply(
                images.view(),
                SIZE,
                &[0, 1],
                Streams::new(0),
                0,
                &Threads::single(),
            );
        }
    }

    #[test]
    fn text_round_trip() {
        for (name, augment) in Augment::NAMES.into_iter().zip(Augment::ALL) {
            assert_eq!(parse(name), augment);
            assert_eq!(parse(&augment.to_string()), augment);
        }
        let text = "affine:rotation=15:shear=0.25,elastic:alpha=8";
        let augment = parse(text);
        assert_eq!(augment.rotation, 15.0);
        assert_eq!(augment.elastic.sigma, 4.0);
        assert_eq!(parse(&augment.to_string()), augment);
    }

    #[test]
    fn errors_list_the_known_names() {
        let message = |text: &str| match text.parse::<Augment>() {
            Ok(augment) => panic!("{text} was read as {augment}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            message("elastik"),
            "unknown augmentation \"elastik\"; expected one of: none, shift, affine, elastic"
        );
        assert_eq!(
            message("elastic:beta=1"),
            "elastic: unknown parameter \"beta\"; expected one of: alpha, sigma"
        );
        assert_eq!(
            message("affine:rotation=200"),
            "affine: rotation: expected a number in 0..=180, found \"200\""
        );
        for text in [
            "",
            "affine,",
            "affine:rotation",
            "affine:scale=NaN",
            "none:x=1",
        ] {
            message(text);
        }
    }

    /// Mass and center of mass `x`, `y` in pixels.
    fn moments(image: ArrayView1<'_, u8>) -> [f32; 3] {
        let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
        for (index, &pixel) in image.iter().enumerate() {
            let pixel = f32::from(pixel);
            mass += pixel;
            x += pixel * (index % 28) as f32;
            y += pixel * (index / 28) as f32;
        }
        [mass, x / mass, y / mass]
    }
}
