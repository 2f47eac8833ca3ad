//! Draws the figures of a claim as charts of nn-plot.

use nn_plot::chart::{
    ImageGrid, LineChart, Mark, NetworkDiagram, NeuronLayer, Picture, Pixels, PlaneMap,
    ScatterChart, Series, SurfaceChart, Tile,
};
use nn_plot::{Axis, Svg};

use crate::figure::{self, Figure, Image, n_correct};

/// Draws a figure.
pub(crate) fn svg(figure: &Figure) -> Svg {
    match figure {
        Figure::Lines {
            title,
            x,
            y,
            series,
        } => {
            let x = match x.as_str() {
                "epoch" | "iteration" => Axis::new(x).whole(),
                _ => Axis::new(x),
            };
            let y = match y.as_str() {
                "loss" if spans_decades(series) => Axis::new(y).log(),
                _ => Axis::new(y),
            };
            let series = series.iter().map(|curve| {
                let points = curve.points.iter().map(|[x, y]| (*x, *y));
                Series::new(&curve.name, points)
            });
            LineChart::new(title, x, y, series.collect()).svg()
        }
        Figure::Points {
            title,
            x,
            y,
            points,
        } => {
            let points: Vec<_> = points.iter().map(|[x, y]| (*x, *y)).collect();
            let best = points.iter().max_by(|a, b| a.1.total_cmp(&b.1)).copied();
            let series = vec![Series::new(y, points)];
            let mut chart = ScatterChart::new(title, Axis::new(x).log(), Axis::new(y), series);
            chart.marks = best
                .map(|best| Mark::new(best, "best"))
                .into_iter()
                .collect();
            chart.svg()
        }
        Figure::Images {
            title,
            columns,
            height,
            width,
            images,
        } => ImageGrid {
            title: title.clone(),
            columns: *columns,
            tiles: images
                .iter()
                .map(|image| tile(image, *width, *height))
                .collect(),
        }
        .svg(),
        Figure::Network { title, widths } => NetworkDiagram {
            title: title.clone(),
            layers: layers(widths),
            weights: Vec::new(),
        }
        .svg(),
        Figure::Map {
            title,
            columns,
            plane,
            space,
        } => PlaneMap {
            title: title.clone(),
            n: *columns,
            plane: plane.clone(),
            space: space.clone(),
            input_names: ["first input", "second input"].map(str::to_owned),
            output_names: ["neuron 1", "neuron 2", "neuron 3"].map(str::to_owned),
        }
        .svg(),
        Figure::Surface {
            title,
            x,
            y,
            xs,
            ys,
            values,
            path,
        } => SurfaceChart {
            title: title.clone(),
            x: Axis::new(x),
            y: Axis::new(y),
            value: Axis::new("cost"),
            xs: xs.clone(),
            ys: ys.clone(),
            values: values.concat(),
            path: path.iter().map(|[x, y]| (*x, *y)).collect(),
        }
        .svg(),
    }
}

/// Returns `true` if the largest value is more than twenty times the smallest.
fn spans_decades(series: &[figure::Series]) -> bool {
    let values = || {
        series
            .iter()
            .flat_map(|curve| curve.points.iter().map(|[_, y]| *y))
    };
    let largest = values().fold(f64::MIN, f64::max);
    let smallest = values().fold(f64::MAX, f64::min);
    smallest > 0.0 && largest > 20.0 * smallest
}

/// The caption of a figure.
pub(crate) fn caption(figure: &Figure) -> String {
    match figure {
        Figure::Images { images, .. } => format!(
            "{} of {} correct; errors are marked, with the true class after the slash",
            n_correct(images),
            images.len()
        ),
        Figure::Surface { .. } => {
            "Path of gradient descent; the ring marks the start, the disc the end".to_owned()
        }
        _ => String::new(),
    }
}

fn tile(image: &Image, width: usize, height: usize) -> Tile {
    let gray = image.gray();
    let gray = gray.iter().map(|&gray| f32::from(gray) / 255.0);
    Tile {
        picture: Picture {
            width,
            height,
            pixels: Pixels::Gray(gray.collect()),
        },
        caption: if image.is_correct() {
            image.predicted.to_string()
        } else {
            format!("{} / {}", image.predicted, image.label)
        },
        is_mistake: !image.is_correct(),
    }
}

fn layers(widths: &[usize]) -> Vec<NeuronLayer> {
    let last = widths.len().saturating_sub(1);
    let layer = |(index, &n_neurons): (usize, &usize)| NeuronLayer {
        name: match index {
            0 => "inputs".to_owned(),
            _ if index == last => "outputs".to_owned(),
            _ => "hidden".to_owned(),
        },
        n_neurons,
    };
    widths.iter().enumerate().map(layer).collect()
}
