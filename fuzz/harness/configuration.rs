//! What must hold for any bytes read as a configuration file.

use std::path::Path;

use nn_settings::Settings;

/// Settings that are read can be written and read again the same, and merged
/// with nothing they stay what they are.
pub(crate) fn check(bytes: &[u8]) {
    let path = Path::new("x.toml");
    let Ok(settings) = Settings::parse(path, bytes) else {
        return;
    };
    let written = settings.to_toml();
    let again = Settings::parse(path, written.as_bytes()).expect("just written");
    // Not the settings are compared: a rate of nan is not itself.
    assert_eq!(again.to_toml(), written);
    assert_eq!(settings.or(&Settings::default()).to_toml(), written);
    let _ = again.to_json();
}
