//! The cryptography behind https.
//!
//! `reqwest` is built without one of its own, which would be written in C; see
//! this crate's `Cargo.toml` for the choice made here.

use rustls::crypto::CryptoProvider;

use crate::error::{Error, Result};

/// Sees to it that this process has a provider of cryptography. One that the
/// program has installed itself is left alone.
pub(super) fn ensure_provider() -> Result<()> {
    if CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    let missing = missing(&processor_features());
    if !missing.is_empty() {
        return Err(Error::UnsupportedProcessor { missing });
    }
    // An error means that another thread has been faster.
    provider().install_default().ok();
    Ok(())
}

fn missing(features: &[(&'static str, bool)]) -> Vec<&'static str> {
    let absent = features.iter().filter(|(_, present)| !present);
    absent.map(|&(name, _)| name).collect()
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn provider() -> CryptoProvider {
    rustls_graviola::default_provider()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

/// The instructions that graviola wants (its README, "Limitations"); it panics
/// where one is absent.
#[cfg(target_arch = "x86_64")]
fn processor_features() -> Vec<(&'static str, bool)> {
    vec![
        ("aes", is_x86_feature_detected!("aes")),
        ("pclmulqdq", is_x86_feature_detected!("pclmulqdq")),
        ("ssse3", is_x86_feature_detected!("ssse3")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi1", is_x86_feature_detected!("bmi1")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("adx", is_x86_feature_detected!("adx")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn processor_features() -> Vec<(&'static str, bool)> {
    use std::arch::is_aarch64_feature_detected;
    vec![
        ("neon", is_aarch64_feature_detected!("neon")),
        ("aes", is_aarch64_feature_detected!("aes")),
        ("pmull", is_aarch64_feature_detected!("pmull")),
        ("sha2", is_aarch64_feature_detected!("sha2")),
    ]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn processor_features() -> Vec<(&'static str, bool)> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_instructions_are_named() {
        let features = [("aes", true), ("adx", false), ("avx2", false)];
        assert_eq!(missing(&features), ["adx", "avx2"]);
    }
}
