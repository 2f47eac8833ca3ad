//! What must hold for any bytes taken for a schema: a schema file, or the preprocessing that
//! a model file stores.

use std::path::Path;
use std::str;

use nn_data::Inputs;
use nn_table::preprocessing::Purpose;
use nn_table::{Header, Preprocessing, TableOptions, UnseenCategory};

use crate::table;

/// The table that is read with each schema.
const TABLE: &str = "\
id,weight,color,ok,day,price,label
07,1.5,red,yes,2024-01-05,\"1,200 EUR\",a
08,2.25,blue,no,2024-02-29,\"3,400 EUR\",b
09,,red,yes,2024-03-01,\"12,000 EUR\",a
10,-1e3,green,no,,\"900 EUR\",b
11,4,blue,yes,2023-12-31,\"1,050 EUR\",a
12,0.5,red,no,2024-06-15,\"2,000 EUR\",b
";

/// The first byte chooses between a schema file and a preprocessing.
pub(crate) fn check(bytes: &[u8]) {
    let Some((kind, text)) = bytes.split_first() else {
        return;
    };
    match (kind % 2, str::from_utf8(text)) {
        (0, Ok(text)) => check_schema_file(text),
        (_, Ok(text)) => check_preprocessing(text),
        (_, Err(_)) => {}
    }
}

/// A schema file is rejected, or the table that it describes has the properties of all
/// tables.
fn check_schema_file(text: &str) {
    let mut options = TableOptions::default();
    if options.add_toml(text).is_ok() {
        table::check_with(&options, TABLE.as_bytes());
    }
}

/// A preprocessing is rejected, or it can be saved and loaded, and the table that it reads
/// has the inputs that it promises.
fn check_preprocessing(text: &str) {
    let Ok(preprocessing) = Preprocessing::from_json(text) else {
        return;
    };
    let written = preprocessing.to_json();
    let restored = Preprocessing::from_json(&written).expect("it was just written");
    assert_eq!(restored.to_json(), written);
    let path = Path::new("x");
    for purpose in [Purpose::Evaluate, Purpose::Predict] {
        let table = preprocessing.parse(path, TABLE.as_bytes(), Header::Auto, purpose);
        let samples = table.and_then(|mut table| {
            preprocessing.drop_rows_without_target(&mut table)?;
            preprocessing.transform(&table, UnseenCategory::Error)
        });
        if let Ok(samples) = samples {
            let n_inputs = match samples.inputs {
                Inputs::Pixels(pixels) => pixels.ncols(),
                Inputs::Features(features) => features.ncols(),
            };
            assert_eq!(n_inputs, preprocessing.n_inputs());
        }
    }
}
