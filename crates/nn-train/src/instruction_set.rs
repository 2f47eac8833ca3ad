//! The instruction set of a training run: the last bits of its weights depend on
//! it.

use nn_tensor::InstructionSet;
use serde_json::Value;

use crate::error::{Error, Result};

/// Checks the environment variable `NN_INSTRUCTION_SET`.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if this processor lacks the
/// instruction set.
pub fn check() -> Result<()> {
    InstructionSet::requested().map(drop).map_err(|error| {
        let available: Vec<_> = InstructionSet::available()
            .map(InstructionSet::name)
            .collect();
        Error::usage(error).with_help(format!(
            "unset {}, or set it to one that this processor has: {}",
            InstructionSet::VARIABLE,
            available.join(", ")
        ))
    })
}

/// The name of the set in use.
pub fn name() -> &'static str {
    InstructionSet::current().name()
}

/// What differs, if the set recorded in a checkpoint's note is not the one in
/// use. Checkpoints of versions that recorded none pass.
pub fn difference(recorded: &Value) -> Option<String> {
    let recorded = recorded.as_str()?;
    (recorded != name()).then(|| {
        format!(
            "the checkpoint was made with the instruction set {recorded}, this training uses {}; \
             the weights may differ from those of an unbroken run",
            name()
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_set_is_noticed_and_none_is_no_other() {
        assert_eq!(difference(&json!(name())), None);
        assert_eq!(difference(&Value::Null), None);
        let other = difference(&json!("other")).expect("it differs");
        assert!(other.contains("instruction set other, "), "{other}");
    }
}
