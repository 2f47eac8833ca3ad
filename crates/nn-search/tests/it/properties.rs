//! Properties of all search spaces.

use nn_search::{Dimension, Space, Value};
use proptest::prelude::*;

fn dimension() -> impl Strategy<Value = String> {
    let real = (-1e6..1e6_f64, 1e-3..1e6_f64).prop_map(|(low, span)| {
        let high = low + span;
        format!("{low}..{high}")
    });
    let log = (-9.0..3.0_f64, 0.1..6.0_f64).prop_map(|(low, span)| {
        format!("log:{:e}..{:e}", 10_f64.powf(low), 10_f64.powf(low + span))
    });
    let integer =
        (-1000..1000_i64, 1..5000_i64).prop_map(|(low, span)| format!("int:{low}..{}", low + span));
    let log_integer =
        (1..1000_i64, 1..5000_i64).prop_map(|(low, span)| format!("int-log:{low}..{}", low + span));
    let options = (2..6_usize).prop_map(|n| {
        (0..n)
            .map(|i| format!("option-{i}"))
            .collect::<Vec<_>>()
            .join("|")
    });
    prop_oneof![real, log, integer, log_integer, options]
}

fn space() -> impl Strategy<Value = Space> {
    prop::collection::vec(dimension(), 1..5).prop_map(|ranges| {
        let named = ranges.iter().enumerate();
        let dimensions = named.map(|(index, range)| format!("d{index}={range}").parse());
        Space::new(dimensions.collect::<nn_search::Result<_>>().unwrap()).unwrap()
    })
}

fn space_and_position() -> impl Strategy<Value = (Space, Vec<f64>)> {
    space().prop_flat_map(|space| {
        let n = space.dimensions().len();
        (Just(space), prop::collection::vec(0.0..=1.0_f64, n))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn text_is_read_and_written_back(space in space()) {
        prop_assert_eq!(space.to_string().parse::<Space>().unwrap(), space);
    }

    #[test]
    fn decoding_undoes_encoding((space, position) in space_and_position()) {
        let point = space.point_at(&position);
        let coordinates = space.encode(&point);
        prop_assert!(coordinates.iter().all(|x| (0.0..=1.0).contains(x)), "{coordinates:?}");
        prop_assert_eq!(space.decode(&coordinates), point);
    }

    #[test]
    fn points_lie_in_their_space((space, position) in space_and_position()) {
        let point = space.point_at(&position);
        let values = point.values().iter().cloned().collect();
        prop_assert_eq!(space.point(values).unwrap(), point);
    }

    #[test]
    fn flags_give_the_value_again((space, position) in space_and_position()) {
        let point = space.point_at(&position);
        for ((name, value), argument) in point.values().iter().zip(point.arguments()) {
            let text = argument.strip_prefix(&format!("--{name}=")).unwrap();
            let again = match value {
                Value::Integer(_) => Value::Integer(text.parse().unwrap()),
                Value::Real(_) => Value::Real(text.parse().unwrap()),
                Value::Category(_) => Value::Category(text.to_owned()),
            };
            prop_assert_eq!(&again, value);
        }
    }

    #[test]
    fn any_coordinates_give_a_point(
        (space, noise) in space().prop_flat_map(|space| {
            let width = space.encode(&space.point_at(&vec![0.5; space.dimensions().len()])).len();
            (Just(space), prop::collection::vec(-3.0..3.0_f64, width))
        })
    ) {
        let point = space.decode(&noise);
        let values = point.values().iter().cloned().collect();
        prop_assert!(space.point(values).is_ok());
    }

    #[test]
    fn no_text_makes_a_dimension_panic(text in ".{0,30}") {
        let _ = text.parse::<Dimension>();
        let _ = format!("x={text}").parse::<Dimension>();
    }
}
