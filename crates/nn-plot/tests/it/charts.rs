//! Property tests of all charts with random numbers and names.

use nn_plot::chart::{
    BarChart, Bars, Bins, ConfusionChart, Histogram, ImageGrid, LineChart, Mark, NetworkDiagram,
    NeuronLayer, Picture, Pixels, PlaneMap, ScatterChart, Series, SurfaceChart, Tile, WeightMatrix,
};
use nn_plot::{Axis, Svg};
use proptest::collection::vec;
use proptest::num::{f32, f64};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

/// Random and malicious names.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        Just("<script>alert(1)</script>".to_owned()),
        Just("\" onload=\"alert(1)".to_owned()),
        Just("]]>&\0\u{1b}\u{FFFE}".to_owned()),
    ]
}

fn axis() -> impl Strategy<Value = Axis> {
    let axis = (name(), any::<bool>(), any::<bool>(), any::<bool>());
    axis.prop_map(|(name, is_log, is_percent, is_whole)| {
        let mut axis = Axis::new(name);
        axis = if is_log { axis.log() } else { axis };
        axis = if is_percent { axis.percent() } else { axis };
        if is_whole { axis.whole() } else { axis }
    })
}

fn series() -> impl Strategy<Value = Vec<Series>> {
    let points = vec((f64::ANY, f64::ANY), 0..40);
    vec((name(), points), 0..15).prop_map(|all| {
        let series = |(name, points): (String, Vec<(f64, f64)>)| Series::new(name, points);
        all.into_iter().map(series).collect()
    })
}

/// Parses both forms and checks their elements and attributes.
fn check(svg: &Svg) {
    const TAGS: [&str; 11] = [
        "svg", "title", "desc", "style", "g", "path", "line", "rect", "circle", "text", "image",
    ];
    for text in [svg.inline(), svg.standalone()] {
        let document =
            roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        for node in document.descendants().filter(|node| node.is_element()) {
            let tag = node.tag_name().name();
            assert!(TAGS.contains(&tag), "<{tag}>");
            for attribute in node.attributes() {
                assert!(!attribute.name().starts_with("on"), "{attribute:?}");
                let is_number = ["x", "y", "cx", "cy", "r", "width", "height", "x1", "y2"];
                if is_number.contains(&attribute.name()) {
                    let number: Result<f64, _> = attribute.value().parse();
                    assert!(
                        number.is_ok_and(|number| number.is_finite()),
                        "{attribute:?}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_and_points(title in name(), x in axis(), y in axis(), series in series(), at in (f64::ANY, f64::ANY)) {
        let marks = vec![Mark::new(at, title.clone())];
        let (points, has_diagonal) = (series.clone(), at.0 > 0.0);
        check(&LineChart { title: title.clone(), x: x.clone(), y: y.clone(), series, marks: marks.clone() }.svg());
        check(&ScatterChart { title, x, y, series: points, marks, has_diagonal }.svg());
    }

    #[test]
    fn custom_ranges(low in f64::ANY, high in f64::ANY, series in series()) {
        let axis = Axis::new("x").range(low, high);
        check(&LineChart::new("range", axis.clone(), axis.log(), series).svg());
    }

    #[test]
    fn bars_and_histograms(title in name(), y in axis(), names in vec(name(), 0..20), values in vec(f64::ANY, 0..30)) {
        let bars = Bars { name: title.clone(), values: values.clone() };
        let series = vec![bars.clone(), bars];
        check(&BarChart { title: title.clone(), x_label: title.clone(), y: y.clone(), names, series }.svg());
        let bins = Bins { name: title.clone(), edges: values.clone(), heights: values.clone() };
        let range = (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(1.0));
        let shares = Bins::fractions("shares", values, range, 7);
        check(&Histogram { title, x: y.clone(), y, series: vec![bins, shares] }.svg());
    }

    #[test]
    fn matrices(title in name(), class_names in vec(name(), 0..30), counts in vec(vec(any::<u32>(), 0..30), 0..30)) {
        let counts = counts.into_iter().map(|row| row.into_iter().map(u64::from).collect()).collect();
        check(&ConfusionChart { title, class_names, counts }.svg());
    }

    #[test]
    fn pictures(caption in name(), pixels in vec(f32::ANY, 0..200), size in (0..20_usize, 0..20_usize), columns in 0..20_usize) {
        let tile = |pixels: Pixels| Tile {
            picture: Picture { width: size.0, height: size.1, pixels },
            caption: caption.clone(),
            is_mistake: true,
        };
        let tiles = vec![tile(Pixels::Gray(pixels.clone())), tile(Pixels::Signed(pixels))];
        check(&ImageGrid { title: caption.clone(), columns, tiles }.svg());
    }

    #[test]
    fn networks(title in name(), widths in vec(0..40_usize, 0..5), values in vec(f32::ANY, 0..100), shape in (0..10_usize, 0..10_usize)) {
        let layers = widths.into_iter().map(|width| NeuronLayer::new(title.as_str(), width)).collect();
        let fitting = WeightMatrix { n_inputs: 1, n_outputs: values.len(), values: values.clone() };
        let other = WeightMatrix { n_inputs: shape.0, n_outputs: shape.1, values };
        check(&NetworkDiagram { title, layers, weights: vec![fitting, other] }.svg());
    }

    #[test]
    fn surfaces_and_maps(title in name(), axis in axis(), xs in vec(f64::ANY, 0..6), values in vec(f64::ANY, 0..36)) {
        let path = xs.iter().copied().zip(values.clone()).collect();
        let plane = values.windows(2).map(|pair| [pair[0], pair[1]]).collect();
        let space = values.windows(3).map(|three| [three[0], three[1], three[2]]).collect();
        check(&PlaneMap {
            title: title.clone(),
            n: xs.len(),
            plane,
            space,
            input_names: [title.clone(), title.clone()],
            output_names: [title.clone(), title.clone(), title.clone()],
        }.svg());
        let (x, y, value) = (axis.clone(), axis.clone(), axis);
        check(&SurfaceChart { title, x, y, value, ys: xs.clone(), xs, values, path }.svg());
    }
}
