//! What C and Rust source code have in common: the functions of the runtime, and the
//! description of the values.

mod exact;
mod c;
mod rust;

use nn_core::Rows;

use crate::error::Result;
use crate::exported_model::{ExportedModel, TOLERANCE};
use crate::outcome::Outcome;
use crate::program::Program;
use crate::values::Meaning;

/// Largest difference between the outputs of a model with integers of 8 bits on two
/// processors: a value that lies between two integers may be rounded either way.
const INT8_TOLERANCE: f32 = 1e-2;

/// The size of exported source code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Bytes of constants, which can stay in read-only memory.
    pub flash_bytes: usize,
    /// Bytes of local buffers, on the stack.
    pub ram_bytes: usize,
    /// Multiplications with additions per prediction.
    pub n_multiply_adds: usize,
}

impl ExportedModel<'_> {
    /// The size of the source code of this model.
    ///
    /// # Errors
    /// Returns [`Error::Unsupported`](crate::Error::Unsupported) for an activation function
    /// without source code.
    pub fn sizes(&self) -> Result<Sizes> {
        let program = Program::new(self.graph())?;
        Ok(Sizes {
            flash_bytes: program.tables.iter().map(|it| it.constants.n_bytes()).sum(),
            ram_bytes: 4 * program.buffers.iter().sum::<usize>() + program.n_int8,
            n_multiply_adds: program.n_multiply_adds,
        })
    }

    /// The largest difference that the self-test of the source code accepts.
    fn self_test_tolerance(&self) -> f32 {
        match self.is_int8() {
            true => INT8_TOLERANCE,
            false => TOLERANCE,
        }
    }

    /// The expected outputs of the self-test: those of the network or, with integers of 8 bits,
    /// those of the exported model.
    fn expected_outputs(&self, rows: &Rows<'_, f32>) -> Result<Vec<f32>> {
        let outputs = rows.rows().map(|row| match self.is_int8() {
            true => Ok(self.predict(row)),
            false => self.predict_with_network(row),
        });
        Ok(outputs.collect::<Result<Vec<_>>>()?.concat())
    }

    /// Describes the values, one line each; pixels have one line.
    fn value_lines(&self) -> Vec<String> {
        let last = self.values().len() - 1;
        if let Meaning::Pixel { largest } = self.values()[0].meaning {
            return vec![format!("0 to {last}: gray values from 0 to {largest}")];
        }
        let lines = self.values().iter().enumerate().map(|(index, value)| {
            let meaning = match &value.meaning {
                Meaning::Number => "number, NaN if it is missing".to_owned(),
                Meaning::Pixel { largest } => format!("gray value from 0 to {largest}"),
                Meaning::Category(categories) => {
                    let categories = categories.iter().enumerate();
                    let names = categories.map(|(i, name)| format!("{i} = {}", quoted(name)));
                    format!("category: {}", names.collect::<Vec<_>>().join(", "))
                }
                Meaning::Day => "days since 1970-01-01, NaN if the date is missing".to_owned(),
                Meaning::Second => "seconds of the day, NaN if the date is missing".to_owned(),
            };
            format!("{index}: {}: {meaning}", quoted(&value.name))
        });
        lines.collect()
    }
}

/// What the outputs are, in a sentence.
fn outputs_sentence(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Classes {
            are_probabilities: true,
            ..
        } => "The outputs are the probabilities of the classes.",
        Outcome::Classes { .. } => "The outputs are scores of the classes.",
        Outcome::Labels { .. } => "The outputs are the probabilities of the labels.",
        Outcome::Values { .. } => "The outputs are the predicted numbers.",
    }
}

/// A name in quotes, without characters that could end a comment or change its direction.
fn quoted(name: &str) -> String {
    let escaped = name.chars().map(|letter| match letter {
        '*' | '\\' => letter.escape_unicode().to_string(),
        letter if letter.is_alphanumeric() || letter == ' ' || letter.is_ascii_graphic() => {
            letter.to_string()
        }
        letter => letter.escape_default().to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// The functions of a runtime: those that a program calls and those that they need, in the
/// order of the file. A line `START NAME needs NAME, NAME` begins each function.
fn functions(runtime: &str, start: &str, end: &str, program: &Program) -> String {
    let sections = runtime.split(start).skip(1).map(|section| {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        let heading = heading.trim_end_matches(end).trim();
        let (name, needs) = heading.split_once(" needs ").unwrap_or((heading, ""));
        (name, needs.split(", ").collect::<Vec<_>>(), text)
    });
    let sections: Vec<_> = sections.collect();
    let mut needed: Vec<&str> = program.calls.iter().map(|call| call.function).collect();
    // A function needs only functions above it.
    for (name, needs, _) in sections.iter().rev() {
        if needed.contains(name) {
            needed.extend(needs);
        }
    }
    let used = sections.iter().filter(|(name, ..)| needed.contains(name));
    used.map(|(.., text)| *text).collect()
}

/// Numbers as text, several per line.
fn lines<T>(values: &[T], n_per_line: usize, show: impl Fn(&T) -> String) -> String {
    let lines = values.chunks(n_per_line).map(|values| {
        let values: Vec<String> = values.iter().map(&show).collect();
        format!("    {},\n", values.join(", "))
    });
    lines.collect()
}
