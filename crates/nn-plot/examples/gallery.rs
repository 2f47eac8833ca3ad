//! One chart of each kind, in a page and as files:
//! `cargo run -p nn-plot --example gallery -- FOLDER`

use std::path::PathBuf;
use std::{env, fs, io};

use nn_plot::chart::{
    BarChart, Bars, Bins, ConfusionChart, Histogram, ImageGrid, LineChart, Mark, NetworkDiagram,
    NeuronLayer, Picture, Pixels, PlaneMap, ScatterChart, Series, SurfaceChart, Tile, WeightMatrix,
};
use nn_plot::{Axis, Page, Svg};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| "gallery".to_owned()));
    fs::create_dir_all(&folder)?;
    let charts: [(&str, Svg); 11] = [
        ("lines", lines()),
        ("gaps", gaps()),
        ("scatter", scatter()),
        ("bars", bars()),
        ("histogram", histogram()),
        ("confusion", confusion()),
        ("images", images()),
        ("weights", weights()),
        ("network", network()),
        ("surface", surface()),
        ("plane-map", plane_map()),
    ];
    let mut page = Page::new("One chart of each kind");
    page.lead("All numbers are made up.");
    page.section("Charts");
    for (name, svg) in &charts {
        fs::write(folder.join(format!("{name}.svg")), svg.standalone())?;
        page.body().figure(svg, &format!("`{name}.svg`"));
    }
    fs::write(folder.join("index.html"), page.html())
}

/// Numbers that look random.
fn noise(seed: u32) -> impl Iterator<Item = f64> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX) - 0.5
    })
}

fn lines() -> Svg {
    let rates = [0.0001, 0.001, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0, 2.0];
    let series = rates.iter().map(|rate| {
        let accuracy = |epoch: f64| 0.95 - 0.85 * f64::exp(-rate * epoch / 30.0);
        Series::counted(
            format!("rate {rate}"),
            (1..=290).map(|epoch| accuracy(f64::from(epoch))),
        )
    });
    let (x, y) = (Axis::new("epoch").whole(), Axis::new("accuracy").percent());
    LineChart::new(
        "Accuracy for several learning rates",
        x,
        y,
        series.collect(),
    )
    .svg()
}

fn gaps() -> Svg {
    let train = (1..=30).map(|epoch| 2.0 * (-0.3 * f64::from(epoch)).exp() + 0.001);
    let validation = (1..=30).map(|epoch| match epoch {
        10..=12 | 14..=16 => f64::NAN,
        _ => 2.0 * (-0.3 * f64::from(epoch)).exp() + 0.02 + 0.0004 * f64::from(epoch),
    });
    let series = vec![
        Series::counted("training", train),
        Series::counted("validation", validation),
    ];
    let (x, y) = (Axis::new("epoch").whole(), Axis::new("cross-entropy").log());
    let mut chart = LineChart::new("Loss, with gaps", x, y, series);
    chart.marks.push(Mark::new((20.0, 0.033), "best epoch: 20"));
    chart.svg()
}

fn scatter() -> Svg {
    let mut noise = noise(3);
    let mut points = || -> Vec<(f64, f64)> {
        let mut next = || noise.next().unwrap_or(0.0) + 0.5;
        (0..40)
            .map(|_| {
                let exponent = -4.0 + 4.0 * next();
                (
                    10_f64.powf(exponent),
                    0.02 * (1.0 + (exponent + 2.0).powi(2)) * (1.0 + next()),
                )
            })
            .collect()
    };
    let series = vec![
        Series::new("random", points()),
        Series::new("Bayesian", points()),
    ];
    let (x, y) = (
        Axis::new("learning rate").log(),
        Axis::new("validation loss").log(),
    );
    ScatterChart::new("Trials of a search", x, y, series).svg()
}

fn bars() -> Svg {
    BarChart {
        title: "Saturated neurons".to_owned(),
        x_label: "initial weights".to_owned(),
        y: Axis::new("share of neurons").percent(),
        names: ["standard deviation 1", "LeCun", "Xavier", "He"]
            .map(str::to_owned)
            .to_vec(),
        series: vec![
            Bars {
                name: "before training".to_owned(),
                values: vec![0.93, 0.04, 0.05, 0.12],
            },
            Bars {
                name: "after training".to_owned(),
                values: vec![0.97, 0.21, 0.2, 0.31],
            },
        ],
    }
    .svg()
}

fn histogram() -> Svg {
    let sums = |width: f64, seed: u32| {
        let mut noise = noise(seed);
        let mut normal = move || (0..12).filter_map(|_| noise.next()).sum::<f64>();
        std::iter::repeat_with(move || width * normal()).take(20_000)
    };
    Histogram {
        title: "Pre-activations".to_owned(),
        x: Axis::new("weighted sum z"),
        y: Axis::new("share").percent(),
        series: vec![
            Bins::fractions("standard deviation 1", sums(9.0, 5), (-20.0, 20.0), 40),
            Bins::fractions("LeCun", sums(1.5, 7), (-20.0, 20.0), 40),
        ],
    }
    .svg()
}

fn confusion() -> Svg {
    let mut noise = noise(11);
    let counts = (0..10).map(|row| {
        (0..10)
            .map(|column| match noise.next().unwrap_or(0.0) {
                _ if row == column => 950 + 7 * row,
                size if size > 0.1 => (30.0 * size) as u64,
                _ => 0,
            })
            .collect()
    });
    ConfusionChart {
        title: "Confusion matrix".to_owned(),
        class_names: (0..10).map(|digit| digit.to_string()).collect(),
        counts: counts.collect(),
    }
    .svg()
}

fn images() -> Svg {
    let ring = |index: usize| {
        let pixel = move |place: usize| {
            let (x, y) = ((place % 28) as f32 - 13.5, (place / 28) as f32 - 13.5);
            let radius = (x * x + y * y * (1.0 + 0.1 * index as f32)).sqrt();
            (1.2 - (radius - 8.0).abs() / 2.5).clamp(0.0, 1.0)
        };
        Tile {
            picture: Picture {
                width: 28,
                height: 28,
                pixels: Pixels::Gray((0..784).map(pixel).collect()),
            },
            caption: format!("0 → {}\n99.{index} %", if index % 5 == 2 { 6 } else { 0 }),
            is_mistake: index % 5 == 2,
        }
    };
    ImageGrid {
        title: "Samples".to_owned(),
        columns: 8,
        tiles: (0..16).map(ring).collect(),
    }
    .svg()
}

fn weights() -> Svg {
    let tile = |index: u32| {
        let mut noise = noise(index + 1);
        let weight = |place: u32| {
            let (x, y) = ((place % 28) as f32 - 14.0, (place / 28) as f32 - 14.0);
            let wave = (x * (0.1 + 0.05 * index as f32)).sin() * (-(x * x + y * y) / 90.0).exp();
            0.3 * wave + 0.05 * noise.next().unwrap_or(0.0) as f32
        };
        Tile {
            picture: Picture {
                width: 28,
                height: 28,
                pixels: Pixels::Signed((0..784).map(weight).collect()),
            },
            caption: String::new(),
            is_mistake: false,
        }
    };
    ImageGrid {
        title: "Weights of the first layer".to_owned(),
        columns: 8,
        tiles: (0..16).map(tile).collect(),
    }
    .svg()
}

fn network() -> Svg {
    let matrix = |n_inputs: usize, n_outputs: usize| WeightMatrix {
        n_inputs,
        n_outputs,
        values: noise(9)
            .take(n_inputs * n_outputs)
            .map(|x| (4.0 * x * x * x) as f32)
            .collect(),
    };
    NetworkDiagram {
        title: "784-64-10".to_owned(),
        layers: vec![
            NeuronLayer::new("inputs", 784),
            NeuronLayer::new("sigmoid", 64),
            NeuronLayer::new("softmax", 10),
        ],
        weights: vec![matrix(784, 64), matrix(64, 10)],
    }
    .svg()
}

fn surface() -> Svg {
    let xs: Vec<f64> = (-30..=30).map(|x| f64::from(x) / 10.0).collect();
    let cost = |x: f64, y: f64| 0.3 * x * x + y * y + 0.6 * (2.0 * x).sin() + 1.0;
    let values = xs
        .iter()
        .flat_map(|&y| xs.iter().map(move |&x| cost(x, y)))
        .collect();
    let descend =
        |&(x, y): &(f64, f64)| Some((x - 0.08 * (0.6 * x + 1.2 * (2.0 * x).cos()), y - 0.16 * y));
    SurfaceChart {
        title: "Cost over two weights, with a descent".to_owned(),
        x: Axis::new("weight 1"),
        y: Axis::new("weight 2"),
        value: Axis::new("cost"),
        ys: xs.clone(),
        xs,
        values,
        path: std::iter::successors(Some((2.8, 2.6)), descend)
            .take(25)
            .collect(),
    }
    .svg()
}

fn plane_map() -> Svg {
    let n = 21;
    let at = |index: usize| index as f64 / 5.0 - 2.0;
    let plane: Vec<[f64; 2]> = (0..n * n)
        .map(|index| [at(index % n), at(index / n)])
        .collect();
    let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
    let space = plane
        .iter()
        .map(|[x, y]| {
            [
                sigmoid(2.0 * x - y),
                sigmoid(x + 2.0 * y),
                sigmoid(1.5 * y - 2.0 * x * 0.4),
            ]
        })
        .collect();
    PlaneMap {
        title: "A layer with two inputs and three outputs".to_owned(),
        n,
        plane,
        space,
        input_names: ["a1".to_owned(), "a2".to_owned()],
        output_names: ["a1'".to_owned(), "a2'".to_owned(), "a3'".to_owned()],
    }
    .svg()
}
