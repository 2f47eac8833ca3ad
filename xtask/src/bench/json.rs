//! As much JSON as the programs that are measured print: named texts, numbers
//! and lists of numbers in one object.

use crate::error::{Error, Result};

/// What a program printed: an object, of which fields are read by name.
#[derive(Clone, Debug)]
pub(super) struct Json {
    program: String,
    text: String,
}

impl Json {
    /// The last line that is an object, or the whole text.
    pub(super) fn new(program: &str, output: &str) -> Self {
        let is_object = |line: &&str| line.starts_with('{') && line.ends_with('}');
        let text = output.lines().map(str::trim).rfind(is_object);
        Self {
            program: program.to_owned(),
            text: text.unwrap_or(output).to_owned(),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<f64> {
        let text = self.value(name)?;
        let end = text.find([',', '}', '\n']).unwrap_or(text.len());
        text[..end].trim().parse().map_err(|_| self.lacks(name))
    }

    pub(super) fn numbers(&self, name: &str) -> Result<Vec<f64>> {
        let text = self.value(name)?;
        let inside = text
            .strip_prefix('[')
            .and_then(|text| Some(&text[..text.find(']')?]))
            .ok_or_else(|| self.lacks(name))?;
        inside
            .split(',')
            .map(|number| number.trim().parse().map_err(|_| self.lacks(name)))
            .collect()
    }

    /// A text without escapes.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        let text = self.value(name)?;
        let inside = text
            .strip_prefix('"')
            .and_then(|text| Some(&text[..text.find('"')?]));
        Ok(inside.ok_or_else(|| self.lacks(name))?.to_owned())
    }

    /// What stands behind `"name":`.
    fn value(&self, name: &str) -> Result<&str> {
        let key = format!("\"{name}\"");
        let place = self.text.find(&key).ok_or_else(|| self.lacks(name))?;
        let rest = self.text[place + key.len()..].trim_start();
        let value = rest.strip_prefix(':').ok_or_else(|| self.lacks(name))?;
        Ok(value.trim_start())
    }

    fn lacks(&self, name: &str) -> Error {
        Error::Unexpected {
            program: self.program.clone(),
            expected: format!("\"{name}\" in its output"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_name() {
        let json = Json::new(
            "x",
            "chatter\n{\"peer\": \"JAX\", \"seconds\": [1.5, 2e-1], \"accuracy\": 0.96}\n",
        );
        assert_eq!(json.text("peer").expect("there"), "JAX");
        assert_eq!(json.numbers("seconds").expect("there"), [1.5, 0.2]);
        assert_eq!(json.number("accuracy").expect("there"), 0.96);
    }

    #[test]
    fn an_object_of_many_lines_is_read_too() {
        let json = Json::new("x", "{\n  \"seed\": 3,\n  \"accuracy\": 0.5\n}\n");
        assert_eq!(json.number("seed").expect("there"), 3.0);
        assert_eq!(json.number("accuracy").expect("there"), 0.5);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = Json::new("train.py", "{\"a\": null}").number("a");
        let text = error.expect_err("null is no number").to_string();
        assert_eq!(text, "train.py: expected \"a\" in its output");
        assert!(Json::new("x", "{}").numbers("b").is_err());
    }
}
