//! Predicts the prices of two flats: area, number of rooms (NaN if unknown), index of the city.

fn main() {
    let mut output = [0.0; houses::OUTPUTS];
    for flat in [[80.0, 3.0, 2.0], [80.0, f32::NAN, 0.0]] {
        houses::predict(&flat, &mut output);
        println!("{} {:.2}", houses::OUTPUT_NAMES[0], output[0]);
    }
}
