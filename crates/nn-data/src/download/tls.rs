//! The cryptography provider for HTTPS.
//!
//! `reqwest` is built without its default provider, which needs a C compiler; the
//! `Cargo.toml` of this crate explains the choice.

use rustls::crypto::CryptoProvider;

use crate::error::{Error, Result};

/// Installs a cryptography provider, unless the process already has one.
pub(super) fn ensure_provider() -> Result<()> {
    if CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    let missing = missing(&processor_features());
    if !missing.is_empty() {
        return Err(Error::UnsupportedProcessor { missing });
    }
    // An error means that another thread has installed one.
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

/// The instructions that graviola needs (its README, "Limitations"); it panics
/// without them.
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
