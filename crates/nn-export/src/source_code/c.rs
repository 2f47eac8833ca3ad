//! Writes a model as C99 source code.

use nn_core::Rows;

use super::{functions, lines, outputs_sentence};
use crate::buffers::Buffer;
use crate::error::Result;
use crate::exported_model::ExportedModel;
use crate::outcome::{ClassRule, Outcome};
use crate::program::{Argument, Call, Constants, Part, Program};

const RUNTIME: &str = include_str!("../../runtime/runtime.c");

impl ExportedModel<'_> {
    /// Writes the model as a C99 file without dependencies.
    ///
    /// The file defines `NN_INPUTS`, `NN_OUTPUTS` and
    /// `void nn_predict(const float *values, float *output)`; a classifier also has
    /// `int nn_class(const float *output)` and `nn_class_names`. With the macro
    /// `NN_SELF_TEST`, the file is a program that predicts the rows of `self_test` and compares
    /// the outputs.
    ///
    /// With the macro `NN_EXACT`, the outputs have the bits of
    /// [`predict_with_network`](Self::predict_with_network) on a processor with fused
    /// multiply-add. The code then needs the C library's `fmaf`. Networks of dense layers
    /// without batch normalization, on pixels or plain rows, with every activation function except
    /// gelu, mish and softplus, can be exact; for others, the macro is a compile-time error.
    ///
    /// # Shapes
    /// `self_test [n_rows, n_values]`
    ///
    /// # Errors
    /// Returns [`Error::Unsupported`](crate::Error::Unsupported) for an activation function
    /// without source code, and the errors of
    /// [`predict_with_network`](Self::predict_with_network) for the rows.
    pub fn to_c(&self, self_test: &Rows<'_, f32>) -> Result<String> {
        let program = Program::new(self.graph())?;
        let mut text = self.c_header();
        text += &functions(RUNTIME, "/*: ", "*/", &program);
        for (index, table) in program.tables.iter().enumerate() {
            let name = format!("nn_{}_{index}", table.what);
            text += &c_table(&name, &table.constants);
        }
        text += "\nvoid nn_predict(const float *values, float *output)\n{\n";
        for (index, size) in program.buffers.iter().enumerate() {
            text += &format!("    float {}[{size}];\n", buffer_name(index));
        }
        if program.n_int8 > 0 {
            text += &format!("    int8_t q[{}];\n", program.n_int8);
        }
        if program.calls.iter().any(|call| call.n_rows > 1) {
            text += "    int i;\n";
        }
        for call in &program.calls {
            text += &c_call(call, &program);
        }
        text += "}\n";
        text += &self.c_names();
        text += &self.c_self_test(self_test)?;
        Ok(text)
    }

    fn c_header(&self) -> String {
        let mut text = format!(
            "/* A neural network, written by nn {}.\n\n",
            env!("CARGO_PKG_VERSION")
        );
        text += "   nn_predict computes the output of one row of values:\n";
        for line in self.value_lines() {
            text += &format!("     {line}\n");
        }
        text += &format!("   {}\n\n", outputs_sentence(self.outcome()));
        text += "   Self-test: cc -std=c99 -DNN_SELF_TEST FILE.c -lm && ./a.out */\n\n";
        text += "#include <stdint.h>\n\n";
        text += &self.c_exactness();
        text += "#if defined(__clang__)\n#pragma STDC FP_CONTRACT OFF\n#endif\n\n";
        text += &format!("#define NN_INPUTS {}\n", self.values().len());
        text += &format!("#define NN_OUTPUTS {}\n\n", self.n_outputs());
        text + "void nn_predict(const float *values, float *output);\n\n"
    }

    /// What the macro `NN_EXACT` needs.
    fn c_exactness(&self) -> String {
        let needed = match self.inexact_part() {
            None => "#include <math.h>".to_owned(),
            Some(part) => {
                let problem = format!("NN_EXACT: this model has {part}");
                format!("#error {}", c_string(&problem))
            }
        };
        format!("#ifdef NN_EXACT\n{needed}\n#endif\n\n")
    }

    /// The names of the classes or outputs, and the function that chooses a class.
    fn c_names(&self) -> String {
        let (singular, names) = match self.outcome() {
            Outcome::Classes { names, .. } => ("class", names),
            Outcome::Labels { names, .. } => ("label", names),
            Outcome::Values { names } => ("output", names),
        };
        let mut text = format!(
            "\nextern const char *const nn_{singular}_names[{0}];\nconst char *const \
             nn_{singular}_names[{0}] = {{\n",
            names.len()
        );
        text += &lines(names, 1, |name| c_string(name));
        text += "};\n";
        if let Outcome::Labels { thresholds, .. } = self.outcome() {
            text += &format!(
                "\n/* A label is predicted if its output is at least its threshold. */\nextern const \
                 float nn_label_thresholds[{0}];\nconst float nn_label_thresholds[{0}] = {{\n{1}}};\n",
                thresholds.len(),
                lines(thresholds, 8, |&it| c_float(it))
            );
        }
        let Outcome::Classes { rule, .. } = self.outcome() else {
            return text;
        };
        text += "\n/* The index of the predicted class. */\nint nn_class(const float *output);\n";
        text += "int nn_class(const float *output)\n{\n";
        text += &match rule {
            ClassRule::Above(threshold) => {
                format!("    return output[0] > {} ? 1 : 0;\n", c_float(*threshold))
            }
            ClassRule::AtLeast(threshold) => {
                format!("    return output[1] >= {} ? 1 : 0;\n", c_float(*threshold))
            }
            ClassRule::Largest => {
                "    int best = 0, i;\n    for (i = 1; i < NN_OUTPUTS; i++)\n        \
                 if (output[i] > output[best])\n            best = i;\n    return best;\n"
                    .to_owned()
            }
        };
        text + "}\n"
    }

    fn c_self_test(&self, rows: &Rows<'_, f32>) -> Result<String> {
        if rows.n_rows() == 0 {
            return Ok(String::new());
        }
        let mut text = "\n#ifdef NN_SELF_TEST\n#include <math.h>\n#include <stdio.h>\n".to_owned();
        let values = Constants::Floats(rows.as_slice().to_vec());
        text += &c_table("nn_test_values", &values);
        text += &c_table(
            "nn_test_outputs",
            &Constants::Floats(self.expected_outputs(rows)?),
        );
        text += &format!(
            "int main(void)
{{
    const int n_rows = {};
    float output[NN_OUTPUTS], largest = 0.0f;
    int row, i;
    for (row = 0; row < n_rows; row++) {{
        nn_predict(nn_test_values + row * NN_INPUTS, output);
        for (i = 0; i < NN_OUTPUTS; i++) {{
            float expected = nn_test_outputs[row * NN_OUTPUTS + i];
            float difference = fabsf(output[i] - expected) / fmaxf(1.0f, fabsf(expected));
            if (!(difference <= largest))
                largest = difference;
        }}
    }}
    printf(\"%d rows, largest difference %g\\n\", n_rows, (double)largest);
    return largest <= {} ? 0 : 1;
}}
#endif
",
            rows.n_rows(),
            c_float(self.self_test_tolerance())
        );
        Ok(text)
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
fn c_call(call: &Call, program: &Program) -> String {
    let n_rows = call.n_rows;
    let arguments = call.arguments.iter();
    let arguments = arguments.map(|it| c_argument(it, program, n_rows > 1));
    let arguments: Vec<String> = arguments.collect();
    let function_call = format!("nn_{}({});\n", call.function, arguments.join(", "));
    match n_rows {
        1 => format!("    {function_call}"),
        _ => format!("    for (i = 0; i < {n_rows}; i++)\n        {function_call}"),
    }
}

/// An argument; in a loop, that of row i.
fn c_argument(argument: &Argument, program: &Program, is_in_loop: bool) -> String {
    match argument {
        Argument::Read(part) | Argument::Write(part) => c_part(part, is_in_loop),
        Argument::ReadInt8(len) | Argument::WriteInt8(len) => match is_in_loop {
            true => format!("q + i * {len}, {len}"),
            false => format!("q, {len}"),
        },
        Argument::Table(index) => format!("nn_{}_{index}", program.tables[*index].what),
        Argument::Float(number) => c_float(*number),
        Argument::Integer(number) => number.to_string(),
    }
}

/// A pointer and the number of values.
fn c_part(part: &Part, is_in_loop: bool) -> String {
    let mut buffer = match part.buffer {
        Buffer::Values => "values".to_owned(),
        Buffer::Output => "output".to_owned(),
        Buffer::Local(index) => buffer_name(index),
    };
    if is_in_loop {
        buffer += &format!(" + i * {}", part.row_width);
    }
    match part.start {
        0 => format!("{buffer}, {}", part.len),
        start => format!("{buffer} + {start}, {}", part.len),
    }
}

fn c_table(name: &str, constants: &Constants) -> String {
    let (element, len, values) = match constants {
        Constants::Floats(values) => ("float", values.len(), lines(values, 8, |&it| c_float(it))),
        Constants::Integers(values) => (
            "int32_t",
            values.len(),
            lines(values, 16, ToString::to_string),
        ),
        Constants::Int8(values) => (
            "int8_t",
            values.len(),
            lines(values, 24, ToString::to_string),
        ),
    };
    format!("\nstatic const {element} {name}[{len}] = {{\n{values}}};\n")
}

/// The shortest decimal number that gives the same bits.
fn c_float(number: f32) -> String {
    match number.is_nan() {
        true => "NAN".to_owned(),
        false => format!("{number:?}f"),
    }
}

fn c_string(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        // A question mark could begin a trigraph.
        b'"' | b'\\' | b'?' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        byte => format!("\\{byte:03o}"),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(c_string("a\"b\\??=\n"), r#""a\"b\\\?\?=\012""#);
        assert_eq!(c_string("ü7"), r#""\303\2747""#);
    }

    #[test]
    fn numbers_are_read_back_as_they_were_written() {
        for number in [
            0.1_f32,
            -1e-40,
            3.0,
            16_777_216.0,
            f32::MIN_POSITIVE,
            f32::MAX,
        ] {
            let text = c_float(number);
            let read: f32 = text.trim_end_matches('f').parse().unwrap();
            assert_eq!(read.to_bits(), number.to_bits(), "{text}");
        }
    }
}
