//! A random secret shared by the server and its authorized clients.

use std::fmt::{Debug, Formatter};

use nn_train::{Error, ErrorKind, Result};

/// Number of random bytes: 128 bits cannot be guessed.
const N_BYTES: usize = 16;

/// 128 random bits from the operating system, as hexadecimal digits.
pub(crate) struct Secret(String);

impl Secret {
    /// A new secret.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; N_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| {
            let problem = format!("the operating system could not provide random numbers: {error}");
            Error::new(ErrorKind::Io, problem)
        })?;
        Ok(Self(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// The hexadecimal digits.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is the whole secret. The time does not depend on the position
    /// of the first difference (no timing attack digit by digit).
    pub(crate) fn is(&self, candidate: &[u8]) -> bool {
        let ours = self.0.as_bytes();
        ours.len() == candidate.len()
            && ours
                .iter()
                .zip(candidate)
                .fold(0, |all, (a, b)| all | (a ^ b))
                == 0
    }
}

impl Debug for Secret {
    /// Without the digits: debug output may end up in a log.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_are_not_shown() {
        let [a, b] = [(), ()].map(|()| Secret::random().expect("random numbers"));
        assert_eq!(a.text().len(), 2 * N_BYTES);
        assert_ne!(a.text(), b.text());
        assert!(!format!("{a:?}").contains(a.text()));
    }

    #[test]
    fn only_the_whole_secret_is_accepted() {
        let secret = Secret::random().expect("random numbers");
        let text = secret.text();
        assert!(secret.is(text.as_bytes()));
        let longer = format!("{text}0");
        for wrong in ["", &text[1..], &text[..31], &longer] {
            assert!(!secret.is(wrong.as_bytes()), "{wrong:?}");
        }
        for place in 0..text.len() {
            let mut wrong = text.as_bytes().to_vec();
            wrong[place] ^= 1;
            assert!(!secret.is(&wrong), "digit {place}");
        }
    }
}
