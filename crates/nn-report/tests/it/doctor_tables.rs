//! Small data sets for diagnoses: tables as CSV text, and images.

use std::f64::consts::TAU;
use std::fs;
use std::path::PathBuf;

/// Random numbers that are the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in 0..1.
    fn unit(&mut self) -> f64 {
        // Knuth's MMIX generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// About normal, with mean 0 and standard deviation 1.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

fn table(header: &str, n_rows: usize, row: impl FnMut(usize, &mut Random) -> String) -> String {
    seeded_table(header, n_rows, n_rows as u64, row)
}

fn seeded_table(
    header: &str,
    n_rows: usize,
    seed: u64,
    mut row: impl FnMut(usize, &mut Random) -> String,
) -> String {
    let mut random = Random::new(seed);
    let rows: Vec<String> = (0..n_rows).map(|i| row(i, &mut random)).collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

/// Three well-separated clusters, and a category that says nothing.
pub(crate) fn clusters() -> String {
    table("u,v,colour,tree", 300, |i, random| {
        let (tree, u, v) = [("oak", 0.0, 0.0), ("elm", 5.0, 0.0), ("ash", 0.0, 5.0)][i % 3];
        let colour = ["red", "green", "blue"][i / 3 % 3];
        let (u, v) = (u + 0.8 * random.normal(), v + 0.8 * random.normal());
        format!("{u:.4},{v:.4},{colour},{tree}")
    })
}

/// The clusters with a column that follows from the class.
pub(crate) fn clusters_with_leak() -> String {
    table("u,v,height,tree", 300, |i, random| {
        let (tree, height) = [("oak", 30.0), ("elm", 20.0), ("ash", 10.0)][i % 3];
        let (u, v) = (random.normal(), (i % 3) as f64 + random.normal());
        let height = height + random.uniform(-1.0, 1.0);
        format!("{u:.4},{v:.4},{height:.3},{tree}")
    })
}

/// Every row of a table of three overlapping clusters twice.
pub(crate) fn duplicated_rows() -> String {
    let once = table("u,v,tree", 200, |i, random| {
        let (tree, u) = [("oak", 0.0), ("elm", 4.0)][i % 2];
        let (u, v) = (u + random.normal(), random.normal());
        format!("{u:.4},{v:.4},{tree}")
    });
    let rows = once.split_once('\n').expect("a header").1;
    format!("{once}{rows}")
}

/// A disk inside a ring: two classes that no line separates.
pub(crate) fn rings() -> String {
    table("u,v,where", 500, |i, random| {
        let angle = random.uniform(0.0, TAU);
        let (place, radius) = if i % 2 == 0 {
            ("inside", random.uniform(0.0, 1.0))
        } else {
            ("outside", random.uniform(1.4, 2.4))
        };
        let (u, v) = (radius * angle.cos(), radius * angle.sin());
        format!("{u:.4},{v:.4},{place}")
    })
}

/// Two spirals, each one and a quarter turns.
pub(crate) fn spirals() -> String {
    table("u,v,arm", 600, |i, random| {
        let t = random.unit().sqrt();
        let angle = 1.25 * TAU * t + if i % 2 == 0 { 0.0 } else { TAU / 2.0 };
        let (u, v) = (t * angle.cos(), t * angle.sin());
        let (u, v) = (u + 0.01 * random.normal(), v + 0.01 * random.normal());
        format!("{u:.4},{v:.4},{}", ["first", "second"][i % 2])
    })
}

/// The fields of a chequered board of 4 x 4.
pub(crate) fn chequers() -> String {
    table("u,v,field", 800, |_, random| {
        let (u, v) = (random.uniform(0.0, 4.0), random.uniform(0.0, 4.0));
        let field = ["white", "black"][(u.floor() + v.floor()) as usize % 2];
        format!("{u:.4},{v:.4},{field}")
    })
}

/// A price that is not a linear function of two columns, with little noise.
pub(crate) fn houses() -> String {
    table("u,v,price", 500, |_, random| {
        let (u, v) = (random.uniform(-2.0, 2.0), random.uniform(-2.0, 2.0));
        let price = 3.0 * u * v + 4.0 * (1.5 * u).sin() + 0.3 * random.normal();
        format!("{u:.4},{v:.4},{price:.4}")
    })
}

/// The houses with the price in another currency.
pub(crate) fn houses_with_leak() -> String {
    table("u,v,dollars,price", 500, |_, random| {
        let (u, v) = (random.uniform(-2.0, 2.0), random.uniform(-2.0, 2.0));
        let price = 3.0 * u * v + 4.0 * (1.5 * u).sin() + 3.0 * random.normal();
        let dollars = 1.09 * price + 0.01 * random.normal();
        format!("{u:.4},{v:.4},{dollars:.4},{price:.4}")
    })
}

/// A noisy linear function: no model can explain more than 80 % of its variance.
pub(crate) fn noisy_line() -> String {
    table("u,v,w,yield", 600, |_, random| {
        let [u, v, w] = [(); 3].map(|()| random.normal());
        let y = 2.0 * u - v + 1.1 * random.normal();
        format!("{u:.4},{v:.4},{w:.4},{y:.4}")
    })
}

/// The noisy line with a second measurement of its target.
pub(crate) fn measured_twice() -> String {
    table("u,v,second,yield", 500, |_, random| {
        let [u, v] = [(); 2].map(|()| random.normal());
        let y = 2.0 * u - v + 1.5 * random.normal();
        let second = y + 0.05 * random.normal();
        format!("{u:.4},{v:.4},{second:.4},{y:.4}")
    })
}

/// A noisy linear function of one of ten columns, and few rows.
pub(crate) fn few_rows() -> String {
    let names: Vec<String> = (0..10).map(|column| format!("x{column}")).collect();
    table(&format!("{},yield", names.join(",")), 120, |_, random| {
        let x: Vec<f64> = (0..10).map(|_| random.normal()).collect();
        let y = x[0] + random.normal();
        let cells: Vec<String> = x.iter().map(|x| format!("{x:.4}")).collect();
        format!("{},{y:.4}", cells.join(","))
    })
}

/// Three labels, each a linear function of the columns.
pub(crate) fn topics() -> String {
    table("a,b,c,d,sport,music,art", 600, |_, random| {
        let [a, b, c, d] = [(); 4].map(|()| random.normal());
        let labels = [a + b > 0.0, c - d > 0.5, a - c > -0.5].map(u8::from);
        let [sport, music, art] = labels;
        format!("{a:.4},{b:.4},{c:.4},{d:.4},{sport},{music},{art}")
    })
}

/// Few rows with twenty columns, of which three matter.
pub(crate) fn many_columns() -> String {
    let names: Vec<String> = (0..20).map(|column| format!("x{column}")).collect();
    table(&format!("{},label", names.join(",")), 200, |_, random| {
        let x: Vec<f64> = (0..20).map(|_| random.normal()).collect();
        let label = if x[0] + 2.0 * x[1] * x[2] > 0.0 {
            "a"
        } else {
            "b"
        };
        let cells: Vec<String> = x.iter().map(|x| format!("{x:.4}")).collect();
        format!("{},{label}", cells.join(","))
    })
}

/// Two overlapping clusters, one measured after the other, with the time.
pub(crate) fn sorted_rows() -> String {
    table("time,u,v,label", 400, |i, random| {
        let (label, at) = if i < 200 { ("low", 0.0) } else { ("high", 1.0) };
        let (u, v) = (at + random.normal(), at + random.normal());
        let time = i as f64 + random.unit();
        format!("{time:.2},{u:.4},{v:.4},{label}")
    })
}

/// Numbers that have nothing to do with the columns.
pub(crate) fn random_numbers() -> String {
    table("u,v,w,yield", 600, |_, random| {
        let [u, v, w, y] = [(); 4].map(|()| random.normal());
        format!("{u:.4},{v:.4},{w:.4},{y:.4}")
    })
}

/// A linear function, and one value that is a typing error.
pub(crate) fn typing_error_in_numbers() -> String {
    table("height,weight,age", 400, |i, random| {
        let (height, weight) = (random.normal(), random.normal());
        let age = 2.0 * height + weight + 0.2 * random.normal();
        let weight = if i == 100 { 5e4 } else { weight };
        format!("{height:.4},{weight:.4},{age:.4}")
    })
}

/// Labels that have nothing to do with the columns.
pub(crate) fn random_labels() -> String {
    table("u,v,w,label", 600, |_, random| {
        let [u, v, w] = [(); 3].map(|()| random.normal());
        let label = if random.unit() < 0.5 {
            "heads"
        } else {
            "tails"
        };
        format!("{u:.4},{v:.4},{w:.4},{label}")
    })
}

/// Two classes of which a fifth of the rows has the other label.
pub(crate) fn noisy_labels() -> String {
    table("u,v,label", 1000, |_, random| {
        let (u, v) = (random.normal(), random.normal());
        let is_first = (u + v > 0.0) ^ (random.unit() < 0.2);
        format!("{u:.4},{v:.4},{}", if is_first { "a" } else { "b" })
    })
}

/// A rare class that overlaps the common one; its rows are one in `one_in`.
pub(crate) fn rare_class(one_in: usize, distance: f64) -> String {
    table("u,v,label", 900, |i, random| {
        let (label, at) = if i % one_in == 0 {
            ("rare", distance)
        } else {
            ("common", 0.0)
        };
        let (u, v) = (at + random.normal(), at + random.normal());
        format!("{u:.4},{v:.4},{label}")
    })
}

/// Two common classes, and a rare one between them.
pub(crate) fn rare_class_of_three() -> String {
    table("u,v,label", 900, |i, random| {
        let (label, at) = match i % 30 {
            0 => ("rare", 2.0),
            n if n % 2 == 0 => ("low", 0.0),
            _ => ("high", 4.0),
        };
        let (u, v) = (at + random.normal(), random.normal());
        format!("{u:.4},{v:.4},{label}")
    })
}

/// Two classes, and one value that is a typing error.
pub(crate) fn typing_error() -> String {
    table("age,income,label", 400, |i, random| {
        let (age, income) = (random.normal(), random.normal());
        let label = if age + income + 0.3 * random.normal() > 0.0 {
            "a"
        } else {
            "b"
        };
        let income = if i == 17 { 1e6 } else { income };
        format!("{age:.4},{income:.4},{label}")
    })
}

/// Only categories: the class is the sum of two of them modulo 3, nearly always.
pub(crate) fn categories() -> String {
    let words = ["red", "green", "blue"];
    table("first,second,size,label", 600, |_, random| {
        let [a, b] = [(); 2].map(|()| (3.0 * random.unit()) as usize);
        let size = random.normal();
        let label = if random.unit() < 0.05 { 0 } else { (a + b) % 3 };
        format!("{},{},{size:.4},class {label}", words[a], words[b])
    })
}

/// 300 images of 4 x 4 pixels in two classes, as IDX files: the pixels, then the labels.
/// The pixels of one half of each image are brighter, at most `brightest`.
pub(crate) fn images(brightest: u8) -> [Vec<u8>; 2] {
    let mut random = Random::new(1);
    let mut pixels = vec![0, 0, 8, 3, 0, 0, 1, 44, 0, 0, 0, 4, 0, 0, 0, 4];
    let mut labels = vec![0, 0, 8, 1, 0, 0, 1, 44];
    for image in 0..300_usize {
        let label = image % 2;
        for pixel in 0..16 {
            let chance = if (pixel < 8) == (label == 0) {
                0.7
            } else {
                0.3
            };
            pixels.push(if random.unit() < chance { brightest } else { 0 });
        }
        labels.push(label as u8);
    }
    [pixels, labels]
}

/// A public table in the folder `NN_TABLES`; empty if it is not there.
pub(crate) fn public(name: &str) -> String {
    let folder = std::env::var_os("NN_TABLES").map(PathBuf::from);
    let text = folder.and_then(|folder| fs::read_to_string(folder.join(name)).ok());
    text.unwrap_or_default()
}

/// Two half circles that reach into each other.
pub(crate) fn moons(n_rows: usize, noise: f64, seed: u64) -> String {
    seeded_table("u,v,moon", n_rows, seed, |i, random| {
        let angle = random.uniform(0.0, TAU / 2.0);
        let (moon, u, v) = match i % 2 {
            0 => ("upper", angle.cos(), angle.sin()),
            _ => ("lower", 1.0 - angle.cos(), 0.5 - angle.sin()),
        };
        let (u, v) = (u + noise * random.normal(), v + noise * random.normal());
        format!("{u:.4},{v:.4},{moon}")
    })
}

/// Normal clusters around random centres in four dimensions, one per class.
pub(crate) fn blobs(n_rows: usize, n_classes: usize, spread: f64, seed: u64) -> String {
    let mut random = Random::new(seed + 1);
    let mut centre = || [(); 4].map(|()| random.uniform(-3.0, 3.0));
    let centres: Vec<[f64; 4]> = (0..n_classes).map(|_| centre()).collect();
    seeded_table("a,b,c,d,kind", n_rows, seed, |i, random| {
        let class = i % n_classes;
        let [a, b, c, d] = centres[class].map(|x| x + spread * random.normal());
        format!("{a:.4},{b:.4},{c:.4},{d:.4},kind {class}")
    })
}

/// Friedman's first function: five of ten columns matter.
pub(crate) fn friedman(n_rows: usize, noise: f64, seed: u64) -> String {
    let names: Vec<String> = (0..10).map(|column| format!("x{column}")).collect();
    let header = format!("{},y", names.join(","));
    seeded_table(&header, n_rows, seed, |_, random| {
        let x: Vec<f64> = (0..10).map(|_| random.unit()).collect();
        let waves = 10.0 * (TAU / 2.0 * x[0] * x[1]).sin();
        let y = waves + 20.0 * (x[2] - 0.5).powi(2) + 10.0 * x[3] + 5.0 * x[4];
        let y = y + noise * random.normal();
        let cells: Vec<String> = x.iter().map(|x| format!("{x:.4}")).collect();
        format!("{},{y:.4}", cells.join(","))
    })
}

/// Two spirals with this number of turns.
pub(crate) fn turns(n_rows: usize, turns: f64, seed: u64) -> String {
    seeded_table("u,v,arm", n_rows, seed, |i, random| {
        let t = random.unit().sqrt();
        let angle = turns * TAU * t + if i % 2 == 0 { 0.0 } else { TAU / 2.0 };
        let (u, v) = (t * angle.cos(), t * angle.sin());
        let (u, v) = (u + 0.01 * random.normal(), v + 0.01 * random.normal());
        format!("{u:.4},{v:.4},{}", ["first", "second"][i % 2])
    })
}

/// A wave over two columns, and a third one that says nothing.
pub(crate) fn wave(n_rows: usize, noise: f64, seed: u64) -> String {
    seeded_table("u,v,w,height", n_rows, seed, |_, random| {
        let [u, v, w] = [(); 3].map(|()| random.uniform(-2.0, 2.0));
        let height = (2.0 * u).sin() + 0.5 * v * v + noise * random.normal();
        format!("{u:.4},{v:.4},{w:.4},{height:.4}")
    })
}

/// Two overlapping normal classes, one of which has one row in `one_in`.
pub(crate) fn rare(n_rows: usize, one_in: usize, distance: f64, seed: u64) -> String {
    seeded_table("u,v,w,state", n_rows, seed, |i, random| {
        let (state, at) = match i % one_in {
            0 => ("fault", distance),
            _ => ("fine", 0.0),
        };
        let [u, v, w] = [at, at, 0.0].map(|at| at + random.normal());
        format!("{u:.4},{v:.4},{w:.4},{state}")
    })
}

/// A table with a column that is a function of the last one, with some noise.
pub(crate) fn with_copy_of_number(table: &str, noise: f64, seed: u64) -> String {
    let mut random = Random::new(seed);
    with_column(table, "receipt", |target| {
        let y: f64 = target.parse().expect("a number");
        format!("{:.4}", 7.0 - 0.3 * y + noise * random.normal())
    })
}

/// A table with a code of the class; one code in `one_wrong_in` is another one.
pub(crate) fn with_code_of_class(table: &str, one_wrong_in: usize, seed: u64) -> String {
    let mut random = Random::new(seed);
    with_column(table, "code", |target| {
        let is_wrong = random.unit() < 1.0 / one_wrong_in as f64;
        let sum: u32 = target.bytes().map(u32::from).sum();
        format!("Q{}", if is_wrong { 0 } else { sum })
    })
}

/// A table whose targets were shuffled against its rows.
pub(crate) fn shuffled(table: &str, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut lines: Vec<(&str, &str)> = table
        .lines()
        .filter_map(|line| line.rsplit_once(','))
        .collect();
    for i in (2..lines.len()).rev() {
        let other = 1 + (random.unit() * i as f64) as usize;
        (lines[i].1, lines[other].1) = (lines[other].1, lines[i].1);
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|(inputs, target)| format!("{inputs},{target}"))
        .collect();
    lines.join("\n") + "\n"
}

/// A table of which the first `n` rows occur a second time.
pub(crate) fn with_copies(table: &str, n: usize) -> String {
    let rows: Vec<&str> = table.lines().skip(1).take(n).collect();
    format!("{table}{}\n", rows.join("\n"))
}

/// The first rows of a table.
pub(crate) fn first_rows(table: &str, n: usize) -> String {
    let lines: Vec<&str> = table.lines().take(n + 1).collect();
    lines.join("\n") + "\n"
}

/// Puts a column before the last one, which has the targets.
fn with_column(table: &str, name: &str, mut cell: impl FnMut(&str) -> String) -> String {
    let lines = table.lines().enumerate().filter_map(|(number, line)| {
        let (inputs, target) = line.rsplit_once(',')?;
        let new = if number == 0 {
            name.to_owned()
        } else {
            cell(target)
        };
        Some(format!("{inputs},{new},{target}"))
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n") + "\n"
}

/// About `n` rows of a table, evenly spread.
pub(crate) fn thinned(table: &str, n: usize) -> String {
    let every = (table.lines().count() / n).max(1);
    let lines = table.lines().enumerate();
    let kept = lines.filter(|(number, _)| number % every == 0);
    let kept: Vec<&str> = kept.map(|(_, line)| line).collect();
    kept.join("\n") + "\n"
}

/// Shells around the origin in three dimensions, one per class.
pub(crate) fn shells(n_rows: usize, n_classes: usize, noise: f64, seed: u64) -> String {
    seeded_table("east,north,up,shell", n_rows, seed, |i, random| {
        let class = i % n_classes;
        let [x, y, z] = [(); 3].map(|()| random.normal());
        let length = (x * x + y * y + z * z).sqrt().max(0.1);
        let radius = 1.0 + class as f64 + noise * random.normal();
        let [x, y, z] = [x, y, z].map(|it| it * radius / length);
        format!("{x:.4},{y:.4},{z:.4},shell {class}")
    })
}

/// A product of two columns, with a factor that depends on a category.
pub(crate) fn product(n_rows: usize, noise: f64, seed: u64) -> String {
    seeded_table("u,v,material,strength", n_rows, seed, |_, random| {
        let (u, v) = (random.uniform(-2.0, 2.0), random.normal());
        let kind = (3.0 * random.unit()) as usize;
        let factor = [0.5, 1.0, 2.0][kind];
        let strength = factor * u * v + v + noise * random.normal();
        format!(
            "{u:.4},{v:.4},{},{strength:.4}",
            ["wood", "stone", "steel"][kind]
        )
    })
}

/// The price is the same in all rows.
pub(crate) fn constant_number() -> String {
    table("u,v,price", 50, |_, random| {
        format!("{:.4},{:.4},5.5", random.normal(), random.normal())
    })
}

/// All rows have the same class.
pub(crate) fn single_class() -> String {
    table("u,v,kind", 50, |_, random| {
        format!("{:.4},{:.4},oak", random.normal(), random.normal())
    })
}

/// Four columns of normal numbers.
fn four_numbers(random: &mut Random) -> String {
    let numbers: Vec<String> = (0..4).map(|_| format!("{:.4}", random.normal())).collect();
    numbers.join(",")
}

/// A class that does not depend on the inputs.
pub(crate) fn coin_flips() -> String {
    table("a,b,c,d,side", 800, |_, random| {
        let side = ["heads", "tails"][usize::from(random.unit() < 0.5)];
        format!("{},{side}", four_numbers(random))
    })
}

/// A number that does not depend on the inputs.
pub(crate) fn unrelated_numbers() -> String {
    table("a,b,c,d,y", 800, |_, random| {
        format!("{},{:.4}", four_numbers(random), random.normal())
    })
}

/// The house prices of the book.
pub(crate) fn prices() -> String {
    include_str!("../../../../docs/src/houses.csv").to_owned()
}

/// A number that depends on `u` and `v` in another way in the last rows, which are the test
/// samples.
pub(crate) fn changing_relation() -> String {
    table("time,u,v,y", 600, |i, random| {
        let (u, v) = (random.normal(), random.normal());
        let y = if i < 545 { u + 0.5 * v } else { v - 0.3 * u };
        format!("{i},{u:.4},{v:.4},{:.4}", y + 0.1 * random.normal())
    })
}

/// Two classes, and a third that only the last rows have, which are the test samples.
pub(crate) fn late_class() -> String {
    table("time,u,v,kind", 600, |i, random| {
        let kind = if i < 545 { i % 2 } else { i % 3 };
        let (u, v) = [(0.0, 0.0), (2.0, 2.0), (0.0, 4.0)][kind];
        let (u, v) = (u + 0.8 * random.normal(), v + 0.8 * random.normal());
        format!("{i},{u:.4},{v:.4},{}", ["oak", "elm", "ash"][kind])
    })
}
