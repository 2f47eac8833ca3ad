//! A random value that only this server and those it tells know.

use std::fmt::{Debug, Formatter};

use nn_train::{Error, ErrorKind, Result};

/// Random bytes of a secret: 128 bits cannot be guessed.
const N_BYTES: usize = 16;

/// 128 random bits from the operating system, as hexadecimal digits.
pub(super) struct Secret(String);

impl Secret {
    /// A new secret.
    pub(super) fn random() -> Result<Self> {
        let mut bytes = [0; N_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::new(
                ErrorKind::Io,
                format!("the system has no random numbers: {error}"),
            )
        })?;
        Ok(Self(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// The digits, for those that may know them.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether `candidate` is the whole secret. Takes the same time wherever
    /// the first difference is, so that it cannot be found digit by digit.
    pub(super) fn is(&self, candidate: &[u8]) -> bool {
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
    /// Without the digits: what is printed while debugging may be kept.
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
