//! Measures how well a model of MNIST classifies photographs of digits: test digits
//! on paper under uneven light, with frames, lines, noise and colors.
//!
//! ```sh
//! cargo run -p nn-train --example photographs -- runs/mnist-1 [N_DIGITS [KIND]]
//! ```
#![allow(clippy::print_stdout, reason = "an example prints its result")]

use std::env;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use nn_data::{Dataset, Inputs, Targets, catalog};
use nn_image::digit::normalize;
use nn_image::resize;
use nn_tensor::random::{Purpose, Stream, Streams};
use nn_train::{Result, Run};

/// A kind of photograph.
struct Kind {
    name: &'static str,
    draw: fn(&mut Scene),
}

/// A photograph in the making: light from 0 to 255.
struct Scene {
    /// The digit, `[28, 28]`, bright on 0.
    digit: Array2<u8>,
    side: usize,
    /// Size of the 28 x 28 pixels of MNIST, relative to the side.
    size: f32,
    light: Array2<f32>,
    stream: Stream,
}

const KINDS: [Kind; 25] = [
    Kind {
        name: "clean drawing",
        draw: |scene| scene.write(240.0, 30.0),
    },
    Kind {
        name: "clean, 28 pixels, dark on light",
        draw: |scene| {
            scene.blank(28, 1.0);
            scene.write(255.0, 0.0);
        },
    },
    Kind {
        name: "drawn on the live page, 112 pixels",
        draw: |scene| {
            scene.blank(112, 0.9);
            scene.write(0.0, 255.0);
        },
    },
    Kind {
        name: "gradient 30 %",
        draw: |scene| {
            scene.write(230.0, 40.0);
            scene.shade(0.3);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "gradient 45 %",
        draw: |scene| {
            scene.write(230.0, 40.0);
            scene.shade(0.45);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "gradient 60 %",
        draw: |scene| {
            scene.write(230.0, 40.0);
            scene.shade(0.6);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "gradient 60 %, noise 8",
        draw: |scene| {
            scene.write(230.0, 40.0);
            scene.shade(0.6);
            scene.add_noise(8.0);
        },
    },
    Kind {
        name: "gradient 50 %, 28 pixels",
        draw: |scene| {
            scene.blank(28, 1.0);
            scene.write(230.0, 40.0);
            scene.shade(0.5);
        },
    },
    Kind {
        name: "gradient 50 %, light pencil",
        draw: |scene| {
            scene.write(230.0, 130.0);
            scene.shade(0.5);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "vignette 50 %",
        draw: |scene| {
            scene.write(240.0, 40.0);
            scene.darken_corners(0.5);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "hard shadow 45 %",
        draw: |scene| {
            scene.write(230.0, 30.0);
            scene.cast_shadow(0.45, 1.0);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "soft shadow 60 %",
        draw: |scene| {
            scene.write(230.0, 30.0);
            scene.cast_shadow(0.6, 40.0);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "noise 15",
        draw: |scene| {
            scene.write(200.0, 40.0);
            scene.add_noise(15.0);
        },
    },
    Kind {
        name: "frame of 1 to 6 pixels",
        draw: |scene| {
            scene.write(255.0, 0.0);
            scene.frame(6, 0.0);
        },
    },
    Kind {
        name: "frame of 1 or 2, 28 pixels",
        draw: |scene| {
            scene.blank(28, 0.9);
            scene.write(255.0, 0.0);
            scene.frame(2, 0.0);
        },
    },
    Kind {
        name: "frame of 1 to 4, 56 pixels",
        draw: |scene| {
            scene.blank(56, 0.8);
            scene.write(255.0, 0.0);
            scene.frame(4, 0.0);
        },
    },
    Kind {
        name: "white frame, light on dark",
        draw: |scene| {
            scene.write(10.0, 250.0);
            scene.frame(6, 255.0);
        },
    },
    Kind {
        name: "gray frame, gradient 40 %",
        draw: |scene| {
            scene.write(230.0, 30.0);
            scene.frame(6, 90.0);
            scene.shade(0.4);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "box of a form",
        draw: |scene| {
            scene.blank(260, 0.6);
            scene.write(240.0, 30.0);
            scene.draw_box(20.0);
        },
    },
    Kind {
        name: "sheet on a dark table",
        draw: |scene| {
            scene.write(225.0, 40.0);
            scene.lay_on_table(60.0);
            scene.add_noise(3.0);
        },
    },
    Kind {
        name: "ruled paper, faint",
        draw: |scene| {
            scene.write(235.0, 40.0);
            scene.rule(185.0);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "ruled paper, dark",
        draw: |scene| {
            scene.write(235.0, 40.0);
            scene.rule(90.0);
            scene.add_noise(2.0);
        },
    },
    Kind {
        name: "chalk, gradient 50 %",
        draw: |scene| {
            scene.write(60.0, 230.0);
            scene.shade(0.5);
            scene.add_noise(3.0);
        },
    },
    Kind {
        name: "small on a large sheet",
        draw: |scene| {
            scene.blank(900, 0.12);
            scene.write(235.0, 40.0);
            scene.shade(0.2);
            scene.add_noise(3.0);
        },
    },
    Kind {
        name: "tight crop",
        draw: |scene| {
            scene.blank(160, 1.35);
            scene.write(240.0, 30.0);
        },
    },
];

fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let run = Run::open(
        arguments
            .next()
            .unwrap_or_else(|| "runs/mnist-1".to_owned()),
    )?;
    let n_digits: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(300);
    let kind = arguments.next().unwrap_or_default();
    let data_dir =
        env::var_os("NN_DATA_DIR").map_or_else(|| PathBuf::from("datasets"), PathBuf::from);
    let (digits, labels) = digits(&data_dir)?;
    let mut predictor = run.image_predictor();
    println!("| photographs | accuracy | refused | more than one digit found |\n|---|---|---|---|");
    for Kind { name, draw } in KINDS.iter().filter(|it| it.name.contains(&kind)) {
        let [mut n_correct, mut n_refused, mut n_several] = [0; 3];
        for (index, (digit, &label)) in digits.iter().zip(&labels).take(n_digits).enumerate() {
            let mut scene = Scene::new(digit.clone(), index as u64);
            draw(&mut scene);
            let Ok(seen) = normalize(scene.photograph().view()) else {
                n_refused += 1;
                continue;
            };
            n_several += usize::from(seen.n_digits > 1);
            n_correct += usize::from(predictor.predict(&seen.pixels)?.class == label as usize);
        }
        let percent = |n: usize| format!("{:.1} %", 100.0 * n as f64 / n_digits as f64);
        let [correct, refused, several] = [n_correct, n_refused, n_several].map(percent);
        println!("| {name} | {correct} | {refused} | {several} |");
    }
    Ok(())
}

fn digits(data_dir: &Path) -> Result<(Vec<Array2<u8>>, Vec<u32>)> {
    let test = Dataset::load(&catalog::MNIST, data_dir)?.test;
    let (Inputs::Pixels(pixels), Targets::Classes(labels)) = (test.inputs, test.targets) else {
        unreachable!("MNIST has pixels and classes");
    };
    let image = |row: ndarray::ArrayView1<'_, u8>| {
        Array2::from_shape_vec((28, 28), row.to_vec()).expect("28 x 28 pixels")
    };
    Ok((pixels.rows().into_iter().map(image).collect(), labels))
}

impl Scene {
    fn new(digit: Array2<u8>, index: u64) -> Self {
        let mut scene = Self {
            digit,
            side: 0,
            size: 0.0,
            light: Array2::zeros((0, 0)),
            stream: Streams::new(index).stream(Purpose::Split, 7),
        };
        let size = scene.between(0.5, 0.95);
        scene.blank(200, size);
        scene
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        self.stream.uniform_in(low.into(), high.into()) as f32
    }

    fn blank(&mut self, side: usize, size: f32) {
        self.side = side;
        self.size = size;
    }

    /// Writes the digit somewhere on the paper.
    fn write(&mut self, paper: f32, ink: f32) {
        let side = self.side as isize;
        let length = (self.side as f32 * self.size) as usize;
        let large = resize(self.digit.view(), (length, length));
        let room = side - length as isize;
        let (top, left) = (self.between(0.0, 1.0), self.between(0.0, 1.0));
        let [top, left] =
            [top, left].map(|at| (room as f32 * if room < 0 { 0.5 } else { at }) as isize);
        self.light = Array2::from_shape_fn((self.side, self.side), |(i, j)| {
            let at = (i as isize - top, j as isize - left);
            let at = (usize::try_from(at.0).ok(), usize::try_from(at.1).ok());
            let value = match at {
                (Some(i), Some(j)) => large.get((i, j)).copied().unwrap_or(0),
                _ => 0,
            };
            paper + (ink - paper) * f32::from(value) / 255.0
        });
    }

    fn map(&mut self, of: impl Fn(f32, f32, f32) -> f32) {
        let last = (self.side - 1) as f32;
        for ((i, j), value) in self.light.indexed_iter_mut() {
            *value = of(i as f32 / last, j as f32 / last, *value);
        }
    }

    /// Light that falls off to one of the four sides.
    fn shade(&mut self, by: f32) {
        let direction = self.between(0.0, 4.0) as usize;
        self.map(|y, x, value| {
            let distance = [x, 1.0 - x, y, 1.0 - y][direction];
            value * (1.0 - by * distance)
        });
    }

    fn darken_corners(&mut self, by: f32) {
        self.map(|y, x, value| {
            let distance = 2.0 * ((y - 0.5).powi(2) + (x - 0.5).powi(2));
            value * (1.0 - by * distance)
        });
    }

    /// A shadow on one side of a slanted line; `softness` is its width in pixels.
    fn cast_shadow(&mut self, by: f32, softness: f32) {
        let (at, slope) = (self.between(0.25, 0.75), self.between(-0.5, 0.5));
        let side = self.side as f32;
        self.map(|y, x, value| {
            let distance = (x - at - slope * (y - 0.5)) * side / softness;
            value * (1.0 - by * (0.5 + distance).clamp(0.0, 1.0))
        });
    }

    fn add_noise(&mut self, deviation: f32) {
        for value in &mut self.light {
            // The sum of four uniform numbers is nearly normal.
            let sum: f64 = (0..4).map(|_| self.stream.uniform_in(-1.0, 1.0)).sum();
            *value += deviation * sum as f32 * 0.866;
        }
    }

    fn frame(&mut self, max_width: usize, shade: f32) {
        let width = self.between(1.0, max_width as f32 + 1.0) as usize;
        let side = self.side;
        for ((i, j), value) in self.light.indexed_iter_mut() {
            if i.min(j) < width || i.max(j) + width >= side {
                *value = shade;
            }
        }
    }

    /// A line around the digit, a few pixels from the edge.
    fn draw_box(&mut self, shade: f32) {
        let width = self.between(2.0, 5.0) as usize;
        let (start, side) = (12, self.side);
        for ((i, j), value) in self.light.indexed_iter_mut() {
            let depth = i.min(j).min(side - 1 - i).min(side - 1 - j);
            if (start..start + width).contains(&depth) {
                *value = shade;
            }
        }
    }

    /// The paper ends on one side or on two.
    fn lay_on_table(&mut self, shade: f32) {
        let (right, bottom) = (self.between(0.9, 0.99), self.between(0.9, 1.1));
        self.map(|y, x, value| {
            if x > right || y > bottom {
                shade
            } else {
                value
            }
        });
    }

    fn rule(&mut self, shade: f32) {
        let (step, first) = (
            self.between(18.0, 40.0) as usize,
            self.between(0.0, 18.0) as usize,
        );
        let thickness = self.between(1.0, 3.0) as usize;
        for ((i, _), value) in self.light.indexed_iter_mut() {
            if (i + first) % step < thickness {
                *value = value.min(shade);
            }
        }
    }

    fn photograph(&self) -> Array2<u8> {
        self.light
            .mapv(|value| value.round().clamp(0.0, 255.0) as u8)
    }
}
