//! The output of the measured programs: a JSON object of texts, numbers and lists of
//! numbers.

use serde_json::Value;

use crate::error::{Error, Result};

/// The JSON object that a program printed; fields are read by name.
#[derive(Clone, Debug)]
pub(super) struct Json {
    program: String,
    object: Value,
}

impl Json {
    /// Parses the last line that is an object, or the whole text.
    ///
    /// # Errors
    /// [`Error::Unexpected`] if there is no JSON object.
    pub(super) fn new(program: &str, output: &str) -> Result<Self> {
        let object = |text: &str| serde_json::from_str(text).ok().filter(Value::is_object);
        let found = output
            .lines()
            .rev()
            .find_map(object)
            .or_else(|| object(output));
        Ok(Self {
            program: program.to_owned(),
            object: found.ok_or_else(|| unexpected(program, "a JSON object"))?,
        })
    }

    pub(super) fn number(&self, name: &str) -> Result<f64> {
        self.read(name, Value::as_f64)
    }

    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        self.read(name, |value| {
            value.as_array()?.iter().map(Value::as_f64).collect()
        })
    }

    pub(super) fn text(&self, name: &str) -> Result<String> {
        self.read(name, |value| value.as_str().map(str::to_owned))
    }

    fn read<T>(&self, name: &str, convert: impl FnOnce(&Value) -> Option<T>) -> Result<T> {
        let value = self.object.get(name).and_then(convert);
        value.ok_or_else(|| unexpected(&self.program, &format!("\"{name}\"")))
    }
}

fn unexpected(program: &str, what: &str) -> Error {
    Error::Unexpected {
        program: program.to_owned(),
        expected: format!("{what} in its output"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(output: &str) -> Json {
        Json::new("x", output).expect("an object")
    }

    #[test]
    fn fields_are_read_by_name() {
        let json =
            json("chatter\n{\"peer\": \"JAX\", \"seconds\": [1.5, 2e-1], \"accuracy\": 0.96}\n");
        assert_eq!(json.text("peer").expect("there"), "JAX");
        assert_eq!(json.numbers("seconds").expect("there"), [1.5, 0.2]);
        assert_eq!(json.number("accuracy").expect("there"), 0.96);
    }

    #[test]
    fn an_object_of_many_lines_is_read_too() {
        let json = json("{\n  \"seed\": 3,\n  \"accuracy\": 0.5\n}\n");
        assert_eq!(json.number("seed").expect("there"), 3.0);
        assert_eq!(json.number("accuracy").expect("there"), 0.5);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = Json::new("train.py", "{\"a\": null}").and_then(|json| json.number("a"));
        let text = error.expect_err("null is no number").to_string();
        assert_eq!(text, "train.py: expected \"a\" in its output");
        assert!(json("{}").numbers("b").is_err());
        let error = Json::new("train.py", "Traceback").expect_err("no object");
        assert_eq!(
            error.to_string(),
            "train.py: expected a JSON object in its output"
        );
    }
}
