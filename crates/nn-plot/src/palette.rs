//! Colors of charts, for light and dark color schemes.
//!
//! The hues of series follow Okabe and Ito, "Color Universal Design" (2008): readers with any kind
//! of color blindness can distinguish these hues. Colors are darker on a light background and
//! lighter on a dark one. From the seventh series on, hues repeat and lines are dashed.

/// Number of different hues of series.
pub(crate) const N_HUES: usize = 6;

/// Name of the custom property, light color, dark color.
const COLORS: [[&str; 3]; 15] = [
    ["s0", "#0072b2", "#56b4e9"],
    ["s1", "#c8500a", "#ff8f4d"],
    ["s2", "#00805c", "#2fc79d"],
    ["s3", "#a8479b", "#e79ddb"],
    ["s4", "#967000", "#e8c63c"],
    ["s5", "#5b6770", "#a9b6c0"],
    ["ink", "#1b1f24", "#e6e9ec"],
    ["muted", "#59636e", "#a3adb8"],
    ["grid", "#e3e6ea", "#2b3139"],
    ["paper", "#ffffff", "#14181d"],
    ["wrong", "#c8500a", "#ff8f4d"],
    // Backgrounds of text in "ink", with a contrast of at least 4.5 (WCAG AA).
    ["right-cell", "#56b4e9", "#0068a2"],
    ["mistake-cell", "#ff8f4d", "#ad4409"],
    ["positive", "#0072b2", "#56b4e9"],
    ["negative", "#c8500a", "#ff8f4d"],
];

/// Style rules for the classes of chart elements; `@name` is a color.
const RULES: &str = "\
.chart text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif;font-size:13px;fill:@ink}\
.chart .title{font-size:16px;font-weight:600}\
.chart .small{font-size:11px}\
.chart .muted{fill:@muted}\
.chart .bold{font-weight:600}\
.chart .wrong{fill:@wrong}\
.chart .grid{stroke:@grid;fill:none}\
.chart .key{stroke:@muted}\
.chart .axis{stroke:@muted;fill:none}\
.chart .pixels{image-rendering:pixelated}\
.chart .line{stroke:currentColor;fill:none;stroke-linejoin:round;stroke-linecap:round}\
.chart .fill{fill:currentColor}\
.chart .halo{stroke:@paper;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}\
.chart .neuron{fill:@paper;stroke:@ink}\
.chart .positive{color:@positive}\
.chart .negative{color:@negative}\
.chart .mistake{color:@wrong}\
.chart .right-cell{color:@right-cell}\
.chart .mistake-cell{color:@mistake-cell}\
.chart .neutral{color:@muted}\
.chart .ink{color:@ink}\
.chart .s0{color:@s0}.chart .s1{color:@s1}.chart .s2{color:@s2}\
.chart .s3{color:@s3}.chart .s4{color:@s4}.chart .s5{color:@s5}";

/// The style sheet of all charts.
///
/// Colors are custom properties that follow `prefers-color-scheme`; viewers
/// without support for these use the light colors.
pub(crate) fn style_sheet() -> String {
    let properties = |column: usize| -> String {
        COLORS
            .iter()
            .map(|color| format!("--{}:{};", color[0], color[column]))
            .collect()
    };
    format!(
        ".chart{{{}}}@media screen and (prefers-color-scheme:dark){{.chart{{{}}}}}{}",
        properties(1),
        properties(2),
        with_fallbacks(RULES)
    )
}

/// `fill:@ink` becomes `fill:#1b1f24;fill:var(--ink)`.
fn with_fallbacks(rules: &str) -> String {
    rules
        .split_inclusive(['{', ';', '}'])
        .map(|part| {
            let Some((property, rest)) = part.split_once(":@") else {
                return part.to_owned();
            };
            let name_end = rest.find([';', '}']).unwrap_or(rest.len());
            let (name, end) = rest.split_at(name_end);
            let light = COLORS
                .iter()
                .find(|color| color[0] == name)
                .map_or("currentColor", |color| color[1]);
            format!("{property}:{light};{property}:var(--{name}){end}")
        })
        .collect()
}

/// The class for the color of series `index`.
pub(crate) fn series_class(index: usize) -> String {
    format!("s{}", index % N_HUES)
}

/// SVG attributes for the line of series `index`: its width, and dashes once
/// the hues repeat.
pub(crate) fn stroke(index: usize) -> String {
    let dashes = match index / N_HUES {
        0 => "",
        1 => " stroke-dasharray=\"12 6\"",
        _ => " stroke-dasharray=\"3 6\"",
    };
    format!("stroke-width=\"2\"{dashes}")
}

/// Diverging color map: blue for 1, white for 0, orange for −1 (as RGB).
pub(crate) fn diverging(value: f64) -> [u8; 3] {
    let strength = if value.is_nan() {
        0.0
    } else {
        value.abs().min(1.0)
    };
    let end = if value < 0.0 {
        [196.0, 72.0, 10.0]
    } else {
        [0.0, 90.0, 165.0]
    };
    end.map(|end: f64| (255.0 + strength * (end - 255.0)).round() as u8)
}

/// Sequential color map from dark blue for 0 to yellow for 1: viridis (matplotlib,
/// CC0), interpolated linearly between six samples (as RGB).
pub(crate) fn sequential(value: f64) -> [u8; 3] {
    const SAMPLES: [[f64; 3]; 6] = [
        [68.0, 1.0, 84.0],
        [65.0, 68.0, 135.0],
        [42.0, 120.0, 142.0],
        [34.0, 168.0, 132.0],
        [122.0, 209.0, 81.0],
        [253.0, 231.0, 37.0],
    ];
    let value = if value.is_nan() {
        0.0
    } else {
        value.clamp(0.0, 1.0)
    };
    let place = value * (SAMPLES.len() - 1) as f64;
    let below = (place.floor() as usize).min(SAMPLES.len() - 2);
    let part = place - below as f64;
    std::array::from_fn(|channel| {
        let (from, to) = (SAMPLES[below][channel], SAMPLES[below + 1][channel]);
        (from + part * (to - from)).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.2, relative luminance.
    fn luminance(color: &str) -> f64 {
        let channel = |start: usize| {
            let value = u8::from_str_radix(&color[start..start + 2], 16).expect("hexadecimal");
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(a: &str, b: &str) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn lines_and_text_have_enough_contrast() {
        let find = |name: &str| COLORS.iter().find(|color| color[0] == name).expect(name);
        let (paper, ink) = (find("paper"), find("ink"));
        for color in COLORS {
            let other = match color[0] {
                "grid" | "paper" => continue,
                name if name.ends_with("-cell") => ink,
                _ => paper,
            };
            for scheme in [1, 2] {
                let found = contrast(color[scheme], other[scheme]);
                assert!(found >= 4.5, "{color:?} {scheme}: {found}");
            }
        }
    }

    #[test]
    fn every_color_has_a_fallback_and_a_property() {
        let sheet = style_sheet();
        assert!(sheet.contains("fill:#1b1f24;fill:var(--ink)}"), "{sheet}");
        assert!(
            !sheet.contains('@') || !sheet.replace("@media", "").contains('@'),
            "{sheet}"
        );
        assert_eq!(sheet.matches('{').count(), sheet.matches('}').count());
    }

    #[test]
    fn lines_are_dashed_where_hues_repeat() {
        assert!(!stroke(N_HUES - 1).contains("dash"));
        assert_eq!(series_class(N_HUES), series_class(0));
        assert!(stroke(N_HUES).contains("\"12 6\""));
        assert_ne!(stroke(N_HUES), stroke(2 * N_HUES));
    }

    #[test]
    fn maps_of_colors_have_their_ends() {
        assert_eq!(diverging(0.0), [255; 3]);
        assert_eq!(diverging(-2.0), diverging(-1.0));
        assert_eq!(sequential(0.0), [68, 1, 84]);
        assert_eq!(sequential(1.0), [253, 231, 37]);
        assert_eq!(sequential(f64::NAN), sequential(0.0));
    }
}
