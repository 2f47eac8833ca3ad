//! Writes a model as `no_std` Rust source code.

use nn_core::Rows;

use super::{functions, lines, outputs_sentence};
use crate::buffers::Buffer;
use crate::error::Result;
use crate::exported_model::ExportedModel;
use crate::outcome::{ClassRule, Outcome};
use crate::program::{Argument, Call, Constants, Part, Program};

const RUNTIME: &str = include_str!("../../runtime/runtime.rs");

impl ExportedModel<'_> {
    /// Writes the model as a Rust file without dependencies, also on the standard library.
    ///
    /// The file is the root of a crate, `src/lib.rs`, or a module of a crate without its line
    /// `#![no_std]`. It has the constants `INPUTS` and `OUTPUTS` and the function
    /// `predict(values: &[f32; INPUTS], output: &mut [f32; OUTPUTS])`; a classifier also has
    /// `class` and `CLASS_NAMES`. A test predicts the rows of `self_test` and compares the
    /// outputs.
    ///
    /// # Shapes
    /// `self_test [n_rows, n_values]`
    ///
    /// # Errors
    /// Returns the same errors as [`to_c`](Self::to_c).
    pub fn to_rust(&self, self_test: &Rows<'_, f32>) -> Result<String> {
        let program = Program::new(self.graph())?;
        let mut text = self.rust_header();
        text += &self.rust_predict(&program);
        text += &self.rust_names();
        text.push('\n');
        text += &functions(RUNTIME, "//: ", "", &program);
        for (index, table) in program.tables.iter().enumerate() {
            let name = format!("{}_{index}", table.what.to_uppercase());
            text += &rust_table(&name, &table.constants);
        }
        text += &self.rust_self_test(self_test)?;
        Ok(text)
    }

    fn rust_header(&self) -> String {
        let mut text = format!(
            "//! A neural network, written by nn {}.\n//!\n",
            env!("CARGO_PKG_VERSION")
        );
        text += "//! `predict` computes the output of one row of values:\n//!\n";
        for line in self.value_lines() {
            text += &format!("//! - {line}\n");
        }
        text += &format!("//!\n//! {}\n", outputs_sentence(self.outcome()));
        text += "#![no_std]\n\n";
        text += "/// Number of values of a row.\n";
        text += &format!("pub const INPUTS: usize = {};\n\n", self.values().len());
        text += "/// Number of outputs.\n";
        text + &format!("pub const OUTPUTS: usize = {};\n", self.n_outputs())
    }

    fn rust_predict(&self, program: &Program) -> String {
        let mut text = "\n/// Computes the outputs of a row of values.\n".to_owned();
        text += "pub fn predict(values: &[f32; INPUTS], output: &mut [f32; OUTPUTS]) {\n";
        for (index, size) in program.buffers.iter().enumerate() {
            text += &format!("    let mut {} = [0.0; {size}];\n", buffer_name(index));
        }
        if program.n_int8 > 0 {
            text += &format!("    let mut q = [0; {}];\n", program.n_int8);
        }
        for call in &program.calls {
            text += &rust_call(call, program);
        }
        text + "}\n"
    }

    fn rust_names(&self) -> String {
        let (constant, what, names) = match self.outcome() {
            Outcome::Classes { names, .. } => ("CLASS_NAMES", "classes", names),
            Outcome::Labels { names, .. } => ("LABEL_NAMES", "labels", names),
            Outcome::Values { names } => ("OUTPUT_NAMES", "outputs", names),
        };
        let mut text = format!(
            "\n/// Names of the {what}.\npub const {constant}: [&str; {}] = [\n{}];\n",
            names.len(),
            lines(names, 1, |name| rust_string(name))
        );
        if let Outcome::Labels { thresholds, .. } = self.outcome() {
            text += &format!(
                "\n/// A label is predicted if its output is at least its threshold.\npub const \
                 LABEL_THRESHOLDS: [f32; {}] = [\n{}];\n",
                thresholds.len(),
                lines(thresholds, 8, |it| format!("{it:?}"))
            );
        }
        let Outcome::Classes { rule, .. } = self.outcome() else {
            return text;
        };
        text += "\n/// The index of the predicted class.\n";
        text += "pub fn class(output: &[f32; OUTPUTS]) -> usize {\n";
        text += &match rule {
            ClassRule::Above(threshold) => {
                format!("    usize::from(output[0] > {threshold:?})\n")
            }
            ClassRule::AtLeast(threshold) => {
                format!("    usize::from(output[1] >= {threshold:?})\n")
            }
            ClassRule::Largest => "    let mut best = 0;\n    for (class, &score) in \
                 output.iter().enumerate() {\n        if score > output[best] {\n            best = \
                 class;\n        }\n    }\n    best\n"
                .to_owned(),
        };
        text + "}\n"
    }

    fn rust_self_test(&self, rows: &Rows<'_, f32>) -> Result<String> {
        if rows.n_rows() == 0 {
            return Ok(String::new());
        }
        let outputs = Constants::Floats(self.expected_outputs(rows)?);
        let [values, outputs] = [
            ("VALUES", Constants::Floats(rows.as_slice().to_vec())),
            ("EXPECTED", outputs),
        ]
        .map(|(name, table)| rust_table(name, &table));
        Ok(format!(
            "
#[cfg(test)]
mod tests {{
    use super::*;
{values}{outputs}
    #[test]
    fn outputs_are_those_of_the_network() {{
        let mut output = [0.0; OUTPUTS];
        for (row, expected) in VALUES.chunks_exact(INPUTS).zip(EXPECTED.chunks_exact(OUTPUTS)) {{
            let row = row.try_into().expect(\"a row of values\");
            predict(row, &mut output);
            for (found, expected) in output.iter().zip(expected) {{
                let difference = (found - expected).abs() / expected.abs().max(1.0);
                assert!(difference <= {:?}, \"expected {{expected}}, found {{found}}\");
            }}
        }}
    }}
}}
",
            self.self_test_tolerance()
        ))
    }
}

/// The name of a local buffer: `a`, `b`, ... `h`, `buffer_8`, ...
fn buffer_name(index: usize) -> String {
    match index {
        0..8 => char::from(b'a' + index as u8).to_string(),
        _ => format!("buffer_{index}"),
    }
}

/// A call, once per row.
fn rust_call(call: &Call, program: &Program) -> String {
    let n_rows = call.n_rows;
    let arguments = call.arguments.iter();
    let arguments = arguments.map(|it| rust_argument(it, program, n_rows > 1));
    let arguments: Vec<String> = arguments.collect();
    let function_call = format!("{}({});\n", call.function, arguments.join(", "));
    match n_rows {
        1 => format!("    {function_call}"),
        _ => format!("    for i in 0..{n_rows} {{\n        {function_call}    }}\n"),
    }
}

/// An argument; in a loop, that of row i.
fn rust_argument(argument: &Argument, program: &Program, is_in_loop: bool) -> String {
    let int8 = |len: &usize| match is_in_loop {
        true => format!("q[i * {len}..][..{len}]"),
        false => format!("q[..{len}]"),
    };
    match argument {
        Argument::Read(part) => format!("&{}", rust_part(part, is_in_loop)),
        Argument::Write(part) => format!("&mut {}", rust_part(part, is_in_loop)),
        Argument::ReadInt8(len) => format!("&{}", int8(len)),
        Argument::WriteInt8(len) => format!("&mut {}", int8(len)),
        Argument::Table(index) => {
            format!("&{}_{index}", program.tables[*index].what.to_uppercase())
        }
        Argument::Float(number) => format!("{number:?}"),
        Argument::Integer(number) => number.to_string(),
    }
}

fn rust_part(part: &Part, is_in_loop: bool) -> String {
    let buffer = match part.buffer {
        Buffer::Values => "values".to_owned(),
        Buffer::Output => "output".to_owned(),
        Buffer::Local(index) => buffer_name(index),
    };
    let Part { start, len, .. } = *part;
    match (is_in_loop, start) {
        (false, _) => format!("{buffer}[{start}..{}]", start + len),
        (true, 0) => format!("{buffer}[i * {}..][..{len}]", part.row_width),
        (true, _) => format!("{buffer}[i * {} + {start}..][..{len}]", part.row_width),
    }
}

fn rust_table(name: &str, constants: &Constants) -> String {
    let (element, len, values) = match constants {
        Constants::Floats(values) => ("f32", values.len(), lines(values, 8, |&it| rust_float(it))),
        Constants::Integers(values) => {
            ("i32", values.len(), lines(values, 16, ToString::to_string))
        }
        Constants::Int8(values) => ("i8", values.len(), lines(values, 24, ToString::to_string)),
    };
    format!("\nstatic {name}: [{element}; {len}] = [\n{values}];\n")
}

/// The shortest decimal number that gives the same bits.
fn rust_float(number: f32) -> String {
    match number.is_nan() {
        true => "f32::NAN".to_owned(),
        false => format!("{number:?}"),
    }
}

fn rust_string(text: &str) -> String {
    let escaped = text.chars().map(|letter| match letter {
        letter if letter.is_alphanumeric() => letter.to_string(),
        letter => letter.escape_default().to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
