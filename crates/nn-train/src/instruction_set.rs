//! The instruction set of a training run, on which the last bits of the weights depend.

use nn_settings::{Error, Result};
use nn_tensor::InstructionSet;
use serde_json::Value;

/// Checks the environment variable `NN_INSTRUCTION_SET`.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) if this processor lacks the
/// instruction set.
pub fn check() -> Result<()> {
    InstructionSet::requested().map(drop).map_err(|error| {
        let available: Vec<_> = InstructionSet::available()
            .map(InstructionSet::name)
            .collect();
        Error::usage(error).with_help(format!(
            "unset {}, or set it to an instruction set of this processor: {}",
            InstructionSet::VARIABLE,
            available.join(", ")
        ))
    })
}

/// The name of the instruction set in use.
pub fn name() -> &'static str {
    InstructionSet::current().name()
}

/// Returns a warning if the checkpoint was made with a different instruction set. Checkpoints of
/// program versions that did not record the instruction set are accepted.
pub fn difference(recorded: &Value) -> Option<String> {
    let recorded = recorded.as_str()?;
    (recorded != name()).then(|| {
        format!(
            "the checkpoint was made with the instruction set {recorded}, but this run uses {}; \
             the weights may differ from the weights of an uninterrupted run",
            name()
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_instruction_set_is_reported() {
        assert_eq!(difference(&json!(name())), None);
        assert_eq!(difference(&Value::Null), None);
        let other = difference(&json!("other")).expect("it differs");
        assert!(other.contains("instruction set other, "), "{other}");
    }
}
