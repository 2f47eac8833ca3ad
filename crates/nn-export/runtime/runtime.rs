//! The functions that exported Rust code calls. A line `//: NAME needs NAME, NAME` begins each
//! function; exported code contains only the functions that it calls. Elementwise functions work
//! in place, on `y`.

//: copy
fn copy(x: &[f32], y: &mut [f32]) {
    y.copy_from_slice(x);
}

//: select
fn select(x: &[f32], columns: &[i32], y: &mut [f32]) {
    for (y, &column) in y.iter_mut().zip(columns) {
        *y = x[column as usize];
    }
}

//: multiply
fn multiply(factor: f32, y: &mut [f32]) {
    for y in y {
        *y *= factor;
    }
}

//: standardize
fn standardize(mean: &[f32], rest: &[f32], std: &[f32], y: &mut [f32]) {
    for (i, y) in y.iter_mut().enumerate() {
        *y = ((*y - mean[i]) - rest[i]) / std[i];
    }
}

//: affine
fn affine(scale: &[f32], shift: &[f32], y: &mut [f32]) {
    for (i, y) in y.iter_mut().enumerate() {
        *y = scale[i] * *y + shift[i];
    }
}

//: fill_missing
fn fill_missing(fill: &[f32], y: &mut [f32]) {
    for (y, &fill) in y.iter_mut().zip(fill) {
        if y.is_nan() {
            *y = fill;
        }
    }
}

//: is_missing
fn is_missing(y: &mut [f32]) {
    for y in y {
        *y = if y.is_nan() { 1.0 } else { 0.0 };
    }
}

//: equals
fn equals(numbers: &[f32], y: &mut [f32]) {
    for (y, &number) in y.iter_mut().zip(numbers) {
        *y = if *y == number { 1.0 } else { 0.0 };
    }
}

//: levels
/// Gray values from 0 to a small maximum, as bytes.
fn levels(largest: i32, y: &mut [f32]) {
    for y in y {
        let byte = (*y as i32 * 255 + largest / 2) / largest;
        *y = if byte < 255 { byte as f32 } else { 255.0 };
    }
}

//: linear
/// `y = W·x + b`, with the weights of each output in succession. Four sums at a time do not
/// wait for one another.
fn linear(x: &[f32], weights: &[f32], bias: &[f32], y: &mut [f32]) {
    let n = x.len();
    let blocks = y.chunks_mut(4).zip(bias.chunks(4));
    for ((y, bias), weights) in blocks.zip(weights.chunks(4 * n)) {
        y.copy_from_slice(bias);
        if let [a, b, c, d] = y {
            let (w_a, rest) = weights.split_at(n);
            let (w_b, rest) = rest.split_at(n);
            let (w_c, w_d) = rest.split_at(n);
            for ((((&x, &w_a), &w_b), &w_c), &w_d) in x.iter().zip(w_a).zip(w_b).zip(w_c).zip(w_d) {
                *a += x * w_a;
                *b += x * w_b;
                *c += x * w_c;
                *d += x * w_d;
            }
        } else {
            for (y, weights) in y.iter_mut().zip(weights.chunks_exact(n)) {
                for (&x, &weight) in x.iter().zip(weights) {
                    *y += x * weight;
                }
            }
        }
    }
}

//: quantize
/// Rounds `x/scale + zero_point` to integers of 8 bits.
fn quantize(x: &[f32], inverse_scale: f32, zero_point: i32, q: &mut [i8]) {
    for (q, &x) in q.iter_mut().zip(x) {
        let value = (x * inverse_scale + zero_point as f32).clamp(-128.0, 127.0);
        // The number is at least 0 when it is truncated.
        *q = ((value + 128.5) as i32 - 128) as i8;
    }
}

//: linear_int8
/// `y = factors·(start + W·q) + b`, with integers of 8 bits and sums of 32 bits.
fn linear_int8(
    q: &[i8],
    weights: &[i8],
    start: &[i32],
    factors: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    for (j, (y, weights)) in y.iter_mut().zip(weights.chunks_exact(q.len())).enumerate() {
        let mut sum = start[j];
        for (&q, &weight) in q.iter().zip(weights) {
            sum += i32::from(q) * i32::from(weight);
        }
        *y = sum as f32 * factors[j] + bias[j];
    }
}

//: grouped_linear needs linear
/// `y = W·x + b`, separately for each of several groups of values.
fn grouped_linear(x: &[f32], groups: usize, weights: &[f32], bias: &[f32], y: &mut [f32]) {
    let (inputs, outputs) = (x.len() / groups, y.len() / groups);
    for group in 0..groups {
        linear(
            &x[group * inputs..(group + 1) * inputs],
            &weights[group * inputs * outputs..(group + 1) * inputs * outputs],
            &bias[group * outputs..(group + 1) * outputs],
            &mut y[group * outputs..(group + 1) * outputs],
        );
    }
}

//: reduce
/// For |x| < 90: 2ⁿ and exp(r) − 1, where x = n·ln 2 + r. The power of two has two factors,
/// because it may be out of range where exp(x) is not.
fn reduce(x: f32) -> (f32, f32, f32) {
    const INVERSE_FACTORIALS: [f32; 7] = [
        1.0,
        0.5,
        0.16666667,
        0.041666668,
        0.008333334,
        0.0013888889,
        0.0001984127,
    ];
    // 1.5·2²³: adding it rounds to an integer.
    const SHIFT: f32 = 12582912.0;
    let rounded = (x * core::f32::consts::LOG2_E + SHIFT) - SHIFT;
    let r = (x - rounded * 0.6933594) - rounded * -0.00021219444;
    let n = rounded as i32;
    let half = n / 2;
    let mut series = 0.0;
    for &inverse in INVERSE_FACTORIALS.iter().rev() {
        series = series * r + inverse;
    }
    let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
    (power(half), power(n - half), r * series)
}

//: exp_value needs reduce
fn exp(x: f32) -> f32 {
    if x < -87.33655 {
        return 0.0;
    }
    if x > 88.72284 {
        return f32::INFINITY;
    }
    if x.is_nan() {
        return x;
    }
    let (a, b, q) = reduce(x);
    (a * q + a) * b
}

//: exp_m1_value needs reduce
/// `exp(x) − 1`, accurate near 0.
fn exp_m1(x: f32) -> f32 {
    if x < -87.33655 {
        return -1.0;
    }
    if x > 88.72284 {
        return f32::INFINITY;
    }
    if x.is_nan() {
        return x;
    }
    let (a, b, q) = reduce(x);
    a * q * b + (a * b - 1.0)
}

//: ln_1p_value
/// `ln(1 + x)` for x from 0 to 1: `2·atanh(x/(2 + x))` as a series.
fn ln_1p(x: f32) -> f32 {
    let s = x / (2.0 + x);
    let square = s * s;
    let mut series = 0.0;
    for k in (1..=17_u8).rev().step_by(2) {
        series = series * square + 1.0 / f32::from(k);
    }
    2.0 * s * series
}

//: erf_value needs exp_value
/// The error function, within 5e-7 (Abramowitz & Stegun 1964, formula 7.1.26).
fn erf(x: f32) -> f32 {
    let magnitude = if x < 0.0 { -x } else { x };
    let t = 1.0 / (1.0 + 0.3275911 * magnitude);
    let mut series = 1.0614054;
    series = series * t - 1.4531521;
    series = series * t + 1.4214138;
    series = series * t - 0.28449672;
    series = series * t + 0.2548296;
    series = 1.0 - series * t * exp(-magnitude * magnitude);
    if x < 0.0 { -series } else { series }
}

//: relu
fn relu(y: &mut [f32]) {
    for y in y {
        if 0.0 > *y {
            *y = 0.0;
        }
    }
}

//: leaky_relu
fn leaky_relu(slope: f32, y: &mut [f32]) {
    for y in y {
        if *y <= 0.0 {
            *y *= slope;
        }
    }
}

//: sigmoid_value needs exp_value
fn sigmoid_value(x: f32) -> f32 {
    let value = 1.0 / (1.0 + exp(-x));
    if value < f32::MIN_POSITIVE { 0.0 } else { value }
}

//: sigmoid needs sigmoid_value
fn sigmoid(y: &mut [f32]) {
    for y in y {
        *y = sigmoid_value(*y);
    }
}

//: tanh needs exp_m1_value
fn tanh(y: &mut [f32]) {
    for y in y {
        let e = exp_m1(2.0 * y.clamp(-20.0, 20.0));
        *y = e / (e + 2.0);
    }
}

//: softmax needs exp_value
fn softmax(y: &mut [f32]) {
    let mut largest = y[0];
    for &y in &*y {
        if y > largest {
            largest = y;
        }
    }
    let mut sum = 0.0;
    for y in &mut *y {
        *y = exp(*y - largest);
        sum += *y;
    }
    for y in y {
        *y *= 1.0 / sum;
    }
}

//: swish needs sigmoid_value
fn swish(y: &mut [f32]) {
    for y in y {
        *y *= sigmoid_value(*y);
    }
}

//: elu needs exp_m1_value
fn elu(alpha: f32, y: &mut [f32]) {
    for y in y {
        if *y <= 0.0 {
            *y = alpha * exp_m1(*y);
        }
    }
}

//: selu needs exp_m1_value
fn selu(y: &mut [f32]) {
    for y in y {
        *y = if *y > 0.0 { 1.050701 * *y } else { 1.7580993 * exp_m1(*y) };
    }
}

//: gelu needs erf_value
fn gelu(y: &mut [f32]) {
    for y in y {
        *y *= 0.5 * (1.0 + erf(*y * core::f32::consts::FRAC_1_SQRT_2));
    }
}

//: mish needs exp_value
fn mish(y: &mut [f32]) {
    for y in y {
        let e = exp(if *y > 20.0 { 20.0 } else { *y });
        let product = e * (e + 2.0);
        *y *= product / (product + 2.0);
    }
}

//: softplus needs exp_value, ln_1p_value
fn softplus(y: &mut [f32]) {
    for y in y {
        let magnitude = if *y < 0.0 { -*y } else { *y };
        let positive = if *y > 0.0 { *y } else { 0.0 };
        *y = positive + ln_1p(exp(-magnitude));
    }
}

//: clip
/// `scale·y + shift`, limited to `low..1`.
fn clip(scale: f32, shift: f32, low: f32, y: &mut [f32]) {
    for y in y {
        *y = (*y * scale + shift).clamp(low, 1.0);
    }
}

//: sqrt_value
fn sqrt(x: f32) -> f32 {
    // Newton's method, from above.
    let x = f64::from(x);
    let mut root = if x > 1.0 { x } else { 1.0 };
    let mut next = (root + x / root) / 2.0;
    while next < root {
        root = next;
        next = (root + x / root) / 2.0;
    }
    root as f32
}

//: smooth_clip needs sqrt_value
/// `y/√(1 + (y/3)²)`, which is between −3 and 3.
fn smooth_clip(y: &mut [f32]) {
    for y in y {
        let x = y.clamp(-1e18, 1e18);
        *y = x / sqrt(1.0 + x / 3.0 * (x / 3.0));
    }
}

//: limit
fn limit(low: &[f32], high: &[f32], y: &mut [f32]) {
    for (i, y) in y.iter_mut().enumerate() {
        if *y < low[i] {
            *y = low[i];
        } else if *y > high[i] {
            *y = high[i];
        }
    }
}

//: known_category
/// The index of a category stays; any other value becomes the number of categories.
fn known_category(counts: &[f32], y: &mut [f32]) {
    for (i, y) in y.iter_mut().enumerate() {
        let is_index = *y >= 0.0 && *y < counts[i];
        if !is_index || (*y as usize) as f32 != *y {
            *y = counts[i];
        }
    }
}

//: layer_norm needs sqrt_value
fn layer_norm(gamma: &[f32], beta: &[f32], y: &mut [f32]) {
    let n = y.len() as f32;
    let mut mean = 0.0;
    for &y in &*y {
        mean += y;
    }
    mean /= n;
    let mut variance = 0.0;
    for &y in &*y {
        variance += (y - mean) * (y - mean);
    }
    let std = sqrt(variance / n + 1e-5);
    for (i, y) in y.iter_mut().enumerate() {
        *y = gamma[i] * ((*y - mean) / std) + beta[i];
    }
}

//: mix
fn mix(alpha: &[f32], x: &[f32], y: &mut [f32]) {
    for (i, y) in y.iter_mut().enumerate() {
        *y += alpha[i] * (x[i] - *y);
    }
}

//: add
fn add(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
}

//: cos
fn cos(y: &mut [f32]) {
    for y in y {
        // x = quarters·π/2 + r, |r| ≤ π/4
        let x = f64::from(if *y < 0.0 { -*y } else { *y });
        let quarters = (x * core::f64::consts::FRAC_2_PI + 0.5) as i64;
        let r = x - quarters as f64 * core::f64::consts::FRAC_PI_2;
        let s = r * r;
        let cosine = 1.0
            - s / 2.0 * (1.0 - s / 12.0 * (1.0 - s / 30.0 * (1.0 - s / 56.0 * (1.0 - s / 90.0))));
        let sine = r * (1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0))));
        let value = if quarters % 2 == 0 { cosine } else { -sine };
        *y = (if quarters % 4 < 2 { value } else { -value }) as f32;
    }
}

//: bins
/// The piecewise-linear encoding of each value, over the bins between its edges.
fn bins(x: &[f32], bins: usize, edges: &[f32], y: &mut [f32]) {
    let columns = x.iter().zip(edges.chunks_exact(bins + 1));
    for ((&x, edges), y) in columns.zip(y.chunks_exact_mut(bins)) {
        for (bin, y) in y.iter_mut().enumerate() {
            let width = edges[bin + 1] - edges[bin];
            *y = if width > 0.0 {
                let value = (x - edges[bin]) / width;
                if bin > 0 && value < 0.0 {
                    0.0
                } else if bin < bins - 1 && value > 1.0 {
                    1.0
                } else {
                    value
                }
            } else if x >= edges[bin] {
                1.0
            } else {
                0.0
            };
        }
    }
}

//: embed
/// The vector of a category; NaN for a value that is not the index of a category.
fn embed(x: &[f32], categories: usize, vectors: &[f32], y: &mut [f32]) {
    let width = y.len();
    let category = x[0] as usize;
    if category < categories && category as f32 == x[0] {
        y.copy_from_slice(&vectors[category * width..(category + 1) * width]);
    } else {
        y.fill(f32::NAN);
    }
}

//: members
/// One row per member: its factors times the values.
fn members(x: &[f32], factors: &[f32], y: &mut [f32]) {
    let rows = factors.chunks_exact(x.len());
    for (y, factors) in y.chunks_exact_mut(x.len()).zip(rows) {
        for ((y, factor), x) in y.iter_mut().zip(factors).zip(x) {
            *y = factor * x;
        }
    }
}

//: mean
/// The mean of the rows of all members.
fn mean(x: &[f32], y: &mut [f32]) {
    let (first, rest) = x.split_at(y.len());
    y.copy_from_slice(first);
    for row in rest.chunks_exact(y.len()) {
        for (y, x) in y.iter_mut().zip(row) {
            *y += x;
        }
    }
    let n_rows = (x.len() / y.len()) as f32;
    for y in y {
        *y /= n_rows;
    }
}

//: log_value
/// `ln x` for x from 0 to 1; −708.4 for 0. x = 2ⁿ·r, ln r = 2·atanh((r − 1)/(r + 1)).
fn log_value(mut x: f32) -> f32 {
    if x < f32::MIN_POSITIVE {
        return -708.3964;
    }
    let mut n = 0.0;
    while x < core::f32::consts::FRAC_1_SQRT_2 {
        x *= 2.0;
        n -= 1.0;
    }
    let s = (x - 1.0) / (x + 1.0);
    let square = s * s;
    let mut series = 0.0;
    for k in (1..=11_u8).rev().step_by(2) {
        series = series * square + 1.0 / f32::from(k);
    }
    n * core::f32::consts::LN_2 + 2.0 * s * series
}

//: log needs log_value
fn log(y: &mut [f32]) {
    for y in y {
        *y = log_value(*y);
    }
}

//: restore needs exp_value
/// `exp(y)` for kind 1, `exp(y) − 1` for kind 2, y for kind 0.
fn restore(kinds: &[i8], y: &mut [f32]) {
    for (y, &kind) in y.iter_mut().zip(kinds) {
        if kind != 0 {
            *y = exp(*y) - if kind == 2 { 1.0 } else { 0.0 };
        }
    }
}
